"""How the hall says spans, days and names, once for wall, console and interface (interface.md 3.4)."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from common.core.instant import DAY, HOUR, MINUTE, SECOND, from_us, is_date_only, parse_when
from common.core.mask import HIDDEN, SPOILT
from common.core.state import Light

WEEKDAYS = "一二三四五六日"
NOTHING = "–"
"""In the place of a figure or a moment that there is not."""
# Mobile phones, identity numbers of 18 and of 15 places.
_PERSONAL = re.compile(r"(?<![0-9A-Za-z])(?:1\d{10}|\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])", re.ASCII)


def span(us: int) -> str:
    """A length of time in its two largest units: `47 秒`, `12 分`, `2 小时 14 分`, `3 天 4 小时`."""
    us = max(us, 0)
    if us < MINUTE:
        return f"{us // SECOND} 秒"
    if us < HOUR:
        return f"{us // MINUTE} 分"
    if us < DAY:
        return _two(us // HOUR, "小时", us % HOUR // MINUTE, "分")
    return _two(us // DAY, "天", us % DAY // HOUR, "小时")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def ago(us: int) -> str:
    """`47 秒前`."""
    return f"{span(us)}前"


def number(value: int) -> str:
    return f"{value:,}"


def day(value: date) -> str:
    return f"{value.month}月{value.day}日"


def day_and_weekday(value: date) -> str:
    return f"{day(value)} 周{WEEKDAYS[value.weekday()]}"


def clock(us: int, zone: ZoneInfo) -> str:
    return from_us(us, zone).strftime("%H:%M")


def moment(us: int, zone: ZoneInfo, now: int) -> str:
    """`14:32` today, else `6月12日 14:32`, with the year when it is not this one."""
    local, today = from_us(us, zone), from_us(now, zone)
    if local.date() == today.date():
        return local.strftime("%H:%M")
    year = f"{local.year}年" if local.year != today.year else ""
    return f"{year}{day(local.date())} {local:%H:%M}"


def second(us: int, zone: ZoneInfo) -> str:
    """`2026-06-12 14:32:05`: of a picture, as its camera writes it."""
    return from_us(us, zone).strftime("%Y-%m-%d %H:%M:%S")


def full(us: int, zone: ZoneInfo, now: int) -> str:
    """`6月12日 周五 14:32`, with the year when it is not this one."""
    local = from_us(us, zone)
    year = f"{local.year}年" if local.year != from_us(now, zone).year else ""
    return f"{year}{day_and_weekday(local.date())} {local:%H:%M}"


def stated(text: str | None, zone: ZoneInfo, now: int) -> str:
    """A time as its source states it: `6月12日 周五 14:32`, without an hour where the source has none."""
    if not text:
        return ""
    if not is_date_only(text):
        return full(parse_when(text, zone), zone, now)
    value = date.fromisoformat(text)
    year = f"{value.year}年" if value.year != from_us(now, zone).year else ""
    return year + day_and_weekday(value)


def due_day(us: int, zone: ZoneInfo) -> date:
    """The day a due instant belongs to: 24:00 of a day is that day, not the next one's 00:00."""
    return from_us(us - 1, zone).date()


def due(us: int, zone: ZoneInfo) -> str:
    """`6月12日` for a legal due instant (24:00); `6月12日 14:30` for one inside a day."""
    local = from_us(us, zone)
    whole = (local.hour, local.minute, local.second) == (0, 0, 0)
    return day(due_day(us, zone)) if whole else f"{day(local.date())} {local:%H:%M}"


def deadline(us: int, zone: ZoneInfo, now: int) -> str:
    """The last instant in time: `6月11日 周四 24:00` for the end of a day, else the instant."""
    if due(us, zone) == day(due_day(us, zone)):
        return f"{day_and_weekday(due_day(us, zone))} 24:00"
    return full(us, zone, now)


def workdays_between(after: date, until: date, workday: Mapping[date, bool]) -> int | None:
    """Working days after `after` up to and with `until`; None where the calendar does not reach."""
    count = 0
    for offset in range(1, (until - after).days + 1):
        known = workday.get(after + timedelta(days=offset))
        if known is None:
            return None
        count += known
    return count


def time_left(due_at: int, now_at: int, zone: ZoneInfo, workday: Mapping[date, bool]) -> str:
    """`剩 2 小时 28 分` inside a day, else `剩 3 个工作日`; past the instant `超期 …` likewise."""
    gap = due_at - now_at
    first, last = sorted((due_day(due_at, zone), from_us(now_at, zone).date()))
    days = workdays_between(first, last, workday)
    if gap >= 0:
        return f"剩 {span(gap)}" if gap < DAY or not days else f"剩 {days} 个工作日"
    return f"超期 {days} 个工作日" if days else f"超期 {span(-gap)}"


def light_left(light: Light, due_at: int, now_at: int, zone: ZoneInfo, workday: Mapping[date, bool]) -> str:
    """`time_left` of a limit by its light. Only red is 超期: past its last instant any other waits to be judged, which needs whole data."""
    if due_at < now_at and light is not Light.RED:
        return "已到期，待判定"
    return time_left(due_at, now_at, zone, workday)


def table_word(name: str) -> str:
    """Of a table of a mapping: `step.fee` is 环节（fee）."""
    kind, _, part = name.partition(".")
    word = {"case": "办件", "step": "环节"}.get(kind, kind)
    return f"{word}（{part}）" if part else word


def tail(case_no: str | None) -> str:
    """The last four characters of a case number: all that a wall may show."""
    return (case_no or "")[-4:]


_ORGANISATION = re.compile(
    r"(?:公司|合作社|事务所|超市|饭店|餐馆|药店|厂|店|场|站|馆|院|所|校|园|部|中心|协会|集团|委员会)$"
)


def mask(name: str | None) -> str:
    """`王*`; of a longer name the first two characters, and what kind of organisation it is: `石桥*公司`."""
    if not name or name == SPOILT:
        return name or ""
    if len(name) <= 4:
        return name[:1] + "*"
    kind = _ORGANISATION.search(name, 3)  # at least one character stays hidden
    return f"{name[:2]}*{kind.group() if kind else ''}"


def redact(text: str | None, name: str | None) -> str:
    """Free text without the applicant's name, telephone and identity numbers."""
    shown = _PERSONAL.sub(HIDDEN, text or "")
    return shown.replace(name, mask(name)) if name and len(name) > 1 else shown


def percent(part: int, whole: int) -> str:
    """One decimal, rounded down: 100.0 means all. Empty when there is nothing to divide."""
    return f"{part * 1000 // whole / 10:.1f}" if whole else ""


def offset(ms: float, err_ms: float) -> str:
    """How a box's clock stands to the hall's; `ms`: the hall's less the box's."""
    if abs(ms) <= max(err_ms, 1000.0):
        return "与中心一致"
    return f"{'慢' if ms > 0 else '快'} {abs(ms) / 1000:,.1f} 秒"
