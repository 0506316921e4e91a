"""A still <-> one message of the media lane: sealed to the hall, named by its hash, bound to the site (PROTOCOL.md, media).

It bears no signature of its own: the hall takes only what a record of the site names, and the chain vouches for that.
"""

import hashlib

import msgspec
from msgspec import Struct

from common.core import crypto, wire
from common.core.wire import Word

MOST = 120 * 1024
"""Bytes of one message: what every broker takes (sync.md 3.2)."""
HASH_BYTES = 32


class Parcel(Struct, array_like=True, frozen=True):
    """`sha256`: of what is sealed; `key`: id of the hall's wire key."""

    sha256: bytes
    key: Word
    alg: Word
    sealed: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Parcel)


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def encode(site: str, body: bytes, wire_key: bytes, alg: str) -> bytes:
    sha256 = digest(body)
    sealed = crypto.seal_batch(wire_key, _context(site, sha256), body, alg)
    return _encoder.encode(Parcel(sha256, crypto.key_id(wire_key), alg, sealed))


def name_of(raw: bytes) -> bytes:
    """The hash that a message says it carries. Raises ValueError for what is no such message."""
    parcel = _read(raw)
    return parcel.sha256


def decode(site: str, raw: bytes, wire_secrets: dict[str, bytes]) -> tuple[bytes, bytes]:
    """-> (its hash, which has been compared, and what was sealed). Raises ValueError."""
    parcel = _read(raw)
    secret = wire_secrets.get(parcel.key)
    if secret is None or parcel.alg not in crypto.WIRE_ALGS:
        raise ValueError(f"no key for {parcel.alg} {parcel.key}")
    body = crypto.unseal_batch(secret, _context(site, parcel.sha256), parcel.sealed, parcel.alg)
    if digest(body) != parcel.sha256:
        raise ValueError("the picture is not the one that it is named as")
    return parcel.sha256, body


def _read(raw: bytes) -> Parcel:
    if len(raw) > MOST:
        raise ValueError(f"{len(raw)} bytes")
    parcel = wire.decode(_decoder, raw)
    if len(parcel.sha256) != HASH_BYTES:
        raise ValueError("no hash")
    return parcel


def _context(site: str, sha256: bytes) -> bytes:
    return b"MC1 media|" + site.encode() + b"|" + sha256
