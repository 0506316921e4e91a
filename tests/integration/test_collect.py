"""A real SQLite file of a vendor, the real buffer and index: whatever happens to a row, the hall will be told once."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import structlog

from agent import mapping
from agent.app import adapter
from agent.buffer import Buffer
from agent.capture import Capture
from agent.checkpoint import Signer
from agent.collect import Collector, CollectState
from agent.config import CaptureConfig
from agent.epoch import Sealing
from agent.index import Index
from agent.room import AMPLE, QuotaError, Room
from agent.salvage import Salvage
from agent.sqlfile import BufferFullError, DamagedFileError
from agent.switch import Switch
from common.clock import Clock
from common.core import crypto, record
from common.core.checkpoint import is_signed_by
from common.core.errors import UnavailableError
from common.core.offset import Sample
from common.core.record import Anew, Case, Cause, Checkpoint, Observation, Op, Pass, Record, Step
from common.core.state import CaseStatus

KEK = b"k" * 32
DIGEST_KEY = b"d" * 32
SIGN_SECRET = b"s" * 32
SIGN_KEY = crypto.sign_public(SIGN_SECRET)
EAGER = CaptureConfig(poll_secs=5, sweep_secs=0, page_rows=3, rows_per_sec=1e6, duty=1, pass_secs=0)
LAZY = msgspec.structs.replace(EAGER, sweep_secs=3600, pass_secs=3600)
MAPPING = """
version = 1
[source]
type = "sqlite"
path = "spxt.db"
[table.case]
from = "办件"
key = ["编号"]
cursor = {columns = ["修改时间"]}
columns = {case_no = "编号", applicant = "申请人", status = {col = "状态", enum = {0 = "accepted", 9 = "done"}}}
[table.step]
from = "办理过程"
key = ["编号", "序号"]
parent = "编号"
columns = {seq = "序号", step_name = "环节"}
"""


class Site:
    """One box on one vendor database; `open` is a start of the agent, leaving it is a crash or a stop."""

    def __init__(self, folder: Path, *, is_new: bool = True) -> None:
        self.folder = folder
        self.file = folder / "spxt.db"
        if not is_new:
            return
        (folder / "mapping.toml").write_text(MAPPING, "utf-8")
        with self.vendor() as db:
            db.execute('CREATE TABLE "办件" ("编号" TEXT PRIMARY KEY, "申请人", "状态", "修改时间" TEXT)')
            db.execute(
                'CREATE TABLE "办理过程" ("编号" TEXT, "序号" INTEGER, "环节", PRIMARY KEY ("编号", "序号"))'
            )
            for number in range(1, 8):
                self.insert(db, number)

    @contextmanager
    def vendor(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.file)
        with db:
            yield db
        db.close()

    def insert(self, db: sqlite3.Connection, number: int, status: Any = 0) -> None:
        key = f"SL{number:03}"
        row = (key, "王小明", status, f"2026-06-01 08:{number:02}:00")
        db.execute('INSERT INTO "办件" VALUES (?, ?, ?, ?)', row)
        db.execute('INSERT INTO "办理过程" VALUES (?, 1, ?)', (key, "受理"))

    @asynccontextmanager
    async def running(
        self, config: CaptureConfig = EAGER, *, salvage: bool = False, room: Room = AMPLE
    ) -> AsyncIterator["Box"]:
        source_config, tables = mapping.load(self.folder / "mapping.toml")
        clock = Clock()
        clock.compare(
            Sample(clock.wall() - clock.mono(), 0, clock.mono())
        )  # as a hall in the same machine would say
        buffer = await Buffer.open(
            self.folder / "buffer.db",
            seal=Sealing([KEK]),
            site="s01",
            sign_key=SIGN_KEY,
            clock=clock,
            room=room,
        )
        index = await Index.open(self.folder / "index.db", buffer.epoch)
        state = CollectState()
        capture = Capture(buffer, index, clock, DIGEST_KEY, Signer(buffer, "s01", SIGN_SECRET))
        source = adapter(source_config, self.folder, tables)
        salvager = Salvage(buffer, await buffer.positions(), [KEK], index, capture, clock)
        collector = Collector(
            source,
            tables,
            capture,
            index,
            config,
            clock,
            state,
            salvager if salvage else None,
            Switch(self.folder),
        )
        await collector.start(await buffer.positions())
        try:
            yield Box(buffer, index, collector, state)
        finally:
            await collector.end()
            await index.close()
            await buffer.close()


class Box:
    def __init__(self, buffer: Buffer, index: Index, collector: Collector, state: CollectState) -> None:
        self.buffer = buffer
        self.index = index
        self.collector = collector
        self.state = state

    async def round(self) -> list[Record]:
        """One round -> the rows' records it added."""
        before = self.buffer.newest
        await self.collector.round_once()
        return [item for item in await self.buffer.tail(before) if item.table]

    async def passes(self) -> list[Pass]:
        bodies = [record.decode_body(item) for item in await self.buffer.tail(0)]
        return [body for body in bodies if isinstance(body, Pass)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def forgotten(box: Box) -> None:
    """The hall has everything."""
    newest = box.buffer.newest
    await box.index.note_acknowledged(box.buffer.epoch, newest, await box.buffer.chain_at(newest))
    await box.buffer.forget(newest)


def summary(records: list[Record]) -> list[tuple[str, str, int, Op]]:
    return sorted((item.table, item.key, item.version, item.op) for item in records)


def puts(table: str, *keys: str, version: int = 1) -> list[tuple[str, str, int, Op]]:
    return [(table, key, version, Op.PUT) for key in keys]


async def test_the_first_round_tells_every_row_once_and_the_next_nothing(site: Site) -> None:
    async with site.running() as box:
        first = await box.round()
        cases = [f"SL{n:03}" for n in range(1, 8)]
        steps = [f'["{case}","1"]' for case in cases]
        assert summary(first) == puts("case", *cases) + puts("step", *steps)
        assert await box.round() == []


async def test_records_carry_the_canonical_body_and_the_stamp_of_the_source(site: Site) -> None:
    async with site.running() as box:
        by_place = {(item.table, item.key): item for item in await box.round()}
    case = by_place["case", "SL001"]
    assert record.decode_body(case) == Case(
        case_key="SL001", case_no="SL001", applicant="王小明", status=CaseStatus.ACCEPTED
    )
    assert case.src_at == "2026-06-01T08:01:00+08:00"
    step = record.decode_body(by_place["step", '["SL001","1"]'])
    assert step == Step(case_key="SL001", seq=1, step_name="受理")


async def test_inserts_and_stamped_updates_come_by_the_cursor_without_a_sweep(site: Site) -> None:
    async with site.running(LAZY) as box:
        await box.round()
        with site.vendor() as db:
            site.insert(db, 8)
            db.execute(
                'UPDATE "办件" SET "状态"=9, "修改时间"=\'2026-06-01 08:09:00\' WHERE "编号"=\'SL003\''
            )
        found = summary(await box.round())
        assert found == [("case", "SL003", 2, Op.PUT), ("case", "SL008", 1, Op.PUT)]


async def test_a_late_commit_inside_the_overlap_is_read(site: Site) -> None:
    async with site.running(LAZY) as box:
        await box.round()
        with site.vendor() as db:
            db.execute("INSERT INTO \"办件\" VALUES ('SL000', '李', 0, '2026-06-01 08:00:30')")
        assert summary(await box.round()) == puts("case", "SL000")


async def test_the_overlap_grows_with_how_late_rows_are_seen_and_outlives_a_start(site: Site) -> None:
    """Rows of a long transaction, half an hour and more behind the newest one, with keys that are no numbers."""

    def late(key: str, at: str) -> None:
        with site.vendor() as db:
            db.execute('INSERT INTO "办件" VALUES (?, ?, 0, ?)', (key, "李", f"2026-06-01 {at}:00"))

    async with site.running(LAZY) as box:
        await box.round()
        late("SL900", "12:00")
        await box.round()
        assert box.state.overlaps == {"case.修改时间": 600}
        late("SL901", "11:28")
        assert await box.round() == [], "beyond the overlap: the walk's"
        box.collector._lanes["case"].sweep_now()
        assert summary(await box.round()) == puts("case", "SL901")
        assert 3_840 <= box.state.overlaps["case.修改时间"] <= 4_700
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'改\' WHERE "编号"=\'SL001\'')
        box.collector._lanes["case"].sweep_now()
        assert len(await box.round()) == 1
        late("SL902", "11:00")
        assert summary(await box.round()) == puts("case", "SL902")
        wide = box.state.overlaps["case.修改时间"]
        assert 7_200 >= wide > 7_000, "the silent edit, hours behind, is no late row"
    async with site.running(LAZY) as box:
        assert await box.round() == []
        assert box.state.overlaps == {"case.修改时间": wide}


