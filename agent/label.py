"""What a segment's records are opened with: its data key, wrapped, and the names that belong to it.

The label stands in the segment's own file and once more in a file beside it, so that one damaged page does not make
all its records unreadable. Without its label a segment can never be read again: that is how it is shredded.
"""

import mmap
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

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


def fresh(site: str, epoch: bytes, first: int, number: int, kek: bytes, alg: str) -> Label:
    """With a new data key for `alg`, wrapped by `kek`."""
    key = os.urandom(crypto.key_bytes(alg))
    return Label(site, epoch, first, number, crypto.wrap(kek, key), alg, pack.NEWEST)


def unlock(label: Label, keks: Sequence[bytes]) -> DataKey:
    """The data key, under whichever of `keks` it was wrapped. Raises DamagedError."""
    for kek in keks:
        try:
            key = crypto.unwrap(kek, label.wrapped)
        except DamagedError:
            continue
        return DataKey(label.number, key, label.alg, label.dict)
    raise DamagedError("no key opens this label")


def rewrapped(label: Label, kek: bytes, old: Sequence[bytes]) -> Label:
    """With its data key wrapped by `kek`, where one of `old` wraps it; else as it is."""
    for key in old:
        with suppress(DamagedError):
            return replace(label, wrapped=crypto.wrap(kek, crypto.unwrap(key, label.wrapped)))
    return label


def rewrap(segment: Path, kek: bytes, old: Sequence[bytes]) -> None:
    """Both copies of the label of a segment that is written no more. Raises OSError.

    Inside, the wrapped key is overwritten where it stands, because both have the same length: the file may be damaged,
    and such a one is not given to SQLite to write to.
    """
    for label in copies(segment, inside(segment)):
        new = rewrapped(label, kek, old)
        if new != label:
            _overwrite(segment, label.wrapped, new.wrapped)
            write(segment, new)


def _overwrite(path: Path, old: bytes, new: bytes) -> None:
    if not path.stat().st_size:  # what a lost file system leaves: nothing of the key stands in it
        return
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        place = data.find(old)
        while place >= 0:
            data[place : place + len(new)] = new
            place = data.find(old, place + len(new))
        data.flush()


def inside(segment: Path) -> list[bytes]:
    """The label in the segment's own file, if SQLite finds it there."""
    try:
        with closing(sqlite3.connect(f"{segment.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return [row[0] for row in db.execute("SELECT CAST(body AS BLOB) FROM label")]
    except sqlite3.Error:
        return []


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
