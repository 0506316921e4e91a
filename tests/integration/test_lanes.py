"""What each lane finds without the walk's help, on a vendor's database with numbers for keys."""

import random
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.core.hint import HASTE, LOOK_EVERY
from agent.core.query import Query, Row
from agent.source import base
from common.clock import Clock
from common.core import record
from common.core.instant import HOUR, SECOND, to_us
from common.core.record import Case, Cause, Observation, Op, Record
from common.core.state import Observed
from tests.integration.test_collect import EAGER, Box, Site

MAPPING = """
version = 1
[source]
type = "sqlite"
path = "spxt.db"
[table.case]
from = "SP_YWSL"
key = ["ID"]
cursor = {columns = ["XGSJ"]}
columns = {case_no = "SLBH", applicant = "SQR", finished_at = "BJSJ"}
[table.step]
from = "SP_BLGC"
key = ["ID"]
parent = "YWID"
columns = {step_name = "HJMC", actor = "BLR"}
"""
OLD, NOW = "2026-05-01 09:00:00", "2026-06-01 09:00:00"
IDLE = msgspec.structs.replace(EAGER, sweep_secs=3600, hot_secs=3600, page_rows=100)
"""After the first walk only the tail and the cursor read."""
WALKING = msgspec.structs.replace(EAGER, page_rows=100)
HOT = msgspec.structs.replace(IDLE, hot_secs=0.05)


class Office(Site):
    """Cases 1 to 40, the first ten finished, each with two steps."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, is_new=False)
        (folder / "mapping.toml").write_text(MAPPING, "utf-8")
        self.sql("CREATE TABLE SP_YWSL (ID INTEGER PRIMARY KEY, SLBH, SQR, BJSJ, XGSJ)")
        self.sql("CREATE TABLE SP_BLGC (ID INTEGER PRIMARY KEY, YWID, HJMC, BLR)")
        for number in range(1, 41):
            self.enter(number, **({"finished": OLD, "stamp": OLD} if number <= 10 else {}))

    def sql(self, statement: str, *values: Any) -> None:
        with self.vendor() as db:
            db.execute(statement, values)

    def row(self, table: str, number: int) -> tuple[Any, ...]:
        """The row with this ID."""
        with self.vendor() as db:
            found: tuple[Any, ...] = db.execute(f"SELECT * FROM {table} WHERE ID=?", (number,)).fetchone()
        return found

    def enter(self, number: int, *, finished: str | None = None, stamp: str | None = NOW) -> None:
        self.sql(
            "INSERT INTO SP_YWSL VALUES (?,?,?,?,?)", number, f"SL{number:04}", "王小明", finished, stamp
        )
        for place in (0, 1):
            self.sql("INSERT INTO SP_BLGC VALUES (?,?,'审查','李强')", 2 * number + place, number)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
async def idle(office: Office) -> AsyncIterator[Box]:
    async with office.running(IDLE) as box:
        await box.round()
        yield box


@pytest.fixture
async def hot(office: Office) -> AsyncIterator[Box]:
    async with office.running(HOT) as box:
        await box.round()
        yield box


def told(records: Sequence[Record]) -> list[tuple[str, str, int, Op]]:
    return sorted((item.table, item.key, item.version, item.op) for item in records)


async def observed(box: Box) -> list[Observation]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [body for body in bodies if isinstance(body, Observation)]


async def later(box: Box) -> list[Record]:
    """A round, when the hot lane's next one is due."""
    box.collector._lanes["case"]._hot._due_mono = 0
    box.collector._lanes["step"]._hot._due_mono = 0
    return await box.round()


async def test_rows_without_a_stamp_are_found_beyond_the_highest_number(office: Office, idle: Box) -> None:
    office.enter(41, stamp=None)
    expected = [("case", "41", 1, Op.PUT), ("step", "82", 1, Op.PUT), ("step", "83", 1, Op.PUT)]
    assert told(await idle.round()) == expected
    assert await idle.round() == []


