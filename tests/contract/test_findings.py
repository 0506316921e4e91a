"""Findings through the real ingest, over both databases: what was planted, each once, and nothing else."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select

from central import judge, verify
from central.core.context import Tolerance
from central.core.scope import EVERYTHING
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.store import findings
from central.store import tables as t
from central.store.engine import Store, open_store
from central.store.findings import Filter
from central.welcome import introduce
from common.core import record
from common.core.batch import Lane
from common.core.errors import UsageError
from common.core.instant import DAY, HOUR, MINUTE
from common.core.record import Case, Cause, Observation, Op, Record, Step
from common.core.state import CaseStatus, FindingCode, FindingState
from tests import halls, manipulated
from tests.manipulated import END, START, ZONE, text
from tests.sender import SECRETS, SIGN_KEY, Sender, draft, passed

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)]
SITES = {"s01": "as captured", "s02": "newest first", "s03": "at random and twice"}
HONEST, EACH = 90, 12
BATCH = 250
NOW = Moment(END + DAY, END + DAY)


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    opened = await open_store(await halls.empty(tmp_path, server))
    box = {"generation": 1, "sign_key": Sender().sign_key, "state": "active", "created_wall": 0}
    async with opened.write() as conn:
        for place, site in enumerate(SITES):
            row = {"id": site, "name": site, "kind": "township", "position": place}
            await conn.execute(insert(t.site), [row])
            await conn.execute(insert(t.box), [{"site": site, **box}])
    yield opened
    await opened.close()


@pytest.fixture
async def world(store: Store) -> World:
    async with store.write() as conn:
        return await judge.load_world(conn, ZONE)


async def welcome(store: Store, *drafts: Record, site: str = "s01") -> Sender:
    sender = Sender(site)
    sender.number(*drafts)
    async with store.write() as conn:
        assert (await introduce(conn, site, sender.hello(), NOW.wall)).refused == ""
    return sender


async def take(
    store: Store, world: World, sender: Sender, *spans: tuple[int, int], now: Moment = NOW
) -> None:
    """Each span of numbers as a batch in a transaction of its own."""
    for first, last in spans or [(1, sender.newest)]:
        opened = open_batch(sender.site, sender.payload(first, last, Lane.BULK), SECRETS, SIGN_KEY)
        async with store.write() as conn:
            await ingest_batches(conn, [opened], world, now)


async def stored(store: Store) -> Sequence[Any]:
    async with store.read() as conn:
        return (await conn.execute(select(t.finding).order_by(t.finding.c.id))).all()


async def codes(store: Store) -> list[tuple[str, str, str]]:
    """(table, key, code) of what stands."""
    rows = await stored(store)
    return sorted((row.tbl, row.key, row.code) for row in rows if row.state != FindingState.WITHDRAWN)


def cut(newest: int) -> list[tuple[int, int]]:
    return [(first, min(first + BATCH - 1, newest)) for first in range(1, newest + 1, BATCH)]


async def test_what_was_planted_in_a_city_is_found_once_and_nothing_else_is(
    store: Store, world: World
) -> None:
    """Each site's records come in an order of their own."""
    assert len(SITES) * EACH * manipulated.KINDS >= 500
    for site, order in SITES.items():
        made = manipulated.history(site, 20_260_301, HONEST, EACH)
        sender = await welcome(store, *made.drafts, site=site)
        spans = cut(sender.newest)
        if order == "newest first":
            spans.reverse()
        elif order == "at random and twice":
            spans += [(max(1, first - 99), last) for first, last in spans]
            random.Random(site).shuffle(spans)
        await take(store, world, sender, *spans)
        rows = [row for row in await stored(store) if row.site == site]
        standing = [row for row in rows if row.state == FindingState.OPEN]
        told = Counter(
            (row.tbl, row.key, FindingCode(row.code)) for row in standing if row.code != FindingCode.T7
        )
        planted = {item for item in made.planted if item[2] is not FindingCode.T7}
        assert told == Counter(planted)
        assert sorted(row.words.partition("：")[0] for row in standing if row.code == FindingCode.T7) == [
            "批量修改",
            "数据源重建",
        ]
    async with store.read() as conn:
        ends = select(t.late_entry.c.site, t.late_entry.c.key).where(t.late_entry.c.field == "finished_at")
        late = Counter((row.site, row.key.rpartition("-")[0]) for row in await conn.execute(ends))
        for site in SITES:
            entered_late = {kind: late[site, kind] for kind in manipulated.HONEST}
            assert entered_late == {kind: EACH * (kind in manipulated.LATE) for kind in manipulated.HONEST}
        broken = [item for report in await verify.examine(conn, ZONE, NOW.at) for item in report.everything]
    assert [item.detail for item in broken if item.what.grade.rank > 1] == []


