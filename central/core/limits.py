"""Which limits a case is under, each as one Clock: promise and statute side by side, and those of single acts.

Source: 行政许可法 32 (to say what is missing, within 5 working days, else the application counts as accepted from its
receipt), 42 (20 working days where no other law speaks, one extension), 44 (delivery), 45 (special procedures are
not counted), 82 (working days); supervision.md 3.2, 3.3.
"""

import zlib
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from central.core import acts, clock
from central.core.acts import Special
from central.core.calendar import Calendar
from central.core.case import CaseState, instant
from central.core.clock import Extension, Stop
from central.core.item import LEGAL_DAYS, Item, ItemKind
from common.core.instant import DAY, HOUR, end_of_day, local_date, start_of_day
from common.core.record import Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind

NOTICE_DAYS = 5
_LEADS = {ClockKind.DELIVERY: 2}
"""Working days before due at which the light turns yellow, where it is not the tenth (supervision.md 3.3)."""
_DECISION = {ClockKind.PROMISE, ClockKind.STATUTE, ClockKind.STATED}
_ON_THE_SPOT_LEAD = 8 * HOUR
"""An item done at once warns at 16:00, an hour before offices close (ours)."""


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


class _Bench(Struct, frozen=True):
    """What all limits of one case rest on."""

    case: CaseState
    item: Item | None
    calendar: Calendar
    zone: ZoneInfo
    specials: list[Special]
    stops: list[Stop]
    extensions: list[Extension]
    end: End


def limits(case: CaseState, item: Item | None, calendar: Calendar, zone: ZoneInfo) -> list[Limit]:
    """Every limit the case is under; none where nothing starts a clock. `item`: the version it is pinned to.

    An instant that the source states needs no calendar. A promise equal to the law is one clock, the statutory
    one (supervision.md 3.2-7).
    """
    if not case.seen:
        return []
    specials = acts.specials(case, item, zone)
    end = End(case.open, case.facts.finished_at, case.finished_at)
    longer = acts.extensions(case, item, zone)
    bench = _Bench(case, item, calendar, zone, specials, acts.stops(specials), longer, end)
    found = [_stated(bench, case.deadline_at)] if case.deadline_at is not None else []
    found = [limit for limit in found if limit.due_at > (case.accepted_at or 0)]
    if case.facts.status is not CaseStatus.REFUSED_ACCEPTANCE:
        start, proof_at, waiting = _start(bench)
        found += waiting
        if start is not None:
            found += [replace(limit, proof_at=proof_at) for limit in _decision(bench, start)]
            found += [_announced(bench, special) for special in specials if special.days]
    found += _steps(bench) if case.open else []
    return _distinct([*found, *_delivery(bench)])


def _distinct(found: list[Limit]) -> list[Limit]:
    places: dict[tuple[ClockKind, int], Limit] = {}
    for limit in found:
        places.setdefault((limit.kind, limit.cycle), limit)
    return list(places.values())


# the decision ------------------------------------------------------------------------------------------------


def _start(bench: _Bench) -> tuple[date | None, int, list[Limit]]:
    """The day from which the decision's limits run, until when the data must be whole to say so, and the limit of
    acceptance while that is still waited for.
    """
    case, item, zone = bench.case, bench.item, bench.zone
    accepted = acts.day(case.accepted, zone)
    received = acts.day(case.facts.received_at, zone)
    if item is None or not item.receipt_counts or received is None:
        return accepted, 0, []
    try:
        # A citizen's filing on a day off is received on the next working day; an organ's act counts on its day.
        filed = bench.calendar.roll_forward(received)
        limit = _counted(bench, ClockKind.SUPPLEMENT, filed, NOTICE_DAYS, End(case.open), own=True)
    except ValueError:
        return accepted, 0, []
    told = acts.day(acts.first_of(case, StepKind.SUPPLEMENT, zone), zone)
    done = acts.day(case.facts.finished_at, zone) if case.finished_at is not None else None
    first = min((one for one in (accepted, told, done) if one is not None), default=None)
    last = local_date(limit.due_at - 1, zone)
    if first is not None:
        return (accepted, 0, []) if first <= last else (filed, limit.due_at, [])
    if not case.open:
        return None, 0, []
    is_over = case.as_of is not None and case.as_of > limit.due_at and not limit.provisional
    return filed if is_over else None, limit.due_at, [limit]


