"""A completion told after its date: back-dated (T1) where it contradicts what was seen, else late with its size."""

from typing import Any

import pytest
from msgspec.structs import replace

from central.core.context import Late, Lit, Tolerance
from central.core.versions import Version
from common.core.instant import DAY, HOUR, MINUTE, SECOND
from common.core.record import Case, Cause, Op, Step
from common.core.state import CaseStatus, ClockKind, Light
from tests.core.lives import (
    ACCEPTED,
    CONTEXT,
    DUE,
    NOON,
    OPEN,
    OVERDUE,
    SEEN,
    T,
    codes,
    done,
    found,
    late,
    text,
    version,
)


@pytest.mark.parametrize(
    ("stated", "accused"),
    [
        (text(NOON - 2 * MINUTE), False),
        (text(SEEN - HOUR), False),  # exactly what a site is forgiven
        (text(SEEN - HOUR - SECOND), True),
        (text(NOON - 5 * DAY), True),
        ("2026-06-12", False),  # a date is the end of its day
        ("2026-06-11", False),  # and says no more than the day: typed the next morning
        ("2026-06-10", True),
        ("2026-06-11T00:00:00+08:00", False),  # midnight to the second is a date in a column of moments
        ("2026-06-10T00:00:00+08:00", True),
        ("9999-12-31", False),
        (text(NOON + 5 * DAY), False),
        (None, False),
    ],
)
def test_a_completion_that_would_take_back_a_red_light_is_back_dated(
    stated: str | None, *, accused: bool
) -> None:
    assert codes(OPEN, done(stated), context=OVERDUE) == ([T.T1] if accused else [])


def test_a_day_written_with_milliseconds_is_the_same_day() -> None:
    """So in the real logs: a deadline at .000 and a completion at .020 of one midnight."""
    day = {"deadline": "2026-06-10T00:00:00.000+08:00"}
    before = version(1, NOON - 9 * DAY, **ACCEPTED, status=CaseStatus.IN_PROGRESS, **day)
    for stated in ("2026-06-10T00:00:00.020+08:00", "2026-06-10"):
        assert codes(before, done(stated, **day)) == [T.T1]


def test_a_back_dated_completion_says_when_it_was_seen_open_and_what_had_passed() -> None:
    item = found(OPEN, done(text(NOON - DAY)), context=OVERDUE)[0]
    assert (item.still_at, item.size) == (SEEN, DAY - MINUTE)
    assert item.words == (
        "写明 2026-06-11 12:00 办结，而 2026-06-12 11:59 核对时仍未办结；其间 2026-06-12 11:30 已到期"
    )


def test_an_honest_late_completion_is_late_with_its_size_and_no_finding() -> None:
    """Decided on Tuesday, typed on Friday, nothing gained: the source has said nothing but that nobody had typed it."""
    entered = done(text(NOON - 3 * DAY))
    assert codes(OPEN, entered) == []
    assert late(OPEN, entered) == [Late("finished_at", NOON - 3 * DAY, 3 * DAY - MINUTE)]
    assert late(OPEN, done(text(SEEN - DAY))) == []
    assert late(OPEN, done(text(SEEN - DAY - SECOND))) == [
        Late("finished_at", SEEN - DAY - SECOND, DAY + SECOND)
    ]
    off = replace(CONTEXT, clock_err=2 * SECOND)
    assert late(OPEN, done(text(SEEN - DAY - SECOND)), context=off) == []
    assert late(OPEN, replace(entered, op=Op.DELETE)) == []


@pytest.mark.parametrize(
    "lit",
    [
        Lit(Light.RED, NOON - 4 * DAY, ClockKind.STATUTE),  # over already when it is said to have ended
        Lit(Light.RED, SEEN, ClockKind.STATUTE),  # not yet over when it was last seen open
        Lit(Light.YELLOW, DUE, ClockKind.STATUTE),  # reminds, and accuses nobody
        Lit(Light.RED, DUE, ClockKind.DELIVERY),  # runs from the completion itself
        Lit(Light.RED, DUE, ClockKind.SUPPLEMENT),
        Lit(Light.RED, DUE, ClockKind.STEP),
    ],
)
def test_a_light_that_a_late_completion_does_not_take_back_makes_no_finding(lit: Lit) -> None:
    entered = done(text(NOON - 3 * DAY))
    assert codes(OPEN, entered, context=replace(CONTEXT, lights=[lit])) == []


