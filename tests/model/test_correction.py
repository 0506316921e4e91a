"""Corrections: everything that people of every role can do to one, walked through to the end of the possible."""

from collections import deque
from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import clock as clocks
from central.core.access import Role
from central.core.calendar import Calendar
from central.core.correction import (
    DAYS,
    ENDS,
    STEPS,
    Actor,
    Correction,
    Event,
    Side,
    State,
    applied,
    raised,
    refusal,
)
from central.core.document_forms import FORMS
from common.core.errors import RejectedError
from tests.core.test_calendar import CALENDAR

DAY = date(2026, 3, 2)
UNIT = "石桥镇"
ACTORS: list[Actor | None] = [
    None,
    *(Actor(name, Role.SUPERVISOR) for name in ("s1", "s2")),
    *(Actor(name, Role.CHIEF) for name in ("c1", "c2", "c3")),
    Actor("clerk", Role.CLERK, UNIT),
    Actor("head", Role.HEAD, UNIT),
    Actor("stranger", Role.HEAD, "云溪镇"),
    Actor("own chief", Role.CHIEF, UNIT),
    Actor("own supervisor", Role.SUPERVISOR, UNIT),
    Actor("it", Role.IT),
    # the same persons in another post: four eyes are of people, not of roles
    Actor("s1", Role.CHIEF),
    Actor("head", Role.SUPERVISOR),
]
ASKED = {event for step in STEPS for event in step.apart} | {
    Event.REVIEW,
    Event.RECEIVE,
    Event.SERVE,
    Event.CONFIRM,
}
ACCOUNT = clocks.begin(DAY, 15)
Move = tuple[Event, Actor | None]


def moves(one: Correction) -> list[Move]:
    return [(event, actor) for event in Event for actor in ACTORS if not refusal(one, event, actor)]


APART = {event for step in STEPS for event in step.apart}


def bare(one: Correction) -> Correction:
    """Without what only counts up, and with the names alone that a later act asks for: so the possible is small."""
    last = tuple((event, who if event in APART else "somebody") for event, who in one.last if event in ASKED)
    held = (one.held[0], None) if one.held else None
    account = ACCOUNT if one.account else None
    return replace(one, level=0, clock=None, account=account, held=held, last=last)


@cache
def everything() -> dict[Correction, list[tuple[Move, Correction]]]:
    """Every correction that can come about, with what can be done to it and what becomes of it."""
    found: dict[Correction, list[tuple[Move, Correction]]] = {}
    waiting = deque(bare(raised(UNIT, DAY, is_red=is_red)) for is_red in (True, False))
    while waiting:
        one = waiting.popleft()
        if one in found:
            continue
        found[one] = [
            ((event, actor), bare(applied(one, event, actor, DAY, CALENDAR))) for event, actor in moves(one)
        ]
        waiting.extend(after for _, after in found[one])
    return found


def test_every_state_and_every_row_of_the_table_can_come_about() -> None:
    assert {one.state for one in everything()} == set(State)
    used = {(one.state, event) for one, ways in everything().items() for (event, _), _ in ways}
    assert used == {(step.before, step.event) for step in STEPS}
    assert len(STEPS) == len(used), "one row for each state and event"


WAYS = """
raised draft drafted, drafted review reviewed, drafted send_back raised, reviewed issue issued, reviewed send_back raised,
issued receive served, issued serve served, served explain explained, served lapse overdue, overdue explain explained,
explained excuse excused, explained reassign reassigned, explained uphold rectifying,
overdue excuse excused, overdue reassign reassigned, overdue uphold rectifying,
rectifying rectify verifying, verifying confirm verified, verifying reopen rectifying,
verified close closed, excused close closed, reassigned close closed,
issued appeal appealed, served appeal appealed, explained appeal appealed, overdue appeal appealed, appealed grant withdrawn,
raised notify notified, notified acknowledge acknowledged, notified clear closed, acknowledged clear closed
"""
"""supervision.md 3.9 written down once more: where each event leads that leads on."""


def test_every_event_leads_where_the_design_says_and_the_rest_stay() -> None:
    wanted = {tuple(way.split()) for way in WAYS.replace("\n", " ").split(",")}
    seen = set()
    for one, ways in everything().items():
        for (event, _), after in ways:
            way = (one.state.value, event.value, after.state.value)
            if event is Event.DISMISS:
                assert one.held is not None
                assert after.state is one.held[0]
            elif event is Event.WITHDRAW:
                assert after.state is State.WITHDRAWN
            elif way in wanted:
                seen.add(way)
            else:
                assert event in {Event.LAPSE, Event.ACCOUNT, Event.ACCOUNT_LAPSE, Event.REFER}, way
                assert after.state is one.state, way
    assert seen == wanted


def test_conditions_hold_on_every_way() -> None:
    for one, ways in everything().items():
        events = {event for (event, _), _ in ways}
        assert not (Event.NOTIFY in events and one.is_red), "a red light is more than a reminder"
        assert not (Event.DRAFT in events and not one.is_red), "a yellow one is no more"
        assert not (Event.APPEAL in events and one.has_appealed), "one appeal"
        due = one.account is not None
        in_work = one.state in {State.RECTIFYING, State.VERIFYING, State.VERIFIED}
        assert {Event.ACCOUNT, Event.ACCOUNT_LAPSE} & events == (
            {Event.ACCOUNT, Event.ACCOUNT_LAPSE} if due and in_work else set()
        )


