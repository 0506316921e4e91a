"""Bottlenecks 环节用时: where the working days of decided cases went, by item and step. Pure.

A step takes the working days from its beginning to its end; what lies between the end of the step before (of the first one, the
acceptance) and its beginning was waited. Where a source states no beginning, all of it is the step's. The day of the beginning is
not counted, as everywhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from central.core import figure
from central.core.calendar import Calendar
from central.core.case import CaseState, instant
from central.core.measure import DAYS, STEPS, Added
from common.core.instant import day_of
from common.core.record import Step
from common.core.state import StepKind

DEFINITIONS = {
    "环节": "业务系统记有结束时间的环节，按办结件计；收件、叫号、收费、文书、送达、咨询不计",
    "用时": "从环节开始之日到结束之日的工作日；没有开始时间的，从上一环节结束（第一个环节从受理）之日起",
    "等待": "从上一环节结束（第一个环节从受理）之日到本环节开始之日的工作日",
    "占比": "本环节的用时与等待，占这个事项全部环节用时与等待的比例",
}
_ASIDE = {
    StepKind.RECEIVE,
    StepKind.TICKET,
    StepKind.FEE,
    StepKind.DOCUMENT,
    StepKind.DELIVER,
    StepKind.CONSULT,
}
SLOWEST = 5
_TENTH = Decimal("0.1")


class Went(Struct, frozen=True):
    """One step of one case: working days that it took and that were waited before."""

    step: str
    took: int
    waited: int


class Case(Struct, frozen=True, order=True):
    """A case that is looked at because of a step. `days`: took and waited."""

    days: int
    site: str
    key: str
    no: str


class Stay(Struct):
    """One step of one item, over all cases."""

    took: Counter[int] = field(default_factory=Counter)
    waited: Counter[int] = field(default_factory=Counter)
    slowest: list[Case] = field(default_factory=list)


class Line(Struct, frozen=True, kw_only=True):
    """One row of the table; `share`: percent of the item's days."""

    item: str
    step: str
    number: int
    days: int
    share: Decimal
    mean: Decimal
    median: int
    p90: int
    wait: Decimal
    slowest: list[Case]


def went(case: CaseState, calendar: Calendar, zone: ZoneInfo) -> Iterator[Went]:
    """The steps of one case in their order; what lies outside the calendar, or goes backwards, is left out."""
    before = None if case.accepted is None else day_of(case.accepted, zone)
    for step in case.steps:
        end = _day(step.finished_at, zone)
        if step.kind in _ASIDE or end is None:
            continue
        begin = _day(step.started_at, zone) or before or end
        try:
            took = calendar.count(begin, end) if begin <= end else None
            waited = calendar.count(before, begin) if before is not None and before < begin else 0
        except ValueError:
            took, waited = None, 0
        if took is not None:
            yield Went(_name(step), took, waited)
        before = end if before is None else max(before, end)


def additions(one: Went, day: date) -> Iterator[Added]:
    """The same for statistics; `day`: of the decision."""
    yield Added(day, f"{STEPS}of")
    yield Added(day, f"{STEPS}took:{one.took}")
    yield Added(day, f"{STEPS}wait:{one.waited}")


def _name(step: Step) -> str:
    return (step.step_name or "").strip() or step.kind.word


def _day(text: str | None, zone: ZoneInfo) -> date | None:
    return None if text is None or instant(text, zone) is None else day_of(text, zone)


Stays = dict[tuple[str, str], Stay]


def stays() -> Stays:
    """Item and step -> its stay; empty."""
    return defaultdict(Stay)


def fold(into: Stays, item: str, site: str, key: str, no: str, steps: Iterable[Went]) -> None:
    """Add one case; a step that it went through twice is two."""
    for one in steps:
        stay = into[item, one.step]
        stay.took[one.took] += 1
        stay.waited[one.waited] += 1
        stay.slowest = sorted([*stay.slowest, Case(one.took + one.waited, site, key, no)], reverse=True)[
            :SLOWEST
        ]


def table(found: Stays) -> list[Line]:
    """The most days first."""
    whole: Counter[str] = Counter()
    for (item, _), stay in found.items():
        whole[item] += _sum(stay.took) + _sum(stay.waited)
    lines = [_line(item, step, stay, whole[item]) for (item, step), stay in found.items()]
    return sorted(lines, key=lambda line: (-line.days, line.item, line.step))


def _line(item: str, step: str, stay: Stay, whole: int) -> Line:
    number = stay.took.total()
    days = _sum(stay.took) + _sum(stay.waited)
    counts = {f"{DAYS}{day}": count for day, count in stay.took.items()}
    return Line(
        item=item,
        step=step,
        number=number,
        days=days,
        share=_tenth(Decimal(days * 100) / whole) if whole else Decimal("0.0"),
        mean=_tenth(Decimal(_sum(stay.took)) / number),
        median=int(figure.days(50, counts) or 0),
        p90=int(figure.days(90, counts) or 0),
        wait=_tenth(Decimal(_sum(stay.waited)) / number),
        slowest=stay.slowest,
    )


def _sum(counts: Counter[int]) -> int:
    return sum(day * count for day, count in counts.items())


def _tenth(value: Decimal) -> Decimal:
    return value.quantize(_TENTH, ROUND_HALF_UP)
