"""What can be done to the hall's database by somebody who has it, its data key too, knows all, and corrects all he can
(tests/tamper.py).
"""

import random
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from central.core import trail as audit
from central.store.key import ring_of
from common.core import batch, checkpoint, crypto, record
from common.core.instant import to_us
from common.core.ranges import Range
from common.core.record import Case, Record, decode_record, encode_record
from tests.sender import Sender, draft

ZONE = ZoneInfo("Asia/Shanghai")
NOW = to_us(datetime(2026, 3, 18, 10, tzinfo=ZONE))
Db = sqlite3.Connection


class Scene(Struct):
    """A hall's database file and the boxes that wrote it: one that was replaced, an epoch of old, and the one that goes on."""

    file: Path
    replaced: Sender
    old: Sender
    box: Sender


class Thief:
    """Edits one copy of the database by the rules of SQL."""

    def __init__(self, db: Db, scene: Scene, rng: random.Random) -> None:
        self.db = db
        self.rng = rng
        self.sender = rng.choice([scene.old, scene.box])
        self.epoch = self.sender.epoch
        ring = ring_of(scene.file.with_name("data.key"))
        db.create_function("sealed", 2, lambda place, plain: ring.sealer(place.encode())(_bytes(plain)))
        db.create_function("opened", 2, lambda place, kept: ring.opener(place.encode())(kept))

    def some(self, kind: str = "case") -> tuple[int, bytes]:
        query = "SELECT seq, opened('record.raw', raw) FROM record WHERE epoch=? AND kind=? ORDER BY seq"
        found: tuple[int, bytes] = self.rng.choice(self.db.execute(query, (self.epoch, kind)).fetchall())
        return found

    def forget(self, number: int) -> None:
        """Everything of the epoch with this number, what was derived from it, and its line of the audit."""
        (epoch,) = self.db.execute("SELECT epoch FROM ingest_cursor WHERE epoch_no=?", (number,)).fetchone()
        for table in ("record", "dead_letter", "ingest_cursor"):
            self.db.execute(f"DELETE FROM {table} WHERE epoch=?", (epoch,))
        keys = "SELECT case_key FROM row_head WHERE epoch_no=?"
        self.db.execute(f'DELETE FROM "case" WHERE case_key IN ({keys})', (number,))
        self.db.execute("DELETE FROM row_head WHERE epoch_no=?", (number,))
        for table in ("ingest_cursor", "row_head"):
            self.db.execute(f"UPDATE {table} SET epoch_no=epoch_no-1 WHERE epoch_no>?", (number,))
        self.db.execute("DELETE FROM audit_line WHERE subject LIKE ?", (f"s01/{epoch.hex()}%",))
        self.write_audit()

    def write_audit(self) -> None:
        """The trail as it is, numbered and chained anew, without the hall's signatures."""
        query = "SELECT at_wall, who, act, subject, opened('audit_line.why', why) FROM audit_line ORDER BY id"
        lines = [(*line, why.decode()) for *line, why in self.db.execute(query).fetchall()]
        self.db.execute("DELETE FROM audit_line")
        self.db.execute("DELETE FROM audit_seal")
        chain = audit.START
        for number, line in enumerate(lines, 1):
            chain = audit.chained(chain, number, *line)
            row = (number, *line, chain)
            self.db.execute(
                "INSERT INTO audit_line(id, at_wall, who, act, subject, why, chain)"
                " VALUES(?,?,?,?,?,sealed('audit_line.why',?),?)",
                row,
            )

    def unread(self, seq: int) -> bytes:
        """Take the record out of what counts; if it was its row's newest, the version before is. -> its bytes."""
        query = "SELECT opened('record.raw', raw), tbl, key, version FROM record WHERE epoch=? AND seq=?"
        raw, tbl, key, version = self.db.execute(query, (self.epoch, seq)).fetchone()
        self.delete(seq, seq)
        query = "SELECT opened('record.raw', raw) FROM record WHERE epoch=? AND tbl=? AND key=? AND version=?"
        if self.db.execute(query, (self.epoch, tbl, key, version + 1)).fetchone():
            return bytes(raw)
        before = self.db.execute(query, (self.epoch, tbl, key, version - 1)).fetchone()
        if before is None:
            self.db.execute("DELETE FROM row_head WHERE tbl=? AND key=?", (tbl, key))
            self.db.execute('DELETE FROM "case" WHERE case_key=?', (key,))
            return bytes(raw)
        item = decode_record(before[0])
        body = record.decode_body(item)
        assert isinstance(body, Case)
        self.db.execute(
            "UPDATE row_head SET version=?, digest=?, body=sealed('row_head.body', ?) WHERE tbl=? AND key=?",
            (item.version, item.digest, bytes(item.body), tbl, key),
        )
        self.db.execute(
            "UPDATE \"case\" SET applicant=sealed('case.applicant', ?) WHERE case_key=?",
            (body.applicant, key),
        )
        return bytes(raw)

    def letter(self, seq: int, raw: bytes, state: str) -> None:
        row = ("s01", self.epoch, seq, "bad_record", "?", raw, NOW, state)
        names = "site, epoch, seq, code, reason, raw, at_wall, state"
        self.db.execute(
            f"INSERT INTO dead_letter({names}) VALUES(?,?,?,?,?,sealed('dead_letter.raw',?),?,?)", row
        )

    def put(self, seq: int, raw: bytes) -> None:
        """With every column as the record says."""
        item = decode_record(raw)
        said = (item.kind.value, item.table, item.key, item.version, item.cap_at, item.cap_wall, item.digest)
        names = ("kind", "tbl", "key", "version", "cap_at", "cap_wall", "digest")
        columns = ", ".join(f"{name}=?" for name in names)
        self.db.execute(
            f"UPDATE record SET raw=sealed('record.raw', ?), {columns} WHERE epoch=? AND seq=?",
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
            "SELECT seq, opened('record.raw', raw) FROM record WHERE epoch=? AND seq>12"
            " UNION ALL SELECT seq, opened('dead_letter.raw', raw) FROM dead_letter"
            " WHERE epoch=? AND seq>12 ORDER BY 1",
            (self.epoch, self.epoch),
        ).fetchall():
            value = crypto.chain_next(value, seq, raw)
        self.held(Range(1, seq, self.sender.chain[0], value))