OPENED = START + DAY


def row(number: int, at: int, table: str = "case", **fields: Any) -> Record:
    body = Case(case_key="1", case_no="SL1", **fields)
    made = draft(body, key="1", table=table, version=number, at=at)
    return replace(made, same_until=at - MINUTE if number > 1 else None)


ACCEPTED: dict[str, Any] = {"accepted_at": text(OPENED), "status": CaseStatus.ACCEPTED}
DUE: dict[str, Any] = {**ACCEPTED, "deadline": text(OPENED + 2 * DAY)}
BACKDATED: dict[str, Any] = {**DUE, "finished_at": text(OPENED + DAY), "status": CaseStatus.DONE}


async def test_a_finding_names_both_records_and_when_each_was_seen(store: Store, world: World) -> None:
    sender = await welcome(store, row(1, OPENED, **DUE), row(2, OPENED + 5 * DAY, **BACKDATED))
    await take(store, world, sender)
    (item,) = await stored(store)
    assert (item.code, item.case_key, item.still_at) == ("t1", "1", OPENED + 5 * DAY - MINUTE)
    assert (item.seen_at, item.size) == (OPENED + 5 * DAY, 4 * DAY - MINUTE)
    assert (item.before_epoch, item.before_seq, item.after_seq) == (sender.epoch, 1, 2)
    async with store.read() as conn:
        raws = await findings.evidence(conn, [item])
    assert [raws["s01", sender.epoch, seq] for seq in (1, 2)] == sender.raws


async def test_a_clock_that_is_days_ahead_accuses_nobody(store: Store, world: World) -> None:
    """A box five days ahead sees everything five days late: its passes say how far it may be off."""
    honest = row(2, OPENED + 5 * DAY, **{**BACKDATED, "finished_at": text(OPENED + HOUR)})
    off = replace(
        passed(OPENED), body=record.encode_body(record.Pass(OPENED, {"case": 1}, [], None, 5 * DAY))
    )
    sender = await welcome(store, row(1, OPENED, **DUE), off, honest)
    await take(store, world, sender)
    assert await codes(store) == []


async def test_a_record_from_the_future_says_by_itself_that_the_clock_is_wrong(
    store: Store, world: World
) -> None:
    honest = row(2, OPENED + 5 * DAY, **{**BACKDATED, "finished_at": text(OPENED + HOUR)})
    sender = await welcome(store, row(1, OPENED, **DUE), honest)
    true_now = OPENED + HOUR + MINUTE
    await take(store, world, sender, now=Moment(true_now, true_now))
    assert await codes(store) == []


async def test_a_completion_in_a_table_of_its_own_is_judged_with_the_rest_of_its_case(
    store: Store, world: World
) -> None:
    seen = OPENED + 5 * DAY
    result = row(1, seen, "case.result", finished_at=text(OPENED + DAY))
    walked = passed(seen - MINUTE, ("case", "case.result"))
    sender = await welcome(store, row(1, OPENED, **DUE), walked, result, row(2, seen, **BACKDATED))
    await take(store, world, sender, (3, 4), (1, 2))
    assert await codes(store) == [("case", "1", "t1")]  # the part says the same in the same round


@pytest.mark.parametrize("order", list(permutations((1, 2, 3, 4))))
async def test_the_part_alone_is_found_too_whatever_comes_first(
    store: Store, world: World, order: tuple[int, ...]
) -> None:
    seen = OPENED + 5 * DAY
    result = row(1, seen, "case.result", finished_at=text(OPENED + DAY))
    early, late = (passed(at, ("case", "case.result")) for at in (OPENED + HOUR, seen - MINUTE))
    sender = await welcome(store, row(1, OPENED, **DUE), early, late, result)
    await take(store, world, sender, *[(seq, seq) for seq in order])
    assert [(item.code, item.still_at) for item in await stored(store)] == [("t1", seen - MINUTE)]


