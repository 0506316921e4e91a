"""What others wrote can neither command a terminal nor turn a page's line round, and is never longer than said."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.text import LONGEST_LINE, is_sound, is_whole, one_line, sound

OVERRIDES = [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
CONTROLS = [
    char for char in map(chr, range(0x100)) if unicodedata.category(char) == "Cc" and char not in "\n\t"
]
ANY = st.text(st.one_of(st.characters(), st.sampled_from([*CONTROLS, *OVERRIDES, "\n", "\t", "\r", "王"])))


def test_the_characters_that_may_not_travel_are_these() -> None:
    refused = [char for char in map(chr, range(0x3000)) if not is_sound(char)]
    assert refused == CONTROLS + OVERRIDES
    assert len(CONTROLS) == 63


@given(ANY)
def test_a_text_is_made_sound_once_and_what_was_sound_stays(text: str) -> None:
    made = sound(text)
    assert is_sound(made)
    assert sound(made) == made
    made.encode()
    if is_sound(text) and not any("\ud800" <= char <= "\udfff" for char in text):
        assert made == text


@pytest.mark.parametrize(
    ("raw", "made"),
    [
        ("受理\r\n补正\r决定", "受理\n补正\n决定"),
        ("备注\x0b换行\x85", "备注\n换行\n"),
        ("王\0明\x1b[2J\x9b", "王\ufffd明\ufffd[2J\ufffd"),
        ("\u202e王", "\ufffd王"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("𠮷\ue000　全角\u200d", "𠮷\ue000　全角\u200d"),
    ],
)
def test_line_ends_are_kept_and_damage_is_seen(raw: str, made: str) -> None:
    assert sound(raw) == made


@given(ANY, st.integers(1, 50))
def test_a_line_is_one_line_of_at_most_so_many_characters(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert line.splitlines() in ([], [line])
    assert is_sound(line)
    assert "\t" not in line


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_a_text_is_whole_if_it_has_bytes(text: str) -> None:
    assert is_whole(text) is (text.encode(errors="replace").decode() == text)


def test_a_line_says_that_more_was_said() -> None:
    assert one_line("甲" * 1_000) == "甲" * (LONGEST_LINE - 1) + "…"
    assert one_line(" 甲\n\t乙 ") == "甲 乙"
