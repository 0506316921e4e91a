"""A restored source is one observation, whenever the box is cut off on the way."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from agent.config import CaptureConfig
from agent.evidence import Evidence
from common.core.record import Cause, Op, Record
from common.core.state import Observed
from tests.integration.test_collect import Box
from tests.integration.test_lanes import HOT, IDLE, NOW, OLD, WALKING, Office, later, observed

SLOW = msgspec.structs.replace(WALKING, page_rows=5, poll_secs=0)
"""A round reads one page of each lane."""
ONE = [(Observed.SOURCE_RESTORED, "")]
"""Of all tables together."""
OF_CASES = [(Observed.SOURCE_RESTORED, "case")]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def whole(box: Box) -> list[Record]:
    """Rounds until every table has been walked anew. -> the rows' records they added."""
    found: list[Record] = []
    lanes = box.collector._lanes.values()
    before = [one.whole_mono for one in lanes]
    while any(one.whole_mono in {None, old} for one, old in zip(lanes, before, strict=True)):
        found += await box.round()
    return found


def restore(office: Office) -> None:
    """Yesterday's backup: cases 9 to 40 are not in it."""
    office.sql("UPDATE SP_YWSL SET SQR='旧' WHERE ID<5")
    office.sql("DELETE FROM SP_YWSL WHERE ID>8")
    office.sql("DELETE FROM SP_BLGC WHERE YWID>8")


def put_back(office: Office, backup: bytes) -> None:
    """Another file in the place of the one that is there."""
    part = office.folder / "spxt.part"
    part.write_bytes(backup)
    part.replace(office.folder / "spxt.db")


async def notice(box: Box) -> None:
    for lanes in box.collector._lanes.values():
        lanes._newest_mono = 0
    assert await box.round() == []
    found = [lanes.survey is not None for lanes in box.collector._lanes.values()]
    assert found == [True, True], "under way, and not at its end"


def belong(records: Sequence[Record]) -> bool:
    return {item.cause for item in records if item.op is Op.DELETE or item.version > 1} == {Cause.RESTORED}


async def codes(box: Box) -> list[tuple[str, str]]:
    return sorted((item.code, item.table) for item in await observed(box))


async def test_one_that_was_noticed_is_surveyed_after_a_restart_before_anything_is_told(
    office: Office,
) -> None:
    async with office.running(SLOW) as box:
        await whole(box)
        restore(office)
        await notice(box)
    async with office.running(SLOW) as box:
        found = await whole(box)
        assert len(found) == 4 + 32 + 64
        assert belong(found)
        assert await codes(box) == ONE
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=2")
        assert [item.cause for item in await whole(box)] == [Cause.SOURCE]


async def test_what_is_found_of_it_after_a_restart_still_belongs_to_it_and_it_is_told_once(
    office: Office,
) -> None:
    async with office.running(SLOW) as box:
        await whole(box)
        restore(office)
        await notice(box)
        found: list[Record] = []
        while not found:
            found = await box.round()
        assert await codes(box)
    async with office.running(SLOW) as box:
        found += await whole(box)
        assert len(found) == 4 + 32 + 64
        assert belong(found)
        assert await codes(box) == ONE


async def test_a_crash_between_buffer_and_index_does_not_tell_it_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(evidence: Evidence, table: str) -> None:
        raise KeyboardInterrupt(table)

    with monkeypatch.context() as patched:
        patched.setattr(Evidence, "told", cut_off)
        async with office.running(SLOW) as box:
            await whole(box)
            restore(office)
            await notice(box)
            with pytest.raises(KeyboardInterrupt):
                await whole(box)
            assert await codes(box) == ONE
    async with office.running(SLOW) as box:
        assert belong(await whole(box))
        assert await codes(box) == ONE


async def test_tables_that_are_away_while_they_are_restored_are_no_thousand_findings(office: Office) -> None:
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("ALTER TABLE SP_YWSL RENAME TO OLD_YWSL")
        await box.round()
        assert list(box.state.table_faults) == ["case"]
        office.sql("ALTER TABLE OLD_YWSL RENAME TO SP_YWSL")
        restore(office)
        box.collector._retry_mono.clear()
        found = [item for _ in range(3) for item in await box.round()]
        assert len(found) == 4 + 32 + 64
        assert belong(found)
        assert await codes(box) == ONE


