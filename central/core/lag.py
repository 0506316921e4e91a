"""What a box says of its backlog against what the hall has: where the two differ, one of them is stuck, or lies.

Theory. Figures move while they are compared, so a claim is held against bounds. What the box knew when it spoke the
hall has by now, and what the hall had said a while before, the box knew: honest figures lie between the numbers held
then and now, however fast rows come and go. There are three outcomes; that nothing can be said is no agreement.
"""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from central.core.site import rows_left
from common.core import ranges
from common.core.instant import MINUTE, SECOND
from common.core.ranges import Range

SETTLED = 30 * SECOND
"""No receipt and no heartbeat is under way for longer, while all is well."""
LASTING = 10 * SECOND
"""A difference that is gone with the next heartbeat was none: a hall that was restored is only about to say so."""
KEPT = 3 * MINUTE
SPACING = 10 * SECOND
CLOCK_ALARM_MS = 30_000.0
_UNDER_WAY = {"catchup", "steady"}


class Verdict(Enum):
    """Of a comparison."""

    DIFFERS = "differs"
    AGREES = "agrees"
    OPEN = "open"  # nothing can be said yet, or now


class Compared(Struct, frozen=True):
    """`words`: what differs, as a sentence; else empty."""

    verdict: Verdict
    words: str = ""


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
    held: list[Range]
    """In the hall, after the heartbeat came."""


class Watch(Struct, frozen=True):
    """What is remembered of one site's heartbeats: a few of the last minutes, and since when they do not fit."""

    views: tuple[View, ...] = ()
    doubt_wall: int | None = None


def follow(watch: Watch, now: View) -> tuple[Watch, Compared]:
    """Compare `now`. -> what to remember for the next, and the outcome."""
    views = _of_its_time(watch, now)
    found = _compared(views, now)
    doubt = watch.doubt_wall
    if found.verdict is Verdict.AGREES:
        doubt = None
    elif found.verdict is Verdict.DIFFERS:
        doubt = now.heard_wall if doubt is None else min(doubt, now.heard_wall)
        if now.heard_wall - doubt < LASTING:
            found = Compared(Verdict.OPEN)
    if not views or now.heard_wall - views[-1].heard_wall >= SPACING:
        views = (*views, now)
    return Watch(views, doubt), found


def behind_since(known_wall: int | None, watch: Watch, now: View, announced: int) -> int | None:
    """Since when announced numbers have been missing without a break, by the hall's own reckoning; None: all are held.

    `known_wall`: what this said before; `announced`: the highest number that the hall has heard of otherwise. Where all
    has come that the heartbeat before announced, what is missing now is new.
    """
    if not rows_left(now.held, max(now.newest, announced)):
        return None
    views = _of_its_time(watch, now)
    come = bool(views) and not rows_left(now.held, views[-1].newest)
    return now.heard_wall if known_wall is None or come else known_wall


def _of_its_time(watch: Watch, now: View) -> tuple[View, ...]:
    since = now.heard_wall - KEPT
    return tuple(
        view for view in watch.views if view.epoch == now.epoch and since <= view.heard_wall <= now.heard_wall
    )


def _compared(views: Sequence[View], now: View) -> Compared:
    if now.state not in _UNDER_WAY:
        return Compared(Verdict.OPEN)  # it is still being told what the hall holds
    settled = [view for view in views if view.heard_wall <= now.heard_wall - SETTLED]
    words = _untrue(now) or (_unlikely(settled[-1], now) if settled else "") or _too_young(views, now)
    if words:
        return Compared(Verdict.DIFFERS, words)
    return Compared(Verdict.AGREES if settled and now.lacking >= 0 else Verdict.OPEN)


def _untrue(now: View) -> str:
    """What no honest box can say: the hall has had all that the box knew when it spoke."""
    upto, missing = ranges.upto(now.held), rows_left(now.held, now.newest)
    if now.upto > upto:
        return f"站点以为市中心已收到第 {now.upto:,} 条，市中心只收到第 {upto:,} 条"
    if 0 <= now.lacking < missing:
        return f"站点说市中心缺 {now.lacking:,} 条，市中心算得缺 {missing:,} 条"
    return ""


def _unlikely(before: View, now: View) -> str:
    """What an honest box can no longer say: it has long heard what the hall held `before`."""
    top, missing = before.held[-1].hi if before.held else 0, rows_left(before.held, now.newest)
    if top > now.newest:
        return f"市中心已有第 {top:,} 条，站点只编到第 {now.newest:,} 条"
    if now.lacking > missing:
        return f"站点说市中心缺 {now.lacking:,} 条，市中心算得缺 {missing:,} 条"
    return ""


def _too_young(views: Sequence[View], now: View) -> str:
    """The lowest number that is missing was announced in `views` already: the oldest waiting record is no younger."""
    missing = ranges.upto(now.held) + 1
    known = [view.heard_wall for view in views if view.newest >= missing]
    waited = now.heard_wall - known[0] if known else 0
    if now.rows <= 0 or now.age_s * SECOND >= waited - SETTLED:
        return ""
    if now.age_s < 0:
        return f"站点说不出最早的待传记录等了多久（机器的时钟被调过），市中心已等了 {waited // SECOND} 秒"
    return f"站点说最早的待传记录等了 {now.age_s:.0f} 秒，市中心已等了 {waited // SECOND} 秒"


def clock_fault(offset_ms: float | None) -> Compared:
    """A clock that is so wrong that people are misled; data is not. None: it has not been compared."""
    if offset_ms is None:
        return Compared(Verdict.OPEN)
    if abs(offset_ms) <= CLOCK_ALARM_MS:
        return Compared(Verdict.AGREES)
    way = "慢" if offset_ms > 0 else "快"
    return Compared(
        Verdict.DIFFERS,
        f"站点的时钟{way} {abs(offset_ms) / 1000:,.0f} 秒；数据的次序与时限不受影响",
    )
