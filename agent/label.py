"""What a segment's records are opened with: its data key, wrapped, and the names that belong to it.

The label stands in the segment's own file and once more in a file beside it, so that one damaged page does not make
all its records unreadable. Without its label a segment can never be read again: that is how it is shredded.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from common.core import crypto, pack
from common.core.crypto import DamagedError
from common.core.rest import DataKey


class Label(Struct, array_like=True, frozen=True):
    """Nothing in it is secret; what was changed in it opens nothing."""

    site: str
    epoch: bytes
    first: int
    """Number of its first record."""
    number: int
    """Of the data key."""
    wrapped: bytes
    alg: str
    dict: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Label)


def fresh(site: str, epoch: bytes, first: int, number: int, kek: bytes) -> Label:
    """With a new data key, wrapped by `kek`."""
    key = os.urandom(crypto.key_bytes(crypto.AT_REST))
    return Label(site, epoch, first, number, crypto.wrap(kek, key), crypto.AT_REST, pack.NEWEST)


def unlock(label: Label, keks: Sequence[bytes]) -> DataKey:
    """The data key, under whichever of `keks` it was wrapped. Raises DamagedError."""
    for kek in keks:
        try:
            key = crypto.unwrap(kek, label.wrapped)
        except DamagedError:
            continue
        return DataKey(label.number, key, label.alg, label.dict)
    raise DamagedError("no key opens this label")


def encode(label: Label) -> bytes:
    return _encoder.encode(label)


def beside(segment: Path) -> Path:
    """The file beside `segment`."""
    return segment.with_name(f"{segment.name}.key")


def write(segment: Path, label: Label) -> None:
    """Beside the segment, whole or not at all, on the disk when this returns. Raises OSError."""
    part = beside(segment).with_suffix(".part")
    with part.open("wb") as file:
        file.write(encode(label))
        file.flush()
        os.fsync(file.fileno())
    part.chmod(0o600)
    part.replace(beside(segment))


def copies(segment: Path, inside: Iterable[bytes]) -> list[Label]:
    """What can be read of the label: the copy beside the segment, and those that were found `inside`."""
    raws = list(inside)
    with suppress(OSError):
        raws.insert(0, beside(segment).read_bytes())
    found: list[Label] = []
    for raw in raws:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            found.append(_decoder.decode(raw))
    return found