def _decision(bench: _Bench, start: date) -> list[Limit]:
    facts, item = bench.case.facts, bench.item
    legal = item.legal_days if item else _stated_days(facts.legal) or LEGAL_DAYS
    promised = _stated_days(facts.promised) or (item.promised_days if item else None)
    if facts.promised_unit == "days" and _stated_days(facts.promised):
        promised = None  # a promise in calendar days is no working-day clock: it needs a stated deadline
    found = [_counted(bench, ClockKind.STATUTE, start, legal, bench.end)]
    if item and item.kind is ItemKind.ON_THE_SPOT:
        found.append(_at_once(bench, start))
    elif promised and promised < legal:
        found.append(_counted(bench, ClockKind.PROMISE, start, promised, bench.end))
    return found


def _stated_days(days: int | None) -> int | None:
    """A limit of no days, or fewer, is no statement: offices write 0 and -1 for "none"."""
    return days if days is not None and days > 0 else None


def _at_once(bench: _Bench, start: date) -> Limit:
    """即办件: no working day to spend; due on the day itself (supervision.md 3.2-6)."""
    limit = _counted(bench, ClockKind.PROMISE, start, 0, bench.end)
    return replace(
        limit, yellow_at=max(limit.yellow_at, limit.due_at - _ON_THE_SPOT_LEAD), budget="即办，当日办结"
    )


def _counted(bench: _Bench, kind: ClockKind, start: date, days: int, end: End, *, own: bool = False) -> Limit:
    """A limit in working days after `start`; of the decision (not its `own`), special procedures are taken out."""
    budget = f"{days} 个工作日"
    begun = clock.begin(start, days)
    begun = replace(begun, lead=_lead(bench, kind) or begun.lead)
    stops, extensions = ([], []) if own else (bench.stops, bench.extensions)
    try:
        walked = clock.course(begun, stops, extensions, bench.calendar)
        due, yellow = clock.due(walked.clock, bench.calendar), clock.yellow(walked.clock, bench.calendar)
    except ValueError:
        # The calendar does not reach: shown as provisional and a little late, never judged by a guess.
        rough = end_of_day(start, bench.zone) + days * 2 * DAY
        return Limit(
            kind=kind, yellow_at=rough, due_at=rough, running=True, provisional=True, budget=budget, start=start, end=end,
        )  # fmt: skip
    extended = walked.extension
    return Limit(
        kind=kind,
        yellow_at=start_of_day(yellow, bench.zone),
        due_at=end_of_day(due, bench.zone),
        running=walked.clock.running,
        provisional=bench.calendar.is_provisional(due),
        budget=budget + (f"，依法延长 {extended.days} 个工作日" if extended else ""),
        start=start,
        end=end,
        stops=walked.stops,
        extension=extended,
        notes=[] if own else _notes(bench, walked.void),
        worst=Light.YELLOW if kind in {ClockKind.SUPPLEMENT, ClockKind.STEP} else Light.RED,
    )


def _lead(bench: _Bench, kind: ClockKind) -> int | None:
    """Working days before due at which the light turns yellow; None: the tenth of the limit."""
    of_item = bench.item.lead_days if bench.item and kind in _DECISION else None
    return of_item or _LEADS.get(kind)


def _notes(bench: _Bench, void: list[Extension]) -> list[str]:
    found = [f"{one.first} 的{one.word}：{one.fault}" for one in bench.specials if one.fault]
    days = ["未记录时间" if one.day == date.min else f"{one.day} 才批准并告知" for one in void]
    return found + [f"延期（{day}）不在时限内，或不是第一次，不计（行政许可法 42）" for day in days]


# the others --------------------------------------------------------------------------------------------------


