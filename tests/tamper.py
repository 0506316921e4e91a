"""Tampering with what a site sent, at every place it lies: its box, the wire, the broker, the hall's database.

Whoever tampers knows the whole format, has the database and the hall's public keys, and corrects all he can; he lacks
the box's signing key. A trial is noticed if `mingcha verify` says so, the hall refuses what arrives, or the box's next
hello is refused. The honest state is verified first: nothing may be noticed there.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import insert

from agent.buffer import Buffer, Damaged
from agent.epoch import Sealing
from agent.sqlfile import DamagedFileError
from central import judge, verify
from central.core.audit import What
from central.ingest import ingest_batches, open_batch
from central.judge import Moment, World
from central.store import tables as t
from central.store.engine import Store, open_store
from central.welcome import introduce
from common.clock import Clock
from common.core import checkpoint, crypto, record
from common.core.batch import BatchError
from common.core.instant import to_us
from common.core.ranges import Range
from common.core.record import Case, Record, decode_record, encode_record
from tests.sender import SECRETS, Sender, case, draft, passed

ZONE = ZoneInfo("Asia/Shanghai")
NOW = to_us(datetime(2026, 3, 18, 10, tzinfo=ZONE))
KEK, SECRET = b"k" * 32, b"s" * 32
RUN = 25
Db = sqlite3.Connection
Noticed = set[tuple[str, str, int, int, str]]


class Scene(Struct):
    """A hall's database file and the boxes that wrote it: an epoch of old, and the one that goes on."""

    file: Path
    old: Sender
    box: Sender


