"""线索: what speaks of a case that no source holds, beside tickets and fees (`asked_rules`): a number missing from a series, a complaint.

A number is missing where the source holds those before and after it. That alone proves nothing: it may have been spoilt, or taken by
something that is no case. So a clue is a proposal; it counts once a person has looked (supervision.md S-1, 3.6). Pure.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from central.core.measure import Added

DAYS = 92
"""So far back the numbers of a site are looked at."""
LEAST, MOST_RUN, MOST_SHARE = 20, 3, 10
"""Ours: a stretch of a series has so many numbers before anything is claimed, lacks no more than so many in a row, and one in so many
at most. Who holds only a part of a series lacks more than that, and is accused of nothing.
"""
SHORTEST = 4
"""Digits below which what a complainant wrote as a number is none."""
_NUMBER = re.compile(r"(.*?)([0-9]{1,18})([^0-9]*)", re.DOTALL)
_FILED = re.compile("递交|提交|交了|交过|交齐|报送|申报|申请了|收了(?:我|我们)?的?材料|受理了|取了?号")


class Kind(StrEnum):
    """What speaks of it."""

    CASE_NO = "case_no"
    DOC_NO = "doc_no"
    COMPLAINT = "complaint"

    @property
    def word(self) -> str:
        return {"case_no": "办件编号空缺", "doc_no": "文书、证照号空缺", "complaint": "投诉"}[self.value]


class Held(Struct, frozen=True):
    """A number that a case of the site bears. `at`: when the case was filed, of a document's when it was decided."""

    no: str
    at: int
    org: str = ""
    item: str = ""


class Hole(Struct, frozen=True):
    """A number that is missing between two that are held."""

    no: str
    below: Held
    above: Held

    @property
    def org(self) -> str:
        """The office, where both neighbours are of one."""
        return self.below.org if self.below.org == self.above.org else ""

    @property
    def item(self) -> str:
        return self.below.item if self.below.item == self.above.item else ""


def holes(held: Iterable[Held]) -> Iterator[Hole]:
    """What is missing in the series of one site, in order. A series is what is alike but for the last digits: year, code of an item or day
    stand before them and keep series apart.
    """
    series: dict[tuple[str, str], dict[int, Held]] = defaultdict(dict)
    for one in held:
        parts = _NUMBER.fullmatch(one.no)
        if parts is not None:
            series[parts[1], parts[3]][int(parts[2])] = one
    for (before, after), known in sorted(series.items()):
        for stretch in _stretches(sorted(known)):
            for low, high in pairwise(stretch):
                width = len(known[low].no) - len(before) - len(after)
                for number in range(low + 1, high):
                    yield Hole(f"{before}{number:0{width}}{after}", known[low], known[high])


def _stretches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Those of `numbers`, rising, of which something may be claimed."""
    start = 0
    for end in range(1, len(numbers) + 1):
        if end < len(numbers) and numbers[end] - numbers[end - 1] <= MOST_RUN + 1:
            continue
        part = numbers[start:end]
        span = part[-1] - part[0] + 1
        if len(part) >= LEAST and (span - len(part)) * MOST_SHARE <= span:
            yield part
        start = end


def is_number(text: str) -> bool:
    """Whether what a complainant wrote as a number may be one."""
    return sum(char.isdigit() for char in text) >= SHORTEST


def says_filed(text: str) -> bool:
    """Whether a complaint says that something was handed in."""
    return _FILED.search(text) is not None


def called(kind: str, subject: str) -> str:
    """What people call it."""
    return f"投诉 {subject}" if kind == Kind.COMPLAINT else f"空号 {subject}"


def confirmed(day: date) -> list[Added]:
    """What one adds once a person has confirmed it; `day`: by which the case had to be in the system."""
    return [Added(day, "clue")]
