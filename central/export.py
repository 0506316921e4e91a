"""A list as a file: rows of text -> CSV or XLSX, in which nothing that a site wrote can become a formula.

A spreadsheet takes a cell for a formula by its first character (OWASP, CSV injection). In CSV such a cell gets an
apostrophe before it; in XLSX every text is typed as text. Numbers of our own (`Decimal`) are numbers in both.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlsxwriter.format import Format

BOM = "\ufeff"
"""Without it a spreadsheet takes the file for the machine's old code page."""
Cell = str | Decimal
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@＝＋－＠|%]")
_NUMBER = re.compile(r"[+-][0-9]+(?:\.[0-9]+)?%?")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_000  # characters a cell of XLSX holds, with some to spare


def harmless(text: str) -> str:
    """As CSV may carry it: no formula, no control characters, one line."""
    plain = " ".join(_ILLEGAL.sub("", text).splitlines())
    is_formula = _FORMULA.match(plain) and plain != "–" and not _NUMBER.fullmatch(plain)
    return "'" + plain if is_formula else plain


def as_csv(notes: Sequence[str], head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """`notes` first, one a line, then the table; UTF-8 with its mark."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for line in [*([note] for note in notes), head, *rows]:
        writer.writerow([harmless(cell) if isinstance(cell, str) else f"{cell:f}" for cell in line])
    return (BOM + out.getvalue()).encode()


def as_xlsx(notes: Sequence[str], head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The same as a workbook of one sheet; numbers of cases stay text, so that no digit is lost."""
    from xlsxwriter import Workbook  # part of a hall's start, for what is asked for now and then

    out = io.BytesIO()
    with Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("办件")
        formats: dict[int, Format] = {}
        for place, line in enumerate([*([note] for note in notes), head, *rows]):
            for column, cell in enumerate(line):
                if isinstance(cell, str):
                    sheet.write_string(place, column, _ILLEGAL.sub("", cell)[:_LONGEST])
                    continue
                places = max(0, -int(cell.as_tuple().exponent))
                if places not in formats:
                    shape = "#,##0" + ("." + "0" * places if places else "")
                    formats[places] = book.add_format({"num_format": shape})
                sheet.write_number(place, column, cell, formats[places])
    return out.getvalue()