async def test_a_sign_that_proves_to_be_none_is_told_row_by_row(office: Office) -> None:
    """More than a fifth of a page, and fewer rows than an upheaval has."""
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID<12")
        found = await whole(box)
        assert [item.cause for item in found] == [Cause.SOURCE] * 11
        assert await codes(box) == []
        office.sql("DELETE FROM SP_YWSL WHERE ID>35")  # one that comes after it is one all the same
        assert belong(await whole(box))
        assert await codes(box) == OF_CASES
    async with office.running(WALKING) as box:
        assert box.index.upheavals == {}


async def test_a_backup_restored_while_the_box_was_down_is_no_thousand_findings(office: Office) -> None:
    async with office.running(WALKING) as box:
        await whole(box)
    restore(office)
    office.enter(9)
    async with office.running(SLOW) as box:
        found = await whole(box)
        assert len(found) == 4 + 32 + 62  # case 9 says something else, its steps the same
        assert belong(found)
        assert await codes(box) == ONE
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=2")
        assert [item.cause for item in await whole(box)] == [Cause.SOURCE]


async def test_yesterday_s_backup_lacks_the_few_cases_of_today_and_says_of_others_what_was(
    office: Office,
) -> None:
    """The fewer somebody deleted one by one, in whatever place, are told one by one."""
    for number in range(1, 11):
        office.sql("UPDATE SP_YWSL SET BJSJ=NULL WHERE ID=?", number)
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("UPDATE SP_YWSL SET BJSJ=? WHERE ID<4", NOW)
        assert [item.cause for item in await whole(box)] == [Cause.SOURCE] * 3
    office.sql("UPDATE SP_YWSL SET BJSJ=NULL WHERE ID<4")
    office.sql("DELETE FROM SP_YWSL WHERE ID>35")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert (len(found), belong(found)) == (5 + 3, True)
        assert await codes(box) == OF_CASES
        office.sql("DELETE FROM SP_YWSL WHERE ID IN (35, 34, 33, 32, 30)")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert [(item.op, item.cause) for item in found] == [(Op.DELETE, Cause.SOURCE)] * 5


async def test_a_table_emptied_while_the_box_was_down_is_one_observation(office: Office) -> None:
    async with office.running(WALKING) as box:
        await whole(box)
    office.sql("DELETE FROM SP_YWSL")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert {item.table for item in found} == {"case"}
        assert len(found) == 40
        assert belong(found)
        assert await codes(box) == OF_CASES


async def test_a_small_table_that_lost_most_of_its_newest_rows_was_restored(office: Office) -> None:
    """19 rows; what the page alone would tell row by row. Fewer than five are somebody's work."""
    office.sql("DELETE FROM SP_YWSL WHERE ID>19")
    office.sql("DELETE FROM SP_BLGC")
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("DELETE FROM SP_YWSL WHERE ID>8")
        office.sql("UPDATE SP_YWSL SET SQR='旧' WHERE ID<5")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert len(found) == 11 + 4
        assert belong(found)
        assert await codes(box) == OF_CASES
        office.sql("DELETE FROM SP_YWSL WHERE ID>4")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert [(item.op, item.cause) for item in found] == [(Op.DELETE, Cause.SOURCE)] * 4
        assert await codes(box) == OF_CASES


async def test_a_backup_with_more_old_rows_than_lost_ones_is_a_backup(office: Office) -> None:
    async with office.running(WALKING) as box:
        await whole(box)
    office.sql("DELETE FROM SP_YWSL WHERE ID>23")
    office.sql("UPDATE SP_YWSL SET SQR='旧'")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert (len(found), belong(found)) == (17 + 23, True)
        assert await codes(box) == OF_CASES


async def test_many_rows_gone_from_the_middle_are_a_source_that_was_rebuilt(office: Office) -> None:
    """Half of the newest are there, and the newest of all; so it is what the walk counts that shows it."""
    async with office.running(msgspec.structs.replace(WALKING, hot_secs=3600)) as box:
        await whole(box)
        await whole(box)
        office.sql("DELETE FROM SP_YWSL WHERE ID BETWEEN 2 AND 24")
        found = await whole(box)
        assert (len(found), belong(found)) == (23, True)
        assert await codes(box) == OF_CASES