def _bytes(plain: bytes | str) -> bytes:
    return plain.encode() if isinstance(plain, str) else plain


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
                "SELECT seq, opened('record.raw', raw) FROM record WHERE epoch=? AND seq<>? LIMIT 1",
                (thief.epoch, one),
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
            "SELECT seq, opened('record.raw', raw) FROM record WHERE epoch=? AND kind='case' AND seq<>?"
            " ORDER BY random() LIMIT 1",
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
    query = "UPDATE record SET raw=sealed('record.raw', ?) WHERE epoch=? AND seq=?"
    thief.db.execute(query, (bytes(spoilt), thief.epoch, seq))


def flip_sealed(thief: Thief) -> None:
    """A bit on the disk: of a record, a current version or a name, without its key."""
    place, key = thief.rng.choice(
        [("record.raw", "epoch,seq"), ("row_head.body", "tbl,key"), ("case.applicant", "case_key")]
    )
    table, column = place.split(".")
    query = f'SELECT rowid, {column} FROM "{table}" WHERE {column} IS NOT NULL ORDER BY {key}'
    number, kept = thief.rng.choice(thief.db.execute(query).fetchall())
    bit = thief.rng.randrange(len(kept) * 8)
    spoilt = bytearray(kept)
    spoilt[bit // 8] ^= 1 << bit % 8
    thief.db.execute(f'UPDATE "{table}" SET {column}=? WHERE rowid=?', (bytes(spoilt), number))


def swap_sealed(thief: Thief) -> None:
    """A value sealed elsewhere stands here: of another row, or of another column."""
    change = thief.rng.choice(
        [
            "row_head SET body=(SELECT raw FROM record WHERE kind='case' LIMIT 1)",
            "row_head SET body=(SELECT body FROM row_head WHERE key='0002')",
            '"case" SET applicant=(SELECT body FROM row_head LIMIT 1)',
            """"case" SET applicant=(SELECT applicant FROM "case" WHERE case_key='0002')""",
        ]
    )
    thief.db.execute(f"UPDATE {change} WHERE case_key='0003'")


def edit(thief: Thief) -> None:
    """The applicant of a case, in record, columns, current version and case, and the chain computed anew."""
    seq, raw = thief.some()
    item = altered(decode_record(raw))
    thief.put(seq, encode_record(item))
    thief.db.execute(
        "UPDATE row_head SET body=sealed('row_head.body', ?) WHERE tbl=? AND key=? AND version=?",
        (bytes(item.body), item.table, item.key, item.version),
    )
    thief.db.execute(
        "UPDATE \"case\" SET applicant=sealed('case.applicant', ?) WHERE case_key=?", ("另有其人", item.key)
    )
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
        "SELECT seq, opened('record.raw', raw) FROM record WHERE epoch=? AND kind='checkpoint'",
        (thief.epoch,),
    ).fetchall():
        made = checkpoint.signed(b"t" * 32, "s01", thief.epoch, seq - 1, bytes(32), NOW)
        item = msgspec.structs.replace(decode_record(raw), body=record.encode_body(made))
        thief.put(seq, encode_record(item))
    thief.rechain()


