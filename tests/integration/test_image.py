"""Exported files as a source: every form that offices send, files that are not whole, and what changes between two looks."""

import codecs
import csv
import os
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from agent.core import query
from agent.core.mapping import ROW_KEY, SourceConfig
from agent.core.query import Column, Dialect, Row, Table
from agent.source import exports as reader
from agent.source import files, folder
from agent.source.base import SchemaError
from agent.source.files import ImageSource

DATA = Path(__file__).parents[1] / "data"
HEAD = ["受理编号", "申请人", "意见"]
ROWS = [["001", "王㐂", '同意，"请办"\n尽快'], ["002", " 李镕 ", ""], ["003", "张三", "a,b;c\td"]]
TEXTS = [tuple(value or None for value in row) for row in ROWS]


@pytest.fixture
async def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["Exports"]:
    monkeypatch.setattr(files, "SETTLE_SECS", 0.0)
    monkeypatch.setattr(files, "DUTY", 1.0)
    made = Exports(tmp_path / "导出")
    yield made
    await made.source.close()


class Exports:
    """A folder, and its source."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root = root
        self.source = self.fresh()

    def fresh(self, charset: str = "") -> ImageSource:
        return folder.from_config(SourceConfig("folder", path=str(self.root), charset=charset), self.root)

    def text(
        self, name: str, rows: Sequence[Sequence[str]], encoding: str = "utf-8", mark: str = ","
    ) -> Path:
        path = self.root / name
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=mark).writerows(rows)
        return path

    def book(self, name: str, **sheets: list[list[Any]]) -> Path:
        book = openpyxl.Workbook(write_only=True)
        for title, rows in sheets.items():
            page = book.create_sheet(title)
            for row in rows:
                page.append(row)
        book.save(self.root / name)
        return self.root / name

    async def rows(self, table: str, *columns: str, key: str = ROW_KEY) -> list[Row]:
        names = columns or [name for name in await self.source.columns(table) if name != ROW_KEY]
        wanted = Table(Dialect.SQLITE, table, tuple(map(Column, names)), (key,))
        return await self.source.fetch(query.by_key(wanted, None, 10_000))


# text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
async def test_text_is_kept_exactly_in_every_encoding_and_dialect(
    exports: Exports, encoding: str, mark: str
) -> None:
    exports.text("办件.csv", [HEAD, *ROWS], encoding, mark)
    assert await exports.rows("办件", *HEAD, key="受理编号") == TEXTS


async def test_a_title_above_the_header_and_blank_lines_are_no_rows(exports: Exports) -> None:
    exports.text("办件.csv", [["云溪镇台账"], [], HEAD, *ROWS, ["", "", ""]])
    assert await exports.rows("办件", key="受理编号") == TEXTS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "是空文件"),
        (b"\0" * 4096, "没有写完"),
        ("受理编号,申请人\n001,王\n002".encode(), "第 3 行有 1 栏，表头有 2 栏"),
        ('受理编号,申请人\n001,"王'.encode(), "引号不成对"),
        ("受理编号,申请人\n001,王\n".encode() + b"\0" * 100, "编码不明|没有写完|栏"),
        ("受理编号,申请人\n001,王".encode()[:-1], "编码不明"),
        (b"1,2\n3,4\n", "没有表头"),
        ("<html><table><tr><td>受理编号</td></tr></table>".encode(), "是网页"),
        (b"PK\x03\x04 cut short", "不完整或已损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut short", "不完整或已损坏"),
    ],
)
async def test_a_file_that_is_not_whole_stops_its_table_alone(
    exports: Exports, content: bytes, reason: str
) -> None:
    (exports.root / "办件.csv").write_bytes(content)
    exports.text("环节.csv", [HEAD, *ROWS])
    for _ in range(2):
        with pytest.raises(SchemaError, match=reason) as caught:
            await exports.source.columns("办件")
        assert caught.value.hint
    assert len(await exports.rows("环节")) == 3


async def test_a_given_charset_is_held_to(exports: Exports) -> None:
    exports.text("办件.csv", [HEAD, *ROWS], "gb18030")
    exports.source = exports.fresh("utf-8")
    with pytest.raises(SchemaError, match="不是 UTF-8"):
        await exports.source.columns("办件")
    exports.source = exports.fresh("gb18030")
    assert len(await exports.rows("办件")) == 3


# workbooks ----------------------------------------------------------------------------------------------------


async def test_a_workbook_gives_numbers_dates_and_times(exports: Exports) -> None:
    head = ["编号", "天数", "费用", "受理时间", "办结日期", "缺件"]
    exports.book(
        "办件.xlsx",
        台账=[["台账"], head, [7, 20, 2.5, datetime(2026, 6, 1, 8, 30), date(2026, 6, 9), True]],  # noqa: DTZ001
    )
    assert await exports.rows("办件", key="编号") == [(7, 20, 2.5, "2026-06-01 08:30:00", "2026-06-09", 1)]


async def test_a_sheet_is_named_behind_its_file(exports: Exports) -> None:
    exports.book("台账.xlsx", 办件=[["编号"], ["a"]], 环节=[["序号"], ["b"]])
    assert await exports.rows("台账", "编号") == [("a",)]
    assert await exports.rows("台账.环节", "序号") == [("b",)]
    with pytest.raises(SchemaError, match="没有工作表 证照（有：办件、环节）"):
        await exports.source.columns("台账.证照")


@pytest.mark.parametrize("name", ["shared.xlsx", "old.xls"])
async def test_a_workbook_of_other_programs_is_read_whatever_it_is_called(
    exports: Exports, name: str
) -> None:
    """The one with a table of its texts and a title, as Excel writes; the other in the format of 1997."""
    shutil.copy(DATA / name, exports.root / "办件.xlsx")
    assert await exports.rows("办件", key="编号") == [
        ("青云001", "王小明", 20, "2026-06-01 08:30:00", "2026-06-09"),
        ("青云002", "李㐂", 2.5, "2026-06-02", None),
    ]


async def test_a_workbook_too_large_for_the_memory_is_refused(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(DATA / "shared.xlsx", exports.root / "办件.xlsx")
    monkeypatch.setattr(reader, "_MAX_STRINGS", 100)
    with pytest.raises(SchemaError, match="占太多内存") as caught:
        await exports.source.columns("办件")
    assert "CSV" in caught.value.hint


# which file ---------------------------------------------------------------------------------------------------


async def test_the_newest_of_a_dated_series_is_the_table(exports: Exports) -> None:
    for day in ("20260611", "20260612", "20260530"):
        path = exports.text(f"办件_{day}.csv", [["编号"], [day]])
        os.utime(path, (1, 1))
    exports.text("办件_20260613.csv.tmp", [["编号"], ["x"]])
    assert await exports.rows("办件", "编号") == [("20260612",)]
    exports.text("办件.csv", [["编号"], ["now"]])
    assert await exports.rows("办件", "编号") == [("now",)]


async def test_a_table_without_a_file_is_called_so_and_found_when_it_comes(exports: Exports) -> None:
    with pytest.raises(SchemaError, match="里没有 办件"):
        await exports.source.columns("办件")
    exports.text("办件.csv", [HEAD])
    assert await exports.rows("办件") == []


# what changes -------------------------------------------------------------------------------------------------


async def test_a_file_that_was_only_touched_is_not_loaded_again(
    exports: Exports, capsys: pytest.CaptureFixture[str]
) -> None:
    path = exports.text("办件.csv", [HEAD, *ROWS])
    await exports.rows("办件")
    os.utime(path, (5, 5))
    assert len(await exports.rows("办件")) == 3
    assert capsys.readouterr().out.count("image.loaded") == 1


async def test_a_file_that_is_being_written_is_waited_for(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exports.text("办件.csv", [HEAD, *ROWS])
    assert len(await exports.rows("办件")) == 3
    monkeypatch.setattr(files, "SETTLE_SECS", 3600.0)
    with path.open("a") as file:
        file.write("004,赵六,\n")
    assert len(await exports.rows("办件")) == 3, "the former image serves"
    assert exports.source.age_secs("办件") < 60
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert len(await exports.rows("办件")) == 4, "long untouched is whole"


async def test_a_table_is_as_old_as_its_file(exports: Exports) -> None:
    path = exports.text("办件.csv", [HEAD, *ROWS])
    os.utime(path, (time.time() - 7200, time.time() - 7200))
    await exports.rows("办件")
    assert 7190 < exports.source.age_secs("办件") < 7300


async def test_a_broken_file_after_a_good_one_stops_the_table_until_it_is_whole_again(
    exports: Exports,
) -> None:
    exports.text("办件.csv", [HEAD, *ROWS])
    await exports.rows("办件")
    exports.text("办件.csv", [HEAD, ROWS[0], ["002"]])
    with pytest.raises(SchemaError, match="第 3 行有 1 栏"):
        await exports.source.columns("办件")
    exports.text("办件.csv", [HEAD, ROWS[0]])
    assert len(await exports.rows("办件")) == 1


async def test_rows_without_a_key_are_told_apart_as_a_multiset(exports: Exports) -> None:
    async def keys() -> set[str]:
        return {row[0] for row in await exports.rows("办件", ROW_KEY)}

    exports.text("办件.csv", [HEAD, ROWS[0], ROWS[0], ROWS[0], ROWS[2]])
    before = await keys()
    assert len(before) == 4
    exports.text("办件.csv", [HEAD, ROWS[2], ROWS[0], ROWS[0]])
    after = await keys()
    assert after < before
    assert len(after) == 3
    exports.text("办件.csv", [HEAD, ROWS[2], ROWS[0], ["001", "王㐂", "不同意"]])
    changed = await keys()
    assert (len(changed - after), len(after - changed)) == (1, 1), "an edit is a deletion and an insert"


async def test_nothing_of_an_image_lies_in_a_folder(exports: Exports, tmp_path: Path) -> None:
    exports.text("办件.csv", [HEAD, *ROWS])
    await exports.rows("办件")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["办件.csv"]


async def test_a_large_table_loads_beside_the_other_work(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE_SECS", 0.0)
    exports.text("办件.csv", [HEAD, *([str(n), "王", "x"] for n in range(5000))])
    with pytest.raises(SchemaError, match="正在载入"):
        await exports.source.columns("办件")
    monkeypatch.setattr(files, "PATIENCE_SECS", 30.0)
    assert len(await exports.rows("办件", "受理编号")) == 5000


def test_no_mark_of_an_encoding_is_forgotten() -> None:
    assert {codecs.BOM_UTF8, codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE} == set(reader._BOMS)