async def test_a_time_stamp_far_in_the_future_does_not_blind_the_cursor(site: Site) -> None:
    with site.vendor() as db:
        db.execute("INSERT INTO \"办件\" VALUES ('SL999', '李', 0, '2206-06-01 08:00:00')")
    async with site.running(LAZY) as box:
        await box.round()
        with site.vendor() as db:
            site.insert(db, 8)
        assert ("case", "SL008", 1, Op.PUT) in summary(await box.round())


async def test_a_stamp_that_is_hours_ahead_hides_nothing_that_is_stamped_rightly(site: Site) -> None:
    """Somebody's slip; it is read again in every round until its time has come, over a start too."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))

    def stamp(key: str, at: datetime, name: str) -> None:
        with site.vendor() as db:
            db.execute(
                'INSERT OR REPLACE INTO "办件" VALUES (?, ?, 0, ?)', (key, name, f"{at:%Y-%m-%d %H:%M:%S}")
            )

    stamp("SL999", now + timedelta(hours=20), "李")
    async with site.running(LAZY) as box:
        await box.round()
        stamp("SL003", now, "改")
        assert summary(await box.round()) == puts("case", "SL003", version=2)
        stamp("SL999", now + timedelta(hours=20), "王")
        assert summary(await box.round()) == puts("case", "SL999", version=2)
    stamp("SL004", now, "改")
    async with site.running(LAZY) as box:
        box.collector._lanes["case"]._next_walk_mono = 1 << 62
        assert summary(await box.round()) == puts("case", "SL004", version=2)


@pytest.mark.parametrize(
    ("first", "late", "shown"),
    [(1_780_300_000, 1_780_299_750, True), (20260601080000, 20260601075600, True), (90_000, 89_600, False)],
)
async def test_a_cursor_that_is_a_number_has_an_overlap_too(
    site: Site, first: int, late: int, shown: bool
) -> None:
    """Seconds since 1970, digits of a time, a running number of changes; of the last no seconds are shown."""
    mapping_file = site.folder / "mapping.toml"
    mapping_file.write_text(mapping_file.read_text("utf-8").replace('["修改时间"]', '["修改"]'), "utf-8")
    with site.vendor() as db:
        db.execute('ALTER TABLE "办件" ADD COLUMN "修改" INTEGER')
        db.execute('UPDATE "办件" SET "修改"=?', (first,))
    async with site.running(LAZY) as box:
        await box.round()
        await box.round()
        with site.vendor() as db:
            db.execute("INSERT INTO \"办件\" VALUES ('SL000', '李', 0, NULL, ?)", (late,))
        assert summary(await box.round()) == puts("case", "SL000")
        assert box.state.overlaps == ({"case.修改": 600} if shown else {})


async def test_a_silent_edit_and_a_deletion_are_found_by_the_sweep(site: Site) -> None:
    async with site.running() as box:
        await box.round()
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'改\' WHERE "编号"=\'SL002\'')
            db.execute('DELETE FROM "办件" WHERE "编号"=\'SL005\'')
            db.execute('DELETE FROM "办理过程" WHERE "编号"=\'SL005\'')
        found = await box.round()
        assert summary(found) == [
            ("case", "SL002", 2, Op.PUT),
            ("case", "SL005", 2, Op.DELETE),
            ("step", '["SL005","1"]', 2, Op.DELETE),
        ]
        deleted = next(item for item in found if item.table == "step")
        assert record.decode_body(deleted) == Step(case_key="SL005")
        assert await box.round() == []
        with site.vendor() as db:
            site.insert(db, 5)
        assert ("case", "SL005", 3, Op.PUT) in summary(await box.round())


async def test_a_table_that_was_emptied_is_told_row_by_row(site: Site) -> None:
    async with site.running() as box:
        await box.round()
        with site.vendor() as db:
            db.execute('DELETE FROM "办件"')
        found = await box.round()
        assert [item.op for item in found] == [Op.DELETE] * 7


async def test_a_restart_tells_nothing_twice(site: Site) -> None:
    async with site.running() as box:
        await box.round()
    async with site.running() as box:
        assert await box.round() == []


async def test_a_crash_between_buffer_and_index_reads_again_without_duplicates(site: Site) -> None:
    async with site.running() as box:
        await box.round()
    before = (site.folder / "index.db").read_bytes()
    with site.vendor() as db:
        site.insert(db, 8)
        db.execute('DELETE FROM "办件" WHERE "编号"=\'SL001\'')
    async with site.running() as box:
        assert len(await box.round()) == 3
        newest = box.buffer.newest
    (site.folder / "index.db").write_bytes(before)
    async with site.running() as box:
        assert await box.round() == []
        assert box.index.indexed > newest
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'改\' WHERE "编号"=\'SL008\'')
        assert summary(await box.round()) == [("case", "SL008", 2, Op.PUT)]


async def test_an_index_that_was_lost_never_gives_a_version_twice(site: Site) -> None:
    async with site.running() as box:
        await box.round()
        newest = box.buffer.newest
        await box.buffer.forget(newest)
    (site.folder / "index.db").unlink()
    async with site.running() as box:
        again = await box.round()
        assert len(again) == 14
        assert {item.version for item in again} == {newest + 1}


async def test_an_index_that_was_lost_lets_the_hall_find_the_rows_that_went_meanwhile(site: Site) -> None:
    """P-PASS-03: every row that is there is sent above the place that the pass names, those still buffered too."""
    async with site.running() as box:
        await box.round()
        assert {item.anew for item in await box.passes()} == {Anew(box.buffer.epoch, 0)}
        await box.buffer.forget(10)  # the cases and some steps
    with site.vendor() as db:
        db.execute('DELETE FROM "办件" WHERE "编号"=\'SL001\'')
        db.execute('DELETE FROM "办理过程" WHERE "编号"=\'SL007\'')
    (site.folder / "index.db").unlink()
    async with site.running() as box:
        newest = box.buffer.newest
        again = await box.round()
        assert min(item.version for item in again) == newest + 1
        told = {(item.table, item.key) for item in again if item.op is Op.PUT}
        assert told == {("case", f"SL{n:03}") for n in range(2, 8)} | {
            ("step", f'["SL{n:03}","1"]') for n in range(1, 7)
        }
        assert (await box.passes())[-1].anew == Anew(box.buffer.epoch, newest)
        assert await box.round() == []
        epoch = box.buffer.epoch
    (site.folder / "buffer.db").unlink()
    async with site.running() as box:
        await box.round()
        assert (await box.passes())[-1].anew == Anew(box.buffer.epoch, 0), (
            "nothing of the other was delivered"
        )
        await box.index.note_acknowledged(box.buffer.epoch, 2, b"")
        first = box.buffer.epoch
    for name in ("buffer.db", "buffer.db-wal", "buffer.db-shm"):
        (site.folder / name).unlink(missing_ok=True)
    async with site.running() as box:
        await box.round()
        assert box.buffer.epoch not in {epoch, first}
        assert (await box.passes())[-1].anew == Anew(first, 0), "what that one delivered is not sent again"


async def test_what_is_told_anew_while_a_walk_is_under_way_waits_for_the_next(site: Site) -> None:
    """P-PASS-03: the walk's own place counts, not one that came later."""
    slow = msgspec.structs.replace(EAGER, poll_secs=0.001, rows_per_sec=1000, page_rows=2)
    async with site.running(slow) as box:
        while not await box.passes():
            await box.round()
        began = Anew(box.buffer.epoch, 0)
        await box.round()
        await box.index.lift(box.buffer.newest, box.buffer.newest)
        lifted = box.index.anew
        before = len(await box.passes())
        while lifted not in {item.anew for item in await box.passes()}:
            told = await box.round()
            assert told or {item.anew for item in (await box.passes())[before:]} <= {began, lifted}
        rows = [item for item in await box.buffer.tail(0) if item.table]
        newest = {(item.table, item.key): item.version for item in rows}
        assert lifted is not None
        assert min(newest.values()) > lifted.above


