"""Odd patterns 异常规律: decisions that look alike in a way that work seldom does. A hint to look, never a fault. Pure.

They are counted on the day of the decision, as everything else of a decision is, and no score may read them (`scheme.NAMES`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core.measure import HINTS
from common.core.instant import MINUTE, SECOND, day_ending, from_us, local_date, start_of_day

MINUTE_MOST = 60 * SECOND
CROWD, CROWD_SPAN, CROWD_PERCENT = 5, 15 * MINUTE, 80
ALIKE, ALIKE_LONG = 3, 6
BATCH, BATCH_SPAN = 5, 10 * MINUTE
"""Ours: so many decisions of an office and day of which so many in a hundred fall into its last quarter hour; so many refusals of
an office and month with one reason of so many characters; so many cases of an office whose entries came late within ten minutes.
"""


class Decision(Struct, frozen=True, kw_only=True):
    """One decided case; instants are office time. `reason`: why it was refused, as it was written; empty: it was not."""

    site: str
    key: str
    no: str
    org: str
    accepted_at: int | None
    finished_at: int
    is_instant: bool = False
    reason: str = ""


class Group(Struct, frozen=True):
    """Cases of one office that make one pattern. `when`: for people; `of`: out of how many it is."""

    kind: str
    site: str
    org: str
    when: str
    of: int
    cases: list[Decision]


def groups(found: Iterable[Decision], zone: ZoneInfo) -> list[Group]:
    """The patterns of the decisions of whole months, the largest of each kind first."""
    by_office: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for one in found:
        by_office[one.site, one.org].append(one)
    made: list[Group] = []
    for (site, org), mine in sorted(by_office.items()):
        mine.sort(key=lambda one: (one.finished_at, one.key))
        quick = [one for one in mine if is_quick(one, zone)]
        if quick:
            made.append(Group("odd_minute", site, org, "当期", len(mine), quick))
        made += _crowds(site, org, mine, zone)
        made += _alike(site, org, mine, zone)
    return sorted(
        made, key=lambda one: (list(HINTS).index(one.kind), -len(one.cases), one.site, one.org, one.when)
    )


def is_quick(one: Decision, zone: ZoneInfo) -> bool:
    """Decided within a minute of its acceptance; what is a date alone says nothing, and what is done on the spot may be."""
    if one.is_instant or one.accepted_at is None or not 0 <= one.finished_at - one.accepted_at < MINUTE_MOST:
        return False
    return not (_is_date(one.accepted_at, zone) or _is_date(one.finished_at, zone))


def _is_date(at: int, zone: ZoneInfo) -> bool:
    """A date without a time stands as a midnight."""
    return start_of_day(local_date(at, zone), zone) == at


def _crowds(site: str, org: str, mine: Sequence[Decision], zone: ZoneInfo) -> Iterable[Group]:
    days: dict[str, list[Decision]] = defaultdict(list)
    for one in mine:
        if not _is_date(one.finished_at, zone):
            days[str(local_date(one.finished_at, zone))].append(one)
    for day, every in days.items():
        last = every[-1].finished_at
        late = [one for one in every if one.finished_at > last - CROWD_SPAN]
        if len(every) >= CROWD and len(late) * 100 >= CROWD_PERCENT * len(every):
            begin, end = from_us(late[0].finished_at, zone), from_us(last, zone)
            yield Group("odd_crowd", site, org, f"{day} {begin:%H:%M}–{end:%H:%M}", len(every), late)


def _alike(site: str, org: str, mine: Sequence[Decision], zone: ZoneInfo) -> Iterable[Group]:
    said: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    refused: dict[str, int] = defaultdict(int)
    for one in mine:
        if one.reason:
            month = f"{day_ending(one.finished_at, zone):%Y-%m}"
            refused[month] += 1
            said[month, one.reason].append(one)
    for (month, reason), cases in said.items():
        if len(cases) >= ALIKE and len(reason) >= ALIKE_LONG:
            yield Group("odd_alike", site, org, month, refused[month], cases)


def batches(entered: Iterable[tuple[Decision, int]], zone: ZoneInfo) -> list[Group]:
    """The same for (case, when an entry of it came late), of whole stretches of `BATCH_SPAN`."""
    found: dict[tuple[str, str, int], dict[str, Decision]] = defaultdict(dict)
    for one, seen_at in entered:
        found[one.site, one.org, seen_at // BATCH_SPAN][one.key] = one
    made = []
    for (site, org, span), cases in sorted(found.items()):
        if len(cases) >= BATCH:
            when = f"{from_us(span * BATCH_SPAN, zone):%Y-%m-%d %H:%M} 起 10 分钟"
            made.append(
                Group("odd_batch", site, org, when, len(cases), [cases[key] for key in sorted(cases)])
            )
    return sorted(made, key=lambda one: (-len(one.cases), one.site, one.org, one.when))


def marks(found: Iterable[Group]) -> Mapping[tuple[str, str], frozenset[str]]:
    """Case -> the patterns that it is a part of."""
    made: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group in found:
        for one in group.cases:
            made[one.site, one.key].add(group.kind)
    return {place: frozenset(kinds) for place, kinds in made.items()}
