"""What the public sees of results: the releases with their state, a ranking in plain words, files with their sums. Pure."""

from collections.abc import Iterable
from datetime import date
from urllib.parse import quote

import msgspec
from msgspec import Struct

from central.core.bulletin import Bulletin
from central.core.score import Level


class Unit(Struct, frozen=True):
    """A line of `ranking.json` (`release.files`)."""

    level: Level
    group: str
    name: str
    cases: int
    total: str
    grade: str
    rank: int
    why: str


class Ranking(Struct, frozen=True):
    """Of `ranking.json`, what a page shows."""

    units: list[Unit]
    snapshot: str = ""
    scheme: int = 0


ranking = msgspec.json.Decoder(Ranking).decode
"""Of the file `ranking.json`."""


class File(Struct, frozen=True):
    """`digest`: SHA-256, hexadecimal."""

    name: str
    size: int
    digest: str


class Head(Struct, frozen=True, kw_only=True):
    """One release. `period` as it is written, `word` for people; `withdrawn`: the day it was taken back, with its `reason`."""

    number: int
    period: str
    word: str
    title: str
    day: date
    withdrawn: date | None = None
    reason: str = ""


class Published(Struct, frozen=True, kw_only=True):
    """A release that stands, whole. `method`: the scheme in sentences."""

    head: Head
    ranking: Ranking
    method: tuple[str, ...]
    files: tuple[File, ...]


class Notice(Struct, frozen=True, kw_only=True):
    """A line of what was made public or taken back. `path`: of its page, empty where it was taken back, then or later; `about`: the
    period, or what else it is; `reason`: why it was taken back, of the line that says so.
    """

    day: date
    title: str
    about: str
    path: str
    number: int
    is_withdrawal: bool = False
    reason: str = ""


def newest(heads: Iterable[Head]) -> list[Head]:
    """The release that stands of each period, the latest period first; a later release of one period is its correction."""
    found: dict[str, Head] = {}
    for head in sorted(heads, key=lambda one: one.number):
        if head.withdrawn is None:
            found[head.period] = head
    return [found[period] for period in sorted(found, reverse=True)]


BULLETIN = "公告"


def notices(heads: Iterable[Head], bulletins: Iterable[Bulletin]) -> list[Notice]:
    """Everything that was made public, and everything that was taken back, newest first."""
    told: list[Notice] = []
    for head in heads:
        place = f"/p/scores/{quote(head.period, safe='')}"
        told += _lines(head, head.word, place)
    for one in bulletins:
        told += _lines(one, BULLETIN, f"/p/notices/{one.number}")
    return sorted(told, key=lambda one: (one.day, one.is_withdrawal, one.number), reverse=True)


def _lines(one: Head | Bulletin, about: str, path: str) -> list[Notice]:
    open_path = "" if one.withdrawn else path
    found = [Notice(day=one.day, title=one.title, about=about, path=open_path, number=one.number)]
    if one.withdrawn is not None:
        gone = Notice(
            day=one.withdrawn, title=one.title, about=about, path="", number=one.number, is_withdrawal=True, reason=one.reason
        )  # fmt: skip
        found.append(gone)
    return found


def grouped(units: Iterable[Unit], level: Level) -> dict[str, list[Unit]]:
    """Of one level: group -> its units in the order of the release."""
    found: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.level is level:
            found.setdefault(unit.group, []).append(unit)
    return found
