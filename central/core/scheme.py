"""A score scheme 评分方案: indicators with weights and formulas, penalties, bonuses, grades, peer groups; data in versions. Pure.

supervision.md 3.12. What may be wrong with one is said in words before anybody is scored by it (`checked`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from central.core import formula
from central.core.measure import MEASURES, NAMED
from common.core.errors import UsageError

NAMES = frozenset(name for name, one in MEASURES.items() if not one.hint)
"""What a formula may read: a mere suspicion is scored by nobody."""
CASES = "cases"
"""Beside the measures, how many cases a unit has in the period at all."""
FEWEST = 5
"""Of fewer cases nothing is told to anybody outside: they would name somebody."""
MOST_DIGITS, MOST_PLACES = 12, 6
MOST_ROWS, FULL, LONGEST_WORDS, LONGEST_NAME, MOST_LEAST = 40, Decimal(100), 200, 30, 1000
_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")


class Indicator(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the score: `formula` gives 0 to 100 (held there), `of` is the count it rests on."""

    id: str
    name: str
    weight: Decimal
    formula: str
    of: str
    words: str
    """How it is computed, for everybody."""
    min_of: int = 5
    """Below it the indicator does not apply: so few cases tell of chance, and would name somebody once published."""


class Extra(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Points taken off (penalty) or added (bonus), at most `most`. `needs`: indicator -> the least it must have reached."""

    id: str
    name: str
    formula: str
    most: Decimal
    words: str
    needs: dict[str, Decimal] = {}


Row = Indicator | Extra


class Grade(Struct, frozen=True, forbid_unknown_fields=True):
    """From `least` points on."""

    name: str
    least: Decimal


class Scheme(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One version. `groups`: kind of site -> the peers it is ranked among; a kind without a group has its own."""

    name: str
    version: int = 1
    indicators: list[Indicator]
    penalties: list[Extra] = []
    bonuses: list[Extra] = []
    grades: list[Grade]
    groups: dict[str, str] = {}
    shrink: Decimal = Decimal(10)
    """How many cases of the city's rate are mixed into each unit's."""
    min_cases: int = 5
    """Units with fewer are shown and not ranked."""
    most: Decimal = Decimal(105)
    since: str = ""
    """YYYY-MM: periods that begin from this month on are scored by it; empty: from the first one on."""


class Fault(Struct, frozen=True):
    """What is wrong, and where: `indicators-0-formula` is a field of the first indicator, `shrink` one of the scheme."""

    field: str
    said: str
    hint: str


def checked(scheme: Scheme) -> Scheme:
    """The same scheme. Raises UsageError that names the row and what is wrong with it."""
    for fault in faults(scheme):
        raise UsageError(fault.said, hint=fault.hint)
    return scheme


def faults(scheme: Scheme) -> list[Fault]:
    """Everything that is wrong with it, in the order of its rows; none: it may be scored by."""
    placed = _placed(scheme)
    found = list(_number_faults(scheme))
    if found:
        return found  # what follows compares them
    if not scheme.indicators or len(placed) > MOST_ROWS:
        found.append(Fault("indicators", f"方案要有 1 至 {MOST_ROWS} 行", "请增减指标"))
    ids = [row.id for _, row in placed]
    for place, row in placed:
        if ids.count(row.id) > 1:
            found.append(Fault(f"{place}-id", f"编号重复：{row.id}", "每行的编号只能用一次"))
        found += _row_faults(place, row)
    weights = [one.weight for one in scheme.indicators]
    if weights and sum(weights) != FULL:
        said = f"权重之和是 {sum(weights)}，应为 {FULL}"
        found.append(Fault("weights", said, "请调整各指标的权重"))
    return [*found, *_extra_faults(scheme), *_figure_faults(scheme)]


def _placed(scheme: Scheme) -> list[tuple[str, Row]]:
    parts: list[tuple[str, Sequence[Row]]] = [
        ("indicators", scheme.indicators), ("penalties", scheme.penalties), ("bonuses", scheme.bonuses),
    ]  # fmt: skip
    return [(f"{name}-{number}", row) for name, rows in parts for number, row in enumerate(rows)]


def _number_faults(scheme: Scheme) -> Iterator[Fault]:
    """Numbers that cannot be compared (NaN), or would be written out in millions of digits (1E+9999999)."""
    written = [("shrink", "收缩", scheme.shrink), ("most", "满分", scheme.most)]
    written += [
        (f"grades-{number}-least", f"{one.name} 的起分", one.least)
        for number, one in enumerate(scheme.grades)
    ]
    for place, row in _placed(scheme):
        if isinstance(row, Indicator):
            written.append((f"{place}-weight", f"{row.name} 的权重或上限", row.weight))
            continue
        written.append((f"{place}-most", f"{row.name} 的权重或上限", row.most))
        written += [
            (f"{place}-needs", f"{row.name} 的条件 {name} ", least) for name, least in row.needs.items()
        ]
    for field, said, value in written:
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int) or abs(exponent) > MOST_PLACES or len(digits) > MOST_DIGITS:
            yield Fault(field, f"{said}是 {str(value)[:40]}", f"写成数字，至多 {MOST_PLACES} 位小数")


