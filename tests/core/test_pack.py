"""Dictionaries: shipped for ever, unchanged, and worth their bytes."""

import hashlib
import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from common.core import pack
from common.core.record import encode_record
from tests.corpus import FOUR, records

LIMIT = 4096


def test_every_dictionary_ever_shipped_is_there_and_as_it_was() -> None:
    """P-BATCH-12"""
    text = (Path(__file__).parents[2] / "common/PROTOCOL.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `(\d+\.\d+)` \| ([0-9a-f]{64}) \|$", text, re.MULTILINE)) == pack.SHIPPED
    for name, digest in pack.SHIPPED.items():
        raw = (resources.files("common") / "dictionaries" / f"{name}.zdict").read_bytes()
        assert hashlib.sha256(raw).hexdigest() == digest
    assert pack.NEWEST in pack.SHIPPED


@given(st.binary(max_size=LIMIT), st.sampled_from(["", *pack.SHIPPED]))
def test_what_was_packed_is_unpacked(plain: bytes, dictionary: str) -> None:
    packer = pack.Packer(dictionary)
    assert packer.unpack(packer.pack(plain), LIMIT) == plain
    assert packer.unpack_bare(packer.pack_bare(plain), LIMIT) == plain
    assert len(packer.pack(plain)) - len(packer.pack_bare(plain)) == 4


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_stays_within_the_limit(junk: bytes) -> None:
    """P-WIRE-05"""
    packer = pack.Packer()
    for unpack in (packer.unpack, packer.unpack_bare):
        try:
            assert len(unpack(junk, LIMIT)) <= LIMIT
        except pack.PackError:
            continue


def test_more_than_the_limit_is_refused_by_what_the_frame_declares() -> None:
    """P-BATCH-07"""
    packer = pack.Packer()
    assert len(packer.unpack(packer.pack(bytes(LIMIT)), LIMIT)) == LIMIT
    with pytest.raises(pack.TooLargeError):
        packer.unpack(packer.pack(bytes(LIMIT + 1)), LIMIT)
    with pytest.raises(pack.PackError):
        packer.unpack(packer.pack(b"one") + packer.pack(b"two"), LIMIT)


@pytest.mark.parametrize("name", ["9.9", "../1.1", "1.1.zdict"])
def test_a_dictionary_that_was_never_shipped_is_none(name: str) -> None:
    with pytest.raises(pack.PackError):
        pack.Packer(name)


def test_a_record_alone_becomes_less_than_half_of_itself() -> None:
    """Records the dictionary has not seen: other people, other weeks. Without it there is next to nothing to gain."""
    raws = [encode_record(item) for site in records(77, date(2027, 9, 17), 2, FOUR[2:3]) for item in site]
    packer, bare = pack.Packer(), zstandard.ZstdCompressor(level=pack.LEVEL)
    plain = sum(map(len, raws))
    assert sum(len(packer.pack(raw)) for raw in raws) < 0.5 * plain
    assert sum(len(bare.compress(raw)) for raw in raws) > 0.7 * plain
