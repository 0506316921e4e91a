"""Spreadsheets: the item catalogue read from an .xlsx file and written to one."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook as Read
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from xlsxwriter import Workbook

from central.core.item import Item
from central.core.sheet import COLUMNS, Cell, cells, items_of
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


def _rows(book: Read) -> list[list[Cell]]:
    """A stray mark in the last corner makes a sheet of a million rows: empty ones share one list."""
    empty: list[Cell] = []
    found = []
    for row in book.worksheets[0].iter_rows(values_only=True, max_col=_WIDEST):
        found.append(list(row) if any(cell is not None for cell in row) else empty)
    return found


def write(path: Path, items: Sequence[Item]) -> None:
    """A sheet that `read` takes in again."""
    with Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("事项清单")
        bold = book.add_format({"bold": True})
        for number, row in enumerate(cells(items)):
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    # what begins with = is text, no formula
                    sheet.write_string(number, place, cell, None if number else bold)
                elif cell is not None:
                    sheet.write(number, place, cell)
        sheet.set_column(0, len(COLUMNS) - 1, _WIDTH)
        sheet.freeze_panes(1, 2)
