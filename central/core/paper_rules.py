"""Rules on what was given in writing and by whom it was decided: receipts, licences, materials asked for twice (supervision.md 3.1)."""

from collections.abc import Sequence
from datetime import date

from central.core import acts
from central.core.asked_rules import lines, plain
from central.core.case import is_denied
from central.core.item import ItemKind
from central.core.ruling import Rule, Said, Subject, kept, missing, red, yellow
from common.core.record import Step
from common.core.state import CaseStatus, StepKind


def _receipt(subject: Subject) -> Said | None:
    """Acceptance and refusal are confirmed by a written, dated receipt (行政许可法 32, last paragraph).

    Its date is that of the act; where several days of the act are stated, any of them.
    """
    case, facts = subject.case, subject.case.facts
    refused = facts.finished_at if facts.status is CaseStatus.REFUSED_ACCEPTANCE else None
    found = [
        *((step, case.accepted, "受理") for step in acts.of_kind(case, StepKind.ACCEPT)),
        *((step, refused, "不予受理") for step in acts.of_kind(case, StepKind.REFUSE)),
    ]
    said = [_confirmed(step, stated, word, subject) for step, stated, word in found]
    broken = (one for one in said if one.light.rank > 0)
    return next(broken, said[0] if said else None)


def _confirmed(step: Step, stated: str | None, word: str, subject: Subject) -> Said:
    if step.doc_no is None:
        return missing(f"{word}通知书的文号")
    dated = subject.day(step.doc_at)
    days = _days(subject, stated, step.started_at, step.finished_at, step.notified_at)
    if dated is None or not days:
        return kept(f"{word}文书 {step.doc_no}，未记录落款日期")
    if dated not in days:
        return red(f"{word}文书 {step.doc_no} 落款 {dated}，{word}在 {days[0]}")
    return kept(f"{word}文书 {step.doc_no}，落款 {dated}")


def _days(subject: Subject, *texts: str | None) -> list[date]:
    return [day for text in texts if (day := subject.day(text)) is not None]


def _asked_again(subject: Subject) -> Said | None:
    """The higher organ asks for nothing that was handed in at the lower one (行政许可法 35)."""
    item = subject.item
    if item is None or item.kind is not ItemKind.PRELIMINARY:
        return None
    forwarded = subject.day(acts.first_of(subject.case, StepKind.FORWARD, subject.zone))
    if forwarded is None:
        return missing("上报的时间")
    notices = [
        step
        for step in acts.of_kind(subject.case, StepKind.SUPPLEMENT)
        if (day := subject.day(step.notified_at or acts.ended(step))) is not None and day > forwarded
    ]
    if not notices:
        return kept("上报之后没有再要材料")
    asked = list(lines(notices))
    if not asked:
        return missing("上报之后所要的材料")
    if not item.materials:
        return missing("事项的材料目录")
    listed = [plain(name) for name in item.materials]
    again = [line for line in asked if any(name in plain(line) for name in listed)]
    return (
        yellow(f"{forwarded} 上报，之后又要已经交过的：{'、'.join(again)}")
        if again
        else kept("上报之后所要的都不在材料目录内")
    )


def _authorised(subject: Subject) -> Said | None:
    """Whoever decides is authorised to (行政许可法 37). The catalogue's names are those of the day of acceptance, and offices
    change hands meanwhile: a person looks first.
    """
    actors = [step.actor for step in acts.of_kind(subject.case, StepKind.DECIDE) if step.actor]
    if not actors:
        return missing("作出决定的人")
    if subject.item is None or not subject.item.deciders:
        return missing("事项清单载明的有权决定的人")
    allowed = {plain(name) for name in subject.item.deciders}
    others = [name for name in actors if plain(name) not in allowed]
    # No name stands in an answer: it is shown where the step is, to whoever may see it.
    return red("决定人不在事项清单载明的有权决定的人之内") if others else kept("由有权决定的人决定")


def _licence(subject: Subject) -> Said | None:
    """A licence is issued upon the decision to grant, not before it (行政许可法 39)."""
    facts = subject.case.facts
    if subject.case.open or facts.status is not CaseStatus.DONE or is_denied(facts):
        return None
    given = [step for step in acts.of_kind(subject.case, StepKind.DELIVER) if step.doc_no]
    if not given:
        return missing("许可证件的编号")
    decided = subject.day(facts.finished_at)
    dated = [(day, step.doc_no) for step in given if (day := subject.day(step.doc_at)) is not None]
    if decided is None or not dated:
        return kept(f"证件 {given[0].doc_no}，未记录发证日期")
    first, number = min(dated, key=lambda one: one[0])
    if first < decided:
        return yellow(f"证件 {number} 发证 {first}，{decided} 才决定")
    return kept(f"证件 {number}，发证 {first}")


RULES: Sequence[Rule] = (
    Rule("L32-5", "行政许可法 32", "受理、不予受理出具注明日期的书面凭证", _receipt),
    Rule("L35", "行政许可法 35", "上级机关不重复要求材料", _asked_again, step=StepKind.FORWARD),
    Rule("L37-2", "行政许可法 37", "由有权的人作出决定", _authorised, step=StepKind.DECIDE, confirm=True),
    Rule("L39", "行政许可法 39", "准予许可后颁发证件", _licence, step=StepKind.DELIVER),
)
