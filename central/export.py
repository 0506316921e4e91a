"""A list as a file: rows of text -> CSV or XLSX, in which nothing that a site wrote can become a formula.

CSV: `central.core.spreadsheet`. In XLSX every text is typed as text. Numbers of our own (`Decimal`) are numbers in both.
"""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from central.core import spreadsheet
from central.core.spreadsheet import Cell

if TYPE_CHECKING:
    from xlsxwriter.format import Format

_LONGEST = 32_000  # characters a cell of XLSX holds, with some to spare


def as_csv(notes: Sequence[str], head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """`notes` first, one a line, then the table; UTF-8 with its mark."""
    return spreadsheet.as_csv([*([note] for note in notes), head, *rows])


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
                    sheet.write_string(place, column, spreadsheet.plain(cell)[:_LONGEST])
                    continue
                places = max(0, -int(cell.as_tuple().exponent))
                if places not in formats:
                    shape = "#,##0" + ("." + "0" * places if places else "")
                    formats[places] = book.add_format({"num_format": shape})
                sheet.write_number(place, column, cell, formats[places])
    return out.getvalue()
