"""What the public sees of results: the releases with their state, a ranking in plain words, files with their sums. Pure."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

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


class Notice(Struct, frozen=True):
    """A line of what was made public or taken back."""

    day: date
    head: Head
    is_withdrawal: bool


def newest(heads: Iterable[Head]) -> list[Head]:
    """The release that stands of each period, the latest period first; a later release of one period is its correction."""
    found: dict[str, Head] = {}
    for head in sorted(heads, key=lambda one: one.number):
        if head.withdrawn is None:
            found[head.period] = head
    return [found[period] for period in sorted(found, reverse=True)]


def notices(heads: Iterable[Head]) -> list[Notice]:
    """Everything that was made public, and everything that was taken back, newest first."""
    told = [Notice(head.day, head, is_withdrawal=False) for head in heads]
    told += [Notice(one.head.withdrawn, one.head, is_withdrawal=True) for one in told if one.head.withdrawn]
    return sorted(told, key=lambda one: (one.day, one.head.number, one.is_withdrawal), reverse=True)


def grouped(units: Iterable[Unit], level: Level) -> dict[str, list[Unit]]:
    """Of one level: group -> its units in the order of the release."""
    found: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.level is level:
            found.setdefault(unit.group, []).append(unit)
    return found
