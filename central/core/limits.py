"""Which limits a case is under, each as one Clock: promise and statute side by side, and those of single acts.

Source: 行政许可法 32 (to say what is missing, within 5 working days, else the application counts as accepted from its
receipt), 42 (20 working days where no other law speaks, one extension), 44 (delivery), 45 (special procedures are
not counted), 82 (working days); supervision.md 3.2, 3.3.
"""

import zlib
from datetime import date
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from central.core import acts, clock
from central.core.acts import Special
from central.core.calendar import Calendar
from central.core.case import CaseState, instant
from central.core.duties import duties
from central.core.item import LEGAL_DAYS, Item, ItemKind
from central.core.limit import CYCLED, Bench, End, Limit, counted, lead_of
from central.core.pack import PACK, Pack
from common.core.instant import DAY, HOUR, local_date, start_of_day
from common.core.record import Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind

NOTICE_DAYS = 5
_ON_THE_SPOT_LEAD = 8 * HOUR
"""An item done at once warns at 16:00, an hour before offices close (ours)."""


def limits(
    case: CaseState, item: Item | None, calendar: Calendar, zone: ZoneInfo, pack: Pack = PACK
) -> list[Limit]:
    """Every limit the case is under; none where nothing starts a clock. `item`: the version it is pinned to.

    An instant that the source states needs no calendar. A promise equal to the law is one clock, the statutory
    one (supervision.md 3.2-7).
    """
    if not case.seen:
        return []
    specials = acts.specials(case, item, zone)
    end = End(case.open, case.facts.finished_at, case.finished_at)
    longer = acts.extensions(case, item, zone)
    stops = acts.stops(sorted([*specials, *_stood(case, zone)], key=lambda one: one.first))
    bench = Bench(case, item, calendar, zone, pack, specials, stops, longer, end)
    found = [_stated(bench, case.deadline_at)] if case.deadline_at is not None else []
    found = [limit for limit in found if limit.due_at > (case.accepted_at or 0)]
    if case.facts.status is not CaseStatus.REFUSED_ACCEPTANCE:
        start, proof_at, waiting = _start(bench)
        found += waiting
        if start is not None:
            found += [replace(limit, proof_at=proof_at) for limit in _decision(bench, start)]
            found += [_announced(bench, special) for special in specials if special.days]
    found += [*_steps(bench), *duties(bench)] if case.open else []
    found = [*found, *_delivery(bench)]
    if case.cycle > 1:
        found = [replace(one, cycle=case.cycle) if one.kind in CYCLED else one for one in found]
    return _distinct(found)


def _stood(case: CaseState, zone: ZoneInfo) -> list[Special]:
    """Days on which the source said that it was over: they are nobody's delay, as little as a special procedure's."""
    begun = acts.day(case.accepted, zone) or date.min
    return [
        Special(max(one.first, begun), one.last, None, one.why, "")
        for one in case.stood
        if one.last is not None and one.last >= begun
    ]


def _distinct(found: list[Limit]) -> list[Limit]:
    places: dict[tuple[ClockKind, int], Limit] = {}
    for limit in found:
        places.setdefault((limit.kind, limit.cycle), limit)
    return list(places.values())


# the decision ------------------------------------------------------------------------------------------------


def _start(bench: Bench) -> tuple[date | None, int, list[Limit]]:
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
        limit = counted(bench, ClockKind.SUPPLEMENT, filed, NOTICE_DAYS, End(case.open), own=True)
    except ValueError:
        return accepted, 0, []
    if _is_doubtful(case, zone):
        return accepted, 0, []
    told = acts.day(acts.first_of(case, StepKind.SUPPLEMENT, zone), zone)
    done = acts.day(case.facts.finished_at, zone) if case.finished_at is not None else None
    once = min((one.first for one in case.stood), default=None)
    first = min((one for one in (accepted, told, done, once) if one is not None), default=None)
    last = local_date(limit.due_at - 1, zone)
    if first is not None:
        # By a guessed calendar nobody was silent for too long.
        is_in_time = first <= last or limit.provisional
        return (accepted, 0, []) if is_in_time else (filed, limit.due_at, [])
    if not case.open:
        return None, 0, []
    is_over = case.as_of is not None and case.as_of > limit.due_at and not limit.provisional
    return filed if is_over else None, limit.due_at, [limit]


def _is_doubtful(case: CaseState, zone: ZoneInfo) -> bool:
    """A notice or an acceptance is recorded of which nobody knows the day: it may have been in time, so the silence that
    counts as acceptance is not proven.
    """
    notices = acts.of_kind(case, StepKind.SUPPLEMENT)
    undated = any(acts.day(step.notified_at or acts.ended(step), zone) is None for step in notices)
    unread = any(
        acts.is_unreadable(step, "started_at", "finished_at") for step in acts.of_kind(case, StepKind.ACCEPT)
    )
    stated = case.facts.invalid.get("accepted_at", "")
    return undated or (case.accepted is None and (unread or any(digit in stated for digit in "123456789")))