async def test_what_comes_later_can_acquit_and_the_finding_is_withdrawn_not_erased(
    store: Store, world: World
) -> None:
    """The table of results had told it in time; its record was in the backlog."""
    in_time = row(1, OPENED + DAY + MINUTE, "case.result", finished_at=text(OPENED + DAY))
    sender = await welcome(store, row(1, OPENED, **DUE), in_time, row(2, OPENED + 5 * DAY, **BACKDATED))
    await take(store, world, sender, (1, 1), (3, 3))
    assert await codes(store) == [("case", "1", "t1")]
    await take(store, world, sender, (2, 2))
    assert [row.state for row in await stored(store)] == [FindingState.WITHDRAWN]


DECIDED = {**ACCEPTED, "finished_at": text(OPENED + 10 * DAY), "status": CaseStatus.DONE}


@pytest.mark.parametrize("table", ["case", "case.result"])
@pytest.mark.parametrize("spans", [[(1, 4)], [(4, 4), (3, 3), (2, 2), (1, 1)], [(1, 2), (3, 4)]])
async def test_a_completion_that_would_take_back_a_red_light_is_found_whenever_the_light_is(
    store: Store, world: World, table: str, spans: list[tuple[int, int]]
) -> None:
    """20 working days from 03-03 are over on 03-31; entered on 04-12 as of 03-13, with the line up or down."""
    seen = OPENED + 40 * DAY
    number = 2 if table == "case" else 1
    entered = replace(row(number, seen, table, **DECIDED), same_until=seen - MINUTE)
    both = "case", "case.result"
    drafts = row(1, OPENED, **ACCEPTED), passed(seen - MINUTE, both), entered, passed(seen + DAY, both)
    sender = await welcome(store, *drafts)
    await take(store, world, sender, *spans, now=Moment(seen + 2 * DAY, seen + 2 * DAY))
    assert await codes(store) == [(table, "1", "t1")]
    assert "其间 2026-04-01 00:00 已到期" in (await stored(store))[0].words


async def test_an_honest_late_completion_is_counted_with_its_size(store: Store, world: World) -> None:
    seen = OPENED + 15 * DAY
    drafts = row(1, OPENED, **ACCEPTED), passed(OPENED + HOUR), row(2, seen, **DECIDED), passed(seen + DAY)
    sender = await welcome(store, *drafts)
    await take(store, world, sender)
    assert await codes(store) == []
    async with store.read() as conn:
        found = (await findings.lateness(conn, EVERYTHING))["s01"]
    assert (found.number, found.most) == (1, 5 * DAY - MINUTE)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_a_state_that_is_emptied_before_it_steps_back_is_found_in_any_order(
    store: Store, world: World, order: Sequence[int]
) -> None:
    states = [CaseStatus.DONE, None, CaseStatus.IN_PROGRESS]
    drafts = [row(n, OPENED + n * DAY, **{**ACCEPTED, "status": state}) for n, state in enumerate(states, 1)]
    sender = await welcome(store, *drafts)
    await take(store, world, sender, *[(seq, seq) for seq in order])
    assert await codes(store) == [("case", "1", "t6")]


@pytest.mark.parametrize("order", [(1, 2, 3, 4, 5, 6), (6, 4, 5, 1, 3, 2), (3, 2, 1, 6, 5, 4)])
@pytest.mark.parametrize(("error", "found"), [(0, [("case", "1", "t1")]), (4 * DAY, [])])
async def test_two_steps_are_found_in_any_order_unless_the_clock_was_wrong_at_the_first(
    store: Store, world: World, order: Sequence[int], error: int, found: list[Any]
) -> None:
    """By a box four days ahead it was seen open four days too long; the clock is right when the date is filled in."""
    off = replace(passed(OPENED), body=record.encode_body(record.Pass(OPENED, {"case": 1}, [], None, error)))
    over = row(2, OPENED + 5 * DAY, **{**DUE, "status": CaseStatus.DONE})
    dated = row(3, OPENED + 9 * DAY, **BACKDATED)
    sender = await welcome(store, row(1, OPENED, **DUE), off, over, off, passed(OPENED + 8 * DAY), dated)
    await take(store, world, sender, *[(seq, seq) for seq in order])
    assert await codes(store) == found


