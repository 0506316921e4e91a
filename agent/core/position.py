"""How far a source was read: cursor values and keys, to and from what is stored, with their types kept.

A position is compared by the source's own engine, never by us; only the overlap is subtracted here. A number may be a
time too: seconds or milliseconds since 1970, or the digits of a date (20260612101500). Of any other, a running number of
changes, the overlap is a page.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import product
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec

from common.core.text import sound

_PARSE: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "str": str,
    "bytes": bytes.fromhex,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "UUID": UUID,
    "time": time.fromisoformat,
}
_WIDTH = 19
_SECONDS, _MILLISECONDS, _MOST = 10**9, 10**11, 10**14
"""Numbers from these on are seconds since 1970 UTC, from September 2001; milliseconds, as `type = "unix"` has it; neither."""
_FIRST_YEAR, _LAST_YEAR = "1990", "2200"
_SPAN = re.compile(r"(?:(-?\d+) days?, )?(\d+):(\d\d:\d\d(?:\.\d+)?)")
_ODD_TIME = re.compile(r"-?infinity|\d{4,}-\d\d-\d\d\b.*|24:00:00.*")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?(?:e[+-]\d+)?)")
_LARGEST = 2**63
"""From here on SQLite has no whole numbers."""
BACK = 500
"""So many numbers are read again behind one that is no time."""
_FORMS = [
    *(f"%Y{mark}%m{mark}%d{between}%H:%M:%S" for mark in "-/" for between in " T"),
    *(f"%Y{mark}%m{mark}%d{between}%H:%M" for mark in "-/" for between in " T"),
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d",
]


def encode(value: Any) -> bytes:
    """-> JSON of [type, text]."""
    if isinstance(value, bytearray | memoryview):
        value = bytes(value)
    text = value.hex() if isinstance(value, bytes) else str(value)
    return msgspec.json.encode([type(value).__name__, text])


def decode(raw: bytes) -> Any:
    """Inverse of `encode`; None, read from the beginning, for a type that no position can have."""
    kind, text = msgspec.json.decode(raw, type=tuple[str, str])
    return _PARSE[kind](text) if kind in _PARSE else None


def earlier(value: Any, secs: int) -> Any:
    """`value` less an overlap, in its own type and form; what is not a time stays as it is."""
    span = timedelta(seconds=secs)
    try:
        if isinstance(value, datetime):
            return value - span
        if isinstance(value, int | float | Decimal):
            return _earlier_number(value, secs)
        if isinstance(value, date):
            return (datetime(value.year, value.month, value.day) - span).date()  # noqa: DTZ001
        if isinstance(value, bytes):
            return _earlier_text(value.decode("ascii"), span).encode()
        return _earlier_text(value, span) if isinstance(value, str) else value
    except (ValueError, ArithmeticError):
        return value


def _earlier_number(value: Any, secs: int) -> Any:
    """Raises ValueError, OverflowError for one that is not finite."""
    try:
        return type(value)(int(_earlier_text(_digits(value), timedelta(seconds=secs))))
    except ValueError:
        return value - (secs * (per_second(value) or 0) or min(secs, BACK))


def _digits(value: Any) -> str:
    """Of a number that is written as a date or time of our age. Raises ValueError for any other."""
    text = str(int(value))
    if len(text) not in {8, 12, 14} or not _FIRST_YEAR <= text < _LAST_YEAR:
        raise ValueError(text)
    return text


def per_second(value: Any) -> int | None:
    """How many of a number's units make a second; None where it does not count from 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not isfinite(value):
        return None
    return None if not _SECONDS <= value < _MOST else 1 if value < _MILLISECONDS else 1000


def _earlier_text(text: str, span: timedelta) -> str:
    moment, form = _read_text(text)
    return (moment - span).strftime(form)


def _read_text(text: str) -> tuple[datetime, str]:
    """-> the time and its form. Only forms that sort as times do: fixed width, zeros written. Raises ValueError for any
    other. A fraction or an offset behind it is left away: earlier still.
    """
    for form in _FORMS:
        try:
            moment = datetime.strptime(text[:_WIDTH], form)  # noqa: DTZ007
        except ValueError:
            continue
        if moment.strftime(form) == text[:_WIDTH]:
            return moment, form
    raise ValueError(text)


