"""A time as a source states it, beside what is compared with it: instants are microseconds of office time. Pure."""

from zoneinfo import ZoneInfo

from common.core.instant import DAY, HOUR, from_us, is_day


def resolution(text: str | None, zone: ZoneInfo) -> int:
    """How much of a time the source does not say: who writes a date and types it the next day has hidden nothing."""
    return DAY if is_day(text, zone) else 0


def is_ahead(text: str | None, stated: int, at: int, zone: ZoneInfo) -> bool:
    """Whether a time is a plan: it lies after `at`, when the source said it."""
    slack = DAY if is_day(text, zone) else HOUR
    return stated > at + slack


def say(at: int | None, text: str | None, zone: ZoneInfo) -> str:
    """A time for people; a date that the source states without an hour stays one."""
    if text and (at is None or is_day(text, zone)):
        return text[:10]
    return from_us(at or 0, zone).strftime("%Y-%m-%d %H:%M")
