"""The buffer's files by name: what a file is can be told without opening it.

`buffer.db` is written; `buffer-{epoch}-{first}.db` is written no more; with `.damaged-{wall}` behind it, it was set
aside because it is damaged or its key is lost; with `.kept-{wall}`, because it must not be sent (a copy). Both are kept
for people. Each has its label beside it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from agent.label import Label
from agent.sqlfile import rename

_NAME = re.compile(r"buffer-([0-9a-f]{16})-(\d{12})\.db(?:\.(damaged|kept)-(\d+))?")
_BELONGING = ("", "-wal", "-shm", ".key")


class Found(Struct, frozen=True):
    """A segment's file that is not the one being written. `fate`: empty, `damaged` or `kept`."""

    path: Path
    epoch: bytes
    first: int
    fate: str
    since_wall: int


def found(active: Path) -> list[Found]:
    """In the order in which they were written, epoch by epoch."""
    return sorted(_found(active.parent), key=lambda item: (item.epoch, item.first, item.since_wall))


def _found(folder: Path) -> Iterator[Found]:
    for path in folder.glob("buffer-*"):
        match = _NAME.fullmatch(path.name)
        if match:
            epoch, first, fate, wall = match.groups()
            yield Found(path, bytes.fromhex(epoch), int(first), fate or "", int(wall or 0))


def closed(active: Path, label: Label) -> Path:
    return active.with_name(f"buffer-{label.epoch.hex()}-{label.first:012}.db")


def close(active: Path, label: Label) -> Path:
    """The segment is written no more. -> its new path."""
    to = closed(active, label)
    move(active, to)
    return to


def set_aside(active: Path, label: Label | None, fate: str, now_wall: int) -> Path:
    """Without a label nobody can ever read it; it is kept all the same. -> its new path."""
    to = active.with_name(f"{closed(active, label).name if label else 'buffer-unknown.db'}.{fate}-{now_wall}")
    move(active, to)
    return to


def move(path: Path, to: Path) -> None:
    rename(path, to, _BELONGING)
    sync(to.parent)


def shred(path: Path) -> None:
    """Without its label nothing in the file can be read, whatever the disk keeps of it."""
    for suffix in reversed(_BELONGING):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Names are on the disk when this returns."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