async def test_versions_rise_when_the_index_is_lost_in_an_epoch_whose_versions_are_above_its_numbers(
    site: Site,
) -> None:
    """Rows bring their versions from the epoch before; numbers begin anew."""
    async with site.running() as box:
        for number in range(30):
            with site.vendor() as db:
                db.execute('UPDATE "办件" SET "申请人"=? WHERE "编号"="SL001"', (f"王{number}",))
            await box.round()
        await forgotten(box)
    (site.folder / "buffer.db").write_bytes(b"\0" * 8192)
    async with site.running() as box:
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"="李" WHERE "编号"="SL001"')
        told = [item for item in await box.round() if item.key == "SL001"]
        assert [item.version for item in told] == [31]
        await forgotten(box)
    (site.folder / "index.db").unlink()
    async with site.running() as box:
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "状态"=9 WHERE "编号"="SL001"')
        told = [item for item in await box.round() if item.key == "SL001"]
        assert [item.version for item in told] == [32]
        assert (await box.passes())[-1].anew == Anew(box.buffer.epoch, 31)


async def test_a_deletion_behind_an_older_one_that_was_told_as_history_is_told_above_both(site: Site) -> None:
    """Killed after salvage had taken older versions into the buffer, before the index had learned of them."""
    async with site.running() as box:
        await box.round()
        before = next(item for item in await box.buffer.tail(0) if item.key == "SL001")
        for name in ("李", "王"):
            with site.vendor() as db:
                db.execute('UPDATE "办件" SET "申请人"=? WHERE "编号"="SL001"', (name,))
            await box.round()
        older = [before, msgspec.structs.replace(before, version=2, op=Op.DELETE)]
        await box.buffer.append(older)
    with site.vendor() as db:
        db.execute('DELETE FROM "办件" WHERE "编号"="SL001"')
    async with site.running() as box:
        told = [item for item in await box.round() if item.key == "SL001"]
        assert [(item.version, item.op) for item in told] == [(4, Op.DELETE)]
        assert await box.round() == []


