"""Characters that the source itself has lost: '??' or U+FFFD where a database could not hold them. Counted, never guessed.

In a person's name one '?' is enough; elsewhere an office may well ask one question.
"""

import re
from collections.abc import Sequence
from typing import Any

from agent.core.mapping import NUMBER_FIELDS, TIME_FIELDS, Field, Table
from agent.core.query import Row

_LOST = re.compile(r"\?{2}|\ufffd")
_LOST_NAME = re.compile(r"[?\ufffd]")
_NAMES = {"applicant", "responsible", "actor"}


def count(page: Sequence[Row], table: Table) -> dict[str, int]:
    """Of the mapped text columns that have any: column -> rows of `page` (in the order of `table.names`)."""
    found: dict[str, int] = {}
    for name, field in table.fields.items():
        if not _is_text(name, field):
            continue
        place, charset = table.names.index(field.col), field.charset or table.source.charset or "utf-8"
        pattern = _LOST_NAME if name in _NAMES or field.privacy == "name" else _LOST
        values = [row[place] for row in page if row[place]]
        if _is_suspect(values, charset):
            lost = sum(pattern.search(_text(value, charset)) is not None for value in values)
            found |= {field.col: lost} if lost else {}
    return found


def _is_suspect(values: Sequence[Any], charset: str) -> bool:
    """At a glance, because this is asked of every row of every walk."""
    try:
        text = "\n".join(values)
    except TypeError:
        try:
            text = "\n".encode(charset).join(values).decode(charset)
        except (TypeError, UnicodeDecodeError):  # of several types, or not sound
            return True
    return "?" in text or "\ufffd" in text


def _is_text(name: str, field: Field) -> bool:
    return bool(field.col) and not (
        field.enum or field.lookup or name in TIME_FIELDS or name in NUMBER_FIELDS
    )


def _text(value: Any, charset: str) -> str:
    if isinstance(value, str):
        return value
    return (
        bytes(value).decode(charset, "replace") if isinstance(value, bytes | bytearray | memoryview) else ""
    )
