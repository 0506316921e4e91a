"""Records to a sealed payload and back; whatever else comes in is refused in one way."""

import hashlib
import random
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from central.ingest import _check_overlap
from central.opening import Opened, open_batch
from common.core import batch, crypto, pack, record, wire
from common.core.batch import BatchError, Header, Lane
from common.core.ranges import ForkError, Range
from common.core.record import Event, Op, Record, RecordKind

SECRET = bytes(range(32))
PUBLIC = crypto.wire_public(SECRET)
KEY = crypto.key_id(PUBLIC)
SECRETS = {KEY: SECRET}
SIGN_SECRET = bytes(range(1, 33))
SIGN_KEY = crypto.sign_public(SIGN_SECRET)
START = bytes(32)
RECORDS = st.lists(st.binary(max_size=60), min_size=1, max_size=6)
CODES = {"bad_batch", "bad_signature"}
"""What becomes of bytes that are not as they were sent: what the box did not sign is not looked into."""


def header(records: list[bytes], first: int = 1, prev: bytes = START, **changes: Any) -> Header:
    last = chain(records, first, prev)
    plain = Header(
        "s01", b"epoch--1", Lane.BULK, first, first + len(records) - 1, 1, KEY, crypto.WIRE, "zstd", prev, last, 6
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def chain(records: list[bytes], first: int, value: bytes) -> bytes:
    for seq, item in enumerate(records, first):
        value = crypto.chain_next(value, seq, item)
    return value


def sealed(front_of: Header, inside: bytes) -> bytes:
    """A payload as a box with a program of its own might make it: any bytes inside a sound seal, signed."""
    head = msgspec.msgpack.encode(front_of)
    front = b"MC1" + len(head).to_bytes(2, "big") + head
    return signed(front, crypto.seal_batch(PUBLIC, front, inside))


def signed(front: bytes, behind: bytes, secret: bytes = SIGN_SECRET) -> bytes:
    """As PROTOCOL.md says, P-BATCH-15."""
    said = b"MC1 batch|" + front + hashlib.sha256(behind).digest()
    return front + crypto.sign(secret, said) + behind


def zipped(value: object) -> bytes:
    return zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(value))


def refused(payload: bytes) -> str:
    with pytest.raises(BatchError) as caught:
        batch.decode(payload, SECRETS, SIGN_KEY)
    return caught.value.code


DICTIONARIES = st.sampled_from(["", *pack.SHIPPED])


@given(RECORDS, st.integers(1, 2**40), st.binary(min_size=32, max_size=32), DICTIONARIES)
def test_what_was_sealed_is_opened(records: list[bytes], first: int, prev: bytes, dictionary: str) -> None:
    """P-BATCH-01, P-BATCH-03, P-BATCH-05, P-BATCH-11"""
    head = header(records, first, prev, dict=dictionary)
    payload = batch.encode(head, records, PUBLIC, SIGN_SECRET)
    assert batch.decode(payload, SECRETS, SIGN_KEY) == (head, records)
    assert batch.read_header(payload)[0] == head


@given(RECORDS, st.integers(1, 5))
def test_a_run_may_be_cut_anywhere(records: list[bytes], cut: int) -> None:
    """P-CHAIN-03, P-BATCH-10"""
    cut = min(cut, len(records))
    lower, upper = records[:cut], records[cut:]
    middle = chain(lower, 1, START)
    for part, first, prev in ((lower, 1, START), (upper, cut + 1, middle)):
        if part:
            payload = batch.encode(header(part, first, prev), part, PUBLIC, SIGN_SECRET)
            assert batch.decode(payload, SECRETS, SIGN_KEY)[1] == part


