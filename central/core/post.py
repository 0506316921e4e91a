"""Three yellow lights in a row at one post (supervision.md 3.12): the cases of one person of one office, in the order of their decisions.
Pure.

Sources record no posts: whoever is responsible for a case at an office stands for one. A row is of one month, so that months add
up; three in succession are one row, and the count begins anew behind them. A case whose light is contested is passed over: it
neither goes on with a row nor breaks it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from msgspec import Struct

LONG = 3


class Done(Struct, frozen=True, order=True):
    """A decided case. `at`: of the decision, of the legal zone's `day`."""

    at: int
    key: str
    day: date
    no: str
    is_yellow: bool


class Row(Struct, frozen=True):
    """Three in succession; `day`: of the last decision, which ends it."""

    org: str
    person: str
    day: date
    cases: tuple[Done, ...]


class Posts:
    """The decisions of one site, in whatever order they come."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], list[Done]] = defaultdict(list)

    def add(self, org: str, person: str, one: Done) -> None:
        """A case without a person has no post."""
        if person:
            self._done[org, person].append(one)

    def rows(self) -> Iterator[Row]:
        """By office and person, each post's in their order."""
        for (org, person), mine in sorted(self._done.items()):
            months: dict[str, list[Done]] = defaultdict(list)
            for one in sorted(mine):
                months[f"{one.day:%Y-%m}"].append(one)
            for _, found in sorted(months.items()):
                yield from (Row(org, person, three[-1].day, three) for three in _threes(found))


def _threes(found: Iterable[Done]) -> Iterator[tuple[Done, ...]]:
    held: list[Done] = []
    for one in found:
        held = [*held, one] if one.is_yellow else []
        if len(held) == LONG:
            yield tuple(held)
            held = []
