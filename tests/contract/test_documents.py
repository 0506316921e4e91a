"""Documents over both databases: a number exists if and only if its document does, whoever signs or dies meanwhile."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from central import document
from central.core.access import Role
from central.core.document import Issuer, Kind, Paper, decoded, encoded
from central.store import documents
from central.store import tables as t
from central.store.engine import Store, open_store
from common.clock import Clock
from common.core import crypto
from common.core.errors import RejectedError, UsageError
from common.core.instant import to_us
from tests import halls
from tests.contract.issuing import ZONE, order
from tests.contract.test_store import ENGINES
from tests.papers import FACTS, ISSUER, SECRET

KEY = crypto.sign_public(SECRET)


@pytest.fixture(params=ENGINES)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    return await halls.empty(tmp_path, server)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await open_store(url)
    async with opened.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
    yield opened
    await opened.close()


class At(Clock):
    """Stands where the test puts it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.now = to_us(datetime.fromisoformat(text).replace(tzinfo=ZONE))

    def office(self, mono: int | None = None) -> int:
        return self.now


NOW = At("2026-06-11T08:00")


async def issued(store: Store, subject: str, kind: Kind = Kind.PROPOSAL, clock: Clock = NOW) -> str:
    async with store.write() as conn:
        return await document.issue(conn, order(subject, kind), SECRET, clock, ZONE)


async def numbers(store: Store, kind: Kind = Kind.PROPOSAL) -> Sequence[int]:
    query = select(t.document.c.number).where(t.document.c.kind == kind.value).order_by(t.document.c.number)
    async with store.read() as conn:
        return (await conn.execute(query)).scalars().all()


async def last(store: Store) -> int:
    async with store.read() as conn:
        return int(await conn.scalar(select(func.max(t.document_series.c.last))) or 0)


def drawn(paper: Paper, _seal: bytes | None = None) -> tuple[bytes, bytes, bool]:
    """Stands for the typesetter where the test is of what becomes of its files."""
    return b"pdf " + encoded(paper), b"docx " + encoded(paper), True


async def test_numbers_have_no_gap_however_many_sign_at_once_and_roll_back(store: Store) -> None:
    chance = random.Random(8)
    fate = [chance.random() < 0.3 for _ in range(50)]

    async def sign(place: int) -> None:
        with suppress(ZeroDivisionError):
            async with store.write() as conn:
                await document.issue(conn, order(f"case/{place}"), SECRET, NOW, ZONE)
                await asyncio.sleep(0)
                _ = 1 / (not fate[place])

    await asyncio.gather(*(sign(place) for place in range(50)))
    assert await numbers(store) == list(range(1, fate.count(False) + 1))
    assert await last(store) == fate.count(False)
    await asyncio.gather(*(issued(store, f"case/{place}") for place in range(50)))
    assert await numbers(store) == list(range(1, 51))


async def test_the_same_act_signed_twice_at_once_is_one_document(store: Store) -> None:
    codes = await asyncio.gather(*(issued(store, "case/1") for _ in range(8)))
    assert len(set(codes)) == 1
    assert await numbers(store) == [1]


async def test_each_issuer_kind_and_year_counts_for_itself(store: Store) -> None:
    other = Issuer("zwzx", "云州市政务中心", "云州市政务中心", "云政", "云州市政务中心", date(2020, 1, 1))
    async with store.write() as conn:
        await documents.set_issuer(conn, other, "w", "设置", 0)
        with pytest.raises(UsageError, match="机关代字"):
            await documents.set_issuer(conn, replace(other, id="third", mark=ISSUER.mark), "w", "设置", 0)
    eve, day = At("2026-12-31T23:59"), At("2027-01-01T00:00")
    facts = replace(FACTS, answer_by=date(2027, 1, 8))
    async with store.write() as conn:
        for clock, issuer, kind in [
            (eve, "jcj", Kind.PROPOSAL),
            (eve, "jcj", Kind.CIRCULAR),
            (eve, "zwzx", Kind.CIRCULAR),
            (day, "jcj", Kind.CIRCULAR),
        ]:
            one = replace(order(f"{clock.now}/{issuer}", kind), issuer=issuer, facts=facts)
            await document.issue(conn, one, SECRET, clock, ZONE)
    async with store.read() as conn:
        found = {row.number_text for row in await documents.listed(conn, "", 10)}
        marks = {f"{row.issuer} {row.kind} {row.year}": row.last for row in await documents.series(conn)}
    assert found == {"云监建〔2026〕1号", "云监通〔2026〕1号", "云政通〔2026〕1号", "云监通〔2027〕1号"}
    assert set(marks.values()) == {1}


