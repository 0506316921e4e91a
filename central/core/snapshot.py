"""What a correction rests on 证据快照: the light and its case as they were known when it was raised, frozen with their hash.

A document of the correction takes from here what does not change (rule, article, limit, the days that were counted) and
from the day of its issue what does (whether the case is decided, until when to answer).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from central.core.articles import RULES
from central.core.chart import Day
from central.core.compose import Counted, Facts, said
from central.core.document import Kind, Table
from common.core.state import ClockKind

APPEAL_DAYS = 3
"""Working days from service in which a document may be contested (supervision.md 3.3)."""
WHOLE = frozenset({ClockKind.PROMISE, ClockKind.STATUTE, ClockKind.STATED})
"""Clocks that run from acceptance to the decision: of these alone a document tells acceptance, limit and last day."""
_RULES = {
    ClockKind.PROMISE: "L42-P",
    ClockKind.STATED: "L42-P",  # what the office has written down itself is its promise
    ClockKind.STATUTE: "L42-1",
    ClockKind.SUPPLEMENT: "L32-3a",
    ClockKind.DELIVERY: "L44",
    ClockKind.PROCEDURE: "L45-2",
    ClockKind.STEP: "S-4",
    ClockKind.ACCEPTANCE: "L32-4",
    ClockKind.HEARING: "L47",
    ClockKind.EXPLANATION: "L30-2",
    ClockKind.RENEWAL: "L50",
}
_LIABLE = {
    "L30": "行政许可法 72",
    "L32": "行政许可法 72",
    "L38": "行政许可法 72",
    "L58": "行政许可法 75",
    "L": "行政许可法 74",
}
"""Beginning of a rule's id -> the article on liability that its document names; ours, for the lawyer."""
_BUREAU = "电子监察规则"
_PROMISE, _LAW = "该事项公布的办理承诺", "行政许可法"
_WORKDAY = "计入"


class Snapshot(Struct, frozen=True, kw_only=True):
    """Names of offices, figures and days; nobody's name or number. Instants are microseconds of office time."""

    site_name: str
    unit: str  # to whom the documents go
    item: str
    case_no: str | None
    subject: str  # kind of the clock, or id of the rule
    is_red: bool
    matter: str
    rule: str
    rule_version: int
    articles: tuple[str, ...]
    demand: str
    liability: tuple[str, ...]
    calendar_version: int
    received: date | None = None
    accepted: date | None = None
    budget: str | None = None
    due: date | None = None
    days: tuple[Counted, ...] = ()
    state: str = ""
    why: str = ""
    since_at: int = 0
    judged_at: int = 0
    is_late: bool = False
    last: date | None = None  # of the clock, whichever it is: messages name it, documents only `due`


def encoded(one: Snapshot) -> bytes:
    """The same bytes for the same facts, for ever."""
    return msgspec.json.encode(one, order="deterministic")


def decoded(raw: bytes) -> Snapshot:
    return msgspec.json.decode(raw, type=Snapshot)


def digest(raw: bytes) -> bytes:
    """SHA-256 of an encoded snapshot: what the chain of the correction's events begins with."""
    return sha256(raw).digest()


def is_graver(new: Snapshot, old: Snapshot) -> bool:
    """Over the law's limit is more than over the office's own: what documents speak of from then on."""
    return new.subject == ClockKind.STATUTE and old.subject in {ClockKind.PROMISE, ClockKind.STATED}


def is_past(finished_at: int | None, contact_at: int | None) -> bool:
    """Whether a case was over (its end, exclusive, office time) before its site's box first looked, at `contact_at`."""
    return finished_at is not None and contact_at is not None and finished_at <= contact_at


def rule_of(subject: str) -> tuple[str, tuple[str, ...], str]:
    """Kind of a clock or id of a rule -> id, articles and demand of the rule it stands for."""
    name = _RULES[ClockKind(subject)] if subject in set(ClockKind) else subject
    rule = next((one for one in RULES if one.id == name), None)
    if rule is None:
        return name, (_BUREAU,), "依法办理"
    if rule.article == "承诺":
        return name, (_PROMISE,), rule.demand
    is_law = rule.article.startswith(_LAW)  # else the rule's own word, which nobody can be held to
    return name, (rule.article if is_law else _BUREAU,), rule.demand


def clocks_of(rule: str) -> tuple[ClockKind, ...]:
    """The kinds of clocks that keep a rule; none: its answers are kept with the case, whatever clock warns of it."""
    kept = {one.id for one in RULES if one.kept_elsewhere}
    return tuple(kind for kind, name in _RULES.items() if name == rule and name in kept)


