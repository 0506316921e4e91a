"""The wall's two small charts as numbers the page draws without arithmetic (server-side SVG, no chart engine).

Both axes of the trend share one scale: two thirds of the height are yellow, one third red, so that the zero line
stands still and a red bar can be compared with a yellow one.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from central.core import wording

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
            "tip": f"{wording.day(day)} 黄灯 {yellow} 红灯 {red}",
        }
        for place, (day, (yellow, red)) in enumerate(zip(days, values, strict=True))
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
