"""Commands and policies of the hall as the box judges them, by pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import order, trial
from agent.core.trial import RECENT, TRIAL, Trial, Verdict
from common.core.instant import DAY, HOUR, MINUTE
from common.core.message import Command, Policy
from common.core.state import Outcome

NOW = 1_800_000_000_000_000


def command(act: str = "doctor", site: str = "s01", hours: int = 1, **args: int) -> Command:
    return Command("ab", site, act, args, NOW - MINUTE, NOW + hours * HOUR)


@pytest.mark.parametrize(
    ("given", "outcome", "said"),
    [
        (command(), None, ""),
        (command("pause", minutes=1440), None, ""),
        (command("resync"), None, ""),
        (command("resync", first=2, last=2), None, ""),
        (command(site="s02"), Outcome.REFUSED, "属于站点 s02"),
        (command(hours=0), Outcome.EXPIRED, "已过期 0 分钟"),
        (command(hours=-25), Outcome.EXPIRED, "已过期 1500 分钟"),
        (command(hours=24 * 7), Outcome.REFUSED, "超过七天"),
        (command("shutdown"), Outcome.REFUSED, "不认识这条指令：shutdown"),
        (command("pause"), Outcome.REFUSED, "minutes"),
        (command("pause", minutes=1441), Outcome.REFUSED, "minutes"),
        (command("resync", first=3, last=2), Outcome.REFUSED, "first"),
        (command("resync", last=2), Outcome.REFUSED, "first"),
        (command("doctor", minutes=3), Outcome.REFUSED, "多余的参数：minutes"),
    ],
)
def test_what_is_carried_out_and_what_is_answered_instead(
    given: Command, outcome: Outcome | None, said: str
) -> None:
    """P-CMD-02"""
    found = order.refusal(given, "s01", NOW)
    assert (found[0] if found else None) is outcome
    assert found is None or said in found[1]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy("s01", 1), ""),
        (Policy("s01", 1, 1024, 2000), ""),
        (Policy("s02", 1), "属于站点 s02"),
        (Policy("s01", 1, 1023), "bulk_bytes_per_sec"),
        (Policy("s01", 1, -1), "bulk_bytes_per_sec"),
        (Policy("s01", 1, 0, 2001), "linger_ms"),
    ],
)
def test_a_policy_beyond_its_bounds_is_not_tried(policy: Policy, said: str) -> None:
    """P-CFG-01"""
    assert (said in trial.fault(policy, "s01")) if said else not trial.fault(policy, "s01")


@given(
    acked=st.none() | st.integers(-2 * RECENT, 0),
    passed=st.none() | st.integers(-2 * RECENT, 0),
    later=st.integers(0, 2 * TRIAL),
    ack=st.none() | st.integers(0, 2 * TRIAL),
    clean=st.none() | st.integers(0, 2 * TRIAL),
)
def test_a_policy_is_taken_back_only_for_what_had_worked_and_does_not_any_more(
    acked: int | None, passed: int | None, later: int, ack: int | None, clean: int | None
) -> None:
    """P-CFG-02: times are relative to the beginning of the trial, at DAY."""

    def at(when: int | None, before: int | None) -> int | None:
        newest = when if when is not None and when <= later else before
        return None if newest is None else DAY + newest

    begun = trial.begin(DAY, at(acked, None), at(passed, None))
    found = trial.verdict(begun, DAY + later, at(ack, acked), at(clean, passed))
    had = [item for item in ((acked, ack), (passed, clean)) if item[0] is not None and item[0] >= -RECENT]
    missing = [now for _, now in had if now is None or not 0 < now <= later]
    if found is Verdict.BACK:
        assert missing
        assert later >= TRIAL
    if found is Verdict.KEEP:
        assert not missing
    if found is Verdict.WAIT:
        assert later < TRIAL


def test_a_box_that_had_nothing_working_keeps_what_it_is_told() -> None:
    assert trial.verdict(Trial(0, acked=False, passed=False), TRIAL, None, None) is Verdict.KEEP
