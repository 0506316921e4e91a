"""The real logs, told as they happened and never manipulated, accuse nobody; what was recorded late has its size.

Each case is seen open from its acceptance on, its steps when they were recorded, its end on the day it states: a growing
state, each version seen half a minute after the change, through the real ingest. What was found at any moment would
still stand in the table.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, time, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select

from central import judge
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import tables as t
from central.store.engine import Store, open_store
from central.welcome import introduce
from common.core.instant import DAY, MINUTE, SECOND, to_us
from common.core.record import Case, Record, Step
from common.core.state import CaseStatus
from tests.keyed import keyed, keyed_server
from tests.real import logs
from tests.real.logs import Line, LoggedCase
from tests.sender import SECRETS, SIGN_KEY, Sender, draft
from tests.services import PostgreSql

ZONE = ZoneInfo("Europe/Amsterdam")
NOTICED = 30 * SECOND
TYPED = 3 * DAY
AFTERNOON = time(15)
USUAL, SEED, BATCH = 120, 4, 500
NOW = Moment(to_us(datetime(2026, 6, 12, tzinfo=ZONE)), to_us(datetime(2026, 6, 12, tzinfo=ZONE)))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = keyed(tmp_path / "central.db")
    if request.param == "postgresql":
        server: PostgreSql = request.getfixturevalue("postgresql")
        name = await server.create_database()
        url = keyed_server(server.url(name), tmp_path)
    opened = await open_store(url)
    yield opened
    await opened.close()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE) if "+" in text else _naive(text)


def _naive(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def is_day(text: str) -> bool:
    return text[11:19] == "00:00:00"


def last(text: str) -> int:
    """The last instant that it names."""
    return to_us(moment(text) + timedelta(days=is_day(text)))


def entered(text: str) -> int:
    """When somebody may have typed it: a day without an hour in its afternoon."""
    at = moment(text)
    return to_us(datetime.combine(at.date(), AFTERNOON, tzinfo=ZONE) if is_day(text) else at)


def told(case: LoggedCase) -> list[Record]:
    """The versions of a case's rows, each when it was there to be seen."""
    line, key = case.values, str(case.number)
    body = Case(
        case_key=key,
        case_no=case.case_id,
        responsible=line["responsible"] or None,
        accepted_at=line["accepted_at"],
        deadline=line.get("deadline_at") or line["planned_end_at"] or None,
    )
    opened = entered(line["accepted_at"]) + NOTICED
    versions = [_version(body, key, 1, opened)]
    if line["finished_at"]:
        ended = entered(line["finished_at"]) + NOTICED
        closed = replace(body, finished_at=line["finished_at"])
        if was_open(case):
            versions.append(replace(_version(closed, key, 2, ended), same_until=ended - NOTICED - SECOND))
        else:
            versions = [_version(closed, key, 1, opened)]
    return versions + [_step(key, number, step) for number, step in enumerate(case.steps)]


def told_late(case: LoggedCase) -> list[Record]:
    """The case of an office that types a completion days later: the status first, the true time a minute after it."""
    line, key = case.values, str(case.number)
    opened, typed = entered(line["accepted_at"]) + NOTICED, entered(line["finished_at"]) + TYPED
    body = Case(case_key=key, accepted_at=line["accepted_at"], deadline=line["deadline_at"])
    over = replace(body, status=CaseStatus.DONE)
    dated = replace(over, finished_at=line["finished_at"])
    return [
        _version(body, key, 1, opened),
        replace(_version(over, key, 2, typed), same_until=typed - SECOND),
        replace(_version(dated, key, 3, typed + MINUTE), same_until=typed + SECOND),
    ]


def was_open(case: LoggedCase) -> bool:
    """Some cases of the logs end no later than they begin: nobody can have seen them open."""
    return entered(case.values["finished_at"]) > entered(case.values["accepted_at"])


def _step(case_key: str, number: int, line: Line) -> Record:
    recorded = line.get("recorded_at", "")
    body = Step(
        case_key=case_key,
        seq=number,
        step_name=line["step_name"],
        actor=line["actor"],
        finished_at=line["happened_at"],
        recorded_at=recorded.replace(" ", "T") or None,
        due_at=line.get("due_at") or None,
    )
    at = max(entered(text) for text in (line["happened_at"], recorded) if text)
    return _version(body, f"{case_key}/{number}", 1, at + NOTICED)