def _decision(bench: Bench, start: date) -> list[Limit]:
    facts, item = bench.case.facts, bench.item
    legal = item.legal_days if item else _stated_days(facts.legal) or LEGAL_DAYS
    promised = _stated_days(facts.promised) or (item.promised_days if item else None)
    if facts.promised_unit == "days" and _stated_days(facts.promised):
        promised = None  # a promise in calendar days is no working-day clock: it needs a stated deadline
    found = [counted(bench, ClockKind.STATUTE, start, legal, bench.end)]
    if item and item.kind is ItemKind.ON_THE_SPOT:
        found.append(_at_once(bench, start))
    elif promised and promised < legal:
        found.append(counted(bench, ClockKind.PROMISE, start, promised, bench.end))
    return found


def _stated_days(days: int | None) -> int | None:
    """A limit of no days, or fewer, is no statement: offices write 0 and -1 for "none"."""
    return days if days is not None and days > 0 else None


def _at_once(bench: Bench, start: date) -> Limit:
    """即办件: no working day to spend; due on the day itself (supervision.md 3.2-6)."""
    limit = counted(bench, ClockKind.PROMISE, start, 0, bench.end)
    return replace(
        limit, yellow_at=max(limit.yellow_at, limit.due_at - _ON_THE_SPOT_LEAD), budget="即办，当日办结"
    )


# the others --------------------------------------------------------------------------------------------------


def _stated(bench: Bench, due: int) -> Limit:
    """That instant, not its day; yellow as many working days before it as a counted limit would have.

    A special procedure that was under way at that instant takes nothing from the office (行政许可法 45): the working days that
    were left when it began are left when it ends. What the source states beyond its end has it in already.
    """
    case, zone = bench.case, bench.zone
    try:
        due, provisional = _gone_on(bench, due), False
    except ValueError:  # the calendar does not reach: nothing is judged by a guess
        provisional = True
    try:
        yellow = _lead_before(case.accepted_at, due, bench, lead_of(bench, ClockKind.STATED))
    except ValueError:  # outside the calendar
        yellow = due - DAY
    earliest = case.accepted_at if case.accepted_at is not None else yellow
    last = local_date(due, zone)
    return Limit(
        kind=ClockKind.STATED,
        yellow_at=min(max(yellow, earliest), due),
        due_at=due,
        running=not any(stop.last is None and stop.first <= last for stop in bench.stops),
        provisional=provisional,
        budget="业务系统所载应办结时间",
        start=acts.day(case.accepted, zone),
        end=bench.end,
        stops=bench.stops,
    )


def _gone_on(bench: Bench, due: int) -> int:
    """Raises ValueError outside the calendar."""
    calendar, zone = bench.calendar, bench.zone
    for stop in bench.stops:
        last = local_date(due - 1, zone)
        if stop.last is not None and stop.first <= last <= stop.last:
            left = calendar.count(stop.first, last)
            day = calendar.nth(stop.last, left) if left else calendar.roll_forward(stop.last)
            if calendar.is_provisional(day):
                msg = f"{day} is not published"
                raise ValueError(msg)
            due += start_of_day(day, zone) - start_of_day(last, zone)
    return due


def _lead_before(start: int | None, due: int, bench: Bench, lead: int | None = None) -> int:
    """`lead` None: the tenth of the days from `start`. Raises ValueError outside the calendar."""
    calendar, zone = bench.calendar, bench.zone
    last = local_date(due, zone)
    days = 1 if start is None else calendar.count(local_date(start - 1, zone), last)
    day = calendar.back(last, lead or clock.default_lead(max(1, days)))
    return due - (start_of_day(last, zone) - start_of_day(day, zone))


def _announced(bench: Bench, special: Special) -> Limit:
    """A special procedure within the time the applicant was told it needs (行政许可法 45)."""
    text = str(special.last) if special.last else None
    end = End(
        open=special.last is None and bench.case.open,
        text=text,
        at=instant(text, bench.zone) if text else None,
    )
    limit = counted(bench, ClockKind.PROCEDURE, special.first, special.days or 0, end, own=True)
    return replace(
        limit, budget=f"{special.word}，告知 {special.days} 个工作日", cycle=special.first.toordinal()
    )


def _delivery(bench: Bench) -> list[Limit]:
    """From the decision to its delivery (行政许可法 44), where the source records deliveries."""
    case, item, zone = bench.case, bench.item, bench.zone
    decided = acts.day(case.facts.finished_at, zone)
    if not item or not item.delivery_days or decided is None or case.deleted or case.open:
        return []
    if case.facts.status in {CaseStatus.REFUSED_ACCEPTANCE, CaseStatus.WITHDRAWN}:
        return []
    text = acts.first_of(case, StepKind.DELIVER, zone)
    served = acts.of_kind(case, StepKind.DELIVER)
    is_told = text is not None or any(
        acts.is_unreadable(step, "started_at", "finished_at") for step in served
    )
    end = End(open=not is_told, text=text, at=instant(text, zone))
    limit = counted(bench, ClockKind.DELIVERY, decided, item.delivery_days, end, own=True)
    return [limit]


def _steps(bench: Bench) -> list[Limit]:
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


def _step(bench: Bench, step: Step, start: date, days: int | None) -> Limit | None:
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
    limit = counted(bench, ClockKind.STEP, start, days, End(open=True), own=True)
    return replace(limit, budget=f"{name}，{days} 个工作日", cycle=cycle)