async def test_an_index_from_an_old_copy_tells_rows_again_that_went_back_to_what_it_knows(site: Site) -> None:
    """The hall holds a version in between, which this index has never seen."""
    async with site.running() as box:
        await box.round()
    copy = (site.folder / "index.db").read_bytes()
    change = 'UPDATE "办件" SET "申请人"=? WHERE "编号"=\'SL002\''
    async with site.running() as box:
        with site.vendor() as db:
            db.execute(change, ("改",))
        await box.round()
        newest = box.buffer.newest
        await box.buffer.forget(newest)
    (site.folder / "index.db").write_bytes(copy)
    with site.vendor() as db:
        db.execute(change, ("王小明",))
    async with site.running() as box:
        again = await box.round()
        assert len(again) == 14
        assert {item.version for item in again} == {newest + 1}


async def test_a_damaged_index_is_set_aside_and_everything_goes_on(site: Site) -> None:
    async with site.running() as box:
        await box.round()
    (site.folder / "index.db").write_bytes(b"not a database, " * 1000)
    async with site.running() as box:
        assert await box.round() == []  # the buffer still holds all and teaches the new index
    assert (site.folder / "index.db.damaged").exists()


@pytest.mark.parametrize(
    "change",
    ["dirty=x''", "gone=''", "n=1.5", "seq=1.5", "digest='a'", "epoch=1", "case_key=x'00'", "sum=''"],
)
async def test_a_value_of_another_type_in_the_index_is_damage(site: Site, change: str) -> None:
    """As a flipped bit in a row's header makes it: SQLite itself does not notice."""
    async with site.running() as box:
        await box.round()
    with closing(sqlite3.connect(site.folder / "index.db")) as db, db:
        db.execute(f"UPDATE row SET {change} WHERE id = 3")
    async with site.running() as box:
        with pytest.raises(DamagedFileError):
            await box.round()
    async with site.running() as box:
        await box.round()
    assert (site.folder / "index.db.damaged").exists()


