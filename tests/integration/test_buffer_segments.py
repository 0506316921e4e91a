"""One epoch in many files: rotated without a seam, drained in order, shredded whole, and found again after any crash."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from agent import files
from agent import label as labels
from agent.buffer import Buffer, Damaged, Run
from agent.core.pages import PAGE_BYTES
from agent.epoch import Sealing
from agent.room import Room
from common.clock import Clock, ClockConfig
from common.core import crypto, record
from common.core.instant import DAY
from common.core.record import Case, Op, Record, RecordKind

KEK = b"k" * 32
SIGN_KEY = crypto.sign_public(b"s" * 32)
SMALL = 128 * 1024
"""Segments of 128 KiB, or what the write-ahead log first holds (400 KiB)."""


def make(number: int) -> Record:
    noise = random.Random(number).randbytes(1000).hex()
    body = record.encode_body(Case(case_key=f"YW{number}", applicant=noise))
    key = f"YW{number}"
    return Record(
        0, RecordKind.CASE, "case", key, 1, Op.PUT, None, 1, number, 1, number.to_bytes(16, "big"), body
    )


async def opened(folder: Path, kek: bytes = KEK, clock: Clock | None = None) -> Buffer:
    buffer = await Buffer.open(
        folder / "buffer.db",
        seal=Sealing([kek]),
        site="s01",
        sign_key=SIGN_KEY,
        clock=clock or Clock(),
        room=Room(segment_bytes=SMALL),
    )
    buffer.indexed = 1 << 40
    return buffer


async def filled(folder: Path, count: int) -> Buffer:
    buffer = await opened(folder)
    for first in range(1, count + 1, 100):
        await buffer.append([make(n) for n in range(first, first + 100)], {"lane": str(first).encode()})
    return buffer


def closed(folder: Path) -> list[Path]:
    return [item.path for item in files.found(folder / "buffer.db") if not item.fate]


async def everything(buffer: Buffer) -> dict[int, str]:
    """What sending all would send: number -> key. The chain must meet from run to run, or be empty behind a hole."""
    found: dict[int, str] = {}
    seq, value = buffer.forgotten + 1, None
    while seq <= buffer.newest:
        run = await buffer.read(seq, buffer.newest, 1 << 20)
        if isinstance(run, Damaged):
            seq, value = run.last + 1, b""
            continue
        assert value is None or run.prev_hash == value
        value = run.prev_hash
        for number, raw in enumerate(run.records, run.first):
            if value:
                value = crypto.chain_next(value, number, raw)
            found[number] = record.decode_record(raw).key
        assert value in {run.last_hash, b""}
        seq, value = run.last + 1, run.last_hash
    return found


def keys(first: int, last: int) -> dict[int, str]:
    return {n: f"YW{n}" for n in range(first, last + 1)}


async def test_reading_goes_on_while_segments_are_changed_under_it(tmp_path: Path) -> None:
    buffer = await opened(tmp_path)
    writing = asyncio.create_task(_written(buffer, 3000))
    while not writing.done():
        await buffer.figures()
        first = random.randrange(buffer.newest) + 1 if buffer.newest else 0
        if first:
            run = await buffer.read(first, buffer.newest, 1 << 14)
            assert isinstance(run, Run), run
            assert run.first == first
            assert await buffer.tail(first - 1, first)
    await writing
    assert len(closed(tmp_path)) >= 5
    assert await everything(buffer) == keys(1, 3000)
    await buffer.close()


async def _written(buffer: Buffer, count: int) -> None:
    for number in range(1, count + 1, 20):
        await buffer.append([make(n) for n in range(number, number + 20)])


async def test_segments_follow_each_other_without_a_seam_and_are_shredded_when_acknowledged(
    tmp_path: Path,
) -> None:
    buffer = await filled(tmp_path, 3000)
    epoch = buffer.epoch
    assert len(closed(tmp_path)) >= 3
    assert await everything(buffer) == keys(1, 3000)
    assert (await buffer.figures()).rows == 3000
    assert await buffer.positions() == {"lane": b"2901"}
    await buffer.close()
    buffer = await opened(tmp_path)
    assert (buffer.epoch, buffer.newest) == (epoch, 3000)
    assert await buffer.positions() == {"lane": b"2901"}
    assert await everything(buffer) == keys(1, 3000)
    second = files.found(tmp_path / "buffer.db")[1].first
    await buffer.forget(second - 2)
    assert len(closed(tmp_path)) >= 3
    assert await everything(buffer) == keys(second - 1, 3000)
    gone = closed(tmp_path)[0]
    await buffer.forget(second + 3)
    assert not list(tmp_path.glob(f"{gone.name}*")), "the file, and its label with it"
    assert await everything(buffer) == keys(second + 4, 3000)
    await buffer.forget(3000)
    assert closed(tmp_path) == []
    assert await buffer.append([make(3001)]) == [3001]
    assert await everything(buffer) == keys(3001, 3001)
    await buffer.close()


async def test_each_segment_has_a_data_key_of_its_own(tmp_path: Path) -> None:
    await (await filled(tmp_path, 1000)).close()
    found = [label for path in closed(tmp_path) for label in labels.copies(path, ())]
    assert len({crypto.unwrap(KEK, label.wrapped) for label in found}) == len(found) >= 2
    assert [label.number for label in found] == list(range(1, len(found) + 1))


async def test_a_segment_is_closed_after_a_week(tmp_path: Path) -> None:
    """Of a clock that runs fast: nothing here waits."""

    class Later(Clock):
        def wall(self) -> int:
            return super().wall() + 7 * DAY

    buffer = await opened(tmp_path)
    await buffer.append([make(1)])
    await buffer.append([make(2)])
    assert closed(tmp_path) == []
    await buffer.close()
    buffer = await opened(tmp_path, clock=Later(ClockConfig()))
    await buffer.append([make(3)])
    assert [item.first for item in files.found(tmp_path / "buffer.db")] == [1]
    assert await everything(buffer) == keys(1, 3)
    await buffer.close()


async def test_what_was_noted_goes_on_into_the_next_segment(tmp_path: Path) -> None:
    buffer = await opened(tmp_path)
    await buffer.append([make(1), make(2)])
    await buffer.quarantine_rows([("case", "YW9", "为什么")])
    await buffer.note_refusal(1, 1, "bad_record")
    await buffer.quarantine(2, 2, "test")
    for first in range(4, 1000, 100):
        await buffer.append([make(n) for n in range(first, first + 100)])
    assert closed(tmp_path)
    assert [row.reason for row in await buffer.quarantined_rows()] == ["为什么"]
    assert await buffer.read(2, 9, 1000) == Damaged(2, 2, "quarantined")
    assert (await buffer.figures()).quarantined == 1
    await buffer.close()


MOMENTS: dict[str, Callable[[Path], object]] = {
    "the next one is half made": lambda data: (data / "buffer.part").write_bytes(b"half"),
    "the next one is made": lambda data: shutil.copy(data / "buffer.db", data / "buffer.next"),
    "the old one is renamed": lambda data: renamed(data, ""),
    "the old one's label is not renamed yet": lambda data: renamed(data, ".key"),
}
"""What a crash during a rotation leaves. At the last two the next segment waits as `buffer.next`."""


def renamed(data: Path, but: str) -> None:
    label = labels.copies(data / "buffer.db", ())[0]
    files.close(data / "buffer.db", label)
    if but:
        old = files.closed(data / "buffer.db", label)
        old.with_name(old.name + but).rename(data / f"buffer.db{but}")
    shutil.copy(data / "made", data / "buffer.next")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_crash_at_any_moment_of_a_rotation_leaves_the_epoch_whole(
    tmp_path: Path, moment: str
) -> None:
    buffer = await filled(tmp_path, 200)
    epoch, files_of = buffer.epoch, buffer._files
    made = tmp_path / "made"
    adopt, files_of.path = tmp_path / "buffer.next", files_of.path
    state = files_of.state
    await buffer.close()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("buffer.db", "buffer.db.key"):
        shutil.copy(tmp_path / name, copy / name)
    rotating = await opened(copy)
    await rotating._files.rotate(1)
    await rotating.close()
    shutil.copy(copy / "buffer.db", made)
    MOMENTS[moment](tmp_path)
    buffer = await opened(tmp_path)
    assert (buffer.epoch, buffer.newest, buffer.head) == (epoch, 200, state.head)
    assert not adopt.exists()
    assert await everything(buffer) == keys(1, 200)
    await buffer.append([make(201)])
    assert await everything(buffer) == keys(1, 201)
    await buffer.close()
    assert not list(tmp_path.glob("*damaged*"))


async def test_a_written_segment_that_is_gone_is_a_new_epoch_although_older_ones_are_there(
    tmp_path: Path,
) -> None:
    """Its numbers were given: nobody knows which."""
    buffer = await filled(tmp_path, 1000)
    epoch = buffer.epoch
    await buffer.close()
    (tmp_path / "buffer.db").unlink()
    buffer = await opened(tmp_path)
    assert buffer.epoch != epoch
    assert buffer.newest == 0
    await buffer.close()


def wiped(path: Path, *pages: int) -> None:
    image = bytearray(path.read_bytes())
    for page in pages:
        image[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = bytes(PAGE_BYTES)
    path.write_bytes(image)


async def test_a_drain_without_header_inner_pages_and_label_beside_it_loses_nothing(tmp_path: Path) -> None:
    await (await filled(tmp_path, 1000)).close()
    first = closed(tmp_path)[0]
    image = first.read_bytes()
    inner = [n for n in range(1, len(image) // PAGE_BYTES) if image[n * PAGE_BYTES] == 5]
    assert inner
    wiped(first, *inner)
    labels.beside(first).unlink()
    buffer = await opened(tmp_path)
    assert await everything(buffer) == keys(1, 1000)
    await buffer.close()
    shutil.copy(tmp_path / "buffer.db.key", labels.beside(first))
    wiped(first, 0)
    buffer = await opened(tmp_path)
    run = await buffer.read(1, 500, 1 << 20)
    assert isinstance(run, Damaged), "header and label are gone both: nobody can read it"
    assert run.last == files.found(tmp_path / "buffer.db")[1].first - 1, (
        "and that is said once, not record by record"
    )
    await buffer.close()


async def test_a_drain_that_lacks_pages_loses_what_was_in_them_alone(tmp_path: Path) -> None:
    await (await filled(tmp_path, 1000)).close()
    first = closed(tmp_path)[0]
    wiped(first, 20)
    buffer = await opened(tmp_path)
    found = await everything(buffer)
    lost = keys(1, 1000).keys() - found.keys()
    assert 1 < len(lost) < 40
    assert found == {seq: key for seq, key in keys(1, 1000).items() if seq not in lost}
    hole = await buffer.read(min(lost), 1000, 1 << 20)
    assert hole == Damaged(min(lost), max(lost), "not in its segment")
    newest = buffer.newest
    await buffer.quarantine(hole.first, hole.last, hole.why)
    run = await buffer.read(newest + 1, newest + 1, 1 << 20)
    assert isinstance(run, Run)
    gap = record.decode_body(record.decode_record(run.records[0]))
    assert isinstance(gap, record.Gap)
    assert (gap.lo, gap.hi, gap.why) == (min(lost), max(lost), "damaged")
    await buffer.close()


async def test_a_drain_that_is_gone_is_one_gap(tmp_path: Path) -> None:
    await (await filled(tmp_path, 1000)).close()
    first, second = files.found(tmp_path / "buffer.db")[:2]
    first.path.unlink()
    buffer = await opened(tmp_path)
    assert await buffer.read(1, 500, 1 << 20) == Damaged(1, second.first - 1, "not in its segment")
    assert await everything(buffer) == keys(second.first, 1000)
    await buffer.close()


async def test_reading_a_backlog_holds_one_old_segment_open_at_most(tmp_path: Path) -> None:
    buffer = await filled(tmp_path, 3000)
    await everything(buffer)
    assert sum(segment._file >= 0 for segment in buffer._files.drains._segments) == 1
    assert len(await buffer.tail(0, 500)) == 500
    await buffer.close()


async def test_a_label_whose_first_number_is_not_the_sealed_one_is_not_believed(tmp_path: Path) -> None:
    """Nothing else vouches for it, and the file would be closed under a wrong name."""
    buffer = await filled(tmp_path, 100)
    epoch, label = buffer.epoch, buffer._files.active.label
    await buffer.close()
    wrong = labels.encode(msgspec.structs.replace(label, first=3))
    labels.beside(tmp_path / "buffer.db").write_bytes(wrong)
    with closing(sqlite3.connect(tmp_path / "buffer.db")) as db, db:
        db.execute("UPDATE label SET body=?", (wrong,))
    buffer = await opened(tmp_path)
    assert buffer.epoch != epoch
    await buffer.close()


async def test_a_segment_prepared_in_vain_does_not_come_back_in_place_of_one_set_aside(
    tmp_path: Path,
) -> None:
    """Somebody was reading, so the old one went on: its numbers would be given to other records."""
    buffer = await opened(tmp_path)
    await buffer.append([make(n) for n in range(1, 400)])
    epoch = buffer.epoch
    await buffer._files.active.all("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(tmp_path / "buffer.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM outbox").fetchall()
        await buffer.quarantine_rows([("case", "YW9", "the reader sees less than there is")])
        await buffer.append([make(400)])
        assert closed(tmp_path) == []
    buffer.broken("test")
    await buffer.close()
    buffer = await opened(tmp_path)
    assert buffer.epoch != epoch
    assert buffer.newest == 0
    await buffer.close()