def _row_faults(place: str, row: Row) -> Iterator[Fault]:
    if not row.id.isidentifier() or not row.id.isascii():
        yield Fault(f"{place}-id", f"“{row.id}”不能作编号：要以字母开头，只用字母数字", "编号例如 statute")
    if not row.name.strip() or len(row.name) > LONGEST_NAME:
        yield Fault(f"{place}-name", f"“{row.id}”没有名称，或名称太长", f"1 至 {LONGEST_NAME} 个字")
    if not 4 <= len(row.words) <= LONGEST_WORDS:
        hint = f"用 4 至 {LONGEST_WORDS} 个字说明，随结果公布"
        yield Fault(f"{place}-words", f"{row.name} 没有写明算法", hint)
    is_part = isinstance(row, Indicator)
    bound = row.weight if isinstance(row, Indicator) else row.most
    if not 0 < bound <= FULL or bound != round(bound, 2):
        field = "weight" if is_part else "most"
        yield Fault(
            f"{place}-{field}", f"{row.name} 的权重或上限是 {bound}", "在 0 与 100 之间，至多两位小数"
        )
    try:
        formula.parse(row.formula, NAMES)
    except UsageError as error:
        yield Fault(f"{place}-formula", f"{row.name}：{error}", error.hint)
    if isinstance(row, Indicator):
        if row.of not in NAMES:
            yield Fault(
                f"{place}-of", f"{row.name} 的基数“{row.of}”不是计数项", "计数项见  mingcha score measures"
            )
        if not 1 <= row.min_of <= MOST_LEAST:
            yield Fault(f"{place}-min_of", f"{row.name} 的最少基数不在 1 至 {MOST_LEAST}", "通常为 5")


def _extra_faults(scheme: Scheme) -> Iterator[Fault]:
    known = {one.id for one in scheme.indicators}
    for place, row in _placed(scheme):
        unknown = sorted(set(row.needs) - known) if isinstance(row, Extra) else []
        if unknown:
            said = f"{row.name} 以没有的指标为条件：{'、'.join(unknown)}"
            yield Fault(f"{place}-needs", said, "写指标的编号")


def _figure_faults(scheme: Scheme) -> Iterator[Fault]:
    least = [one.least for one in scheme.grades]
    if not least or least != sorted(set(least), reverse=True) or least[-1] != 0:
        yield Fault(
            "grades",
            "等次要从高到低，最后一等从 0 分起",
            "例如 优秀 90、良好 80、合格 60、不合格 0",
        )
    names = [one.name.strip() for one in scheme.grades]
    if not all(0 < len(name) <= LONGEST_NAME for name in names) or len(set(names)) != len(names):
        yield Fault("grades", "每一等要有自己的名称", f"1 至 {LONGEST_NAME} 个字，各不相同")
    if any(len(name) > LONGEST_NAME for name in scheme.groups.values()):
        yield Fault("groups", "同类的名称太长", f"至多 {LONGEST_NAME} 个字")
    if not scheme.name.strip() or len(scheme.name) > LONGEST_NAME:
        yield Fault("name", "方案没有名称，或名称太长", f"1 至 {LONGEST_NAME} 个字")
    if not 0 <= scheme.shrink <= MOST_LEAST:
        yield Fault("shrink", f"收缩 {scheme.shrink} 不在范围内", f"0 至 {MOST_LEAST} 件")
    if not 1 <= scheme.min_cases <= MOST_LEAST:
        yield Fault("min_cases", f"最少件数 {scheme.min_cases} 不在范围内", f"1 至 {MOST_LEAST} 件")
    if not 0 < scheme.most <= 2 * FULL:
        yield Fault("most", f"满分 {scheme.most} 不在范围内", f"大于 0，至多 {2 * FULL}")
    if scheme.since and not _MONTH.fullmatch(scheme.since):
        yield Fault("since", f"看不懂生效月份“{scheme.since}”", "写成 2026-08")


