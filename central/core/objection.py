"""An objection to one fault of a provisional result: filed by the unit within the window, decided by somebody else. Pure."""

from datetime import date
from enum import StrEnum

from central.core.calendar import Calendar
from common.core.errors import UsageError

WINDOW_DAYS = 5
"""Working days after the provisional result (supervision.md 3.12, ours)."""


class ObjectionState(StrEnum):
    """What became of an objection."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"

    @property
    def word(self) -> str:
        return {"waiting": "待认定", "granted": "成立", "refused": "不成立"}[self.value]


def last_day(made: date, calendar: Calendar) -> date:
    """Up to and with which day units may object to a result of `made`."""
    return calendar.nth(made, WINDOW_DAYS)


def must_be_open(today: date, until: date, *, is_final: bool) -> None:
    """Raises UsageError where nobody may object any more."""
    if is_final:
        raise UsageError("结果已是正式的，不能再提异议", hint="异议在初步结果公示期内提出")
    if today > until:
        raise UsageError(f"异议期已于 {until} 结束", hint="可向监察机关书面反映")


def must_be_over(today: date, until: date, waiting: int) -> None:
    """Raises UsageError where the result may not be made final yet."""
    if waiting:
        raise UsageError(f"还有 {waiting} 条异议待认定", hint="先逐条认定：mingcha score objections")
    if today <= until:
        raise UsageError(f"异议期到 {until} 为止，今天还不能定稿", hint="期满后再运行")


def must_be_another(author: str, who: str) -> None:
    """Four eyes. Raises UsageError."""
    if author == who:
        raise UsageError("自己提出的由另一人认定", hint="请由另一位有权的人办理")
