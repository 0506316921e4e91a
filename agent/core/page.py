"""Pages of a walk that were proven once: while the source gives the same rows, nothing in them needs to be looked at.

A page is the rows behind one key up to another. It is proven when every row in it is as the index has it; its digest is
over the rows as the driver gives them, so that equal pages are recognised without making records of their rows. A row
that is told anew breaks the proof of its page, because the source may since say again what it said then. All of it is in
memory: after a start every page is looked at once.

Where the engine has a hash that is good enough, it is asked first, and a page that it says is the same is not even read
(`Page.hash`). Its word is taken for a day: then the page is read again, because what is proven here rests on what the box
itself has seen.

The same holds for what is gone: of the rows that the last finished walk left in the table, those that this one has not met
are asked for; only rows that the index came to know since are looked through one by one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agent.core.indexed import Known
from agent.core.proof import Met
from agent.core.query import Row
from common.core.instant import DAY

Hashed = tuple[int, str]
"""What the server says of a page: how many rows, and their hash; empty where it has none."""
BEGIN = ""
"""Where a table's first page begins: no key is empty."""


_NONE_LOST: dict[str, int] = {}
"""Of nearly every page."""
_RUNS = msgspec.msgpack.Decoder(list[tuple[int, int]])


READ_EVERY = DAY
"""A page is read at least so often, whatever the server says of it."""


class Page(Struct, frozen=True):
    """`hi`: its last key, and `end` as the driver gives it. `ids`: packed; of its rows in the index. `lost`: column -> rows
    whose text the source had lost. `hash`: what the server says of it, asked before and after its rows were read, at
    monotonic time `read_mono`, and found to be these. Two thousand of a million rows: each byte here counts."""

    hi: str
    rows: int
    digest: bytes
    ids: bytes
    lost: dict[str, int] = {}
    end: Row = ()
    hash: bytes = b""
    read_mono: int = 0


class Place(Struct, frozen=True):
    """Where a page that is taken lies: behind key `lo`, rows having been soiled `soiled` times; the others as of Page."""

    lo: str
    soiled: int
    lost: dict[str, int]
    end: Row = ()


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
        return page.digest == digest and not self._is_told(page)

    def vouched(self, page: Page, found: Hashed, mono: int) -> bool:
        """Whether the server's word suffices that the source says what it said when `page` was proven."""
        is_fresh = bool(page.hash) and mono - page.read_mono < READ_EVERY
        return is_fresh and _packed(found) == (page.rows, page.hash) and not self._is_told(page)

    def hashed(self, lo: str, page: Page, found: Hashed, mono: int) -> None:
        """`page`, which lies behind `lo`, was found to hold in rows that were read after `mono`, and the server said `found`
        before that and after it.

        Before: of an edit that follows the reading the hash is not. After: an edit that was put back before the reading is
        not in the rows, and its hash would vouch for the same edit later. Either alone would vouch for what nobody has read.
        """
        count, said = _packed(found)
        if self._pages.get(lo) is page and said and count == page.rows:
            self._pages[lo] = replace(page, hash=said, read_mono=mono)

    def _is_told(self, page: Page) -> bool:
        return self._has_told and any(self._told.has_any(*run) for run in runs(page.ids))

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
            page = Page(keys[-1], len(keys), digest, ids, place.lost or _NONE_LOST, place.end)
            self.prove(place.lo, page, place.soiled)

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


def _packed(found: Hashed) -> tuple[int, bytes]:
    """What the server says of a page, its text in 32 bytes; nothing for nothing."""
    return found[0], hashlib.sha256(found[1].encode()).digest() if found[1] else b""


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
