"""The demonstration's offices: what each vendor's database says, read by the real agent, is what the office meant."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from agent import mapping
from agent.buffer import Buffer
from agent.capture import Capture
from agent.checkpoint import Signer
from agent.collect import Collector, CollectState
from agent.config import CaptureConfig
from agent.epoch import Sealing
from agent.index import Index
from agent.source import sqlite
from central.core import calendar as calendars
from central.core import case as cases
from central.core import rules
from central.core.calendar import CalendarData
from central.core.clue import Held, holes
from central.core.item import Item
from central.core.limits import limits
from common.clock import Clock, ClockConfig
from common.core import crypto, record
from common.core.instant import to_us
from common.core.record import Case, Pass, Record, Step
from common.core.state import CaseStatus, Light, StepKind
from provisioning.demo.city import ITEMS, SITES, Desk, Site
from provisioning.demo.hours import ZONE, Hours
from provisioning.demo.life import Life, lives
from provisioning.demo.office import PAST, SEED, City, run
from provisioning.demo.sheet import Entry, Sheet, as_of
from provisioning.demo.vendors import VENDORS
from tests.integration import city, city_cases

CALENDAR = calendars.build(
    1,
    msgspec.json.decode((files("central") / "data" / "calendar_cn.json").read_bytes(), type=CalendarData),
)
HOURS = Hours(CALENDAR.is_workday)
NOW = datetime(2026, 6, 10, 10, 20, tzinfo=ZONE)  # a Wednesday
OF_VENDOR = {site.vendor: site for site in SITES}
QUICK = CaptureConfig(poll_secs=30, sweep_secs=0, rows_per_sec=1e9, duty=1, pass_secs=0)


@cache
def planned(site: Site, until: date) -> list[Life]:
    days = HOURS.workdays(until - PAST + timedelta(days=1), until)
    return [life for day in days for life in lives(site, day, HOURS, SEED)]


def test_the_number_of_the_case_that_an_office_hides_is_missing() -> None:
    """As the hall looks for it: `central.core.clue`."""
    cars = next(site for site in SITES if site.hidden)
    found = [hole.no for hole in holes([Held(life.number, 0) for life in planned(cars, NOW.date())])]
    assert found == [
        f"3799{day:%Y%m%d}18011" for day in HOURS.workdays(NOW.date() - PAST + timedelta(days=1), NOW.date())
    ]
    assert not [
        hole
        for site in SITES
        if not site.hidden
        for hole in holes([Held(life.number, 0) for life in planned(site, NOW.date())])
    ]


def sheets(site: Site, now: datetime) -> list[Sheet]:
    """The cases that the office of `site` knows at `now`, if its past was written on that day."""
    return [as_of(life, now) for life in planned(site, now.date()) if life.moments()[0] <= now]


def text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def meant_case(key: str, sheet: Sheet) -> Case:
    life = sheet.life
    promised = None if vendor_of(life) == "split" else life.item.promised_days
    return Case(
        case_key=key,
        case_no=life.number,
        item_code=life.item.code,
        item_name=life.item.name,
        applicant=life.applicant,
        phone=life.phone,
        channel=life.channel,
        org=life.org,
        responsible=life.responsible,
        received_at=text(sheet.received_at),
        accepted_at=text(sheet.accepted_at),
        promised=promised,
        promised_unit="workdays" if promised else None,
        finished_at=text(sheet.finished_at),
        outcome=sheet.outcome,
        status=sheet.status,
    )


def vendor_of(life: Life) -> str:
    return next(site.vendor for site in SITES if site.id == f"s{life.number[12:14]}")


def meant_step(key: str, sheet: Sheet, entry: Entry) -> Step:
    stage = entry.stage
    minute = vendor_of(sheet.life) == "gbk"  # this vendor's steps have no seconds
    started, finished = (
        at.replace(second=0) if at and minute else at for at in (stage.started_at, entry.finished_at)
    )
    return Step(
        case_key=key,
        seq=entry.seq,
        step_name=stage.name,
        kind=stage.kind,
        actor=stage.actor,
        org=stage.org,
        started_at=text(started),
        finished_at=text(finished),
        opinion=stage.opinion if entry.finished_at else None,
    )


@asynccontextmanager
async def agent(
    folder: Path, now: datetime, box: Path, config: CaptureConfig = QUICK
) -> AsyncIterator[tuple[Collector, Buffer, Capture]]:
    """The real agent of one site on its office's database, at office time `now`."""
    source, tables = mapping.load(folder / "mapping.toml")
    clock = Clock(ClockConfig(demo_office_at=to_us(now), demo_start_wall=Clock().wall(), demo_pace=1.0))
    buffer = await Buffer.open(
        box / "buffer.db",
        seal=Sealing([b"k" * 32]),
        site="s01",
        sign_key=crypto.sign_public(b"s" * 32),
        clock=clock,
    )
    index = await Index.open(box / "index.db", buffer.epoch)
    capture = Capture(buffer, index, clock, b"d" * 32, Signer(buffer, "s01", b"s" * 32))
    collector = Collector(
        sqlite.from_config(source, folder), tables, capture, index, config, clock, CollectState()
    )
    await collector.start(await buffer.positions())
    yield collector, buffer, capture
    await collector.close()
    await index.close()
    await buffer.close()


