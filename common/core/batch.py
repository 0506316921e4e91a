"""Records <-> one sealed payload. `MC1 | u16 header length | header | signature | sealed`; bytes and vectors in PROTOCOL.md.

Theory: a batch is a contiguous run of numbers of one epoch. The header is transmitted in the clear and bound to
the sealed part as it stands, so no canonical form is needed. The header's chain values let the hall check
that the run is exactly what the box chained, wherever batches were cut and in whatever order they arrive. The seal
says to whom a batch goes, not from whom it is: that is what the box's signature over header and seal says.
"""

from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

from common.core import crypto, pack, wire
from common.core.wire import Int64, Word

MAGIC = b"MC1"
MAX_PAYLOAD = 512 * 1024
MAX_PLAIN = 4 * 1024 * 1024
MAX_RECORDS = 2_000


class Lane(StrEnum):
    """Fresh records do not wait behind a backlog (sync.md 3.6)."""

    LIVE = "live"
    BULK = "bulk"


class Header(Struct, array_like=True, frozen=True):
    """What the hall must know before it opens the seal."""

    site: Word
    epoch: bytes  # 8 random bytes, new with each new buffer
    lane: Lane
    first: Int64
    last: Int64
    schema: Int64
    key: Word  # id of the hall's wire key
    alg: Word
    comp: Literal["zstd"]
    prev_hash: bytes  # chain value before `first`; empty before a single record whose predecessor is lost
    last_hash: bytes  # chain value at `last`
    created_wall: Int64
    dict: Word = ""  # name of the dictionary (`pack.SHIPPED`); empty: none


class BatchError(ValueError):
    """A payload that cannot be taken; `code` is the nack code of PROTOCOL.md."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


_encoder = msgspec.msgpack.Encoder()
_header = msgspec.msgpack.Decoder(Header)
_plain = msgspec.msgpack.Decoder(list[bytes])


def encode(header: Header, records: list[bytes], wire_key: bytes, sign_secret: bytes) -> bytes:
    """Seal `records` (each one `record.encode_record`) to the hall's public key, and sign with the box's `sign_secret`.

    The caller has made `header.first..last` match the records. Raises BatchError("too_large").
    """
    clear = front(header)
    plain = _encoder.encode(records)
    if len(plain) > MAX_PLAIN or len(records) > MAX_RECORDS:
        raise BatchError("too_large", f"{len(records)} records, {len(plain)} bytes")
    sealed = crypto.seal_batch(wire_key, clear, pack.Packer(header.dict).pack(plain), header.alg)
    payload = clear + crypto.sign(sign_secret, _statement(clear, crypto.record_hash(sealed))) + sealed
    if len(payload) > MAX_PAYLOAD:
        raise BatchError("too_large", f"{len(payload)} bytes")
    return payload


def front(header: Header) -> bytes:
    """The clear bytes before the sealed part."""
    head = _encoder.encode(header)
    return MAGIC + len(head).to_bytes(2, "big") + head


def _statement(clear: bytes, sealed_hash: bytes) -> bytes:
    """What the box signs: the front as transmitted, and SHA-256 of what is sealed behind it."""
    return b"MC1 batch|" + clear + sealed_hash


def read_header(payload: bytes) -> tuple[Header, int]:
    """-> (header, length of the clear front). Raises BatchError: bad_batch, too_large."""
    if len(payload) > MAX_PAYLOAD:
        raise BatchError("too_large", f"{len(payload)} bytes")
    if payload[:3] != MAGIC or len(payload) < 5:
        raise BatchError("bad_batch", "no MC1 magic")
    end = 5 + int.from_bytes(payload[3:5], "big")
    try:
        header = wire.decode(_header, payload[5:end])
    except msgspec.MsgspecError as error:
        raise BatchError("bad_batch", str(error)) from error
    count = header.last - header.first + 1
    if header.first < 1 or not 1 <= count <= MAX_RECORDS or len(header.epoch) != 8:
        raise BatchError("bad_batch", f"range {header.first}..{header.last}")
    if len(header.prev_hash) != crypto.CHAIN_BYTES and (header.prev_hash or count > 1):
        raise BatchError("bad_batch", f"chain value before {header.first}..{header.last}")
    if len(header.last_hash) != crypto.CHAIN_BYTES:
        raise BatchError("bad_batch", f"chain value of {header.first}..{header.last}")
    return header, end


def decode(payload: bytes, wire_secrets: dict[str, bytes], sign_key: bytes) -> tuple[Header, list[bytes]]:
    """Open a payload with the hall's private keys by id, once `sign_key`, the box's, has verified; check its chain.

    Raises BatchError: bad_batch, too_large, bad_signature, unknown_key, unknown_dict, bad_seal, bad_chain.
    """
    header, end = read_header(payload)
    begin = end + crypto.SIGNATURE_BYTES
    if claimed(claim(payload), sign_key) is None:
        raise BatchError("bad_signature", f"{header.first}..{header.last} is not signed by the box")
    secret = wire_secrets.get(header.key)
    if secret is None or header.alg not in crypto.WIRE_ALGS:
        raise BatchError("unknown_key", f"{header.alg} {header.key}")
    if header.dict and header.dict not in pack.SHIPPED:
        raise BatchError("unknown_dict", header.dict)
    try:
        packed = crypto.unseal_batch(secret, payload[:end], payload[begin:], header.alg)
        records = wire.decode(_plain, pack.Packer(header.dict).unpack(packed, MAX_PLAIN))
    except pack.TooLargeError as error:
        raise BatchError("too_large", str(error)) from error
    except (crypto.DamagedError, pack.PackError, msgspec.MsgspecError) as error:
        raise BatchError("bad_seal", str(error)) from error
    if len(records) != header.last - header.first + 1:
        raise BatchError("bad_chain", f"{len(records)} records in {header.first}..{header.last}")
    if chain_values(header, records)[-1] != header.last_hash:
        raise BatchError("bad_chain", f"chain of {header.first}..{header.last} does not meet")
    return header, records


def claim(payload: bytes) -> bytes:
    """What the box said of a batch, to be kept without it: front, signature, SHA-256 of the sealed part. Raises BatchError."""
    _, end = read_header(payload)
    begin = end + crypto.SIGNATURE_BYTES
    return payload[:begin] + crypto.record_hash(payload[begin:])


def claimed(kept: bytes, sign_key: bytes) -> Header | None:
    """The header of a `claim`; None where the box with the raw public key `sign_key` has not signed it."""
    try:
        header, end = read_header(kept)
    except BatchError:
        return None
    begin = end + crypto.SIGNATURE_BYTES
    said = _statement(kept[:end], kept[begin:])
    return header if crypto.verify(sign_key, said, kept[end:begin]) else None


def chain_values(header: Header, records: list[bytes]) -> list[bytes]:
    """The chain value at each record. That of a single record whose predecessor is lost can only be believed."""
    if not header.prev_hash:
        return [header.last_hash]
    values = [header.prev_hash]
    for seq, record in enumerate(records, header.first):
        values.append(crypto.chain_next(values[-1], seq, record))
    return values[1:]
