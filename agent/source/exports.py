"""Reads an exported file: text in any of the encodings that offices use, .xlsx, .xls. Strict: better no row than a wrong one.

Raises SchemaError with the place of what is wrong: a file cut short is never read as a shorter one.
"""

import codecs
import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, BinaryIO

import openpyxl
import xlrd

from agent.core import sheet
from agent.source.base import SchemaError
from agent.source.image import Sheet

_SAMPLE = 64 * 1024
_MAX_STRINGS = 64 * 1024 * 1024
"""Bytes of a workbook's table of texts, which the reader holds in memory at several times their size."""
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_EXPORT_ANEW = "请重新导出该文件"
_EMPTY = (None, "")
csv.field_size_limit(16 * 1024 * 1024)  # of the process: a longer field is no field


@contextmanager
def opened(file: BinaryIO, name: str, wanted: str, charset: str) -> Iterator[Sheet]:
    """The sheet `wanted` (empty: the first) of `file`, which people know as `name`; `charset` empty: found out."""
    head = file.read(_SAMPLE)
    file.seek(0)
    if not head.strip(b"\0"):
        raise SchemaError(f"{name} 是空文件" if not head else f"{name} 没有写完", hint=_EXPORT_ANEW)
    if head.startswith(b"PK"):
        with _xlsx(file, name, wanted) as found:
            yield found
    elif head.startswith(b"\xd0\xcf\x11\xe0"):
        yield _xls(file, name, wanted, charset)
    elif head.lstrip().lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        raise SchemaError(f"{name} 是网页，不是表格", hint="请在 Excel 里另存为 .xlsx 或 CSV")
    elif wanted:
        raise SchemaError(f"{name} 是文本，没有工作表 {wanted}", hint="请核对 mapping.toml 的 from")
    else:
        text = io.TextIOWrapper(file, charset or _encoding(file, name, head), "strict", newline="")
        try:
            yield _text(text, name)
        finally:
            text.detach()


def _headed(rows: Iterator[Sequence[Any]], name: str, how: str) -> Sheet:
    first = list(islice(rows, sheet.HEAD_ROWS))
    place = sheet.header(first)
    if place < 0:
        raise SchemaError(f"{name} 没有表头", hint="表头须在前 20 行内，每栏一个文字名称")
    width = max(map(_filled, first[place:]))
    head = [*first[place], *[None] * width][:width]
    body = chain(enumerate(first[place + 1 :], place + 2), enumerate(rows, len(first) + 1))
    return Sheet(sheet.names(head), _even(body, width, name), f"{how}，表头在第 {place + 1} 行")


def _filled(row: Sequence[Any]) -> int:
    """Number of the last cell that says something."""
    return max((number for number, value in enumerate(row, 1) if value not in _EMPTY), default=0)


def _even(rows: Iterator[tuple[int, Sequence[Any]]], width: int, name: str) -> Iterator[Sequence[Any]]:
    """Rows of just `width` cells. A row of empty cells is none; one of another width is a fault."""
    for number, row in rows:
        filled = _filled(row)
        if not filled:
            continue
        if len(row) < width or filled > width:
            raise SchemaError(
                f"{name} 第 {number} 行有 {len(row)} 栏，表头有 {width} 栏：文件不完整，或分隔有误",
                hint=_EXPORT_ANEW,
            )
        yield row[:width]


# text --------------------------------------------------------------------------------------------------------


def _encoding(file: BinaryIO, name: str, head: bytes) -> str:
    """The one encoding in which the whole file is sound. GB18030 takes nearly anything, so UTF-8 is tried first."""
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return encoding
    big, little = head[0::2].count(0), head[1::2].count(0)
    if big or little:  # half of each letter of ours; both halves: a part of the file that was never written
        if min(big, little) * 10 > max(big, little):
            raise SchemaError(f"{name} 没有写完", hint=_EXPORT_ANEW)
        return "utf-16-be" if big > little else "utf-16-le"
    reason = ""
    for encoding in ("utf-8", "gb18030"):
        file.seek(0)
        try:
            for _ in codecs.iterdecode(iter(lambda: file.read(_SAMPLE), b""), encoding):
                pass
        except UnicodeDecodeError as error:
            reason = str(error)
            continue
        finally:
            file.seek(0)
        return encoding
    raise SchemaError(
        f"{name} 的编码不明：既不是 UTF-8 也不是 GB18030（{reason}）",
        hint="请导出为 UTF-8，或在 mapping.toml 写 source.charset",
    )


