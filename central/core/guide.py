"""办事指南: what is shown of an item, made of the very versions that drive the clocks, so the two cannot disagree.

The hall publishes all versions; which one is in force is decided on the day somebody looks. So guide, clock and case change
together at the day of validity, even while the hall is down. A version that is not displayed (行政许可法 30) is never shown
as current, and no older one takes its place.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from central.core.item import Item, pinned


class Measured(Struct, frozen=True):
    """What really happened to the cases decided within the days up to `until`."""

    until: date
    days: int
    decided: int
    median: int | None  # working days from acceptance to decision; None: too few to say
    late: int  # of them over a limit
    broken: int = 0  # of them with the red lamp of a broken rule


class Spot(Struct, frozen=True, order=True):
    """Where it was handled within the last year: the site and its office."""

    site: str
    office: str


class Guide(Struct, frozen=True):
    """What is published of one item."""

    code: str
    versions: tuple[Item, ...]
    spots: tuple[Spot, ...] = ()
    measured: Measured | None = None


class Cited(Struct, frozen=True, order=True):
    """An item that rests on a law, by which articles."""

    name: str
    code: str
    articles: str


class Law(Struct, frozen=True):
    """A law that items rest on, or that was entered. No dates: the hall has not been told of its force."""

    name: str
    items: tuple[Cited, ...]
    number: str = ""
    effective: date | None = None
    repealed: date | None = None

    def standing(self, day: date) -> str:
        """Its force on `day`, in words."""
        if self.effective is None:
            return "效力未登记"
        if self.repealed is not None and self.repealed <= day:
            return "已废止"
        return "现行有效" if self.effective <= day else "尚未生效"


FEWEST = 5
"""A median of fewer cases says nothing, and may tell of somebody."""
_LAW = re.compile(r"《([^《》]{2,60})》")
_ARTICLES = re.compile(r"第[一二三四五六七八九十百零〇\d]+条(?:第[一二三四五六七八九十\d]+款)?")


def current(guide: Guide, day: date) -> Item | None:
    """The version that may be shown on `day`; None: none is in force, or the one in force is not displayed."""
    found = pinned(guide.versions, day)
    if found is None or (found.valid_from is not None and found.valid_from > day):
        return None
    return found if found.published_on is not None and found.published_on <= day else None


def changes_on(guide: Guide, day: date) -> date | None:
    """The first day after `day` on which another version is in force; None: none is known of."""
    return min(
        (one.valid_from for one in guide.versions if one.valid_from and one.valid_from > day), default=None
    )


def measured(spans: Sequence[int | None], late: int, broken: int, until: date, days: int) -> Measured:
    """`spans`: working days of each decided case, None where it has no acceptance."""
    known = sorted(span for span in spans if span is not None)
    median = known[(len(known) - 1) // 2] if len(known) >= FEWEST else None
    return Measured(until, days, len(spans), median, late, broken)


def cited(basis: str) -> list[tuple[str, str]]:
    """The laws that a legal basis names, each with its articles: 《食品安全法》第三十五条."""
    places = list(_LAW.finditer(basis))
    found: dict[str, list[str]] = {}
    ends = [place.start() for place in places[1:]] + [len(basis)]
    for place, end in zip(places, ends, strict=False):  # of no law there is one end
        said = basis[place.end() : end]
        found.setdefault(place[1].strip(), []).extend(_ARTICLES.findall(said))
    return [(name, "、".join(dict.fromkeys(articles))) for name, articles in found.items()]


def laws(items: Iterable[Item], entered: Iterable[Law] = ()) -> list[Law]:
    """Every law that these items name, with the items; `entered`: the laws whose force is known, in or out of use."""
    known = {law.name: law for law in entered}
    found: dict[str, list[Cited]] = {name: [] for name in known}
    for item in items:
        for name, articles in cited(item.basis):
            found.setdefault(name, []).append(Cited(item.name, item.code, articles))
    return [
        replace(known.get(name, Law(name, ())), items=tuple(sorted(cites)))
        for name, cites in sorted(found.items())
    ]


def rank(wanted: str, name: str, letters: str, words: str = "") -> int | None:
    """How near a name is to what somebody typed, best 0; None: it is not meant.

    `letters`: initials and syllables of the name, separated by a space; `words`: other text it is found by.
    """
    asked = wanted.lower().split()
    if not asked:
        return None
    text = name.lower()
    spoken = letters.split()
    places = [text.find(word) for word in asked]
    if all(place >= 0 for place in places):
        return min(places) and 1
    if all(word.isascii() and any(word in one for one in spoken) for word in asked):
        return 2 if any(one.startswith(asked[0]) for one in spoken) else 3
    return 4 if all(word in text + words.lower() for word in asked) else None
