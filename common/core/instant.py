"""Instants are int microseconds since 1970 UTC; a source's times are text, as the source meant them.

Three clocks, never mixed (see PROTOCOL.md): **office time** decides deadlines (it is wall time, except in
the demonstration, where it runs fast); **wall time** stamps what people compare with their watch;
**monotonic time** measures ages and time-outs inside one boot. Field names end in `_at` for office time,
`_wall` for wall time, `_mono` for monotonic time; all are microseconds.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def to_us(moment: datetime) -> int:
    """Aware datetime -> microseconds. Raises ValueError for a naive one: its zone would be a guess."""
    if moment.tzinfo is None:
        msg = "a naive datetime has no instant"
        raise ValueError(msg)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def from_us(us: int, zone: ZoneInfo) -> datetime:
    """Microseconds -> aware datetime in `zone`."""
    return (_EPOCH + timedelta(microseconds=us)).astimezone(zone)


@lru_cache(4096)
def local_date(us: int, zone: ZoneInfo) -> date:
    return from_us(us, zone).date()


@lru_cache(4096)  # a hall that judges a backlog asks for the same few days
def start_of_day(day: date, zone: ZoneInfo) -> int:
    """00:00 of `day` in `zone`, as an instant."""
    return to_us(datetime.combine(day, time(), tzinfo=zone))


def end_of_day(day: date, zone: ZoneInfo) -> int:
    """24:00 of `day` in `zone`: the legal due instant of a day (supervision.md 3.2-1)."""
    if day == date.max:  # 9999-12-31, many a vendor's "never"
        return start_of_day(day, zone) + DAY
    return start_of_day(day + timedelta(days=1), zone)


def day_ending(us: int, zone: ZoneInfo) -> date:
    """The day in which an act lies whose instant is `us`: 24:00 belongs to the day that ends with it, because a date without
    a time counts as its end.
    """
    return local_date(us - 1, zone)


def is_date_only(text: str) -> bool:
    return len(text) == 10


def is_day(text: str | None, zone: ZoneInfo) -> bool:
    """A date, or midnight of `zone` to the second: a column of moments into which an office writes dates."""
    if text is None or is_date_only(text):
        return text is not None
    if text[17:19] != "00":  # most are done with here
        return False
    moment = datetime.fromisoformat(text)
    try:
        local = moment.astimezone(zone) if moment.tzinfo else moment
    except OverflowError:  # at the calendar's ends
        return False
    return (local.hour, local.minute, local.second) == (0, 0, 0)


def parse_when(text: str, zone: ZoneInfo) -> int:
    """Canonical time text of a record -> instant.

    `2026-06-12` counts as the **end** of that day (a date without a time must not make anybody late);
    `2026-06-12T14:32:05[.ffffff]+08:00` is itself; without offset it is wall time of `zone`.
    Raises ValueError for anything else.
    """
    if is_date_only(text):
        return end_of_day(date.fromisoformat(text), zone)
    moment = datetime.fromisoformat(text)
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def day_of(text: str, zone: ZoneInfo) -> date:
    """The local calendar day that a canonical time text names; at the calendar's ends, the day as written."""
    if is_date_only(text):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone).date()
    except OverflowError:
        return moment.date()
