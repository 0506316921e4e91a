"""The buffer on a real file: sealed, in order, durable together with the position, and never a dead end."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from agent import doctor, inside
from agent import label as labels
from agent.buffer import Buffer, Damaged, Run
from agent.epoch import Sealing
from agent.sqlfile import DamagedFileError
from common import health
from common.clock import Clock
from common.core import crypto, record
from common.core.errors import ConfigError
from common.core.instant import DAY, HOUR, MINUTE, SECOND
from common.core.record import Case, Op, Record, RecordKind
from common.core.rest import BUFFER_FORMAT

KEK = b"k" * 32
SIGN_KEY = crypto.sign_public(b"s" * 32)


def make_record(number: int, table: str = "case") -> Record:
    return Record(
        seq=0,
        kind=RecordKind.CASE,
        table=table,
        key=f"YW{number}",
        version=1,
        op=Op.PUT,
        src_at=None,
        cap_at=1_000_000 + number,
        cap_wall=2_000_000 + number,
        cap_mono=number,
        digest=number.to_bytes(16, "big"),
        body=record.encode_body(Case(case_key=f"YW{number}", applicant="王小明")),
    )


async def open_buffer(folder: Path, kek: bytes = KEK, site: str = "s01") -> Buffer:
    buffer = await Buffer.open(
        folder / "buffer.db", seal=Sealing([kek]), site=site, sign_key=SIGN_KEY, clock=Clock()
    )
    buffer.indexed = 1_000_000
    return buffer


def bodies(run: Run) -> list[record.Body]:
    return [record.decode_body(record.decode_record(raw)) for raw in run.records]


def losses(found: list[record.Body]) -> list[tuple[int, int, str]]:
    """What gaps declare; where the chain goes on is the subject of test_checkpoint.py."""
    return [(gap.lo, gap.hi, gap.why) for gap in found if isinstance(gap, record.Gap)]


async def read_run(buffer: Buffer, first: int, last: int) -> Run:
    run = await buffer.read(first, last, 1_000_000)
    assert isinstance(run, Run)
    return run


async def test_records_come_back_in_order_with_a_chain_that_meets(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    assert await buffer.append([make_record(n) for n in range(1, 6)]) == [1, 2, 3, 4, 5]
    run = await read_run(buffer, 2, 4)
    assert (run.first, run.last) == (2, 4)
    value = run.prev_hash
    for seq, raw in enumerate(run.records, 2):
        assert record.decode_record(raw).key == f"YW{seq}"
        value = crypto.chain_next(value, seq, raw)
    assert value == run.last_hash
    await buffer.close()


async def test_the_position_moves_with_the_records_and_survives_reopening(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(1)], {"case": b"p1"})
    epoch, head = buffer.epoch, buffer.head
    await buffer.close()
    buffer = await open_buffer(tmp_path)
    assert (buffer.epoch, buffer.head, buffer.newest) == (epoch, head, 1)
    assert await buffer.positions() == {"case": b"p1"}
    await buffer.close()


async def test_forgetting_keeps_numbers_and_chain_going(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 4)])
    whole = await read_run(buffer, 3, 3)
    await buffer.forget(3)
    assert await buffer.append([make_record(4)]) == [4]
    run = await read_run(buffer, 4, 9)
    assert run.prev_hash == whole.last_hash
    assert (await buffer.figures()).rows == 1
    await buffer.close()


async def test_nothing_is_forgotten_that_the_index_has_not_seen(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 4)])
    buffer.indexed = 2
    await buffer.forget(3)
    assert buffer.forgotten == 2
    await buffer.close()


async def test_no_plain_text_of_a_record_lies_on_the_disk(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(1)])
    await buffer.close()
    for file in tmp_path.iterdir():
        assert "王小明".encode() not in file.read_bytes()


async def test_a_flipped_bit_is_noticed_quarantined_and_declared(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 4)])
    await buffer.close()
    with sqlite3.connect(tmp_path / "buffer.db") as db:
        blob = bytearray(db.execute("SELECT blob FROM outbox WHERE seq=2").fetchone()[0])
        blob[40] ^= 1
        db.execute("UPDATE outbox SET blob=? WHERE seq=2", (bytes(blob),))
    buffer = await open_buffer(tmp_path)
    first = await read_run(buffer, 1, 9)
    assert first.last == 1
    damaged = await buffer.read(2, 9, 1_000_000)
    assert isinstance(damaged, Damaged)
    await buffer.quarantine(damaged.first, damaged.last, damaged.why)
    after = await read_run(buffer, 3, 9)
    assert (after.last, after.prev_hash) == (3, b""), "P-BATCH-14"
    rest = await read_run(buffer, 4, 9)
    assert (rest.last, rest.prev_hash) == (4, after.last_hash)
    assert losses(bodies(rest)) == [(2, 2, "damaged")]
    figures = await buffer.figures()
    assert (figures.rows, figures.quarantined) == (3, 1)
    await buffer.quarantine(damaged.first, damaged.last, damaged.why)
    assert buffer.newest == 4, "it is declared once"
    assert await buffer.read(2, 9, 1_000_000) == Damaged(2, 2, "quarantined")
    await buffer.close()


@pytest.mark.parametrize("is_closed", [False, True])
async def test_a_record_that_opens_and_is_not_what_was_chained_is_lost_alone(
    tmp_path: Path, is_closed: bool
) -> None:
    """P-REST-06: a bit flipped between chaining and sealing; the hall would refuse its batch for ever."""
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 6)])
    active, other = buffer._files.active, record.encode_record(replace(make_record(9), seq=3))
    async with active.transaction():
        blob = active.seal(3, await buffer.chain_at(3), other)
        await active.db.execute("UPDATE outbox SET blob=? WHERE seq=3", (blob,))
    if is_closed:
        assert await buffer.rotate()
    assert (await read_run(buffer, 1, 9)).last == 2
    damaged = await buffer.read(3, 9, 1_000_000)
    assert damaged == Damaged(3, 3, "is not what was chained")
    seen = [inside.read(file, [KEK]).holes for file in inside.segments(tmp_path / "buffer.db", [KEK])]
    assert [hole for holes in seen for hole in holes] == [(3, 3)]
    await buffer.quarantine(damaged.first, damaged.last, damaged.why)
    assert await buffer.read(3, 9, 1_000_000) == Damaged(3, 3, "quarantined")
    sent: list[bytes] = []
    while len(sent) < buffer.newest - 3:
        sent += (await read_run(buffer, 4 + len(sent), 9)).records
    assert [record.decode_record(raw).seq for raw in sent] == [4, 5, 6]
    assert losses([record.decode_body(record.decode_record(sent[-1]))]) == [(3, 3, "damaged")]
    await buffer.close()


async def test_a_record_of_a_program_that_was_taken_back_stops_nothing(tmp_path: Path) -> None:
    """sync.md R14: its kind is unknown here. It is sent as it is; the hall says what becomes of it."""
    buffer = await open_buffer(tmp_path)
    fields = msgspec.msgpack.decode(record.encode_record(replace(make_record(1), seq=1)))
    raw = msgspec.msgpack.encode([1, "novel", *fields[2:]])
    active, head = buffer._files.active, crypto.chain_next(buffer.head, 1, raw)
    await active.append([(1, active.seal(1, head, raw))], replace(active.state, newest=1, head=head))
    await buffer.append([make_record(2)])
    for _ in range(2):
        figures = await buffer.figures()
        assert (figures.rows, figures.oldest_age is None) == (2, False)
        assert [item.key for item in await buffer.tail(0)] == ["YW2"]
        assert (await read_run(buffer, 1, 9)).records[0] == raw
        await buffer.close()
        buffer = await open_buffer(tmp_path)
    await buffer.close()


async def test_a_file_that_lacks_a_record_is_set_aside_whole(tmp_path: Path) -> None:
    """Its trees cannot be trusted any more; read without them it may still have the record."""
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 3)])
    epoch = buffer.epoch
    await buffer.close()
    with sqlite3.connect(tmp_path / "buffer.db") as db:
        db.execute("DELETE FROM outbox WHERE seq=1")
    buffer = await open_buffer(tmp_path)
    with pytest.raises(DamagedFileError, match="缺少编号 1"):
        await buffer.read(1, 9, 1_000_000)
    await buffer.close()
    buffer = await open_buffer(tmp_path)
    assert buffer.epoch != epoch
    assert len(list(tmp_path.glob("buffer-*.db.damaged-*[0-9]"))) == 1
    await buffer.close()


@pytest.mark.parametrize(
    "change",
    ["INSERT INTO outbox VALUES(4, x'00')", "ALTER TABLE outbox RENAME TO outbow", "DROP TABLE state"],
)
async def test_a_file_that_refuses_what_it_always_took_is_set_aside(tmp_path: Path, change: str) -> None:
    """As flipped bits make it: a number that is there twice, a table without its name."""
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 4)])
    epoch = buffer.epoch
    with closing(sqlite3.connect(tmp_path / "buffer.db")) as db:
        db.execute(change)
        db.commit()
    with pytest.raises(DamagedFileError):
        await buffer.append([make_record(4)])
    await buffer.close()
    buffer = await open_buffer(tmp_path)
    assert buffer.epoch != epoch
    assert await buffer.append([make_record(1)]) == [1]
    await buffer.close()


@pytest.mark.parametrize("damage", ["header", "truncated", "garbage"])
async def test_a_file_that_cannot_be_opened_is_kept_and_a_new_epoch_begins(
    tmp_path: Path, damage: str
) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 50)])
    epoch = buffer.epoch
    await buffer.close()
    path = tmp_path / "buffer.db"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "header": b"\0" * 100 + whole[100:],
            "truncated": whole[: len(whole) // 2],
            "garbage": b"not a database, " * 1000,
        }[damage]
    )
    buffer = await open_buffer(tmp_path)
    assert buffer.epoch != epoch
    assert await buffer.append([make_record(1)]) == [1]
    assert len(list(tmp_path.glob("buffer-*.db.damaged-*[0-9]"))) == 1
    await buffer.close()


async def test_a_lost_master_key_begins_a_new_epoch_and_keeps_the_old_file(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    epoch = buffer.epoch
    await buffer.close()
    buffer = await open_buffer(tmp_path, kek=b"z" * 32)
    assert buffer.epoch != epoch
    await buffer.close()


async def test_a_second_agent_on_the_same_buffer_is_told_so(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    with pytest.raises(ConfigError, match="已有采集程序") as caught:
        await open_buffer(tmp_path)
    assert "systemctl stop" in caught.value.hint
    await buffer.close()


async def test_a_buffer_of_another_site_is_refused(tmp_path: Path) -> None:
    await (await open_buffer(tmp_path)).close()
    with pytest.raises(ConfigError, match="属于站点 s01"):
        await open_buffer(tmp_path, site="s02")


async def test_a_buffer_of_the_format_before_and_after_goes_on_and_one_beyond_is_left_alone(
    tmp_path: Path,
) -> None:
    """N-1, N and N+1, both ways: one after the other writes to the same buffer, and nothing of it is lost."""
    path, epoch = tmp_path / "buffer.db", b""
    for number, version in enumerate(("own", "before", "own", "after", "own", "after", "own"), 1):
        buffer = await open_buffer(tmp_path)
        epoch = epoch or buffer.epoch
        assert (buffer.epoch, buffer.newest) == (epoch, number - 1), version
        await buffer.append([make_record(number)], {"walk": b"%d" % number})
        await buffer.close()
        rewrite(path, version)
    buffer = await open_buffer(tmp_path)
    assert [item.case_key for item in bodies(await read_run(buffer, 1, 7)) if isinstance(item, Case)] == [
        f"YW{number}" for number in range(1, 8)
    ]
    await buffer.close()

    rewrite(path, "beyond")
    content = path.read_bytes()
    with pytest.raises(ConfigError, match="缓存格式 3，本版本只认到 2") as caught:
        await open_buffer(tmp_path)
    assert "安装命令" in caught.value.hint
    assert path.read_bytes() == content
    (tmp_path / "master.key").write_bytes(KEK)
    config = tmp_path / "agent.toml"
    config.write_text(
        f'site = "s01"\ngeneration = 1\ndata_dir = "{tmp_path}"\n[identity]\nmaster_key = "master.key"\n'
        '[mqtt]\nhost = "127.0.0.1"\nport = 9\n'
    )
    ((found,), verdict, _), ((running,), _, _) = [
        await doctor.examine(config, only=only) for only in ("E-BUF-01", "E-SYS-01")
    ]
    assert (found.status, verdict.value) == (health.Status.FAIL, "not_collecting")
    assert "缓存格式 3" in found.detail
    assert "安装命令" in found.remedy
    assert running.status is health.Status.SKIP


def rewrite(path: Path, version: str) -> None:
    """As a release of the format `before`, `after` or `beyond` ours would have left it; `own`: as it is.

    The one before wrote no number; the next adds a field to the state, and a table.
    """
    with closing(sqlite3.connect(path)) as db, db:
        label = labels.copies(path, [db.execute("SELECT body FROM label").fetchone()[0]])[0]
        key, place = labels.unlock(label, [KEK]), (label.site, label.epoch, 0)
        chain, raw = key.open(place, db.execute("SELECT blob FROM state").fetchone()[0])
        fields = msgspec.msgpack.decode(raw)
        assert fields[-1] == BUFFER_FORMAT
        if version == "before":
            fields = fields[:-1]
        if version in {"after", "beyond"}:
            fields = [*fields[:-1], BUFFER_FORMAT + (1 if version == "after" else 2), {"new": b"1"}]
            db.execute("CREATE TABLE IF NOT EXISTS later(one INTEGER PRIMARY KEY)")
        nonce = os.urandom(crypto.NONCE_BYTES)
        sealed = key.seal(place, nonce, chain, msgspec.msgpack.encode(fields))
        db.execute("UPDATE state SET blob=?", (sealed,))


async def test_a_gap_whose_own_record_was_damaged_is_declared_again(tmp_path: Path) -> None:
    buffer = await open_buffer(tmp_path)
    await buffer.append([make_record(n) for n in range(1, 4)])
    await buffer.quarantine(2, 2, "test")
    assert buffer.newest == 4
    await buffer.quarantine(4, 4, "test")  # the record that declared 2
    await buffer.declare_again(1, [(3, 3)])
    found = bodies(await read_run(buffer, 5, 5)) + bodies(await read_run(buffer, 6, 9))
    assert losses(found) == [(4, 4, "damaged"), (2, 2, "damaged"), (4, 4, "damaged")]
    await buffer.declare_again(1, [(2, 7)])
    assert buffer.newest == 7
    await buffer.close()


class SetClock(Clock):
    """Its wall clock is set while the process runs; monotonic time is not."""

    shift = 0

    def wall(self) -> int:
        return super().wall() + self.shift


async def test_the_age_of_what_waits_does_not_follow_a_wall_clock_that_is_set(tmp_path: Path) -> None:
    clock = SetClock()
    place = {"seal": Sealing([KEK]), "site": "s01", "sign_key": SIGN_KEY, "clock": clock}
    buffer = await Buffer.open(tmp_path / "buffer.db", **place)  # type: ignore[arg-type]
    assert (await buffer.figures()).oldest_age is None
    clock.shift = HOUR
    captured = clock.mono() - 100 * SECOND
    await buffer.append([replace(make_record(1), cap_wall=clock.wall(), cap_mono=captured)])
    for clock.shift in (HOUR, 0, -DAY, DAY):
        age = (await buffer.figures()).oldest_age
        assert age is not None
        assert 100 * SECOND <= age < 200 * SECOND
    await buffer.close()
    clock.shift = 0  # set right while the agent was stopped
    again = await Buffer.open(tmp_path / "buffer.db", **place)  # type: ignore[arg-type]
    age = (await again.figures()).oldest_age
    assert age is not None
    assert 0 < age < MINUTE  # nobody knows; it is counted from here on
    await again.close()