async def test_a_limit_stretched_after_a_yellow_light_is_found_when_the_light_is(
    store: Store, world: World
) -> None:
    """Promise of 5 working days from Tue 03-03: yellow on 03-09; stretched on 03-12."""
    promised = {**ACCEPTED, "promised": 5, "promised_unit": "workdays"}
    stretched = {**promised, "promised": 15}
    at = OPENED + 9 * DAY
    sender = await welcome(store, row(1, OPENED, **promised), row(2, at, **stretched))
    await take(store, world, sender, (1, 1), now=Moment(OPENED, OPENED))
    async with store.write() as conn:
        await judge.judge_cases(conn, "s01", ["1"], world, Moment(at - 3 * DAY, at - 3 * DAY))
    assert await codes(store) == []
    await take(store, world, sender, (2, 2), now=Moment(at, at))
    assert await codes(store) == [("case", "1", "t3")]


async def test_a_light_that_is_found_with_the_stretching_or_later_counts_as_well(
    store: Store, world: World
) -> None:
    """Statutory yellow from 03-27; nobody judged before the change of 03-30 had arrived."""
    promised = {**ACCEPTED, "promised": 19, "promised_unit": "workdays"}
    at = OPENED + 27 * DAY + 9 * HOUR
    sender = await welcome(store, row(1, OPENED, **promised), row(2, at, **{**promised, "promised": 20}))
    await take(store, world, sender, (1, 1), now=Moment(OPENED, OPENED))
    await take(store, world, sender, (2, 2), now=Moment(at, at))
    assert await codes(store) == [("case", "1", "t3")]


def observed(code: str, key: str = "", detail: str = "", at: int = OPENED) -> Record:
    body = Observation(code, "case", key, detail)
    made = draft(Case(case_key=""), at=at)
    kind = record.RecordKind.OBSERVATION
    return replace(made, kind=kind, table="case", digest=b"", body=record.encode_body(body))


async def test_a_restored_source_is_one_finding_and_its_rows_are_none(store: Store, world: World) -> None:
    """P-OBS-01, P-OBS-02, P-REC-07"""
    rows = []
    for number in range(200):
        key = str(number)
        first = draft(Case(case_key=key, **BACKDATED), key=key, at=OPENED)
        older = draft(Case(case_key=key, **ACCEPTED), key=key, version=2, at=OPENED + DAY)
        rows += [first, replace(older, cause=Cause.RESTORED, same_until=OPENED + DAY - MINUTE)]
    detail = '{"pages":4,"rows":200}'
    sender = await welcome(
        store, *rows, observed("source_restored", detail=detail), observed("clock_jump", at=END)
    )
    await take(store, world, sender)
    await take(store, world, sender, (401, 401))
    assert await codes(store) == [("case", "", "t7"), ("case", "", "t7")]
    assert [row.words for row in await stored(store)] == ["数据源重建：4 页，200 行", "数据源时钟跳变"]


async def test_a_missing_number_and_an_unknown_word_are_notices(store: Store, world: World) -> None:
    """P-OBS-03, P-OBS-04"""
    sender = await welcome(
        store,
        observed("number_missing", "17"),
        observed("number_missing", "17", at=OPENED + DAY),
        observed("column_new", "SP_YWSL.BZ"),
        observed("column_new", "SP_YWSL.BZ", at=OPENED + DAY),
        observed("moon_phase", "x", "满月"),
    )
    await take(store, world, sender)
    assert await codes(store) == [(("case", key, "notice")) for key in ("17", "SP_YWSL.BZ", "x")]
    assert (await stored(store))[-1].words == "moon_phase：满月"


