"""A time as a source states it, beside what is compared with it: instants are microseconds of office time. Pure."""

from zoneinfo import ZoneInfo

from central.core import case as cases
from common.core.instant import DAY, HOUR, SECOND, from_us, is_date_only


def is_day(text: str | None) -> bool:
    """A date, or midnight to the second: a column of moments into which an office writes dates."""
    return text is not None and (is_date_only(text) or text[10:19] == "T00:00:00")


def resolution(text: str | None) -> int:
    """How much of a time the source does not say: who writes a date and types it the next day has hidden nothing."""
    return DAY if is_day(text) else 0


def instant(text: str | None, zone: ZoneInfo) -> int | None:
    """As `central.core.case.instant`; a day counts as its end, so that a missing hour accuses nobody. Two writings of one day
    are one instant: some columns write it with milliseconds."""
    at = cases.instant(text, zone)
    if at is None or text is None or is_date_only(text) or not is_day(text):
        return at
    return at - at % SECOND + DAY


def is_ahead(text: str | None, stated: int, at: int) -> bool:
    """Whether a time is a plan: it lies after `at`, when the source said it."""
    slack = DAY if is_day(text) else HOUR
    return stated > at + slack


def say(at: int | None, text: str | None, zone: ZoneInfo) -> str:
    """A time for people; a date that the source states without an hour stays one."""
    if text and (at is None or is_day(text)):
        return text[:10]
    return from_us(at or 0, zone).strftime("%Y-%m-%d %H:%M")
