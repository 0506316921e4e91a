"""What the values of one column look like: the facts that guesses rest on."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from agent.core.mapping import Field
from agent.core.probe import charset as charsets
from agent.core.rows import text_of
from agent.core.written import parse_time
from common.core.instant import SECOND, from_us

_ZONE = ZoneInfo("Asia/Shanghai")
_SECONDS = (631_152_000, 2_000_000_000)
"""1990 to May 2033; running numbers that begin with the year (2026042811) lie beyond it."""
_MOSTLY = 0.98
_FEW = 30
_FORM_ROWS = 300
_ID_NO = re.compile(r"\d{6}(?:19|20)\d{2}[01]\d[0-3]\d\d{3}[\dXx]")
_CREDIT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}")
_PHONE = re.compile(r"(?:\+?86)?1\d{10}|0\d{2,3}-?\d{7,8}(?:-\d{1,4})?")
_DAYS = re.compile(r"\d{1,4}(?:\.0*)?\s*(?:个?工作日|日|天)?")
_SENTINELS = ("1900-01-01", "1970-01-01", "0001-01-01", "9999-12-31", "2099-12-31", "1899-12-30")
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤欧司诸"
)
_HAN_TEXT = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")


class Profile(Struct, frozen=True):
    """Facts about one column. `texts`: its values in the order of the sample, None where there is none."""

    texts: tuple[str | None, ...]
    filled: float
    """Share of rows that have a value; a zero date is none."""
    distinct: int
    unique: bool
    """In every row of the sample, and no two alike."""
    times: tuple[datetime | None, ...]
    """Where the column holds times: its instants, naive ones in the site's zone."""
    form: str
    """Of a time: `datetime`, `date` or `unix`; else `number`, `days`, `phone`, `id_no`, `person`, `text`, empty."""
    zeros: bool
    """Zero dates or zero numbers stand for "not yet"."""
    sentinel: str
    """A date that stands for "not yet" and that a mapping would take for one."""
    words: dict[str, int]
    """Value -> rows, where there are few."""
    reading: charsets.Reading
    raw: bool
    """The driver always gives its text as the bytes that are stored."""


def profiled(values: Sequence[Any], *, asked_raw: bool = False) -> Profile:
    """`values` of one column as the adapter gives them; `asked_raw`: as bytes because we asked for them."""
    reading = charsets.scored([value for value in values if isinstance(value, str | bytes)])
    texts = tuple(_text(value, reading.charset) for value in values)
    given = [text for text in texts if text]
    count = len(values) or 1
    zeros = {text for text in given if not text.strip("0-:/. T")}
    form, times, zero = _timed(values, texts, [text for text in given if text not in zeros])
    if form in {"datetime", "date", "unix"}:
        given = [text for text, moment in zip(texts, times, strict=True) if text and moment]
    counted = Counter(given)
    return Profile(
        texts=texts,
        filled=len(given) / count,
        distinct=len(counted),
        unique=len(counted) == len(values) > 0 and len(given) == len(values),
        times=times,
        form=form or _form(given),
        zeros=zero and bool(zeros),
        sentinel=_sentinel(counted) if form else "",
        words=dict(counted.most_common()) if len(counted) <= _FEW else {},
        reading=reading,
        raw=not asked_raw and any(isinstance(value, bytes) for value in values),
    )


def _text(value: Any, charset: str) -> str | None:
    if charset and isinstance(value, str):
        for latin in ("cp1252", "latin-1"):
            try:
                value = value.encode(latin)
                break
            except UnicodeError:
                continue
    text = text_of(value, charset)
    return text.strip() if text is not None else None


def _timed(
    values: Sequence[Any], texts: Sequence[str | None], given: list[str]
) -> tuple[str, tuple[datetime | None, ...], bool]:
    """-> form, instants, whether zeros may stand among them. No form unless nearly all values are times."""
    if not given:
        return "", (), False
    unix = [_unix(text) for text in given]
    if sum(moment is not None for moment in unix) >= _MOSTLY * len(given) and len(set(given)) > 1:
        return "unix", tuple(_unix(text) if text else None for text in texts), True
    numbers = all(isinstance(value, int | float | Decimal) for value in values if value is not None)
    if numbers:
        return "", (), False
    parsed = {text: parse_time(text, Field(), _ZONE) for text in set(given)}
    good = [text for text in given if parsed[text] and "1800" < str(parsed[text]) < "3000"]
    if len(good) < _MOSTLY * len(given):
        return "", (), False
    moments = tuple(_moment(parsed.get(text or "")) for text in texts)
    dates = all(
        len(str(parsed[text])) == len("2026-06-12") or "T00:00:00" in str(parsed[text]) for text in good
    )
    return "date" if dates else "datetime", moments, True


def _moment(canonical: str | None) -> datetime | None:
    """Midnight of a date that has no time of day."""
    if not canonical:
        return None
    moment = datetime.fromisoformat(canonical)
    return moment if moment.tzinfo else moment.replace(tzinfo=_ZONE)


def _unix(text: str) -> datetime | None:
    if not text.isascii() or not text.isdigit() or len(text) not in {9, 10, 13}:
        return None
    seconds = int(text) / (1000 if len(text) == 13 else 1)
    low, high = _SECONDS
    return from_us(int(seconds * SECOND), _ZONE) if low <= seconds < high else None


def _sentinel(counted: Counter[str]) -> str:
    total = sum(counted.values())
    return next(
        (
            text
            for text, rows in counted.items()
            if rows > max(2, total // 50) and any(text.startswith(day) for day in _SENTINELS)
        ),
        "",
    )


def _form(given: list[str]) -> str:
    if not given:
        return ""
    shown = given[:_FORM_ROWS]
    for name, fits in _FORMS:
        if sum(fits(text) for text in shown) >= 0.9 * len(shown):
            return name
    return "text"


def _is_person(text: str) -> bool:
    return 2 <= len(text) <= 4 and text[0] in _SURNAMES and bool(_HAN_TEXT.fullmatch(text))


_FORMS = (
    ("id_no", lambda text: bool(_ID_NO.fullmatch(text) or _CREDIT.fullmatch(text))),
    ("phone", lambda text: len(text) > 6 and bool(_PHONE.fullmatch(text))),
    ("number", lambda text: bool(re.fullmatch(r"[+-]?[0-9]{1,18}(?:\.[0-9]+)?", text))),
    ("days", lambda text: bool(_DAYS.fullmatch(text))),
    ("person", _is_person),
)
