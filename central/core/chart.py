"""The wall's two small charts, and the days of a limit, as values the page draws without arithmetic.

Server-side SVG, no chart engine. Both axes of the trend share one scale: two thirds of the height are yellow, one third red, so that the zero line
stands still and a red bar can be compared with a yellow one.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct

from central.core import wording
from central.core.clock import Stop
from common.core.state import Light

TREND_DAYS = 30
FORECAST_DAYS = 10
_NICE = (1, 2, 5, 10, 15, 20, 25, 50, 75, 100, 150, 200, 250, 500, 750, 1000)


def nice(value: int) -> int:
    """The smallest round number that is not below `value`."""
    for step in _NICE:
        if step >= value:
            return step
    return -(-value // 1000) * 1000


def trend(changes: Mapping[date, tuple[int, int]], today: date) -> dict[str, dict[str, str]]:
    """Yellow up, red down, for the last 30 days: bar -> (y, height) in units of the chart, and its scale."""
    days = [today - timedelta(days=back) for back in reversed(range(TREND_DAYS))]
    values = [changes.get(day, (0, 0)) for day in days]
    half = nice(max([1, *(-(-yellow // 2) for yellow, _ in values), *(red for _, red in values)]))
    bars = {
        str(place): {
            "yy": f"{100 - yellow * 50 / half:g}",
            "yh": f"{yellow * 50 / half:g}",
            "rh": f"{red * 50 / half:g}",
        }
        for place, (yellow, red) in enumerate(values)
    }
    yellow, red = (sum(pair[side] for pair in values) for side in (0, 1))
    return bars | {
        "axis": {
            "top": str(half * 2),
            "half": str(half),
            "down": str(half),
            "first": wording.day(days[0]),
            "middle": wording.day(days[TREND_DAYS // 2]),
            "label": f"近 {TREND_DAYS} 日黄灯 {yellow} 件次，红灯 {red} 件次",
        }
    }


def forecast(due: Mapping[date, int], workday: Mapping[date, bool], today: date) -> dict[str, dict[str, str]]:
    """Open cases that fall due on the next ten working days, today included."""
    days = [
        day
        for ahead in range(40)
        if workday.get(day := today + timedelta(days=ahead), day.weekday() < 5) or due.get(day)
    ][:FORECAST_DAYS]
    top = nice(max([1, *(due.get(day, 0) for day in days)]))
    return {
        str(place): {
            "n": str(due.get(day, 0)),
            "y": f"{100 - due.get(day, 0) * 100 / top:g}",
            "h": f"{due.get(day, 0) * 100 / top:g}",
            "day": "今天" if day == today else f"{day.month}/{day.day}",
        }
        for place, day in enumerate(days)
    }


def bars(values: Sequence[tuple[str, Decimal | None]]) -> list[tuple[str, str]]:
    """(label, width in hundredths of the longest) of each; what has no value, or none above zero, has no bar."""
    top = max((value for _, value in values if value is not None), default=Decimal(0))
    return [
        (label, f"{value * 100 / top:.1f}" if value is not None and value > 0 and top > 0 else "0")
        for label, value in values
    ]


class Column(Struct, frozen=True):
    """One stretch of time: what is written under it (of some nothing), how high it and the one it is compared with are, of 100."""

    name: str
    label: str
    value: str
    y: str
    height: str
    before_y: str = "100"
    before: str = "0"


MOST_LABELS = 31
"""Columns that all bear a label; of more, so many at most."""


def columns(
    values: Sequence[tuple[str, Decimal | None, Decimal | None]], shown: Callable[[Decimal | None], str]
) -> list[Column]:
    """(time, value, that of the time before) from left to right. What has no value, or one below zero, has no height."""
    top = max((one for _, *both in values for one in both if one is not None), default=Decimal(0))
    step = -(-len(values) // MOST_LABELS)
    found: list[Column] = []
    for place, (name, now, before) in enumerate(values):
        high, old = (Decimal(0) if one is None or one <= 0 else one * 100 / top for one in (now, before))
        label = _short(name, values[place - 1][0] if place else "") if place % step == 0 else ""
        found.append(
            Column(
                name, label, shown(now), f"{100 - high:.1f}", f"{high:.1f}", f"{100 - old:.1f}", f"{old:.1f}"
            )
        )
    return found


def _short(name: str, before: str) -> str:
    """`2026-06` as 6 月, `2026-06-01` and `2026-06-01 起` as 6/1 or, behind a day of the same month, 1."""
    month = int(name[5:7])
    if len(name) == len("2026-06"):
        return f"{month} 月"
    day = int(name[8:10])
    return (
        str(day)
        if len(name) == len(before) == len("2026-06-01") and before[:7] == name[:7]
        else f"{month}/{day}"
    )


class Day(Struct, frozen=True, kw_only=True):
    """One calendar day of a limit, as its clock counts it."""

    day: date
    number: int = 0  # which counted day it is; 0: it is not counted
    why: str = ""  # of a day that is not counted
    light: Light
    is_due: bool
    is_today: bool


class Span(Struct, frozen=True, kw_only=True):
    """The days of one limit: where it starts, turns yellow, ends, until when it is drawn, and what comes after."""

    start: date
    yellow: date
    due: date
    until: date
    beyond: Light  # red only if the clock is: days that have passed accuse nobody


def days(
    span: Span,
    today: date,
    calendar: Mapping[date, tuple[bool, str]],
    stops: Sequence[Stop],
) -> list[Day]:
    """Every day of `span`: counted, or why not. `stops`: the special procedures that take days out of the count."""
    found: list[Day] = []
    number = 0
    for offset in range((span.until - span.start).days + 1):
        day = span.start + timedelta(days=offset)
        works, reason = calendar.get(day, (day.weekday() < 5, "周末"))
        stop = next((one.why for one in stops if one.first < day <= (one.last or date.max)), "")
        why = "" if works and offset and not stop else _uncounted(offset, stop, works=works, reason=reason)
        number += not why
        found.append(
            Day(
                day=day,
                number=0 if why else number,
                why=why,
                light=_shade(day, span),
                is_due=day == span.due,
                is_today=day == today,
            )
        )
    return found


def _uncounted(offset: int, stop: str, *, works: bool, reason: str) -> str:
    if offset == 0:
        return "当日"
    return stop if works else reason or "休息"


def _shade(day: date, span: Span) -> Light:
    if day > span.due:
        return span.beyond
    return Light.YELLOW if day >= span.yellow else Light.GREEN
