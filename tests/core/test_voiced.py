"""What ratings, complaints, counters and lines add, held against naive recounts that know none of our code."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from central.core import clue, figure, measure, voiced, watched
from central.core.attendance import Told, stretches
from central.core.calendar import Calendar
from central.core.figure import FIGURES
from central.core.maintenance import Window
from central.core.measure import Added
from central.core.rating import Level
from central.core.voiced import Happened
from common.core.camera import Seat

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 6, 1)
CALENDAR = Calendar(1, FIRST, [(FIRST + timedelta(days=n)).weekday() < 5 for n in range(60)])
SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
MIDNIGHT = int(datetime(2026, 5, 31, 16, tzinfo=UTC).timestamp()) * SECOND
"""Of 2026-06-01, a Monday, in Shanghai."""


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def summed(additions: Iterable[Added]) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for one in additions:
        found[str(one.day), one.measure, one.spared] += one.count
    return found


# ratings -----------------------------------------------------------------------------------------------------

_gap = st.integers(0, 9)
_turns = st.lists(st.tuples(st.sampled_from(["mend", "late", "lapse_later", "unreached"]), _gap), max_size=6)


def _history(turns: list[tuple[str, int]]) -> tuple[list[Happened], Counter[tuple[str, str, str]]]:
    """A call-back that goes round, and what it should add, written down while it is made."""
    now, events, naive = 0, list[Happened](), Counter[tuple[str, str, str]]()
    for what, gap in turns:
        if what in {"late", "lapse_later"}:  # the last day passes; the hall notes it at once, or later
            last = now + gap
            now = last + (1 if what == "late" else 4)
            events.append(Happened(day(now), "lapse", "mending", passed=day(last)))
            naive[str(day(last)), "complaint_of", ""] += 1
            naive[str(day(last)), "complaint_slow", ""] += 1
            events.append(Happened(day(now), "mend", "mended"))
        else:
            now += gap
            events.append(Happened(day(now), "mend", "mended"))
            naive[str(day(now)), "complaint_of", ""] += 1
        if what == "unreached":
            events.append(Happened(day(now), "lapse", "mended", passed=day(now)))
            events.append(Happened(day(now), "unreached", "closed"))
            naive[str(day(now)), "callback_of", ""] += 1
            naive[str(day(now)), "callback_slow", ""] += 1
            break
        events.append(Happened(day(now), "again", "mending"))
        naive[str(day(now)), "callback_of", ""] += 1
    return events, naive


@given(st.sampled_from(list(Level)), _turns, st.booleans())
def test_a_rating_adds_what_a_naive_recount_adds(
    level: Level, turns: list[tuple[str, int]], aside: bool
) -> None:
    events, naive = _history(turns if level.is_bad else [])
    found = summed(voiced.rated(level, FIRST, is_aside=aside, events=events))
    if aside:
        assert found == {("2026-06-01", "rating_of", "经审核不计入"): 1}
        return
    naive["2026-06-01", "rating_of", ""] += 1
    naive["2026-06-01", "rating_points", ""] += {5: 100, 4: 80, 3: 60, 2: 30, 1: 0}[int(level)]
    naive["2026-06-01", "rating_bad" if level <= 2 else "rating_good", ""] += 1
    assert found == +naive


# complaints --------------------------------------------------------------------------------------------------

_part = st.fixed_dictionaries({
    "given": st.integers(0, 20), "takes": st.none() | st.integers(0, 20), "lasts": st.none() | st.integers(0, 30),
    "unit": st.sampled_from(["甲", "乙"]), "replied": st.booleans(),
})  # fmt: skip


@given(st.lists(_part, min_size=1, max_size=3))
def test_a_complaint_is_held_against_the_office_that_had_it_in_time_and_let_it_pass(
    parts: list[dict[str, Any]],
) -> None:
    events, naive, start = [Happened(FIRST, "receive", "received")], list[Counter[tuple[str, str, str]]](), 0
    for place, one in enumerate(parts):
        told = Counter[tuple[str, str, str]]()
        given_on = start + one["given"]
        ended = None if one["takes"] is None else given_on + one["takes"]
        last = None if one["lasts"] is None else start + one["lasts"]
        mine = [(given_on, 1, Happened(day(given_on), "assign", "assigned", one["unit"], "所"))]
        if ended is not None:
            event = "reply" if one["replied"] else "answer"
            mine.append((ended, 2, Happened(day(ended), event, "answered", one["unit"], "所")))
        if last is not None:
            mine.append((last + 1, 0, Happened(day(last + 1), "lapse", "assigned", passed=day(last))))
        events += [entry for _, _, entry in sorted(mine, key=lambda each: each[:2])]
        told[str(day(given_on)), "complaint", ""] += 1
        # Noted while it was nobody's yet, or after it came there too late: not the office's.
        if last is not None and given_on <= last and (ended is None or ended > last):
            told[str(day(last)), "complaint_of", ""] += 1
            told[str(day(last)), "complaint_slow", ""] += 1
        elif ended is not None:
            told[str(day(ended)), "complaint_of", ""] += 1
        naive.append(told)
        start = max([given_on, *(entry for entry in (ended, last) if entry is not None)]) + 2
        if place < len(parts) - 1:
            said = "heard_unsolved" if one["replied"] else "unsolved"  # on the page, or when called back
            events.append(Happened(day(start), said, "accepted"))
            told[str(day(start)), "complaint_unsolved", ""] += 1
            if said == "heard_unsolved" and ended is not None:
                told[str(day(start)), "callback_of", ""] += 1
    found = voiced.rounds(events)
    assert [one.site for one in found] == [one["unit"] for one in parts]
    assert [summed(voiced.complained(one)) for one in found] == naive


def test_a_call_back_counts_once_for_each_answer_when_first_tried_or_when_its_day_had_passed() -> None:
    """Three tries are one call-back; who closes it on the page before anybody called is owed none."""
    told = [
        Happened(day(0), "assign", "assigned", "甲", "所"),
        Happened(day(1), "reply", "replied", "甲", "所"),
        Happened(day(4), "call_lapse", "replied", passed=day(3)),
        Happened(day(5), "unreached", "replied"),
        Happened(day(6), "heard_unsolved", "accepted"),
        Happened(day(7), "assign", "assigned", "乙", "所"),
        Happened(day(8), "reply", "replied", "乙", "所"),
        Happened(day(9), "unreached", "replied"),
        Happened(day(12), "call_lapse", "replied", passed=day(11)),
        Happened(day(13), "unsolved", "accepted"),
        Happened(day(14), "assign", "assigned", "丙", "所"),
        Happened(day(15), "reply", "replied", "丙", "所"),
        Happened(day(16), "solved", "closed"),
    ]
    found = [
        {(when, name) for when, name, _ in summed(voiced.complained(one)) if name.startswith("callback")}
        for one in voiced.rounds(told)
    ]
    assert found == [
        {(str(day(3)), "callback_of"), (str(day(3)), "callback_slow")},
        {(str(day(9)), "callback_of")},
        set(),
    ]


# what is watched ---------------------------------------------------------------------------------------------

_spans = st.lists(
    st.tuples(st.integers(0, 14 * 24 * 4), st.sampled_from(list(Seat))), min_size=1, max_size=12, unique_by=lambda one: one[0]
)  # fmt: skip
_windows = st.lists(st.tuples(st.integers(0, 14 * 24 * 4), st.integers(1, 60)), max_size=3)
HOURS = ((8 * 60, 12 * 60), (13 * 60, 17 * 60))


def _planned(found: list[tuple[int, int]]) -> list[Window]:
    return [Window(MIDNIGHT + at * 15 * MINUTE, MIDNIGHT + (at + lasts) * 15 * MINUTE) for at, lasts in found]


@given(_spans, _windows)
@settings(max_examples=40)
def test_days_on_which_a_counter_was_seen_equal_a_walk_through_every_quarter_hour(
    spans: list[tuple[int, Seat]], planned: list[tuple[int, int]]
) -> None:
    said = sorted(spans, key=lambda one: one[0])
    told = [Told(seat, MIDNIGHT + at * 15 * MINUTE, hours=HOURS) for at, seat in said]
    until = MIDNIGHT + 14 * 24 * HOUR
    windows = _planned(planned)
    found = watched.seat_days(stretches(told), MIDNIGHT, until, windows, CALENDAR, ZONE)
    naive = set()
    for slot in range(14 * 24 * 4):
        seat = next((seat for at, seat in reversed(said) if at <= slot), Seat.UNKNOWN)
        number, quarter = divmod(slot, 96)
        is_open = number % 7 < 5 and (32 <= quarter < 48 or 52 <= quarter < 68)
        is_planned = any(at <= slot < at + lasts for at, lasts in planned)
        if is_open and not is_planned and seat is not Seat.UNKNOWN:
            naive.add(day(number))
    assert found == naive


def test_a_confirmed_absence_counts_once_a_day_and_none_in_planned_maintenance() -> None:
    ten, two = MIDNIGHT + 10 * HOUR, MIDNIGHT + 14 * HOUR
    absences = [(ten, ten + 20 * MINUTE), (two, two + 30 * MINUTE)]
    found = summed(watched.seated(FIRST, absences, [], is_seen=True))
    names = {name: count for (_, name, _), count in found.items()}
    assert names == {"seat_of": 1, "absence": 1, "absence_minutes": 50}
    planned = [Window(two - HOUR, two + MINUTE)]
    found = summed(watched.seated(FIRST, absences, planned, is_seen=True))
    assert found["2026-06-01", "absence", "计划维护"] == 1
    assert found["2026-06-01", "absence_minutes", ""] == 20
    whole = [Window(MIDNIGHT, MIDNIGHT + 24 * HOUR)]
    assert {
        name
        for _, name, spared in summed(watched.seated(FIRST, absences, whole, is_seen=False))
        if not spared
    } == set()


@given(st.dictionaries(st.integers(0, 10 * 96 - 1), st.booleans(), max_size=80), _windows)
def test_what_came_late_is_counted_in_office_hours_and_outside_maintenance(
    slots: dict[int, bool], planned: list[tuple[int, int]]
) -> None:
    given_slots = {MIDNIGHT + slot * 15 * MINUTE: late for slot, late in slots.items()}
    found: Counter[tuple[str, str, str]] = Counter()
    for mine in watched.arrived(given_slots, _planned(planned), CALENDAR, ZONE).values():
        found += summed(mine)
    naive: Counter[tuple[str, str, str]] = Counter()
    for slot, late in slots.items():
        number, quarter = divmod(slot, 96)
        if number % 7 >= 5 or not 32 <= quarter < 72:
            continue
        is_planned = any(at <= slot < at + lasts for at, lasts in planned)
        if not is_planned:
            naive[str(day(number)), "arrival_of", ""] += 1
        if late:
            naive[str(day(number)), "arrival_late", "计划维护" if is_planned else ""] += 1
    assert found == naive


def test_every_measure_of_what_is_no_case_can_come_about_and_has_a_figure() -> None:
    at = Happened(FIRST, "assign", "assigned", "甲", "所")
    late = Happened(day(3), "lapse", "assigned", passed=day(2))
    every = [
        *voiced.rated(Level.POOR, FIRST, is_aside=False, events=_history([("unreached", 1)])[0]),
        *voiced.rated(Level.GOOD, FIRST, is_aside=False, events=[]),
        *voiced.complained(voiced.rounds([at, late, Happened(day(4), "unsolved", "accepted")])[0]),
        *watched.seated(FIRST, [(MIDNIGHT, MIDNIGHT + HOUR)], [], is_seen=True),
        *watched.arrived({MIDNIGHT + 9 * HOUR: True}, [], CALENDAR, ZONE)[FIRST],
        *clue.confirmed(FIRST),
    ]
    made = {one.measure for one in every} | measure.POSTED
    assert made == measure.BESIDE <= set(measure.MEASURES)
    counts = Counter({"rating_of": 3, "rating_points": 260, "rating_good": 2})
    assert str(figure.value(FIGURES["rating_mean"], counts)) == "86.7"
    assert str(figure.value(FIGURES["rating_share"], counts)) == "66.7"
