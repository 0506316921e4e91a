"""A list as a file: rows of text -> CSV or XLSX, in which nothing that a site wrote can become a formula.

A spreadsheet takes a cell for a formula by its first character (OWASP, CSV injection). In CSV such a cell gets an
apostrophe before it; in XLSX every text is typed as text. Numbers of our own (`Decimal`) are numbers in both.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

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
    from openpyxl import Workbook  # a fifth of a hall's start, for what is asked for now and then
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("办件")
    for line in [*([note] for note in notes), head, *rows]:
        cells = []
        for one in line:
            cell = WriteOnlyCell(sheet, _ILLEGAL.sub("", one)[:_LONGEST] if isinstance(one, str) else one)
            if isinstance(one, str):
                cell.data_type = "s"
            else:
                places = max(0, -int(one.as_tuple().exponent))
                cell.number_format = "#,##0" + ("." + "0" * places if places else "")
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
