"""Damage to what lies on a box's disk, a thousand times: flipped bits, zeroed pages, files cut short, in every file.

Each trial copies an honest box (three segments, an index, a hall that has some of it), damages one file while the box is
off, starts it and delivers to a real hall until nothing is left. Then the hall must say what the source says, nothing may
be there that nobody wrote, and whatever is missing must have been declared. Versions that only the buffer knew may be
lost: how many, is counted.
"""

import random
import shutil
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import insert, select

from agent.buffer import Buffer, Damaged
from agent.room import Room
from agent.sqlfile import ReopenError
from central import judge, verify
from central.core.flaw import Grade
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.store import tables as t
from central.store.engine import Store, open_store
from central.verify import grade
from central.welcome import introduce
from common.core import batch, crypto, message, pack, topics
from common.core.batch import Header, Lane
from common.core.instant import to_us
from common.core.record import SCHEMA, Case, Step, decode_record
from tests.integration.test_collect import SIGN_KEY, SIGN_SECRET, Box, Site
from tests.keyed import keyed
from tests.sender import SECRETS, WIRE_KEY

ZONE = ZoneInfo("Asia/Shanghai")
ROWS = 400
SMALL = Room(segment_bytes=64 * 1024)
Content = tuple[str, str, bool, str]


class Trial(Struct, frozen=True):
    """What came of one: versions that are nowhere any more, seconds to the first new record, faults."""

    done: str
    lost: int
    secs: float
    wrong: str = ""


def now() -> int:
    """The hall's time: the box's, which runs by the machine's clock."""
    return to_us(datetime.now(ZONE))