async def test_the_first_rows_of_an_empty_table_are_found_without_a_walk(office: Office) -> None:
    office.sql("DELETE FROM SP_YWSL")
    office.sql("DELETE FROM SP_BLGC")
    async with office.running(IDLE) as box:
        await box.round()
        office.enter(3, stamp=None)
        expected = [("case", "3", 1, Op.PUT), ("step", "6", 1, Op.PUT), ("step", "7", 1, Op.PUT)]
        assert told(await box.round()) == expected
        office.enter(5, stamp=None)
        await box.round()
        office.enter(4, stamp=None)
        assert ("case", "4", 1, Op.PUT) in told(await box.round())


async def test_a_number_that_was_passed_is_asked_for_until_its_row_appears(office: Office, idle: Box) -> None:
    """A transaction that committed late, with a stamp older than the overlap."""
    office.enter(45, stamp=None)
    await idle.round()
    office.enter(43, stamp="2020-01-01 00:00:00")
    assert ("case", "43", 1, Op.PUT) in told(await idle.round())


async def test_numbers_just_before_the_highest_are_asked_for_after_a_start_too(office: Office) -> None:
    async with office.running(IDLE) as box:
        await box.round()
        office.enter(700, stamp=None)
        await box.round()
    office.enter(650, stamp=None)
    async with office.running(IDLE) as box:
        assert ("case", "650", 1, Op.PUT) in told(await box.round())


async def test_a_silent_edit_and_a_deletion_in_an_open_case_are_found_without_a_walk(
    office: Office, hot: Box
) -> None:
    office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=20")
    office.sql("UPDATE SP_BLGC SET BLR='赵' WHERE ID=60")
    office.sql("DELETE FROM SP_BLGC WHERE ID=61")
    expected = [("case", "20", 2, Op.PUT), ("step", "60", 2, Op.PUT), ("step", "61", 2, Op.DELETE)]
    assert told(await later(hot)) == expected
    office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=3")  # finished: this is the walk's
    assert await later(hot) == []


async def test_open_cases_all_of_which_go_are_told_by_the_hot_lane(office: Office) -> None:
    """No row of theirs answers: the table's first row does, asked beside them; at last the table is empty."""
    office.sql("UPDATE SP_YWSL SET BJSJ=? WHERE ID<39", OLD)
    async with office.running(HOT) as box:
        await box.round()
        office.sql("DELETE FROM SP_YWSL WHERE ID>38")
        assert told(await later(box)) == [("case", "39", 2, Op.DELETE), ("case", "40", 2, Op.DELETE)]
    office.sql("DELETE FROM SP_YWSL")
    office.sql("DELETE FROM SP_BLGC")
    office.enter(41)
    async with office.running(HOT) as box:
        await box.round()
        await walked(box)
        office.sql("DELETE FROM SP_YWSL")
        assert told(await later(box)) == [("case", "41", 2, Op.DELETE)]


async def test_a_source_that_answers_no_question_by_key_has_lost_no_row(office: Office) -> None:
    """As where the keys of a table have another type since."""
    office.sql("UPDATE SP_YWSL SET BJSJ=? WHERE ID<36", OLD)
    async with office.running(HOT) as box:
        await box.round()
        await box.round()
        source = box.collector._source
        fetch = source.fetch

        async def deaf(query: Query) -> list[Row]:
            return [] if " IN (" in query.sql else await fetch(query)

        source.fetch = deaf  # type: ignore[method-assign]
        assert [await later(box) for _ in range(3)] == [[], [], []]


async def test_all_open_cases_at_once_are_an_upheaval_and_no_list_of_findings(office: Office) -> None:
    office.sql("UPDATE SP_YWSL SET BJSJ=? WHERE ID<21", OLD)
    for number in range(41, 91):
        office.enter(number, finished=OLD, stamp=OLD)  # the newest rows are there still
    async with office.running(HOT) as box:
        await box.round()
        await box.round()
        office.sql("DELETE FROM SP_YWSL WHERE ID BETWEEN 21 AND 40")
        found = [item for _ in range(2) for item in await later(box)]
        assert [(item.op, item.cause) for item in found] == [(Op.DELETE, Cause.RESTORED)] * 20
        assert len(await observed(box)) == 1


