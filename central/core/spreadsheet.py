"""Texts that others wrote, as a spreadsheet may open them: none becomes a formula, none a second cell. Pure.

A spreadsheet takes a cell for a formula by its first character, whatever stands unseen before it (OWASP, CSV injection): such a
cell gets an apostrophe in front. One that parts cells at semicolons or tabs begins another there, which gets one too. Numbers
of our own (`Decimal`) are numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

BOM = "\ufeff"
"""Without it a spreadsheet takes the file for the machine's old code page."""
Cell = str | Decimal
_UNSEEN = "\\s\\x00-\\x1f\\xad\\u200b-\\u200f\\u2060\\ufeff\"'“”‘’"
_BEGINS = f"[{_UNSEEN}]*[=+\\-@＝＋－＠|%]"
_FORMULA = re.compile(_BEGINS)
_SECOND = re.compile(f"[;\t](?={_BEGINS})")
_NUMBER = re.compile(r"[+-][0-9]+(?:\.[0-9]+)?%?")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """Without the characters that no such file may hold."""
    return _ILLEGAL.sub("", text)


def harmless(text: str) -> str:
    """As CSV may carry it: no formula, no control characters, one line."""
    line = _SECOND.sub(r"\g<0>'", " ".join(plain(text).splitlines()))
    is_formula = _FORMULA.match(line) and not _NUMBER.fullmatch(line)
    return "'" + line if is_formula else line


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with its mark; RFC 4180."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else f"{cell:f}" for cell in row])
    return (BOM + out.getvalue()).encode()
