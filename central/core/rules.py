"""Which clocks a case has and what light each shows: pure, from facts, item, calendar and completeness.

Sources: 行政许可法 42 (20 working days where no other law speaks), 82 (working days), 45 (special procedures are
not counted); supervision.md 3.2 to 3.4. A red light is an accusation, so it needs proof: the site's data is whole
up to the due instant, and the case was still open then or is dated as finished after it.
"""

from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import clock
from central.core.calendar import Calendar
from central.core.case import CaseState, instant
from central.core.clock import Clock
from common.core.instant import DAY, day_of, end_of_day, is_date_only, local_date, start_of_day
from common.core.record import Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind

LEGAL_DAYS = 20


class Item(Struct, frozen=True):
    """An entry of the item catalogue; days are working days."""

    code: str
    name: str
    legal_days: int
    promised_days: int | None


class Limit(Struct, frozen=True):
    """One clock of a case, computed from its facts. Instants are microseconds."""

    kind: ClockKind
    yellow_at: int
    due_at: int
    running: bool
    provisional: bool
    budget: str  # for people: "20 个工作日", "业务系统所载应办结时间"


class Verdict(Struct, frozen=True):
    """A clock with its light.

    `since_at`: the instant from which the light holds; `next_check_at`: when it can change by time alone;
    `needs_until`: parked until the site's data is whole up to that instant.
    """

    limit: Limit
    light: Light
    since_at: int | None
    stopped: bool
    next_check_at: int | None
    needs_until: int | None
    why: str


def limits(case: CaseState, item: Item | None, calendar: Calendar, zone: ZoneInfo) -> list[Limit]:
    """Every limit the case is under; none where nothing starts a clock.

    An instant that the source states needs no calendar. A promise equal to the law is one clock, the statutory
    one (supervision.md 3.2-7).
    """
    found: list[Limit] = []
    if not case.seen:
        return found
    if case.deadline_at is not None and case.deadline_at > (case.accepted_at or 0):
        found.append(_stated(case, case.deadline_at, calendar, zone))
    if case.accepted_at is None or case.facts.status is CaseStatus.REFUSED_ACCEPTANCE:
        return found
    legal = _stated_days(case.facts.legal) or (item.legal_days if item else LEGAL_DAYS)
    promised = _stated_days(case.facts.promised) or (item.promised_days if item else None)
    if case.facts.promised_unit == "days" and _stated_days(case.facts.promised):
        promised = None  # a promise in calendar days is no working-day clock: it needs a stated deadline
    found.append(_counted(case, case.accepted_at, ClockKind.STATUTE, legal, calendar, zone))
    if promised and promised < legal:
        found.append(_counted(case, case.accepted_at, ClockKind.PROMISE, promised, calendar, zone))
    return found


def _stated_days(days: int | None) -> int | None:
    """A limit of no days, or fewer, is no statement: offices write 0 and -1 for "none"."""
    return days if days is not None and days > 0 else None


def _stated(case: CaseState, due: int, calendar: Calendar, zone: ZoneInfo) -> Limit:
    """That instant, not its day; yellow as many working days before it as a counted limit would have."""
    try:
        yellow = _lead_before(case.accepted_at, due, calendar, zone)
    except ValueError:  # outside the calendar
        yellow = due - DAY
    earliest = case.accepted_at if case.accepted_at is not None else yellow
    return Limit(
        kind=ClockKind.STATED,
        yellow_at=min(max(yellow, earliest), due),
        due_at=due,
        running=not _paused(case, local_date(due, zone), zone),
        provisional=False,
        budget="业务系统所载应办结时间",
    )


def _lead_before(start: int | None, due: int, calendar: Calendar, zone: ZoneInfo) -> int:
    """Raises ValueError outside the calendar."""
    last = local_date(due, zone)
    days = 1 if start is None else calendar.count(local_date(start, zone), last)
    day = calendar.back(last, clock.default_lead(max(1, days)))
    return due - (start_of_day(last, zone) - start_of_day(day, zone))


def _counted(
    case: CaseState, accepted_at: int, kind: ClockKind, days: int, calendar: Calendar, zone: ZoneInfo
) -> Limit:
    """A limit in working days from acceptance, with the special procedures taken out."""
    text = case.facts.accepted_at
    start = day_of(text, zone) if text else local_date(accepted_at, zone)
    budget = f"{days} 个工作日"
    try:
        state = _with_pauses(clock.begin(start, days), case, calendar, zone)
        due, yellow = clock.due(state, calendar), clock.yellow(state, calendar)
    except ValueError:
        # The calendar does not reach: shown as provisional and a little late, never judged by a guess.
        rough = accepted_at + days * 2 * DAY
        return Limit(kind, rough, rough, running=True, provisional=True, budget=budget)
    return Limit(
        kind=kind,
        yellow_at=start_of_day(yellow, zone),
        due_at=end_of_day(due, zone),
        running=state.running,
        provisional=calendar.is_provisional(due),
        budget=budget,
    )


def _with_pauses(state: Clock, case: CaseState, calendar: Calendar, zone: ZoneInfo) -> Clock:
    """A procedure that begins when the limit is over takes nothing back."""
    for first, last in stops(case, zone):
        if last is not None and last < state.start:
            continue  # over before the clock began
        if first > clock.due(state, calendar):
            break
        state = clock.pause(state, max(first, state.start), calendar)
        state = state if last is None else clock.resume(state, last)
    return state