async def test_a_backup_is_of_all_tables_and_its_few_rows_of_each_accuse_nobody(office: Office) -> None:
    """Of the steps three are gone, and one says what it said yesterday: alone they would be somebody's work."""
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("UPDATE SP_BLGC SET BLR='旧' WHERE ID=20")
        office.sql("DELETE FROM SP_YWSL WHERE ID>35")
        office.sql("DELETE FROM SP_BLGC WHERE ID>78")
        found = await whole(box)
        assert (len(found), belong(found)) == (5 + 3 + 1, True)
        assert await codes(box) == ONE
        office.sql("DELETE FROM SP_BLGC WHERE ID=50")
        assert [item.cause for item in await whole(box)] == [Cause.SOURCE]
        office.sql("ALTER TABLE SP_BLGC RENAME TO OLD_BLGC")
        await box.round()
        office.sql("DELETE FROM SP_YWSL WHERE ID>30")
        found = [item for _ in range(3) for item in await box.round()]
        assert (len(found), belong(found)) == (5, True), "a table that cannot be read holds up no other"
        office.sql("DELETE FROM OLD_BLGC WHERE ID>76")
        office.sql("ALTER TABLE OLD_BLGC RENAME TO SP_BLGC")
        box.collector._retry_mono.clear()
        found = await whole(box)
        assert (len(found), belong(found)) == (2, True), "it belongs to what was decided without it"


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_backup_that_lacks_one_case_is_known_by_the_file_that_was_put_back(
    office: Office, is_away: bool
) -> None:
    """By the newest rows alone it would be somebody's deletion, and what it says of others somebody's edit."""
    async with office.running(WALKING) as box:
        await whole(box)
    backup = (office.folder / "spxt.db").read_bytes()
    office.enter(41)
    office.sql("UPDATE SP_YWSL SET BJSJ=?, XGSJ=? WHERE ID=20", NOW, NOW)
    if is_away:
        async with office.running(WALKING) as box:
            await whole(box)
        put_back(office, backup)
    async with office.running(WALKING) as box:
        if not is_away:
            await whole(box)
            put_back(office, backup)
        found = await whole(box)
        assert (len(found), belong(found)) == (1 + 2 + 1, True)
        assert await codes(box) == ONE
        office.sql("DELETE FROM SP_YWSL WHERE ID=40")
        assert [item.cause for item in await whole(box)] == [Cause.SOURCE], "the file is known now"
        put_back(office, (office.folder / "spxt.db").read_bytes())
        office.sql("DELETE FROM SP_YWSL WHERE ID=30")
        assert [item.cause for item in await whole(box)] == [Cause.SOURCE], "newer ones are there"
        assert await codes(box) == ONE


async def test_the_newest_case_deleted_with_all_its_steps_is_a_deletion(office: Office) -> None:
    for number in range(90, 96):
        office.sql("INSERT INTO SP_BLGC VALUES (?,40,'审查','李强')", number)
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("DELETE FROM SP_YWSL WHERE ID=40")
        office.sql("DELETE FROM SP_BLGC WHERE YWID=40")
        found = await whole(box)
        assert [(item.op, item.cause) for item in found] == [(Op.DELETE, Cause.SOURCE)] * 9
        assert await codes(box) == []


def archive(office: Office) -> None:
    """Of the cases and steps, a quarter and nearly half."""
    office.sql("DELETE FROM SP_YWSL WHERE ID BETWEEN 41 AND 700")
    office.sql("DELETE FROM SP_BLGC WHERE ID BETWEEN 6 AND 40")


@pytest.mark.parametrize("hot_secs", [0.05, 3600])
@pytest.mark.parametrize("is_away", [False, True])
async def test_an_archive_that_takes_its_rows_from_everywhere_is_one_observation(
    office: Office, hot_secs: float, is_away: bool
) -> None:
    """More than the walk asks for at a time, none of them new; in the hot lane, a part of each slice."""
    with office.vendor() as db:
        rows = [
            (number, f"SL{number}", "王", None if number % 2 else NOW, NOW) for number in range(41, 2_800)
        ]
        db.executemany("INSERT INTO SP_YWSL VALUES (?,?,?,?,?)", rows)
    config = msgspec.structs.replace(WALKING, page_rows=500, hot_secs=hot_secs, poll_secs=3600)
    async with office.running(config) as box:
        await whole(box)
        await whole(box)
        found = []
        if not is_away:
            archive(office)
            found = await later(box) + await whole(box)
    if is_away:
        archive(office)
    async with office.running(config) as box:
        found += await whole(box)
        assert (len(found), belong(found)) == (660 + 35, True)
        assert await codes(box) == ONE


def counts(box: Box) -> bool:
    return box.collector._lanes["step"].survey is not None


