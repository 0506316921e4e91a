"""Corrections over both databases: one for each red light, one document for each act, whoever comes at once or dies meanwhile."""

import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, update

from central import correction_check, correction_clock, raising
from central.core.access import Role
from central.core.correction import Actor, Event, State
from central.core.document import Kind
from central.core.judgement import WithdrawalState
from central.core.snapshot import Snapshot
from central.judge import World
from central.store import corrections, documents, scope, withdrawals
from central.store import tables as t
from central.store.engine import Store
from common.address import with_key
from common.clock import Clock
from common.core.errors import RejectedError, UsageError
from common.core.instant import DAY, HOUR
from tests.contract.test_late import ENTERED, _live, story
from tests.contract.test_law import Driven
from tests.contract.test_store import NOW, at, sent, store, taken, world
from tests.correcting import (
    HEAD,
    OTHER,
    REVIEWER,
    SIGNER,
    SNAPSHOT,
    TO_SIGN,
    WORDS,
    desk,
    moved,
    raised,
    row_of,
    signed,
)
from tests.papers import ISSUER, SECRET
from tests.sender import case, passed

__all__ = ["store", "world"]


@pytest.fixture(autouse=True)
async def issuer(store: Store) -> None:
    async with store.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)


async def look(store: Store, world: World, now: int) -> int:
    return await correction_clock.look_once(store, world, Driven(now), SECRET, set())


async def rows(store: Store, table: Any) -> Sequence[Any]:
    async with store.read() as conn:
        return (await conn.execute(select(table))).all()


async def events(store: Store, number: int) -> list[str]:
    async with store.read() as conn:
        return [entry.event for entry in await corrections.entries(conn, number)]


async def faults(store: Store) -> list[str]:
    async with store.read() as conn:
        return (await correction_check.check_all(conn)).faults


async def test_a_red_light_raises_one_correction_however_often_and_by_how_many_it_is_told(
    store: Store, world: World
) -> None:
    drafts = story(ENTERED["a day late"])
    await _live(store, world, drafts)
    now = drafts[-1].cap_at + HOUR
    await asyncio.gather(*(look(store, world, now) for _ in range(4)))
    (one,) = await rows(store, t.correction)
    assert (one.state, one.unit, one.is_red) == ("raised", "云溪镇", True)
    async with store.write() as conn:
        await conn.execute(update(t.outbox).values(done_wall=None))
    await look(store, world, now)
    assert len(await rows(store, t.correction)) == 1
    assert [(row.subject, row.event) for row in await rows(store, t.correction_light)] == [("statute", "red")]
    frozen = (await rows(store, t.correction))[0].snapshot
    assert b"2026-03-10" in frozen, "the last day, as the clock counts it"
    assert await faults(store) == []


class Passing(Driven):
    """Midnight passes between one look at it and the next."""

    def office(self, mono: int | None = None) -> int:
        now, self.now = self.now, self.now + 2
        return now


async def test_a_light_at_midnight_raises_what_its_dossier_gives_again(store: Store, world: World) -> None:
    await raised(store, desk(Passing(at("2026-06-13T00:00") - 1), world.calendar))
    assert await faults(store) == []


async def test_a_crash_before_the_commit_raises_nothing_and_the_light_is_told_again(
    store: Store, world: World
) -> None:
    drafts = story(ENTERED["a day late"])
    await _live(store, world, drafts)
    now, at_desk = drafts[-1].cap_at, desk(Driven(drafts[-1].cap_at), world.calendar)
    with suppress(ZeroDivisionError):
        async with store.write() as conn:
            (told,) = [row for row in await rows(store, t.outbox) if row.event == "red"]
            assert await raising.take(conn, told, world, at_desk) is not None
            _ = 1 / 0
    assert [len(await rows(store, table)) for table in (t.correction, t.correction_event)] == [0, 0]
    await look(store, world, now)
    assert len(await rows(store, t.correction)) == 1