def _stated(bench: _Bench, due: int) -> Limit:
    """That instant, not its day; yellow as many working days before it as a counted limit would have."""
    case, zone = bench.case, bench.zone
    try:
        yellow = _lead_before(case.accepted_at, due, bench, _lead(bench, ClockKind.STATED))
    except ValueError:  # outside the calendar
        yellow = due - DAY
    earliest = case.accepted_at if case.accepted_at is not None else yellow
    last = local_date(due, zone)
    return Limit(
        kind=ClockKind.STATED,
        yellow_at=min(max(yellow, earliest), due),
        due_at=due,
        running=not any(stop.last is None and stop.first <= last for stop in bench.stops),
        provisional=False,
        budget="业务系统所载应办结时间",
        start=acts.day(case.accepted, zone),
        end=bench.end,
        stops=bench.stops,
    )


def _lead_before(start: int | None, due: int, bench: _Bench, lead: int | None = None) -> int:
    """`lead` None: the tenth of the days from `start`. Raises ValueError outside the calendar."""
    calendar, zone = bench.calendar, bench.zone
    last = local_date(due, zone)
    days = 1 if start is None else calendar.count(local_date(start - 1, zone), last)
    day = calendar.back(last, lead or clock.default_lead(max(1, days)))
    return due - (start_of_day(last, zone) - start_of_day(day, zone))


def _announced(bench: _Bench, special: Special) -> Limit:
    """A special procedure within the time the applicant was told it needs (行政许可法 45)."""
    text = str(special.last) if special.last else None
    end = End(
        open=special.last is None and bench.case.open,
        text=text,
        at=instant(text, bench.zone) if text else None,
    )
    limit = _counted(bench, ClockKind.PROCEDURE, special.first, special.days or 0, end, own=True)
    return replace(
        limit, budget=f"{special.word}，告知 {special.days} 个工作日", cycle=special.first.toordinal()
    )


def _delivery(bench: _Bench) -> list[Limit]:
    """From the decision to its delivery (行政许可法 44), where the source records deliveries."""
    case, item, zone = bench.case, bench.item, bench.zone
    decided = acts.day(case.facts.finished_at, zone)
    if not item or not item.delivery_days or decided is None or case.deleted or case.open:
        return []
    if case.facts.status in {CaseStatus.REFUSED_ACCEPTANCE, CaseStatus.WITHDRAWN}:
        return []
    text = acts.first_of(case, StepKind.DELIVER, zone)
    end = End(open=text is None, text=text, at=instant(text, zone))
    limit = _counted(bench, ClockKind.DELIVERY, decided, item.delivery_days, end, own=True)
    return [limit]


def _steps(bench: _Bench) -> list[Limit]:
    """Steps under way, by their own limits: the source's, or the route's of the catalogue. Never more than yellow."""
    days = {step.name: step.days for step in bench.item.route if step.days} if bench.item else {}
    found = []
    for step in bench.case.steps:
        start = acts.day(step.started_at, bench.zone)
        if step.finished_at is not None or "finished_at" in step.invalid or start is None:
            continue
        limit = _step(bench, step, start, days.get(step.step_name or ""))
        found += [limit] if limit is not None else []
    return found


def _step(bench: _Bench, step: Step, start: date, days: int | None) -> Limit | None:
    name = step.step_name or step.kind.word
    cycle = (
        zlib.crc32(f"{name}|{step.started_at}".encode()) >> 1
    )  # from content: the same in whatever order it came
    due = instant(step.due_at, bench.zone)
    if due is not None:
        try:
            lead = _lead_before(instant(step.started_at, bench.zone), due, bench)
        except ValueError:
            lead = due - DAY
        return Limit(
            kind=ClockKind.STEP,
            yellow_at=min(lead, due),
            due_at=due,
            running=True,
            provisional=False,
            budget=f"{name}，业务系统所载",
            start=start,
            end=End(open=True),
            cycle=cycle,
            worst=Light.YELLOW,
        )
    if days is None:
        return None
    limit = _counted(bench, ClockKind.STEP, start, days, End(open=True), own=True)
    return replace(limit, budget=f"{name}，{days} 个工作日", cycle=cycle)
