"""What light each limit of a case shows, and when that can change.

Sources: 行政许可法 42 (20 working days where no other law speaks), 82 (working days), 45 (special procedures are
not counted); supervision.md 3.2 to 3.4. A red light is an accusation, so it needs proof: the site's data is whole
up to the due instant, and the case was still open then or is dated as finished after it.
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.item import Item
from central.core.limit import Limit
from central.core.limits import limits
from central.core.pack import PACK, Pack
from common.core.instant import day_of, is_day, local_date
from common.core.state import ClockKind, Light


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


def verdicts(
    case: CaseState,
    item: Item | None,
    calendar: Calendar,
    before: Callable[[ClockKind, int], Light],
    complete_until: int | None,
    now_at: int,
    zone: ZoneInfo,
    pack: Pack = PACK,
) -> list[Verdict]:
    """Every limit of `case` (as of `now_at`) with its light. `before`: the light of a clock (kind, cycle) until now."""
    found = []
    for limit in limits(case, item, calendar, zone, pack):
        verdict = judge(case, limit, before(limit.kind, limit.cycle), complete_until, now_at, zone)
        if case.wake_at is not None:
            check = min(case.wake_at, verdict.next_check_at or case.wake_at)
            verdict = replace(verdict, next_check_at=check)
        found.append(verdict)
    return found


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
        return _verdict(limit, Light.RED, limit.due_at, stopped=not limit.end.open, why=_over(limit))
    if not limit.end.open:
        is_late = limit.running and limit.worst is Light.RED and ended_late(case, limit, zone)
        return _overdue(case, limit, complete_until) if is_late else _ended(case, limit)
    if not limit.running:
        kind = limit.stops[-1].why if limit.stops else "停表"
        return _verdict(limit, Light.PAUSED, None, why=f"依法停表（{kind}），期间不计入时限")
    return _waiting(limit, now_at) if now_at <= limit.due_at else _overdue(case, limit, complete_until)


def has_lapsed(case: CaseState, limit: Limit, at: int, zone: ZoneInfo) -> bool:
    """Whether by `case` (as of `at`) the limit had passed at `at`, so that it would be red on whole data."""
    if limit.worst is not Light.RED or limit.provisional or not limit.running:
        return False
    if max(limit.due_at, limit.proof_at) > at:
        return False
    return limit.end.open or ended_late(case, limit, zone)


def has_warned(limit: Limit, begin: int, end: int) -> bool:
    """Whether the limit was yellow at some instant of [begin, end), in which its case stood so."""
    is_on = limit.end.open and limit.running
    return is_on and max(begin, limit.yellow_at) < min(end, limit.due_at)


_DONE = {ClockKind.DELIVERY: "送达", ClockKind.PROCEDURE: "结束"}


def _over(limit: Limit) -> str:
    return f"超过{limit.kind.word}（{limit.budget}）"


def _overdue(case: CaseState, limit: Limit, complete_until: int | None) -> Verdict:
    """Past due, as far as is known: red only on whole data and a published calendar."""
    if limit.worst is Light.YELLOW:  # it accuses nobody, so it needs no whole data
        return _verdict(limit, Light.YELLOW, limit.yellow_at, why=_over(limit))
    if limit.provisional:
        return _verdict(
            limit, Light.GREY, limit.due_at, stopped=not limit.end.open, why="日历未发布，暂不判定"
        )
    needed = max(limit.due_at, limit.proof_at, case.said_at)
    if complete_until is None or complete_until < needed:
        why = "待数据：站点数据未到应办结时刻"
        return _verdict(limit, Light.GREY, limit.due_at, needs=needed, why=why)
    done = _DONE.get(limit.kind, "办结")
    tail = f"，到期后核对仍未{done}" if limit.end.open else f"后{done}"
    return _verdict(limit, Light.RED, limit.due_at, stopped=not limit.end.open, why=_over(limit) + tail)


def ended_late(case: CaseState, limit: Limit, zone: ZoneInfo) -> bool:
    """A completion without a time of day is late only when its day is: nobody is late by a missing hour."""
    if limit.end.at is None or case.deleted:
        return False
    text = limit.end.text or ""
    if is_day(text, zone):
        return day_of(text, zone) > local_date(limit.due_at - 1, zone)
    return limit.end.at > limit.due_at


def _ended(case: CaseState, limit: Limit) -> Verdict:
    if case.deleted:
        return _verdict(limit, Light.NONE, None, stopped=True, why="源数据已删除，不再计时")
    if limit.end.at is None:
        return _verdict(limit, Light.NONE, None, stopped=True, why="已结束，业务系统未记录办结时间，无数据")
    done = _DONE.get(limit.kind, "办结")
    return _verdict(limit, Light.GREEN, limit.end.at, stopped=True, why=f"在{limit.kind.word}内{done}")


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
