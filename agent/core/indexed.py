"""What the index keeps of each source row, and the checksum by which a flipped bit in it is noticed."""

import zlib

from msgspec import Struct

from common.core.record import Op, Record


class Known(Struct, frozen=True):
    """What the index holds of a row."""

    id: int
    version: int
    digest: bytes
    case_key: str
    gone: bool
    dirty: bool
    ends: bool
    """It says that its case has ended."""
    at: int
    """Office time of its capture."""


class Former(Struct, array_like=True, frozen=True):
    """How far the hall held an epoch, and its chain value there. `newest`: the highest number that was in the index."""

    epoch: bytes
    seq: int
    chain: bytes
    newest: int = 0


class Seen(Struct, frozen=True):
    """A version that the buffer has just taken under number `seq`."""

    table: str
    key: str
    version: int
    digest: bytes
    case_key: str
    gone: bool
    seq: int
    ends: bool = False
    at: int = 0
    dirty: bool = False  # to be sent again


def seen(item: Record, case_key: str, seq: int, *, ends: bool) -> Seen:
    """What the version of a row in record `item` teaches the index."""
    gone = item.op is Op.DELETE
    return Seen(item.table, item.key, item.version, item.digest, case_key, gone, seq, ends, item.cap_at)


def checksum(
    table: str,
    key: str,
    version: int,
    digest: bytes,
    case_key: str,
    gone: int,
    dirty: int,
    epoch: bytes,
    seq: int,
    ends: int,
    at: int,
) -> int:
    """Of a row: CRC-32 of what it says, and in the lowest bit whether it is dirty, which changes by itself."""
    text = f"{table}|{key}|{version}|{case_key}|{int(gone)}|{seq}|{int(ends)}|{at}|".encode(
        "utf-8", "surrogatepass"
    )
    return zlib.crc32(digest + epoch, zlib.crc32(text)) << 1 | int(dirty)
