"""Acts that are waited for: yellow before their last day, over on it and never red, gone when the act has come."""

from typing import Any

from msgspec.structs import replace

from central.core import case, rules
from central.core.limits import limits
from central.core.pack import PACK
from central.core.rules import Verdict
from common.core.record import Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind
from tests.core.test_calendar import CALENDAR
from tests.core.test_rules import ZONE, at, folded


def asked(now: str, *steps: Step, pack: Any = PACK, **facts: Any) -> dict[ClockKind, Verdict]:
    state = case.as_of(folded(*steps, **facts), at(now), ZONE)
    found = rules.verdicts(state, None, CALENDAR, lambda *_: Light.NONE, at(now), at(now), ZONE, pack)
    return {verdict.limit.kind: verdict for verdict in found}


def step(kind: StepKind, **fields: Any) -> Step:
    return Step(case_key="7", kind=kind, **fields)


def test_what_is_complete_is_to_be_accepted() -> None:
    """Complete on Sunday 03-08, so received on Monday; five working days end on 03-16."""
    facts: dict[str, Any] = {"received_at": "2026-03-02", "complete_at": "2026-03-08"}
    kind = ClockKind.ACCEPTANCE
    assert asked("2026-03-12T23:00", **facts)[kind].light is Light.GREEN
    assert asked("2026-03-13T00:01", **facts)[kind].light is Light.YELLOW
    over = asked("2026-03-17T00:01", **facts)[kind]
    assert (over.light, over.why) == (Light.YELLOW, "超过齐全后受理时限（5 个工作日）"), (
        "its rule says that it is red"
    )
    assert kind not in asked("2026-03-13T00:01", **facts, accepted_at="2026-03-12")
    refused: dict[str, Any] = {"finished_at": "2026-03-12", "status": CaseStatus.REFUSED_ACCEPTANCE}
    assert kind not in asked("2026-03-13T00:01", **facts, **refused)
    longer = asked("2026-03-13T00:01", pack=replace(PACK, accept_days=10), **facts)
    assert longer[kind].light is Light.GREEN


def test_a_hearing_that_was_asked_for_is_to_be_held() -> None:
    """Asked for on 03-02; twenty working days end on 03-30, the day before warns."""
    want, kind = step(StepKind.HEAR, asked_at="2026-03-02"), ClockKind.HEARING
    facts = {"accepted_at": "2026-02-26"}
    assert asked("2026-03-26T10:00", want, **facts)[kind].light is Light.GREEN
    assert asked("2026-03-27T00:01", want, **facts)[kind].light is Light.YELLOW
    held = step(StepKind.HEAR, started_at="2026-03-20", finished_at="2026-03-20")
    assert kind not in asked("2026-03-27T10:00", want, held, **facts)
    assert kind in asked(
        "2026-03-27T10:00", want, replace(held, started_at="2026-02-27", finished_at="2026-02-27"), **facts
    )


def test_an_explanation_is_due_within_what_was_promised() -> None:
    want, kind = step(StepKind.CONSULT, asked_at="2026-03-02", days=3), ClockKind.EXPLANATION
    facts = {"accepted_at": "2026-02-26"}
    assert asked("2026-03-03T10:00", want, **facts)[kind].light is Light.GREEN
    assert asked("2026-03-04T10:00", want, **facts)[kind].light is Light.YELLOW
    assert kind not in asked("2026-03-04T10:00", replace(want, finished_at="2026-03-03"), **facts)
    unread = replace(want, invalid={"finished_at": "2026-02-30"})
    assert kind not in asked("2026-03-04T10:00", unread, **facts)


def test_a_licence_is_renewed_before_it_expires_where_that_was_asked_for_in_time() -> None:
    """Five working days before Friday 05-15; Saturday 05-09 is worked."""
    want, kind = step(StepKind.RENEW, asked_at="2026-03-02", due_at="2026-05-15"), ClockKind.RENEWAL
    facts = {"accepted_at": "2026-03-02", "legal": 60}
    assert asked("2026-05-09T10:00", want, **facts)[kind].light is Light.YELLOW
    assert asked("2026-05-08T10:00", want, **facts)[kind].light is Light.GREEN
    assert kind not in asked(
        "2026-05-08T10:00", replace(want, asked_at="2026-05-06"), received_at="2026-05-06", legal=60
    )
    assert kind not in asked("2026-05-12T10:00", want, **facts, finished_at="2026-05-11")


def test_beyond_the_calendar_they_are_silent_and_the_others_are_not() -> None:
    want = step(StepKind.RENEW, asked_at="2026-03-02", due_at="2089-05-15")
    found = limits(folded(want, accepted_at="2026-03-02"), None, CALENDAR, ZONE)
    assert [one.kind for one in found] == [ClockKind.STATUTE]
