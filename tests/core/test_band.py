"""The arrival band against an independent count of live, late and missing quarter hours."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import band
from central.core.band import EMPTY, LATE, LIVE, MAINTENANCE, MISSING, SLOT, SLOTS, Arrived, Coverage
from central.core.maintenance import Window
from common.core.instant import HOUR, MINUTE
from common.core.state import Link

ZONE = ZoneInfo("Asia/Shanghai")
OPENS = band.opening(date(2026, 6, 12), ZONE)
PAST, NOW = OPENS - 100 * SLOT, OPENS + 26 * SLOT + 2 * MINUTE


def coverage(until: int | None, link: Link = Link.LIVE, left: int = 0, first: int | None = PAST) -> Coverage:
    return Coverage(first_at=first, complete_until=until, left=left, link=link)


def planned(cover: Coverage, *slots: int) -> Coverage:
    """Maintenance in these quarter hours, from a minute after their begin to a minute before their end."""
    spans = ((OPENS + slot * SLOT, OPENS + (slot + 1) * SLOT) for slot in slots)
    windows = tuple(Window(begin + MINUTE, end - MINUTE) for begin, end in spans)
    return replace(cover, planned=windows)


def rows(live: list[int], late: list[int]) -> dict[int, Arrived]:
    found = {OPENS + n * SLOT: Arrived(3, 0) for n in live}
    return found | {OPENS + n * SLOT: Arrived(0, 2) for n in late}


def test_a_whole_day_is_solid_up_to_now_and_empty_after() -> None:
    letters = band.cells(rows(list(range(27)), []), coverage(NOW - 1), OPENS, NOW)
    assert letters == LIVE * 27 + EMPTY * 13


def test_what_arrived_late_is_hatched_once_it_is_whole() -> None:
    letters = band.cells(rows([0, 1, 4], [2, 3]), coverage(NOW), OPENS, OPENS + 5 * SLOT)
    assert letters == LIVE * 2 + LATE * 2 + LIVE + EMPTY * 35


def test_a_quiet_quarter_hour_of_a_whole_site_is_no_hole() -> None:
    assert band.cells({}, coverage(NOW), OPENS, OPENS + 3 * SLOT).startswith(LIVE * 3 + EMPTY)


def test_a_cut_line_is_hollow_from_the_cut_on() -> None:
    until = OPENS + 10 * SLOT
    letters = band.cells(rows(list(range(10)), []), coverage(until, Link.OFFLINE), OPENS, NOW)
    assert letters == LIVE * 10 + MISSING * 17 + EMPTY * 13


def test_fresh_data_is_solid_while_the_backlog_behind_it_is_hollow() -> None:
    until = OPENS + 10 * SLOT
    letters = band.cells(rows([*range(10), 25, 26], []), coverage(until, Link.CATCHUP, 400), OPENS, NOW)
    assert letters == LIVE * 10 + MISSING * 15 + LIVE * 2 + EMPTY * 13


def test_planned_maintenance_is_grey_where_it_was_planned_and_nothing_has_come() -> None:
    until = OPENS + 20 * SLOT
    cover = planned(coverage(until, Link.MAINTENANCE), *range(18, 24))
    letters = band.cells(rows(list(range(20)), []), cover, OPENS, NOW)
    assert letters == LIVE * 20 + MAINTENANCE * 4 + MISSING * 3 + EMPTY * 13
    over = planned(coverage(until, Link.OFFLINE), 21)
    assert band.cells({}, over, OPENS, NOW)[20:27] == MISSING + MAINTENANCE + MISSING * 5, (
        "it is over, and stays grey"
    )


def test_before_the_first_record_of_a_site_nothing_was_due() -> None:
    assert band.cells({}, coverage(None, Link.NEVER, first=None), OPENS, NOW) == EMPTY * SLOTS
    started = OPENS + 5 * SLOT
    letters = band.cells(rows([5, 6], []), coverage(NOW, first=started), OPENS, OPENS + 7 * SLOT)
    assert letters == EMPTY * 5 + LIVE * 2 + EMPTY * 33


@given(
    live=st.sets(st.integers(0, SLOTS - 1)),
    late=st.sets(st.integers(0, SLOTS - 1)),
    until=st.none() | st.integers(OPENS - HOUR, OPENS + SLOTS * SLOT),
    now=st.integers(OPENS, OPENS + (SLOTS + 3) * SLOT),
    link=st.sampled_from(Link),
    left=st.integers(0, 9),
)
def test_the_band_keeps_its_promises(
    live: set[int], late: set[int], until: int | None, now: int, link: Link, left: int
) -> None:
    letters = band.cells(rows(sorted(live), sorted(late)), coverage(until, link, left), OPENS, now)
    assert len(letters) == SLOTS
    for number, letter in enumerate(letters):
        begins = OPENS + number * SLOT
        whole = until is not None and until >= begins + SLOT
        if begins >= now:
            assert letter == EMPTY
        elif whole:
            assert letter == (LATE if number in late else LIVE)
        elif letter == MISSING:
            assert link not in {Link.LIVE, Link.SLOW} or left > 0
    assert band.runs(letters).count("m") == 0 or "尚缺" in band.sentence(letters)


@given(st.text(alphabet=[LIVE, LATE, MISSING, MAINTENANCE, EMPTY], max_size=SLOTS))
def test_runs_say_the_same_as_the_letters(letters: str) -> None:
    assert "".join(letter * count for letter, count in band.drawn(band.runs(letters))) == letters


@pytest.mark.parametrize(
    ("letters", "share", "words"),
    [
        (EMPTY * 40, None, "尚无数据"),
        (LIVE * 9 + LATE * 8 + MISSING * 3, 85, "实时到达 9 刻钟，事后补齐 8 刻钟，尚缺 3 刻钟"),
        (MAINTENANCE * 4 + EMPTY, 100, "计划维护 4 刻钟"),
    ],
)
def test_share_and_sentence_say_what_the_band_shows(letters: str, share: int | None, words: str) -> None:
    assert band.share(letters) == share
    assert band.sentence(letters) == words
