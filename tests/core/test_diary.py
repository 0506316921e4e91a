"""A change of state is written once, and only a change is."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.diary import Standing, told
from agent.core.sync import Phase
from common.core.happening import Happening

said = st.sampled_from(["", "连不上", "口令不对"])
standings = st.builds(
    Standing,
    line=st.sampled_from(Phase),
    line_fault=said,
    refused=said,
    source_fault=said,
    paused=said,
    full=said,
    stands_in=st.booleans(),
    policy=st.integers(0, 3),
    shed=st.integers(0, 3),
)


def words(standing: Standing) -> tuple[object, ...]:
    """What of it is a state, and not its reason."""
    line = {Phase.HELLO: Phase.OFFLINE}.get(standing.line, standing.line)
    faults = (standing.source_fault, standing.paused, standing.full)
    return (line, *map(bool, faults), standing.stands_in, standing.policy)


@given(standings, standings)
def test_each_difference_is_one_event_and_an_unchanged_state_is_none(before: Standing, now: Standing) -> None:
    """P-REC-09"""
    events = told(before, now)
    changed = sum(a != b for a, b in zip(words(before), words(now), strict=True))
    assert len(events) == changed + (now.shed > before.shed)
    assert {event.name for event in events} <= set(Happening)
    assert len({event.name for event in events}) == len(events)


@given(st.lists(standings, max_size=12))
def test_from_the_events_alone_the_last_state_is_known(course: list[Standing]) -> None:
    told_names = [
        event.name for a, b in zip([Standing(), *course], course, strict=False) for event in told(a, b)
    ]
    last = course[-1] if course else Standing()
    for bad, good, is_bad in (
        (Happening.SOURCE_LOST, Happening.SOURCE_BACK, bool(last.source_fault)),
        (Happening.CAPTURE_PAUSED, Happening.CAPTURE_RESUMED, bool(last.paused)),
        (Happening.BUFFER_FULL, Happening.BUFFER_FREE, bool(last.full)),
        (Happening.KEY_LOST, Happening.KEY_BACK, last.stands_in),
    ):
        newest = next((name for name in reversed(told_names) if name in {bad, good}), good)
        assert (newest == bad) is is_bad


def test_a_reason_that_changes_is_no_new_state() -> None:
    assert told(Standing(source_fault="连不上"), Standing(source_fault="口令不对")) == []


def test_the_detail_says_why() -> None:
    (event,) = told(Standing(line=Phase.STEADY), Standing(line=Phase.REFUSED, refused="superseded"))
    assert (event.name, event.detail) == ("link.refused", "superseded")
    (event,) = told(Standing(), Standing(policy=4))
    assert (event.name, event.detail) == ("policy.changed", "第 4 版")
    (event,) = told(Standing(shed=3), Standing(shed=1_240))
    assert (event.name, event.detail) == ("observations.shed", "1,237 项")