def secs_between(earlier: Any, later: Any) -> float | None:
    """Seconds from one cursor value to another of its kind; None where they are no times."""
    try:
        return (_moment(later) - _moment(earlier)).total_seconds()
    except (TypeError, ValueError, ArithmeticError):
        return None


def is_time(value: Any) -> bool:
    """Whether an overlap of seconds can be subtracted from it."""
    return secs_between(value, value) is not None


def _moment(value: Any) -> datetime:
    """Raises TypeError, ValueError, OverflowError."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, int | float | Decimal):
        return _moment_of_number(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if isinstance(value, bytes):
        return _read_text(value.decode("ascii"))[0]
    if isinstance(value, str):
        return _read_text(value)[0]
    raise TypeError(value)


def _moment_of_number(value: Any) -> datetime:
    """Raises ValueError, OverflowError."""
    try:
        return _read_text(_digits(value))[0]
    except ValueError:
        unit = per_second(value)
        if unit is None:
            raise
        return datetime(1970, 1, 1) + timedelta(seconds=float(value) / unit)  # noqa: DTZ001


def retype(key: str, sample: Sequence[Any], charset: str = "") -> tuple[Any, ...]:
    """Key text of a row -> values of the types of `sample`, a key as the driver gives it.

    Raises ValueError where the text cannot be of that type: then no row has this key any more.
    """
    texts = _texts(key, len(sample))
    return tuple(_retyped(text, value, charset) for text, value in zip(texts, sample, strict=True))


def forms(key: str, columns: int, charset: str = "") -> list[tuple[Any, ...]]:
    """Key text of a row of `columns` values -> all that it can be in SQLite, where a column holds numbers beside texts and
    no sample says which. Raises ValueError for the text of another number of columns."""
    return list(product(*(_values(text, charset) for text in _texts(key, columns))))


def _values(text: str, charset: str) -> list[Any]:
    """As text, and as a number where it is written as one."""
    found: list[Any] = [text.encode(charset or "utf-8")]
    if _NUMBER.fullmatch(text):
        is_whole = "." not in text and "e" not in text and abs(int(text)) < _LARGEST
        found.append(int(text) if is_whole else float(text))
    return found


def _texts(key: str, columns: int) -> list[str]:
    """Raises ValueError."""
    texts = _single(key) if columns == 1 else _array(key)
    if len(texts) != columns:
        raise ValueError(key)
    return texts


def _single(key: str) -> list[str]:
    """The text itself, or what is in the array that stands for one with characters that may not travel."""
    try:
        texts = _array(key)
    except ValueError:
        return [key]
    return texts if json.dumps(texts) == key and texts != [sound(text) for text in texts] else [key]


def _array(key: str) -> list[str]:
    """Not msgspec: it refuses the escape of half a surrogate pair, which a key may hold. Raises ValueError."""
    texts = json.loads(key) if key.startswith("[") else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(key)
    return texts


def _retyped(text: str, sample: Any, charset: str) -> Any:
    if isinstance(sample, bytes):
        return text.encode(charset or "utf-8")
    if isinstance(sample, bool):
        return bool(int(text))
    if isinstance(sample, timedelta):
        return _clock(text)
    try:
        return _PARSE.get(type(sample).__name__, str)(text)
    except ArithmeticError as error:
        raise ValueError(text) from error
    except ValueError:
        if isinstance(sample, date | time) and _ODD_TIME.fullmatch(text):
            return text  # the engine holds times that no driver makes a time of
        raise


def _clock(text: str) -> str:
    """A time span as Python writes it -> as MySQL does, whose drivers spoil one that is negative."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    days, hours, rest = int(found[1] or 0), int(found[2]), found[3]
    if days >= 0:
        return f"{24 * days + hours:02}:{rest}"
    minutes, seconds = rest.split(":")
    behind = -(24 * 3_600 * days + 3_600 * hours + 60 * int(minutes) + Decimal(seconds))
    hours, left = divmod(int(behind), 3_600)
    fraction = f"{behind % 1:f}"[1:] if behind % 1 else ""
    return f"-{hours:02}:{left // 60:02}:{left % 60:02}{fraction}"