def _version(body: Case | Step, key: str, number: int, at: int) -> Record:
    made = draft(body, key=key, version=number, at=at)
    text = datetime.fromtimestamp((at - NOTICED) // SECOND, ZONE).isoformat()
    return replace(made, src_at=text)


async def deliver(store: Store, site: str, drafts: Iterable[Record]) -> None:
    """In the order in which they were seen; each batch is judged at the moment of its newest record."""
    sender = Sender(site)
    sender.number(*sorted(drafts, key=lambda item: item.cap_at))
    box = {"site": site, "generation": 1, "sign_key": sender.sign_key, "state": "active", "created_wall": 0}
    async with store.write() as conn:
        await conn.execute(insert(t.site), [{"id": site, "name": site, "kind": "branch", "position": 0}])
        await conn.execute(insert(t.box), [box])
        world = await judge.load_world(conn, ZONE)
        assert (await introduce(conn, site, sender.hello(), NOW.wall)).refused == ""
    for first in range(1, sender.newest + 1, BATCH):
        opened = open_batch(
            site, sender.payload(first, min(first + BATCH - 1, sender.newest)), SECRETS, SIGN_KEY
        )
        async with store.write() as conn:
            await ingest_batches(conn, [opened], world, NOW)


def late(cases: Iterable[LoggedCase]) -> list[timedelta]:
    """Counted from the CSV alone: from the end of what is stated to the beginning of when it was recorded."""
    found = []
    for step in (step for case in cases for step in case.steps if step.get("recorded_at")):
        stated = moment(step["happened_at"]) + timedelta(days=is_day(step["happened_at"]))
        gap = moment(step["recorded_at"]) - stated
        found += [gap] if gap > timedelta(days=1) else []
    return found


async def test_an_unmodified_replay_accuses_nobody_and_says_how_late_it_was_recorded(store: Store) -> None:
    logs.needed()
    sites = logs.municipalities(logs.sample_size(USUAL), SEED) | {logs.RECEIPT: logs.receipt()}
    for site, cases in sites.items():
        await deliver(store, site, (item for case in cases for item in told(case)))
    async with store.read() as conn:
        found = Counter(await conn.scalars(select(t.finding.c.code)))
        heads = Counter(await conn.scalars(select(t.row_head.c.version)))
        sizes: dict[str, list[int]] = {site: [] for site in sites}
        for row in await conn.execute(select(t.late_entry).where(t.late_entry.c.tbl == "step")):
            sizes[row.site].append(row.size)
    assert found == {}
    closed = sum(
        bool(case.values["finished_at"]) and was_open(case) for cases in sites.values() for case in cases
    )
    assert heads[2] == closed
    for site, cases in sites.items():
        counted, steps = late(cases), sum(len(case.steps) for case in cases)
        assert len(sizes[site]) == len(counted)
        if counted:
            share, middle = len(counted) / steps, median(sizes[site]) / DAY
            print(f"{site}: {share:.1%} of {steps} steps recorded late, median {middle:.1f} days")


async def test_completions_typed_three_days_later_are_late_and_accuse_where_a_deadline_lay_between(
    store: Store,
) -> None:
    """In two statements, and with their true times: the status alone says nothing of when."""
    logs.needed()
    cases = [case for case in logs.receipt() if case.values["finished_at"] and was_open(case)]
    cases = cases[: logs.sample_size(4 * USUAL)]
    await deliver(store, logs.RECEIPT, (item for case in cases for item in told_late(case)))
    overtaken = {
        str(case.number)
        for case in cases
        if to_us(moment(case.values["finished_at"])) <= last(case.values["deadline_at"])
        and last(case.values["deadline_at"]) < entered(case.values["finished_at"]) + TYPED - SECOND
    }
    async with store.read() as conn:
        found = (await conn.execute(select(t.finding.c.code, t.finding.c.key))).all()
        late = list(await conn.scalars(select(t.late_entry.c.size)))
    assert 0 < len(overtaken) < len(cases) // 2
    assert sorted((row.code, row.key) for row in found) == sorted(("t1", key) for key in overtaken)
    assert len(late) == len(cases)
    assert max(late) <= TYPED
    print(
        f"{len(cases)} completions typed three days late: {len(overtaken)} take back a deadline that had passed"
    )
