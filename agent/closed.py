"""A segment that is written no more: one that drains, or one that was set aside because it is damaged.

It is read page by page, without SQLite (core/pages.py), the same way whether it is sound or not: a damaged header or
inner page costs no record, and a damaged leaf no other page's. Every record proves itself by its seal.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from agent import label as labels
from agent.core import pages
from agent.core.pages import PAGE_BYTES
from common.core.crypto import DamagedError
from common.core.rest import DataKey


class _Page(Struct, frozen=True):
    """A leaf page, by open file and place, and the numbers in it. A damaged one may claim numbers far off; it is then
    read in vain."""

    lo: int
    hi: int
    file: int
    place: int


_LOG_HEADER, _FRAME_HEADER = 32, 24


def _page(file: int, place: int) -> bytes:
    """A page that the disk does not give is like one that is not there."""
    try:
        return os.pread(file, PAGE_BYTES, place)
    except (OSError, OverflowError):
        return b""


class Closed:
    """The numbers `first..last` of an epoch in the file at `path`. To be opened before it is read, in a thread."""

    def __init__(self, path: Path, site: str, epoch: bytes, first: int, last: int) -> None:
        self.path = path
        self.site = site
        self.epoch = epoch
        self.first = first
        self.last = last
        self._keys: list[DataKey] = []
        """None where its label is lost, or the master key it was wrapped by; of two copies one may be damaged."""
        self._file = -1
        self._log = -1
        """The write-ahead log of one that was set aside in the middle of its work."""
        self._logged: dict[int, int] = {}
        """Number of a page -> where its newest image lies in the log."""
        self._pages: list[_Page] = []

    def open(self, keks: Sequence[bytes]) -> None:
        """Look for its key and its pages; a second call does nothing. What cannot be read is simply not there."""
        if self._file >= 0:
            return
        for label in labels.copies(self.path, labels.inside(self.path)):
            with suppress(DamagedError):
                self._keys.append(labels.unlock(label, keks))
        try:
            self._file = os.open(self.path, os.O_RDONLY)
            size = os.fstat(self._file).st_size
        except OSError:
            return
        images = [(self._file, place * PAGE_BYTES) for place in range(size // PAGE_BYTES)]
        images += [(self._log, place) for place in self._look_into_log()]
        self._pages = [page for image in images if (page := self._leaf(*image))]
        self._pages.sort(key=lambda page: page.lo)

    def _look_into_log(self) -> list[int]:
        """Where page images lie in it (SQLite's file format, 4.1); none of them is believed for its place."""
        try:
            self._log = os.open(self.path.with_name(f"{self.path.name}-wal"), os.O_RDONLY)
            size = os.fstat(self._log).st_size
        except OSError:
            return []
        places = range(_LOG_HEADER + _FRAME_HEADER, size - PAGE_BYTES + 1, _FRAME_HEADER + PAGE_BYTES)
        for place in places:
            number = int.from_bytes(os.pread(self._log, 4, place - _FRAME_HEADER), "big")
            self._logged[number] = place
        return list(places)

    def close(self) -> None:
        for file in (self._file, self._log):
            if file >= 0:
                os.close(file)
        self._file, self._log, self._logged, self._pages = -1, -1, {}, []

    def read(self, first: int, last: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Sound records of `first..last` in number order, about `limit` of them. -> [(seq, chain, record)]."""
        found: dict[int, tuple[bytes, bytes]] = {}
        for page in self._pages:
            if page.lo > last or page.hi < first:
                continue
            if len(found) >= limit and page.lo > max(found):
                break
            for seq, blob in self._rows(page.file, page.place):
                if first <= seq <= last and seq not in found:
                    with suppress(DamagedError):
                        found[seq] = self.unseal(seq, blob)
        return [(seq, *found[seq]) for seq in sorted(found)[:limit]]

    def unseal(self, seq: int, blob: bytes) -> tuple[bytes, bytes]:
        """-> (chain, record). Raises DamagedError."""
        for key in self._keys:
            with suppress(DamagedError):
                return key.open((self.site, self.epoch, seq), blob)
        raise DamagedError(f"no data key opens {seq}" if self._keys else "no data key")

    def _read(self, number: int) -> bytes:
        """The newest image of a page."""
        if number in self._logged:
            return _page(self._log, self._logged[number])
        return _page(self._file, (number - 1) * PAGE_BYTES)

    def _leaf(self, file: int, place: int) -> _Page | None:
        seqs = [seq for seq, _ in self._rows(file, place)]
        return _Page(min(seqs), max(seqs), file, place) if seqs else None

    def _rows(self, file: int, place: int) -> list[tuple[int, bytes]]:
        page = _page(file, place)
        rows = (pages.row(self._read, page, at) for at in pages.cells(page))
        return [row for row in rows if row is not None]