def test_the_last_moment_of_a_limit_is_within_it() -> None:
    context = replace(CONTEXT, lights=[Lit(Light.RED, NOON - 3 * DAY, ClockKind.STATUTE)])
    assert codes(OPEN, done(text(NOON - 3 * DAY)), context=context) == [T.T1]
    assert codes(OPEN, done(text(NOON - 3 * DAY + SECOND)), context=context) == []


def test_a_deadline_that_the_source_states_needs_no_light() -> None:
    due = version(1, NOON - 9 * DAY, **ACCEPTED, deadline=text(NOON - 2 * DAY), status=CaseStatus.IN_PROGRESS)
    assert codes(due, done(text(NOON - 3 * DAY), deadline=text(NOON - 2 * DAY))) == [T.T1]
    assert codes(due, done(text(NOON - DAY), deadline=text(NOON - 2 * DAY))) == []
    off = replace(CONTEXT, clock_err=2 * DAY - MINUTE)
    assert codes(due, done(text(NOON - 8 * DAY), deadline=text(NOON - 2 * DAY)), context=off) == []
    result = part(1, NOON, text(NOON - 3 * DAY), same_until=SEEN)
    assert codes(result, context=replace(CONTEXT, others=[due])) == [T.T1]
    assert codes(result, context=replace(CONTEXT, others=[OPEN, replace(due, cap_at=NOON)])) == []


def test_what_the_clock_may_be_off_and_what_the_site_is_forgiven_accuse_nobody() -> None:
    early = done(text(NOON - 5 * HOUR))
    context = replace(CONTEXT, lights=[Lit(Light.RED, NOON - 5 * HOUR, ClockKind.STATUTE)])
    assert codes(OPEN, early, context=context) == [T.T1]
    assert codes(OPEN, early, context=replace(context, clock_err=4 * HOUR)) == []
    forgiving = replace(context, tolerance=Tolerance(backdate=6 * HOUR))
    assert codes(OPEN, early, context=forgiving) == []


def test_without_a_last_look_the_capture_of_the_version_before_is_the_evidence() -> None:
    context = replace(CONTEXT, lights=[Lit(Light.RED, NOON - 9 * DAY - HOUR, ClockKind.STATUTE)])
    early = done(text(NOON - 10 * DAY), same_until=None)
    assert codes(OPEN, early, context=context) == [T.T1]
    assert codes(OPEN, done(text(NOON - 8 * DAY), same_until=None), context=context) == []


MOVED = version(2, NOON - 5 * DAY, **ACCEPTED, status=CaseStatus.PAUSED)
"""Moved on by the source itself, a minute after it was last seen as it was before."""


@pytest.mark.parametrize(
    ("stated", "accused"),
    [
        (NOON - 6 * DAY, True),
        (NOON - 5 * DAY - HOUR - 2 * MINUTE, True),
        (NOON - 5 * DAY - HOUR, False),
        (NOON - 4 * DAY, False),
    ],
)
def test_a_case_that_was_moved_on_after_it_is_said_to_have_ended_is_back_dated(
    stated: int, *, accused: bool
) -> None:
    ended = done(text(stated), version=3)
    assert codes(OPEN, MOVED, ended) == ([T.T1] if accused else [])
    noted = version(3, NOON - 4 * DAY, **ACCEPTED, status=CaseStatus.PAUSED, org="x")
    assert codes(OPEN, MOVED, noted, replace(ended, version=4)) == ([T.T1] if accused else [])


