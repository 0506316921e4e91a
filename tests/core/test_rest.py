"""A record at rest: packed, sealed, and open only where it was stored."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core import crypto, pack
from common.core.crypto import DamagedError
from common.core.rest import DataKey
from tests.core.test_protocol import table

SITE, EPOCH = "s01", b"epoch--1"
HERE = (SITE, EPOCH, 7)
NONCE = b"n" * 12
LINK = b"h" * 32
RECORD = "2026-09-18T09:00:00+08:00 材料齐全，符合法定形式，予以受理".encode()
DICTIONARIES = ["", *pack.SHIPPED]


def key(
    alg: str = crypto.AT_REST, dictionary: str = pack.NEWEST, number: int = 1, byte: bytes = b"k"
) -> DataKey:
    return DataKey(number, byte * crypto.key_bytes(alg), alg, dictionary)


@given(st.binary(max_size=400), st.sampled_from(crypto.AT_REST_ALGS), st.sampled_from(DICTIONARIES))
def test_what_was_sealed_opens(record: bytes, alg: str, dictionary: str) -> None:
    """P-REST-01, P-REST-04, P-REST-05"""
    sealed = key(alg, dictionary).seal(HERE, NONCE, LINK, record)
    assert key(alg, dictionary).open(HERE, sealed) == (LINK, record)
    aead = crypto.cipher(alg, b"k" * crypto.key_bytes(alg))
    plain = crypto.unseal(aead, b"s01|65706f63682d2d31|7|1", sealed)
    assert plain[:32] == LINK
    assert pack.Packer(dictionary).unpack(bytes.fromhex("28b52ffd") + plain[32:], 400) == record


@pytest.mark.parametrize("alg", crypto.AT_REST_ALGS)
def test_every_flipped_bit_of_a_stored_record_is_noticed(alg: str) -> None:
    """P-REST-03"""
    sealed, opener = key(alg).seal(HERE, NONCE, LINK, RECORD), key(alg)
    for place in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(DamagedError):
            opener.open(HERE, bytes(flipped))


@pytest.mark.parametrize("place", [("s02", EPOCH, 7), (SITE, b"epoch--2", 7), (SITE, EPOCH, 8)])
@pytest.mark.parametrize("alg", crypto.AT_REST_ALGS)
def test_in_another_place_it_does_not_open(alg: str, place: tuple[str, bytes, int]) -> None:
    """P-REST-01"""
    with pytest.raises(DamagedError):
        key(alg).open(place, key(alg).seal(HERE, NONCE, LINK, RECORD))


@pytest.mark.parametrize(
    "other", [{"byte": b"q"}, {"number": 2}, {"alg": "C20P1305"}, {"alg": "SM4GCM"}, {"dictionary": ""}]
)
def test_under_another_key_algorithm_or_dictionary_it_does_not_open(other: dict[str, Any]) -> None:
    """P-REST-01, P-REST-04, P-REST-05"""
    with pytest.raises(DamagedError):
        key(**other).open(HERE, key().seal(HERE, NONCE, LINK, RECORD))


@given(st.binary(max_size=120))
def test_garbage_is_damage_and_nothing_else(junk: bytes) -> None:
    """P-REST-03"""
    with pytest.raises(DamagedError):
        key().open(HERE, junk)


def test_a_key_of_an_unknown_algorithm_or_dictionary_cannot_be_made() -> None:
    """P-REST-05"""
    with pytest.raises(DamagedError):
        DataKey(1, bytes(32), "A256CBC", pack.NEWEST)
    with pytest.raises(DamagedError):
        DataKey(1, bytes(32), crypto.AT_REST, "9.9")


def test_the_algorithms_at_rest_are_those_of_the_code() -> None:
    """P-REST-05"""
    rows = table("at rest", "key bytes")
    assert {name: int(size) for name, size, _ in rows} == {
        alg: crypto.key_bytes(alg) for alg in crypto.AT_REST_ALGS
    }
