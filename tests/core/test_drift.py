"""Columns that appear: told once for ever, whatever else comes, goes and comes back."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core import drift
from agent.core.drift import MOST, Columns
from agent.core.mapping import ROW_KEY
from agent.core.query import Dialect

NAMES = st.lists(st.sampled_from("甲乙丙丁戊己"), unique=True)


@given(st.lists(NAMES, min_size=1, max_size=8), NAMES)
def test_every_column_that_appears_after_the_first_look_is_told_once_unless_it_is_mapped(
    looks: list[list[str]], mapped: list[str]
) -> None:
    columns: Columns | None = None
    told: list[str] = []
    for wall, found in enumerate(looks):
        columns, names = drift.look(columns, found, mapped, Dialect.POSTGRESQL, wall)
        told += names
        assert set(drift.unmapped(columns, found, mapped, Dialect.POSTGRESQL)) == set(told) & set(found)
    appeared = {name for found in looks for name in found} - set(looks[0]) - set(mapped)
    assert sorted(told) == sorted(appeared)


@given(NAMES, NAMES)
def test_a_look_at_the_same_columns_changes_nothing(first: list[str], second: list[str]) -> None:
    columns, _ = drift.look(None, first, [], Dialect.MYSQL, 1)
    columns, _ = drift.look(columns, second, [], Dialect.MYSQL, 2)
    assert drift.look(columns, second, [], Dialect.MYSQL, 3) == (columns, [])


def test_where_the_dialect_does_not_tell_case_another_spelling_is_no_new_column() -> None:
    columns, _ = drift.look(None, ["BZ", ROW_KEY], [], Dialect.MYSQL, 1)
    assert drift.look(columns, ["bz"], [], Dialect.MYSQL, 2)[1] == []
    columns, _ = drift.look(None, ["BZ"], [], Dialect.ORACLE, 1)
    assert drift.look(columns, ["bz"], [], Dialect.ORACLE, 2)[1] == ["bz"]


def test_headings_that_change_with_every_export_are_not_remembered_without_end() -> None:
    columns, _ = drift.look(None, ["a"], [], Dialect.SQLITE, 1)
    many = [f"c{number}" for number in range(2 * MOST)]
    columns, told = drift.look(columns, many, [], Dialect.SQLITE, 2)
    assert (len(columns.known), len(told)) == (MOST, MOST - 1)
    assert drift.look(columns, ["another"], [], Dialect.SQLITE, 3) == (columns, [])
    assert drift.listed(told) == "、".join(many[:20]) + f" 等 {MOST - 1} 个"
    assert drift.listed(["长" * 100, "a\0b"]) == "长" * 60 + "、a\ufffdb"
