"""Commands and policies of the hall as the box judges them, by pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.core import trial
from agent.core.trial import RECENT, TRIAL, Trial, Verdict, Worked
from common.core import order
from common.core.instant import DAY, HOUR, MINUTE
from common.core.message import Command, Drawn, DrawnSeat, Policy
from common.core.state import Outcome

NOW = 1_800_000_000_000_000


def command(act: str = "doctor", site: str = "s01", hours: int = 1, **args: int) -> Command:
    return Command("ab", site, act, args, NOW - MINUTE, NOW + hours * HOUR, 1)


def reasoned(act: str, **args: int) -> Command:
    return replace(command(act), args=args, why="厂商升级")


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
        (replace(reasoned("still", plain=1), subject="c1"), None, ""),
        (replace(reasoned("still", plain=2), subject="c1"), Outcome.REFUSED, "plain"),
        (replace(command("still"), subject="c1"), Outcome.REFUSED, "没有说明原因"),
        (reasoned("still"), Outcome.REFUSED, "要写明摄像机"),
        (replace(command("rotate"), subject="c1"), Outcome.REFUSED, "要写明摄像机"),
        (command("pause", minutes=1441), Outcome.REFUSED, "minutes"),
        (command("resync", first=3, last=2), Outcome.REFUSED, "first"),
        (command("resync", last=2), Outcome.REFUSED, "first"),
        (command("resync", first=1, last=1 << 60), Outcome.REFUSED, "first"),
        (reasoned("suspend", minutes=1440), None, ""),
        (reasoned("suspend", minutes=0), Outcome.REFUSED, "minutes"),
        (reasoned("suspend"), Outcome.REFUSED, "minutes"),
        (command("suspend", minutes=5), Outcome.REFUSED, "没有说明原因"),
        (reasoned("collect"), None, ""),
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
        (Policy("s01", 1, cameras=[Drawn("c1", [(0, 0, 9, 9)], [DrawnSeat("w1", (1, 1, 2, 2))])]), ""),
        (Policy("s01", 1, cameras=[Drawn("c1", [(9, 0, 9, 9)], [])]), "区域写得不对"),
        (Policy("s01", 1, cameras=[Drawn("c1", [], [DrawnSeat("", (1, 1, 2, 2))])]), "区域写得不对"),
        (Policy("s01", 1, cameras=[Drawn("c1", [], [DrawnSeat("w", (1, 1, 2, 2))] * 2)]), "区域写得不对"),
        (Policy("s01", 1, cameras=[Drawn("c1", [], [])] * 2), "区域写得不对"),
        (Policy("s02", 1), "属于站点 s02"),
        (Policy("s01", 1, 1023), "bulk_bytes_per_sec"),
        (Policy("s01", 1, -1), "bulk_bytes_per_sec"),
        (Policy("s01", 1, 1 << 40), "bulk_bytes_per_sec"),
        (Policy("s01", 1, 0, 2001), "linger_ms"),
    ],
)
def test_a_policy_beyond_its_bounds_is_not_tried(policy: Policy, said: str) -> None:
    """P-CFG-01"""
    assert (said in order.fault(policy, "s01")) if said else not order.fault(policy, "s01")


TIMES = st.none() | st.integers(-2 * RECENT, 2 * TRIAL)


@given(
    before=st.tuples(st.none() | st.integers(-2 * RECENT, 0), st.none() | st.integers(-2 * RECENT, 0)),
    later=st.integers(0, 2 * TRIAL),
    now=st.tuples(TIMES, TIMES, TIMES),
)
def test_a_policy_is_taken_back_only_for_what_had_worked_and_does_not_any_more(
    before: tuple[int | None, int | None], later: int, now: tuple[int | None, int | None, int | None]
) -> None:
    """P-CFG-02: times are relative to the beginning of the trial, at DAY."""

    def at(when: int | None) -> int | None:
        return None if when is None or when > later else DAY + when

    ack, clean = before
    begun = trial.begin(DAY, Worked(ack=at(ack), clean=at(clean)))
    asked, sent, round_ = now
    found = trial.verdict(begun, DAY + later, Worked(at(ack), at(asked), at(sent), at(round_)))
    had_ack, had_clean = (item is not None and item >= -RECENT for item in before)
    answered, delivered, walked = (item is not None and 0 < item <= later for item in now)
    if found is Verdict.BACK:
        assert later >= TRIAL
        assert (had_ack and delivered and not answered) or (had_clean and not walked)
    if found is Verdict.KEEP:
        assert not (had_clean and not walked)
        assert not (had_ack and delivered and not answered)
    if found is Verdict.WAIT:
        assert later < TRIAL


def test_a_night_on_which_nothing_is_sent_condemns_no_policy() -> None:
    begun = trial.begin(DAY, Worked(ack=DAY - MINUTE, clean=DAY - 1))
    worked = Worked(ack=DAY - MINUTE, asked=DAY - MINUTE, sent=DAY - MINUTE, clean=DAY + TRIAL - 1)
    assert trial.verdict(begun, DAY + TRIAL, worked) is Verdict.KEEP
    early = Worked(ack=DAY + 1, asked=DAY - 1, sent=DAY - 1, clean=DAY + 1)
    assert trial.verdict(begun, DAY + 2, early) is Verdict.WAIT, "the receipt was for what was sent before"


def test_a_box_that_had_nothing_working_keeps_what_it_is_told() -> None:
    assert trial.verdict(Trial(0, acked=False, passed=False), TRIAL, Worked()) is Verdict.KEEP