def test_back_entry_that_passes_through_the_states_in_a_day_is_no_contradiction() -> None:
    ended = done(text(NOON - 6 * DAY), version=3)
    sitting = replace(MOVED, cap_at=SEEN - DAY, same_until=SEEN - DAY - MINUTE)
    assert codes(OPEN, sitting, ended) == []
    before = replace(sitting, cap_at=SEEN - DAY - SECOND)
    (item,) = found(OPEN, before, ended)
    assert "其间 2026-06-11 11:58 之后状态还由“办理中”改为“停表中”" in item.words
    off = replace(CONTEXT, clock_err=6 * DAY)
    assert codes(OPEN, before, ended, context=off) == []
    other = replace(before, body=replace(OPEN.body, responsible="王"))
    assert codes(OPEN, other, ended) == []  # the state stood still


def test_a_reopening_that_is_undone_is_one_step_back_and_no_back_dating() -> None:
    ended = version(2, NOON - 8 * DAY, **ACCEPTED, finished_at=text(NOON - 8 * DAY), status=CaseStatus.DONE)
    again = version(3, NOON - 5 * DAY, **ACCEPTED, status=CaseStatus.IN_PROGRESS)
    undone = version(4, NOON, **ACCEPTED, finished_at=text(NOON - 8 * DAY), status=CaseStatus.DONE)
    assert codes(OPEN, ended, again, undone) == [T.T6]


OVER = version(2, NOON, **ACCEPTED, status=CaseStatus.DONE)
"""Its status says that it is over, and nothing says since when."""


def dated(stated: int, number: int = 3, at: int = NOON + 3 * MINUTE, **fields: Any) -> Version:
    said = {**ACCEPTED, "finished_at": text(stated), "status": CaseStatus.DONE, **fields}
    return version(number, at, **said)


def test_back_dating_in_two_steps_is_held_against_the_last_version_that_said_open() -> None:
    (item,) = found(OPEN, OVER, dated(NOON - 8 * DAY), context=OVERDUE)
    assert (item.code, item.still_at, item.size) == (T.T1, SEEN, 8 * DAY - MINUTE)
    assert item.pair.before == OPEN
    assert item.pair.after.version == 3
    noted = version(3, NOON + MINUTE, **ACCEPTED, status=CaseStatus.DONE, org="x")
    late_date = dated(NOON - 8 * DAY, 4, NOON + 90 * DAY)
    assert codes(OPEN, OVER, noted, late_date, context=OVERDUE) == [T.T1]
    unreadable = replace(OVER, body=replace(OVER.body, invalid={"finished_at": "2026-06-31"}), digest=b"u")
    assert codes(OPEN, unreadable, dated(NOON - 8 * DAY), context=OVERDUE) == [T.T1]


@pytest.mark.parametrize("later", [3 * MINUTE, 8 * DAY])
def test_a_date_written_after_the_status_accuses_nobody_if_it_is_the_true_one(later: int) -> None:
    """Status and date in two statements; or the date weeks later, from the paper."""
    told = dated(NOON - 20 * SECOND, at=NOON + later)
    assert codes(OPEN, OVER, told, context=OVERDUE) == []
    assert late(OPEN, OVER, told) == []  # that it was over had been told in time
    day = replace(told, body=replace(told.body, finished_at=text(NOON)[:10]))
    assert codes(OPEN, OVER, day, context=OVERDUE) == []


def test_two_steps_of_which_the_first_is_not_the_source_s_own_prove_nothing() -> None:
    told = dated(NOON - 8 * DAY)
    assert codes(OPEN, replace(OVER, cause=Cause.MAPPING), told, context=OVERDUE) == []
    assert codes(replace(OVER, version=1), replace(told, version=2), context=OVERDUE) == []  # first seen over
    assert codes(OPEN, told, context=OVERDUE) == []  # what lies between may still come
    gone = replace(OPEN, version=2, cap_at=NOON, op=Op.DELETE, body=Case(case_key="1"), digest=b"")
    again = replace(OVER, version=3, cap_at=NOON + DAY), replace(told, version=4, cap_at=NOON + 2 * DAY)
    assert codes(OPEN, gone, *again, context=OVERDUE) == [T.T4]