async def test_an_edit_is_silent_only_where_the_modification_time_is_seen_to_move(
    store: Store, world: World
) -> None:
    """A mapping may name a column that is written once: every honest edit of the table would look silent."""
    made = text(OPENED - HOUR)
    silent = [replace(row(1, OPENED, **ACCEPTED), src_at=made)]
    silent.append(replace(row(2, OPENED + 2 * DAY, **ACCEPTED, org="别处"), src_at=made))
    kept = [
        replace(item, key="2")
        for item in (row(1, OPENED, **ACCEPTED), row(2, OPENED + DAY, **ACCEPTED, org="x"))
    ]
    kept = [replace(item, src_at=text(item.cap_at)) for item in kept]
    sender = await welcome(store, *silent, *kept)
    await take(store, world, sender, (1, 2))
    assert [item.state for item in await stored(store)] == [FindingState.UNPROVEN]
    await take(store, world, sender, (3, 4))
    assert [(item.code, item.state) for item in await stored(store)] == [("t5", FindingState.OPEN)]


async def test_a_late_entry_has_its_size_and_accuses_nobody(store: Store, world: World) -> None:
    late = draft(Step(case_key="1", finished_at=text(OPENED)), key="a", at=OPENED + 9 * DAY)
    loaded = draft(Step(case_key="1", finished_at=text(OPENED - 900 * DAY)), key="b", at=OPENED)
    sender = await welcome(store, loaded, passed(OPENED + 8 * DAY), late)
    await take(store, world, sender, (1, 1), (2, 2), (3, 3), (3, 3))
    async with store.read() as conn:
        found = (await findings.lateness(conn, EVERYTHING))["s01"]
    assert (found.number, found.median, found.most) == (1, 8 * DAY, 8 * DAY)
    assert await codes(store) == []


async def test_a_site_is_forgiven_what_somebody_decided(store: Store, world: World) -> None:
    async with store.write() as conn:
        wide = Tolerance(backdate=5 * DAY)
        await findings.set_tolerance(conn, "s01", wide, "li", "先填表后录入", 7)
        assert await findings.tolerance_of(conn, "s01") == wide
        assert await findings.tolerance_of(conn, "s02") == Tolerance()
        line = (await conn.execute(select(t.audit_line))).one()
    assert (line.act, line.who, line.why) == ("tolerance.set", "li", "先填表后录入")
    sender = await welcome(store, row(1, OPENED, **DUE), row(2, OPENED + 5 * DAY, **BACKDATED))
    await take(store, world, sender)
    assert await codes(store) == []


async def test_what_a_person_has_explained_stays_so_when_everything_comes_again(
    store: Store, world: World
) -> None:
    drafts = row(1, OPENED, **DUE), row(2, OPENED + 5 * DAY, **BACKDATED)
    sender = await welcome(store, *drafts)
    await take(store, world, sender)
    async with store.write() as conn:
        number = (await findings.listed(conn, EVERYTHING, Filter(), 9))[0].id
        await findings.explain(conn, EVERYTHING, number, "li", "系统升级补录", 5)
        with pytest.raises(UsageError):
            await findings.explain(conn, EVERYTHING, number, "li", "再次", 6)
        assert await findings.listed(conn, EVERYTHING, Filter(), 9) == []
    again = await welcome(store, *[replace(item, cause=Cause.SOURCE) for item in drafts])
    await take(store, world, again)  # salvaged into another epoch
    (item,) = await stored(store)
    assert (item.state, item.decided_by, item.decided_why) == ("explained", "li", "系统升级补录")


async def test_a_deletion_told_before_what_it_deleted_is_found_with_the_last_content(
    store: Store, world: World
) -> None:
    gone = replace(row(3, OPENED + 5 * DAY), op=Op.DELETE, body=record.encode_body(Case(case_key="1")))
    sender = await welcome(
        store, row(1, OPENED, **ACCEPTED), row(2, OPENED + DAY, **{**ACCEPTED, "org": "x"}), gone
    )
    await take(store, world, sender, (3, 3), (1, 1))
    assert [row.before_seq for row in await stored(store)] == [1]
    await take(store, world, sender, (2, 2))
    assert [(row.code, row.before_seq) for row in await stored(store)] == [("t4", 2)]