async def test_killed_processes_leave_no_gap(url: str, store: Store) -> None:
    """Three processes sign side by side; two are killed in the middle of it, then the third."""
    command = [sys.executable, "-m", "tests.contract.issuing", url]
    running = [
        await asyncio.create_subprocess_exec(*command, name, stdout=asyncio.subprocess.PIPE)
        for name in ("a", "b", "c")
    ]
    try:
        said = [0, 0, 0]
        for place, process in enumerate(running):
            assert process.stdout is not None
            while said[place] < 5:
                assert await asyncio.wait_for(process.stdout.readline(), 60)
                said[place] += 1
            process.kill()
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
            await process.wait()
    after = await numbers(store)
    assert len(after) >= sum(said)
    assert after == list(range(1, len(after) + 1))
    await issued(store, "after")
    assert await numbers(store) == [*after, len(after) + 1]


async def test_who_may_not_sign_takes_no_number(store: Store) -> None:
    async with store.write() as conn:
        for fault in ({"drafter": "signer"}, {"role": Role.SUPERVISOR}):
            with pytest.raises(RejectedError):
                await document.issue(conn, replace(order("case/1"), **fault), SECRET, NOW, ZONE)
        with pytest.raises(UsageError, match="没有发文机关"):
            await document.issue(conn, replace(order("case/1"), issuer="nobody"), SECRET, NOW, ZONE)
        bare = replace(order("case/1"), facts=replace(FACTS, reason=None))
        with pytest.raises(UsageError, match="理由"):
            await document.issue(conn, bare, SECRET, NOW, ZONE)
    assert await last(store) == 0
    assert await numbers(store) == []


async def test_files_are_made_once_of_what_was_frozen_and_signed(store: Store) -> None:
    code = await issued(store, "case/1")
    renamed = replace(ISSUER, name="云州市监察委员会", letterhead="云州市监察委员会")
    async with store.write() as conn:
        await documents.set_issuer(conn, renamed, "w", "机构改革", 1)
    assert await document.finish_all(store, drawn, SECRET) == 1
    assert await document.finish_all(store, drawn, SECRET) == 0
    async with store.read() as conn:
        row = await documents.find(conn, code)
        assert row is not None
        pdf = await documents.body(conn, row.pdf)
    assert pdf is not None
    assert sha256(pdf).digest() == row.pdf
    assert pdf == drawn(decoded(row.paper))[0]
    assert "云州市监察局" in decoded(row.paper).signed_by
    assert document.is_signed(row, KEY)
    assert not document.is_signed(row, crypto.sign_public(bytes(32)))
    async with store.write() as conn:
        again = documents.Files(b"other", b"other", preview=False, signature=b"")
        assert not await documents.keep_files(conn, code, again)
        assert await documents.find_by_file(conn, sha256(b"other").digest()) is None
        assert await documents.spoil(conn, code, "w", "文号写错", 5)
        assert not await documents.spoil(conn, code, "w", "再次", 6)
    await issued(store, "case/2")
    assert await numbers(store) == [1, 2]


async def test_one_that_cannot_be_made_holds_up_no_other(store: Store) -> None:
    await issued(store, "case/1")
    await issued(store, "case/2")

    def picky(paper: Paper, seal: bytes | None) -> tuple[bytes, bytes, bool]:
        if paper.number.endswith("〕1号"):
            raise RejectedError("排不下", hint="请联系软件维护人员")
        return drawn(paper)

    assert await document.finish_all(store, picky, SECRET) == 1
    assert await document.finish_all(store, drawn, SECRET) == 1


async def test_what_is_signed_is_made_at_once_and_what_cannot_be_is_not_tried_at_each_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who signs waits for the time after which a failure is tried again."""
    monkeypatch.setattr(document, "LOOK_SECS", 0.001, raising=False)
    monkeypatch.setattr(document, "RETRY_SECS", 3600.0)
    monkeypatch.setattr(document, "PAGE", 2)
    tried: list[str] = []

    def picky(paper: Paper, seal: bytes | None) -> tuple[bytes, bytes, bool]:
        tried.append(paper.number)
        if paper.number.endswith(("〕1号", "〕2号")):
            raise RejectedError("排不下", hint="请联系软件维护人员")
        return drawn(paper)

    running = asyncio.create_task(document.run(store, picky, SECRET))
    try:
        async with asyncio.timeout(60):
            for place in range(1, 6):
                code = await issued(store, f"case/{place}")
                while place > 2 and not await _is_made(store, code):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert len(tried) == len(set(tried)) == 5


async def _is_made(store: Store, code: str) -> bool:
    async with store.read() as conn:
        row = await documents.find(conn, code)
    return row is not None and row.pdf is not None