async def test_a_version_that_a_damaged_index_gave_too_low_is_overtaken(site: Site) -> None:
    """The flipped bit hid the row from the look-up by key: it was numbered anew, under a version the hall is past."""
    async with site.running() as box:
        await box.round()
        for number in (2, 3):
            with site.vendor() as db:
                db.execute(f'UPDATE "办件" SET "申请人"=\'第{number}次\' WHERE "编号"=\'SL001\'')
            await box.round()
        newest = [item for item in await box.buffer.tail(0) if item.key == "SL001" and item.table == "case"]
        assert [item.version for item in newest] == [1, 2, 3]
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'第4次\' WHERE "编号"=\'SL001\'')
        changed = await box.round()
        await box.buffer.append([msgspec.structs.replace(changed[0], version=1)])
    for suffix in ("", "-wal", "-shm"):
        (site.folder / f"index.db{suffix}").unlink(missing_ok=True)
    async with site.running() as box:
        again = [item for item in await box.round() if item.key == "SL001" and item.table == "case"]
        assert [item.version for item in again] == [5]
        assert await box.round() == []


async def test_what_a_lost_buffer_had_not_delivered_is_told_again_under_the_new_epoch(site: Site) -> None:
    """P-REC-07"""
    async with site.running() as box:
        await box.round()
        former, chain = box.buffer.epoch, await box.buffer.chain_at(8)
        await box.index.note_acknowledged(former, 8, chain)  # seven cases, a checkpoint
    (site.folder / "buffer.db").unlink()
    for suffix in ("-wal", "-shm"):
        (site.folder / f"buffer.db{suffix}").unlink(missing_ok=True)
    async with site.running() as box:
        again = await box.round()
        assert [item.table for item in again] == ["step"] * 7
        assert {(item.version, item.cause) for item in again} == {(1, Cause.AGAIN)}
        signed = await signatures(box)
        assert [(item.epoch, item.seq, item.chain) for item in signed if item.epoch] == [(former, 8, chain)]
        assert all(is_signed_by(SIGN_KEY, "s01", box.buffer.epoch, item) for item in signed)
        with site.vendor() as db:
            site.insert(db, 99)
        await box.round()
        assert len([item for item in await signatures(box) if item.epoch]) == 1, "once is enough"