async def test_a_statutory_red_joins_the_correction_of_the_promise(store: Store, world: World) -> None:
    said: dict[str, Any] = {
        "item_code": "SX1",
        "item_name": "食品经营许可",
        "accepted_at": "2026-02-02",
        "org": "民政局",
    }
    sender = await sent(store, world, [case("1", **said), passed(at("2026-03-01T08:00"))], now=NOW)
    await look(store, world, NOW)
    sender.number(passed(NOW - HOUR))
    await taken(store, world, sender.payload(sender.newest), now=NOW)
    await look(store, world, NOW)
    (one,) = [row for row in await rows(store, t.correction) if row.is_red]
    assert (one.org, one.unit) == ("民政局", "民政局")
    reds = {row.subject for row in await rows(store, t.correction_light) if row.event == "red"}
    assert reds == {"promise", "statute"}
    assert await events(store, one.id) == ["raise", "join"]
    assert (corrections.snapshot_of(one).subject, corrections.snapshot_of(one).rule) == ("statute", "L42-1")
    assert b"L42-P" in one.snapshot, "what it began with stays frozen"
    async with store.write() as conn:
        await conn.execute(update(t.correction).values(graver=one.graver + b" "))
    assert "并入的事实" in (await faults(store))[0]
    async with store.write() as conn:
        await conn.execute(update(t.correction).values(graver=one.graver))
    async with store.write() as conn:
        await withdrawals.put(conn, [proposal("1", "statute")])
        place = "s01", "1", "statute", 1
        await withdrawals.decide(conn, place, WithdrawalState.WITHDRAWN, "王敏", "系统误判", NOW)
    await look(store, world, NOW)
    assert await events(store, one.id) == ["raise", "join", "light_withdrawn"]
    assert await faults(store) == []


def proposal(key: str, kind: str) -> dict[str, Any]:
    nobody = dict.fromkeys(("decided_by", "decided_why", "decided_wall"))
    return {
        "site": "s01", "case_key": key, "clock": kind, "cycle": 1, "reason": "绿灯", "proposed_at": NOW,
        "proposed_wall": NOW, "state": "proposed", **nobody,
    }  # fmt: skip


async def test_a_yellow_light_is_told_while_it_is_yellow_and_is_over_with_its_case(
    store: Store, world: World
) -> None:
    open_one: dict[str, Any] = {"accepted_at": "2026-03-12", "legal": 5}
    sender = await sent(store, world, [case("1", **open_one), case("2", **open_one), passed(NOW - HOUR)])
    sender.number(case("2", version=2, **open_one, finished_at="2026-03-18T09:00"), passed(NOW))
    await taken(store, world, sender.payload(sender.newest - 1), now=NOW + HOUR)
    await look(store, world, NOW + HOUR)
    (one,) = await rows(store, t.correction)
    assert (one.case_key, one.state, one.is_red) == ("1", "notified", False)
    async with store.read() as conn:
        (paper,) = await corrections.papers(conn, one.id)
    assert (paper.kind, paper.code) == ("warning", None)
    sender.number(case("1", version=2, **open_one, finished_at="2026-03-18T12:00"), passed(NOW + 3 * HOUR))
    await taken(store, world, sender.payload(sender.newest - 1), now=NOW + 4 * HOUR)
    await look(store, world, NOW + 4 * HOUR)
    assert (await row_of(store, one.id)).state == "closed"
    async with store.read() as conn:
        assert (await corrections.entries(conn, one.id))[-1].reason == "该时限已转为“正常”"
    assert await rows(store, t.document) == [], "a reminder that is over takes no number"
    with pytest.raises(RejectedError, match="不在待签"):
        await signed(store, one.id, Kind.WARNING, SIGNER, desk(Driven(NOW), world.calendar), issuer="jcj")
    assert await faults(store) == []


