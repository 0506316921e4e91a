"""Statistics: any figure by any dimension over any period, from the counts of `measure.py` alone. Pure.

A figure is a count, a share of two counts, or a percentile of the working days; its definition stands beside it wherever it is
shown. Cells hold counts, which add up; shares and percentiles are taken of a cell's counts at the end, so that every grouping
gives the exact figure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from msgspec import Struct

from central.core.articles import RULES
from central.core.measure import DAYS, FEN, LIT, MEASURES, PAID, STEPS, Added
from central.core.period import Period
from common.core.errors import UsageError
from common.core.state import ClockKind, Light

_TENTH, _CENT = Decimal("0.1"), Decimal("0.01")
MOST_CELLS = 2_000
"""Rows of one table; more is no table that anybody reads."""


class Dimension(StrEnum):
    """By what figures are grouped."""

    SITE = "site"
    KIND = "kind"
    ORG = "org"
    ITEM = "item"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    PERSON = "person"
    CHANNEL = "channel"
    LIGHT = "light"
    RULE = "rule"
    STEP = "step"

    @property
    def word(self) -> str:
        return _DIMENSION_WORDS[self]


_DIMENSION_WORDS = {
    Dimension.SITE: "站点", Dimension.KIND: "站点类别", Dimension.ORG: "部门", Dimension.ITEM: "事项",
    Dimension.MONTH: "月份", Dimension.WEEK: "周", Dimension.DAY: "日期", Dimension.PERSON: "责任人", Dimension.CHANNEL: "申请渠道",
    Dimension.LIGHT: "灯", Dimension.RULE: "时限与规则", Dimension.STEP: "环节",
}  # fmt: skip


DEFINITIONS = {
    Dimension.PERSON: "业务系统所载的责任人，同名的按站点分开；业务系统不记岗位，没有岗位这一维度",
    Dimension.CHANNEL: "业务系统所载的申请渠道，照它的写法",
    Dimension.LIGHT: "只用于“亮灯”：黄灯、红灯",
    Dimension.STEP: "只用于环节的指标：业务系统记有结束时间的环节，收件、叫号、收费、文书、送达、咨询不计",
    Dimension.RULE: "只用于“亮灯”：哪一种时限，或哪一条规则",
}
"""What a dimension means, where its name does not say it."""
OWN = {Dimension.LIGHT: LIT, Dimension.RULE: LIT, Dimension.STEP: STEPS}
"""A dimension that tells apart nothing but the measures that begin so."""
TIMES = frozenset({Dimension.MONTH, Dimension.WEEK, Dimension.DAY})


class Figure(Struct, frozen=True):
    """`part` of `whole` in percent if there is a whole; `left`: what is not `part`. `percent`: of the days; -1: the mean."""

    id: str
    name: str
    unit: str
    definition: str
    part: str = ""
    whole: str = ""
    left: bool = False
    percent: int = 0
    times: int = 100
    """A share is shown so many times as large: 100 for percent, 1 for a mean."""
    cents: bool = False
    """A count in hundredths of its unit."""
    days_of: str = DAYS
    """What begins the measures of which a percentile or mean is."""


def _counted(name: str) -> Figure:
    one = MEASURES[name]
    return Figure(name, one.name, one.unit, one.definition, part=name)


_COUNTED = (
    "filed", "decided", "promise_late", "statute_late", "yellow", "red", "rule_yellow", "rule_red", "refused", "rejected", "supplemented",
    "special", "extended", "early", "route_fault", "fee_fault", "open_fault", "entered_late", "incomplete",
    "reopened", "unentered", "concealed", "clue", "correction_of", "correction_slow", "sanction", "complaint", "complaint_of", "complaint_slow", "complaint_unsolved", "callback_of", "callback_slow",
    "odd_minute", "odd_crowd", "odd_alike", "odd_batch", "rating_of", "rating_bad", "seat_of", "absence", "absence_minutes", "arrival_of", "arrival_late",
)  # fmt: skip
_STEPS_OF, _TOOK = "办结件的环节", "从开始之日到结束之日的工作日"
_DAYS_OF = "从受理之日到决定之日的工作日，受理当日不计"
FIGURES = {
    one.id: one
    for one in (
        *(_counted(name) for name in _COUNTED),
        Figure(
            "on_time",
            "承诺按时率",
            "%",
            "承诺时限到结的之中没有计为承诺超时的",
            "promise_late",
            "promise_of",
            left=True,
        ),
        Figure(
            "lawful",
            "法定按时率",
            "%",
            "法定时限到结的之中没有计为法定超时的",
            "statute_late",
            "statute_of",
            left=True,
        ),
        Figure("early_share", "提前办结率", "%", "办结件中用时不超过承诺时限一半的", "early", "decided"),
        Figure("late_entry_share", "补录率", "%", "办结件中有字段补录的", "entered_late", "decided"),
        Figure("odd_minute_share", "一分钟办结率", "%", "办结件中一分钟办结的", "odd_minute", "decided"),
        Figure("odd_crowd_share", "扎堆办结率", "%", "办结件中扎堆办结的", "odd_crowd", "decided"),
        Figure("supplement_share", "补正率", "%", "收件中要求补正的", "supplemented", "filed"),
        Figure(
            "rating_mean", "评价平均分", "分", "评价得分除以评价份数", "rating_points", "rating_of", times=1
        ),
        Figure("rating_share", "满意率", "%", "评价中基本满意及以上的", "rating_good", "rating_of"),
        Figure(
            "complaint_kept",
            "按期整改率",
            "%",
            "投诉与差评到结的之中没有逾期的",
            "complaint_slow",
            "complaint_of",
            left=True,
        ),
        Figure(
            "callback_kept",
            "按期回访率",
            "%",
            "回访之中没有逾期的",
            "callback_slow",
            "callback_of",
            left=True,
        ),
        Figure(
            "seat_share", "在岗率", "%", "在岗核对的窗口工作日中没有脱岗的", "absence", "seat_of", left=True
        ),
        Figure(
            "arrival_share",
            "数据及时率",
            "%",
            "数据到达时段中不迟到的",
            "arrival_late",
            "arrival_of",
            left=True,
        ),
        Figure(
            "lit",
            "亮灯",
            "盏",
            "当期起亮的黄灯、红灯（不论争议），和收件中亮黄灯、红灯的规则（争议中、须人核实而未核实的不计），一盏计一次",
            LIT,
        ),
        Figure("fee_paid", "收费件", "件", "办结件中业务系统载有收费金额的", PAID),
        Figure(
            "fee_yuan",
            "收费金额",
            "元",
            "办结件的收费合计，以业务系统所载金额为准，退费不计",
            FEN,
            cents=True,
        ),
        Figure("step_of", "环节", "次", f"{_STEPS_OF}，经过一次计一次", f"{STEPS}of"),
        Figure(
            "step_mean",
            "环节平均用时",
            "个工作日",
            f"{_STEPS_OF}，{_TOOK}，平均",
            percent=-1,
            days_of=f"{STEPS}took:",
        ),
        Figure(
            "step_median",
            "环节用时中位数",
            "个工作日",
            f"{_STEPS_OF}，{_TOOK}，一半不超过它",
            percent=50,
            days_of=f"{STEPS}took:",
        ),
        Figure(
            "step_p90",
            "环节用时九成数",
            "个工作日",
            f"{_STEPS_OF}，{_TOOK}，十分之九不超过它",
            percent=90,
            days_of=f"{STEPS}took:",
        ),
        Figure(
            "step_wait",
            "环节平均等待",
            "个工作日",
            f"{_STEPS_OF}，从上一环节结束到本环节开始，平均",
            percent=-1,
            days_of=f"{STEPS}wait:",
        ),
        Figure("mean_days", "平均用时", "个工作日", f"{_DAYS_OF}，平均", percent=-1),
        Figure("median_days", "用时中位数", "个工作日", f"{_DAYS_OF}，一半办件不超过它", percent=50),
        Figure("p90_days", "用时九成数", "个工作日", f"{_DAYS_OF}，十分之九的办件不超过它", percent=90),
    )
}


class Known(Struct, frozen=True):
    """What a case's additions are grouped by."""

    site: str
    kind: str
    org: str
    item: str
    person: str = ""
    channel: str = ""
    step: str = ""


