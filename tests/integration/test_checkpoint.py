"""The box signs its chain: when, what, and that losses name where the chain goes on."""

import hashlib
from pathlib import Path

from agent.buffer import Buffer, Damaged
from agent.checkpoint import Signer
from agent.core.rows import Stamp
from common.core import checkpoint, record
from common.core.instant import SECOND
from common.core.record import Checkpoint, Gap, Record
from tests.integration.test_buffer import SIGN_KEY, make_record, open_buffer, read_run

SECRET = b"s" * 32


def stamp(secs: float) -> Stamp:
    return Stamp(int(secs * SECOND), int(secs * SECOND), int(secs * SECOND))


async def grow(buffer: Buffer, count: int) -> None:
    await buffer.append([make_record(n) for n in range(1, count + 1)])


def body(drafts: list[Record]) -> Checkpoint:
    assert len(drafts) == 1
    found = record.decode_body(drafts[0])
    assert isinstance(found, Checkpoint)
    return found


async def test_a_box_signs_after_its_start_and_then_by_number_and_by_time(tmp_path: Path) -> None:
    """P-CHAIN-05, P-CHAIN-06"""
    buffer = await open_buffer(tmp_path)
    signer = Signer(buffer, "s01", SECRET)
    assert signer.due(5, stamp(0)) == [], "there is nothing to sign"
    await grow(buffer, 400)
    first = body(signer.due(5, stamp(1)))
    assert (first.seq, first.chain) == (400, buffer.head)
    assert checkpoint.is_signed_by(SIGN_KEY, "s01", buffer.epoch, first)
    signer.taken(stamp(1))
    assert signer.due(5, stamp(2)) == []
    await grow(buffer, 600)
    assert signer.due(400, stamp(3)) == []
    assert body(signer.due(401, stamp(3))).seq == 1000
    signer.taken(stamp(3))
    assert signer.due(1, stamp(3 + checkpoint.EVERY_SECS)) == [], "nothing came since"
    await grow(buffer, 1)
    assert signer.due(1, stamp(2 + checkpoint.EVERY_SECS)) == []
    assert body(signer.due(1, stamp(3 + checkpoint.EVERY_SECS))).seq == 1001
    assert body(Signer(buffer, "s01", SECRET).due(1, stamp(4))).seq == 1001, "a new process signs at once"
    await buffer.close()


async def test_a_checkpoint_that_the_disk_had_no_room_for_is_made_again(tmp_path: Path) -> None:
    """P-CHAIN-06"""
    buffer = await open_buffer(tmp_path)
    signer = Signer(buffer, "s01", SECRET)
    await grow(buffer, 3)
    assert body(signer.due(1, stamp(1))).seq == 3
    assert body(signer.due(1, stamp(2))).seq == 3, "the first one was not taken"
    signer.taken(stamp(2))
    assert signer.due(1, stamp(3)) == []
    await buffer.close()


async def test_a_loss_names_the_record_behind_it_and_its_chain_value(tmp_path: Path) -> None:
    """P-GAP-05"""
    buffer = await open_buffer(tmp_path)
    await grow(buffer, 6)
    whole = await read_run(buffer, 1, 6)
    before = (await read_run(buffer, 1, 1)).last_hash
    await buffer.quarantine(2, 3, "does not open")
    await buffer.quarantine(6, 6, "does not open")
    assert isinstance(await buffer.read(2, 3, 1_000_000), Damaged)
    runs = [await read_run(buffer, seq, seq) for seq in (7, 8)]
    first, second = [record.decode_body(record.decode_record(run.records[0])) for run in runs]
    four = await read_run(buffer, 4, 4)
    expected = hashlib.sha256(whole.records[3]).digest()
    assert first == Gap(2, 3, "damaged", 4, four.last_hash, expected, before)
    assert isinstance(second, Gap)
    assert (second.lo, second.anchor) == (6, 7)
    await buffer.close()


async def test_what_the_hall_has_lost_is_declared_with_the_chain_value_at_its_end(tmp_path: Path) -> None:
    """P-GAP-05"""
    buffer = await open_buffer(tmp_path)
    await grow(buffer, 6)
    value = (await read_run(buffer, 1, 4)).last_hash
    await buffer.forget(4)
    assert record.decode_body(buffer.gap(2, 4, "hall_restored")) == Gap(2, 4, "hall_restored", 4, value)
    assert record.decode_body(buffer.gap(1, 2, "hall_restored")) == Gap(1, 2, "hall_restored")
    await buffer.close()
