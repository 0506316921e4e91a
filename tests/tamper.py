"""Tampering with what a site sent, at every place it lies: its box, the wire, the broker, the hall's database.

Whoever tampers knows the whole format, has the database and the hall's public keys, and corrects all he can; he lacks
the signing keys of boxes and hall. A trial is noticed if `mingcha verify` says so, the hall refuses what arrives, or
the box's next hello is refused. The honest state is verified first: nothing may be noticed there.
"""

import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import insert, update

from agent.buffer import Buffer, Damaged
from agent.epoch import Sealing
from agent.sqlfile import DamagedFileError
from central import judge, trail, verify
from central.core.flaw import Grade, What
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.store import tables as t
from central.store.engine import Store, open_store
from central.welcome import introduce
from common.clock import Clock
from common.core import batch, crypto, pack
from common.core.batch import BatchError
from common.core.record import decode_record, encode_record
from tests.keyed import keyed
from tests.sender import SECRETS, SIGN_KEY, WIRE_KEY, Sender, case, passed
from tests.thief import IN_THE_HALL, NOW, ZONE, Scene, Thief, altered

KEK, SECRET = b"k" * 32, b"s" * 32
HALL = b"h" * 32
RUN = 25
MILD = {what.value for what in What if what.grade is Grade.OPEN}
Noticed = set[tuple[str, str, int, int, str]]