def test_a_completion_told_once_is_changed_by_another_and_not_back_dated() -> None:
    told = dated(NOON - 20 * SECOND)
    assert codes(OPEN, OVER, told, dated(NOON - 8 * DAY, 4, NOON + HOUR), context=OVERDUE) == [T.T2]


def test_a_planned_completion_that_becomes_the_real_one_is_no_change() -> None:
    planned = version(1, NOON - 9 * DAY, **ACCEPTED, finished_at=text(NOON + 20 * DAY))
    assert codes(planned, done(text(NOON - 2 * MINUTE)), context=OVERDUE) == []
    assert codes(planned, done(text(NOON - DAY)), context=OVERDUE) == [T.T1]


def part(number: int, at: int, stated: str | None, **own: Any) -> Version:
    body = Case(case_key="1", finished_at=stated)
    return version(number, at, body=body, table="case.result", key="r", **own)


def test_a_completion_in_a_table_of_its_own_is_held_against_the_time_before_its_row_was_there() -> None:
    result = part(1, NOON, text(NOON - 2 * DAY))
    known = replace(OVERDUE, others=[OPEN], absent_until=SEEN)
    assert codes(result, context=known) == [T.T1]
    assert codes(replace(result, same_until=SEEN), context=replace(OVERDUE, others=[OPEN])) == [T.T1]
    assert codes(part(1, NOON, text(NOON - 2 * MINUTE)), context=known) == []
    assert codes(result, context=replace(known, others=[])) == []  # nobody had seen the case open
    assert codes(result, context=replace(known, absent_until=None)) == []
    assert codes(result, context=replace(known, lights=[])) == []
    assert late(result, context=replace(known, lights=[])) == [
        Late("finished_at", NOON - 2 * DAY, 2 * DAY - MINUTE)
    ]


def test_a_row_cannot_have_been_away_after_it_was_captured() -> None:
    """A pass that is told to have begun later, by a clock that was set back."""
    result = part(1, NOON, text(NOON - 30 * MINUTE))
    known = replace(CONTEXT, lights=[Lit(Light.RED, NOON - 20 * MINUTE, ClockKind.STATUTE)], others=[OPEN])
    assert codes(result, context=replace(known, absent_until=NOON + 2 * DAY)) == []
    assert late(result, context=replace(known, absent_until=NOON + 2 * DAY)) == []


def test_a_result_without_a_date_that_gets_one_is_held_against_the_time_before_it_was_there() -> None:
    empty = replace(part(1, NOON, None), body=Case(case_key="1", status=CaseStatus.DONE), same_until=SEEN)
    filled = replace(part(2, NOON + HOUR, text(NOON - 2 * DAY)), same_until=NOON + HOUR)
    assert codes(empty, filled, context=replace(OVERDUE, others=[OPEN])) == [T.T1]
    unknown = replace(empty, same_until=None)
    known = replace(
        OVERDUE, others=[OPEN], absent_until=NOON + HOUR
    )  # of the second version, not of the first
    assert codes(unknown, filled, context=known) == []


def test_a_completion_that_another_table_had_told_in_time_is_a_copy() -> None:
    early = part(1, NOON - 2 * DAY, text(NOON - 2 * DAY - MINUTE))
    copied = done(text(NOON - 2 * DAY - MINUTE))
    assert codes(OPEN, copied, context=OVERDUE) == [T.T1]
    assert codes(OPEN, copied, context=replace(OVERDUE, others=[early])) == []
    same_round = replace(early, cap_at=NOON, same_until=SEEN)
    assert codes(OPEN, copied, context=replace(OVERDUE, others=[same_round])) == [T.T1]
    assert codes(same_round, context=replace(OVERDUE, others=[OPEN, copied])) == []  # one event, one finding


