"""What a box says of its backlog against what the hall has: where the two differ, one of them is stuck, or lies.

Figures are compared only when nothing moved between two heartbeats; what can never be true is said at once.
"""

from msgspec import Struct

from common.core.instant import SECOND

AGE_SLACK_SECS = 2.0
CLOCK_ALARM_MS = 30_000.0
_UNDER_WAY = {"catchup", "steady"}


class View(Struct, frozen=True, kw_only=True):
    """One heartbeat beside the hall's own rows at that moment. Numbers are of the box's present epoch."""

    epoch: bytes
    state: str
    newest: int
    upto: int
    rows: int
    lacking: int
    age_s: float
    heard_wall: int
    held_upto: int
    held_top: int
    missing: int
    """Of the numbers 1..newest, in the hall."""
    moved_wall: int
    """When the hall last took something of the epoch."""


def disagreement(before: View | None, now: View) -> str:
    """What does not fit, as a sentence; empty where all does, or nothing can be said yet."""
    if now.state not in _UNDER_WAY:
        return ""  # it is still being told what the hall holds
    quiet = (
        before is not None and now.moved_wall == before.moved_wall
    )  # else the hall's row is newer than the words
    still = quiet and before is not None and _still(before, now)
    waited = (now.heard_wall - before.heard_wall) / SECOND if before else 0.0
    rules = (
        (
            now.upto > now.held_upto,
            f"站点以为市中心已收到第 {now.upto:,} 条，市中心只收到第 {now.held_upto:,} 条",
        ),
        (
            quiet and now.held_top > now.newest,
            f"市中心已有第 {now.held_top:,} 条，站点只编到第 {now.newest:,} 条",
        ),
        (
            still and now.lacking >= 0 and now.lacking != now.missing,
            f"站点说市中心缺 {now.lacking:,} 条，市中心算得缺 {now.missing:,} 条",
        ),
        (
            still and now.rows > 0 and now.age_s < waited - AGE_SLACK_SECS,
            f"站点说最早的待传记录等了 {now.age_s:.0f} 秒，市中心已等了 {waited:.0f} 秒",
        ),
    )
    return next((said for differs, said in rules if differs), "")


def _still(before: View, now: View) -> bool:
    """Nothing was captured or deleted in between."""
    return (before.epoch, before.newest, before.upto, before.rows) == (
        now.epoch,
        now.newest,
        now.upto,
        now.rows,
    )


def clock_fault(offset_ms: float | None) -> str:
    """A clock that is so wrong that people are misled; data is not."""
    if offset_ms is None or abs(offset_ms) <= CLOCK_ALARM_MS:
        return ""
    return f"站点的时钟{'慢' if offset_ms > 0 else '快'} {abs(offset_ms) / 1000:,.0f} 秒；数据的次序与时限不受影响"
