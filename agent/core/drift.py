"""Columns that appear in a table we read: each is a notice, once for ever, because what it holds is not captured.

A column that a mapping waits for already is none, and one that goes and comes back is none either: an export may have
a column in one month and lack it in the next.
"""

from collections.abc import Iterable

from msgspec import Struct

from agent.core.mapping import ROW_KEY
from agent.core.query import Dialect
from common.core.text import sound

MOST = 4_096
"""No engine has more columns in a table; headings that change with every export must not be remembered without end."""
_SHOWN = 20
_LONGEST = 60


class Columns(Struct, array_like=True, frozen=True):
    """Of one source table. `known`: names that were ever seen there, folded where the dialect does not tell case."""

    known: list[str]
    new: dict[str, int] = {}
    """Column that appeared later and was not mapped then -> when it was first seen (wall time)."""


def look(
    before: Columns | None, found: Iterable[str], mapped: Iterable[str], dialect: Dialect, wall: int
) -> tuple[Columns, list[str]]:
    """`found`: the columns that are there now. -> what to remember, and the names to tell. The first look tells none."""
    fold = str if dialect.tells_case else str.casefold
    known = set(before.known) if before else set()
    used = {fold(name) for name in (*mapped, ROW_KEY)}
    fresh = {fold(name): name for name in found if fold(name) not in known}
    kept = dict(list(fresh.items())[: max(0, MOST - len(known))])
    told = [name for folded, name in kept.items() if folded not in used] if before else []
    new = (before.new if before else {}) | dict.fromkeys(told, wall)
    return Columns(sorted(known | kept.keys()), new), told


def unmapped(
    columns: Columns, found: Iterable[str], mapped: Iterable[str], dialect: Dialect
) -> dict[str, int]:
    """Of the columns that appeared, those that are there and still not mapped -> when they were first seen."""
    fold = str if dialect.tells_case else str.casefold
    there, used = {fold(name) for name in found}, {fold(name) for name in mapped}
    return {name: wall for name, wall in columns.new.items() if fold(name) in there - used}


def listed(names: list[str]) -> str:
    """Names for people; of many only the first."""
    shown = "、".join(sound(name[:_LONGEST]) for name in names[:_SHOWN])
    return f"{shown} 等 {len(names)} 个" if len(names) > _SHOWN else shown