async def signatures(box: "Box") -> list[Checkpoint]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [body for body in bodies if isinstance(body, Checkpoint)]


async def test_lost_records_are_told_again_with_their_version(site: Site) -> None:
    async with site.running() as box:
        await box.round()
        with site.vendor() as db:
            db.execute('DELETE FROM "办件" WHERE "编号"=\'SL001\'')
        gone = (await box.round())[0]
        await box.index.forget_range(box.buffer.epoch, 2, 2)
        await box.index.forget_range(box.buffer.epoch, gone.seq, gone.seq)
        box.state.sweep_needed()
        assert summary(await box.round()) == [("case", "SL001", 2, Op.DELETE), ("case", "SL002", 1, Op.PUT)]
        assert await box.round() == []


async def test_a_row_without_a_meaning_is_set_aside_the_rest_goes_on_and_it_is_cured(site: Site) -> None:
    with site.vendor() as db:
        site.insert(db, 8, status=5)
    async with site.running() as box:
        assert ("case", "SL008") not in {(item.table, item.key) for item in await box.round()}
        bad = await box.buffer.quarantined_rows()
        assert [(row.table, row.key) for row in bad] == [("case", "SL008")]
        assert "状态" in bad[0].reason
        assert "'5'" in bad[0].reason
        assert box.state.quarantined == 1
    async with site.running() as box:
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "状态"=9 WHERE "编号"=\'SL008\'')
        assert summary(await box.round()) == puts("case", "SL008")
        assert await box.buffer.quarantined_rows() == []