def silence(thief: Thief) -> None:
    """An edit, and every checkpoint makes place for bytes that nobody can read, or for an event."""
    edit(thief)
    query = "SELECT seq, opened('record.raw', raw) FROM record WHERE epoch=? AND kind='checkpoint'"
    stand_in = thief.rng.choice(["letter", "event"])
    for seq, raw in thief.db.execute(query, (thief.epoch,)).fetchall():
        if stand_in == "letter":
            thief.delete(seq, seq)
            thief.letter(seq, b"\xc1", "open")
            continue
        body = record.encode_body(record.Event("agent.started"))
        item = msgspec.structs.replace(decode_record(raw), kind=record.RecordKind.EVENT, body=body)
        thief.put(seq, encode_record(item))
    thief.rechain()


def replace_key(thief: Thief) -> None:
    thief.db.execute("UPDATE box SET sign_key=?", (crypto.sign_public(b"t" * 32),))


def drop_epoch(thief: Thief) -> None:
    for table in ("record", "dead_letter", "ingest_cursor"):
        thief.db.execute(f"DELETE FROM {table} WHERE epoch=?", (thief.epoch,))


def drop_epoch_and_renumber(thief: Thief) -> None:
    """With what was derived from it; those that are left are numbered anew."""
    query = "SELECT epoch_no FROM ingest_cursor WHERE epoch=?"
    thief.forget(thief.db.execute(query, (thief.epoch,)).fetchone()[0])


def drop_box(thief: Thief) -> None:
    """The one that was replaced, with all it ever sent, as if there had been none."""
    thief.forget(1)
    thief.db.execute("DELETE FROM box WHERE generation=1")


def swap_epochs(thief: Thief) -> None:
    """The older one passes for the newer."""
    for table in ("ingest_cursor", "row_head"):
        thief.db.execute(f"UPDATE {table} SET epoch_no=5-epoch_no WHERE epoch_no>1")


def to_letter(thief: Thief) -> None:
    """A record passes for one nobody could read, which waits or was settled by nobody."""
    seq, _ = thief.some(thief.rng.choice(["case", "pass"]))
    state = thief.rng.choice(["open", "dropped", "reinjected"])
    thief.letter(seq, thief.unread(seq), state)


def beside_letter(thief: Thief) -> None:
    """A record is altered; the true bytes pass for a letter that somebody has repaired."""
    seq, raw = thief.some()
    thief.letter(seq, raw, "reinjected")
    item = altered(decode_record(raw))
    thief.put(seq, encode_record(item))
    place = (item.table, item.key, item.version)
    thief.db.execute(
        "UPDATE row_head SET body=sealed('row_head.body', ?) WHERE tbl=? AND key=? AND version=?",
        (bytes(item.body), *place),
    )
    query = "SELECT 1 FROM row_head WHERE tbl=? AND key=? AND version=?"
    if thief.db.execute(query, place).fetchone():
        thief.db.execute(
            "UPDATE \"case\" SET applicant=sealed('case.applicant', ?) WHERE case_key=?",
            ("另有其人", item.key),
        )