class Cube(Struct):
    """Counts by the values of `dimensions`, and the whole."""

    dimensions: Sequence[Dimension]
    cells: dict[tuple[str, ...], Counter[str]]
    whole: Counter[str]


def cube(dimensions: Sequence[Dimension]) -> Cube:
    """An empty one. Raises UsageError for the same dimension twice."""
    if len(set(dimensions)) != len(dimensions):
        raise UsageError("同一个维度只能用一次", hint="请换一个维度")
    return Cube(dimensions, defaultdict(Counter), Counter())


def fold(into: Cube, known: Known, additions: Iterable[Added], period: Period) -> None:
    """Add what one case adds within the period; a fault that is spared adds nothing."""
    own = tuple({OWN[one] for one in into.dimensions if one in OWN})
    for added in additions:
        if added.spared or not period.first <= added.day < period.until:
            continue
        into.whole[added.measure] += added.count
        if own and not added.measure.startswith(own):
            continue
        key = tuple(_place(dimension, known, added) for dimension in into.dimensions)
        into.cells[key][added.measure] += added.count


def _place(dimension: Dimension, known: Known, added: Added) -> str:
    if dimension in TIMES:
        return _time(dimension, added.day)
    if OWN.get(dimension) == LIT:
        _, light, what = added.measure.split(":", 2)
        return Light(light).word if dimension is Dimension.LIGHT else _NAMES.get(what, what)
    return str(getattr(known, dimension.value))


_NAMES = {kind.value: kind.word for kind in ClockKind} | {
    rule.id: f"{rule.id} {rule.demand}" for rule in RULES
}


def _time(dimension: Dimension, day: date) -> str:
    if dimension is Dimension.MONTH:
        return f"{day:%Y-%m}"
    return f"{_monday(day)} 起" if dimension is Dimension.WEEK else str(day)


