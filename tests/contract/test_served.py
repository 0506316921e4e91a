"""What follows the service of an order, over both databases: who has received it is ordered to explain; a receipt on paper serves too."""

from datetime import date

import pytest
from msgspec.structs import replace
from sqlalchemy import insert

from central import correction_paper
from central.core import document as documents_core
from central.core.correction import Event
from central.core.document import Kind
from central.core.dossier import File
from central.core.scope import EVERYTHING
from central.judge import World
from central.store import corrections, documents, scope
from central.store import issued as issued_store
from central.store import tables as t
from central.store.engine import Store
from common.core.errors import RejectedError
from common.core.instant import DAY
from tests.contract.test_corrections import events, faults, issuer
from tests.contract.test_law import Driven
from tests.contract.test_store import NOW, at, store, world
from tests.correcting import (
    HEAD,
    OTHER,
    REVIEWER,
    SIGNER,
    TO_SIGN,
    WORDS,
    desk,
    moved,
    raised,
    row_of,
    signed,
)

__all__ = ["issuer", "store", "world"]


async def test_who_has_received_an_order_is_asked_to_explain_by_the_day_that_it_named(
    store: Store, world: World
) -> None:
    """责令说明理由通知书 waits for a chief, by the clock's own day; nobody signs it once the office has explained."""
    table = desk(Driven(NOW), world.calendar)
    first, second = await raised(store, table), await raised(store, table, "k2")
    for number in (first, second):
        await moved(store, number, table, *TO_SIGN, (Event.ISSUE, SIGNER))
        with pytest.raises(RejectedError, match="不在待签"):
            await signed(store, number, Kind.EXPLAIN, OTHER, table)
        await moved(store, number, table, (Event.RECEIVE, HEAD))
    async with store.read() as conn:
        (paper,) = await corrections.papers(conn, first)
        order, *_ = await documents.of_subject(conn, f"correction/{first}")
    assert (paper.kind, paper.drafter, paper.code) == ("explain", "系统", None)
    last = "于2026年3月24日24时前"
    assert last in str(documents_core.decoded(order.paper).blocks)
    await signed(store, first, Kind.EXPLAIN, OTHER, desk(Driven(NOW + DAY), world.calendar))
    async with store.read() as conn:
        found = await documents.of_subject(conn, f"correction/{first}")
    words = str(documents_core.decoded(found[-1].paper).blocks)
    assert found[-1].number_text == "云监责〔2026〕1号"
    assert last in words
    assert f"本机关已以{order.number_text}文督办" in words
    assert "1．造成上述情形的原因" in words
    assert await events(store, first) == ["raise", "draft", "review", "issue", "receive", "sign"]
    await moved(store, second, table, (Event.APPEAL, HEAD))
    with pytest.raises(RejectedError, match="不在待签"):
        await signed(store, second, Kind.EXPLAIN, OTHER, table)
    await moved(store, second, table, (Event.DISMISS, OTHER), (Event.EXPLAIN, HEAD))
    async with store.read() as conn:
        assert await corrections.papers(conn, second) == []
    assert await faults(store) == []


async def test_a_receipt_on_paper_serves_who_has_no_login_by_its_own_day(store: Store, world: World) -> None:
    issued = desk(Driven(NOW), world.calendar)  # a Wednesday
    later = desk(Driven(at("2026-03-23T10:00")), world.calendar)
    number = await raised(store, issued)
    await moved(store, number, issued, *TO_SIGN, (Event.ISSUE, SIGNER))
    scan = File("回证.pdf", b"%PDF-1.7 scan")
    said = replace(WORDS, reason="当面送达，经办人签收", files=(scan,), day=date(2026, 3, 20))
    for words, why in (
        (replace(said, files=()), "须附回证"),
        (replace(said, files=(File("x.pdf", b"GIF89a"),)), "不是 PDF"),
        (replace(said, reason="好"), "4 至 2000"),
        (replace(said, day=None), "签收日期"),
        (replace(said, day=date(2026, 3, 17)), "早于文书签发"),
        (replace(said, day=date(2026, 3, 24)), "在今天之后"),
    ):
        with pytest.raises(RejectedError, match=why):
            await moved(store, number, later, (Event.SERVE, REVIEWER), words=words)
    for who in (SIGNER, HEAD):
        with pytest.raises(RejectedError, match="须由监察员"):
            await moved(store, number, later, (Event.SERVE, who), words=said)
    own = {"name": "head", "role": "head", "password": "!", "must_change": False, "disabled": False}
    async with store.write() as conn:
        await conn.execute(insert(t.user).values(**own, created_wall=0))
        await scope.give(conn, "head", ["s01"], [])
    with pytest.raises(RejectedError, match="有账号，由它自己签收"):
        await moved(store, number, later, (Event.SERVE, REVIEWER), words=said)
    async with store.write() as conn:
        await scope.give(conn, "head", [], [])
    await moved(store, number, later, (Event.SERVE, REVIEWER), words=said)
    one = await row_of(store, number)
    assert (one.state, one.due_day) == ("served", "2026-03-25"), "three working days from the receipt's day"
    async with store.read() as conn:
        entry = (await corrections.entries(conn, number))[-1]
        assert await documents.body(conn, bytes.fromhex(entry.files[0][1])) == scan.body
        assert entry.reason == "回证载明 2026-03-20 签收：当面送达，经办人签收"
        assert (entry.day, entry.who) == (date(2026, 3, 20), "s2")
        (paper,) = await corrections.papers(conn, number)
        assert paper.kind == "explain"
        receipt = (await issued_store.receipts(conn, [number]))[number]
        assert (receipt.event, receipt.day) == ("serve", "2026-03-20")
    with pytest.raises(RejectedError, match="已送达时不能"):
        await moved(store, number, later, (Event.SERVE, REVIEWER), words=said)
    assert await faults(store) == []


async def test_an_urging_names_no_day_beyond_its_clock_and_none_of_what_is_done(
    store: Store, world: World
) -> None:
    """Signed on the last day itself it names that day; once the office has done what it urges, nobody signs it."""
    table = desk(Driven(NOW), world.calendar)  # a Wednesday
    first, second = await raised(store, table), await raised(store, table, "k2")
    lapsed = desk(Driven(at("2026-03-20T00:00")), world.calendar)
    for number in (first, second):
        await moved(store, number, table, *TO_SIGN, (Event.ISSUE, SIGNER))
        await moved(store, number, lapsed, (Event.LAPSE, None))
        assert (await row_of(store, number)).due_day == "2026-03-23"
    last_day = desk(Driven(at("2026-03-23T16:00")), world.calendar)
    async with store.read() as conn:
        held = await corrections.one(conn, EVERYTHING, first)
        assert held is not None
        (paper,) = await corrections.papers(conn, first)
        shown = await correction_paper.preview_waiting(conn, held, paper, last_day)
    await signed(store, first, Kind.URGING, OTHER, last_day)
    async with store.read() as conn:
        urging = (await documents.of_subject(conn, f"correction/{first}"))[-1]
    said = documents_core.decoded(urging.paper)
    assert "请你单位于2026年3月23日24时前" in str(said.blocks)
    assert (shown.blocks, shown.number) == (said.blocks, "（签发时编号）"), (
        "what was shown before is what was signed"
    )
    await moved(store, second, last_day, (Event.RECEIVE, HEAD))
    with pytest.raises(RejectedError, match="不在待签"):
        await signed(store, second, Kind.URGING, OTHER, last_day)
    assert await faults(store) == []
