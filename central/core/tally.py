"""Roll-ups: what one case adds to the counts of days, in a form that can be kept and taken back. Pure.

A share is a function of the case's facts alone (`measure.additions`), and the sums are those of the shares: whatever order
facts came in, the same facts leave the same bytes. Faults that are spared are no count, and odd patterns depend on a case's
neighbours: neither is in a share.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from central.core.measure import HINTS, Added

_Key = TypeVar("_Key")
Cell = tuple[str, str, str, str, str]
"""Day, site, office, item, measure."""
Hand = tuple[str, str, str, str, str, str]
"""Day, site, office, who was responsible, channel, measure: of all items."""


class Share(Struct, frozen=True):
    """What one case adds. `item`: its code, else its name; `name`: what the code is called, empty where it has no code.
    `days`: day (YYYY-MM-DD) -> measure -> count.
    """

    org: str
    item: str
    name: str
    days: Mapping[str, Mapping[str, int]]
    person: str
    channel: str


_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODER = msgspec.msgpack.Decoder(Share)


def share(
    org: str, item: str, name: str, additions: Iterable[Added], person: str = "", channel: str = ""
) -> Share:
    days: dict[str, dict[str, int]] = {}
    for added in additions:
        if not added.spared and added.measure not in HINTS:
            mine = days.setdefault(str(added.day), {})
            mine[added.measure] = mine.get(added.measure, 0) + added.count
    return Share(org, item, name, days, person, channel)


def encoded(one: Share) -> bytes:
    return _ENCODER.encode(one)


def decoded(data: bytes) -> Share:
    return _DECODER.decode(data)


def cells(site: str, one: Share) -> Iterator[tuple[Cell, int]]:
    for day, counts in one.days.items():
        for measure, count in counts.items():
            yield (day, site, one.org, one.item, measure), count


def hands(site: str, one: Share) -> Iterator[tuple[Hand, int]]:
    for (day, _, org, _, measure), count in cells(site, one):
        yield (day, site, org, one.person, one.channel, measure), count


def moved(
    changes: Iterable[tuple[str, Share | None, Share | None]],
) -> tuple[Counter[Cell], Counter[Hand], Counter[tuple[str, str]]]:
    """(site, share before, share after) of some cases -> what to add to each sum, and to the names of items; nothing is 0."""
    sums: Counter[Cell] = Counter()
    by_hand: Counter[Hand] = Counter()
    names: Counter[tuple[str, str]] = Counter()
    for site, before, after in changes:
        for one, sign in ((before, -1), (after, 1)):
            if one is None:
                continue
            for cell, count in cells(site, one):
                sums[cell] += sign * count
            for hand, count in hands(site, one):
                by_hand[hand] += sign * count
            if one.name:
                names[one.item, one.name] += sign
    return _left(sums), _left(by_hand), _left(names)


def _left(counts: Counter[_Key]) -> Counter[_Key]:
    return Counter({key: count for key, count in counts.items() if count})
