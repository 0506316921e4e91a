"""Pages of a walk that were proven once: while the source gives the same rows, nothing in them needs to be looked at.

A page is the rows behind one key up to another. It is proven when every row in it is as the index has it; its digest is
over the rows as the driver gives them, so that equal pages are recognised without making records of their rows. A row
that is told anew breaks the proof of its page, because the source may since say again what it said then. All of it is in
memory: after a start every page is looked at once.

The same holds for what is gone: of the rows that the last finished walk left in the table, those that this one has not met
are asked for; only rows that the index came to know since are looked through one by one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from agent.core.indexed import Known
from agent.core.proof import Met

BEGIN = ""
"""Where a table's first page begins: no key is empty."""


_RUNS = msgspec.msgpack.Decoder(list[tuple[int, int]])


class Page(Struct, frozen=True):
    """`hi`: its last key. `ids`: packed; of its rows in the index. `lost`: column -> rows whose text the source had lost."""

    hi: str
    rows: int
    digest: bytes
    ids: bytes
    lost: dict[str, int] = {}


class Place(Struct, frozen=True):
    """Where a page that is taken lies: behind key `lo`, rows having been soiled `soiled` times; `lost` as of Page."""

    lo: str
    soiled: int
    lost: dict[str, int]


class Pages:
    """Of one table, by the key they begin behind."""

    def __init__(self) -> None:
        self._pages: dict[str, Page] = {}
        self._ends: set[str] = set()
        self._told = Met()
        self._has_told = False
        self._soiled = 0
        self._there = Met()
        self._there_to = 0
        self._there_soiled = 0

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
        return not self._has_told or not any(self._told.has_any(*run) for run in runs(page.ids))

    def told(self, number: int) -> None:
        """Row `number` of the index is about to get another version."""
        self._told.add(number)
        self._has_told = True
        self._there.add(number)

    def prove(self, lo: str, page: Page, soiled: int) -> None:
        """Every row of it is as the index has it, which was so when rows had been soiled `soiled` times."""
        if soiled != self._soiled:
            return
        self._pages[lo] = page
        self._ends.add(page.hi)
        for number in unpacked(page.ids) if self._has_told else ():
            self._told.discard(number)

    def learn(self, keys: list[str], known: dict[str, Known], digest: bytes | None, place: Place) -> None:
        """Prove a page of rows with these keys that was taken without a change, if every row is as the index has it."""
        whole = len(known) == len(keys) and not any(old.gone or old.dirty for old in known.values())
        if keys and digest is not None and whole:
            ids = pack(old.id for old in known.values())
            self.prove(place.lo, Page(keys[-1], len(keys), digest, ids, place.lost), place.soiled)

    def left_out(self, met: Met, soiled: int) -> tuple[list[int], int]:
        """What a walk that has met `met` must ask for. -> ids of rows, and above which id every row of the index is to be
        looked at besides.

        The ids are those that the last walk found in the table, or that were told since, and this one has not met.
        """
        if soiled != self._there_soiled:
            return [], 0
        return [number for number in self._there.without(met) if number <= self._there_to], self._there_to

    def keep(self, used: set[str], met: Met, newest_id: int, soiled: int) -> None:
        """A walk has come to its end, and has met pages that begin behind these keys: there are no others.

        Of the rows with an id up to `newest_id`, none is in the table but those in `met`. Rows to be sent again, deletions
        among them, that were marked since `soiled` was read are not in it.
        """
        self._there, self._there_to, self._there_soiled = met, newest_id, soiled
        self._pages = {lo: page for lo, page in self._pages.items() if lo in used}
        self._ends = {page.hi for page in self._pages.values()}
        self._has_told = any(self._told.ids)

    def cut(self, keys: Sequence[str | None]) -> int:
        """How many rows of a page, whose keys are these, to take, so that it ends where a page is known to end."""
        found = next((place for place in range(len(keys) - 1, -1, -1) if keys[place] in self._ends), None)
        return len(keys) if found is None else found + 1


def digest(key: bytes, rows: Sequence[tuple[Any, ...]]) -> bytes | None:
    """32 bytes; None for rows with a value that has no plain encoding.

    It never leaves the process. SHA-256, because processors have it in hardware: half of what BLAKE2b costs.
    """
    try:
        return hashlib.sha256(key + msgspec.msgpack.encode(rows)).digest()
    except (TypeError, ValueError, OverflowError):
        return None


def pack(ids: Iterable[int]) -> bytes:
    """Ids as runs: rows that were read together mostly follow each other."""
    found: list[list[int]] = []
    for number in sorted(ids):
        if found and number == found[-1][0] + found[-1][1]:
            found[-1][1] += 1
        else:
            found.append([number, 1])
    return msgspec.msgpack.encode(found)


def runs(ids: bytes) -> list[tuple[int, int]]:
    """Of what `pack` has made: first id and how many follow each other."""
    return _RUNS.decode(ids)


def unpacked(ids: bytes) -> Iterable[int]:
    """Inverse of `pack`, in order."""
    for first, count in runs(ids):
        yield from range(first, first + count)
