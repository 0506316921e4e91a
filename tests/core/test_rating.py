"""The table of a rating: who may move it on, until when; the patterns that are marked; tokens."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import rating
from central.core.access import Permission, Role
from central.core.calendar import Calendar
from central.core.rating import BURST, BURST_SPAN, CENTRE_ACTS, Event, Flag, Level, Near, Rating, State
from central.door import seal
from common.core.errors import RejectedError
from common.core.instant import MINUTE

FIRST = date(2026, 1, 1)
CALENDAR = Calendar(1, FIRST, [(FIRST + timedelta(days=n)).weekday() < 5 for n in range(365)])
FRIDAY = date(2026, 6, 12)
WORK, ANSWER = Permission.WORK_RATING, Permission.ANSWER_RATING
KEY = bytes(range(32))


def test_a_good_rating_waits_for_nobody_and_a_bad_one_has_its_clock() -> None:
    for level in Level:
        one = rating.rated(level, FRIDAY, CALENDAR)
        assert one.state is (State.MENDING if level in {Level.POOR, Level.WORST} else State.NONE)
        assert rating.due(one, CALENDAR) == (date(2026, 7, 3) if level.is_bad else None)


def test_not_mended_goes_round_again_and_a_passed_day_is_a_fact() -> None:
    one = rating.rated(Level.WORST, FRIDAY, CALENDAR)
    late = date(2026, 7, 6)
    assert not rating.has_passed(one, date(2026, 7, 3), CALENDAR)
    assert rating.has_passed(one, late, CALENDAR)
    one = rating.applied(one, Event.LAPSE, None, late, CALENDAR)
    assert not rating.has_passed(one, late, CALENDAR)
    one = rating.applied(one, Event.MEND, ANSWER, late, CALENDAR)
    assert rating.due(one, CALENDAR) == date(2026, 7, 7)
    one = rating.applied(one, Event.AGAIN, WORK, date(2026, 7, 7), CALENDAR)
    assert (one.state, rating.due(one, CALENDAR)) == (State.MENDING, date(2026, 7, 28))
    assert rating.not_answered_by(one, Role.CLERK), "one level higher"
    assert not rating.not_answered_by(one, Role.HEAD)
    one = rating.applied(one, Event.MEND, ANSWER, date(2026, 7, 8), CALENDAR)
    one = rating.applied(one, Event.CONTENT, WORK, date(2026, 7, 9), CALENDAR)
    assert (one.state, one.clock, one.rounds, one.lapsed) == (State.CLOSED, None, 2, (date(2026, 7, 3),))


@pytest.mark.parametrize("can_call", [True, False])
def test_nobody_is_given_up_after_one_try_who_can_be_called(can_call: bool) -> None:
    one = rating.rated(Level.POOR, FRIDAY, CALENDAR, can_call=can_call)
    assert not rating.not_answered_by(one, Role.CLERK)
    one = rating.applied(one, Event.MEND, ANSWER, FRIDAY, CALENDAR)
    for day in (date(2026, 6, 15), date(2026, 6, 16)):
        one = rating.applied(one, Event.UNREACHED, WORK, day, CALENDAR)
        if not can_call:
            break
        assert (one.state, rating.due(one, CALENDAR)) == (State.MENDED, day + timedelta(days=1))
        with pytest.raises(RejectedError):
            rating.applied(one, Event.UNREACHED, WORK, day, CALENDAR)
    else:
        one = rating.applied(one, Event.UNREACHED, WORK, date(2026, 6, 17), CALENDAR)
    assert (one.state, one.clock) == (State.CLOSED, None)


@given(st.sampled_from(list(Level)), st.lists(st.sampled_from(list(Event)), max_size=20))
def test_each_side_does_its_own_and_setting_aside_stops_no_call_back(
    level: Level, events: list[Event]
) -> None:
    one = rating.rated(level, FRIDAY, CALENDAR)
    for event in events:
        rights = [may for may in (WORK, ANSWER, None) if not rating.refusal(one, event, may)]
        assert len(rights) <= 1
        for may in {WORK, ANSWER, None} - set(rights):
            with pytest.raises(RejectedError):
                rating.applied(one, event, may, FRIDAY, CALENDAR)
        if not rights or (event is Event.UNREACHED and FRIDAY in one.tries):
            continue
        after = rating.applied(one, event, rights[0], FRIDAY, CALENDAR)
        if event in {Event.ASIDE, Event.COUNT}:
            assert (after.state, after.clock, after.is_aside) == (one.state, one.clock, event is Event.ASIDE)
        assert after.level is level
        assert (after.clock is None) is (after.state in {State.NONE, State.CLOSED})
        assert (event in CENTRE_ACTS) is (rights[0] is WORK)
        one = after


def near(number: int, minute: int, *, window: str = "s01|3 号", source: bytes = b"", text: str = "") -> Near:
    return Near(number, minute * MINUTE, window, FRIDAY, source, text)


@given(st.integers(1, 20), st.booleans())
def test_a_burst_at_a_window_marks_all_of_it_and_a_token_makes_none(number: int, is_window: bool) -> None:
    where = "s01|3 号" if is_window else ""
    many = [near(n, 0, window=where) for n in range(number)]
    found = rating.flagged(many[-1], many[:-1])
    assert found == ({n: {Flag.BURST} for n in range(number)} if is_window and number >= BURST else {})


def test_what_was_sent_first_and_comes_last_makes_a_burst_too() -> None:
    span = BURST_SPAN // MINUTE
    many = [near(n, minute) for n, minute in enumerate([0, 1, 2, span - 1, span, span + 1])]
    for last in range(BURST):
        before = [one for one in many if one.id != last]
        assert rating.flagged(many[last], before) == {}, "no span holds all"
    dense = [near(n, minute) for n, minute in enumerate([5, 1, 2, 3, 4, 6, span * 3])]
    for last in range(6):
        before = [one for one in dense if one.id != last]
        assert rating.flagged(dense[last], before) == {n: {Flag.BURST} for n in range(6)}
    assert rating.flagged(dense[6], dense[:6]) == {}


def test_what_is_far_apart_from_elsewhere_or_short_is_no_pattern() -> None:
    apart = BURST_SPAN // MINUTE
    slow = [near(n, n * apart) for n in range(BURST)]
    assert rating.flagged(slow[-1], slow[:-1]) == {}
    lines = [near(n, n * apart, source=bytes([n // 2])) for n in range(6)]
    assert rating.flagged(lines[-1], lines[:-1]) == {}
    short = [near(n, n * apart, text="很好") for n in range(6)]
    assert rating.flagged(short[-1], short[:-1]) == {}


def test_one_line_and_one_text_are_marked_wherever_they_come_from() -> None:
    line = [near(n, n * 60, window=f"s0{n}|1", source=b"a") for n in range(3)]
    assert rating.flagged(line[-1], line[:-1]) == {n: {Flag.ONE_SOURCE} for n in range(3)}
    text = [near(n, n * 60, window="", text="服务态度非常好") for n in range(3)]
    assert rating.flagged(text[-1], text[:-1]) == {n: {Flag.ALIKE} for n in range(3)}


def test_the_mean_is_of_the_schemes_points() -> None:
    assert rating.average(dict.fromkeys(Level, 1)) == pytest.approx(54.0)
    assert rating.average({}) is None


def test_a_token_is_read_as_people_type_it_and_is_another_for_each_case() -> None:
    made = seal.ticket(KEY, "s01|A")
    assert made == seal.ticket(KEY, "s01|A") != seal.ticket(KEY, "s01|B")
    letters = seal.letters_of(made)
    assert (len(letters), seal.grouped(letters)) == (seal.TICKET_LETTERS, made)
    assert seal.letters_of(f" {made.lower().replace('0', 'o').replace('1', 'l')} ") == letters


def test_a_rating_reads_back_as_it_was_written() -> None:
    import msgspec

    one = rating.rated(Level.POOR, FRIDAY, CALENDAR)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Rating) == one
