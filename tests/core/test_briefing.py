"""When a briefing is drafted and of which period: the first working day after it, once over."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from central.core import briefing, period
from central.core.briefing import Every
from central.core.calendar import Calendar
from central.core.figure import Dimension
from common.core.errors import UsageError
from tests.core.test_calendar import CALENDAR

EVER = date(2020, 1, 1)


def of(every: Every, since: date, today: date, calendar: Calendar = CALENDAR) -> str:
    found = briefing.due(every, since, today, calendar)
    return found.name if found else ""


def test_the_first_working_day_after_the_period_and_every_day_from_then_on() -> None:
    """1 August 2026 is a Saturday."""
    assert of(Every.MONTH, EVER, date(2026, 7, 31)) == "2026-06"
    assert of(Every.MONTH, EVER, date(2026, 8, 2)) == "2026-06", "on a day off the one before it stands"
    assert of(Every.MONTH, EVER, date(2026, 8, 3)) == "2026-07"
    assert of(Every.QUARTER, EVER, date(2026, 6, 30)) == "2026-Q1"
    assert of(Every.QUARTER, EVER, date(2026, 7, 1)) == "2026-Q2"


def test_what_had_ended_when_it_was_planned_is_not_told() -> None:
    planned = date(2026, 6, 18)
    assert of(Every.MONTH, planned, date(2026, 6, 30)) == ""
    assert of(Every.MONTH, planned, date(2026, 7, 1)) == "2026-06"
    assert of(Every.MONTH, date(2026, 7, 1), date(2026, 7, 31)) == "", "planned on the day after"


@pytest.mark.parametrize("every", list(Every))
def test_walking_a_year_tells_each_period_once_and_in_order(every: Every) -> None:
    found = [of(every, EVER, date(2026, 1, 1) + timedelta(days=day)) for day in range(365)]
    told = list(dict.fromkeys(found))
    assert found == sorted(found, key=told.index), "never back"
    for one, after in pairwise(told):
        assert period.before(period.parse(after)).name == one
    assert len(told) == {Every.MONTH: 13, Every.QUARTER: 5}[every]


def test_a_table_that_no_page_bears_is_refused_with_the_reason() -> None:
    head = ["站点", *"一二三四五六七"]
    shown = briefing.table([Dimension.SITE], head, [["合计"] * 8])
    assert len(shown.widths) == 8
    with pytest.raises(UsageError, match="至多 8 列，这个查询有 9 列"):
        briefing.table([Dimension.SITE], [*head, "八"], [])
    with pytest.raises(UsageError, match="至多 300 行"):
        briefing.table([Dimension.ITEM], head, [["x"] * 8] * 301)
    assert briefing.table([], ["范围", "件"], []).widths == (5, 4)


def test_corrections_and_the_state_of_the_data_are_said() -> None:
    assert briefing.said(0, 0, []) == "期间没有新立的纠错。各站点数据齐全"
    lacking = [f"站{place}" for place in range(8)]
    said = briefing.said(5, 2, lacking)
    assert said.startswith("期间新立纠错5件，其中2件已经办结。站0、")
    assert said.endswith("站5等共8个站点的数据尚不完整，合计可能偏低")


def test_the_subject_names_its_plan() -> None:
    assert briefing.plan_of(briefing.subject_of(17, "2026-Q2")) == 17