async def test_a_row_that_moves_past_the_walk_is_not_gone(office: Office) -> None:
    """It was away when its place was read, and is back before the walk ends."""
    async with office.running(msgspec.structs.replace(WALKING, page_rows=5)) as box:
        await box.round()
        source, moves = box.collector._source, [3]
        fetch = source.fetch

        async def moving(query: Query) -> list[Row]:
            rows = await fetch(query)
            if moves and query.sql.endswith("FROM `SP_YWSL` ORDER BY `ID` LIMIT 5"):
                office.sql("INSERT INTO SP_YWSL VALUES (?,'SL0003','王小明',?,?)", moves.pop(), OLD, OLD)
            return rows

        source.fetch = moving  # type: ignore[method-assign]
        office.sql("DELETE FROM SP_YWSL WHERE ID=3")
        assert await box.round() == []
        assert moves == []
        assert await box.round() == []


async def test_a_page_that_was_proven_is_no_larger_than_a_page_may_be_now(office: Office) -> None:
    """The source has become slow since."""
    async with office.running(WALKING) as box:
        for _ in range(3):
            await box.round()
        source, limits = box.collector._source, list[int]()
        fetch = source.fetch

        async def listening(query: Query) -> list[Row]:
            if "FROM `SP_YWSL` ORDER BY `ID` LIMIT" in query.sql:
                limits.append(int(query.sql.rpartition(" ")[2]))
            return await fetch(query)

        source.fetch = listening  # type: ignore[method-assign]
        await box.round()
        box.collector._lanes["case"]._reader.limit = 3
        await box.round()
        assert limits[0] == 40, "the whole table is one page that was proven"
        assert limits[1] < limits[0]


class Slow:
    """Each statement takes 10 ms, a rest what it says, and nothing else any time."""

    def __init__(self, box: Box, monkeypatch: pytest.MonkeyPatch, hour: int) -> None:
        source, clock = box.collector._source, box.collector._clock
        self.now = self.began = clock.mono()
        self.worked = 0
        self._fetch, source.fetch = source.fetch, self.fetch  # type: ignore[method-assign]
        at = to_us(datetime(2026, 6, 12, hour, tzinfo=ZoneInfo("Asia/Shanghai")))
        monkeypatch.setattr(clock, "mono", lambda: self.now)
        monkeypatch.setattr(clock, "office", lambda *_: at)
        monkeypatch.setattr("agent.lane.reader.asyncio", SimpleNamespace(sleep=self.sleep))

    async def fetch(self, query: Query) -> list[Row]:
        self.now += 10_000
        self.worked += 10_000
        return await self._fetch(query)

    async def sleep(self, secs: float) -> None:
        self.now += int(secs * SECOND)

    def share(self, since: tuple[int, int] = (0, 0)) -> float:
        """Of the time since (moment, worked until then), or since the begin, in which the source worked."""
        began, before = since if any(since) else (self.began, 0)
        return (self.worked - before) / (self.now - began)


@pytest.mark.parametrize(
    ("hour", "least", "most", "walking"), [(12, 0.045, 0.052, 0.0075), (23, 0.4, 0.55, 0.55)]
)
async def test_by_night_more_of_the_time_is_ours_and_the_figure_is_whole(
    office: Office, monkeypatch: pytest.MonkeyPatch, hour: int, least: float, most: float, walking: float
) -> None:
    """By day a walk that nobody waits for takes a tenth of it; the rest here is what the columns and the clock cost."""
    config = msgspec.structs.replace(WALKING, duty=0.05, page_rows=4, poll_secs=3600)
    async with office.running(config) as box:
        time = Slow(box, monkeypatch, hour)
        await box.round()
        assert least < time.share() < most
        first = time.now, time.worked
        for _ in range(5):
            await box.round()
        assert 0.7 * walking < time.share(first) < walking
        counted = sum(one.busy_us for one in box.collector._lanes.values())
        asked_by_no_lane = 6 * 10_000  # columns and clock
        assert time.worked - asked_by_no_lane <= counted <= time.worked


