"""What is logged or told to the hall of a row names nobody."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core import mask

PERSONAL = st.one_of(
    st.from_regex(r"1[3-9]\d{9}", fullmatch=True),
    st.from_regex(r"\d{17}[0-9Xx]", fullmatch=True),
    st.from_regex(r"(19|20)\d{6,14}", fullmatch=True),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=2, max_size=40),
    st.text(),
)
MIXED = st.lists(PERSONAL, min_size=1, max_size=3).map("".join)


@given(MIXED)
def test_a_masked_value_names_nobody(text: str) -> None:
    made = mask.masked(text)
    assert len(made) <= mask.LONGEST
    assert not re.search(r"\d{6}", made)
    assert len(made.splitlines()) <= 1
    plain = " ".join(text.split())
    if sum(char.isalnum() for char in plain) > 3:
        assert plain not in made
        shown = [char for char in made if char.isalnum() and char not in "年月日号第"]
        assert len(shown) <= 6


@given(MIXED)
def test_neither_a_code_nor_a_sentence_keeps_a_long_number(text: str) -> None:
    assert not re.search(r"\d{6}", mask.code(text))
    assert not re.search(r"\d{6}", mask.numbers(text))
    assert len(mask.code(text)) <= mask.LONGEST


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("王小明", "王*"), ("欧阳小明丰", "欧**"), ("13912345678", "139********"), ("330102199001011234", "330***************"),
        ("2026-06-12", "2026-06-**"), ("20260612", "20******"), ("电话13812345678", "电**"), ("９９", "９*"), ("abc", "abc"),
        ("", ""), ("王", "*"), ("王\ue000明", "王*"), ("A王明丰", "A***"), ("33010219900101123X", "330***************"),
    ],
)  # fmt: skip
def test_the_shape_of_a_value_stays(raw: str, shown: str) -> None:
    assert mask.masked(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("9", "9"), ("已办结", "已办结"), ("BLZT-07", "BLZT-07"), ("张三电话13812345678", "张**"), ("同意受理并于三日内办结送达申请人", "同**")],
)  # fmt: skip
def test_a_code_is_seen_and_what_is_none_is_not(raw: str, shown: str) -> None:
    assert mask.code(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("20260600417", "20260600417"),
        ('["SL2026-1","3"]', '["SL2026-1","3"]'),
        ("13812345678", "138********"),
        ("330102199001011234", "330***************"),
        ("33010219900101123X", "330***************"),
        ('["13812345678","3"]', '["1**********","*"]'),
        ("王小明", "王*"),
    ],
)
def test_a_key_is_seen_at_the_box_unless_it_is_a_persons(raw: str, shown: str) -> None:
    assert mask.key(raw) == shown