async def test_a_deadline_that_passes_escalates_and_leaves_a_document_to_be_signed(
    store: Store, world: World
) -> None:
    start = at("2026-03-18T10:00")  # a Wednesday
    table = desk(Driven(start), world.calendar)
    number = await raised(store, table)
    await moved(store, number, table, *TO_SIGN, (Event.ISSUE, SIGNER))
    due = (await row_of(store, number)).due_day
    assert due == "2026-03-19"
    assert await look(store, world, at("2026-03-19T23:59")) == 0
    await look(store, world, at("2026-03-20T00:00"))
    assert (await events(store, number))[-1] == "lapse"
    assert (await row_of(store, number)).due_day == "2026-03-23"
    await look(store, world, at("2026-03-24T00:00"))  # nobody has signed the first: one waits, not two
    later = desk(Driven(at("2026-03-24T09:00")), world.calendar)
    async with store.read() as conn:
        (paper,) = await corrections.papers(conn, number)
    assert (paper.kind, paper.cycle, paper.drafter) == ("urging", 1, "系统")
    for who, wrong in (
        (HEAD, "本单位"),
        (REVIEWER, "签发须由"),
        (Actor("c9", Role.CHIEF, SNAPSHOT.unit), "本单位"),
    ):
        with pytest.raises(RejectedError, match=wrong):
            await signed(store, number, Kind.URGING, who, later)
    await signed(store, number, Kind.URGING, OTHER, later)
    await moved(store, number, later, (Event.RECEIVE, HEAD))
    # the order gave 1 + 3 days from its issue on; received late, it is three days from the end of the stage
    assert (await row_of(store, number)).due_day == "2026-03-30"
    await look(store, world, at("2026-03-31T00:00"))
    await look(store, world, at("2026-04-09T00:00"))
    one = await row_of(store, number)
    assert one.state == State.OVERDUE
    async with store.read() as conn:
        told = [
            (paper.kind, paper.cycle, bool(paper.code)) for paper in await corrections.papers(conn, number)
        ]
        issued = await documents.of_subject(conn, f"correction/{number}")
    assert told == [("urging", 1, True), ("urging", 2, False), ("circular", 1, False)]
    assert [row.number_text for row in issued] == ["云监督〔2026〕1号", "云监催〔2026〕1号"]
    assert corrections.body_of(one).level == 4
    assert await faults(store) == []


async def test_what_nobody_moves_is_urged_three_times_and_stays_overdue(store: Store, world: World) -> None:
    table = desk(Driven(NOW), world.calendar)
    number = await raised(store, table)
    for days in range(1, 40):
        await look(store, world, NOW + days * DAY)
    assert await events(store, number) == ["raise", "lapse", "lapse", "lapse"]
    one = await row_of(store, number)
    assert (one.due_day, one.next_check_at) == ("2026-03-27", None)
    await moved(store, number, desk(Driven(NOW + 40 * DAY), world.calendar), *TO_SIGN)
    assert (await row_of(store, number)).next_check_at is not None
    assert await faults(store) == []


async def test_a_refusal_writes_nothing_and_takes_no_number(store: Store, world: World) -> None:
    table = desk(Driven(NOW), world.calendar)
    number = await raised(store, table)
    with pytest.raises(UsageError, match="没有发文机关"):
        await moved(store, number, table, TO_SIGN[0], words=replace(WORDS, issuer="nobody"))
    await moved(store, number, table, *TO_SIGN)
    for event, actor, wrong in (
        (Event.ISSUE, Actor("s1", Role.CHIEF), "拟稿的人不能自己签发"),
        (Event.ISSUE, REVIEWER, "须由监察领导"),
        (Event.ISSUE, Actor("c1", Role.CHIEF, SNAPSHOT.unit), "不能办理本单位"),
        (Event.RECEIVE, HEAD, "已审核时不能签收"),
        (Event.ISSUE, None, "不由人办理"),
    ):
        with pytest.raises(RejectedError, match=wrong):
            await moved(store, number, table, (event, actor))
    with pytest.raises(RejectedError, match="4 至 2000 个字"):
        await moved(store, number, table, (Event.SEND_BACK, SIGNER), words=replace(WORDS, reason="好"))
    assert await events(store, number) == ["raise", "draft", "review"]
    assert await rows(store, t.document) == []