def _site() -> dict[str, Any]:
    return {"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}


def _box(generation: int, sign_key: bytes) -> dict[str, Any]:
    state = "active" if generation == 2 else "draining"
    return {
        "site": "s01",
        "generation": generation,
        "sign_key": sign_key,
        "state": state,
        "created_wall": 0,
    }


def _filled(first: int, count: int, generation: int = 2) -> Sender:
    """Cases in two versions each, passes, checkpoints, a loss, and one record nobody can read."""
    sender = Sender(generation=generation, sign_secret=SECRET)
    for number in range(first, first + count):
        sender.number(case(f"{number:04}", at=NOW - count + number, applicant=f"王小明{number}"))
        if number % 3 == 0:
            sender.number(case(f"{number - 1:04}", at=NOW, version=2, applicant=f"李小红{number}"))
        if number % RUN == 0:
            sender.number(passed(NOW - count + number))
            sender.sign()
    sender.raws.append(b"\xc1")
    sender.chain.append(crypto.chain_next(sender.chain[-1], sender.newest, b"\xc1"))
    sender.lose(11, 12)
    sender.sign()
    sender.number(case("tail", at=NOW), case("tail2", at=NOW))
    return sender


async def prepared(folder: Path) -> Scene:
    """The honest state."""
    file = folder / "central.db"
    scene = Scene(file, _filled(201, 20, generation=1), _filled(1, 60), _filled(101, 60))
    store = await open_store(keyed(file))
    async with store.write() as conn:
        await conn.execute(insert(t.site), [_site()])
        await conn.execute(insert(t.box), [_box(1, scene.replaced.sign_key)])
        world = await judge.load_world(conn, ZONE)
    await deliver(store, world, scene.replaced)
    async with store.write() as conn:
        await conn.execute(update(t.box).values(state="draining"))
        await conn.execute(insert(t.box), [_box(2, scene.box.sign_key)])
    scene.box.sign_former(scene.old)
    scene.box.sign()
    scene.box.number(case("tail3", at=NOW))
    for sender in (scene.old, scene.box):
        await deliver(store, world, sender)
    assert await trail.Signer(store, HALL, Clock()).once()
    await store.close()
    return scene


async def deliver(store: Store, world: World, sender: Sender) -> None:
    """Hello, and all but the two lost numbers in runs; the one behind them alone."""
    async with store.write() as conn:
        assert (await introduce(conn, "s01", sender.hello(), NOW)).refused == ""
        runs = [
            (1, 10),
            (13, 13),
            *((lo, min(lo + RUN - 1, sender.newest)) for lo in range(14, sender.newest + 1, RUN)),
        ]
        opened = [open_batch("s01", sender.payload(*run), SECRETS, SIGN_KEY) for run in runs]
        await ingest_batches(conn, opened, world, Moment(NOW, NOW))


async def noticed(file: Path, box: Sender) -> Noticed:
    """What verify finds, and what the box's next hello is told."""
    store = await open_store(keyed(file))
    try:
        async with store.read() as conn:
            reports = await verify.examine(conn, ZONE, NOW, hall_key=crypto.sign_public(HALL))
        found = {
            (epoch.epoch, item.what.value, item.lo, item.hi, item.detail)
            for report in reports
            for epoch in report.epochs
            for item in epoch.findings
        }
        found |= {
            ("", item.what.value, item.lo, item.hi, item.detail)
            for report in reports
            for item in report.findings
        }
        with suppress(ValueError):
            async with store.write() as conn:
                known = await introduce(conn, "s01", box.hello(), NOW)
            complete = known.upto == box.newest and not known.ranges
            refused = known.refused or ("" if complete else "hall has lost something")
            return found | ({("", refused, 0, 0, "")} if refused else set())
        return found | {("", "hello not believed", 0, 0, "")}
    finally:
        await store.close()


# in the hall's database --------------------------------------------------------------------------------------


async def in_the_hall(scene: Scene, folder: Path, rng: random.Random, honest: Noticed) -> tuple[str, bool]:
    """-> (what was done, whether it was called what it is: not lacking, not unproven, but the work of nobody honest)."""
    copy = folder / "copy.db"
    shutil.copyfile(scene.file, copy)
    act = rng.choice(IN_THE_HALL)
    with closing(sqlite3.connect(copy)) as db, db:
        act(Thief(db, scene, rng))
    found = await noticed(copy, scene.box)
    copy.unlink()
    return act.__name__, any(one[1] not in MILD for one in found - honest)


# on the wire and at the broker -------------------------------------------------------------------------------


async def on_the_way(scene: Scene, folder: Path, rng: random.Random, honest: Noticed) -> tuple[str, bool]:
    """New batches of the box, between it and the hall. -> (what was done, whether it was noticed)."""
    copy = folder / "copy.db"
    shutil.copyfile(scene.file, copy)
    box = msgspec.structs.replace(scene).box
    sender = Sender(generation=2, sign_secret=SECRET)
    sender.epoch, sender.raws, sender.chain = box.epoch, list(box.raws), list(box.chain)
    first = sender.newest + 1
    sender.number(*(case(f"new{n}", at=NOW) for n in range(6)))
    sender.sign()
    good = [sender.payload(first, first + 3), sender.payload(first + 4, first + 6)]
    act = rng.choice(["flip", "cut", "drop", "forge", "reseal", "header", "other site"])
    if act == "drop":
        sent = [good[rng.randrange(2)]]
    elif act == "forge":  # sealed to the hall's public key, chained on; then comes the true one
        forger = Sender(sign_secret=b"t" * 32)
        forger.epoch, forger.raws, forger.chain = box.epoch, list(box.raws), list(box.chain)
        forger.number(*(case(f"forged{n}", at=NOW) for n in range(rng.randint(1, 6))))
        sent = [forger.payload(first, forger.newest), *good]
    elif act == "reseal":  # behind the header and signature of the true one
        end = batch.read_header(good[0])[1]
        forged = [encode_record(altered(decode_record(raw))) for raw in sender.raws[first - 1 : first + 3]]
        inside = pack.Packer(pack.NEWEST).pack(msgspec.msgpack.encode(forged))
        seal = crypto.seal_batch(WIRE_KEY, good[0][:end], inside)
        sent = [good[0][: end + crypto.SIGNATURE_BYTES] + seal, *good]
    else:
        spoilt = bytearray(good[0])
        if act == "cut":
            del spoilt[rng.randrange(len(spoilt)) :]
        elif act == "flip":
            place = rng.randrange(len(spoilt) * 8)
            spoilt[place // 8] ^= 1 << place % 8
        elif act == "header":
            spoilt = bytearray(bytes(spoilt).replace(b"live", b"bulk", 1))
        else:
            spoilt = bytearray(bytes(spoilt).replace(b"s01", b"s02", 1))
        sent = [bytes(spoilt), good[1]]
    told = await _arrive(copy, sent)
    found = await noticed(copy, sender)
    copy.unlink()
    return act, told or bool(found - honest)


async def _arrive(file: Path, sent: list[bytes]) -> bool:
    """-> whether the hall refused something."""
    store = await open_store(keyed(file))
    refused = False
    try:
        async with store.write() as conn:
            world = await judge.load_world(conn, ZONE)
        for payload in sent:
            try:
                opened = open_batch("s01", payload, SECRETS, SIGN_KEY)
            except BatchError:
                refused = True
                continue
            async with store.write() as conn:
                outcome = await ingest_batches(conn, [opened], world, Moment(NOW, NOW))
            refused = refused or any(ack.nacks for _, ack in outcome.acks)
    finally:
        await store.close()
    return refused


# on the box --------------------------------------------------------------------------------------------------


async def box_prepared(folder: Path) -> list[bytes]:
    """A box's buffer with a backlog. -> its records."""
    buffer = await _opened(folder)
    await buffer.append([case(f"{n:03}", at=NOW, applicant="王小明") for n in range(60)])
    run = await buffer.read(1, 60, 1 << 20)
    assert not isinstance(run, Damaged)
    await buffer.close()
    return run.records


async def _opened(folder: Path) -> Buffer:
    key = crypto.sign_public(SECRET)
    buffer = await Buffer.open(
        folder / "buffer.db", seal=Sealing([KEK]), site="s01", sign_key=key, clock=Clock()
    )
    buffer.indexed = 1 << 40
    return buffer


async def on_the_box(box: Path, folder: Path, rng: random.Random, honest: list[bytes]) -> tuple[str, bool]:
    """-> (what was done, whether the box itself noticed and no record is another than it was)."""
    copy = folder / "box"
    shutil.copytree(box, copy)
    act = rng.choice(["drop", "swap", "copy", "flip", "state", "label"])
    one, two = rng.sample(range(1, 61), 2)
    with closing(sqlite3.connect(copy / "buffer.db")) as db, db:
        blob = dict(db.execute("SELECT seq, blob FROM outbox"))
        if act == "drop":
            db.execute("DELETE FROM outbox WHERE seq=?", (one,))
        elif act in {"swap", "copy"}:
            db.execute("UPDATE outbox SET blob=? WHERE seq=?", (blob[two], one))
            if act == "swap":
                db.execute("UPDATE outbox SET blob=? WHERE seq=?", (blob[one], two))
        else:
            table, column = {
                "flip": ("outbox", "blob"),
                "state": ("state", "blob"),
                "label": ("label", "body"),
            }[act]
            where = f" WHERE seq={one}" if act == "flip" else ""
            raw = bytearray(db.execute(f"SELECT {column} FROM {table}{where}").fetchone()[0])
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
            db.execute(f"UPDATE {table} SET {column}=?{where}", (bytes(raw),))
            if act == "label":
                (copy / "buffer.db.key").write_bytes(bytes(raw))  # its copy beside the file
    seen, wrong = await _read_all(copy, honest)
    shutil.rmtree(copy)
    return act, seen and not wrong


async def _read_all(folder: Path, honest: list[bytes]) -> tuple[bool, bool]:
    """-> (whether damage was noticed, whether a record came that nobody wrote)."""
    noticed_, wrong, seq = False, False, 1
    buffer = await _opened(folder)
    try:
        if buffer.newest < len(honest):
            return True, False  # a new epoch: the file was set aside
        while seq <= len(honest):
            run = await buffer.read(seq, len(honest), 1 << 20)
            if isinstance(run, Damaged):
                noticed_, seq = True, run.last + 1
                continue
            wrong = wrong or run.records != honest[run.first - 1 : run.last]
            seq = run.last + 1
    except DamagedFileError:
        noticed_ = True
    finally:
        await buffer.close()
    return noticed_, wrong


# all of it ---------------------------------------------------------------------------------------------------


class Tally(Struct):
    """Trials by what was done, and those nobody noticed."""

    trials: dict[str, int]
    unnoticed: list[str]


async def run(folder: Path, count: int, seed: int) -> Tally:
    """`count` trials: half in the hall's database, a quarter on the way, a quarter on the box."""
    rng = random.Random(seed)
    scene = await prepared(folder)
    honest = await noticed(scene.file, scene.box)
    kinds = {one[1] for one in honest}
    assert kinds == {What.DECLARED.value, What.DEAD.value, What.UNPROVEN.value}, honest
    box = folder / "honest-box"
    box.mkdir()
    records = await box_prepared(box)
    tally = Tally({}, [])
    for number in range(count):
        place = ("hall", "way", "hall", "box")[number % 4]
        if place == "hall":
            done, seen = await in_the_hall(scene, folder, rng, honest)
        elif place == "way":
            done, seen = await on_the_way(scene, folder, rng, honest)
        else:
            done, seen = await on_the_box(box, folder, rng, records)
        name = f"{place}: {done}"
        tally.trials[name] = tally.trials.get(name, 0) + 1
        if not seen:
            tally.unnoticed.append(name)
    return tally
