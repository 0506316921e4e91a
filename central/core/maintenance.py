"""Planned maintenance 计划维护 of a site: from when to when a silent line is no outage. No light depends on it: whether a
site's data is whole is proven by the data alone, in a window as outside.
"""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import wording
from common.core.instant import DAY, HOUR, MINUTE, local_date

LONGEST = 7 * DAY
FARTHEST = 90 * DAY
LATE = 10 * MINUTE
"""A form was being filled in so long: what begins within it before now begins now."""


class Window(Struct, frozen=True):
    """[from_at, until_at), office time; empty where it was ended before it began."""

    from_at: int
    until_at: int

    def has(self, at: int) -> bool:
        return self.from_at <= at < self.until_at

    def meets(self, other: "Window") -> bool:
        """They have an instant in common."""
        return max(self.from_at, other.from_at) < min(self.until_at, other.until_at)

    def end(self, zone: ZoneInfo) -> str:
        """`15:00`; with its day where it ends on another than it began: `6月13日 08:00`."""
        same = local_date(self.from_at, zone) == local_date(self.until_at, zone)
        return wording.clock(self.until_at, zone) if same else wording.due(self.until_at, zone)


def in_force(windows: Iterable[Window], now_at: int) -> Window | None:
    return next((window for window in windows if window.has(now_at)), None)


def planned(wish: Window, now_at: int) -> Window:
    """The window that `wish` comes to: none begins before it was set."""
    return Window(max(wish.from_at, now_at), wish.until_at)


def fault(wish: Window, others: Iterable[Window], now_at: int) -> str:
    """Why it cannot be set, as a sentence; "": it can. `others`: those of the site that have not ended."""
    rules = (
        (wish.until_at <= wish.from_at, "结束时间应在开始时间之后"),
        (wish.from_at < now_at - LATE, "开始时间已过：维护只能事先安排，不能补报"),
        (wish.until_at <= now_at, "结束时间已过"),
        (
            wish.until_at - wish.from_at > LONGEST,
            f"一次维护最长 {LONGEST // DAY} 天（{LONGEST // HOUR} 小时）",
        ),
        (wish.from_at > now_at + FARTHEST, f"最多提前 {FARTHEST // DAY} 天安排"),
        (any(wish.meets(other) for other in others), "与已安排的维护重叠：请先结束那一次"),
    )
    return next((said for holds, said in rules if holds), "")
