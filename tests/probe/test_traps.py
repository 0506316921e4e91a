"""What a hasty reader of a schema gets wrong: the draft must leave it to a person, and say why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from agent.core.catalogue import CatalogColumn, CatalogTable
from agent.core.probe import draft, links
from agent.core.probe.draft import Draft, TableDraft
from agent.core.probe.guess import Guess
from agent.core.probe.sampled import Sampled, sampled

BEGAN = datetime(2026, 3, 2, 9)  # noqa: DTZ001
ROWS = 150
APPLICANTS = ("王小明", "李芳", "张喆", "赵丽", "周强")


@dataclass
class Column:
    """`value` of the n-th row."""

    name: str
    value: Any
    comment: str = ""


def later(days: float) -> Any:
    return lambda n: BEGAN + timedelta(hours=7 * n, days=days)


CASE = [
    Column("YWID", lambda n: n + 1),
    Column("SLBH", lambda n: f"青云202603{n:04}"),
    Column("SQR", lambda n: APPLICANTS[n % 5]),
    Column("SXMC", lambda n: ("食品经营许可", "林木采伐许可")[n % 2]),
    Column("SLSJ", later(1)),
    Column("CNSX", lambda n: (10, 20)[n % 2]),
    Column("BJSJ", lambda n: later(4)(n) if n < 120 else None),
]
STEPS = [
    Column("ID", lambda n: n + 1),
    Column("SLBH", lambda n: f"青云202603{n // 3:04}"),
    Column("XH", lambda n: n % 3 + 1),
    Column("HJMC", lambda n: ("窗口收件", "受理", "决定")[n % 3]),
    Column("BLR", lambda n: APPLICANTS[n % 5]),
    Column("KSSJ", later(0)),
    Column("WCSJ", lambda n: later(0.5)(n) if n < 140 else None),
    Column("BLYJ", lambda n: "同意受理，材料齐全"),
]


def seen(name: str, columns: list[Column], *key: str, rows: int = ROWS, whole: bool = True) -> Sampled:
    listed = tuple(CatalogColumn(column.name, "", column.comment) for column in columns)
    table = CatalogTable(name, listed, keys=(key,) if key else ())
    values = [tuple(column.value(n) for column in columns) for n in range(rows)]
    return sampled(table, [column.name for column in columns], values, whole=whole)


def drafted(*tables: Sampled) -> Draft:
    case = draft.case_table(tables)
    shares = {
        one.table.name: {
            (pair.column, pair.target): links.share(pair, case) for pair in links.pairs(one, case)
        }
        for one in tables
        if case is not None and one is not case
    }
    return draft.drafted(case, tables, shares)


def table(made: Draft, name: str) -> TableDraft:
    return next(one for one in made.tables if one.name == name)


def case_with(*columns: Column, without: str = "") -> dict[str, Guess]:
    kept = [column for column in CASE if column.name not in {without, *(one.name for one in columns)}]
    return table(drafted(seen("SP_YWSL", [*kept, *columns], "YWID")), "case").fields


def test_what_is_plain_is_taken() -> None:
    made = drafted(seen("SP_YWSL", CASE, "YWID"), seen("SP_BLGC", STEPS, "ID"))
    case, step = table(made, "case"), table(made, "step")
    assert case.key.sure
    assert case.parent is not None
    assert case.parent.columns == ("SLBH",), "the steps name a case by its number"
    assert step.parent is not None
    assert step.parent.sure
    assert {name for name, guess in case.fields.items() if guess.sure} >= {
        "accepted_at",
        "finished_at",
        "promised",
    }


def test_two_columns_that_say_the_same_are_left_to_a_person() -> None:
    found = case_with(Column("SLRQ", later(2)))
    assert not found["accepted_at"].sure
    assert "也像" in found["accepted_at"].reason


def test_an_end_before_the_beginning_shakes_both() -> None:
    """BJSJ may be 报建时间."""
    found = case_with(Column("BJSJ", later(-3)))
    assert not found["finished_at"].sure
    assert not found["accepted_at"].sure
    assert "先后颠倒" in found["finished_at"].reason


def test_a_beginning_years_before_the_end_is_another_date() -> None:
    """SLRQ may be 设立日期."""
    found = case_with(Column("SLSJ", later(-4000)))
    assert not found["accepted_at"].sure
    assert "相隔多达" in found["accepted_at"].reason


def test_initials_that_stand_for_several_terms_prove_nothing() -> None:
    """BLSJ: 办理时间, 补录时间; LJSJ: 来件时间, 领件时间; DQSJ: 到期时间, 当前时间."""
    for name in ("LJSJ", "DQSJ", "BBSJ", "LASJ"):
        found = case_with(Column(name, later(2)))
        assert all(guess.columns != (name,) for guess in found.values())
    made = drafted(seen("SP_YWSL", CASE, "YWID"), seen("SP_BLGC", [*STEPS, Column("BLSJ", later(1))], "ID"))
    step = table(made, "step").fields
    assert all(not guess.sure for guess in step.values() if guess.columns == ("BLSJ",))


def test_a_date_that_stands_for_never_is_no_end() -> None:
    found = case_with(Column("BJSJ", lambda n: later(4)(n) if n < 100 else datetime(1900, 1, 1)))  # noqa: DTZ001
    assert not found["finished_at"].sure
    assert "1900-01-01" in found["finished_at"].reason


def test_a_zero_date_is_read_as_none() -> None:
    found = case_with(Column("BJSJ", lambda n: "2026-04-01 08:00:00" if n < 100 else "0000-00-00 00:00:00"))
    assert found["finished_at"].options["zero"] == "null"


@pytest.mark.parametrize("name", ["SQSJ", "SBSJ", "TJSJ", "DJSJ", "apply_time", "submit_time"])
def test_the_time_of_the_application_is_not_surely_that_of_its_receipt(name: str) -> None:
    assert not case_with(Column(name, later(0)))["received_at"].sure


def test_a_comment_that_is_not_understood_takes_the_initials_their_weight() -> None:
    assert not case_with(Column("SLSJ", later(1), "设立审计"))["accepted_at"].sure


def test_a_comment_that_says_another_thing_wins() -> None:
    found = case_with(Column("SLSJ", later(1), "更新时间"))
    assert "accepted_at" not in found


def test_a_state_of_unknown_codes_is_open() -> None:
    assert not case_with(Column("ZT", lambda n: n % 4))["status"].sure


def test_a_word_with_two_meanings_is_not_translated() -> None:
    found = case_with(Column("ZT", lambda n: ("已受理", "已办结", "退件")[n % 3]))["status"]
    assert found.sure
    assert found.enum == {"已受理": "accepted", "已办结": "done"}
    assert found.unknown == ("退件",)


def test_a_promise_of_mixed_units_is_open() -> None:
    assert not case_with(Column("CNSXDW", lambda n: ("工作日", "小时")[n % 2]))["promised"].sure
    assert case_with(Column("CNSXDW", lambda n: "工作日"))["promised"].options == {"type": "workdays"}
    assert case_with(Column("CNSXDW", lambda n: "自然日"))["promised"].options == {"type": "days"}


def test_a_primary_key_with_nulls_is_none() -> None:
    columns = [Column("YWID", lambda n: n or None), *CASE[1:]]
    assert not table(drafted(seen("SP_YWSL", columns, "YWID")), "case").key.sure


def test_a_key_that_only_a_sample_proves_is_open() -> None:
    assert not table(drafted(seen("SP_YWSL", CASE, whole=False)), "case").key.sure


def test_two_unique_columns_without_a_primary_key_are_left_to_a_person() -> None:
    columns = [*CASE, Column("LSH", lambda n: f"L{n:09}")]
    key = table(drafted(seen("SP_YWSL", columns)), "case").key
    assert not key.sure
    assert "都无重复" in key.reason


def test_running_numbers_that_overlap_by_accident_are_no_link() -> None:
    """Both tables number their rows from 1."""
    visits = [Column("ID", lambda n: n + 1), *[one for one in STEPS if one.name not in {"ID", "SLBH"}]]
    made = drafted(seen("SP_YWSL", CASE, "YWID"), seen("DZRZ", visits, "ID"))
    assert all(one.parent is None or not one.parent.sure for one in made.tables)


def test_a_backup_of_the_cases_is_not_the_cases() -> None:
    made = drafted(seen("SP_YWSL_BAK2019", CASE, "YWID", rows=400), seen("SP_YWSL", CASE, "YWID"))
    assert table(made, "case").seen.table.name == "SP_YWSL"
    assert [one.table for one in made.others] == ["SP_YWSL_BAK2019"]


def test_a_log_that_repeats_the_cases_is_not_the_case_table() -> None:
    log = [
        Column("LOGID", lambda n: n),
        *[Column(one.name, lambda n, v=one.value: v(n // 3)) for one in CASE],
    ]
    made = drafted(seen("SP_LOG", log, "LOGID", rows=450), seen("SP_YWSL", CASE, "YWID"))
    assert table(made, "case").seen.table.name == "SP_YWSL"


def test_tables_that_name_a_case_by_different_columns_do_not_both_load() -> None:
    """A case has one key: the table that goes another way is left without a parent."""
    fees = [
        Column("YWID", lambda n: n + 1),
        Column("BLJG", lambda n: ("准予许可", "不予许可")[n % 2]),
        Column("FDSX", lambda n: 20),
    ]
    made = drafted(seen("SP_YWSL", CASE, "YWID"), seen("SP_BLGC", STEPS, "ID"), seen("SP_JG", fees, "YWID"))
    parents = {one.name: one.parent for one in made.tables}
    sure = {name for name, parent in parents.items() if parent and parent.sure}
    assert len({parents[name].columns for name in sure if parents[name]}) == 1  # type: ignore[union-attr]
    assert any(parent and not parent.sure for parent in parents.values())


def test_a_cursor_whose_text_does_not_sort_as_its_times_is_open() -> None:
    column = Column(
        "XGSJ", lambda n: f"{later(0)(n).year}/{later(0)(n).month}/{later(0)(n).day} 8:{n % 60:02}"
    )
    made = drafted(seen("SP_YWSL", [*CASE, column], "YWID"))
    cursor = table(made, "case").cursor
    assert cursor is not None
    assert not cursor.sure


def test_numbers_that_begin_with_the_year_are_no_unix_times() -> None:
    columns = [Column("YWID", lambda n: 2026042811000 + n), *CASE[1:]]
    profile = seen("SP_YWSL", columns, "YWID").profiles["YWID"]
    assert profile.form == "number"


def test_without_a_table_of_cases_nothing_is_drafted() -> None:
    users = [Column("ID", lambda n: n), Column("LOGIN_NAME", lambda n: f"u{n}")]
    made = drafted(seen("SYS_USER", users, "ID"))
    assert made.tables == ()
    assert [one.reason for one in made.others] == ["不像办件表"]


SMALL = [
    Column("编 号", lambda n: f"青云{n:04}"),
    Column("申 请 人（或单位）", lambda n: APPLICANTS[n % 5]),
    Column("状 态", lambda n: ("在办", "办结")[n % 2]),
]


def test_a_small_main_table_of_names_with_spaces_and_brackets_is_known() -> None:
    made = table(drafted(seen("办件 主表(2026)", SMALL, "编 号", rows=6)), "case")
    assert made.fields["applicant"].columns == ("申 请 人（或单位）",)
    assert made.fields["applicant"].sure
    assert made.fields["status"].sure
    assert not drafted(seen("来访登记", SMALL, "编 号", rows=6)).tables, "its name alone made it one"


def test_what_stands_in_brackets_may_make_another_time_of_it() -> None:
    found = case_with(
        Column("受理时间（预计）", later(1)), Column("承诺时限（自然日）", lambda n: 10), without="SLSJ"
    )
    assert not found["accepted_at"].sure
    assert "预计" in found["accepted_at"].reason
    days = table(
        drafted(
            seen(
                "SP_YWSL",
                [*(one for one in CASE if one.name != "CNSX"), Column("承诺时限（自然日）", lambda n: 10)],
                "YWID",
            )
        ),
        "case",
    ).fields["promised"]
    assert (days.sure, days.options) == (True, {"type": "days"})


def test_of_a_table_and_a_view_of_it_the_table_is_taken() -> None:
    """It has the key, the indexes, and the signs of writing."""
    view = seen("V_YWSL", CASE)
    made = drafted(
        msgspec.structs.replace(view, table=msgspec.structs.replace(view.table, view=True)),
        seen("SP_YWSL", CASE, "YWID"),
        seen("SP_BLGC", STEPS, "ID"),
    )
    assert table(made, "case").seen.table.name == "SP_YWSL"