async def test_a_row_set_aside_and_then_deleted_is_no_fault_any_more(site: Site) -> None:
    with site.vendor() as db:
        site.insert(db, 8, status=5)
    async with site.running() as box:
        await box.round()
        with site.vendor() as db:
            db.execute('DELETE FROM "办件" WHERE "编号"=\'SL008\'')
        await box.round()
        assert await box.buffer.quarantined_rows() == []


async def test_a_source_that_is_away_is_named_and_read_on_when_it_is_back(site: Site) -> None:
    away = site.folder / "away.db"
    async with site.running() as box:
        await box.round()
        site.file.rename(away)
        with pytest.raises(UnavailableError, match="文件不存在"):
            await box.round()
        away.rename(site.file)
        with site.vendor() as db:
            site.insert(db, 8)
        assert len(await box.round()) == 2


async def test_a_missing_column_stops_its_table_alone(site: Site) -> None:
    async with site.running() as box:
        await box.round()
        with site.vendor() as db:
            db.execute('ALTER TABLE "办件" RENAME COLUMN "申请人" TO "申请者"')
            db.execute("INSERT INTO \"办理过程\" VALUES ('SL001', 2, '审查')")
        found = await box.round()
        assert summary(found) == puts("step", '["SL001","2"]')
        assert "申请人" in box.state.fault
        whole = [set(item.tables) for item in await box.passes()]
        assert whole[-1] == {"step"}


async def test_a_pass_is_stated_after_the_first_walk_and_never_ahead_of_its_start(site: Site) -> None:
    async with site.running() as box:
        began = Clock().office()
        await box.round()
        passes = await box.passes()
    tables = {name: rows for item in passes for name, rows in item.tables.items()}
    assert tables == {"case": 7, "step": 7}
    assert all(item.mapped == ["case", "step"] for item in passes)
    assert all(began <= item.started_at <= Clock().office() for item in passes)


async def insert_and_read(site: Site, box: Box, numbers: range) -> None:
    for number in numbers:
        with site.vendor() as vendor:
            site.insert(vendor, number)
        await box.round()


