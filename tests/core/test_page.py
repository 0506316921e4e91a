"""Proven pages: what they skip was proven, and stays so."""

from datetime import date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.core import page
from agent.core.indexed import Known
from agent.core.page import BEGIN, READ_EVERY, Page, Pages, Place
from agent.core.proof import Met

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
    pages.keep({BEGIN}, Met(), 0, 0)
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
    pages.keep({"d"}, Met(), 0, 0)
    assert pages.at(BEGIN, 0) is None
    assert pages.cut(["a", "d", "h", "x"]) == 3


def test_the_servers_word_counts_for_a_day_and_only_for_rows_that_were_read_after_it() -> None:
    pages, said = Pages(), (2, "abc")
    pages.prove(BEGIN, Page("b", 2, b"d", page.pack([1, 2])), 0)
    proven = pages.at(BEGIN, 0)
    assert proven is not None
    assert not pages.vouched(proven, said, 0), (
        "proven, but the server was not asked before its rows were read"
    )
    for other in ((2, ""), (3, "abc")):
        pages.hashed(BEGIN, proven, other, 10)
        assert pages.at(BEGIN, 0) is proven
    pages.hashed(BEGIN, proven, said, 10)
    held = pages.at(BEGIN, 0)
    assert held is not None
    assert pages.vouched(held, said, 9 + READ_EVERY)
    assert not pages.vouched(held, said, 10 + READ_EVERY)
    for other in ((2, "abd"), (1, "abc"), (2, "")):
        assert not pages.vouched(held, other, 11)
    pages.told(2)
    assert not pages.vouched(held, said, 11)
    pages.prove(BEGIN, Page("b", 2, b"e", page.pack([1, 2])), 0)
    pages.hashed(BEGIN, held, said, 12)
    anew = pages.at(BEGIN, 0)
    assert anew is not None
    assert not pages.vouched(anew, said, 13), "the rows that it was said of are not those of this page"


def test_a_walk_asks_for_what_the_last_one_found_and_what_was_told_since() -> None:
    pages, last, now = Pages(), Met(), Met()
    assert pages.left_out(now, 0) == ([], 0), "before the first walk every row of the index is looked at"
    last.add_run(1, 20)
    pages.keep(set(), last, 30, 0)
    pages.told(25)  # came back after that walk
    pages.told(31)  # new since: looked at with all that is new
    now.add_run(1, 17)
    now.add(31)
    assert pages.left_out(now, 0) == ([18, 19, 20, 25], 30)
    assert pages.left_out(now, 1) == ([], 0), "a deletion may have to be told again"
    pages.prove(BEGIN, Page("b", 1, b"d", page.pack([25])), 0)
    assert pages.left_out(now, 0) == ([18, 19, 20, 25], 30), "proven by a walk that did not come to its end"


def test_only_a_page_that_is_wholly_as_the_index_has_it_is_proven() -> None:
    good = {key: Known(number, 1, b"", key, False, False, False, 0) for number, key in enumerate("ab", 5)}
    gone = {**good, "b": Known(6, 1, b"", "b", True, False, False, 0)}
    place = Place(BEGIN, 0, {"SQR": 1})
    for known, digest in ((gone, b"d"), ({"a": good["a"]}, b"d"), (good, None)):
        pages = Pages()
        pages.learn(["a", "b"], known, digest, place)
        assert pages.at(BEGIN, 0) is None
    pages.learn(["a", "b"], good, b"d", place)
    found = pages.at(BEGIN, 0)
    assert found == Page("b", 2, b"d", page.pack([5, 6]), {"SQR": 1})