def test_two_steps_in_two_tables_are_held_against_the_last_version_that_said_open() -> None:
    result = part(1, NOON + 3 * DAY, text(NOON - 2 * DAY), same_until=NOON + 3 * DAY - MINUTE)
    (item,) = found(result, context=replace(OVERDUE, others=[OPEN, OVER]))
    assert (item.code, item.still_at) == (T.T1, SEEN)
    true_one = replace(result, body=Case(case_key="1", finished_at=text(NOON)))
    assert codes(true_one, context=replace(OVERDUE, others=[OPEN, OVER])) == []
    assert codes(result, context=replace(OVERDUE, others=[replace(OVER, version=1)])) == []  # first seen over
    gone = replace(OVER, op=Op.DELETE, body=Case(case_key="1"), digest=b"")
    put_back = replace(OVER, version=3, cap_at=NOON + DAY)
    assert codes(result, context=replace(OVERDUE, others=[OPEN, gone, put_back])) == []


# lateness -------------------------------------------------------------------------------------------------------


def test_an_entry_made_late_has_a_size_and_is_no_finding() -> None:
    step = version(1, NOON, body=Step(case_key="1", finished_at=text(NOON - 3 * DAY)))
    known = replace(CONTEXT, absent_until=SEEN)
    assert late(step, context=known) == [Late("finished_at", NOON - 3 * DAY, 3 * DAY - MINUTE)]
    assert codes(step, context=known) == []
    assert late(step) == []  # a first load: nobody knows when it was entered


def test_what_the_clock_may_be_off_is_not_late_and_nothing_is_late_after_its_capture() -> None:
    step = version(1, NOON, body=Step(case_key="1", finished_at=text(NOON - 3 * DAY)))
    off = replace(CONTEXT, absent_until=SEEN, clock_err=2 * DAY)
    assert late(step, context=off) == []
    ahead = replace(CONTEXT, absent_until=NOON + 9 * DAY)
    assert late(step, context=ahead) == [Late("finished_at", NOON - 3 * DAY, 3 * DAY)]


def test_the_source_s_own_recording_time_comes_first() -> None:
    body = Step(case_key="1", finished_at=text(NOON - 9 * DAY), recorded_at=text(NOON - 4 * DAY))
    assert late(version(1, NOON, body=body)) == [Late("finished_at", NOON - 9 * DAY, 5 * DAY)]
    day = replace(body, recorded_at=text(NOON - 4 * DAY)[:10])
    assert late(version(1, NOON, body=day)) == [Late("finished_at", NOON - 9 * DAY, 5 * DAY - 12 * HOUR)]
    assert late(version(1, NOON, body=replace(body, recorded_at=None))) == []
    promptly = replace(body, recorded_at=text(NOON - 9 * DAY + HOUR))
    assert late(version(1, NOON, body=promptly)) == []


def test_a_step_finished_late_is_late_and_a_step_changed_is_changed() -> None:
    planned = version(1, NOON - 9 * DAY, body=Step(case_key="1", step_name="审查"))
    told = version(2, NOON, body=Step(case_key="1", step_name="审查", finished_at=text(NOON - 3 * DAY)))
    assert codes(planned, told) == []
    entry = Late("finished_at", NOON - 3 * DAY, 3 * DAY - MINUTE)
    assert late(planned, told) == [entry]
    moved = version(3, NOON + DAY, body=Step(case_key="1", finished_at=text(NOON - 8 * DAY)))
    assert codes(planned, told, moved) == [T.T2]
    assert late(planned, told, moved) == [entry]


def test_a_case_accepted_late_and_finished_late_is_late_twice() -> None:
    bare = version(1, NOON - 9 * DAY, status=CaseStatus.RECEIVED)
    accepted = version(2, NOON - 3 * DAY, **ACCEPTED, status=CaseStatus.ACCEPTED)
    ended = version(3, NOON, **ACCEPTED, finished_at=text(NOON - 2 * DAY), status=CaseStatus.DONE)
    assert late(bare, accepted, ended) == [
        Late("accepted_at", NOON - 9 * DAY, 6 * DAY - MINUTE),
        Late("finished_at", NOON - 2 * DAY, 2 * DAY - MINUTE),
    ]
