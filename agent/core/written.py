"""Times and numbers as offices write them. Pure."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.core.mapping import Field
from common.core.instant import from_us

_WHEN = re.compile(
    r"(\d{4})(?:([-/.年])(\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[T\s]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?)?秒?分?|(\d{2})(\d{2})(\d{2})?)?"
    r"\s*(Z|[+-]\d{2}(?::?\d{2}(?::\d{2})?)?)?"
)
_WHOLE = re.compile(r"([+-]?\d{1,9})(?:\.0*)?\s*(?:个?工作日|日|天)?")
_SHORT = len("+08")
_MILLISECONDS = 10**11
"""As seconds this would be the year 5138, as milliseconds 1973."""


def whole(text: str) -> int | None:
    """A number as offices write it: `20.00` and `20 个工作日` are 20."""
    found = _WHOLE.fullmatch(text.strip())
    return None if found is None else int(found[1])


def time_of(text: str, field: Field, zone: ZoneInfo) -> str | None:
    """Text of a time, of the type that `field` says -> canonical text; None for an impossible one."""
    return unix_time(text, zone) if field.type == "unix" else parse_time(text, field, zone)


def canonical(moment: datetime, field: Field, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    return local.date().isoformat() if field.type == "date" else local.isoformat()


def parse_time(text: str, field: Field, zone: ZoneInfo) -> str | None:
    """Text of a time as offices write it -> canonical text; None for an impossible one."""
    found = _WHEN.fullmatch(text)
    if found is None:
        return None
    g = found.groups()
    year, month, day = int(g[0]), int(g[2] or g[4]), int(g[3] or g[5])
    hour, minute, second = g[6] or g[10], g[7] or g[11], g[8] or g[12] or "0"
    try:
        if hour is None:  # 2026-06-12-08 is no date with an offset
            return None if len(g[13] or "") == _SHORT else date(year, month, day).isoformat()
        micros = int((g[9] or "0")[:6].ljust(6, "0"))
        last = 24, 0, 0, 0  # ISO 8601: the day's last instant
        ends = (int(hour), int(minute), int(second), micros) == last
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{g[13]}").tzinfo if g[13] else None
        clock = (0 if ends else int(hour), int(minute), int(second), micros)
        moment = datetime(year, month, day, *clock, tzinfo=offset) + timedelta(days=ends)
        return canonical(moment, field, zone)
    except (ValueError, OverflowError):
        return None


def unix_time(text: str, zone: ZoneInfo) -> str | None:
    """Seconds since 1970 UTC, or milliseconds, told by their size -> canonical text; None where it is no such number."""
    if not re.fullmatch(r"-?\d{1,14}", text):
        return None
    number = int(text)
    micros = number * (1_000 if abs(number) >= _MILLISECONDS else 1_000_000)
    return from_us(micros, zone).isoformat()