async def test_a_full_buffer_keeps_the_position_and_loses_nothing(site: Site) -> None:
    async with site.running() as box:
        used = (await box.buffer.figures()).bytes
        box.buffer._room = Room(used * 100 // 93, slack_bytes=0)
        with pytest.raises(BufferFullError, match="缓存写不进去"):
            await insert_and_read(site, box, range(10, 60))
        box.buffer._room = Room(used * 100 // 96)
        with pytest.raises(QuotaError, match="停止读取数据源，位置不动"):
            await box.round()
        box.buffer._room = Room(used * 100 // 91)
        with pytest.raises(QuotaError):
            await box.round()  # at the edge it does not begin again
        assert str(box.buffer.level) == "stop"
        box.buffer._room = Room(used * 2)
        await box.round()
        assert str(box.buffer.level) != "stop"
        rows = [item for item in await box.buffer.tail(0) if item.table == "case"]
    with site.vendor() as vendor:
        keys = {row[0] for row in vendor.execute('SELECT "编号" FROM "办件"')}
    assert {item.key for item in rows} == keys
    assert len(rows) == len(keys)


async def test_nothing_is_called_whole_while_a_row_is_set_aside(site: Site) -> None:
    """P-PASS-01: the row that could not be mapped may be the completion."""
    with site.vendor() as db:
        site.insert(db, 8, status=5)
    async with site.running() as box:
        await box.round()
        await box.round()
        assert await box.passes() == []
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "状态" = 9 WHERE "编号" = \'SL008\'')
        await box.round()
        await box.round()
        assert await box.passes() != []


async def test_nothing_is_called_whole_until_lost_records_were_read_again(site: Site) -> None:
    slow = msgspec.structs.replace(EAGER, poll_secs=0)  # one page a round: the walk takes several
    async with site.running(slow) as box:
        for _ in range(4):
            await box.round()
        stated = len(await box.passes())
        assert stated
        await box.index.forget_range(box.buffer.epoch, 1, box.buffer.newest)
        box.state.sweep_needed()
        told: list[Record] = []
        while len({item.key for item in told}) < 7:
            told += [item for item in await box.round() if item.table == "case"]
            if len({item.key for item in told}) < 7:
                assert len(await box.passes()) == stated
        for _ in range(4):
            await box.round()
        assert len(await box.passes()) > stated


async def test_a_mapping_that_fits_no_row_costs_a_transaction_and_a_line_for_each_page(site: Site) -> None:
    with site.vendor() as db:
        db.execute('UPDATE "办件" SET "状态"=5')
    commits: list[str] = []
    async with site.running(msgspec.structs.replace(EAGER, page_rows=500)) as box:
        await box.buffer._files.active.db.set_trace_callback(
            lambda sql: commits.append(sql) if sql == "COMMIT" else None
        )
        with structlog.testing.capture_logs() as said:
            await box.round()
        assert box.state.quarantined == 7
        assert [row.key for row in await box.buffer.quarantined_rows()] == [f"SL{n:03}" for n in range(1, 8)]
        assert len([line for line in said if line["event"] == "row.quarantined"]) == 1
        assert len(commits) <= 3, "the rows set aside, the steps, the pass"
        commits.clear()
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "状态"=9')
        await box.round()
        assert box.state.quarantined == 0
        assert len(commits) <= 3, "the cases, their cure, the pass"
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "状态"=5 WHERE "编号"=\'SL001\'')
        with structlog.testing.capture_logs() as said:
            await box.round()
        assert [line["event"] for line in said if line["log_level"] == "error"] == ["row.quarantined"]


async def test_of_rows_that_share_a_key_none_is_told_again_and_again(site: Site) -> None:
    """The cursor sees now the one and now the other: only a walk, which meets both, may say what the key stands for."""
    with site.vendor() as db:
        db.execute('DROP TABLE "办件"')
        db.execute('CREATE TABLE "办件" ("编号" TEXT, "申请人", "状态", "修改时间" TEXT)')
        site.insert(db, 8)
        db.execute("INSERT INTO \"办件\" VALUES ('SL008', '李小红', 0, '2026-06-02 08:00:00')")
    async with site.running() as box:
        await box.round()
        assert box.state.quarantined == 1
        for number in range(9, 13):
            with site.vendor() as db:
                site.insert(db, number)
            assert ("case", "SL008") not in {(item.table, item.key) for item in await box.round()}
            assert box.state.quarantined == 1
        with site.vendor() as db:
            db.execute('DELETE FROM "办件" WHERE "申请人" = \'李小红\'')
        await box.round()
        assert box.state.quarantined == 0


async def test_a_key_that_most_rows_share_is_no_upheaval_at_every_walk(site: Site) -> None:
    """A mapping that takes a step's case for its key: its rows differ from what stands under it, and nobody has edited them."""
    with site.vendor() as db:
        db.execute('DROP TABLE "办理过程"')
        db.execute('CREATE TABLE "办理过程" ("编号" TEXT, "序号" INTEGER, "环节")')
        for number in range(30):
            db.executemany(
                'INSERT INTO "办理过程" VALUES (?, ?, ?)',
                [(f"SL{number:03}", n, f"环节{n}") for n in range(4)],
            )
    text = (site.folder / "mapping.toml").read_text("utf-8")
    (site.folder / "mapping.toml").write_text(text.replace('["编号", "序号"]', '["编号"]'), "utf-8")
    async with site.running(msgspec.structs.replace(EAGER, page_rows=500)) as box:
        for _ in range(6):
            await box.round()
        assert box.state.quarantined == 30
        bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
        assert [body for body in bodies if isinstance(body, Observation)] == []
        assert len([body for body in bodies if isinstance(body, Step)]) == 30