async def read_all(folder: Path, now: datetime, box: Path) -> list[Record]:
    """Every record the agent makes of the office's database; none may be set aside."""
    async with agent(folder, now, box) as (collector, buffer, capture):
        await collector.round_once()
        assert capture.bad == {}
        return [item for item in await buffer.tail(0) if item.table]


def merged(records: list[Record]) -> tuple[dict[str, Case], dict[tuple[str, int], Step]]:
    """The newest version of every row, as the hall folds it: by the case's number, and the step's place."""
    newest = {(item.table, item.key): item for item in records}
    rows: dict[str, list[cases.Row]] = {}
    for item in newest.values():
        body = record.decode_body(item)
        assert isinstance(body, Case | Step)
        rows.setdefault(body.case_key, []).append(cases.Row(item.table, item.key, False, body))
    states = [cases.fold(key, found, ZONE) for key, found in rows.items()]
    steps = {(state.facts.case_no or "", step.seq or 0): step for state in states for step in state.steps}
    return {state.facts.case_no or "": state.facts for state in states}, steps


def assert_means(records: list[Record], expected: list[Sheet]) -> None:
    facts, steps = merged(records)
    assert len(facts) == len(expected)
    assert len(steps) == sum(len(sheet.entries) for sheet in expected)
    for sheet in expected:
        number = sheet.life.number
        found = facts[number]
        assert found == meant_case(found.case_key, sheet)
        for entry in sheet.entries:
            assert steps[number, entry.seq] == meant_step(found.case_key, sheet, entry)


@pytest.fixture(params=sorted(VENDORS))
def site(request: pytest.FixtureRequest) -> Site:
    return OF_VENDOR[request.param]


