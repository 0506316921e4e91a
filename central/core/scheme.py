"""A score scheme 评分方案: indicators with weights and formulas, penalties, bonuses, grades, peer groups; data in versions. Pure.

supervision.md 3.12. What may be wrong with one is said in words before anybody is scored by it (`checked`).
"""

from decimal import Decimal

from msgspec import Struct

from central.core import formula
from central.core.measure import FAULTS, MEASURES
from common.core.errors import UsageError

NAMES = frozenset(MEASURES)
MOST_ROWS, FULL, LONGEST_WORDS = 40, Decimal(100), 200


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


def checked(scheme: Scheme) -> Scheme:
    """The same scheme. Raises UsageError that names the row and what is wrong with it."""
    rows: list[Indicator | Extra] = [*scheme.indicators, *scheme.penalties, *scheme.bonuses]
    if not scheme.indicators or len(rows) > MOST_ROWS:
        raise UsageError(f"方案要有 1 至 {MOST_ROWS} 行", hint="请增减指标")
    ids = [row.id for row in rows]
    doubled = sorted({name for name in ids if ids.count(name) > 1})
    if doubled:
        raise UsageError(f"编号重复：{'、'.join(doubled)}", hint="每行的编号只能用一次")
    for row in rows:
        _check_row(row)
    weights = sum((one.weight for one in scheme.indicators), Decimal(0))
    if weights != FULL:
        raise UsageError(f"权重之和是 {weights}，应为 {FULL}", hint="请调整各指标的权重")
    _check_figures(scheme)
    return scheme


def _check_row(row: Indicator | Extra) -> None:
    if not row.id.isidentifier() or not row.id.isascii() or not row.name.strip():
        raise UsageError(f"“{row.id}”没有名称，或编号不是字母开头的字母数字", hint="编号例如 statute")
    if not 4 <= len(row.words) <= LONGEST_WORDS:
        raise UsageError(
            f"{row.name} 没有写明算法", hint=f"words 用 4 至 {LONGEST_WORDS} 个字说明，随结果公布"
        )
    bound = row.weight if isinstance(row, Indicator) else row.most
    if not bound.is_finite() or not 0 < bound <= FULL or bound != round(bound, 2):
        raise UsageError(f"{row.name} 的权重或上限是 {bound}", hint="在 0 与 100 之间，至多两位小数")
    try:
        formula.parse(row.formula, NAMES)
    except UsageError as error:
        raise UsageError(f"{row.name}：{error}", hint=error.hint) from error
    if isinstance(row, Indicator) and row.of not in NAMES:
        raise UsageError(f"{row.name} 的基数“{row.of}”不是计数项", hint="计数项见  mingcha score measures")


def _check_figures(scheme: Scheme) -> None:
    known = {one.id for one in scheme.indicators}
    for extra in [*scheme.penalties, *scheme.bonuses]:
        unknown = sorted(set(extra.needs) - known)
        if unknown:
            raise UsageError(f"{extra.name} 以没有的指标为条件：{'、'.join(unknown)}", hint="写指标的编号")
    least = [one.least for one in scheme.grades]
    if not least or least != sorted(set(least), reverse=True) or least[-1] != 0:
        raise UsageError("等次要从高到低，最后一等从 0 分起", hint="例如 优秀 90、良好 80、合格 60、不合格 0")
    if not (0 <= scheme.shrink <= 1000 and 1 <= scheme.min_cases <= 1000 and 0 < scheme.most <= 200):
        raise UsageError("收缩、最少件数或满分不在范围内", hint="0–1000、1–1000、0–200")
    if any(not 1 <= one.min_of <= 1000 for one in scheme.indicators):
        raise UsageError("指标的最少基数不在 1 至 1000", hint="通常为 5")


def faults_of(row: Indicator | Extra) -> list[str]:
    """The faults that its formula reads: their cases are named beside it."""
    return sorted(formula.names_of(formula.parse(row.formula, NAMES)) & FAULTS)


def difference(old: Scheme, new: Scheme) -> list[tuple[str, str, str]]:
    """(what, before, after) for people; empty: they score alike."""
    before, after = _spelt(old), _spelt(new)
    return [
        (name, before.get(name, "–"), after.get(name, "–"))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _spelt(scheme: Scheme) -> dict[str, str]:
    said = {
        "名称": scheme.name,
        "收缩": f"{scheme.shrink} 件",
        "参与排名": f"至少 {scheme.min_cases} 件",
        "满分": f"{scheme.most}",
        "等次": "、".join(f"{one.name} ≥ {one.least}" for one in scheme.grades),
        "同类": "、".join(f"{kind}={name}" for kind, name in sorted(scheme.groups.items())),
    }
    for row in scheme.indicators:
        said[row.name] = f"权重 {row.weight}；{row.formula}；基数 {row.of} 至少 {row.min_of}；{row.words}"
    for sign, extras in (("扣分", scheme.penalties), ("加分", scheme.bonuses)):
        for extra in extras:
            needs = "、".join(f"{name} ≥ {least}" for name, least in sorted(extra.needs.items()))
            said[f"{sign} {extra.name}"] = f"{extra.formula}，至多 {extra.most}；{needs}；{extra.words}"
    return said


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
                  "40 * (1 - rate(disordered, decided)) ^ 3 + 30 * (1 - rate(entered_late, decided))"
                  " + 30 * (1 - rate(incomplete, decided))", "decided",
                  "没有时间矛盾 40 分（三次方），没有补录 30 分，要素齐全 30 分"),
        Indicator("rating", "满意度", _d("12"), "rate(rating_points, rating_of, 30)", "rating_of",
                  "五级评价的平均分，向全市平均收缩 30 份"),
        Indicator("complaint", "投诉与差评整改", _d("8"), "100 * rate(complaint_kept, complaint_of)", "complaint_of",
                  "按期整改并回访的比率 × 100"),
        Indicator("correction", "纠错响应", _d("6"), "100 * (1 - rate(correction_slow, correction_of))",
                  "correction_of", "按期说明理由和整改的比率 × 100"),
    ],
    penalties=[Extra("sanction", "责任追究", "10 * sanction", _d("50"), "每件责任追究扣 10 分，至多 50 分")],
    bonuses=[
        Extra("early", "提前办结", "clamp(6 * (share(early, decided) - 0.5), 0, 3)", _d("3"),
              "半数以上的办件用时不超过承诺的一半，超出部分每百分之一加 0.06 分；数据项须达到 90 分",
              {"data": _d("90")}),
    ],
    grades=[Grade("优秀", _d("90")), Grade("良好", _d("80")), Grade("合格", _d("60")), Grade("不合格", _d("0"))],
    groups={"township": "乡镇", "street": "街道", "branch": "分厅"},
)  # fmt: skip
"""The default (supervision.md 3.12). Weights and cut-offs are ours, for the city to settle."""