def _text(text: io.TextIOWrapper, name: str) -> Sheet:
    charset = text.encoding
    try:
        mark = sheet.separator(text.read(_SAMPLE))
    except UnicodeDecodeError as error:
        raise _wrong_charset(name, charset, error) from error
    text.seek(0)
    rows = _sound(csv.reader(text, delimiter=mark, strict=True), name, charset)
    return _headed(rows, name, f"{charset.upper()}，{_MARKS[mark]}分隔")


_MARKS = {"\t": "制表符", ",": "逗号", ";": "分号", "|": "竖线"}


def _sound(reader: Any, name: str, charset: str) -> Iterator[Sequence[str]]:
    """Fields as they stand; a NUL is a part of the file that was reserved and never written."""
    try:
        for row in reader:
            if any("\0" in field for field in row):
                raise SchemaError(f"{name} 第 {reader.line_num} 行没有写完", hint=_EXPORT_ANEW)
            yield row
    except csv.Error as error:
        raise SchemaError(
            f"{name} 第 {reader.line_num} 行的引号不成对，文件不完整（{error}）", hint=_EXPORT_ANEW
        ) from error
    except UnicodeDecodeError as error:
        raise _wrong_charset(name, charset, error) from error


def _wrong_charset(name: str, charset: str, error: UnicodeDecodeError) -> SchemaError:
    return SchemaError(
        f"{name} 不是 {charset.upper()}：{error}", hint="请核对 mapping.toml 的 source.charset"
    )


# workbooks ---------------------------------------------------------------------------------------------------


@contextmanager
def _xlsx(file: BinaryIO, name: str, wanted: str) -> Iterator[Sheet]:
    try:
        with zipfile.ZipFile(file) as packed:
            strings = [
                item.file_size for item in packed.infolist() if item.filename.endswith("sharedStrings.xml")
            ]
        if sum(strings) > _MAX_STRINGS:
            raise SchemaError(f"{name} 的文字太多，读它要占太多内存", hint="请导出为 CSV，或按月分成几个文件")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise _broken(name, error) from error
    try:
        found = _chosen(name, wanted, book.sheetnames)
        yield _headed(_rows(book[found], name), name, f"Excel 工作表 {found}")
    finally:
        book.close()


def _rows(page: Any, name: str) -> Iterator[Sequence[Any]]:
    page.reset_dimensions()  # what a program wrote there is often wrong
    width = 0
    try:
        for row in page.iter_rows(values_only=True):
            width = max(width, len(row))
            yield (*row, *[None] * (width - len(row)))
    except (zipfile.BadZipFile, SyntaxError, KeyError, ValueError, EOFError, zlib.error) as error:
        raise _broken(name, error) from error


def _xls(file: BinaryIO, name: str, wanted: str, charset: str) -> Sheet:
    """At most 65,536 rows: the format holds no more."""
    try:
        book = xlrd.open_workbook(
            file_contents=file.read(), logfile=io.StringIO(), encoding_override=charset or None
        )
        found = _chosen(name, wanted, book.sheet_names())
        page = book.sheet_by_name(found)
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, AssertionError, IndexError, ValueError) as error:
        raise _broken(name, error) from error
    rows = ([_xls_cell(cell, book) for cell in page.row(number)] for number in range(page.nrows))
    return _headed(iter(rows), name, f"Excel 97-2003 工作表 {found}")


def _xls_cell(cell: Any, book: Any) -> Any:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERR")
    return None if cell.ctype in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK} else cell.value


def _chosen(name: str, wanted: str, there: list[str]) -> str:
    if not wanted and there:
        return there[0]
    if wanted not in there:
        raise SchemaError(
            f"{name} 没有工作表 {wanted}（有：{'、'.join(there)}）", hint="请核对 mapping.toml 的 from"
        )
    return wanted


def _broken(name: str, error: Exception) -> SchemaError:
    return SchemaError(f"{name} 不完整或已损坏（{error}）", hint=_EXPORT_ANEW)