def _paused(case: CaseState, due: date, zone: ZoneInfo) -> bool:
    """A special procedure has begun while the limit ran, and nothing says that it ended."""
    return any(last is None and first <= due for first, last in stops(case, zone))


def stops(case: CaseState, zone: ZoneInfo) -> list[tuple[date, date | None]]:
    """Special procedures as spans of days that do not touch, in order; None: not ended.

    One ends with the first resumption on or after its first day, else with its own row's end. That must be a later
    day: an end on the day it began may be that of the clerk's act, and a doubt accuses nobody. Procedures that overlap
    or follow on one day are one span (行政许可法 45: what they take is not counted, however many run).
    """
    resumed = sorted(
        day for step in case.steps if step.kind is StepKind.RESUME and (day := _day(_began(step), zone))
    )
    found: list[tuple[date, date | None]] = []
    for step in case.steps:
        first = _day(_began(step), zone) if step.kind is StepKind.PAUSE else None
        if first is None:
            continue
        own = _day(step.finished_at, zone)
        last = own if own is not None and own > first else None
        found.append((first, next((day for day in resumed if day >= first), last)))
    spans: list[tuple[date, date | None]] = []
    for first, last in sorted(found, key=lambda span: (span[0], span[1] or date.max)):
        before = spans[-1] if spans else None
        if before is None or (before[1] is not None and first > before[1]):
            spans.append((first, last))
        else:
            open_end = before[1] is None or last is None
            spans[-1] = before[0], None if open_end else max(before[1] or date.min, last or date.min)
    return spans


def _began(step: Step) -> str | None:
    return step.started_at or step.finished_at


def _day(text: str | None, zone: ZoneInfo) -> date | None:
    """None for a day nobody can mean."""
    return day_of(text, zone) if text and instant(text, zone) is not None else None


def judge(
    case: CaseState,
    limit: Limit,
    before: Light,
    complete_until: int | None,
    now_at: int,
    zone: ZoneInfo,
) -> Verdict:
    """The light of one limit at `now_at`. `before` is the light it showed: a red one stays (a dated fact)."""
    if before is Light.RED:
        return _verdict(limit, Light.RED, limit.due_at, stopped=not case.open, why=_over(limit))
    if not case.open:
        return (
            _overdue(case, limit, complete_until) if _ended_late(case, limit, zone) else _ended(case, limit)
        )
    if not limit.running:
        return _verdict(limit, Light.PAUSED, None, why="依法停表，期间不计入时限")
    return _waiting(limit, now_at) if now_at <= limit.due_at else _overdue(case, limit, complete_until)


def _over(limit: Limit) -> str:
    return f"超过{limit.kind.word}（{limit.budget}）"


def _overdue(case: CaseState, limit: Limit, complete_until: int | None) -> Verdict:
    """Past due, as far as is known: red only on whole data and a published calendar."""
    if limit.provisional:
        return _verdict(limit, Light.GREY, limit.due_at, stopped=not case.open, why="日历未发布，暂不判定")
    if complete_until is None or complete_until < limit.due_at:
        why = "待数据：站点数据未到应办结时刻"
        return _verdict(limit, Light.GREY, limit.due_at, needs=limit.due_at, why=why)
    tail = "，到期后核对仍未办结" if case.open else "后办结"
    return _verdict(limit, Light.RED, limit.due_at, stopped=not case.open, why=_over(limit) + tail)


def _ended_late(case: CaseState, limit: Limit, zone: ZoneInfo) -> bool:
    """A completion without a time of day is late only when its day is: nobody is late by a missing hour."""
    if case.finished_at is None or case.deleted:
        return False
    text = case.facts.finished_at or ""
    if is_date_only(text):
        return day_of(text, zone) > local_date(limit.due_at - 1, zone)
    return case.finished_at > limit.due_at


def _ended(case: CaseState, limit: Limit) -> Verdict:
    if case.deleted:
        return _verdict(limit, Light.NONE, None, stopped=True, why="源数据已删除，不再计时")
    if case.finished_at is None:
        return _verdict(limit, Light.NONE, None, stopped=True, why="已结束，业务系统未记录办结时间，无数据")
    return _verdict(limit, Light.GREEN, case.finished_at, stopped=True, why=f"在{limit.kind.word}内办结")


def _waiting(limit: Limit, now_at: int) -> Verdict:
    if now_at >= limit.yellow_at:
        why = f"临近{limit.kind.word}（{limit.budget}）"
        return _verdict(limit, Light.YELLOW, limit.yellow_at, check=limit.due_at + 1, why=why)
    why = f"在{limit.kind.word}内（{limit.budget}）"
    return _verdict(limit, Light.GREEN, None, check=limit.yellow_at, why=why)


def _verdict(
    limit: Limit,
    light: Light,
    since: int | None,
    *,
    stopped: bool = False,
    check: int | None = None,
    needs: int | None = None,
    why: str,
) -> Verdict:
    return Verdict(limit, light, since, stopped, check, needs, why)