def opened(folder: Path, now: datetime, *sites: Site) -> City:
    return City.open(folder, to_us(now), CALENDAR.is_workday, seed=SEED, sites=sites)


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        db.text_factory = bytes
        tables = [
            name.decode() for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return sorted(f"{name} {row}" for name in tables for row in db.execute(f'SELECT * FROM "{name}"'))


async def test_every_row_of_a_written_past_is_read_as_it_was_meant(site: Site, tmp_path: Path) -> None:
    with closing(opened(tmp_path, NOW, site)):
        records = await read_all(tmp_path / site.id, NOW, tmp_path)
    expected = sheets(site, NOW)
    assert_means(records, expected)
    assert {sheet.status for sheet in expected} >= {
        CaseStatus.IN_PROGRESS,
        CaseStatus.DONE,
        CaseStatus.REFUSED_ACCEPTANCE,
    }
    assert all(item.src_at for item in records)


async def test_what_is_done_later_reaches_the_agent_by_the_cursor(site: Site, tmp_path: Path) -> None:
    with closing(opened(tmp_path, NOW, site)) as offices:
        later = NOW + timedelta(hours=5)
        async with agent(tmp_path / site.id, later, tmp_path) as (collector, buffer, capture):
            await collector.round_once()
            before = buffer.newest
            assert offices.work_once(to_us(later)) > 20
            await collector.round_once()
            fresh = [item for item in await buffer.tail(before) if item.table]
            assert fresh
            assert capture.bad == {}
            everything = [item for item in await buffer.tail(0) if item.table]
    assert_means(everything, sheets(site, later))


def test_names_have_characters_outside_gbk_and_telephones_are_nobodys() -> None:
    gbk = [one for one in SITES if one.vendor == "gbk"]
    names = {sheet.life.applicant for one in gbk for sheet in sheets(one, NOW)}
    rare = {name for name in names if name.encode("gbk", "ignore").decode("gbk") != name}
    assert rare  # that they survive, the test above has compared for every name
    phones = {sheet.life.phone for one in gbk for sheet in sheets(one, NOW)}
    assert all(len(phone) == 11 and phone.startswith("100") for phone in phones)  # nobody's


def test_the_files_hold_gbk_bytes_as_text(tmp_path: Path) -> None:
    one = OF_VENDOR["gbk"]
    with closing(opened(tmp_path, NOW, one)), closing(sqlite3.connect(tmp_path / one.id / "office.db")) as db:
        db.text_factory = bytes
        found = db.execute("SELECT ITEMNAME, typeof(ITEMNAME) FROM CASEMAIN LIMIT 1").fetchone()
    assert found[1] == b"text"
    assert found[0].decode("gb18030") in {item.name for item in ITEMS}
    with pytest.raises(UnicodeDecodeError):
        found[0].decode("utf-8")


def test_the_same_seed_writes_the_same_rows_and_another_seed_others(site: Site, tmp_path: Path) -> None:
    dumps = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        with closing(City.open(tmp_path / name, to_us(NOW), CALENDAR.is_workday, seed=seed, sites=[site])):
            dumps.append(dump(tmp_path / name / site.id / "office.db"))
    assert dumps[0] == dumps[1]
    assert dumps[0] != dumps[2]


def test_days_worked_live_and_the_same_days_written_as_past_are_the_same_rows(
    site: Site, tmp_path: Path
) -> None:
    later = NOW + timedelta(days=2, hours=3)
    with (
        closing(opened(tmp_path / "live", NOW, site)) as live,
        closing(opened(tmp_path / "past", later, site)),
    ):
        moment = NOW
        while moment < later:
            moment = min(later, moment + timedelta(minutes=7, seconds=30))
            live.work_once(to_us(moment))
        worked = set(dump(tmp_path / "live" / site.id / "office.db"))
        written = set(dump(tmp_path / "past" / site.id / "office.db"))
    assert written <= worked
    assert len(worked - written) < 500  # the two days with which the older past begins


def test_opening_a_folder_again_changes_no_row_that_is_as_it_was(site: Site, tmp_path: Path) -> None:
    opened(tmp_path, NOW, site).close()
    before = dump(tmp_path / site.id / "office.db")
    opened(tmp_path, NOW, site).close()
    assert dump(tmp_path / site.id / "office.db") == before


def test_nothing_happens_outside_office_hours() -> None:
    for one in SITES:
        for life in planned(one, NOW.date()):
            for at in life.moments():
                assert CALENDAR.is_workday(at.date())
                assert "08:30:00" <= f"{at:%H:%M:%S}" < "17:30:00"


def test_a_night_and_a_week_end_pass_without_an_action(tmp_path: Path) -> None:
    friday = datetime(2026, 6, 12, 17, 30, tzinfo=ZONE)
    with closing(opened(tmp_path, friday, *SITES[:4])) as offices:
        assert offices.work_once(to_us(datetime(2026, 6, 15, 8, 29, 59, tzinfo=ZONE))) == 0
        assert offices.work_once(to_us(datetime(2026, 6, 15, 9, 30, tzinfo=ZONE))) > 0


def test_every_case_goes_through_its_stages_in_order() -> None:
    for one in SITES:
        for life in planned(one, NOW.date()):
            assert life.stages[0].kind is StepKind.RECEIVE
            assert all(stage.started_at <= stage.finished_at for stage in life.stages)
            starts = [stage.started_at for stage in life.stages]
            assert starts == sorted(starts)
            ends = [stage.finished_at for stage in life.stages]
            assert ends == sorted(ends)


def light_of(sheet: Sheet, now: datetime) -> Light:
    """As the hall judges it on whole data."""
    entries = [cases.Row("step", str(e.seq), False, meant_step("k", sheet, e)) for e in sheet.entries]
    state = cases.fold("k", [cases.Row("case", "k", False, meant_case("k", sheet)), *entries], ZONE)
    item = sheet.life.item
    known = Item(item.code, item.name, item.legal_days, item.promised_days)
    at = to_us(now)
    lights = [
        rules.judge(state, limit, Light.NONE, at, at, ZONE).light
        for limit in limits(state, known, CALENDAR, ZONE)
    ]
    return max(lights, key=lambda light: light.rank, default=Light.NONE)


def lights_at(now: datetime) -> dict[str, tuple[Light, bool]]:
    """By case number: its light, and whether it is open."""
    known = [sheet for one in SITES for sheet in sheets(one, now)]
    return {sheet.life.number: (light_of(sheet, now), sheet.finished_at is None) for sheet in known}


def test_some_cases_stand_near_their_limit_few_past_it_and_most_in_time() -> None:
    found = lights_at(NOW)
    standing = Counter(light for light, is_open in found.values() if is_open)
    assert 6000 <= len(found) <= 9000
    assert 20 <= standing[Light.YELLOW] <= 60
    assert 2 <= standing[Light.RED] <= 15
    assert standing[Light.PAUSED] >= 5
    reds = sum(light is Light.RED for light, _ in found.values())
    assert 0 < reds < len(found) / 100
    assert standing[Light.YELLOW] < standing.total() / 10


def test_lights_move_both_ways_as_days_pass() -> None:
    before, after = (lights_at(NOW + timedelta(days=days)) for days in (0, 2))
    open_yellow = [
        {n for n, found in lights.items() if found == (Light.YELLOW, True)} for lights in (before, after)
    ]
    assert len(open_yellow[1] - open_yellow[0]) >= 10
    assert sum(after.get(number) == (Light.GREEN, False) for number in open_yellow[0]) >= 10
    reds = [{n for n, (light, _) in lights.items() if light is Light.RED} for lights in (before, after)]
    assert reds[1] - reds[0]


def test_a_pause_moves_the_limit_and_is_not_counted() -> None:
    paused = [
        sheet
        for one in SITES
        for sheet in sheets(one, NOW)
        if sheet.finished_at and any(entry.stage.kind is StepKind.PAUSE for entry in sheet.entries)
    ]
    lit = Counter(light_of(sheet, NOW) for sheet in paused)
    assert len(paused) > 50
    assert lit[Light.GREEN] > 0.9 * len(paused)


def test_a_reader_in_the_middle_of_a_table_does_not_stop_the_office(tmp_path: Path) -> None:
    one = SITES[0]
    with closing(opened(tmp_path, NOW, one)) as offices:
        uri = f"{(tmp_path / one.id / 'office.db').as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            before = reader.execute("SELECT count(*) FROM 办件登记").fetchone()
            assert offices.work_once(to_us(NOW + timedelta(hours=6))) > 10
            assert reader.execute("SELECT count(*) FROM 办件登记").fetchone() == before


async def test_the_loop_works_as_the_clock_runs_and_ends_when_it_is_told(tmp_path: Path) -> None:
    one = SITES[-1]
    clock = Clock(ClockConfig(demo_office_at=to_us(NOW), demo_start_wall=Clock().wall(), demo_pace=3600))
    with closing(opened(tmp_path, NOW, one)) as offices:
        before = len(dump(tmp_path / one.id / "office.db"))
        work = asyncio.create_task(run(offices, clock))
        async with asyncio.timeout(10):
            while len(dump(tmp_path / one.id / "office.db")) < before + 5:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work


async def test_no_table_is_called_whole_before_every_table_was_read_once(tmp_path: Path) -> None:
    """Else the hall would accuse a case whose result or pause is still unread."""
    one = OF_VENDOR["split"]
    slow = msgspec.structs.replace(QUICK, poll_secs=0.001, page_rows=100)
    passes: list[Pass] = []
    with closing(opened(tmp_path, NOW, one)):
        async with agent(tmp_path / one.id, NOW, tmp_path, slow) as (collector, buffer, _):
            while not passes:
                await collector.round_once()
                records = await buffer.tail(0)
                bodies = [record.decode_body(item) for item in records]
                passes = [body for body in bodies if isinstance(body, Pass)]
    rows = Counter(item.table for item in records if item.table)
    expected = sheets(one, NOW)
    steps = sum(len(sheet.entries) for sheet in expected)
    assert rows == {"case": len(expected), "case.result": len(expected), "step": steps}
    tables = {name for item in passes for name in item.tables}
    assert tables == {"case", "case.result", "step"}


def test_the_city_is_the_one_of_the_page_tests_and_each_item_is_handled_somewhere() -> None:
    assert [one.name for one in SITES] == city.NAMES
    assert [one.id for one in SITES] == [city_cases.site_id(place) for place in range(18)]
    assert {one.vendor for one in SITES} == set(VENDORS)
    assert {desk for item in ITEMS for desk in item.desks} == set(Desk)
    assert {name for name, _, _ in city_cases.ITEMS} <= {item.name for item in ITEMS}
    assert len({item.code for item in ITEMS}) == len(ITEMS)
    assert all(1 < item.promised_days < item.legal_days for item in ITEMS)
