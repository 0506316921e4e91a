"""Rules on what the applicant asked for or handed in: explanation, materials, hearing, and what was never entered.

Few offices' software records it; where a mapping has it, the rule answers (supervision.md 3.1).
"""

from collections.abc import Iterable, Sequence
from datetime import date

from central.core import acts
from central.core.ruling import Rule, Said, Subject, kept, missing, red, yellow
from common.core.instant import end_of_day
from common.core.record import Step
from common.core.state import CaseStatus, StepKind

UNENTERED = "S-1"
_EVIDENCE = (StepKind.TICKET, StepKind.FEE)
_BREAKS = "；;\n\r"


def _explained(subject: Subject) -> Said | None:
    """Whoever asks for an explanation gets it within the days that were promised (行政许可法 30)."""
    found = [_answered(step, subject) for step in acts.of_kind(subject.case, StepKind.CONSULT)]
    broken = [said for said in found if said.light.rank > 0]
    waiting = [said for said in found if said.again_at is not None]
    first = min(waiting, key=lambda said: said.again_at or 0, default=None)
    return next(iter([*broken, *([first] if first else []), *found]), None)


def _answered(step: Step, subject: Subject) -> Said:
    asked, answered = subject.day(step.asked_at or step.started_at), subject.day(step.finished_at)
    if asked is None:
        return missing("提出的时间")
    days = step.days if step.days is not None and step.days > 0 else subject.pack.consult_days
    due = _from(asked, days, subject)
    if answered is not None:
        return (
            yellow(f"{asked} 提出，{answered} 才说明，应在 {due} 前") if answered > due else kept("按期说明")
        )
    if subject.is_whole(due):
        return yellow(f"{asked} 提出，应在 {due} 前说明，没有说明")
    return subject.waits("说明", due)


def _from(asked: date, days: int, subject: Subject) -> date:
    """What a citizen hands in on a day off counts as received on the next working day (supervision.md 3.2-2)."""
    return subject.nth(subject.calendar.roll_forward(asked), days)


def _unrelated(subject: Subject) -> Said | None:
    """No material is asked for that the item's list does not have (行政许可法 31)."""
    asked = list(lines(acts.of_kind(subject.case, StepKind.SUPPLEMENT)))
    if not asked:
        return missing("补正告知的逐项材料")
    if subject.item is None or not subject.item.materials:
        return missing("事项的材料目录")
    listed = [plain(name) for name in subject.item.materials]
    extra = [line for line in asked if not any(name in plain(line) or plain(line) in name for name in listed)]
    return yellow(f"材料目录以外的：{'、'.join(extra)}") if extra else kept("都在材料目录内")


def lines(steps: Iterable[Step]) -> Iterable[str]:
    """What the notices ask for, each material by itself."""
    for step in steps:
        text = (step.materials or "").translate(dict.fromkeys(map(ord, _BREAKS), "\n"))
        yield from (line.strip() for line in text.split("\n") if plain(line))


def plain(text: str) -> str:
    """Without blanks and marks, to be compared."""
    return "".join(char for char in text if char.isalnum())


def _on_the_spot(subject: Subject) -> Said | None:
    """What can be corrected on the spot is corrected there, not sent back (行政许可法 32(三))."""
    known = [
        step.on_spot for step in acts.of_kind(subject.case, StepKind.SUPPLEMENT) if step.on_spot is not None
    ]
    if not known:
        return missing("可以当场更正的项数")
    return (
        yellow(f"{sum(known)} 项可以当场更正，却要求补正") if sum(known) > 0 else kept("没有可以当场更正的")
    )


def _complete(subject: Subject) -> Said | None:
    """A complete application is accepted (行政许可法 32(五))."""
    case = subject.case
    if case.facts.status in {CaseStatus.REFUSED_ACCEPTANCE, CaseStatus.WITHDRAWN}:
        return None
    complete, accepted = subject.day(case.facts.complete_at), subject.day(case.accepted)
    if complete is None:
        return missing("材料齐全的时间")
    due = _from(complete, subject.pack.accept_days, subject)
    if accepted is not None:
        is_late = accepted > due
        said = f"材料 {complete} 齐全，{accepted} {'才' if is_late else ''}受理，应在 {due} 前"
        return red(said) if is_late else kept(said)
    if not case.open:
        return missing("受理的时间")
    late = red(f"材料 {complete} 齐全，{due} 前没有受理")
    return late if subject.is_whole(due) else subject.waits("受理", due)


def _held(subject: Subject) -> Said | None:
    """A hearing that was asked for is held within its days (行政许可法 47). What one row has asked for, another may hold."""
    steps = list(acts.of_kind(subject.case, StepKind.HEAR))
    asked = [
        (day, subject.day(acts.began(step)))
        for step in steps
        if (day := subject.day(step.asked_at)) is not None
    ]
    if not asked:
        return missing("申请听证的时间")
    others = [
        day for step in steps if not step.asked_at and (day := subject.day(acts.began(step))) is not None
    ]
    day, held = min(asked, key=lambda one: (one[1] is not None, one[0]))
    held = held or min((one for one in others if one >= day), default=None)
    due = subject.nth(day, subject.pack.hearing_days)
    if held is not None:
        return red(f"{day} 申请听证，{held} 才举行，应在 {due} 前") if held > due else kept("按期举行听证")
    if not subject.case.open:
        return missing("听证的时间")
    return (
        red(f"{day} 申请听证，{due} 前没有举行") if subject.is_whole(due) else subject.waits("举行听证", due)
    )


def _unentered(subject: Subject) -> Said | None:
    """A ticket or a fee that names a case which the system does not have (体外循环)."""
    if subject.case.seen:
        return None
    days = _evidence(subject)
    if not days:
        return None
    due = subject.nth(min(days), subject.pack.entry_days)
    if not subject.is_whole(due):
        return subject.waits("录入办件", due)
    return yellow(f"{min(days)} 已有叫号或收费，系统里没有这个办件")


def _evidence(subject: Subject) -> list[date]:
    """Days on which a ticket or a fee spoke of the case."""
    steps = [step for kind in _EVIDENCE for step in acts.of_kind(subject.case, kind)]
    return [day for step in steps if (day := subject.day(acts.began(step))) is not None]


def entered_by(subject: Subject) -> int | None:
    """By when a case of which a ticket or a fee speaks has to be in the system, whether it is or not. None: none speaks of it,
    or the calendar of that day is not published.
    """
    days = _evidence(subject)
    try:
        return end_of_day(subject.nth(min(days), subject.pack.entry_days), subject.zone) if days else None
    except ValueError:
        return None


RULES: Sequence[Rule] = (
    Rule("L30-2", "行政许可法 30", "申请人要求说明的，应当说明", _explained, step=StepKind.CONSULT),
    Rule("L31", "行政许可法 31", "不要求提交无关材料", _unrelated, step=StepKind.SUPPLEMENT),
    Rule(
        "L32-2",
        "行政许可法 32(三)",
        "可以当场更正的允许当场更正",
        _on_the_spot,
        step=StepKind.SUPPLEMENT,
        confirm=True,
    ),
    Rule("L32-4", "行政许可法 32(五)", "材料齐全的应当受理", _complete, "督办通知书"),
    Rule("L47", "行政许可法 47", "申请听证的二十日内组织", _held, step=StepKind.HEAR),
    Rule(UNENTERED, "体外循环", "办件都进系统", _unentered, confirm=True),
)
