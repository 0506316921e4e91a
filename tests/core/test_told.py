"""What applicants are told: a sentence for every standing, counted on the day it is read."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import told
from central.core.told import Standing, Told, Watched
from common.core.state import ClockKind

FRIDAY = date(2026, 6, 12)
DAYS = [day for day in (date(2026, 5, 1) + timedelta(days=place) for place in range(90)) if day.weekday() < 5]
DUE = date(2026, 6, 10)


def one(standing: Standing, **changes: object) -> Told:
    said = {
        "site": "s",
        "key": "k",
        "number": "N1",
        "item": "食品经营许可",
        "place": "石桥镇",
        "limit": ClockKind.PROMISE,
        "due": DUE,
    }
    return Told(**{**said, "standing": standing, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("due", [None, DUE])
def test_every_standing_has_its_sentence_whatever_is_known(standing: Standing, due: date | None) -> None:
    found = told.answer(one(standing, due=due), FRIDAY, DAYS)
    assert found.mood is standing
    assert found.head
    assert found.text.endswith("。")
    assert "None" not in found.head + found.text
    assert "。。" not in found.text


def test_who_must_answer_by_when_is_said_first_hand() -> None:
    late = one(
        Standing.OVER,
        watched=(Watched(date(2026, 6, 11), "监察部门发出督办通知"),),
        owed="办理单位须书面说明原因",
        owed_by=date(2026, 6, 16),
    )
    found = told.answer(late, FRIDAY, DAYS)
    assert found.head == "已超过承诺时限 2 个工作日"
    assert "监察部门已经督办。办理单位须书面说明原因，最迟 6月16日（周二）。您不需要做任何事。" in found.text


def test_a_calendar_that_does_not_reach_guesses_no_number() -> None:
    assert told.answer(one(Standing.OVER), FRIDAY, []).head == "已超过承诺时限"
    assert "还有" not in told.answer(one(Standing.OPEN, due=date(2027, 6, 1)), FRIDAY, DAYS).text
    assert (
        "预计应在 6月15日（周一） 前"
        in told.answer(one(Standing.OPEN, due=date(2026, 6, 15), provisional=True), FRIDAY, DAYS).text
    )


@given(st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_working_days_between_add_up(first: date, last: date) -> None:
    found = told.between(first, last, DAYS)
    assert found == max(0, DAYS.index(last) - DAYS.index(first))
