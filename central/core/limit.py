"""One limit of a case as a Clock, and how one in working days is counted. Pure.

Source: 行政许可法 42, 44, 45, 82; supervision.md 3.2, 3.3.
"""

from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import clock
from central.core.acts import Special
from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.clock import Course, Extension, Stop
from central.core.item import Item
from central.core.pack import Pack
from common.core.instant import DAY, end_of_day, start_of_day
from common.core.state import ClockKind, Light

_LEADS = {ClockKind.DELIVERY: 2, ClockKind.HEARING: 1, ClockKind.ACCEPTANCE: 1, ClockKind.RENEWAL: 5}
"""Working days before due at which the light turns yellow, where it is not the tenth (supervision.md 3.3)."""
_DECISION = {ClockKind.PROMISE, ClockKind.STATUTE, ClockKind.STATED}
MILD = frozenset({
    ClockKind.SUPPLEMENT, ClockKind.STEP, ClockKind.HEARING, ClockKind.ACCEPTANCE, ClockKind.EXPLANATION, ClockKind.RENEWAL,
})  # fmt: skip
"""Never more than yellow: the office's own business, or what a rule of the law holds red."""
CYCLED = _DECISION | {ClockKind.SUPPLEMENT, ClockKind.DELIVERY, ClockKind.ACCEPTANCE, ClockKind.RENEWAL}
"""Clocks of which each filing of a case has its own (supervision.md 3.2-7)."""
LATE_STOP = "时限届满后才开始，照常计时"
_LONGEST = 10_000
"""Days of a limit beyond which a source states nothing: what it says is shown, no instant is made of it that no page can write."""


class End(Struct, frozen=True):
    """What stops a clock: `open` as long as it has not happened; no time where the source does not record it."""

    open: bool
    text: str | None = None
    at: int | None = None


class Limit(Struct, frozen=True, kw_only=True):
    """One clock of a case, computed from its facts. Instants are microseconds."""

    kind: ClockKind
    yellow_at: int
    due_at: int
    running: bool
    provisional: bool
    budget: str  # for people: "20 个工作日", "业务系统所载应办结时间"
    start: date | None  # the day of the event, not counted itself
    end: End
    stops: list[Stop] = []  # whose days are not counted
    extension: Extension | None = None
    notes: list[str] = []  # what was told and changes nothing, with the reason
    cycle: int = 1  # which one of several of a kind
    proof_at: int = 0  # the data must be whole up to here too: what the start rests on
    worst: Light = Light.RED  # a limit of the office's own business is never more than yellow


class Bench(Struct, frozen=True):
    """What all limits of one case rest on."""

    case: CaseState
    item: Item | None
    calendar: Calendar
    zone: ZoneInfo
    pack: Pack
    specials: list[Special]
    stops: list[Stop]
    extensions: list[Extension]
    end: End


def counted(bench: Bench, kind: ClockKind, start: date, days: int, end: End, *, own: bool = False) -> Limit:
    """A limit in working days after `start`; of the decision (not its `own`), special procedures are taken out."""
    budget = f"{days} 个工作日"
    begun = clock.Clock(start, days, lead_of(bench, kind) or clock.default_lead(days))
    stops, extensions = ([], []) if own else (bench.stops, bench.extensions)
    try:
        walked = clock.course(begun, stops, extensions, bench.calendar)
        yellow, due, provisional = _days(walked.clock, bench.calendar)
    except ValueError:
        # The calendar does not reach: shown as provisional and a little late, never judged by a guess.
        rough = end_of_day(start, bench.zone) + min(days, _LONGEST) * 2 * DAY
        return Limit(
            kind=kind, yellow_at=rough, due_at=rough, running=True, provisional=True, budget=budget, start=start, end=end,
        )  # fmt: skip
    extended = walked.extension
    return Limit(
        kind=kind,
        yellow_at=start_of_day(yellow, bench.zone),
        due_at=end_of_day(due, bench.zone),
        running=walked.clock.running,
        provisional=provisional,
        budget=budget + (f"，依法延长 {extended.days} 个工作日" if extended else ""),
        start=start,
        end=end,
        stops=walked.stops,
        extension=extended,
        notes=[] if own else _notes(bench, walked, date.max if provisional else due),
        worst=Light.YELLOW if kind in MILD else Light.RED,
    )


@lru_cache(4096)  # of a backlog, many cases began on the same few days
def _days(walked: clock.Clock, calendar: Calendar) -> tuple[date, date, bool]:
    """-> (first yellow day, last day in time, whether that one is a guess). Raises ValueError outside the calendar."""
    due = clock.due(walked, calendar)
    return clock.yellow(walked, calendar), due, calendar.is_provisional(due)


def lead_of(bench: Bench, kind: ClockKind) -> int | None:
    """Working days before due at which the light turns yellow; None: the tenth of the limit."""
    of_item = bench.item.lead_days if bench.item and kind in _DECISION else None
    return of_item or _LEADS.get(kind)


def _notes(bench: Bench, walked: Course, due: date) -> list[str]:
    faults = [(one, one.fault or _begun_late(one, walked, due)) for one in bench.specials]
    found = [f"{one.first} 的{one.word}：{fault}" for one, fault in faults if fault]
    days = ["未记录时间" if one.day == date.min else f"{one.day} 才批准并告知" for one in walked.void]
    return found + [f"延期（{day}）不在时限内，或不是第一次，不计（行政许可法 42）" for day in days]


def _begun_late(one: Special, walked: Course, due: date) -> str:
    """A procedure that begins when the limit has passed takes nothing out of it (行政许可法 45)."""
    return LATE_STOP if walked.clock.running and one.first > due else ""


def is_former(kind: str, cycle: int, case: CaseState) -> bool:
    """Whether a clock belongs to an earlier filing of `case`."""
    return kind in CYCLED and cycle < case.cycle


def called(kind: str, cycle: int, filings: int) -> str:
    """A clock's name for people; of a case that was filed `filings` times, with the filing that it is of."""
    word = ClockKind(kind).word
    return f"{word}（第 {cycle} 次申请）" if filings > 1 and kind in CYCLED else word
