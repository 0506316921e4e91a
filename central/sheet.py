"""Spreadsheets: the item catalogue read from an .xlsx file and written to one."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

from central.core.item import Item
from central.core.sheet import COLUMNS, Cell, cells, items_of, letter
from common.core.errors import UsageError, words

_WIDTH = 18
_WIDEST = 100
"""Columns that are looked at."""
_NONE = (BadZipFile, InvalidFileException, KeyError, IndexError, OSError, SyntaxError, ValueError, zlib.error)
"""What openpyxl raises for a file that is none, or is broken inside."""


def read(path: Path) -> list[Item]:
    """The items of the first sheet. Raises UsageError: no spreadsheet, or every fault by its cell."""
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            rows = _rows(book)
        finally:
            book.close()
    except _NONE as error:
        reason = words(error) if isinstance(error, OSError) else "不是 .xlsx 电子表格，或已损坏"
        raise UsageError(
            f"读不出 {path}：{reason}", hint="请在 Excel 或 WPS 中另存为 .xlsx 后重试"
        ) from error
    return items_of(rows)


def _rows(book: Workbook) -> list[list[Cell]]:
    """A stray mark in the last corner makes a sheet of a million rows: empty ones share one list."""
    empty: list[Cell] = []
    found = []
    for row in book.worksheets[0].iter_rows(values_only=True, max_col=_WIDEST):
        found.append(list(row) if any(cell is not None for cell in row) else empty)
    return found


def write(path: Path, items: Sequence[Item]) -> None:
    """A sheet that `read` takes in again."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "事项清单"
    for number, row in enumerate(cells(items), 1):
        sheet.append(row)
        for cell in sheet[number]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # what begins with = is text, no formula
    for place in range(len(COLUMNS)):
        sheet.column_dimensions[letter(place)].width = _WIDTH
        sheet.cell(1, place + 1).font = Font(bold=True)
    sheet.freeze_panes = "C2"
    book.save(path)
