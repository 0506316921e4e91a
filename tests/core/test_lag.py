"""Both sides' figures of a backlog: where they differ it is said, and never while something moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import lag
from central.core.lag import View
from common.core.instant import SECOND

BEFORE = View(
    epoch=b"epoch--1",
    state="steady",
    newest=100,
    upto=90,
    rows=10,
    lacking=10,
    age_s=20.0,
    heard_wall=1_000 * SECOND,
    held_upto=90,
    held_top=90,
    missing=10,
    moved_wall=5,
)
NOW = replace(BEFORE, age_s=35.0, heard_wall=1_015 * SECOND)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"rows": 9}, ""),  # something moved: nothing can be said
        ({"age_s": 12.9}, "站点说最早的待传记录等了 13 秒，市中心已等了 15 秒"),
        ({"age_s": 13.0}, ""),
        ({"missing": 11}, "站点说市中心缺 10 条，市中心算得缺 11 条"),
        ({"missing": 0, "held_upto": 100, "held_top": 100}, "站点说市中心缺 10 条，市中心算得缺 0 条"),
        ({"missing": 11, "state": "hello"}, ""),
        ({"missing": 11, "moved_wall": 6}, ""),
        ({"upto": 91, "state": "hello"}, ""),
        ({"upto": 91, "moved_wall": 6}, "站点以为市中心已收到第 91 条，市中心只收到第 90 条"),
        ({"held_top": 101, "moved_wall": 6}, ""),
        ({"held_top": 101}, "市中心已有第 101 条，站点只编到第 100 条"),
    ],
)
def test_what_does_not_fit_is_said(changes: dict[str, object], said: str) -> None:
    assert lag.disagreement(BEFORE, replace(NOW, **changes)) == said
    assert not lag.disagreement(None, NOW)


@given(
    given_out=st.integers(0, 500),
    held=st.sets(st.integers(1, 500)),
    seen=st.integers(0, 500),
    waited=st.integers(0, 10_000),
)
def test_a_box_and_a_hall_that_are_honest_never_disagree(
    given_out: int, held: set[int], seen: int, waited: int
) -> None:
    """The box knows of receipts only what the hall has said so far, and forgets in order."""
    held = {number for number in held if number <= given_out}
    upto = next(number for number in range(given_out + 1) if number + 1 not in held)
    view = View(
        epoch=b"e",
        state="catchup",
        newest=given_out,
        upto=min(seen, upto),
        rows=given_out - upto,
        lacking=given_out - len(held),
        age_s=float(waited),
        heard_wall=SECOND * waited,
        held_upto=upto,
        held_top=max(held, default=0),
        missing=given_out - len(held),
        moved_wall=1,
    )
    before = replace(view, heard_wall=0, age_s=0.0)
    assert not lag.disagreement(before, view)


@pytest.mark.parametrize(
    ("offset_ms", "said"),
    [(None, ""), (30_000.0, ""), (-86_400_000.0, "快 86,400 秒"), (31_000.0, "慢 31 秒")],
)
def test_a_clock_that_misleads_is_said(offset_ms: float | None, said: str) -> None:
    found = lag.clock_fault(offset_ms)
    assert (said in found) if said else not found
