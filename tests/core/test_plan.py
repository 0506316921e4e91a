"""What a box lacks, in the order in which it is made; done twice, nothing is left to do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from common.core.errors import UsageError
from provisioning.core.plan import Facts, Step, done, plan

BARE = Facts(token_site="s01")
FLAGS = [field.name for field in fields(Facts) if field.type is bool]
LAST = {Step.ENABLE, Step.START, Step.RESTART}


@st.composite
def boxes(draw: Any) -> Facts:
    """Any half-way state of a box to which its own command is given."""
    flags = {name: draw(st.booleans()) for name in FLAGS}
    own = draw(st.sampled_from(["", "s01"]))
    return Facts(token_site="s01", own_site=own, **flags)


def test_a_bare_box_gets_everything_and_is_enabled_last() -> None:
    assert plan(BARE) == [
        Step.USER,
        Step.FOLDERS,
        Step.IDENTITY,
        Step.MASTER,
        Step.OWNERS,
        Step.LINK,
        Step.UNITS,
        Step.ENABLE,
        Step.START,
    ]


@given(boxes())
def test_after_a_plan_there_is_nothing_left_to_do(facts: Facts) -> None:
    assert plan(done(facts, plan(facts))) == []


@given(boxes(), st.integers(0, 12))
def test_a_plan_cut_anywhere_is_finished_by_the_next(facts: Facts, cut: int) -> None:
    half = done(facts, plan(facts)[:cut])
    assert plan(done(half, plan(half))) == []


@given(boxes())
def test_nothing_is_enabled_or_started_before_all_else_is_done(facts: Facts) -> None:
    steps = plan(facts)
    firsts = [place for place, step in enumerate(steps) if step in LAST]
    assert firsts == list(range(len(steps) - len(firsts), len(steps)))


def test_a_box_without_a_line_begins_with_its_stick_and_enrols_when_there_is_one() -> None:
    cut = replace(BARE, is_cut=True)
    waiting = done(cut, plan(cut))
    assert Step.WAIT in plan(cut)
    assert Step.IDENTITY not in plan(cut)
    assert waiting.is_running
    assert plan(waiting) == []
    assert plan(replace(waiting, is_cut=False)) == [Step.IDENTITY, Step.OWNERS, Step.RESTART]


def test_what_runs_is_restarted_when_something_changed_under_it() -> None:
    whole = done(BARE, plan(BARE))
    assert plan(whole) == []
    assert plan(replace(whole, is_linked=False)) == [Step.LINK, Step.RESTART]
    assert plan(replace(whole, runs_old=True)) == [Step.RESTART]


def test_a_box_of_another_site_is_left_alone() -> None:
    with pytest.raises(UsageError, match="站点 s01 的，本机已是站点 s02") as caught:
        plan(replace(BARE, own_site="s02"))
    assert "uninstall" in caught.value.hint


def test_a_box_without_identity_wants_a_token_and_one_with_it_is_mended_without() -> None:
    with pytest.raises(UsageError, match="缺少令牌"):
        plan(Facts(is_token_used=True))
    whole = replace(done(BARE, plan(BARE)), token_site="", has_units=False)
    assert plan(whole) == [Step.UNITS, Step.RESTART]


def test_every_step_has_words() -> None:
    assert all(step.word for step in Step)
