"""What an exported sheet is made of."""

import csv
import io
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import sheet
from agent.core.mapping import ROW_KEY
from agent.core.query import identifier

TITLE = ["云溪镇办件台账", None, None]
HEAD = ["受理编号", "申请人", "受理时间"]
ROW = ["青云001", "王小明", datetime(2026, 6, 1, 8, 30)]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([HEAD, ROW], 0),
        ([TITLE, HEAD, ROW], 1),
        ([TITLE, [None, None, None], HEAD, ROW], 2),
        ([["导出时间", "2026-06-01", None, None, None], ["a", "b", "c", "d", "e"]], 1),
        ([["名称"], ["甲"]], 0),
        ([ROW, ROW], -1),
        ([[1, 2], [3, 4]], -1),
        ([["1", "2026-06-01 08:30"], ["受理", "办结"]], 1),
        ([], -1),
        ([[None], [""]], -1),
    ],
)
def test_the_header_is_the_first_row_of_text_that_fills_the_table(rows: list[list[Any]], place: int) -> None:
    assert sheet.header(rows) == place


def test_columns_get_names_that_a_mapping_can_write() -> None:
    cells = [
        "受理\n编号",
        None,
        "名称",
        "名称",
        " 时间 ",
        "a'b;c",
        "名称_2",
        2026,
        "",
        "_row",
        "承诺时限（天）",
    ]
    assert sheet.names(cells) == [
        "受理编号", "列2", "名称", "名称_2", "时间", "a_b_c", "名称_2_2", "列8", "列9", "_row_2", "承诺时限（天）",
    ]  # fmt: skip


@given(st.lists(st.one_of(st.none(), st.text(max_size=12), st.integers()), max_size=12))
def test_names_are_accepted_and_differ(cells: list[Any]) -> None:
    names = sheet.names(cells)
    assert [identifier(name) for name in names] == names
    assert len({name.casefold() for name in [*names, ROW_KEY]}) == len(cells) + 1


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_the_separator_is_what_splits_every_line_alike(mark: str) -> None:
    rows = [
        ["编号", "意见", "时间"],
        ["1", "同意, 请办; 尽快|急", "2026-06-01"],
        ["2", "否\t决", "2026-06-02"],
    ]
    text = io.StringIO()
    csv.writer(text, delimiter=mark).writerows(rows)
    assert sheet.separator(text.getvalue()) == mark


@pytest.mark.parametrize(
    ("stem", "found"),
    [
        ("办件", ""),
        ("办件_20260612", "20260612"),
        ("办件-2026-06-12", "20260612"),
        ("办件20260612", "20260612"),
        ("办件_20260612_0830", "202606120830"),
        ("办件_2026-06-12 08.30.15", "20260612083015"),
        ("办件过程", None),
        ("办件过程_20260612", None),
        ("办件_旧", None),
    ],
)
def test_a_dated_file_belongs_to_its_series(stem: str, found: str | None) -> None:
    assert sheet.series(stem, "办件") == found


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        ("", None),
        (" 王 ", " 王 "),
        (True, 1),
        (20.0, 20),
        (2.5, 2.5),
        (2**70, str(2**70)),
        (datetime(2026, 6, 1), "2026-06-01"),  # noqa: DTZ001
        (datetime(2026, 6, 1, 8, 30), "2026-06-01 08:30:00"),  # noqa: DTZ001
        (date(2026, 6, 1), "2026-06-01"),
        (time(8, 30), "08:30:00"),
    ],
)
def test_a_cell_is_kept_as_it_is_but_that_an_empty_one_says_nothing(value: Any, kept: Any) -> None:
    found = sheet.cell(value)
    assert (found, type(found)) == (kept, type(kept))


CELLS = st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(0, 3), st.floats(0, 3)), max_size=3)


@given(CELLS, CELLS)
def test_equal_rows_and_they_alone_have_the_same_id(left: list[Any], right: list[Any]) -> None:
    same = [(type(value), value) for value in left] == [(type(value), value) for value in right]
    assert (sheet.row_id(left) == sheet.row_id(right)) == same
