"""Both sides' figures of a backlog: where they differ it is said, also while rows come and go; silence is no agreement."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from central.core import lag
from central.core.lag import Verdict, View, Watch
from common.core.instant import SECOND
from common.core.ranges import Range

BEAT_SECS = 15


def held(*spans: tuple[int, int]) -> list[Range]:
    return [Range(lo, hi, b"", b"") for lo, hi in spans]


BEFORE = View(
    epoch=b"epoch--1",
    state="steady",
    newest=100,
    upto=90,
    rows=10,
    lacking=10,
    age_s=20.0,
    heard_wall=1_000 * SECOND,
    held=held((1, 90)),
)
NOW = replace(BEFORE, age_s=80.0, heard_wall=1_060 * SECOND)


def compared(now: View) -> tuple[Verdict, str]:
    """`now` said twice, a minute after BEFORE."""
    watch, _ = lag.follow(Watch(), BEFORE)
    watch, first = lag.follow(watch, now)
    assert first.verdict is not Verdict.DIFFERS
    _, found = lag.follow(watch, replace(now, heard_wall=now.heard_wall + BEAT_SECS * SECOND))
    return found.verdict, found.words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"rows": 9}, ""),
        ({"age_s": 29.4}, "站点说最早的待传记录等了 29 秒，市中心已等了 75 秒"),
        ({"age_s": 45.0}, ""),
        ({"age_s": -3_500.0}, "站点说不出最早的待传记录等了多久（机器的时钟被调过），市中心已等了 75 秒"),
        ({"lacking": 9}, "站点说市中心缺 9 条，市中心算得缺 10 条"),
        ({"lacking": 0, "rows": 0}, "站点说市中心缺 0 条，市中心算得缺 10 条"),
        ({"lacking": 0, "newest": 101}, "站点说市中心缺 0 条，市中心算得缺 11 条"),
        ({"lacking": 11}, "站点说市中心缺 11 条，市中心算得缺 10 条"),
        ({"upto": 91}, "站点以为市中心已收到第 91 条，市中心只收到第 90 条"),
        ({"newest": 80, "lacking": 0, "upto": 80}, "市中心已有第 90 条，站点只编到第 80 条"),
        ({"lacking": 10, "held": held((1, 95))}, ""),  # it has not heard of five yet
        ({"lacking": 4, "held": held((1, 95))}, "站点说市中心缺 4 条，市中心算得缺 5 条"),
    ],
)
def test_what_does_not_fit_is_said_when_it_lasts(changes: dict[str, object], said: str) -> None:
    verdict, words = compared(replace(NOW, **changes))
    assert words == said
    assert verdict is (Verdict.DIFFERS if said else Verdict.AGREES)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "hello"},
        {"state": "hello", "upto": 99, "lacking": 0},  # it is still being told
        {"lacking": -1},  # an agent of before says nothing of it
        {"epoch": b"epoch--2"},  # nothing to hold it against
    ],
)
def test_where_nothing_can_be_said_that_is_the_outcome(changes: dict[str, object]) -> None:
    assert compared(replace(NOW, **changes))[0] is Verdict.OPEN


def test_a_burst_of_heartbeats_does_not_make_a_difference_last() -> None:
    watch = Watch()
    for tenth in range(20):
        wall = NOW.heard_wall + tenth * SECOND // 10
        watch, found = lag.follow(watch, replace(NOW, lacking=0, heard_wall=wall))
        assert found.verdict is Verdict.OPEN
    assert len(watch.views) == 1


class Second(Struct):
    """What happens in one second: captured by the box, taken in by the hall from the front, and ahead of a hole."""

    captured: int
    drained: int
    live: bool


seconds = st.lists(
    st.builds(Second, st.integers(0, 3), st.integers(0, 20), st.booleans()), min_size=240, max_size=240
)


class Line:
    """A box and a hall, second by second. Numbers up to `stuck` never arrive; None: all do."""

    def __init__(self, backlog: int, *, stuck: int = 0) -> None:
        self.newest = backlog
        self.stuck = stuck
        self.got: set[int] = set()
        self.captured = dict.fromkeys(range(1, backlog + 1), 0)

    def pass_second(self, second: int, what: Second) -> None:
        for number in range(self.newest + 1, self.newest + what.captured + 1):
            self.captured[number] = second
        self.newest += what.captured
        waiting = [number for number in range(self.stuck + 1, self.newest + 1) if number not in self.got]
        self.got |= set(waiting[: what.drained])
        if what.live:
            self.got |= set(waiting[-2:])


class Spoken(Struct, frozen=True):
    """What is true when a box speaks: numbers given, numbers in the hall by then, ages."""

    newest: int
    got: frozenset[int]
    captured: dict[int, int]


def spoken(backlog: int, stuck: int, history: list[Second]) -> list[Spoken]:
    line, found = Line(backlog, stuck=stuck), []
    for second, what in enumerate(history):
        line.pass_second(second, what)
        found.append(Spoken(line.newest, frozenset(line.got), dict(line.captured)))
    return found


def upto_of(numbers: frozenset[int]) -> int:
    return next(number for number in range(len(numbers) + 1) if number + 1 not in numbers)


def ranges_of(numbers: frozenset[int]) -> list[Range]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] + 1 == number:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return held(*found)


def views(truth: list[Spoken], ack_secs: int, beat_secs: int, lost: int, lie: int = 0) -> Iterator[View]:
    """One heartbeat every 15 s but for every `lost`-th; the box knows what was held `ack_secs` before it spoke."""
    for place, second in enumerate(range(40, len(truth) - beat_secs, BEAT_SECS)):
        if lost and place % lost == 1:
            continue
        said, heard = truth[second], truth[second + beat_secs]
        known = truth[second - ack_secs].got
        upto = upto_of(known)
        missing = said.newest - len([n for n in heard.got if n <= said.newest])
        waiting = [said.captured[number] for number in range(upto + 1, said.newest + 1)]
        yield View(
            epoch=b"e",
            state="catchup",
            newest=said.newest,
            upto=upto,
            rows=said.newest - upto,
            lacking=max(0, missing - lie) if lie else said.newest - len(known),
            age_s=float(second - min(waiting)) if waiting else 0.0,
            heard_wall=(second + beat_secs) * SECOND,
            held=ranges_of(heard.got),
        )


@given(
    history=seconds,
    backlog=st.integers(0, 200),
    stuck=st.sampled_from([0, 0, 3, 50]),
    ack_secs=st.integers(0, 15),
    beat_secs=st.integers(0, 14),
    lost=st.sampled_from([0, 2, 3]),
)
def test_an_honest_box_is_never_named_whatever_moves(
    history: list[Second], backlog: int, stuck: int, ack_secs: int, beat_secs: int, lost: int
) -> None:
    watch, outcomes = Watch(), []
    for view in views(spoken(backlog, stuck, history), ack_secs, beat_secs, lost):
        watch, found = lag.follow(watch, view)
        outcomes.append(found.verdict)
    assert Verdict.DIFFERS not in outcomes
    assert outcomes[-1] is Verdict.AGREES


@given(
    history=seconds,
    backlog=st.integers(1, 200),
    lie=st.integers(1, 300),
    beat_secs=st.integers(0, 10),
    lost=st.sampled_from([0, 2, 3]),
)
def test_a_box_that_claims_less_than_is_missing_is_named_within_a_minute(
    history: list[Second], backlog: int, lie: int, beat_secs: int, lost: int
) -> None:
    """P-STATE-04"""
    watch, named, began = Watch(), None, None
    for view in views(spoken(backlog, min(backlog, 20), history), 1, beat_secs, lost, lie):
        began = view.heard_wall if began is None else began
        watch, found = lag.follow(watch, view)
        assert found.verdict is not Verdict.AGREES
        named = view.heard_wall if named is None and found.verdict is Verdict.DIFFERS else named
    assert began is not None
    assert named is not None
    assert named - began <= 60 * SECOND


def test_a_live_row_a_second_hides_nothing() -> None:
    """P-STATE-04: the reproduction of the review: 1000 rows are missing, one comes every second, the box says it lacks none."""
    watch, outcomes = Watch(), []
    for second in range(0, 600, BEAT_SECS):
        newest = 1_000 + second
        view = View(
            epoch=b"e",
            state="steady",
            newest=newest,
            upto=0,
            rows=newest,
            lacking=0,
            age_s=0.0,
            heard_wall=second * SECOND,
            held=held((1_001, newest)) if second else [],
        )
        watch, found = lag.follow(watch, view)
        outcomes.append(found.verdict)
    assert outcomes == [Verdict.OPEN] + [Verdict.DIFFERS] * 39


def test_receipts_that_no_longer_reach_the_box_are_named_within_a_minute() -> None:
    watch, named = Watch(), []
    for second in range(0, 90, BEAT_SECS):
        newest = 10 + second
        view = replace(BEFORE, newest=newest, upto=5, rows=newest - 5, lacking=newest - 5, age_s=second + 5.0)
        view = replace(view, heard_wall=second * SECOND, held=held((1, newest)))
        watch, found = lag.follow(watch, view)
        named += [second] * (found.verdict is Verdict.DIFFERS)
    assert named
    assert named[0] <= 60


# how long the hall itself has lacked something -------------------------------------------------------------------


def since(backlog: int, stuck: int, history: list[Second]) -> list[tuple[int, int | None, Spoken]]:
    """-> [(second, what the hall has watched, the truth)] of each heartbeat."""
    watch, known, found = Watch(), None, []
    truth = spoken(backlog, stuck, history)
    for second, view in zip(range(40, len(truth), BEAT_SECS), views(truth, 1, 0, 0), strict=False):
        known = lag.behind_since(known, watch, view, 0)
        watch, _ = lag.follow(watch, view)
        found.append((second, known, truth[second]))
    return found


@given(history=seconds, backlog=st.integers(1, 200), stuck=st.integers(1, 200))
def test_what_never_comes_is_watched_from_the_first_heartbeat_on(
    history: list[Second], backlog: int, stuck: int
) -> None:
    """P-STATE-03"""
    seen = since(backlog, min(backlog, stuck), history)
    assert {known for _, known, _ in seen} == {40 * SECOND}


@given(history=seconds, backlog=st.integers(0, 200))
def test_what_is_watched_is_missing_and_a_row_on_its_way_is_not_old(
    history: list[Second], backlog: int
) -> None:
    for second, known, truth in since(backlog, 0, history):
        missing = [number for number in range(1, truth.newest + 1) if number not in truth.got]
        assert (known is None) is not bool(missing)
        if known is not None:
            assert known <= second * SECOND


def test_live_rows_that_come_between_heartbeats_are_never_behind() -> None:
    """One row is always on its way when the box speaks; each has come by the next heartbeat."""
    watch, known = Watch(), None
    for second in range(0, 600, BEAT_SECS):
        view = replace(BEFORE, newest=100 + second, heard_wall=second * SECOND, held=held((1, 99 + second)))
        known = lag.behind_since(known, watch, view, 0)
        watch, _ = lag.follow(watch, view)
        assert known == second * SECOND
    view = replace(view, heard_wall=700 * SECOND, held=held((1, view.newest)))
    assert lag.behind_since(known, watch, view, 0) is None
    assert lag.behind_since(None, watch, view, view.newest + 7) == 700 * SECOND  # a hello has announced more


@pytest.mark.parametrize(
    ("offset_ms", "verdict", "said"),
    [
        (None, Verdict.OPEN, ""),
        (30_000.0, Verdict.AGREES, ""),
        (-86_400_000.0, Verdict.DIFFERS, "快 86,400 秒"),
        (31_000.0, Verdict.DIFFERS, "慢 31 秒"),
    ],
)
def test_a_clock_that_misleads_is_said(offset_ms: float | None, verdict: Verdict, said: str) -> None:
    found = lag.clock_fault(offset_ms)
    assert found.verdict is verdict
    assert (said in found.words) if said else not found.words