def times(dimension: Dimension, of: Period, last: date) -> list[str]:
    """Every month, week or day of a period up to that of the day `last`, as a table names it."""
    days = (of.first + timedelta(days=number) for number in range((min(of.last, last) - of.first).days + 1))
    return list(dict.fromkeys(_time(dimension, day) for day in days))


def aligned(then: Cube, of: Period, to: Period) -> Cube:
    """The counts of a period as those of another: its n-th month, week or day stands for the n-th of `to`; what is beyond the end
    of `to` is in the whole alone.
    """
    timed = [place for place, dimension in enumerate(then.dimensions) if dimension in TIMES]
    if not timed:
        return then
    moved = Cube(then.dimensions, defaultdict(Counter), then.whole)
    for key, counts in then.cells.items():
        days = [_moved(then.dimensions[place], key[place], of, to) for place in timed]
        if any(day >= to.until for day in days):
            continue
        place = list(key)
        for at, day in zip(timed, days, strict=True):
            place[at] = _time(then.dimensions[at], day)
        moved.cells[tuple(place)].update(counts)
    return moved


def _moved(dimension: Dimension, word: str, of: Period, to: Period) -> date:
    if dimension is Dimension.MONTH:
        year, month = int(word[:4]), int(word[5:])
        later = to.first.year * 12 + to.first.month + year * 12 + month - of.first.year * 12 - of.first.month
        return date((later - 1) // 12, (later - 1) % 12 + 1, 1)
    begun, begins = of.first, to.first
    if dimension is Dimension.WEEK:
        begun, begins = _monday(begun), _monday(begins)
    return begins + (date.fromisoformat(word[:10]) - begun)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def value(figure: Figure, counts: Mapping[str, int]) -> Decimal | None:
    """A figure of a cell; None: it rests on nothing."""
    if figure.percent:
        return days(figure.percent, counts, figure.days_of)
    if figure.part.endswith(":"):
        return Decimal(sum(count for name, count in counts.items() if name.startswith(figure.part)))
    part = Decimal(counts.get(figure.part, 0))
    if figure.cents:
        return (part / 100).quantize(_CENT)
    if not figure.whole:
        return part
    whole = counts.get(figure.whole, 0)
    if not whole:
        return None
    share = (whole - part if figure.left else part) * figure.times / whole
    return share.quantize(_TENTH, ROUND_HALF_UP)


def days(percent: int, counts: Mapping[str, int], of: str = DAYS) -> Decimal | None:
    """Of counts by working days (measures that begin with `of`): the least number that so many cases in a hundred do not exceed (nearest rank); `percent`
    below 0: the mean. None: there are none.
    """
    found = sorted((int(name[len(of) :]), count) for name, count in counts.items() if name.startswith(of))
    number = sum(count for _, count in found)
    if not number:
        return None
    if percent < 0:
        total = sum(day * count for day, count in found)
        return (Decimal(total) / number).quantize(_TENTH, ROUND_HALF_UP)
    rank, seen = -(-number * percent // 100), 0
    for day, count in found:
        seen += count
        if seen >= rank:
            return Decimal(day)
    return None


class Row(Struct, frozen=True):
    """One line of a table: its place, each figure's value, and the same of the period it is compared with."""

    place: tuple[str, ...]
    values: tuple[Decimal | None, ...]
    before: tuple[Decimal | None, ...] = ()


def table(now: Cube, figures: Sequence[Figure], before: Cube | None) -> tuple[list[Row], Row]:
    """(rows, the total): by time as it goes, else the greatest first figure first. `before`: in the same places (`aligned`).

    Raises UsageError where there are more rows than anybody reads.
    """
    if len(now.cells) > MOST_CELLS:
        raise UsageError(
            f"共 {len(now.cells):,} 行，超过 {MOST_CELLS:,} 行", hint="请换粗一些的维度或短一些的期间"
        )

    def of(counts: Mapping[str, int] | None) -> tuple[Decimal | None, ...]:
        return () if counts is None else tuple(value(figure, counts) for figure in figures)

    then = None if before is None else before.cells
    places = sorted(now.cells.keys() | (then.keys() if then is not None else set()))
    empty: Counter[str] = Counter()
    rows = [
        Row(place, of(now.cells.get(place, empty)), of(None if then is None else then.get(place, empty)))
        for place in places
    ]
    if not TIMES & set(now.dimensions):
        rows.sort(key=lambda row: (-(row.values[0] or 0), row.place))
    return rows, Row((), of(now.whole), of(before.whole if before is not None else None))


def change(now: Decimal | None, before: Decimal | None, figure: Figure) -> str:
    """For people: counts change in percent, shares and days by points. Empty: nothing to compare."""
    if now is None or before is None:
        return ""
    moved = now - before
    is_count = not figure.whole and not figure.percent
    if is_count:
        if not before:
            return "新增" if now else "持平"
        moved = (moved * 100 / before).quantize(_TENTH, ROUND_HALF_UP)
    if not moved:
        return "持平"
    unit = "%" if is_count else {"%": " 个百分点", "分": " 分"}.get(figure.unit, " 天")
    return f"{'+' if moved > 0 else '−'}{abs(moved)}{unit}"
