"""The box's count of its rows and the hall's, through the real index, buffer and ingest, over both databases."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent import root
from agent.sqlfile import DamagedFileError
from central import verify
from central.agreed import Agreed
from central.core.flaw import Grade, What
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.store.engine import Store
from central.verify import SiteReport
from central.welcome import introduce
from common.clock import Clock
from common.core import crypto, record
from common.core.batch import Lane
from common.core.merkle import Rows
from common.core.record import IndexRoot, Record, RecordKind
from tests.contract.test_findings import store, world
from tests.integration.test_collect import Box, Site
from tests.manipulated import ZONE
from tests.sender import SECRETS, SIGN_KEY, Sender, case, draft

__all__ = ["store", "world"]


class Line:
    """From a box's buffer into the hall, epoch by epoch."""

    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world
        self._senders: dict[bytes, Sender] = {}

    async def deliver(self, box: Box, *, but: Callable[[Record], bool] = lambda _: False) -> None:
        """What is new in the buffer; the records that `but` names stay on the way."""
        sender = self._senders.setdefault(box.buffer.epoch, Sender())
        sender.epoch = box.buffer.epoch
        if not sender.raws:
            sender.chain = [crypto.chain_start(sender.site, sender.epoch, sender.sign_key)]
        fresh = await box.buffer.tail(sender.newest)
        first = sender.newest + 1
        sender.number(*fresh)
        now = Moment(Clock().office(), Clock().wall())
        async with self._store.write() as conn:
            assert (await introduce(conn, "s01", sender.hello(), now.wall)).refused == ""
        for number, item in enumerate(fresh, first):
            if but(item):
                continue
            opened = open_batch("s01", sender.payload(number, number, Lane.BULK), SECRETS, SIGN_KEY)
            async with self._store.write() as conn:
                await ingest_batches(conn, [opened], self._world, now)
        await box.index.note_acknowledged(box.buffer.epoch, sender.newest, sender.chain[-1])

    async def verified(self) -> SiteReport:
        async with self._store.read() as conn:
            return (await verify.examine(conn, ZONE, Clock().office(), "s01"))[0]


async def rooted(box: Box) -> IndexRoot:
    """Rounds until the box has stated its root."""
    box.collector._root_mono = 0
    before = box.buffer.newest
    while True:
        await box.round()
        bodies = [record.decode_body(item) for item in await box.buffer.tail(before)]
        found = [body for body in bodies if isinstance(body, IndexRoot)]
        if found:
            return found[-1]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def line(store: Store, world: World) -> Line:
    return Line(store, world)


def change(site: Site, number: int) -> None:
    with site.vendor() as db:
        site.insert(db, number)
        db.execute('UPDATE "办件" SET "申请人"=? WHERE "编号"=\'SL003\'', (f"改{number}",))
        db.execute('DELETE FROM "办件" WHERE "编号"=?', (f"SL{number - 7:03}",))


async def test_box_and_hall_come_to_the_same_through_edits_and_deletions(site: Site, line: Line) -> None:
    """P-ROOT-02"""
    async with site.running() as box:
        await box.round()
        change(site, 8)
        stated = await rooted(box)
        assert {table: one.rows for table, one in stated.tables.items()} == {"case": 7, "step": 8}
        await line.deliver(box)
        report = await line.verified()
        assert report.everything == []
        assert report.agreed is not None
        assert report.agreed.rows == 15


@pytest.mark.parametrize("lost", [["index.db"], ["buffer.db"], ["index.db", "buffer.db"]])
async def test_they_do_so_after_the_box_has_lost_its_files_while_rows_went(
    site: Site, line: Line, lost: list[str]
) -> None:
    """P-ROOT-02"""
    async with site.running() as box:
        await box.round()
        change(site, 8)
        await box.round()
        await line.deliver(box)
    change(site, 9)
    for name in lost:
        for path in site.folder.glob(f"{name}*"):
            path.unlink()
    async with site.running() as box:
        await box.round()
        await rooted(box)
        await line.deliver(box)
        report = await line.verified()
        assert [item for item in report.everything if item.what.grade is Grade.BROKEN] == []
        assert report.agreed is not None
        assert report.agreed.rows == 7 + 9


async def test_nothing_is_compared_while_what_it_rests_on_is_on_its_way(site: Site, line: Line) -> None:
    """P-ROOT-02"""
    async with site.running() as box:
        await box.round()
        await rooted(box)
        await line.deliver(box, but=lambda item: item.table == "step")
        report = await line.verified()
        assert report.agreed is None
        assert What.ROOT not in {item.what for item in report.everything}


async def test_a_row_that_waits_to_be_sent_again_or_a_flipped_bit_states_no_root(site: Site) -> None:
    """P-ROOT-02"""
    async with site.running() as box:
        await box.round()
        path = box.index.path
        assert root.computed(path, threading.Event()) is not None
        await box.index.forget_all()
        assert root.computed(path, threading.Event()) is None
        await box.round()
        assert root.computed(path, threading.Event()) is not None
        async with box.index._transaction():
            await box.index._db.execute("UPDATE row SET n=n+1 WHERE key='SL003' AND tbl='case'")
        assert root.computed(path, threading.Event()) is None
        stop = threading.Event()
        stop.set()
        assert root.computed(path, stop) is None
        assert root.computed(path.with_name("nowhere.db"), threading.Event()) is None
        with pytest.raises(DamagedFileError):
            await box.round()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("1", 1)], "case：站点有 1 行，本库有 2 行"),
        ([("1", 1), ("2", 2)], "case：都是 2 行，而主键、版本或内容不同"),
        ([("1", 1), ("2", 1)], ""),
    ],
)
async def test_a_row_that_one_has_and_the_other_has_not_is_named_by_its_table(
    store: Store, world: World, rows: list[tuple[str, int]], said: str
) -> None:
    """P-ROOT-02"""
    sender, made = Sender(), {key: case(key, at=5) for key in "12"}
    counted = Rows()
    for key, version in rows:
        counted.add(key, version, made[key].digest)
    now = Moment(Clock().office(), Clock().wall())
    sender.number(*made.values(), draft(IndexRoot(2, {"case": counted.root()}), at=7), case("3", at=8))
    async with store.write() as conn:
        await introduce(conn, "s01", sender.hello(), now.wall)
        opened = open_batch("s01", sender.payload(), SECRETS, SIGN_KEY)
        await ingest_batches(conn, [opened], world, now)
    async with store.read() as conn:
        report = (await verify.examine(conn, ZONE, now.at, "s01"))[0]
    told = [(item.detail, item.lo) for item in report.everything if item.what is What.ROOT]
    assert told == ([(said, 3)] if said else [])
    assert report.agreed == (None if said else Agreed(7, 2))


def test_the_kind_has_its_body() -> None:
    assert RecordKind(record.kind_of(IndexRoot(1, {}))) is RecordKind.INDEX_ROOT
    assert msgspec.msgpack.decode(record.encode_body(IndexRoot(1, {})), type=IndexRoot).anew is None
