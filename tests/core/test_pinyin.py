"""Initials by which names are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.pinyin import MOST, initials, matching


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("禾丰乡", "hfx"),
        ("重庆路街道", "cqljd"),
        ("A级 纳税人（2026）", "ajnsr2026"),
        ("", ""),
    ],
)
def test_a_name_has_the_first_letters_of_its_syllables(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_what_begins_with_the_letters_comes_first() -> None:
    assert matching("FX", ["禾丰乡", "丰县", "石桥镇"]) == ["丰县", "禾丰乡"]


@given(st.lists(st.text(max_size=8), max_size=40), st.text(max_size=4))
def test_no_name_fails_and_the_answer_is_short(names: list[str], wanted: str) -> None:
    found = matching(wanted, names)
    assert len(found) <= MOST
    assert set(found) <= set(names)
