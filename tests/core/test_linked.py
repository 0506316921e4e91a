"""What a complaint's text says of an item, a day and a unit."""

from datetime import date

import pytest

from central.core.linked import By, Span, days_meant, is_unit, items_named

CAME = date(2026, 6, 12)
NAMES = {
    "SX1": ["食品经营许可（新办）", "餐饮服务许可"],
    "SX2": ["排污许可证核发"],
    "SX3": ["年检"],
}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("去办食品经营许可证，三次退件", ["SX1"]),
        ("以前叫餐饮 服务许可 的", ["SX1"]),
        ("排污许可证核发和食品经营许可都不给办", ["SX1", "SX2"]),
        ("年检不给办", []),
        ("窗口三次退件", []),
        ("", []),
    ],
)
def test_an_item_is_named_by_what_it_is_or_was_called(text: str, codes: list[str]) -> None:
    assert items_named(text, NAMES) == codes


def span(first: tuple[int, int, int], last: tuple[int, int, int]) -> Span:
    return Span(date(*first), date(*last))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("6月3日去的窗口", [span((2026, 6, 2), (2026, 6, 4))]),
        ("2025年12月31号去的", [span((2025, 12, 30), (2026, 1, 1))]),
        ("2026-06-01 去的", [span((2026, 5, 31), (2026, 6, 2))]),
        ("昨天去的", [span((2026, 6, 10), (2026, 6, 12))]),
        ("今天去的", [span((2026, 6, 11), (2026, 6, 12))]),
        ("12月30日去的", [span((2025, 12, 29), (2025, 12, 31))]),
        ("6月3日、6月3日、6月5日", [span((2026, 6, 2), (2026, 6, 4)), span((2026, 6, 4), (2026, 6, 6))]),
        ("2月30日", [span((2026, 6, 5), (2026, 6, 12))]),
        ("说3-5个工作日，电话13912345678", [span((2026, 6, 5), (2026, 6, 12))]),
        ("0001年1月1日", [span((2026, 6, 5), (2026, 6, 12))]),
        ("2027年1月1日", [span((2026, 6, 5), (2026, 6, 12))]),
        ("0000年1月1日", [span((2025, 12, 31), (2026, 1, 2))]),
    ],
)
def test_days_are_those_that_the_text_names_or_else_the_last(text: str, spans: list[Span]) -> None:
    assert days_meant(text, CAME) == spans


def test_no_more_days_than_can_be_looked_at() -> None:
    assert len(days_meant("、".join(f"6月{day}日" for day in range(1, 13)), CAME)) == 3


def test_a_unit_is_told_by_office_or_site() -> None:
    assert is_unit("石桥镇便民服务中心", ["便民服务中心", None])
    assert is_unit("石桥镇", ["石桥镇便民服务中心"])
    assert not is_unit("石桥镇", ["云溪镇", None, ""])
    assert not is_unit("", ["云溪镇"])


def test_every_way_has_its_words() -> None:
    assert all(by.word for by in By)