@pytest.mark.parametrize("alg", crypto.WIRE_ALGS)
def test_every_flipped_bit_is_noticed(alg: str) -> None:
    """P-BATCH-04, P-BATCH-06, P-BATCH-13"""
    records = [b"one", b"two"]
    payload = batch.encode(header(records, dict=pack.NEWEST, alg=alg), records, PUBLIC, SIGN_SECRET)
    for place in range(len(payload) * 8):
        flipped = bytearray(payload)
        flipped[place // 8] ^= 1 << place % 8
        assert refused(bytes(flipped)) in CODES, place


@given(st.binary(max_size=400))
def test_garbage_is_refused_and_nothing_else(junk: bytes) -> None:
    """P-WIRE-05"""
    assert refused(junk) == "bad_batch"
    assert refused(b"MC1" + junk) in CODES


@given(st.binary(max_size=200))
def test_garbage_inside_a_sound_seal_is_refused_and_nothing_else(junk: bytes) -> None:
    """P-WIRE-05"""
    head = header([b"one"])
    assert refused(sealed(head, junk)) == "bad_seal"
    inside = zstandard.ZstdCompressor().compress(junk)
    assert refused(sealed(head, inside)) in {"bad_seal", "bad_chain"}


@given(RECORDS, st.integers(0, 400))
def test_a_truncated_payload_is_refused(records: list[bytes], keep: int) -> None:
    payload = batch.encode(header(records), records, PUBLIC, SIGN_SECRET)
    assert refused(payload[: min(keep, len(payload) - 1)]) in CODES


def deep(levels: int) -> bytes:
    return b"\x91" * levels + b"\x90"


def test_nesting_without_end_is_refused_everywhere() -> None:
    """P-WIRE-05"""
    head = msgspec.msgpack.encode(header([b"one"]))
    longer = b"\xdc\x00\x10" + head[1:] + deep(50_000)  # a 16th item, which a reader passes over
    assert refused(b"MC1" + len(longer).to_bytes(2, "big") + longer) == "bad_batch"
    inside = zstandard.ZstdCompressor().compress(deep(200_000))
    assert refused(sealed(header([b"one"]), inside)) == "bad_seal"
    item = Record(1, RecordKind.EVENT, "", "", 1, Op.PUT, None, 1, 1, 1, b"", record.encode_body(Event("a")))
    raw = record.encode_record(item)
    with pytest.raises(msgspec.DecodeError):
        record.decode_record(raw[:-3] + deep(200_000))


def test_bad_utf8_is_refused() -> None:
    """P-WIRE-05"""
    head = msgspec.msgpack.encode(header([b"one"])).replace(b"s01", b"s\xff1")
    assert refused(b"MC1" + len(head).to_bytes(2, "big") + head) == "bad_batch"


@pytest.mark.parametrize(
    "changes",
    [
        {"first": 0},
        {"last": 0},
        {"last": 2001},
        {"first": 2**63, "last": 2**63},
        {"epoch": b"short"},
        {"prev_hash": b"x" * 31},
        {"last_hash": b"x" * 33},
        {"comp": "gzip"},
        {"lane": "fast"},
    ],
)
def test_a_header_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    """P-BATCH-02, P-BATCH-03, P-WIRE-03, P-WIRE-04"""
    assert refused(sealed(header([b"one"], **changes), zipped([b"one"]))) == "bad_batch"


def test_after_a_lost_number_one_record_comes_without_the_chain_before_it() -> None:
    """P-BATCH-14"""
    after = batch.encode(header([b"three"], 3, prev_hash=b""), [b"three"], PUBLIC, SIGN_SECRET)
    head, records = batch.decode(after, SECRETS, SIGN_KEY)
    assert (head.prev_hash, records) == (b"", [b"three"])
    two = [b"three", b"four"]
    assert refused(sealed(header(two, 3, prev_hash=b""), zipped(two))) == "bad_batch"


def test_a_single_record_without_the_chain_before_it_must_agree_with_what_is_held() -> None:
    """P-BATCH-14, P-CHAIN-04"""
    lost = header([b"c"], 3, prev_hash=b"")
    held = [Range(4, 9, lost.last_hash, b"z" * 32)]
    _check_overlap(held, Opened(lost, [b"c"]))
    with pytest.raises(ForkError):
        _check_overlap(held, Opened(msgspec.structs.replace(lost, last_hash=b"y" * 32), [b"c"]))


def test_a_batch_for_another_key_or_algorithm_is_answered_with_unknown_key() -> None:
    """P-BATCH-08"""
    assert refused(sealed(header([b"one"], key="0" * 16), zipped([b"one"]))) == "unknown_key"
    assert refused(sealed(header([b"one"], alg="SM4"), zipped([b"one"]))) == "unknown_key"


@pytest.mark.parametrize("inside", [[], [b"one"], [b"one", b"two", b"three"]])
def test_a_batch_with_another_count_than_its_header_says_is_refused(inside: list[bytes]) -> None:
    """P-BATCH-03"""
    assert refused(sealed(header([b"one", b"two"]), zipped(inside))) == "bad_chain"


@given(st.lists(st.binary(max_size=10), min_size=2, max_size=5, unique=True), st.integers(1, 4))
def test_records_in_another_order_or_changed_break_the_chain(records: list[bytes], turn: int) -> None:
    """P-BATCH-05"""
    head = header(records)
    turn = 1 + turn % (len(records) - 1)
    assert refused(sealed(head, zipped(records[turn:] + records[:turn]))) == "bad_chain"
    assert refused(sealed(head, zipped([*records[:-1], records[-1] + b"x"]))) == "bad_chain"
    assert (
        refused(sealed(header(records, prev=b"p" * 32, last_hash=head.last_hash), zipped(records)))
        == "bad_chain"
    )


def test_a_batch_of_a_dictionary_the_hall_does_not_have_is_answered_so() -> None:
    """P-BATCH-11"""
    assert refused(sealed(header([b"one"], dict="9.9"), zipped([b"one"]))) == "unknown_dict"
    assert refused(sealed(header([b"one"], dict="../1.1"), zipped([b"one"]))) == "unknown_dict"


def test_what_was_packed_with_another_dictionary_is_refused() -> None:
    """P-BATCH-11"""
    inside = pack.Packer().pack(msgspec.msgpack.encode([b"2026-09-18T09:00:00+08:00" * 3]))
    assert refused(sealed(header([b"one"]), inside)) in {"bad_seal", "bad_chain"}


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """P-BATCH-07"""
    zeros = bytes(batch.MAX_PLAIN + 1)
    streamed = zstandard.ZstdCompressor(write_content_size=False).compress(zeros)
    for dictionary in ("", *pack.SHIPPED):
        head = header([b"one"], dict=dictionary)
        assert refused(sealed(head, pack.Packer(dictionary).pack(zeros))) == "too_large"
        assert refused(sealed(head, streamed)) == "bad_seal"


def test_a_second_frame_behind_the_first_is_refused() -> None:
    assert refused(sealed(header([b"one"]), zipped([b"one"]) + zipped([b"two"]))) == "bad_seal"


def test_what_is_too_large_is_neither_made_nor_taken() -> None:
    """P-BATCH-07"""
    noise = random.Random(1).randbytes(batch.MAX_PAYLOAD)
    for records in ([noise], [b"x" * batch.MAX_PLAIN], [b""] * (batch.MAX_RECORDS + 1)):
        with pytest.raises(BatchError) as caught:
            batch.encode(header(records), records, PUBLIC, SIGN_SECRET)
        assert caught.value.code == "too_large"
    assert refused(b"MC1" + bytes(batch.MAX_PAYLOAD)) == "too_large"
    most = [b""] * batch.MAX_RECORDS
    assert batch.decode(batch.encode(header(most), most, PUBLIC, SIGN_SECRET), SECRETS, SIGN_KEY)[1] == most


def test_a_header_of_another_site_than_the_topic_is_refused() -> None:
    """P-BATCH-09"""
    payload = batch.encode(header([b"one"]), [b"one"], PUBLIC, SIGN_SECRET)
    assert open_batch("s01", payload, SECRETS, SIGN_KEY).raws == [b"one"]
    with pytest.raises(BatchError, match="bad_batch"):
        open_batch("s02", payload, SECRETS, SIGN_KEY)


def test_a_batch_that_the_box_has_not_signed_is_refused_before_anything_of_it_is_opened() -> None:
    """P-BATCH-15, P-BATCH-06: not by another key, not for another header, not for another seal."""
    head = header([b"three"], 3, prev_hash=b"")
    payload = batch.encode(head, [b"three"], PUBLIC, SIGN_SECRET)
    front = batch.front(head)
    seal = payload[len(front) + 64 :]
    assert signed(front, seal) == payload
    assert refused(signed(front, seal, b"t" * 32)) == "bad_signature"
    assert refused(front + seal) == "bad_signature"
    other = crypto.seal_batch(PUBLIC, front, zipped([b"forged"]))
    assert refused(payload[: len(front) + 64] + other) == "bad_signature", "no chain value would tell it"
    moved = batch.front(msgspec.structs.replace(head, first=4, last=4))
    assert refused(moved + payload[len(front) :]) == "bad_signature"
    assert refused(signed(batch.front(header([b"one"], key="0" * 16)), b"", b"t" * 32)) == "bad_signature"
    with pytest.raises(BatchError, match="unknown_epoch"):
        open_batch("s01", payload, SECRETS, b"")


def test_what_a_box_said_of_a_batch_is_kept_without_the_batch() -> None:
    """P-NACK-04"""
    head = header([b"one"], schema=2)
    kept = batch.claim(batch.encode(head, [b"one"], PUBLIC, SIGN_SECRET))
    assert len(kept) == len(batch.front(head)) + 64 + 32
    assert batch.claimed(kept, SIGN_KEY) == head
    assert batch.claimed(kept, crypto.sign_public(b"t" * 32)) is None
    for place in (4, 20, len(kept) - 90, len(kept) - 1):
        assert batch.claimed(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :], SIGN_KEY) is None
    assert batch.claimed(b"", SIGN_KEY) is None


@given(st.integers(0, 5), st.integers(0, 5))
def test_a_rewritten_record_inside_what_is_held_is_a_fork_where_the_ranges_end(
    below: int, changed: int
) -> None:
    """P-CHAIN-04"""
    records = [b"a", b"b", b"c", b"d", b"e", b"f"]
    held = [Range(1, below, START, chain(records[:below], 1, START))] if below else []
    other = list(records)
    other[changed] = b"rewritten"
    _check_overlap(held, Opened(header(records), records))
    if changed < below:
        with pytest.raises(ForkError):
            _check_overlap(held, Opened(header(other), other))
    else:
        _check_overlap(held, Opened(header(other), other))


@pytest.mark.parametrize("wide", [2**63, 2**64 - 1])
def test_integers_wider_than_a_column_are_undecodable(wide: int) -> None:
    """P-WIRE-03"""
    with pytest.raises(msgspec.DecodeError):
        wire.decode(msgspec.msgpack.Decoder(wire.Int64), msgspec.msgpack.encode(wide))
    with pytest.raises(msgspec.DecodeError):
        wire.decode(msgspec.msgpack.Decoder(wire.Int32), msgspec.msgpack.encode(2**31))
