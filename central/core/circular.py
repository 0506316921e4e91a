"""通报 of a period: its facts and its table, which is that of the statistics page. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct

from central.core.compose import Facts
from central.core.document import Table
from central.core.period import Period
from common.core.errors import UsageError

FIGURES = ("decided", "yellow", "red", "rule_red", "route_fault", "unentered", "clue", "on_time")
"""Lights, then procedure breakers and what was kept out of the system."""
WIDTHS = (8, 5, 5, 5, 5, 5, 5, 5, 5)
ADDRESSEE = "各站点、各有关单位"
MOST_LACKING = 6
PERIODS = "circular/"
"""How the subject of every circular of a period begins; one about a single case is a document of its correction."""


class Counted(Struct, frozen=True):
    """The table as it is now, and what its data lack, as a sentence without its full stop; empty: nothing."""

    table: Table
    lacking: str


def counted(heading: Sequence[str], rows: Sequence[Sequence[str]], lacking: Sequence[str]) -> Counted:
    """`lacking`: sites whose data do not reach the period's end."""
    names = "、".join(lacking[:MOST_LACKING]) + ("等" if len(lacking) > MOST_LACKING else "")
    said = f"{names}共{len(lacking)}个站点的数据尚不完整，合计可能偏低" if lacking else ""
    table = Table(tuple(heading), tuple(tuple(row) for row in rows), WIDTHS)
    return Counted(table, said)


def facts(
    period: Period, reason: str, measures: Sequence[str], as_of: datetime, today: date, calendar_version: int
) -> Facts:
    """Raises UsageError for a period that is not over: its figures would be others tomorrow."""
    if today < period.until:
        raise UsageError(f"{period.word}还没有结束，不能通报", hint="请选已经结束的月、季、半年或年")
    return Facts(
        addressee=ADDRESSEE,
        as_of=as_of,
        calendar_version=calendar_version,
        period=period.word.replace(" ", ""),
        reason=closed(reason),
        measures=tuple(filter(None, map(closed, measures))),
    )


def closed(text: str) -> str:
    """On one line, without the full stop that the form sets itself."""
    return " ".join(text.split()).rstrip("。．.；;，,")


def subject_of(name: str) -> str:
    """Under which the circulars of a period are kept."""
    return PERIODS + name
