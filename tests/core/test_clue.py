"""Which numbers of a series are missing, and of which nothing is claimed; what a complaint says was handed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.clue import LEAST, MOST_RUN, Held, holes, is_number, says_filed


def missing(numbers: list[str]) -> list[str]:
    return [hole.no for hole in holes([Held(no, 0) for no in numbers])]


def series(first: int, last: int, *but: int, form: str = "SL-2026-{:05}") -> list[str]:
    return [form.format(number) for number in range(first, last + 1) if number not in but]


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        (series(1, 30, 17), ["SL-2026-00017"]),
        (series(1, 30, 17)[::-1] * 2, ["SL-2026-00017"]),
        (series(90, 120, 99, 100, form="受{}号"), ["受99号", "受100号"]),
        (series(1, 30), []),
        (series(1, LEAST, 17), []),  # too few to claim anything
        (series(1, 60, *range(20, 21 + MOST_RUN)), []),  # nobody knows what took so many in a row
        (series(1, 60, *range(0, 60, 5)), []),  # one in five: this site has a part of the series
        (series(1, 60, 1, 60), []),  # what comes before the first and after the last
        ([*series(1, 30, form="2025-{:03}"), *series(32, 61, form="2026-{:03}")], []),  # a new year begins anew
        (["无", "", "SL-", "12a34b"], []),
        ([f"{number:018}" for number in range(7 * 10**17, 7 * 10**17 + 30) if number % 30 != 11], ["700000000000000001"]),
    ],
)  # fmt: skip
def test_a_number_is_missing_only_where_the_series_is_otherwise_whole(
    numbers: list[str], found: list[str]
) -> None:
    assert missing(numbers) == found


@given(st.sets(st.integers(1, 400), min_size=1), st.randoms(use_true_random=False))
def test_whatever_is_claimed_is_held_by_nobody_and_lies_between_two_that_are(
    held: set[int], rng: object
) -> None:
    numbers = [f"A{number:04}B" for number in held]
    rng.shuffle(numbers)  # type: ignore[attr-defined]
    for hole in holes([Held(no, 0) for no in numbers]):
        assert hole.no not in numbers
        assert hole.below.no < hole.no < hole.above.no
        assert int(hole.above.no[1:-1]) - int(hole.below.no[1:-1]) <= MOST_RUN + 1
        assert len(held) >= LEAST


def test_a_hole_is_of_the_office_and_item_on_both_of_its_sides() -> None:
    held = [
        Held(no, 0, "民政所", "低保" if no < "SL-2026-00010" else "养老") for no in series(1, 30, 5, 9, 20)
    ]
    assert [(hole.no[-2:], hole.org, hole.item) for hole in holes(held)] == [
        ("05", "民政所", "低保"), ("09", "民政所", ""), ("20", "民政所", "养老"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "may_be"), [("SL2026-7", True), ("不知道", False), ("3号窗口", False), ("", False)]
)
def test_a_complaints_number_is_one_only_with_digits(text: str, may_be: bool) -> None:
    assert is_number(text) is may_be


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("三月就把材料交齐了，到现在没有消息", True),
        ("窗口收了我们的材料没有给回执", True),
        ("已经递交两次", True),
        ("窗口态度很差，不肯说明要带什么", False),
    ],
)
def test_a_complaint_says_that_something_was_handed_in(text: str, says: bool) -> None:
    assert says_filed(text) is says
