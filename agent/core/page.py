"""Pages of a walk that were proven once: while the source gives the same rows, nothing in them needs to be looked at.

A page is the rows behind one key up to another. It is proven when every row in it is as the index has it; its digest is
over the rows as the driver gives them, so that equal pages are recognised without making records of their rows. A row
that is told anew breaks the proof of its page, because the source may since say again what it said then. All of it is in
memory: after a start every page is looked at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from agent.core.proof import Met
from common.core.crypto import keyed_digest

BEGIN = ""
"""Where a table's first page begins: no key is empty."""


class Page(Struct, frozen=True):
    """`hi`: its last key. `ids`: packed; of its rows in the index."""

    hi: str
    rows: int
    digest: bytes
    ids: bytes


class Pages:
    """Of one table, by the key they begin behind."""

    def __init__(self) -> None:
        self._pages: dict[str, Page] = {}
        self._ends: set[str] = set()
        self._told = Met()
        self._has_told = False
        self._soiled = 0

    def at(self, lo: str, soiled: int) -> Page | None:
        """The page behind `lo`. `soiled`: how often rows of the index were marked to be sent again; then all are void."""
        if soiled != self._soiled:
            self._pages.clear()
            self._ends.clear()
            self._soiled = soiled
        return self._pages.get(lo)

    def holds(self, page: Page, digest: bytes | None) -> bool:
        """Whether the source says what it said when `page` was proven, and none of its rows was told since."""
        if page.digest != digest:
            return False
        return not self._has_told or not any(number in self._told for number in unpacked(page.ids))

    def told(self, number: int) -> None:
        """Row `number` of the index is about to get another version."""
        self._told.add(number)
        self._has_told = True

    def prove(self, lo: str, page: Page, soiled: int) -> None:
        """Every row of it is as the index has it, which was so when rows had been soiled `soiled` times."""
        if soiled != self._soiled:
            return
        self._pages[lo] = page
        self._ends.add(page.hi)
        for number in unpacked(page.ids):
            self._told.discard(number)

    def keep(self, used: set[str]) -> None:
        """A walk has come to its end, and has met pages that begin behind these keys: there are no others."""
        self._pages = {lo: page for lo, page in self._pages.items() if lo in used}
        self._ends = {page.hi for page in self._pages.values()}
        self._has_told = any(self._told.ids)

    def cut(self, keys: Sequence[str | None]) -> int:
        """How many rows of a page, whose keys are these, to take, so that it ends where a page is known to end."""
        found = next((place for place in range(len(keys) - 1, -1, -1) if keys[place] in self._ends), None)
        return len(keys) if found is None else found + 1


def digest(key: bytes, rows: Sequence[tuple[Any, ...]]) -> bytes | None:
    """16 bytes; None for rows with a value that has no plain encoding."""
    try:
        return keyed_digest(key, msgspec.msgpack.encode(rows))
    except (TypeError, ValueError, OverflowError):
        return None


def pack(ids: Iterable[int]) -> bytes:
    """Ids as runs: rows that were read together mostly follow each other."""
    runs: list[list[int]] = []
    for number in sorted(ids):
        if runs and number == runs[-1][0] + runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([number, 1])
    return msgspec.msgpack.encode(runs)


def unpacked(ids: bytes) -> Iterable[int]:
    """Inverse of `pack`, in order."""
    for first, count in msgspec.msgpack.decode(ids, type=list[tuple[int, int]]):
        yield from range(first, first + count)
