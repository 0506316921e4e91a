"""A silence 静默: reminders of a site, or to a person, that are not to be sent for a while, with reason, signature and end."""

from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from central.core.calendar import Calendar
from central.core.ladder import MILD, Level
from common.core.instant import local_date

MOST_DAYS = 5
"""Working days after which every silence ends."""
LONGEST_DAYS = 21
"""Days that five working days never reach, whatever holiday lies between: beyond them no calendar need be asked."""


class Silence(Struct, frozen=True, kw_only=True):
    """Of which site (empty: all) and to whom (empty: everybody); instants are office time."""

    site: str
    person: str
    reason: str
    who: str
    from_at: int
    until_at: int


def statement(one: Silence) -> bytes:
    """What the hall's operations key signs."""
    return b"MC1 silence|" + msgspec.json.encode(one, order="deterministic")


def covers(one: Silence, level: Level, site: str, person: str, now_at: int) -> bool:
    """Whether a message of `level` about `site` to `person` is held back by it now."""
    if level not in MILD or not one.from_at <= now_at < one.until_at:
        return False
    return one.site in {"", site} and one.person in {"", person}


def fault(one: Silence, calendar: Calendar, zone: ZoneInfo) -> str:
    """Why it may not be, for people; empty if it may."""
    if not one.site and not one.person:
        return "静默须写明站点或人，不能全部停发"
    if not one.reason.strip():
        return "静默须写明原因"
    if one.until_at <= one.from_at:
        return "静默的结束在开始之前"
    first, last = local_date(one.from_at, zone), local_date(one.until_at - 1, zone)
    is_long = (last - first).days > LONGEST_DAYS or calendar.count(first, last) > MOST_DAYS
    return f"静默至多 {MOST_DAYS} 个工作日" if is_long else ""
