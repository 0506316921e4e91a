"""Guides: which version is shown on which day, what laws a basis names, how near a name is to what was typed."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import guide
from central.core.guide import Guide, Law
from central.core.item import Item, pinned

DAY = date(2026, 6, 12)
AGO, AHEAD = DAY - timedelta(days=30), DAY + timedelta(days=7)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def version(number: int, begins: date | None, published: date | None) -> Item:
    return Item("A", f"第{number}版", version=number, valid_from=begins, published_on=published)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version(1, None, AGO)], "第1版"),
        ([version(1, None, None)], None),
        ([version(1, None, AHEAD)], None),
        ([version(1, AHEAD, AGO)], None),
        ([version(1, None, AGO), version(2, AHEAD, AGO)], "第1版"),
        ([version(1, None, AGO), version(2, DAY, AGO)], "第2版"),
        ([version(1, None, AGO), version(2, DAY, None)], None),  # the older one would mislead
        ([], None),
    ],
)
def test_the_version_in_force_is_shown_if_it_is_displayed_and_no_other(
    versions: list[Item], expected: str | None
) -> None:
    found = guide.current(Guide("A", tuple(versions)), DAY)
    assert (found.name if found else None) == expected


@given(st.lists(st.tuples(st.none() | DAYS, st.none() | DAYS), max_size=5), DAYS)
def test_what_is_shown_is_what_the_clocks_of_that_day_go_by(
    drawn: list[tuple[date | None, date | None]], day: date
) -> None:
    begun = sorted(drawn, key=lambda one: one[0] or date.min)
    versions = tuple(version(number, *one) for number, one in enumerate(begun, 1))
    found = guide.current(Guide("A", versions), day)
    assert found is None or found is pinned(versions, day)
    assert found is None or (found.published_on or date.max) <= day >= (found.valid_from or date.min)


@given(st.lists(st.tuples(st.none() | DAYS, st.none() | DAYS), max_size=5), DAYS, st.integers(0, 400))
def test_until_the_day_that_is_named_no_other_version_is_in_force(
    drawn: list[tuple[date | None, date | None]], day: date, ahead: int
) -> None:
    begun = sorted(drawn, key=lambda one: one[0] or date.min)
    versions = tuple(version(number, *one) for number, one in enumerate(begun, 1))
    changes, later = guide.changes_on(Guide("A", versions), day), day + timedelta(days=ahead)
    if changes is None or later < changes:
        assert pinned(versions, later) is pinned(versions, day)
    else:
        assert any(one.valid_from == changes for one in versions)


def test_a_basis_names_its_laws_with_their_articles() -> None:
    said = "《食品安全法》第三十五条、第三十六条；《许可管理办法》（总局令第78号）第九条第二款；见《食品安全法》第三十五条"
    assert guide.cited(said) == [("食品安全法", "第三十五条、第三十六条"), ("许可管理办法", "第九条第二款")]
    assert guide.cited("按有关规定") == []
    items = [Item("A", "甲", basis=said), Item("B", "乙", basis="《食品安全法》")]
    found = {law.name: [(one.code, one.articles) for one in law.items] for law in guide.laws(items)}
    assert found["食品安全法"] == [("B", ""), ("A", "第三十五条、第三十六条")]
    entered = [Law("食品安全法", (), "主席令第 21 号", AGO), Law("旧办法", (), "", AGO, DAY)]
    joined = {law.name: law for law in guide.laws(items, entered)}
    assert [one.code for one in joined["食品安全法"].items] == ["B", "A"]
    assert [joined[name].standing(DAY) for name in ("食品安全法", "旧办法", "许可管理办法")] == [
        "现行有效",
        "已废止",
        "效力未登记",
    ]


@pytest.mark.parametrize(
    ("effective", "repealed", "expected"),
    [
        (None, None, "效力未登记"),
        (AGO, None, "现行有效"),
        (AHEAD, None, "尚未生效"),
        (AGO, DAY, "已废止"),
        (AGO, AHEAD, "现行有效"),
    ],
)
def test_a_law_says_whether_it_is_in_force(
    effective: date | None, repealed: date | None, expected: str
) -> None:
    assert Law("法", (), "", effective, repealed).standing(DAY) == expected


def test_nearer_names_come_first_and_nothing_is_found_by_nothing() -> None:
    def ranked(asked: str, name: str, letters: str) -> int | None:
        return guide.rank(asked, name, letters, "身份证")

    assert ranked("食品", "食品经营许可", "spjyxk shipinjingyingxuke") == 0
    assert ranked("许可 食品", "食品经营许可", "spjyxk shipinjingyingxuke") == 0
    assert ranked("经营", "食品经营许可", "spjyxk shipinjingyingxuke") == 1
    assert ranked("SPJ", "食品经营许可", "spjyxk shipinjingyingxuke") == 2
    assert ranked("jingying", "食品经营许可", "spjyxk shipinjingyingxuke") == 3
    assert ranked("身份证", "食品经营许可", "spjyxk shipinjingyingxuke") == 4
    assert ranked("车", "食品经营许可", "spjyxk shipinjingyingxuke") is None
    assert ranked("  ", "食品经营许可", "spjyxk shipinjingyingxuke") is None


def test_few_cases_have_no_median() -> None:
    assert guide.measured([1, 2, 9, None], 1, 2, DAY, 30) == guide.Measured(DAY, 30, 4, None, 1, 2)
    assert guide.measured([9, 1, 2, 3, 4, None], 0, 0, DAY, 30).median == 3