async def test_where_everything_is_edited_again_and_again_the_walks_behind_it_yield(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was walked after with the whole duty: whoever edited all over a table all day had the box in his way all day."""
    config = msgspec.structs.replace(WALKING, duty=0.05, page_rows=20, poll_secs=3600)
    async with office.running(config) as box:
        time = Slow(box, monkeypatch, 12)
        await box.round()

        async def secs_after_an_edit_everywhere(clerk: str) -> float:
            office.sql("UPDATE SP_BLGC SET BLR=?", clerk)
            walks: list[float] = []
            while not walks:
                with capture_logs() as said:
                    await box.round()
                of_step = [one for one in said if one.get("table") == "step"]
                walks = [one["secs"] for one in of_step if one["event"] == "walk.finished"]
            return walks[0]

        first, second = [await secs_after_an_edit_everywhere(clerk) for clerk in ("赵", "钱")]
        assert second > 5 * first
        time.now += 2 * HOUR
        assert await secs_after_an_edit_everywhere("孙") == first
        assert [item.code for item in await observed(box)] == [Observed.BULK_EDIT] * 3


async def test_a_page_that_takes_longer_than_a_statement_may_is_asked_for_in_parts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked for at the same size for ever, and the table never read."""
    async with office.running(WALKING) as box:
        source = box.collector._source
        fetch = source.fetch

        async def heavy(query: Query) -> list[Row]:
            found = re.match(r"SELECT.* LIMIT (\d+)", query.sql)
            if found is not None and int(found[1]) > 60:
                raise base.busy("statement timeout")
            return await fetch(query)

        monkeypatch.setattr(source, "fetch", heavy)
        assert await box.round() == []
        assert set(box.state.table_faults) == {"case", "step"}
        found = 0
        for _ in range(2):
            box.collector._retry_mono = dict.fromkeys(box.collector._retry_mono, 0)
            found += len(await box.round())
        assert found == 120
        assert not box.state.table_faults
        assert await box.round() == []
        assert not box.state.table_faults, "what is quickly read makes the next page no longer"


async def test_a_case_whose_end_lies_far_ahead_is_open(office: Office, hot: Box) -> None:
    office.sql("UPDATE SP_YWSL SET BJSJ='2099-12-31' WHERE ID=20")
    await later(hot)
    office.sql("UPDATE SP_BLGC SET BLR='赵' WHERE ID=40")
    assert told(await later(hot)) == [("step", "40", 2, Op.PUT)]


async def test_a_change_says_until_when_the_row_was_seen_as_it_was(office: Office, hot: Box) -> None:
    first = {(item.table, item.key): item for item in await hot.buffer.tail(0)}
    await later(hot)
    looked_at = hot.collector._capture.stamp().at
    await later(hot)
    office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=20")
    office.sql("DELETE FROM SP_BLGC WHERE ID=61")
    for item in await later(hot):
        assert item.same_until is not None
        assert looked_at <= item.same_until <= item.cap_at
        assert item.same_until > first[item.table, item.key].cap_at
    office.enter(41)
    walked_at = {table: walk.at for table, walk in hot.index.walked.items()}
    assert [(item.table, item.same_until) for item in await hot.round()] == [
        ("case", walked_at["case"]),
        ("step", walked_at["step"]),
        ("step", walked_at["step"]),
    ], "of a new row: until when it was known not to be there"


async def test_rows_that_a_new_mapping_reads_otherwise_say_so(office: Office) -> None:
    """P-REC-07"""
    async with office.running() as box:
        await box.round()
    text = (office.folder / "mapping.toml").read_text("utf-8")
    (office.folder / "mapping.toml").write_text(
        text.replace('actor = "BLR"', 'actor = "BLR", org = "YWID"'), "utf-8"
    )
    async with office.running() as box:
        assert {(item.table, item.cause) for item in await box.round()} == {("step", Cause.MAPPING)}
        office.sql("UPDATE SP_BLGC SET BLR='赵' WHERE ID=60")
        assert [item.cause for item in await box.round()] == [Cause.SOURCE]


async def test_a_restored_backup_is_one_observation(office: Office) -> None:
    """Cases 9 to 40 are gone, the others say what they said yesterday, and their numbers are given again."""
    async with office.running(WALKING) as box:
        await box.round()
        office.sql("UPDATE SP_YWSL SET SQR='旧' WHERE ID<5")
        office.sql("DELETE FROM SP_YWSL WHERE ID>8")
        office.sql("DELETE FROM SP_BLGC WHERE YWID>8")
        office.enter(9)
        found = [item for _ in range(3) for item in await box.round()]
        assert {item.cause for item in found if item.op is Op.DELETE or item.version > 1} == {Cause.RESTORED}
        assert len(found) == 4 + 32 + 62  # case 9 says something else, its steps the same
        (seen,) = await observed(box)
        assert (seen.code, seen.table) == (Observed.SOURCE_RESTORED, "")
        case = {"known": 40, "changed": 5, "gone": 31, "new": 0}
        step = {"known": 80, "changed": 0, "gone": 62, "new": 0}
        whole = {part: case[part] + step[part] for part in case}
        assert msgspec.json.decode(seen.detail) == {**whole, "tables": {"case": case, "step": step}}
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=2")
        assert [item.cause for item in await box.round()] == [Cause.SOURCE]


async def test_the_tail_goes_on_where_a_rebuilt_source_begins_its_numbers_anew(office: Office) -> None:
    async with office.running(IDLE) as box:
        await box.round()
        office.sql("DELETE FROM SP_YWSL")
        office.sql("DELETE FROM SP_BLGC")
        office.enter(3, stamp=None)
        box.collector._lanes["case"]._newest_mono = 0
        assert ("case", "40", 2, Op.DELETE) in told(await box.round())
        office.enter(5, stamp=None)
        assert ("case", "5", 3, Op.PUT) in told(await box.round())
    office.enter(7, stamp=None)
    async with office.running(IDLE) as box:
        assert ("case", "7", 3, Op.PUT) in told(await box.round())


async def test_an_edit_in_bulk_is_one_observation(office: Office) -> None:
    async with office.running(WALKING) as box:
        await box.round()
        office.sql("UPDATE SP_BLGC SET BLR='赵'")
        found = [item for _ in range(2) for item in await box.round()]
        assert [item.cause for item in found] == [Cause.RESTORED] * 80
        assert [(item.code, item.table) for item in await observed(box)] == [(Observed.BULK_EDIT, "step")]
        assert await box.round() == []


async def test_what_many_people_stamped_while_the_box_was_away_is_no_upheaval(office: Office) -> None:
    async with office.running(WALKING) as box:
        await box.round()
    office.sql("UPDATE SP_YWSL SET SQR='改', XGSJ='2026-06-09 09:00:00'")
    async with office.running(WALKING) as box:
        assert {item.cause for _ in range(2) for item in await box.round()} == {Cause.SOURCE}
        assert await observed(box) == []


async def test_a_row_that_silently_says_again_what_its_page_was_proven_with_is_told(office: Office) -> None:
    async with office.running(msgspec.structs.replace(IDLE, page_rows=5)) as box:
        await box.round()
        await walked(box)
        office.sql("UPDATE SP_YWSL SET SQR='改', XGSJ=? WHERE ID=5", NOW)
        assert told(await box.round()) == [("case", "5", 2, Op.PUT)]
        office.sql("UPDATE SP_YWSL SET SQR='王小明', XGSJ=? WHERE ID=5", OLD)
        assert await box.round() == []
        assert told(await walked(box)) == [("case", "5", 3, Op.PUT)]


async def test_a_row_that_was_told_gone_and_is_back_before_the_walk_is_told(office: Office) -> None:
    async with office.running(msgspec.structs.replace(HOT, page_rows=5)) as box:
        await box.round()
        await walked(box)
        office.sql("DELETE FROM SP_BLGC WHERE ID=60")
        assert told(await later(box)) == [("step", "60", 2, Op.DELETE)]
        office.sql("INSERT INTO SP_BLGC VALUES (60, 30, '审查', '李强')")
        assert told(await walked(box)) == [("step", "60", 3, Op.PUT)]


async def walked(box: Box) -> list[Record]:
    """A round with a walk."""
    for lanes in box.collector._lanes.values():
        lanes.sweep_now()
    return await box.round()


@pytest.mark.parametrize("seed", range(4))
async def test_after_every_walk_the_newest_records_say_what_the_table_says(office: Office, seed: int) -> None:
    """Silent edits, edits back, deletions, rows that return: with pages of five, most of which were proven before."""
    dice, config = random.Random(seed), msgspec.structs.replace(WALKING, page_rows=5)
    newest: dict[str, Record] = {}
    async with office.running(config) as box:
        for _ in range(60):
            for _ in range(dice.randrange(4)):
                _meddle(office, dice)
            for item in await box.round():
                if item.table == "case":
                    assert item.key not in newest or item.version > newest[item.key].version
                    newest[item.key] = item
            with office.vendor() as db:
                table = {
                    str(key): (number, name)
                    for key, number, name in db.execute("SELECT ID, SLBH, SQR FROM SP_YWSL")
                }
            told = {key: record.decode_body(item) for key, item in newest.items() if item.op is Op.PUT}
            assert {
                key: (body.case_no, body.applicant) for key, body in told.items() if isinstance(body, Case)
            } == table
        proven = box.collector._capture.pages("case")
        assert len(proven._pages) > 3


def _meddle(office: Office, dice: random.Random) -> None:
    number = dice.randrange(1, 45)
    stamp = dice.choice([None, OLD, NOW])
    match dice.randrange(5):
        case 0:
            office.sql("DELETE FROM SP_YWSL WHERE ID=?", number)
        case 1:
            row = (number, f"SL{number:04}", dice.choice("王李"), None, stamp)
            office.sql("INSERT OR REPLACE INTO SP_YWSL VALUES (?,?,?,?,?)", *row)
        case 2:
            office.sql("UPDATE SP_YWSL SET SQR=?, XGSJ=? WHERE ID=?", dice.choice("王李"), NOW, number)
        case _:
            office.sql("UPDATE SP_YWSL SET SQR=? WHERE ID=?", dice.choice("王李"), number)


async def test_a_jump_of_the_sources_clock_is_observed_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an administrator sets it back an hour, between two looks a minute apart."""
    monkeypatch.setattr("agent.collect.LOOK_EVERY", 0)
    async with office.running(IDLE) as box:
        source, shift = box.collector._source, [0]

        async def clock() -> int:
            return Clock().wall() + shift[0]

        monkeypatch.setattr(source, "clock", clock)  # a file has none
        await box.round()
        shift[0] = -HOUR
        await box.round()
        await box.round()
        (seen,) = await observed(box)
        assert (seen.code, msgspec.json.decode(seen.detail)) == (Observed.CLOCK_JUMP, {"seconds": -3600})


async def test_a_number_that_was_told_missing_is_told_no_second_time_after_a_start(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.core.tail.LEAST_PATIENCE", -1)
    async with office.running(IDLE) as box:
        await box.round()
        office.enter(43, stamp=None)
        await box.round()
        keys = {(item.table, item.key) for item in await observed(box)}
        assert keys == {("case", "41-42"), ("step", "82-85")}
    office.enter(45, stamp=None)
    async with office.running(IDLE) as box:
        await box.round()
        later = [(item.table, item.key) for item in await observed(box)]
        assert sorted(later) == sorted([*keys, ("case", "44"), ("step", "88-89")])


async def test_a_sign_of_writing_brings_the_walk_and_the_hot_lane_sooner(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edits without a stamp, beyond the overlap: of a finished case, which is the walk's, and of an open one."""
    office.enter(41, stamp=OLD)
    async with office.running(IDLE) as box:
        real, shift = box.collector._clock.mono, [0]
        monkeypatch.setattr(box.collector._clock, "mono", lambda: real() + shift[0])
        for _ in range(2):
            await box.round()
            shift[0] += HOUR // HASTE
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=3")
        assert await box.round() == [], "it has not looked at the sign yet, or just now"
        assert told(await box.round()) == [("case", "3", 2, Op.PUT)]
        shift[0] += LOOK_EVERY
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID IN (4, 41)")
        assert [await box.round() for _ in range(3)] == [[], [], []], "they rest, though less"
        shift[0] += HOUR // HASTE
        found = told(await box.round()) + told(await box.round())
        assert sorted(found) == [("case", "4", 2, Op.PUT), ("case", "41", 2, Op.PUT)]


async def test_what_a_quick_lane_has_told_hurries_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office.running(IDLE) as box:
        real, shift = box.collector._clock.mono, [0]
        monkeypatch.setattr(box.collector._clock, "mono", lambda: real() + shift[0])
        for _ in range(2):
            await box.round()
            shift[0] += HOUR // HASTE
        office.sql("UPDATE SP_YWSL SET SQR='改', XGSJ=? WHERE ID=3", NOW)
        assert told(await box.round()) == [("case", "3", 2, Op.PUT)]
        case = box.collector._lanes["case"]
        assert not case._hurried
        assert box.collector._lanes["step"]._hurried, "the sign of a SQLite file is of all its tables"
