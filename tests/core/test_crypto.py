"""Sealing: opens with the right key and place, and says so in one way where it does not."""

import functools
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from common.core import crypto
from common.core.crypto import DamagedError

KEYS = st.binary(min_size=32, max_size=32)
NONCES = st.binary(min_size=12, max_size=12)
KEY, NONCE = b"k" * 32, b"n" * 12
ALGS = st.sampled_from(crypto.AT_REST_ALGS)


def aead(alg: str = crypto.AT_REST, key: bytes = KEY) -> crypto.Aead:
    """Under as much of `key` as the algorithm takes."""
    return crypto.cipher(alg, key[: crypto.key_bytes(alg)])


@given(ALGS, KEYS, NONCES, st.binary(max_size=40), st.binary(max_size=200))
def test_what_was_sealed_opens_in_its_place(
    alg: str, key: bytes, nonce: bytes, context: bytes, plain: bytes
) -> None:
    """P-REST-01"""
    sealed = crypto.seal(aead(alg, key), nonce, context, plain)
    assert crypto.unseal(aead(alg, key), context, sealed) == plain
    assert len(sealed) == 12 + len(plain) + 16


@given(ALGS, ALGS, KEYS, KEYS)
def test_another_key_or_algorithm_does_not_open(alg: str, other: str, key: bytes, wrong: bytes) -> None:
    """P-REST-01, P-REST-03"""
    sealed = crypto.seal(aead(alg, key), NONCE, b"place", b"plain")
    size = crypto.key_bytes(other)
    if (other, wrong[:size]) != (alg, key[:size]):
        with pytest.raises(DamagedError):
            crypto.unseal(aead(other, wrong), b"place", sealed)


@pytest.mark.parametrize(("alg", "size"), [("A128GCM", 16), ("", 32), ("SM4GCM", 32), ("A256GCM", 16)])
def test_an_unknown_algorithm_or_a_key_of_another_length_is_damage(alg: str, size: int) -> None:
    """P-REST-03"""
    with pytest.raises(DamagedError):
        crypto.cipher(alg, bytes(size))