class Place:
    """A box's folder and its hall's database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.box = folder / "box"
        self.hall = folder / "central.db"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[tuple[Store, World]]:
        opened = await open_store(keyed(self.hall))
        try:
            async with opened.write() as conn:
                world = await judge.load_world(conn, ZONE)
            yield opened, world
        finally:
            await opened.close()


async def prepared(folder: Path) -> tuple[Place, set[Content]]:
    """The honest state: some delivered, some waiting. -> what every version of it says."""
    place = Place(folder)
    place.box.mkdir(parents=True)
    site = Site(place.box)
    with site.vendor() as db:
        for number in range(8, ROWS):
            site.insert(db, number)
    async with place.store() as (store, world):
        async with store.write() as conn:
            await conn.execute(
                insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
            )
            box = {"site": "s01", "generation": 1, "sign_key": SIGN_KEY, "state": "active", "created_wall": 0}
            await conn.execute(insert(t.box), [box])
        async with site.running(salvage=True, room=SMALL) as running:
            await running.round()
            await deliver(running, store, world)
            for number in range(6):
                edit(site, number)
                await running.round()
            every = await contents(running.buffer, store)
    return place, every


def edit(site: Site, number: int) -> None:
    with site.vendor() as db:
        db.execute('UPDATE "办件" SET "申请人" = ? WHERE substr("编号", 5) % 3 = 0', (f"第{number}次改",))
        db.execute('DELETE FROM "办理过程" WHERE "编号" = ?', (f"SL{50 + number:03}",))
        for fresh in range(10):
            site.insert(db, ROWS + 10 * number + fresh)


async def contents(buffer: Buffer, store: Store) -> set[Content]:
    """What the versions of rows say, wherever they are."""
    async with store.read() as conn:
        raws = [row.raw for row in await conn.execute(select(t.record.c.raw))]
    found = [decode_record(raw) for raw in raws] + await buffer.tail(0)
    return {(item.table, item.key, item.op == "delete", item.digest.hex()) for item in found if item.table}


async def deliver(box: Box, store: Store, world: World) -> None:
    """As the upload does: what is damaged is quarantined and read again."""
    buffer, seq = box.buffer, await greeted(box.buffer, store) + 1
    while seq <= buffer.newest:
        run = await buffer.read(seq, buffer.newest, 64 * 1024)
        if isinstance(run, Damaged):
            await box.index.forget_range(buffer.epoch, run.first, run.last)
            await buffer.quarantine(run.first, run.last, run.why)
            box.state.sweep_needed()
            seq = run.last + 1
            continue
        header = Header(
            site="s01",
            epoch=buffer.epoch,
            lane=Lane.BULK,
            first=run.first,
            last=run.last,
            schema=SCHEMA,
            key=crypto.key_id(WIRE_KEY),
            alg=crypto.WIRE,
            comp="zstd",
            prev_hash=run.prev_hash,
            last_hash=run.last_hash,
            created_wall=0,
            dict=pack.NEWEST,
        )
        payload = batch.encode(header, run.records, WIRE_KEY, SIGN_SECRET)
        opened = open_batch("s01", payload, SECRETS, SIGN_KEY)
        async with store.write() as conn:
            outcome = await ingest_batches(conn, [opened], world, Moment(now(), now()))
        ((_, ack),) = outcome.acks
        assert not ack.nacks, ack
        if ack.upto > buffer.forgotten:
            await box.index.note_acknowledged(buffer.epoch, ack.upto, await buffer.chain_at(ack.upto))
            await buffer.forget(ack.upto)
        seq = run.last + 1


async def greeted(buffer: Buffer, store: Store) -> int:
    """-> up to where the hall holds everything."""
    hello = message.Hello(
        site="s01",
        generation=1,
        epoch=buffer.epoch,
        connection="c",
        version="0",
        newest=buffer.newest,
        head_hash=buffer.head,
        at_wall=now(),
    )
    signed = message.encode_signed(hello, topics.hello("s01"), SIGN_SECRET)
    async with store.write() as conn:
        known = await introduce(conn, "s01", signed, now())
    assert known.refused == "", known.refused
    await buffer.declare_again(known.upto, known.ranges)
    return known.upto


def spoil(folder: Path, rng: random.Random) -> str:
    """Damage one file. -> what was done."""
    names = [path.name for path in sorted(folder.iterdir()) if path.stat().st_size]
    kinds = [
        [name for name in names if name.startswith("buffer-") and name.endswith(".db")],
        [name for name in names if name in {"buffer.db", "buffer.db-wal"}],
        [name for name in names if name in {"index.db", "index.db-wal"}],
        [name for name in names if name.endswith(".key")],
    ]
    name = rng.choice(rng.choice([kind for kind in kinds if kind]))
    path = folder / name
    data = bytearray(path.read_bytes())
    act = rng.choice(["flip", "flip", "flip", "zero", "garble", "cut", "head"])
    if act == "flip":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif act in {"zero", "garble"}:
        at = rng.randrange(len(data)) // 4096 * 4096
        size = min(4096 * rng.choice([1, 1, 3]), len(data) - at)
        data[at : at + size] = bytes(size) if act == "zero" else rng.randbytes(size)
    elif act == "cut":
        del data[rng.randrange(len(data)) :]
    else:
        data[:100] = bytes(min(100, len(data)))
    path.write_bytes(data)
    return f"{name if not name.startswith('buffer-') else 'segment' + path.suffix}: {act}"


async def trial(honest: Place, folder: Path, every: set[Content], rng: random.Random) -> Trial:
    """One damage and what came of it."""
    shutil.copytree(honest.folder, folder)
    place = Place(folder)
    done = spoil(place.box, rng)
    site = Site(place.box, is_new=False)
    edit(site, 7)
    began = time.monotonic()
    secs = 0.0
    async with place.store() as (store, world):
        for _ in range(8):
            try:
                async with site.running(salvage=True, room=SMALL) as box:
                    for _ in range(6):
                        await box.round()
                        secs = secs or time.monotonic() - began
                        await deliver(box, store, world)
                    there = await contents(box.buffer, store)
                    is_quiet = not (await box.round() or box.index.ended)
            except ReopenError:
                continue
            if is_quiet:
                break
        else:
            return Trial(done, 0, secs, "it does not come to rest")
        wrong = await faults(site, store)
    shutil.rmtree(folder)
    return Trial(done, len(every - there), secs, wrong)


async def faults(site: Site, store: Store) -> str:
    """What the hall says that is not so."""
    with site.vendor() as db:
        cases = db.execute('SELECT "编号", "申请人" FROM "办件"').fetchall()
        steps = db.execute('SELECT "编号", "序号", "环节" FROM "办理过程"').fetchall()
    truth = {("case", key): who for key, who in cases}
    truth |= {("step", f'["{key}","{number}"]'): what for key, number, what in steps}
    async with store.read() as conn:
        heads = (await conn.execute(select(t.row_head).where(~t.row_head.c.deleted))).all()
        reports = await verify.examine(conn, ZONE, now())
    held = {(head.tbl, head.key): _says(head.kind, head.body) for head in heads}
    if held != truth:
        missing, extra = truth.items() - held.items(), held.items() - truth.items()
        return f"missing {sorted(missing)[:3]}, too much {sorted(extra, key=str)[:3]}"
    if grade(reports) is Grade.BROKEN:
        return str(
            [item for report in reports for item in report.everything if item.what.grade is Grade.BROKEN][:3]
        )
    return ""


def _says(kind: str, body: bytes) -> str | None:
    if kind == "case":
        return msgspec.msgpack.decode(body, type=Case).applicant
    return msgspec.msgpack.decode(body, type=Step).step_name


class Tally(Struct):
    """All trials."""

    trials: list[Trial]

    @property
    def wrong(self) -> list[Trial]:
        return [item for item in self.trials if item.wrong]

    @property
    def median_lost(self) -> float:
        return statistics.median(item.lost for item in self.trials)

    @property
    def most_lost(self) -> int:
        return max(item.lost for item in self.trials)

    @property
    def slowest_secs(self) -> float:
        return max(item.secs for item in self.trials)

    def by_name(self) -> Counter[str]:
        return Counter(item.done for item in self.trials)


async def run(folder: Path, count: int, seed: int) -> Tally:
    rng = random.Random(seed)
    honest, every = await prepared(folder / "honest")
    return Tally([await trial(honest, folder / f"trial-{n}", every, rng) for n in range(count)])
