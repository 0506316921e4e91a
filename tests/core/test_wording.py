"""Words for spans, days, limits and names: exact, and never more than a reader may see."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import wording
from common.core.instant import DAY, HOUR, MINUTE, SECOND, end_of_day, from_us, start_of_day, to_us
from common.core.mask import HIDDEN

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2026, 6, 12)
NOON = start_of_day(FRIDAY, ZONE) + 12 * HOUR
instants = st.integers(to_us(from_us(0, ZONE)), 4_000_000_000 * SECOND)
CALENDAR = {FRIDAY + timedelta(days=n): (FRIDAY + timedelta(days=n)).weekday() < 5 for n in range(-60, 60)}


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (-5, "0 秒"),
        (47 * SECOND + 999_999, "47 秒"),
        (MINUTE, "1 分"),
        (HOUR - 1, "59 分"),
        (HOUR, "1 小时"),
        (2 * HOUR + 14 * MINUTE, "2 小时 14 分"),
        (3 * DAY + 4 * HOUR, "3 天 4 小时"),
        (41 * DAY, "41 天"),
    ],
)
def test_a_span_has_its_two_largest_units(us: int, words: str) -> None:
    assert wording.span(us) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOON, "12:00"),
        (NOON - DAY, "6月11日 12:00"),
        (NOON - 365 * DAY, "2025年6月12日 12:00"),
    ],
)
def test_a_moment_says_no_more_than_it_must(at: int, words: str) -> None:
    assert wording.moment(at, ZONE, NOON) == words


def test_midnight_belongs_to_the_day_that_ends() -> None:
    due = end_of_day(FRIDAY, ZONE)
    assert wording.due(due, ZONE) == "6月12日"
    assert wording.deadline(due, ZONE, NOON) == "6月12日 周五 24:00"
    assert wording.deadline(due + HOUR, ZONE, NOON) == "6月13日 周六 01:00"


@given(instants)
def test_a_due_day_is_the_day_of_the_last_instant_in_time(at: int) -> None:
    assert wording.due_day(at, ZONE) == from_us(at - 1, ZONE).date()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ""),
        ("2026-06-12", "6月12日 周五"),
        ("2025-06-12", "2025年6月12日 周四"),
        ("2026-06-12T14:32:05+08:00", "6月12日 周五 14:32"),
        ("2026-06-12T14:32:05", "6月12日 周五 14:32"),
    ],
)
def test_a_stated_time_gets_no_hour_that_its_source_does_not_have(text: str | None, words: str) -> None:
    assert wording.stated(text, ZONE, NOON) == words


@given(st.integers(-30, 30), st.integers(0, DAY // SECOND - 1))
def test_time_left_counts_working_days_like_a_naive_count(days: int, second: int) -> None:
    due = end_of_day(FRIDAY + timedelta(days=days), ZONE)
    now = start_of_day(FRIDAY, ZONE) + second * SECOND
    words = wording.time_left(due, now, ZONE, CALENDAR)
    assert words.startswith("剩 " if due >= now else "超期 ")
    if "工作日" not in words:
        return
    first, last = sorted((FRIDAY, FRIDAY + timedelta(days=days)))
    naive = sum(CALENDAR[first + timedelta(days=n)] for n in range(1, (last - first).days + 1))
    assert words.split()[1:] == [str(naive), "个工作日"]


def test_time_left_inside_a_day_is_hours_and_minutes() -> None:
    assert wording.time_left(NOON + 148 * MINUTE, NOON, ZONE, CALENDAR) == "剩 2 小时 28 分"
    assert wording.time_left(NOON - 49 * MINUTE, NOON, ZONE, CALENDAR) == "超期 49 分"


def test_without_a_calendar_nothing_is_counted_in_working_days() -> None:
    assert wording.time_left(NOON + 3 * DAY, NOON, ZONE, {}) == "剩 3 天"


@given(
    st.text(st.characters(categories=["L"]), min_size=2, max_size=40),
    st.sampled_from(["", "店", "公司", "合作社", "事务所"]),
)
def test_a_masked_name_never_shows_the_whole(name: str, kind: str) -> None:
    masked = wording.mask(name + kind)
    begin, star, end = masked.partition("*")
    assert star
    assert len(begin) <= 2
    assert len(begin + end) < len(name + kind)
    assert (name + kind).startswith(begin)
    assert (name + kind).endswith(end)


def test_names_are_masked_by_length() -> None:
    assert [
        wording.mask(name)
        for name in (None, "", "王秀英", "欧阳修文", "云溪农业合作社", "石桥建材有限公司", "买买提·吐尔逊")
    ] == [
        "",
        "",
        "王*",
        "欧*",
        "云溪*合作社",
        "石桥*公司",
        "买买*",
    ]


@given(
    st.text(alphabet="同意已告知电话 ，A", max_size=20),
    st.sampled_from(["13805327741", "370202199001011234", "37020219900101123X", "370202900101123"]),
    st.text(alphabet="同意， A", max_size=20),
)
def test_free_text_loses_name_telephone_and_identity_number(before: str, number: str, after: str) -> None:
    shown = wording.redact(f"{before} {number}王秀英{after}", "王秀英")
    assert number not in shown
    assert "秀英" not in shown
    assert HIDDEN in shown


def test_a_case_number_in_a_free_text_stays() -> None:
    assert wording.redact("见 37022026061202100701 号", "王") == "见 37022026061202100701 号"


@given(st.text(max_size=40))
def test_the_tail_of_a_number_has_at_most_four_characters(no: str) -> None:
    assert wording.tail(no) == no[max(0, len(no) - 4) :]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_hundred_percent_means_all(part: int, rest: int) -> None:
    words = wording.percent(part, part + rest)
    if part + rest == 0:
        assert words == ""
    else:
        assert (words == "100.0") == (rest == 0)
        assert float(words) <= part * 100 / (part + rest) < float(words) + 0.1000001
