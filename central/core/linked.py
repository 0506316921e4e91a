"""Which cases a complaint may be about: by number, by telephone, by item and day. A suggestion to the officer, never a decision
(supervision.md 3.11). Pure.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

BEFORE = 7
"""Ours: where no day is named, the day of the complaint and so many before it."""
NEAR = 1
"""Ours: a named day may be wrong by so many."""
OLDEST = 10
"""Years: a day before them is a slip of the pen."""
MOST_DAYS = 3
"""Of named days so many are looked at."""
SHORTEST_ITEM = 4
"""Shorter names of items stand in any text."""
_DATED = re.compile(
    r"(?<!\d)(?:(?P<year>\d{4})\s*[年/.-]\s*(?P<month>\d{1,2})\s*[月/.-]|(?P<only>\d{1,2})\s*月)\s*(?P<day>\d{1,2})(?!\d)"
)
"""Without a year only with 月: 3-5 are not days of March."""
_SAID = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2}
_ASIDE = re.compile(r"[（(【\[].*?[）)】\]]")


class By(StrEnum):
    """How a case was found: the plainest of its ways. What the telephone alone has found says who complained."""

    NUMBER = "number"
    ITEM = "item"
    PHONE = "phone"

    @property
    def word(self) -> str:
        return {"number": "办件编号相同", "item": "事项、日期相近", "phone": "申请人电话相同"}[self.value]


class Span(Struct, frozen=True):
    """From the first to the last day, both counted."""

    first: date
    last: date


def items_named(text: str, names: Mapping[str, Iterable[str]]) -> list[str]:
    """`names`: code of an item -> what it is or was called. -> the codes of those that the text names; what a name has in brackets
    nobody says.
    """
    said = _plain(text)
    found = []
    for code, called in names.items():
        plain = [_plain(_ASIDE.sub("", unicodedata.normalize("NFKC", name))) for name in called]
        if any(len(name) >= SHORTEST_ITEM and name in said for name in plain):
            found.append(code)
    return found


def days_meant(text: str, received: date) -> list[Span]:
    """The days that the text names, up to the day it came; of one without a year the latest such day. None named: the last days."""
    plain = unicodedata.normalize("NFKC", text)
    days = [received - timedelta(days=back) for word, back in _SAID.items() if word in plain]
    for one in _DATED.finditer(plain):
        days += _day(int(one["year"] or 0), int(one["month"] or one["only"]), int(one["day"]), received)
    near = timedelta(days=NEAR)
    spans = [Span(day - near, min(day + near, received)) for day in dict.fromkeys(days)]
    return spans[:MOST_DAYS] or [Span(received - timedelta(days=BEFORE), received)]


def _day(year: int, month: int, day: int, received: date) -> list[date]:
    """None for what is no day or has not come yet."""
    for tried in [year] if year else [received.year, received.year - 1]:
        try:
            found = date(tried, month, day)
        except ValueError:
            continue
        if found <= received and received.year - found.year <= OLDEST:
            return [found]
    return []


def is_unit(said: str, names: Sequence[str | None]) -> bool:
    """Whether whom the complaint is about may be an office or site of one of these names."""
    plain = _plain(said)
    others = [_plain(name) for name in names if name]
    return bool(plain) and any(other and (other in plain or plain in other) for other in others)


def _plain(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isalnum()).upper()
