"""The table of a question: the answer's clock, and two persons for what is published."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import consult
from central.core.access import Permission
from central.core.calendar import Calendar
from central.core.consult import STEPS, Event, State
from common.core.errors import RejectedError

FIRST = date(2026, 1, 1)
CALENDAR = Calendar(1, FIRST, [(FIRST + timedelta(days=n)).weekday() < 5 for n in range(365)])
FRIDAY = date(2026, 6, 12)
RIGHTS = (Permission.WORK_CONSULT, Permission.RELEASE_PUBLICATION, None)


def test_the_answer_is_due_after_three_working_days_and_a_passed_day_stays() -> None:
    for day, last in ((FRIDAY, date(2026, 6, 17)), (FRIDAY + timedelta(days=1), date(2026, 6, 18))):
        assert consult.due(consult.asked(day, CALENDAR), CALENDAR) == last
    one = consult.asked(FRIDAY, CALENDAR)
    assert [consult.has_passed(one, date(2026, 6, day), CALENDAR) for day in (17, 18)] == [False, True]
    one = consult.applied(one, Event.LAPSE, None, "", CALENDAR)
    assert not consult.has_passed(one, date(2026, 6, 18), CALENDAR)
    one = consult.applied(one, Event.ANSWER, RIGHTS[0], "甲", CALENDAR)
    assert (one.lapsed, consult.due(one, CALENDAR)) == (date(2026, 6, 17), None)


@given(st.lists(st.tuples(st.sampled_from(list(Event)), st.sampled_from("甲乙")), max_size=25))
def test_nothing_is_public_that_one_person_drafted_and_released(acts: list[tuple[Event, str]]) -> None:
    one, drafted_by = consult.asked(FRIDAY, CALENDAR), ""
    for event, who in acts:
        may = STEPS.get((one.state, event), (None, None))[1]
        if consult.refusal(one, event, may, who):
            with pytest.raises(RejectedError):
                consult.applied(one, event, may, who, CALENDAR)
            continue
        for other in set(RIGHTS) - {may}:
            assert consult.refusal(one, event, other, who)
        one = consult.applied(one, event, may, who, CALENDAR)
        drafted_by = who if event is Event.DRAFT else drafted_by
        if event is Event.RELEASE:
            assert who != drafted_by
        assert (one.clock is None) is (one.state is not State.ASKED)
