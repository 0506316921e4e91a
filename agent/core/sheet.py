"""An exported sheet: which row is its header, what its columns are called, how its text is separated, which file it is.

Pure. Nothing of a cell is changed, but that an empty one says nothing.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import msgspec

from agent.core.mapping import ROW_KEY
from agent.core.query import identifier
from common.core.errors import ConfigError

HEAD_ROWS = 20
"""The header is looked for among so many rows."""
_SEPARATORS = ",\t;|"
_MAX_INT = 2**63
_FIGURE = re.compile(r"[\d\s.,:/+-]+")
"""A number or a date: no heading."""
_DATED = re.compile(
    r"(?P<name>.+?)[-_ ]?(?P<date>20\d{2}[-_.]?\d{2}[-_.]?\d{2}(?:[-_ T]?\d{2}[-_.:]?\d{2}(?:[-_.:]?\d{2})?)?)"
)


def cell(value: Any) -> str | int | float | None:
    """A cell as it is kept. Midnight is a date: Excel knows no other way to write one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _number(value: float) -> int | float | str:
    """Whole numbers as such; what SQLite's 64 bits do not hold, as text."""
    if isinstance(value, float) and not value.is_integer():
        return value
    return int(value) if abs(value) < _MAX_INT else str(value)


def header(rows: Sequence[Sequence[Any]]) -> int:
    """Place of the header among the first rows: the first of text alone that fills half of the fullest one.

    A title above it fills one cell; a row of data holds a number or a date. -1: there is none.
    """
    filled = [sum(cell(value) is not None for value in row) for row in rows]
    widest = max(filled, default=0)
    for place, row in enumerate(rows):
        texts = all(
            isinstance(value, str) and not _FIGURE.fullmatch(value)
            for value in row
            if value not in {None, ""}
        )
        if filled[place] and filled[place] * 2 >= widest and texts:
            return place
    return -1


def names(cells: Iterable[Any]) -> list[str]:
    """Names of the columns as a mapping may write them. An empty cell is `列N`; a name that comes again gets `_2`."""
    found: list[str] = []
    for place, value in enumerate(cells, 1):
        name = wanted = _name(str(value or ""), place)
        number = 1
        while name.casefold() in {other.casefold() for other in [*found, ROW_KEY]}:
            number += 1
            name = f"{wanted}_{number}"
        found.append(name)
    return found


def _name(text: str, place: int) -> str:
    """Line breaks and spaces inside a heading are its layout; what no identifier may hold becomes `_`."""
    name = re.sub(r"\s*[\r\n]+\s*", "", text).strip().strip("\ufeff")
    name = re.sub(r"[^\w $#@（）()/、·—-]", "_", name)[:100].rstrip(" @（(/、·—-")
    try:
        return identifier(name)
    except ConfigError:
        return f"列{place}"


def separator(sample: str) -> str:
    """What separates the fields: the mark that splits the most lines of `sample` into the same number of fields."""
    lines = sample.splitlines()[:HEAD_ROWS]

    def score(mark: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if len(row) > 1)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(_SEPARATORS, key=score)


def series(stem: str, table: str) -> str | None:
    """Whether a file named `stem` is `table`: "" if it is just that, its date if it is dated; None: another table."""
    if stem.casefold() == table.casefold():
        return ""
    found = _DATED.fullmatch(stem)
    if found is None or found["name"].casefold() != table.casefold():
        return None
    return re.sub(r"\D", "", found["date"])


def row_id(values: Sequence[Any]) -> str:
    """Digest of a whole row: equal rows, and they alone, have the same."""
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=12).hexdigest()
