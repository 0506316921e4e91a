"""One clock of a case for people: its light, since when, until when, why, and every day it counts or does not."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Row

from central.core import chart, rules, wording
from central.core.case import CaseState
from central.core.chart import Day, Span
from central.core.hall import Facts
from central.core.limit import Limit, called
from common.core.instant import day_ending, local_date, start_of_day
from common.core.state import Light

BEYOND = timedelta(days=10)  # of a limit that is long past, so much is drawn
Calendar = dict[date, tuple[bool, str]]


class ClockView(Struct, frozen=True, kw_only=True):
    """What the page says of one clock."""

    name: str
    budget: str
    light: Light
    since: str
    yellow: str
    due: str
    left: str
    why: str
    notes: list[str]
    provisional: bool
    days: list[Day]
    goes_on: str
    """How much is left out behind the days that are drawn; or empty."""
    used: int
    budgeted: int


def reach(clocks: Sequence[Row[Any]], state: CaseState, facts: Facts) -> tuple[str, str]:
    """The first and last calendar day that any of the clocks may draw."""
    instants = [at for row in clocks for at in (row.due_at, row.yellow_at) if at]
    instants += [at for at in (state.accepted_at, state.received_at, facts.now_at) if at]
    instants += [
        start_of_day(date.fromisoformat(row.start_day), facts.zone) for row in clocks if row.start_day
    ]
    first, last = local_date(min(instants), facts.zone), local_date(max(instants), facts.zone)
    return str(first), str(last + BEYOND)


def view(
    row: Row[Any],
    limits: Sequence[Limit],
    state: CaseState,
    calendar: Calendar,
    complete_until: int | None,
    lit: Mapping[tuple[str, int], str],
    facts: Facts,
    filings: int,
) -> ClockView:
    """`row`: the clock as the judge left it; the limit it rests on is computed anew for budget and reason.

    `filings`: how often the case was filed. `lit`: kind and cycle of a clock -> the reason its red light was lit for, a dated fact that stays as it was said.
    """
    limit = next((one for one in limits if (one.kind, one.cycle) == (row.kind, row.cycle)), None)
    every = _days(row, limit, state, calendar, facts)
    last = _due_day(row, facts) + BEYOND if row.due_at and not _stands(row) else date.max
    days = [day for day in every if day.day <= last]
    end = limit.end.at if limit else state.finished_at
    ended = day_ending(end or facts.now_at, facts.zone)
    stands = _stands(row)
    return ClockView(
        name=called(row.kind, row.cycle, filings),
        budget=limit.budget if limit else "",
        light=Light(row.light),
        since=wording.full(row.since_at, facts.zone, facts.now_at) if row.since_at else "–",
        yellow=wording.full(row.yellow_at, facts.zone, facts.now_at) if row.yellow_at and not stands else "–",
        due="恢复后续算"
        if stands
        else wording.deadline(row.due_at, facts.zone, facts.now_at)
        if row.due_at
        else "–",
        left=_left(row, state, facts),
        why=lit[row.kind, row.cycle]
        if row.light == Light.RED and (row.kind, row.cycle) in lit
        else _why(row, limit, state, complete_until, facts),
        notes=limit.notes if limit else [],
        provisional=row.provisional,
        days=days,
        goes_on=f"其后还有 {len(every) - len(days)} 天" if len(every) > len(days) else "",
        used=max((day.number for day in every if day.day <= ended), default=0),
        budgeted=next((day.number for day in days if day.is_due), 0),
    )


def _stands(row: Row[Any]) -> bool:
    """The clock stands still; its end is not known before it goes on."""
    return not row.running and not row.stopped


def _left(row: Row[Any], state: CaseState, facts: Facts) -> str:
    if row.stopped or not row.due_at:
        return "已停止计时" if row.stopped else "–"
    light = Light(row.light)
    if light in {Light.PAUSED, Light.GREY}:  # what is not whole is not called overdue
        return light.word
    if not state.open:
        return "–"
    return wording.light_left(light, row.due_at, facts.now_at, facts.zone, facts.slow.workday)


def _why(
    row: Row[Any], limit: Limit | None, state: CaseState, complete_until: int | None, facts: Facts
) -> str:
    if limit is None:
        return "时限的依据已不在源数据中"
    return rules.judge(state, limit, Light(row.light), complete_until, facts.now_at, facts.zone).why


def _due_day(row: Row[Any], facts: Facts) -> date:
    return wording.due_day(row.due_at, facts.zone)


def _days(
    row: Row[Any], limit: Limit | None, state: CaseState, calendar: Calendar, facts: Facts
) -> list[Day]:
    """From acceptance to the limit, and beyond it to the end where the case went beyond it."""
    if not row.due_at or not row.yellow_at:
        return []
    zone = facts.zone
    due, today = _due_day(row, facts), local_date(facts.now_at, zone)
    yellow = local_date(row.yellow_at, zone)
    start = min(date.fromisoformat(row.start_day) if row.start_day else yellow, due)
    end = limit.end.at if limit else state.finished_at
    ended = local_date(end - 1, zone) if end else today
    span = Span(start=start, yellow=yellow, due=due, until=max(due, ended), beyond=Light(row.light))
    if _stands(row):
        span = replace(span, yellow=date.max, due=date.max, until=max(start, today))
    return chart.days(span, today, calendar, limit.stops if limit else [])
