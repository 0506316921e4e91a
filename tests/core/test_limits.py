"""The limits beside promise and statute: acceptance, delivery, announced procedures, steps, items done on the spot."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from central.core import case, clock, rules
from central.core.clock import Clock, Extension, Stop
from central.core.item import Item, ItemKind, RouteStep
from central.core.rules import Verdict
from common.core.instant import from_us
from common.core.record import Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind
from tests.core.test_calendar import CALENDAR
from tests.core.test_rules import ZONE, at, folded

ITEM = Item("SX1", "许可", 20, 10, delivery_days=10, receipt_counts=True)


def judged(now: str, *steps: Step, item: Item | None = ITEM, **facts: Any) -> dict[ClockKind, Verdict]:
    """By kind, at `now` on whole data."""
    state = case.as_of(folded(*steps, **facts), at(now), ZONE)
    found = rules.verdicts(state, item, CALENDAR, lambda *_: Light.NONE, at(now), at(now), ZONE)
    return {verdict.limit.kind: verdict for verdict in found}


def due(verdict: Verdict) -> int:
    return verdict.limit.due_at


def test_a_filing_on_a_day_off_is_received_on_the_next_working_day() -> None:
    for received, last in (
        ("2026-11-21", "2026-12-01"),
        ("2026-09-19", "2026-09-29"),
        ("2026-09-20", "2026-09-29"),
    ):
        limit = judged(f"{received}T10:00", received_at=received)[ClockKind.SUPPLEMENT].limit
        assert limit.due_at == at(f"{last}T00:00")


def test_silence_for_five_days_is_acceptance_from_the_receipt() -> None:
    assert set(judged("2026-03-09T23:00", received_at="2026-03-02")) == {ClockKind.SUPPLEMENT}
    later = judged("2026-03-10T00:01", received_at="2026-03-02")
    assert later[ClockKind.SUPPLEMENT].light is Light.YELLOW  # never red: it accuses nobody
    assert due(later[ClockKind.STATUTE]) == at("2026-03-31T00:00")
    assert later[ClockKind.STATUTE].limit.proof_at == at("2026-03-10T00:00")
    late = judged("2026-03-20T10:00", received_at="2026-03-02", accepted_at="2026-03-10")
    assert due(late[ClockKind.STATUTE]) == at("2026-03-31T00:00")
    in_time = judged("2026-03-20T10:00", received_at="2026-03-02", accepted_at="2026-03-09")
    assert due(in_time[ClockKind.STATUTE]) == at("2026-04-08T00:00")
    other = replace(ITEM, receipt_counts=False)
    assert judged("2026-03-20T10:00", item=other, received_at="2026-03-02") == {}


def test_a_notice_in_time_ends_the_limit_of_acceptance() -> None:
    notice = Step(case_key="7", kind=StepKind.SUPPLEMENT, notified_at="2026-03-06")
    assert judged("2026-03-20T10:00", notice, received_at="2026-03-02") == {}
    late = replace(notice, notified_at="2026-03-10")
    assert due(judged("2026-03-20T10:00", late, received_at="2026-03-02")[ClockKind.STATUTE]) == at(
        "2026-03-31T00:00"
    )


def test_delivery_runs_from_the_decision() -> None:
    done: dict[str, Any] = {
        "accepted_at": "2026-01-28",
        "finished_at": "2026-02-13",
        "status": CaseStatus.DONE,
    }
    waiting = judged("2026-03-03T10:00", **done)[ClockKind.DELIVERY]
    assert (due(waiting), waiting.light) == (at("2026-03-06T00:00"), Light.YELLOW)
    assert waiting.limit.yellow_at == at("2026-03-04T00:00") or waiting.limit.yellow_at == at(
        "2026-03-03T00:00"
    )
    assert judged("2026-03-06T10:00", **done)[ClockKind.DELIVERY].light is Light.RED
    served = Step(case_key="7", kind=StepKind.DELIVER, finished_at="2026-03-05", notified_at="2026-03-09")
    assert judged("2026-03-20T10:00", served, **done)[ClockKind.DELIVERY].light is Light.GREEN
    assert ClockKind.DELIVERY not in judged(
        "2026-03-06T10:00", item=replace(ITEM, delivery_days=None), **done
    )


def test_an_item_may_warn_earlier_than_the_tenth() -> None:
    early = replace(ITEM, lead_days=4)
    facts: dict[str, Any] = {"accepted_at": "2026-03-02"}
    usual = judged("2026-03-11T10:00", **facts)
    assert [usual[kind].light for kind in (ClockKind.PROMISE, ClockKind.STATUTE)] == [Light.GREEN] * 2
    own = judged("2026-03-11T10:00", item=early, deadline="2026-03-17T12:00:00+08:00", **facts)
    assert (own[ClockKind.PROMISE].light, own[ClockKind.STATUTE].light) == (Light.YELLOW, Light.GREEN)
    assert own[ClockKind.STATED].limit.yellow_at == at("2026-03-11T12:00")
    assert own[ClockKind.STATUTE].limit.yellow_at == at("2026-03-24T00:00")


def test_an_item_done_on_the_spot_is_due_the_same_day_and_warns_by_the_hour() -> None:
    spot = replace(ITEM, kind=ItemKind.ON_THE_SPOT, promised_days=None)
    facts: dict[str, Any] = {"accepted_at": "2026-03-02T09:00:00+08:00"}
    assert judged("2026-03-02T15:59", item=spot, **facts)[ClockKind.PROMISE].light is Light.GREEN
    assert judged("2026-03-02T16:00", item=spot, **facts)[ClockKind.PROMISE].light is Light.YELLOW
    assert judged("2026-03-03T00:01", item=spot, **facts)[ClockKind.PROMISE].light is Light.RED
    saturday = judged("2026-03-07T10:00", item=spot, accepted_at="2026-03-07T09:00:00+08:00")
    assert due(saturday[ClockKind.PROMISE]) == at("2026-03-10T00:00")


def test_a_procedure_has_the_time_that_was_announced() -> None:
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-05", days=3)
    facts: dict[str, Any] = {"accepted_at": "2026-03-02"}
    assert judged("2026-03-10T10:00", pause, **facts)[ClockKind.PROCEDURE].light is Light.YELLOW
    over = judged("2026-03-11T10:00", pause, **facts)
    assert (over[ClockKind.PROCEDURE].light, over[ClockKind.STATUTE].light) == (Light.RED, Light.PAUSED)
    ended = replace(pause, finished_at="2026-03-10")
    assert judged("2026-03-11T10:00", ended, **facts)[ClockKind.PROCEDURE].light is Light.GREEN


def test_a_step_is_yellow_at_most_and_counts_by_the_route_or_its_own_deadline() -> None:
    item = replace(ITEM, route=[RouteStep("审查", 3)])
    step = Step(case_key="7", kind=StepKind.CHECK, step_name="审查", started_at="2026-03-02T09:00:00+08:00")
    facts: dict[str, Any] = {"accepted_at": "2026-03-02"}
    assert judged("2026-03-03T10:00", step, item=item, **facts)[ClockKind.STEP].light is Light.GREEN
    assert judged("2026-03-30T10:00", step, item=item, **facts)[ClockKind.STEP].light is Light.YELLOW
    own = replace(step, due_at="2026-03-06T12:00:00+08:00")
    assert due(judged("2026-03-03T10:00", own, **facts)[ClockKind.STEP]) == at("2026-03-06T12:00")
    for ended in (replace(own, finished_at="2026-03-04"), replace(own, invalid={"finished_at": "x"})):
        assert ClockKind.STEP not in judged("2026-03-30T10:00", ended, **facts)


def test_an_extension_that_is_too_late_is_named_and_changes_nothing() -> None:
    late = Step(
        case_key="7", kind=StepKind.EXTEND, finished_at="2026-03-30", notified_at="2026-03-31", days=10
    )
    limit = judged("2026-03-20T10:00", late, accepted_at="2026-03-02")[ClockKind.STATUTE].limit
    assert (limit.due_at, limit.extension) == (at("2026-03-31T00:00"), None)
    assert "2026-03-31 才批准并告知" in limit.notes[0]
    good = replace(late, notified_at="2026-03-30")
    limit = judged("2026-03-20T10:00", good, accepted_at="2026-03-02")[ClockKind.STATUTE].limit
    assert limit.due_at == at("2026-04-15T00:00")  # the golden table: Tuesday 04-14


def test_an_unlisted_item_with_a_joint_limit_may_be_extended_as_a_joint_one() -> None:
    longer = Step(case_key="7", kind=StepKind.EXTEND, finished_at="2026-03-16", days=15)
    for legal, days in ((45, 15), (20, 10), (None, 10)):
        found = judged("2026-03-20T10:00", longer, item=None, accepted_at="2026-03-02", legal=legal)
        extension = found[ClockKind.STATUTE].limit.extension
        assert extension is not None
        assert extension.days == days


def test_a_procedure_that_begins_when_the_limit_has_passed_is_named_and_counted() -> None:
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-31")
    limit = judged("2026-04-20T10:00", pause, accepted_at="2026-03-02")[ClockKind.STATUTE].limit
    assert (limit.stops, limit.notes) == ([], ["2026-03-31 的特别程序：时限届满后才开始，照常计时"])
    in_time = replace(pause, started_at="2026-03-30")
    assert judged("2026-04-20T10:00", in_time, accepted_at="2026-03-02")[ClockKind.STATUTE].limit.notes == []


@pytest.mark.parametrize("finished", ["2026-04-20", "2026-03-10"])
def test_a_completion_while_the_clock_stands_still_is_in_time(finished: str) -> None:
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-09")
    assert (
        judged("2026-05-20T10:00", pause, accepted_at="2026-03-02", finished_at=finished)[
            ClockKind.STATUTE
        ].light
        is Light.GREEN
    )


def test_an_act_dated_ahead_happens_on_its_day() -> None:
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-09", finished_at="2026-03-12")
    facts: dict[str, Any] = {"accepted_at": "2026-03-02"}
    before = judged("2026-03-06T10:00", pause, **facts)[ClockKind.STATUTE]
    assert (before.light, before.next_check_at) == (Light.GREEN, at("2026-03-09T00:00"))
    during = judged("2026-03-10T10:00", pause, **facts)[ClockKind.STATUTE]
    assert (during.light, during.next_check_at) == (Light.PAUSED, at("2026-03-12T00:00"))


MONDAY = date(2026, 3, 16)


def test_on_one_day_an_extension_comes_before_a_procedure() -> None:
    """Nothing was left on the Saturday it went on; the Monday is a working day like any other."""
    begun = Clock(date(2026, 3, 2), 5, 1)
    stops = [Stop(date(2026, 3, 9), date(2026, 3, 14)), Stop(MONDAY, date(2026, 3, 18))]
    walked = clock.course(begun, stops, [Extension(MONDAY, 10)], CALENDAR)
    assert walked.clock == Clock(date(2026, 3, 18), 9, 1)
    assert clock.due(walked.clock, CALENDAR) == date(2026, 3, 31)


def test_what_is_recorded_without_a_day_that_can_be_read_accuses_nobody() -> None:
    """A delivery, a notice, an acceptance, the beginning of a procedure: each may have been in time."""
    garbled = {"finished_at": "三月5日", "started_at": "三月5日"}
    done: dict[str, Any] = {
        "accepted_at": "2026-03-02",
        "finished_at": "2026-03-10",
        "status": CaseStatus.DONE,
    }
    served = Step(case_key="7", kind=StepKind.DELIVER, invalid=garbled)
    assert judged("2026-06-01T10:00", served, **done)[ClockKind.DELIVERY].light is Light.NONE
    pending = replace(served, invalid={"finished_at": "0000-00-00"})
    assert judged("2026-06-01T10:00", pending, **done)[ClockKind.DELIVERY].light is Light.RED
    for notice in (Step(case_key="7", kind=StepKind.SUPPLEMENT), replace(served, kind=StepKind.SUPPLEMENT)):
        assert judged("2026-06-01T10:00", notice, received_at="2026-03-02") == {}
        later = judged("2026-03-30T10:00", notice, received_at="2026-03-02", accepted_at="2026-03-12")
        assert due(later[ClockKind.STATUTE]) == at("2026-04-11T00:00")
    accepted = replace(served, kind=StepKind.ACCEPT)
    assert judged("2026-06-01T10:00", accepted, received_at="2026-03-02") == {}
    unread = {"accepted_at": "2026-3-4 上午"}
    assert judged("2026-06-01T10:00", received_at="2026-03-02", invalid=unread) == {}
    stop = Step(case_key="7", kind=StepKind.PAUSE, invalid=garbled, days=2, notified_at="2026-03-05")
    again = Step(case_key="7", kind=StepKind.RESUME, started_at="2026-03-20")
    assert judged("2026-06-01T10:00", stop, accepted_at="2026-03-02")[ClockKind.STATUTE].light is Light.PAUSED
    gone_on = judged("2026-04-17T23:00", stop, again, accepted_at="2026-03-02")
    assert set(gone_on) == {ClockKind.PROMISE, ClockKind.STATUTE}, "nobody knows until when it was announced"
    assert due(gone_on[ClockKind.STATUTE]) == at("2026-04-21T00:00")  # all 20 days after the Friday


def test_a_stated_instant_inside_a_special_procedure_takes_no_day_from_the_office() -> None:
    facts: dict[str, Any] = {"accepted_at": "2026-03-02", "deadline": "2026-03-16T15:00:00+08:00"}

    def shown(now: str, first: str, last: str) -> Verdict:
        stop = Step(case_key="7", kind=StepKind.PAUSE, started_at=first, finished_at=last)
        return judged(now, stop, **facts)[ClockKind.STATED]

    during = shown("2026-03-23T10:00", "2026-03-12", "2026-03-20")
    # After 03-12 the 13th and the 16th were left: now the 23rd and the 24th are.
    assert (during.light, due(during)) == (Light.YELLOW, at("2026-03-24T15:00"))
    assert shown("2026-03-24T15:01", "2026-03-12", "2026-03-20").light is Light.RED
    assert due(shown("2026-03-23T10:00", "2026-03-16", "2026-03-21")) == at("2026-03-23T15:00")
    for first, last in (("2026-03-05", "2026-03-10"), ("2026-03-17", "2026-03-20")):
        assert due(shown("2026-03-23T10:00", first, last)) == at("2026-03-16T15:00"), "it has that in already"
    whole_day = judged(
        "2026-03-23T10:00",
        Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-13", finished_at="2026-03-20"),
        accepted_at="2026-03-02",
        deadline="2026-03-16",
    )
    assert due(whole_day[ClockKind.STATED]) == at("2026-03-24T00:00")
    far = shown("2026-12-31T10:00", "2026-03-12", "2026-12-31")
    assert (far.light, far.limit.provisional) == (Light.GREY, True)


@pytest.mark.parametrize("days", [99_999, 999_999_999, 9_223_372_036_854_775_807])
def test_a_limit_beyond_all_sense_is_an_instant_that_can_be_kept_and_shown(days: int) -> None:
    stop = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-05", days=days)
    for verdict in judged("2026-03-10T10:00", stop, item=None, accepted_at="2026-03-02", legal=days).values():
        assert verdict.limit.provisional
        assert from_us(due(verdict), ZONE).year < 2100


def test_a_guessed_calendar_makes_nobody_silent_for_too_long() -> None:
    """Five working days after 12-29 end in a year whose notice is not out."""
    facts: dict[str, Any] = {"received_at": "2026-12-29", "accepted_at": "2027-01-11"}
    quick = replace(ITEM, promised_days=1)
    shown = judged("2027-01-20T10:00", item=quick, **facts)
    assert shown[ClockKind.PROMISE].limit.start == date(2027, 1, 11)
    assert Light.RED not in {verdict.light for verdict in shown.values()}


def test_an_office_that_writes_days_into_a_column_of_moments_is_in_time_on_the_last_of_them() -> None:
    midnight, done = "2026-03-10T00:00:00+08:00", "2026-03-10T00:00:00+08:00"
    for deadline, finished in ((midnight, done), ("2026-03-10", done), (midnight, "2026-03-10")):
        facts: dict[str, Any] = {"accepted_at": "2026-03-02", "deadline": deadline}
        found = judged("2026-03-12T10:00", **facts, finished_at=finished)
        assert found[ClockKind.STATED].light is Light.GREEN, (deadline, finished)
        assert judged("2026-03-12T10:00", **facts)[ClockKind.STATED].light is Light.RED
        late = judged("2026-03-12T10:00", **facts, finished_at="2026-03-11")
        assert late[ClockKind.STATED].light is Light.RED
