"""A line that is lost, or a stop, cancels whoever writes to buffer or index at that moment: the write is whole all the same."""

import asyncio
import random
from collections.abc import Awaitable
from pathlib import Path

from agent.buffer import Buffer, Run
from agent.core.indexed import Seen
from agent.epoch import Sealing
from agent.index import Index
from common.clock import Clock
from common.core import crypto, record
from common.core.record import Event, Op, Record, RecordKind

KEY = crypto.sign_public(b"s" * 32)
TRIES = 150


async def opened(folder: Path) -> Buffer:
    return await Buffer.open(
        folder / "buffer.db", seal=Sealing([b"k" * 32]), site="s01", sign_key=KEY, clock=Clock()
    )


def event() -> Record:
    body = record.encode_body(Event("x"))
    return Record(0, RecordKind.EVENT, "", "", 1, Op.PUT, None, 0, 0, 0, b"", body)


async def cancelled(work: Awaitable[object], chance: random.Random) -> None:
    """Begin it and cancel it at some moment."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(chance.random() * 0.004)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def test_what_the_buffer_holds_in_memory_is_what_its_file_says_whenever_a_write_was_cancelled(
    tmp_path: Path,
) -> None:
    chance = random.Random(1)
    buffer = await opened(tmp_path)
    for _ in range(TRIES):
        await cancelled(buffer.append([event(), event()], {"lane": b"1"}), chance)
        buffer.indexed = buffer.newest
        await cancelled(buffer.forget(buffer.newest - 1), chance)
        await cancelled(buffer.quarantine_rows([("case", "1", "x")]), chance)
    said = buffer.newest, buffer.forgotten, buffer.head
    run = await buffer.read(buffer.forgotten + 1, buffer.newest, 1 << 20)
    assert isinstance(run, Run)
    assert len(run.prev_hash) == crypto.CHAIN_BYTES
    await buffer.close()
    again = await opened(tmp_path)
    assert (again.newest, again.forgotten, again.head) == said
    await again.close()


async def test_the_index_takes_the_next_write_whenever_one_was_cancelled(tmp_path: Path) -> None:
    chance = random.Random(2)
    index = await Index.open(tmp_path / "index.db", b"e" * 8)
    for number in range(TRIES):
        row = Seen("case", str(number), 1, b"d" * 16, "1", gone=False, seq=number + 1)
        await cancelled(index.commit([row], number + 1), chance)
        await cancelled(index.note_acknowledged(b"e" * 8, number, b""), chance)
    await index.commit([], TRIES)
    await index.close()
