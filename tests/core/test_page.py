"""Proven pages: what they skip was proven, and stays so."""

from datetime import date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.core import page
from agent.core.page import BEGIN, Page, Pages

KEY = b"k" * 32


@given(st.sets(st.integers(1, 5000)))
def test_ids_come_back_as_they_were_packed(ids: set[int]) -> None:
    assert list(page.unpacked(page.pack(ids))) == sorted(ids)


def test_equal_rows_have_equal_digests_and_others_another() -> None:
    row = (1, "王", b"\xff", None, 1.5, Decimal("2.50"), datetime(2026, 6, 1, 8), date(2026, 6, 1))  # noqa: DTZ001
    assert page.digest(KEY, [row]) == page.digest(KEY, [tuple(row)])
    others = [[row, row], [], [(*row[:1], "李", *row[2:])], [(*row[:5], Decimal("2.5"), *row[6:])]]
    assert len({page.digest(KEY, rows) for rows in [[row], *others]}) == 5
    assert page.digest(KEY, [(object(),)]) is None
    assert page.digest(KEY, [(1 << 80,)]) is None


def test_a_row_that_is_told_breaks_the_proof_of_its_page_until_it_is_proven_again() -> None:
    pages = Pages()
    proven = Page("b", 2, b"d", page.pack([1, 2]))
    assert pages.at(BEGIN, 0) is None
    pages.prove(BEGIN, proven, 0)
    assert pages.holds(proven, b"d")
    assert not pages.holds(proven, b"e")
    assert not pages.holds(proven, None)
    pages.told(2)
    assert not pages.holds(proven, b"d"), "the source says again what it said before that version"
    pages.told(7)
    pages.prove(BEGIN, proven, 0)
    assert pages.holds(proven, b"d")
    pages.keep({BEGIN})
    assert not pages.holds(Page("c", 1, b"d", page.pack([7])), b"d")


def test_rows_that_are_to_be_sent_again_void_every_page() -> None:
    pages = Pages()
    pages.prove(BEGIN, Page("b", 2, b"d", b"\x90"), 0)
    assert pages.at(BEGIN, 1) is None
    pages.prove(BEGIN, Page("b", 2, b"d", b"\x90"), 0)
    assert pages.at(BEGIN, 1) is None, "proven before they were marked"


def test_a_page_that_changed_ends_where_it_ended() -> None:
    pages = Pages()
    pages.prove(BEGIN, Page("d", 3, b"d", b"\x90"), 0)
    pages.prove("d", Page("h", 3, b"d", b"\x90"), 0)
    assert pages.cut(["a", "c", "d", "e"]) == 3
    assert pages.cut(["a", "d", "h", "x"]) == 3
    assert pages.cut(["a", "c", None]) == 3
    pages.keep({"d"})
    assert pages.at(BEGIN, 0) is None
    assert pages.cut(["a", "d", "h", "x"]) == 3