def liability_of(rule: str) -> tuple[str, ...]:
    found = next((article for start, article in _LIABLE.items() if rule.startswith(start)), _BUREAU)
    return (found,)


def matter_of(subject: str, *, is_red: bool) -> str:
    """What is held against the unit, as a noun."""
    if subject in set(ClockKind):
        kind = ClockKind(subject)
        return f"{'超过' if is_red else '临近'}{kind.word}{'办理' if is_red and kind in WHOLE else ''}"
    return f"未做到“{rule_of(subject)[2]}”"


def runs(days: Sequence[Day]) -> tuple[Counted, ...]:
    """Days of a limit -> runs of days that count, or do not, for one reason."""
    found = []
    for why, group in groupby(days, lambda day: day.why):
        run = list(group)
        found.append(
            Counted(run[0].day, run[-1].day, 0 if why else len(run), _WORKDAY if not why else f"{why}不计")
        )
    return tuple(found)


class Asked(Struct, frozen=True, kw_only=True):
    """What a document says beside the snapshot, as of its issue: how the case stands, until when to answer, people's words."""

    as_of: datetime  # local time of the legal zone
    state: str
    answer_by: date | None = None
    earlier: str | None = None
    reason: str | None = None
    result: str | None = None
    measures: tuple[str, ...] = ()
    mark: str = ""  # that nobody has examined the rules it rests on


def ruled(version: int, mark: str) -> str:
    """The version of the rules, as a document names it."""
    return f"规则第 {version} 版" + (f"（{mark}）" if mark else "")


def facts(one: Snapshot, kind: Kind, asked: Asked) -> Facts:
    """The facts of a document of `kind`; what its form does not speak of does no harm."""
    is_circular = kind is Kind.CIRCULAR
    told = one.accepted is not None and one.budget is not None and one.due is not None
    return Facts(
        addressee=one.unit,
        as_of=asked.as_of,
        item=one.item,
        case_no=one.case_no or "未编号",
        received=one.received,
        accepted=one.accepted if told else None,
        budget=one.budget if told else None,
        due=one.due if told else None,
        state=asked.state,
        matter=one.matter,
        articles=one.articles,
        demand=one.demand,
        rule=one.rule,
        rule_version=ruled(one.rule_version, asked.mark),
        calendar_version=one.calendar_version,
        liability=one.liability,
        answer_by=asked.answer_by,
        appeal_days=APPEAL_DAYS,
        earlier=asked.earlier,
        reason=asked.reason,
        result=asked.result,
        measures=asked.measures,
        period=f"{asked.as_of.year}年{asked.as_of.month}月" if is_circular else None,
        figures=_figures(one, asked) if is_circular else None,
        days=() if is_circular else one.days,
    )


def together(ones: Sequence[tuple[Snapshot, str]], asked: Asked) -> Facts:
    """The facts of one order about several cases of a unit, each with how it stands now; at least two."""
    first = ones[0][0]
    matters = {one.matter for one, _ in ones}
    rows = tuple(
        (one.item, one.case_no or "未编号", _day(one.due), f"{one.matter}，{state}", one.rule)
        for one, state in ones
    )
    return replace(
        facts(first, Kind.ORDER, asked),
        item=f"{first.item}等{len(ones)}件办件",
        case_no=None,
        received=None,
        accepted=None,
        budget=None,
        due=None,
        state=None,
        days=(),
        matter=first.matter if len(matters) == 1 else "存在问题",
        articles=_each(article for one, _ in ones for article in one.articles),
        rule="、".join(_each(one.rule for one, _ in ones)),
        liability=_each(article for one, _ in ones for article in one.liability),
        figures=Table(("事项", "受理编号", "应办结", "问题", "规则"), rows, (7, 7, 6, 8, 4)),
    )


def _day(due: date | None) -> str:
    return said(due) if due is not None else "–"


def _each(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _figures(one: Snapshot, asked: Asked) -> Table:
    row = (one.unit, one.item, one.case_no or "未编号", one.matter, asked.state)
    return Table(("单位", "事项", "受理编号", "问题", "办理状态"), (row,), (6, 6, 5, 5, 5))


def state_words(finished: date | None, *, is_open: bool, was_over: date | None = None) -> str:
    """How a case stands, as a document says it. `was_over`: when it had ended before it opened again; `date.min`: unknown."""
    if is_open and was_over is not None:
        ended = f"已于{said(was_over)}办结" if was_over != date.min else "曾经办结"
        return f"{ended}，其后重新申请或者重新打开，现未办结"
    if is_open:
        return "仍未办结"
    return f"已于{said(finished)}办结" if finished is not None else "已经结束"
