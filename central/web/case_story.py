"""The story of a case for people: facts, steps with the limits between them, changes of lights, source rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Row

from central.core import wording
from central.core.case import CaseState
from central.core.hall import Facts
from central.core.judgement import WithdrawalState
from central.core.limit import CYCLED, called
from common.core.instant import parse_when
from common.core.record import Step
from common.core.state import CaseStatus, Light


class Event(Struct, frozen=True, kw_only=True):
    """One entry of the timeline: a step of the office, or a limit that lies between two steps."""

    light: Light = Light.NONE  # of a limit; a step has none
    lit: bool = False  # the clock did show that light: a limit that has merely passed accuses nobody
    name: str
    kind: str = ""
    when: str = ""
    org: str = ""
    actor: str = ""
    text: str = ""
    beyond: bool = False  # begun after the earliest limit


def terms(state: CaseState, row: Row[Any], facts: Facts) -> list[tuple[str, str]]:
    """Term and text; what the source does not record is said to be missing. Never a telephone number."""
    said = state.facts
    times = (
        ("收件", said.received_at),
        ("受理", said.accepted_at),
        ("所载应办结", said.deadline),
        ("办结", said.finished_at),
    )
    return [
        ("承办单位", said.org or row.org or "未记录"),
        ("责任人", said.responsible or row.responsible or "未记录"),
        *((name, wording.stated(text, facts.zone, facts.now_at)) for name, text in times if text),
        ("状态", CaseStatus(row.status).word if row.status else "未记录"),
        *([("结果", wording.redact(said.outcome or row.outcome, said.applicant))] if row.outcome else []),
    ]


def events(state: CaseState, clocks: Sequence[Row[Any]], filings: int, facts: Facts) -> list[Event]:
    """The steps in their order, each limit before the first step that begins after it. That a limit of an earlier filing has
    passed says nothing of the steps of the newest of `filings`.
    """
    marks = _marks(clocks, filings)
    own = _marks([one for one in clocks if one.kind not in CYCLED or one.cycle == filings], filings)
    first_due = min((at for at, light, _, _ in own if light is Light.RED), default=None)
    told: list[Event] = []
    for step in state.steps:
        began = _began(step, facts)
        while marks and began is not None and marks[0][0] < began:
            told.append(_mark(*marks.pop(0), facts))
        beyond = first_due is not None and began is not None and began > first_due
        told.append(_step(step, state.facts.applicant, facts, beyond=beyond))
    return told + [_mark(*mark, facts) for mark in marks]


def _marks(clocks: Sequence[Row[Any]], filings: int) -> list[tuple[int, Light, bool, str]]:
    """(instant, light it may bring, whether the clock shows it, words); none while a clock stands still."""
    found = []
    for clock in clocks:
        name, light = called(clock.kind, clock.cycle, filings), Light(clock.light)
        if (clock.running or clock.stopped) and clock.due_at and clock.yellow_at:
            is_red = light is Light.RED
            found.append((clock.yellow_at, Light.YELLOW, is_red or light is Light.YELLOW, f"{name}临近"))
            found.append((clock.due_at, Light.RED, is_red, f"{name}到期"))
    return sorted(found)


def _began(step: Step, facts: Facts) -> int | None:
    text = step.started_at or step.finished_at
    return parse_when(text, facts.zone) if text else None


def _mark(at: int, light: Light, lit: bool, name: str, facts: Facts) -> Event:
    say = wording.deadline if light is Light.RED else wording.full
    when = say(at, facts.zone, facts.now_at)
    return Event(light=light, lit=lit, name=name, when=when, text="尚未到" if at > facts.now_at else "")


def _step(step: Step, applicant: str | None, facts: Facts, *, beyond: bool) -> Event:
    return Event(
        name=wording.redact(step.step_name, applicant) or step.kind.word,
        kind=step.kind.word if step.step_name and step.kind.word not in step.step_name else "",
        when=_when(step, facts),
        org=step.org or "",
        actor=step.actor or "",
        text=_details(step, wording.redact(step.opinion, applicant), facts),
        beyond=beyond,
    )


def _details(step: Step, opinion: str, facts: Facts) -> str:
    told, dated = (wording.stated(text, facts.zone, facts.now_at) for text in (step.notified_at, step.doc_at))
    parts = (
        step.procedure.word if step.procedure else "",
        f"{step.days} 个工作日" if step.days is not None else "",
        f"{told} 告知申请人" if told else "",
        f"{step.staff} 人" if step.staff is not None else "",
        f"文号 {step.doc_no}" if step.doc_no else "",
        f"落款 {dated}" if dated else "",
        f"{step.amount} 元" if step.amount else "",
        opinion,
    )
    return "，".join(part for part in parts if part)


def _when(step: Step, facts: Facts) -> str:
    """`6月4日 周四 08:58 至 09:08`; `… 起` while it lasts."""
    began, ended = (
        wording.stated(text, facts.zone, facts.now_at) for text in (step.started_at, step.finished_at)
    )
    if not began or not ended or began == ended:
        return ended or (f"{began} 起" if began else "未记录时间")
    same_day = began.rpartition(" ")[0] == ended.rpartition(" ")[0]
    return f"{began} 至 {ended.rpartition(' ')[2] if same_day else ended}"


def transition(
    row: Row[Any], withdrawals: Mapping[tuple[str, str, int], Row[Any]], filings: int, facts: Facts
) -> dict[str, object]:
    """A change of a light: from when it holds, when the hall found it, and what became of a red one."""
    given = withdrawals.get((row.case_key, row.clock, row.cycle)) if row.after == Light.RED else None
    return {
        "withdrawal": "" if given is None else _withdrawn(given),
        "clock": called(row.clock, row.cycle, filings),
        "before": Light(row.before),
        "after": Light(row.after),
        "since": wording.full(row.since_at, facts.zone, facts.now_at),
        "judged": wording.full(row.judged_at, facts.zone, facts.now_at),
        "late": bool(row.late),
        "why": row.why,
    }


def _withdrawn(row: Row[Any]) -> str:
    said = f"撤销提议（{WithdrawalState(row.state).word}）：现在的数据 {row.reason}"
    return said if row.decided_by is None else f"{said}；{row.decided_by}：{row.decided_why}"


def version(row: Row[Any], facts: Facts) -> dict[str, object]:
    """A row of the site's database: when it was first seen, how often it changed since."""
    return {
        "table": "办件" if row.kind == "case" else "环节",
        "key": row.key,
        "first": wording.full(row.first_seen_at, facts.zone, facts.now_at),
        "last": wording.full(row.cap_at, facts.zone, facts.now_at),
        "versions": row.versions,
        "deleted": bool(row.deleted),
    }