async def test_a_sign_that_was_none_is_counted_once_for_each_walk(office: Office) -> None:
    """The newest rows were away, as while a dump is read back, and are there before all is counted."""
    async with office.running(SLOW) as box:
        await whole(box)
        away = [office.row("SP_BLGC", number) for number in range(77, 82)]
        office.sql("DELETE FROM SP_BLGC WHERE ID>76")
        box.collector._lanes["step"]._newest_mono = 0
        assert await box.round() == []
        assert counts(box)
        for row in away:
            office.sql("INSERT INTO SP_BLGC VALUES (?,?,?,?)", *row)
        while counts(box):
            assert await box.round() == []
        office.sql("DELETE FROM SP_BLGC WHERE ID>76")
        box.collector._lanes["step"]._newest_mono = 0
        await box.round()
        assert not counts(box), "again, before the walk that tells what it has counted"
        assert await codes(box) == []


async def test_numbers_and_texts_in_one_column_are_keys_alike(office: Office) -> None:
    """SQLite gives a column no type: by a number for a sample no text would be a key, and its rows would be gone."""
    office.sql("DROP TABLE SP_BLGC")
    office.sql("CREATE TABLE SP_BLGC (ID PRIMARY KEY, YWID, HJMC, BLR)")
    for number in range(1, 11):
        for key in (number, f"A{number:02}", f"0{number}", number + 0.5):
            office.sql("INSERT INTO SP_BLGC VALUES (?,?,'审查','李强')", key, 20 + number)
    office.sql("INSERT INTO SP_BLGC VALUES ('123456789012345678901234567890',30,'审查','李强')")
    async with office.running(msgspec.structs.replace(SLOW, hot_secs=0.05)) as box:
        assert len([item for item in await whole(box) if item.table == "step"]) == 41
        for _ in range(30):  # the hot lane's sample is now a number, now a text
            assert await later(box) == []
        office.sql("DELETE FROM SP_BLGC WHERE ID IN ('A05', 5, 7.5)")
        gone = [(item.key, item.op) for item in await later(box)]
        assert sorted(gone) == [("5", Op.DELETE), ("7.5", Op.DELETE), ("A05", Op.DELETE)]


async def test_a_mapping_with_another_key_is_no_restored_source(office: Office) -> None:
    """None of the newest keys is found, and the office has done nothing."""
    async with office.running(WALKING) as box:
        await whole(box)
    mapping = office.folder / "mapping.toml"
    another = mapping.read_text("utf-8").replace('"SP_BLGC"\nkey = ["ID"]', '"SP_BLGC"\nkey = ["ID", "YWID"]')
    mapping.write_text(another, "utf-8")
    async with office.running(WALKING) as box:
        found = await whole(box)
        assert {item.cause for item in found} == {Cause.MAPPING}
        assert await codes(box) == []


@pytest.mark.parametrize("config", [WALKING, HOT])
async def test_a_backup_that_is_put_back_behind_the_look_that_began_a_round_is_one(
    office: Office, config: CaptureConfig
) -> None:
    """What finds it is the walk, or the hot lane: less than a fifth is gone, so they would tell each row by itself."""
    async with office.running(config) as box:
        while any(lanes.whole_mono is None for lanes in box.collector._lanes.values()):
            await box.round()
        office.sql("DELETE FROM SP_YWSL WHERE ID>34")
        office.sql("DELETE FROM SP_BLGC WHERE YWID>34")
        found: list[Record] = []
        for _ in range(10):
            for lanes in box.collector._lanes.values():
                lanes._newest_mono = 1 << 62  # as if the round had looked before that
            found += await box.round()
            await asyncio.sleep(HOT.hot_secs)
        assert len([item for item in found if item.op is Op.DELETE]) == 6 + 12
        assert belong(found)
        assert await codes(box) == ONE


async def test_numbers_that_a_rebuilt_table_gives_again_accuse_nobody(office: Office) -> None:
    """What the hot lane reads by key are other rows; too few of them came to be many, and the round has looked before that."""
    async with office.running(HOT) as box:
        while any(lanes.whole_mono is None for lanes in box.collector._lanes.values()):
            await box.round()
        office.sql("DELETE FROM SP_BLGC")
        for number in range(19):
            office.sql("INSERT INTO SP_BLGC VALUES (?, ?, '重录', '孙')", 21 + number, 11 + number)
        found: list[Record] = []
        for _ in range(10):
            for lanes in box.collector._lanes.values():
                lanes._newest_mono = 1 << 62
            found += await box.round()
            await asyncio.sleep(HOT.hot_secs)
        assert belong(found)
        assert await codes(box) == [(Observed.SOURCE_RESTORED, "step")]