def _site() -> dict[str, Any]:
    return {"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}


def _box(sign_key: bytes) -> dict[str, Any]:
    return {"site": "s01", "generation": 1, "sign_key": sign_key, "state": "active", "created_wall": 0}


def _filled(first: int, count: int) -> Sender:
    """Cases in two versions each, passes, checkpoints, a loss, and one record nobody can read."""
    sender = Sender(sign_secret=SECRET)
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
    scene = Scene(file, _filled(1, 60), _filled(101, 60))
    store = await open_store(f"sqlite+aiosqlite:///{file}")
    async with store.write() as conn:
        await conn.execute(insert(t.site), [_site()])
        await conn.execute(insert(t.box), [_box(scene.box.sign_key)])
        world = await judge.load_world(conn, ZONE)
    scene.box.sign_former(scene.old)
    scene.box.sign()
    scene.box.number(case("tail3", at=NOW))
    for sender in (scene.old, scene.box):
        await deliver(store, world, sender)
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
        opened = [open_batch("s01", sender.payload(*run), SECRETS) for run in runs]
        await ingest_batches(conn, opened, world, Moment(NOW, NOW))


async def noticed(file: Path, box: Sender) -> Noticed:
    """What verify finds, and what the box's next hello is told."""
    store = await open_store(f"sqlite+aiosqlite:///{file}")
    try:
        async with store.read() as conn:
            reports = await verify.examine(conn, ZONE, NOW)
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


class Thief:
    """Edits one copy of the database by the rules of SQL."""

    def __init__(self, db: Db, scene: Scene, rng: random.Random) -> None:
        self.db = db
        self.rng = rng
        self.sender = rng.choice([scene.old, scene.box])
        self.epoch = self.sender.epoch

    def some(self, kind: str = "case") -> tuple[int, bytes]:
        query = "SELECT seq, raw FROM record WHERE epoch=? AND kind=? ORDER BY seq"
        found: tuple[int, bytes] = self.rng.choice(self.db.execute(query, (self.epoch, kind)).fetchall())
        return found

    def put(self, seq: int, raw: bytes) -> None:
        """With every column as the record says."""
        item = decode_record(raw)
        said = (item.kind.value, item.table, item.key, item.version, item.cap_at, item.cap_wall, item.digest)
        names = ("kind", "tbl", "key", "version", "cap_at", "cap_wall", "digest")
        columns = ", ".join(f"{name}=?" for name in names)
        self.db.execute(
            f"UPDATE record SET raw=?, {columns} WHERE epoch=? AND seq=?",
            (raw, *said, self.epoch, seq),
        )

    def delete(self, lo: int, hi: int) -> None:
        self.db.execute("DELETE FROM record WHERE epoch=? AND seq BETWEEN ? AND ?", (self.epoch, lo, hi))

    def held(self, *parts: Range) -> None:
        """Correct the cursor."""
        upto = parts[0].hi if parts and parts[0].lo == 1 else 0
        self.db.execute(
            "UPDATE ingest_cursor SET ranges=?, upto=?, newest=? WHERE epoch=?",
            (msgspec.msgpack.encode(list(parts)), upto, parts[-1].hi, self.epoch),
        )

    def rechain(self) -> None:
        """Compute the chain anew over what is there now, and give its end to the cursor."""
        value, seq = self.sender.chain[12], 13
        for seq, raw in self.db.execute(
            "SELECT seq, raw FROM record WHERE epoch=? AND seq>12 UNION ALL SELECT seq, raw FROM dead_letter"
            " WHERE epoch=? AND seq>12 ORDER BY 1",
            (self.epoch, self.epoch),
        ).fetchall():
            value = crypto.chain_next(value, seq, raw)
        self.held(Range(1, seq, self.sender.chain[0], value))


def altered(item: Record) -> Record:
    body = record.decode_body(item)
    assert isinstance(body, Case)
    return msgspec.structs.replace(
        item, body=record.encode_body(msgspec.structs.replace(body, applicant="另有其人"))
    )


def drop_record(thief: Thief) -> None:
    seq, _ = thief.some()
    thief.delete(seq, seq)


def drop_and_rechain(thief: Thief) -> None:
    drop_record(thief)
    thief.rechain()


def drop_run(thief: Thief) -> None:
    """And the cursor says that it never came."""
    sender, lo = thief.sender, thief.rng.randint(20, thief.sender.newest - 20)
    hi = lo + thief.rng.randint(0, 9)
    thief.delete(lo, hi)
    thief.held(
        Range(1, lo - 1, sender.chain[0], sender.chain[lo - 1]),
        Range(hi + 1, sender.newest, sender.chain[hi], sender.chain[-1]),
    )


def drop_tail(thief: Thief) -> None:
    """And the cursor stands before it, with the right chain value."""
    last = thief.rng.randint(20, thief.sender.newest - 1)
    thief.delete(last + 1, thief.sender.newest)
    thief.db.execute("DELETE FROM dead_letter WHERE epoch=? AND seq>?", (thief.epoch, last))
    thief.held(Range(1, last, thief.sender.chain[0], thief.sender.chain[last]))


def swap(thief: Thief) -> None:
    (one, first), (two, second) = thief.some(), thief.some()
    if one == two:
        two, second = next(
            (seq, raw)
            for seq, raw in thief.db.execute(
                "SELECT seq, raw FROM record WHERE epoch=? AND seq<>? LIMIT 1", (thief.epoch, one)
            )
        )
    thief.put(one, second)
    thief.put(two, first)


def swap_renumbered(thief: Thief) -> None:
    """Each says the number of its new place."""
    seq, raw = thief.some()
    other, theirs = next(
        (row[0], row[1])
        for row in thief.db.execute(
            "SELECT seq, raw FROM record WHERE epoch=? AND kind='case' AND seq<>? ORDER BY random() LIMIT 1",
            (thief.epoch, seq),
        )
    )
    thief.put(seq, encode_record(msgspec.structs.replace(decode_record(theirs), seq=seq)))
    thief.put(other, encode_record(msgspec.structs.replace(decode_record(raw), seq=other)))
    thief.rechain()


def flip(thief: Thief) -> None:
    seq, raw = thief.some(thief.rng.choice(["case", "pass", "checkpoint", "gap"]))
    bit = thief.rng.randrange(len(raw) * 8)
    spoilt = bytearray(raw)
    spoilt[bit // 8] ^= 1 << bit % 8
    thief.db.execute("UPDATE record SET raw=? WHERE epoch=? AND seq=?", (bytes(spoilt), thief.epoch, seq))


def edit(thief: Thief) -> None:
    """The applicant of a case, in record, columns, current version and case, and the chain computed anew."""
    seq, raw = thief.some()
    item = altered(decode_record(raw))
    thief.put(seq, encode_record(item))
    thief.db.execute(
        "UPDATE row_head SET body=? WHERE tbl=? AND key=? AND version=?",
        (bytes(item.body), item.table, item.key, item.version),
    )
    thief.db.execute('UPDATE "case" SET applicant=? WHERE case_key=?', ("另有其人", item.key))
    thief.rechain()


def edit_column(thief: Thief) -> None:
    seq, _ = thief.some()
    names = {"key": "'x'", "version": "version+1", "cap_at": "cap_at-1", "cap_wall": "cap_wall+1"}
    names |= {"tbl": "'y'", "digest": "x'00'", "kind": "'event'"}
    name, value = thief.rng.choice(list(names.items()))
    thief.db.execute(f"UPDATE record SET {name}={value} WHERE epoch=? AND seq=?", (thief.epoch, seq))


def move(thief: Thief) -> None:
    seq, _ = thief.some()
    thief.db.execute(
        "UPDATE record SET seq=? WHERE epoch=? AND seq=?", (thief.sender.newest + 1, thief.epoch, seq)
    )


def drop_checkpoint(thief: Thief) -> None:
    seq, _ = thief.some("checkpoint")
    thief.delete(seq, seq)


def forge_checkpoint(thief: Thief) -> None:
    """Signed with a key of his own, over the chain of an edited record."""
    edit(thief)
    for seq, raw in thief.db.execute(
        "SELECT seq, raw FROM record WHERE epoch=? AND kind='checkpoint'", (thief.epoch,)
    ).fetchall():
        made = checkpoint.signed(b"t" * 32, "s01", thief.epoch, seq - 1, bytes(32), NOW)
        item = msgspec.structs.replace(decode_record(raw), body=record.encode_body(made))
        thief.put(seq, encode_record(item))
    thief.rechain()


def replace_key(thief: Thief) -> None:
    thief.db.execute("UPDATE box SET sign_key=?", (crypto.sign_public(b"t" * 32),))


def drop_epoch(thief: Thief) -> None:
    for table in ("record", "dead_letter", "ingest_cursor"):
        thief.db.execute(f"DELETE FROM {table} WHERE epoch=?", (thief.epoch,))


def drop_epoch_and_renumber(thief: Thief) -> None:
    """With what was derived from it; the one that is left becomes the first."""
    query = "SELECT epoch_no FROM ingest_cursor WHERE epoch=?"
    (number,) = thief.db.execute(query, (thief.epoch,)).fetchone()
    drop_epoch(thief)
    thief.db.execute(
        'DELETE FROM "case" WHERE case_key IN (SELECT case_key FROM row_head WHERE epoch_no=?)', (number,)
    )
    thief.db.execute("DELETE FROM row_head WHERE epoch_no=?", (number,))
    for table in ("ingest_cursor", "row_head"):
        thief.db.execute(f"UPDATE {table} SET epoch_no=1")


def swap_epochs(thief: Thief) -> None:
    """The older one passes for the newer."""
    for table in ("ingest_cursor", "row_head"):
        thief.db.execute(f"UPDATE {table} SET epoch_no=3-epoch_no")


def drop_cursor(thief: Thief) -> None:
    thief.db.execute("DELETE FROM ingest_cursor WHERE epoch=?", (thief.epoch,))


def drop_letter(thief: Thief) -> None:
    thief.db.execute("DELETE FROM dead_letter WHERE epoch=?", (thief.epoch,))


def edit_letter(thief: Thief) -> None:
    thief.db.execute("UPDATE dead_letter SET raw=x'c2' WHERE epoch=?", (thief.epoch,))


def forge_gap(thief: Thief) -> None:
    """A loss that the box never declared covers what was taken away."""
    seq, _ = thief.some()
    thief.delete(seq, seq)
    last = thief.sender.newest + 1
    forged = msgspec.structs.replace(draft(record.Gap(seq, seq, "damaged")), seq=last)
    item = {
        "site": "s01",
        "epoch": thief.epoch,
        "seq": last,
        "kind": "gap",
        "tbl": "",
        "key": "",
        "version": 1,
    }
    item |= {"cap_at": 0, "cap_wall": 0, "received_at": 0, "received_wall": 0, "lane": "live", "digest": b""}
    item["raw"] = encode_record(forged)
    places = ",".join("?" * len(item))
    thief.db.execute(f"INSERT INTO record({','.join(item)}) VALUES({places})", tuple(item.values()))
    thief.rechain()


def drop_head(thief: Thief) -> None:
    thief.db.execute(
        "DELETE FROM row_head WHERE rowid=(SELECT rowid FROM row_head ORDER BY random() LIMIT 1)"
    )


def edit_head(thief: Thief) -> None:
    change = thief.rng.choice(["deleted=NOT deleted", "version=version-1", "digest=x'00'", "case_key='x'"])
    thief.db.execute(
        f"UPDATE row_head SET {change} WHERE rowid=(SELECT rowid FROM row_head ORDER BY random() LIMIT 1)"
    )


def edit_case(thief: Thief) -> None:
    change = thief.rng.choice(
        ["applicant='另有其人'", "finished_at=1", "accepted_at=1", "deleted=NOT deleted", "case_no='x'"]
    )
    thief.db.execute(
        f"""UPDATE "case" SET {change} WHERE rowid=(SELECT rowid FROM "case" ORDER BY random() LIMIT 1)"""
    )


def end_rows(thief: Thief) -> None:
    """Nothing of it was sent again, says the hall: it must be gone."""
    thief.db.execute("INSERT INTO anew VALUES('s01', 'case', 2, ?)", (thief.rng.randint(0, 3),))
    thief.db.execute("UPDATE row_head SET deleted=1 WHERE epoch_no=1")
    keys = "SELECT case_key FROM row_head WHERE deleted"
    thief.db.execute(f'UPDATE "case" SET deleted=1, open=0 WHERE case_key IN ({keys})')


def drop_case(thief: Thief) -> None:
    thief.db.execute(
        """DELETE FROM "case" WHERE rowid=(SELECT rowid FROM "case" ORDER BY random() LIMIT 1)"""
    )


IN_THE_HALL: tuple[Callable[[Thief], None], ...] = (
    drop_record,
    drop_and_rechain,
    drop_run,
    drop_tail,
    swap,
    swap_renumbered,
    flip,
    edit,
    edit_column,
    move,
    drop_checkpoint,
    forge_checkpoint,
    replace_key,
    drop_epoch,
    drop_epoch_and_renumber,
    swap_epochs,
    drop_cursor,
    drop_letter,
    edit_letter,
    forge_gap,
    drop_head,
    edit_head,
    edit_case,
    end_rows,
    drop_case,
)


async def in_the_hall(scene: Scene, folder: Path, rng: random.Random, honest: Noticed) -> tuple[str, bool]:
    """-> (what was done, whether it was noticed)."""
    copy = folder / "copy.db"
    shutil.copyfile(scene.file, copy)
    act = rng.choice(IN_THE_HALL)
    with closing(sqlite3.connect(copy)) as db, db:
        act(Thief(db, scene, rng))
    found = await noticed(copy, scene.box)
    copy.unlink()
    return act.__name__, bool(found - honest)


# on the wire and at the broker -------------------------------------------------------------------------------


async def on_the_way(scene: Scene, folder: Path, rng: random.Random, honest: Noticed) -> tuple[str, bool]:
    """New batches of the box, between it and the hall. -> (what was done, whether it was noticed)."""
    copy = folder / "copy.db"
    shutil.copyfile(scene.file, copy)
    box = msgspec.structs.replace(scene).box
    sender = Sender(sign_secret=SECRET)
    sender.epoch, sender.raws, sender.chain = box.epoch, list(box.raws), list(box.chain)
    first = sender.newest + 1
    sender.number(*(case(f"new{n}", at=NOW) for n in range(6)))
    sender.sign()
    good = [sender.payload(first, first + 3), sender.payload(first + 4, first + 6)]
    act = rng.choice(["flip", "cut", "drop", "forge", "header", "other site"])
    if act == "drop":
        sent = [good[rng.randrange(2)]]
    elif act == "forge":  # sealed to the hall's public key, chained on; then comes the true one
        forger = Sender(sign_secret=b"t" * 32)
        forger.epoch, forger.raws, forger.chain = box.epoch, list(box.raws), list(box.chain)
        forger.number(*(case(f"forged{n}", at=NOW) for n in range(rng.randint(1, 6))))
        sent = [forger.payload(first, forger.newest), *good]
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
    store = await open_store(f"sqlite+aiosqlite:///{file}")
    refused = False
    try:
        async with store.write() as conn:
            world = await judge.load_world(conn, ZONE)
        for payload in sent:
            try:
                opened = open_batch("s01", payload, SECRETS)
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
    assert kinds == {What.DECLARED.value, What.DEAD.value}, honest
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