async def test_two_who_sign_at_once_sign_one_document(store: Store, world: World) -> None:
    table = desk(Driven(NOW), world.calendar)
    number = await raised(store, table)
    await moved(store, number, table, *TO_SIGN)
    found = await asyncio.gather(
        *(moved(store, number, table, (Event.ISSUE, who)) for who in (SIGNER, OTHER)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in found) == ["NoneType", "RejectedError"]
    assert len(await rows(store, t.document)) == 1
    assert (await events(store, number)).count("issue") == 1


async def test_what_is_another_units_is_raised_anew_for_it(store: Store, world: World) -> None:
    table = desk(Driven(NOW), world.calendar)
    async with store.write() as conn:
        await scope.add_office(conn, "税务局", "")
    number = await raised(store, table)
    await moved(
        store, number, table, *TO_SIGN, (Event.ISSUE, SIGNER), (Event.RECEIVE, HEAD), (Event.EXPLAIN, HEAD)
    )
    for org, wrong in (("没有局", UsageError), (SNAPSHOT.unit, UsageError)):
        with pytest.raises(wrong):
            await moved(store, number, table, (Event.REASSIGN, SIGNER), words=replace(WORDS, org=org))
    await moved(store, number, table, (Event.REASSIGN, SIGNER), words=replace(WORDS, org="税务局"))
    await moved(store, number, table, (Event.CLOSE, OTHER))
    first, second = sorted(await rows(store, t.correction), key=lambda row: row.id)
    assert (first.state, second.state, second.unit, second.follows) == ("closed", "raised", "税务局", number)
    assert await faults(store) == []


async def test_killed_between_state_document_and_number_each_is_there_or_none(
    store: Store, world: World, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A process signs one after another and is killed; another goes on. One order for each, numbers without a gap."""
    table = desk(Clock(), world.calendar)
    count = 24
    recent = replace(SNAPSHOT, accepted=None, received=None, budget=None, due=None)
    for place in range(count):
        await moved(store, await raised(store, table, f"k{place}", recent), table, *TO_SIGN)
    url = with_key(store.engine.url.render_as_string(hide_password=False), tmp_path / "data.key")
    chance = random.Random(8)
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.correcting", url, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            for _ in range(chance.randint(3, 8)):
                assert await asyncio.wait_for(process.stdout.readline(), 60)
            await asyncio.sleep(chance.random() / 50)
        finally:
            process.kill()
            await process.wait()
        await _is_whole(store)
    for row in await rows(store, t.correction):
        if row.state == State.REVIEWED:
            await moved(store, row.id, table, (Event.ISSUE, SIGNER))
    assert await _is_whole(store) == count
    assert await faults(store) == []


async def _is_whole(store: Store) -> int:
    """-> how many have been issued: as many as there are documents and numbers."""
    async with store.read() as conn:
        issued = list(await conn.scalars(select(t.correction.c.id).where(t.correction.c.state == "issued")))
        numbers = sorted(await conn.scalars(select(t.document.c.number)))
        subjects = sorted(await conn.scalars(select(t.document.c.subject)))
        last = await conn.scalar(select(func.max(t.document_series.c.last)))
    assert numbers == list(range(1, len(numbers) + 1))
    assert subjects == sorted(f"correction/{number}" for number in issued)
    assert (last or 0) == len(numbers)
    return len(issued)


async def test_what_was_changed_behind_our_back_is_named(store: Store, world: World) -> None:
    table = desk(Driven(NOW), world.calendar)
    number = await raised(store, table)
    await moved(store, number, table, *TO_SIGN, (Event.ISSUE, SIGNER), (Event.RECEIVE, HEAD))
    assert await faults(store) == []
    event, one = t.correction_event, t.correction
    third = event.c.number == 3
    for table_, where, column, wrong in (
        (event, third, event.c.reason, "链不相符"),
        (event, third, event.c.who, "链不相符"),
        (one, one.c.id == number, one.c.state, "由案卷得出的是"),
        (t.document, t.document.c.number == 1, t.document.c.paper, "文书缺失或被改动"),
    ):
        async with store.read() as conn:
            before = await conn.scalar(select(column).where(where))
        value: Any = b"{}" if isinstance(before, bytes) else "closed"
        for text, expected in ((value, [wrong]), (before, [])):
            async with store.write() as conn:
                await conn.execute(update(table_).where(where).values({column.name: text}))
            found = await faults(store)
            assert len(found) == len(expected)
            assert all(word in fault for word, fault in zip(expected, found, strict=True)), found
    assert isinstance(SNAPSHOT, Snapshot)