def test_sm3_is_that_of_the_standard() -> None:
    """GB/T 32905-2016, appendix A.1: what HKDF-SM3 rests on is in this build of the library."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(b"abc")
    assert digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_sm4_gcm_is_that_of_the_standard() -> None:
    """RFC 8998, appendix A.1."""
    nonce = bytes.fromhex("00001234567800000000abcd")
    plain = bytes.fromhex("".join(byte * 8 for byte in ["aa", "bb", "cc", "dd", "ee", "ff", "ee", "aa"]))
    context = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = crypto.seal(
        crypto.cipher("SM4GCM", bytes.fromhex("0123456789abcdeffedcba9876543210")), nonce, context, plain
    )
    assert sealed[12:-16].hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert sealed[-16:].hex() == "83de3541e4c2b58177e065a9bf7b62ec"


@pytest.mark.parametrize("alg", crypto.AT_REST_ALGS)
def test_every_flipped_bit_at_rest_is_noticed(alg: str) -> None:
    """P-REST-03"""
    sealed = crypto.seal(aead(alg), NONCE, b"s01|00|1|1", "王小明".encode())
    for place in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(DamagedError):
            crypto.unseal(aead(alg), b"s01|00|1|1", bytes(flipped))


@given(st.binary(max_size=100))
def test_garbage_is_damage_and_nothing_else(junk: bytes) -> None:
    """P-REST-03, P-WIRE-05"""
    openings: list[Callable[[], bytes]] = [
        *(functools.partial(crypto.unseal, aead(alg), b"", junk) for alg in crypto.AT_REST_ALGS),
        lambda: crypto.unwrap(KEY, junk),
        *(functools.partial(crypto.unseal_batch, KEY, b"front", junk, alg) for alg in crypto.WIRE_ALGS),
        lambda: crypto.unseal_batch(KEY, b"front", bytes(32) + junk, crypto.WIRE_SM),
        lambda: crypto.unseal_batch(junk[:31], b"front", junk),
    ]
    for opening in openings:
        with pytest.raises(DamagedError):
            opening()


CONTEXTS = st.tuples(
    st.sampled_from(["s01", "s1", "s0"]),
    st.binary(min_size=8, max_size=8),
    st.integers(1, 99),
    st.integers(1, 9),
)


@given(CONTEXTS, CONTEXTS)
def test_a_record_moved_to_another_place_does_not_open(
    here: tuple[str, bytes, int, int], there: tuple[str, bytes, int, int]
) -> None:
    """P-REST-01"""
    sealed = crypto.seal(aead(), NONCE, crypto.record_context(*here), b"plain")
    if here == there:
        assert crypto.unseal(aead(), crypto.record_context(*there), sealed) == b"plain"
    else:
        with pytest.raises(DamagedError):
            crypto.unseal(aead(), crypto.record_context(*there), sealed)


@given(KEYS, KEYS, KEYS)
def test_a_data_key_unwraps_only_with_its_master_key(kek: bytes, other: bytes, dek: bytes) -> None:
    """P-REST-02"""
    wrapped = crypto.wrap(kek, dek)
    assert crypto.unwrap(kek, wrapped) == dek
    if other != kek:
        with pytest.raises(DamagedError):
            crypto.unwrap(other, wrapped)


@given(st.sampled_from(crypto.WIRE_ALGS), KEYS, KEYS, st.binary(max_size=60), st.binary(max_size=200))
def test_a_batch_opens_only_with_the_halls_key_and_its_own_front(
    alg: str, secret: bytes, other: bytes, front: bytes, plain: bytes
) -> None:
    """P-BATCH-04, P-BATCH-13"""
    sealed = crypto.seal_batch(crypto.wire_public(secret), front, plain, alg)
    assert crypto.unseal_batch(secret, front, sealed, alg) == plain
    assert len(sealed) == 32 + len(plain) + 16
    with pytest.raises(DamagedError):
        crypto.unseal_batch(secret, front + b"x", sealed, alg)
    for another in set(crypto.WIRE_ALGS) - {alg}:
        with pytest.raises(DamagedError):
            crypto.unseal_batch(secret, front, sealed, another)
    if crypto.wire_public(other) != crypto.wire_public(secret):
        with pytest.raises(DamagedError):
            crypto.unseal_batch(other, front, sealed, alg)


@given(KEYS, st.binary(max_size=60), st.binary(max_size=80))
def test_a_signature_verifies_only_its_message_under_its_key(secret: bytes, text: bytes, junk: bytes) -> None:
    """P-SIGN-01"""
    public, signature = crypto.sign_public(secret), crypto.sign(secret, text)
    assert crypto.verify(public, text, signature)
    assert not crypto.verify(public, text + b"x", signature)
    assert not crypto.verify(public, text, junk[:63])
    assert not crypto.verify(junk[:31], text, signature)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.data())
def test_the_chain_changes_with_every_record_number_and_beginning(
    records: list[bytes], data: st.DataObject
) -> None:
    """P-CHAIN-01, P-CHAIN-02"""

    def end(start: bytes, first: int, items: list[bytes]) -> bytes:
        for seq, item in enumerate(items, first):
            start = crypto.chain_next(start, seq, item)
        return start

    start = crypto.chain_start("s01", b"epoch--1", b"k" * 32)
    place = data.draw(st.integers(0, len(records) - 1))
    changed = [*records[:place], records[place] + b"x", *records[place + 1 :]]
    ends = {
        end(start, 1, records),
        end(start, 2, records),
        end(start, 1, changed),
        end(start, 1, [*records, b""]),
        end(crypto.chain_start("s01", b"epoch--2", b"k" * 32), 1, records),
        end(crypto.chain_start("s02", b"epoch--1", b"k" * 32), 1, records),
        end(crypto.chain_start("s01", b"epoch--1", b"q" * 32), 1, records),
    }
    assert len(ends) == 7


def test_equal_content_is_recognised_under_one_key_only() -> None:
    """P-REC-06"""
    assert crypto.keyed_digest(KEY, b"a") == crypto.keyed_digest(KEY, b"a")
    assert len({crypto.keyed_digest(key, text) for key in (KEY, b"q" * 32) for text in (b"a", b"b")}) == 4
    assert len(crypto.keyed_digest(KEY, b"")) == 16