async def test_rows_numbered_anew_with_fresh_stamps_are_nobodys_edits_right_after_a_look(
    office: Office,
) -> None:
    """What the cursor reads says when it was written, and would be told before the newest rows are looked at again."""
    async with office.running(WALKING) as box:
        await box.round()
        for lanes in box.collector._lanes.values():
            lanes._newest_mono = 1 << 62
        office.sql("DELETE FROM SP_YWSL WHERE ID % 2")
        office.sql("UPDATE SP_YWSL SET ID = ID / 2")
        found = await whole(box)
        assert belong(found)
        assert ("case", "3", 2) in [(item.table, item.key, item.version) for item in found]
        assert await codes(box) == OF_CASES


def renumber(office: Office) -> None:
    """All rows get the numbers 1, 2, 3 in their order, and steps the new number of their case."""
    with office.vendor() as db:
        for table in ("SP_YWSL", "SP_BLGC"):
            rows = db.execute(f"SELECT * FROM {table} ORDER BY ID").fetchall()
            if table == "SP_YWSL":
                new = {row[0]: number for number, row in enumerate(rows, 1)}
            else:
                rows = [(row[0], new[row[1]], *row[2:]) for row in rows]
            db.execute(f"DELETE FROM {table}")
            places = ",".join("?" * len(rows[0])) if rows else ""
            for number, row in enumerate(rows, 1):
                db.execute(f"INSERT INTO {table} VALUES ({places})", (number, *row[1:]))


def small(office: Office, gone: tuple[int, ...], stamp: str) -> None:
    """Eight cases, of which those of the numbers `gone` were given up long ago."""
    office.sql("DELETE FROM SP_YWSL WHERE ID>8")
    office.sql("DELETE FROM SP_BLGC WHERE YWID>8")
    office.sql("UPDATE SP_YWSL SET SQR='申请人' || ID, XGSJ=?", stamp)
    for number in gone:
        office.sql("DELETE FROM SP_YWSL WHERE ID=?", number)
        office.sql("DELETE FROM SP_BLGC WHERE YWID=?", number)


@pytest.mark.parametrize(
    ("gone", "stamp"), [((3,), NOW), ((2, 6), NOW), ((2, 6), OLD), ((1, 2, 3), OLD), ((5, 6, 7), NOW)]
)
async def test_a_small_table_that_is_numbered_anew_accuses_nobody(
    office: Office, gone: tuple[int, ...], stamp: str
) -> None:
    """Fewer than five of the newest numbers are gone, and every row is there, under another number. What is done then is told."""
    small(office, gone, stamp)
    async with office.running(msgspec.structs.replace(WALKING, hot_secs=0.05)) as box:
        await whole(box)
        renumber(office)
        assert belong([*await whole(box), *await whole(box)])
        assert await codes(box) in (ONE, OF_CASES)
        office.sql("UPDATE SP_YWSL SET SQR='改' WHERE ID=2")
        office.sql("DELETE FROM SP_YWSL WHERE ID=1")
        found = [*await whole(box), *await whole(box)]
        assert sorted((item.op, item.cause) for item in found) == [
            (Op.DELETE, Cause.SOURCE),
            (Op.PUT, Cause.SOURCE),
        ]


async def test_rows_read_under_their_new_numbers_before_the_old_ones_are_gone_are_numbered_anew(
    office: Office,
) -> None:
    """The cursor takes the new ones first; no walk has ended since, which alone would make them rows of their own."""
    small(office, (), OLD)
    async with office.running(IDLE) as box:
        await box.round()
        office.sql("INSERT INTO SP_YWSL SELECT ID+100, SLBH, SQR, BJSJ, XGSJ FROM SP_YWSL")
        assert {item.version for item in await box.round()} == {1}
        office.sql("DELETE FROM SP_YWSL WHERE ID<=8")
        for lanes in box.collector._lanes.values():
            lanes.sweep_now()
        found = await whole(box)
        assert len([item for item in found if item.op is Op.DELETE]) == 8
        assert belong(found)
        assert await codes(box) == OF_CASES


async def test_one_of_two_rows_that_say_the_same_is_deleted_and_not_numbered_anew(office: Office) -> None:
    """Steps say who did what of which case, and no more; the same step may be entered twice."""
    small(office, (), OLD)
    async with office.running(WALKING) as box:
        await whole(box)
        office.sql("DELETE FROM SP_BLGC WHERE ID=5")  # as step 4 says
        found = await whole(box)
        assert [(item.key, item.op, item.cause) for item in found] == [("5", Op.DELETE, Cause.SOURCE)]
        office.sql("UPDATE SP_BLGC SET ID=99 WHERE ID=17")
        found = await whole(box)
        assert [item.cause for item in found if item.op is Op.DELETE] == [Cause.RESTORED]
        assert await codes(box) == [(Observed.SOURCE_RESTORED, "step")]