def faults_of(row: Row) -> list[str]:
    """What takes points off in its formula: the cases of it are named beside it."""
    read = formula.names_of(formula.parse(row.formula, NAMES))
    return sorted((read | ({"rating_bad"} if "rating_points" in read else set())) & NAMED)


def city_of(row: Row, sites: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The city as a row's rates are drawn to it, of the counts of its sites: without those to which the row does not apply. So
    whoever takes the sites off the city is left with nothing, and the published counts of the sites are all that is needed.
    """
    found: Counter[str] = Counter()
    for counts in sites:
        is_enough = not isinstance(row, Indicator) or counts.get(row.of, 0) >= row.min_of
        if is_enough and counts.get(CASES, 0) >= FEWEST:
            found.update(counts)
    return found


class Change(Struct, frozen=True):
    """One field of one row; `before` or `after` empty: it was not there, or is no more. `moved`: by how much, with its sign."""

    row: str
    field: str
    before: str
    after: str
    moved: str = ""

    @property
    def words(self) -> str:
        """One sentence."""
        what = f"{self.row}的{self.field}"
        if not self.before:
            return f"{what}：新写为“{self.after}”"
        if not self.after:
            return f"{what}：删去“{self.before}”"
        by = f"（{self.moved}）" if self.moved else ""
        return f"{what}：由“{self.before}”改为“{self.after}”{by}"


def difference(old: Scheme, new: Scheme) -> list[Change]:
    """What scores otherwise, field by field; none: they score alike. The month from which a scheme holds is none of it."""
    before, after = _spelt(old), _spelt(new)
    found = []
    for place in {**before, **after}:
        (row, was), (name, now) = before.get(place, ("", "")), after.get(place, ("", ""))
        if was != now:
            found.append(Change(name or row, place[1], was, now, _moved(was, now)))
    return found


def plain(value: Decimal) -> str:
    """As people write it: no exponent, no zeros at the end."""
    return f"{value.normalize():f}"


def _moved(before: str, after: str) -> str:
    try:
        by = Decimal(after) - Decimal(before)
    except InvalidOperation:
        return ""
    return f"{'+' if by > 0 else '−'}{abs(by)}" if by.is_finite() else ""


def _spelt(scheme: Scheme) -> dict[tuple[str, str], tuple[str, str]]:
    """(id of the row, field) -> (the row's name, what the field says)."""
    whole = {
        "名称": scheme.name,
        "收缩件数": plain(scheme.shrink),
        "参与排名的最少件数": str(scheme.min_cases),
        "最高分": plain(scheme.most),
    }
    whole |= {f"等次“{one.name}”起分": plain(one.least) for one in scheme.grades}
    whole |= {f"“{kind}”类站点的同类": name for kind, name in sorted(scheme.groups.items())}
    said = {("", field): ("方案", text) for field, text in whole.items()}
    for row in scheme.indicators:
        fields = {"权重": plain(row.weight), "公式": row.formula, "基数": row.of, "最少基数": str(row.min_of)}
        said |= _fields(f"指标|{row.id}", row, fields)
    for sign, extras in (("扣分", scheme.penalties), ("加分", scheme.bonuses)):
        for extra in extras:
            needs = "、".join(f"{name} ≥ {plain(least)}" for name, least in sorted(extra.needs.items()))
            fields = {"公式": extra.formula, "上限": plain(extra.most), "条件": needs}
            said |= _fields(f"{sign}|{extra.id}", extra, fields)
    return said


def _fields(place: str, row: Row, fields: dict[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
    title = f"{place.partition('|')[0]} {row.name}"
    every = {"名称": row.name, **fields, "算法说明": row.words}
    return {(place, field): (title, text) for field, text in every.items()}


def _d(text: str) -> Decimal:
    return Decimal(text)


MINGCHA_100 = Scheme(
    name="明察-100",
    indicators=[
        Indicator("statute", "法定时限合规", _d("14"), "100 * (1 - rate(statute_late, statute_of)) ^ 3", "statute_of",
                  "法定超时的比率越高扣得越快：100 ×（1 − 比率）的三次方"),
        Indicator("promise", "承诺时限合规", _d("10"), "100 * (1 - rate(promise_late, promise_of))", "promise_of",
                  "在承诺时限内办结的比率 × 100"),
        Indicator("apply", "受理与一次性告知", _d("10"), "100 * (1 - rate(apply_fault, filed))", "filed",
                  "受理、不予受理和一次性告知合规的比率 × 100"),
        Indicator("route", "流程规范", _d("10"), "100 * (1 - rate(route_fault, route_of))", "route_of",
                  "按规定程序办理的比率 × 100；程序问题经人核实才计"),
        Indicator("fee", "收费合规", _d("8"),
                  "min(100 * (1 - rate(fee_fault, fee_of)), 100 - 40 * min(1, fee_fault))", "fee_of",
                  "按公布标准收费的比率 × 100；有一件收费不符，至多 60 分"),
        Indicator("publicity", "政务公开", _d("8"), "100 * (1 - rate(open_fault, item_of))", "item_of",
                  "事项公示齐全、结果按期公开的办件的比率 × 100"),
        Indicator("data", "数据真实完整及时", _d("14"),
                  "25 * (1 - rate(disordered, decided)) ^ 3 + 25 * (1 - rate(entered_late, decided))"
                  " + 25 * (1 - rate(incomplete, decided)) + 25 * max(0, 1 - rate(unentered, decided))", "decided",
                  "四部分各 25 分：没有时间矛盾（三次方）、没有补录、要素齐全、叫号与收费都对得上办件"),
        Indicator("rating", "满意度", _d("12"), "rate(rating_points, rating_of, 30)", "rating_of",
                  "五级评价的平均分，向全市平均收缩 30 份"),
        Indicator("complaint", "投诉与差评整改", _d("8"), "100 * (1 - rate(complaint_slow, complaint_of))", "complaint_of",
                  "投诉与差评按期报整改结果的比率 × 100"),
        Indicator("correction", "纠错响应", _d("6"), "100 * (1 - rate(correction_slow, correction_of))",
                  "correction_of", "按期说明理由和整改的比率 × 100"),
    ],
    penalties=[
        Extra("sanction", "责任追究", "10 * sanction", _d("50"), "每件责任追究扣 10 分，至多 50 分"),
        Extra("yellow_row", "连续三黄", "yellow_row", _d("5"),
              "同一部门同一责任人当月接连办结的三件都亮过黄灯，每次扣 1 分，至多 5 分"),
        Extra("concealed", "隐瞒办件", "5 * (concealed + clue)", _d("20"),
              "有叫号或收费，或者编号空缺、投诉所指，而没有录入系统的办件，经人核实，每件扣 5 分，至多 20 分"),
    ],
    bonuses=[
        Extra("early", "提前办结", "clamp(6 * (share(early, decided) - 0.5), 0, 3) * (1 - min(1, reopened))", _d("3"),
              "半数以上的办件用时不超过承诺的一半，超出部分每百分之一加 0.06 分；数据项须达到 90 分，"
              "并且没有办件在办结后 30 天内重开",
              {"data": _d("90")}),
    ],
    grades=[Grade("优秀", _d("90")), Grade("良好", _d("80")), Grade("合格", _d("60")), Grade("不合格", _d("0"))],
    groups={"township": "乡镇", "street": "街道", "branch": "分厅"},
)  # fmt: skip
"""The default (supervision.md 3.12). Weights and cut-offs are ours, for the city to settle."""