def to_parked(thief: Thief) -> None:
    """A record passes for one of a schema to come; what its box has signed of another batch is all he has."""
    seq, _ = thief.some(thief.rng.choice(["case", "pass"]))
    raws = msgspec.msgpack.encode([thief.unread(seq)])
    claim = batch.claim(thief.sender.payload(seq, seq))
    thief.db.execute(
        "INSERT INTO parked_batch(site, epoch, first, last, schema, raws, claim, at_wall)"
        " VALUES(?,?,?,?,?,sealed('parked_batch.raws',?),?,?)",
        ("s01", thief.epoch, seq, seq, 2, raws, claim, NOW),
    )


def forge_line(thief: Thief) -> None:
    """A letter is given up in the name of somebody; the trail is signed, so his line is a fault or unsigned."""
    seq, _ = thief.some()
    thief.letter(seq, thief.unread(seq), "dropped")
    thief.db.execute(
        "UPDATE audit_line SET act='dead.drop', subject=? WHERE id=1", (f"s01/{thief.epoch.hex()}/{seq}",)
    )


def drop_cursor(thief: Thief) -> None:
    thief.db.execute("DELETE FROM ingest_cursor WHERE epoch=?", (thief.epoch,))


def drop_letter(thief: Thief) -> None:
    thief.db.execute("DELETE FROM dead_letter WHERE epoch=?", (thief.epoch,))


def fill_letter(thief: Thief) -> None:
    """A case that never was stands where a record came that nobody could read, and people had taken none in for it."""
    query = "SELECT seq FROM dead_letter WHERE epoch=?"
    (seq,) = thief.db.execute(query, (thief.epoch,)).fetchone()
    other, raw = thief.some()
    thief.db.execute(
        "CREATE TEMP TABLE one AS SELECT * FROM record WHERE epoch=? AND seq=?", (thief.epoch, other)
    )
    thief.db.execute("UPDATE one SET seq=?", (seq,))
    thief.db.execute("INSERT INTO record SELECT * FROM one")
    thief.put(
        seq,
        encode_record(
            msgspec.structs.replace(
                decode_record(raw),
                seq=seq,
                kind=record.RecordKind.EVENT,
                table="",
                key="",
                body=record.encode_body(record.Event("agent.started")),
            )
        ),
    )


def edit_letter(thief: Thief) -> None:
    thief.db.execute(
        "UPDATE dead_letter SET raw=sealed('dead_letter.raw', x'c2') WHERE epoch=?", (thief.epoch,)
    )


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
    places = ",".join("sealed('record.raw', ?)" if name == "raw" else "?" for name in item)
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
        [
            "applicant=sealed('case.applicant', '另有其人')",
            "applicant='另有其人'",
            "finished_at=1",
            "accepted_at=1",
            "deleted=NOT deleted",
            "case_no='x'",
        ]
    )
    thief.db.execute(
        f"""UPDATE "case" SET {change} WHERE rowid=(SELECT rowid FROM "case" ORDER BY random() LIMIT 1)"""
    )


def end_rows(thief: Thief) -> None:
    """Nothing of it was sent again, says the hall: it must be gone."""
    thief.db.execute("INSERT INTO anew VALUES('s01', 'case', 3, ?)", (thief.rng.randint(0, 3),))
    thief.db.execute("UPDATE row_head SET deleted=1 WHERE epoch_no<3")
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
    flip_sealed,
    swap_sealed,
    edit,
    edit_column,
    move,
    drop_checkpoint,
    forge_checkpoint,
    silence,
    replace_key,
    drop_epoch,
    drop_epoch_and_renumber,
    drop_box,
    swap_epochs,
    to_letter,
    beside_letter,
    to_parked,
    forge_line,
    drop_cursor,
    drop_letter,
    edit_letter,
    fill_letter,
    forge_gap,
    drop_head,
    edit_head,
    edit_case,
    end_rows,
    drop_case,
)