def test_whatever_has_come_about_can_be_brought_to_its_end() -> None:
    """Not by withdrawal, which is always open: by the way of the table. A yellow light ends with its case."""
    ending = {one for one in everything() if one.state in ENDS}
    grown = True
    while grown:
        more = {
            one
            for one, ways in everything().items()
            if one not in ending
            and any(after in ending for (event, _), after in ways if event is not Event.WITHDRAW)
        }
        grown = bool(more)
        ending |= more
    assert ending == set(everything())


def test_what_is_over_stays_over_and_only_a_withdrawal_is_written_beside_it() -> None:
    for one, ways in everything().items():
        if one.state is State.WITHDRAWN:
            assert not ways
        if one.state is State.CLOSED:
            assert {event for (event, _), _ in ways} == {Event.WITHDRAW}


def test_four_eyes_hold_on_every_way() -> None:
    apart = [
        (Event.REVIEW, Event.DRAFT),
        (Event.ISSUE, Event.DRAFT),
        (Event.SERVE, Event.ISSUE),
        (Event.CLOSE, Event.ISSUE),
        (Event.WITHDRAW, Event.ISSUE),
        (Event.GRANT, Event.ISSUE),
        (Event.DISMISS, Event.ISSUE),
        (Event.GRANT, Event.REFER),
        (Event.DISMISS, Event.REFER),
        (Event.REFER, Event.REFER),
        (Event.SEND_BACK, Event.DRAFT),
        (Event.CONFIRM, Event.RECTIFY),
        (Event.REOPEN, Event.RECTIFY),
    ]
    for one, ways in everything().items():
        for (event, actor), _ in ways:
            for later, earlier in apart:
                if event is later:
                    assert actor is not None
                    assert one.doer(earlier) != actor.person, (one, event)


def test_nobody_judges_the_own_unit_and_nobody_answers_for_another() -> None:
    unit_side = {Event.ACKNOWLEDGE, Event.RECEIVE, Event.EXPLAIN, Event.RECTIFY, Event.APPEAL}
    clock_side = {Event.NOTIFY, Event.CLEAR, Event.LAPSE, Event.ACCOUNT_LAPSE}
    for ways in everything().values():
        for (event, actor), _ in ways:
            assert (actor is None) is (event in clock_side)
            if actor is not None:
                assert (actor.unit == UNIT) is (event in unit_side), (event, actor)
                assert actor.person not in {"stranger", "it"}


def test_a_red_light_is_closed_only_after_explanation_or_finding_and_both_its_halves() -> None:
    for one, ways in everything().items():
        for (event, _), after in ways:
            if after.state is State.CLOSED and event is Event.CLOSE:
                assert one.is_red
                assert one.state in {State.VERIFIED, State.EXCUSED, State.REASSIGNED}
                if one.state is State.VERIFIED:
                    assert one.accounted
                    assert one.doer(Event.CONFIRM)
            if after.state is State.ISSUED and one.state is not State.ISSUED and event is Event.ISSUE:
                assert one.doer(Event.REVIEW)
            if event in {Event.UPHOLD, Event.EXCUSE, Event.REASSIGN}:
                assert one.doer(Event.RECEIVE) or one.doer(Event.SERVE), (
                    "nobody is judged by a document that was not served"
                )


def test_a_document_of_the_table_has_a_form() -> None:
    assert {step.document for step in STEPS if step.document} <= set(FORMS)


@given(st.booleans(), st.data())
def test_every_stage_stands_under_a_clock_and_an_appeal_costs_the_unit_no_day(
    is_red: bool, data: st.DataObject
) -> None:
    one, day = raised(UNIT, DAY, is_red=is_red), DAY
    held: clocks.Clock | None = None
    for _ in range(data.draw(st.integers(0, 25))):
        ways = [move for move in moves(one) if move[0] is not Event.WITHDRAW]
        if not ways:
            break
        day += timedelta(days=data.draw(st.integers(0, 3)))
        event, actor = data.draw(st.sampled_from(ways))
        before, one = one, applied(one, event, actor, day, CALENDAR)
        if event is Event.APPEAL:
            assert before.clock is not None
            held = clocks.pause(before.clock, day, CALENDAR)
        if event is Event.DISMISS:
            assert held is not None
            assert one.clock is not None
            assert (one.clock.remaining, one.clock.running, one.clock.start) == (held.remaining, True, day)
        if one.state in ENDS or one.state is State.ACKNOWLEDGED:
            assert one.clock is None
        else:
            assert one.clock is not None
            assert one.clock.running
            assert clocks.due(one.clock, CALENDAR) >= DAY
        assert (one.account is not None) <= (one.state in {State.RECTIFYING, State.VERIFYING, State.VERIFIED})


@given(st.sampled_from(sorted(everything(), key=repr)), st.sampled_from(list(Event)), st.sampled_from(ACTORS))
def test_what_the_table_does_not_have_is_refused_with_a_reason(
    one: Correction, event: Event, actor: Actor | None
) -> None:
    why = refusal(one, event, actor)
    if why:
        with pytest.raises(RejectedError, match=why[:4]):
            applied(one, event, actor, DAY, CALENDAR)
    else:
        (step,) = [step for step in STEPS if (step.before, step.event) == (one.state, event)]
        assert (step.side is Side.CLOCK) is (actor is None)
        assert applied(one, event, actor, DAY, CALENDAR).state in {
            step.after,
            one.held[0] if one.held else None,
        }


def test_days_are_said_for_every_stage_that_waits() -> None:
    assert set(DAYS) == set(State) - ENDS - {State.ACKNOWLEDGED}
    assert isinstance(CALENDAR, Calendar)
