"""A hall killed at any point between seal, draft, signature, number, message, file and answer goes on as if it had not been.

While a hall does all of it once, its files are copied before every statement that writes and before every commit: what a SIGKILL
there leaves on the disk. From every state that differs another hall goes on by what it finds, and must come to the same.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central import (
    answering,
    case_paper,
    document,
    document_check,
    drafted,
    drafting,
    judge,
    seal,
    telling,
    unit_paper,
)
from central.answering import By
from central.core.access import Role
from central.core.correction import Event
from central.core.document import Kind, decoded
from central.core.dossier import File
from central.core.item import Item
from central.correction_paper import Desk, Words
from central.seal import Picture, Who
from central.store import answers, corrections, documents, drafts, items, scope, seals
from central.store import tables as t
from central.store.engine import Store, open_store
from common.core import crypto
from tests import halls
from tests.contract.test_corrections import faults
from tests.contract.test_documents import drawn
from tests.contract.test_law import Driven
from tests.contract.test_letters import WORDS
from tests.contract.test_store import NOW, ZONE, box_row, sent
from tests.copied import Camera
from tests.correcting import HEAD, OTHER, SIGNER, TO_SIGN, desk, moved, raised, row_of, signed
from tests.keyed import keyed
from tests.papers import ISSUER, SECRET, seal_picture
from tests.sender import case, passed

PICTURE = Picture(issuer="jcj", body=seal_picture(300), millimetres=42, is_drawn=True)
OFFICE = unit_paper.Office("s01", "云溪镇")
LETTERS = (Kind.ONE_TIME, Kind.DISPLAY, Kind.PROPOSAL)
ANSWER = Words(reason="已经补正并采纳", files=(File("函.pdf", b"%PDF-1.7 answer"),))


async def prepared(folder: Path) -> tuple[Store, Desk]:
    """A hall with an office that has a login, a silent case, an item that lacks something, late cases, and an order that was issued."""
    store = await open_store(await halls.empty(folder))
    late: dict[str, Any] = {
        "accepted_at": "2026-01-12",
        "promised": 3,
        "legal": 20,
        "item_name": "食品经营许可",
    }
    own = {"name": "head", "role": "head", "password": "!", "must_change": False, "disabled": False}
    async with store.write() as conn:
        await conn.execute(insert(t.site).values(id="s01", name="云溪镇", kind="township", position=0))
        await conn.execute(insert(t.box), [box_row(1)])
        await conn.execute(insert(t.user).values(**own, created_wall=0))
        await scope.give(conn, "head", ["s01"], [])
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
        await items.add(conn, [Item("SX2", "取水许可", 20, 10, receipt_counts=True)], "w", "test", 0)
        world = await judge.load_world(conn, ZONE)
    silent = case("1", item_code="SX2", received_at="2026-03-16T10:00")
    await sent(store, world, [silent, case("2", **late), passed(NOW)])
    table = desk(Driven(NOW), world.calendar)
    number = await raised(store, table)
    await moved(store, number, table, *TO_SIGN, (Event.ISSUE, SIGNER))
    return store, table


async def go_on(store: Store, table: Desk) -> None:
    """Do what is not done yet, an act to a transaction, as the console does."""
    async with store.read() as conn:
        known = await seals.listed(conn)
    if not known:
        async with store.write() as conn:
            await seal.upload(conn, PICTURE, Who("jian", Role.SUPERVISOR, "启用新印章"), table.clock)
    if not known or known[0].confirmed_wall is None:
        async with store.write() as conn:
            (waiting,) = await seals.listed(conn)
            await seal.confirm(conn, waiting.id, Who("ling", Role.CHIEF), table.clock)
    for kind in LETTERS:
        await letter(store, kind, table)
    if (await row_of(store, 1)).state == "issued":
        await moved(store, 1, table, (Event.RECEIVE, HEAD))
    async with store.read() as conn:
        (paper,) = await corrections.papers(conn, 1)
    if paper.code is None:
        await signed(store, 1, Kind.EXPLAIN, OTHER, table)
    await document.finish_all(store, drawn, SECRET)
    async with store.read() as conn:
        letters = [row for row in await documents.everything(conn, "", 99) if row.site]
        left = [row for row in letters if not await answers.of(conn, row.code)]
    for row in left:
        async with store.write() as conn:
            await answering.give(conn, row, 0, ANSWER, By("head", Role.HEAD), table)


async def letter(store: Store, kind: Kind, table: Desk) -> None:
    async with store.read() as conn:
        if any(row.kind == kind for row in await documents.everything(conn, "", 99)):
            return
        waiting = [row.id for row in await drafts.waiting(conn) if row.kind == kind]
    async with store.write() as conn:
        number = waiting[0] if waiting else await draft(conn, kind, table)
    async with store.read() as conn:
        row = await drafts.one(conn, number)
        assert row is not None
        said = await drafted.today(conn, row, table)
    async with store.write() as conn:
        row, code = await drafting.sign(conn, number, 0, "ling", Role.CHIEF, said, table)
        await telling.of_letter(conn, row, code, table)


async def draft(conn: AsyncConnection, kind: Kind, table: Desk) -> int:
    if kind is Kind.ONE_TIME:
        return await case_paper.draft(conn, "s01", "1", kind, "", "jian", table)
    if kind is Kind.DISPLAY:
        return await unit_paper.draft_display(conn, "SX2", OFFICE, "", "jian", table)
    return await unit_paper.draft_proposal(conn, "L42-P", "2026-01", OFFICE, WORDS, "", "jian", table)


async def picture(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is to be there once: without the clock of the wall, which goes on."""
    one, told, line = t.document.c, t.message.c, t.audit_line.c
    wanted = {
        "documents": (one.number_text, one.code, one.subject, one.paper, one.facts, one.pdf, one.docx),
        "numbers": (t.document_series.c.kind, t.document_series.c.last),
        "drafts": (t.document_draft.c.id, t.document_draft.c.kind, t.document_draft.c.code),
        "messages": (told.event, told.rung, told.channel, told.person, told.title, told.text),
        "audit": (line.who, line.act, line.subject),
        "seals": (t.issuer_seal.c.id, t.issuer_seal.c.digest, t.issuer_seal.c.confirmed_by),
        "answers": (t.document_answer.c.code, t.document_answer.c.number, t.document_answer.c.reason),
        "dossier": (t.correction_event.c.number, t.correction_event.c.event, t.correction_event.c.code),
        "files": (t.document_file.c.digest, t.document_file.c.body),
    }
    async with store.read() as conn:
        return {
            name: sorted(tuple(row) for row in await conn.execute(select(*columns)))
            for name, columns in wanted.items()
        }


async def test_killed_at_any_point_each_act_and_its_number_message_and_file_is_there_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "hall").mkdir()
    (tmp_path / "copies").mkdir()
    store, table = await prepared(tmp_path / "hall")
    camera = Camera(tmp_path / "hall", tmp_path / "copies", store)
    await go_on(store, table)
    camera.take()
    whole = await picture(store)
    await store.close()
    assert [len(whole[name]) for name in ("documents", "seals", "answers")] == [5, 1, 3]
    assert {row[1] for row in whole["numbers"]} == {1}
    assert camera.points > 80
    assert len(camera.copies) > 12, "an act to a transaction"
    for place in camera.copies:
        again = await open_store(keyed(place / "central.db"))
        await go_on(again, table)
        assert await picture(again) == whole, place.name
        assert await faults(again) == []
        async with again.read() as conn:
            assert await document_check.check_all(conn, crypto.sign_public(SECRET), 9) == (5, [])
            papers = [decoded(row.paper) for row in await documents.everything(conn, "", 9)]
        assert sum(paper.seal is not None for paper in papers) == 4, "all but the order, which was before it"
        await again.close()
