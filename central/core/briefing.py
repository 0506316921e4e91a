"""简报: which period is to be told of on which day, and what is said beside its table. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from central.core import period as periods
from central.core.calendar import Calendar
from central.core.circular import MOST_LACKING
from central.core.compose import Facts
from central.core.document import Table, about, parts_of
from central.core.figure import Dimension
from central.core.period import Period
from common.core.errors import UsageError

USUAL = "by=site&f=filed&f=decided&f=on_time&f=yellow&f=red"
"""The table of a briefing that no saved view words: volumes, on-time rate and lights by site."""
USUAL_NAME = "行政审批电子监察情况"
ADDRESSEE = "各位领导"
MOST_COLUMNS, MOST_ROWS = 8, 300
"""What an A4 page bears, and what anybody reads."""
_WIDTHS = {Dimension.SITE: 9, Dimension.ORG: 9, Dimension.ITEM: 11}
_PLACE, _CELL = 5, 4


class Every(StrEnum):
    """How often."""

    MONTH = "month"
    QUARTER = "quarter"

    @property
    def word(self) -> str:
        return {"month": "每月", "quarter": "每季"}[self.value]


def drafted_on(of: Period, calendar: Calendar) -> date:
    """The first working day after the period's end."""
    return calendar.roll_forward(of.until)


def current(every: Every, today: date) -> Period:
    """The one that has not ended."""
    quarter = f"{today.year}-Q{(today.month + 2) // 3}"
    return periods.parse(f"{today:%Y-%m}" if every is Every.MONTH else quarter)


def due(every: Every, since: date, today: date, calendar: Calendar) -> Period | None:
    """The newest period whose briefing is to be there by `today`, late or not; None: none that ended after `since`."""
    last = periods.before(current(every, today))
    for one in (last, periods.before(last)):
        if one.until > since and drafted_on(one, calendar) <= today:
            return one
    return None


def subject_of(plan: int, name: str) -> str:
    """Under which the briefing of a period is kept."""
    return about("briefing", str(plan), name)


def plan_of(subject: str) -> int:
    """The plan of a briefing that is kept under `subject`."""
    return int(parts_of(subject)[1])


def table(dimensions: Sequence[Dimension], heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Raises UsageError for one that no page bears."""
    if len(heading) > MOST_COLUMNS:
        raise UsageError(
            f"简报的表至多 {MOST_COLUMNS} 列，这个查询有 {len(heading)} 列", hint="请少选指标或维度，不选对比"
        )
    if len(rows) > MOST_ROWS:
        raise UsageError(f"简报的表至多 {MOST_ROWS} 行，现有 {len(rows)} 行", hint="请换一个维度")
    places = [_WIDTHS.get(one, _PLACE) for one in dimensions] or [_PLACE]
    widths = (*places, *[_CELL] * (len(heading) - len(places)))
    return Table(tuple(heading), tuple(tuple(row) for row in rows), widths)


def said(raised: int, closed: int, lacking: Sequence[str]) -> str:
    """Corrections of the period, and how whole the data is: `lacking`, the sites whose data does not reach its end."""
    corrections = f"期间新立纠错{raised}件，其中{closed}件已经办结" if raised else "期间没有新立的纠错"
    names = "、".join(lacking[:MOST_LACKING]) + ("等" if len(lacking) > MOST_LACKING else "")
    data = f"{names}共{len(lacking)}个站点的数据尚不完整，合计可能偏低" if lacking else "各站点数据齐全"
    return f"{corrections}。{data}"


def facts(of: Period, name: str, shown: Table, told: str, as_of: datetime, calendar_version: int) -> Facts:
    """`name`: what it is about, for the title."""
    return Facts(
        addressee=ADDRESSEE,
        as_of=as_of,
        calendar_version=calendar_version,
        period=of.word.replace(" ", ""),
        matter=name,
        figures=shown,
        result=told,
    )
