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
    """A leaf page and the numbers in it. A damaged one may claim numbers far off; it is then read in vain."""

    lo: int
    hi: int
    number: int


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
        self._pages = [page for number in range(1, size // PAGE_BYTES + 1) if (page := self._leaf(number))]
        self._pages.sort(key=lambda page: page.lo)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._pages = -1, []

    def read(self, first: int, last: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Sound records of `first..last` in number order, about `limit` of them. -> [(seq, chain, record)]."""
        found: dict[int, tuple[bytes, bytes]] = {}
        for page in self._pages:
            if page.lo > last or page.hi < first:
                continue
            if len(found) >= limit and page.lo > max(found):
                break
            for seq, blob in self._rows(page.number):
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
        """A page that the disk does not give is like one that is not there."""
        try:
            return os.pread(self._file, PAGE_BYTES, (number - 1) * PAGE_BYTES)
        except (OSError, OverflowError):
            return b""

    def _leaf(self, number: int) -> _Page | None:
        seqs = [seq for seq, _ in self._rows(number)]
        return _Page(min(seqs), max(seqs), number) if seqs else None

    def _rows(self, number: int) -> list[tuple[int, bytes]]:
        page = self._read(number)
        rows = (pages.row(self._read, page, at) for at in pages.cells(page))
        return [row for row in rows if row is not None]
