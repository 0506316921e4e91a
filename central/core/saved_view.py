"""Saved views 常用查询: a name for the filter of a list. What is kept of an address, and what is never kept.

The applicant that a list was searched for is not: each such search stands in the audit, and a name in a menu would undo it.
"""

from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

MOST = 20
"""Views that one account keeps of a list; and as many of it are shared, by all together."""
LONGEST_NAME = 20
LONGEST_VALUE = 100


class Listing(StrEnum):
    """A list whose filter may be kept."""

    CASES = "cases"
    QUEUE = "queue"
    STATISTICS = "statistics"

    @property
    def word(self) -> str:
        return {Listing.CASES: "办件", Listing.QUEUE: "待处置", Listing.STATISTICS: "统计"}[self]

    @property
    def path(self) -> str:
        return f"/hall/{self.value}"


_FIELDS = {
    Listing.CASES: ("site", "light", "rule", "state", "no", "item"),
    Listing.QUEUE: ("site", "kind"),
    Listing.STATISTICS: ("period", "by", "f", "versus"),
}
_MANY = {"by": 3, "f": 60}
"""Fields that may stand several times, in their order, and how often."""
_NOTHING = {"state": "open"}
"""What restricts no more than its absence."""


def kept(listing: Listing, query: str) -> str:
    """What is kept of an address's query: fields of the list's filter that restrict, in one order. "": the whole list."""
    found: dict[str, list[str]] = {}
    for name, said in parse_qsl(query, errors="replace"):
        text = said.replace("\0", "").strip()[:LONGEST_VALUE]
        if text and text != _NOTHING.get(name):
            found.setdefault(name, []).append(text)
    pairs = [(name, text) for name in _FIELDS[listing] for text in _few(found.get(name, []), _MANY.get(name))]
    return urlencode(pairs)


def _few(said: list[str], most: int | None) -> list[str]:
    """Of a field that stands once, the last one counts, as a browser's form has it."""
    return said[-1:] if most is None else list(dict.fromkeys(said))[:most]


def address(listing: Listing, query: str) -> str:
    """Where the list is with this filter."""
    return f"{listing.path}?{query}" if query else listing.path


def is_name(text: str) -> bool:
    """One short line that is to be read."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()
