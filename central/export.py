"""A list as a file: rows of text -> CSV or XLSX, in which nothing that a site wrote can become a formula.

A spreadsheet takes a cell for a formula by its first character (OWASP, CSV injection). In CSV such a cell gets an
apostrophe before it; in XLSX every cell is typed as text.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

BOM = "\ufeff"
"""Without it a spreadsheet takes the file for the machine's old code page."""
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@＝＋－＠|%]")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_000  # characters a cell of XLSX holds, with some to spare


def harmless(text: str) -> str:
    """As CSV may carry it: no formula, no control characters, one line."""
    plain = " ".join(_ILLEGAL.sub("", text).splitlines())
    return "'" + plain if _FORMULA.match(plain) and plain != "–" else plain


def as_csv(notes: Sequence[str], head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """`notes` first, one a line, then the table; UTF-8 with its mark."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for line in [*([note] for note in notes), head, *rows]:
        writer.writerow([harmless(cell) for cell in line])
    return (BOM + out.getvalue()).encode()


def as_xlsx(notes: Sequence[str], head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The same as a workbook of one sheet; numbers of cases stay text, so that no digit is lost."""
    from openpyxl import Workbook  # a fifth of a hall's start, for what is asked for now and then
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("办件")
    for line in [*([note] for note in notes), head, *rows]:
        cells = []
        for text in line:
            cell = WriteOnlyCell(sheet, _ILLEGAL.sub("", text)[:_LONGEST])
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
