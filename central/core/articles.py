"""The rules of the law as pure functions: what an article demands, and whether one case kept it.

supervision.md 3.1. A rule whose inputs the source does not record answers 无数据, never a violation; one that rests on
the absence of a fact answers only where the site's data is whole up to the instant it speaks of. Rows marked ◇ there
rest on common knowledge of the law: a lawyer signs the rules before one is used against a person.
"""

from collections.abc import Callable, Sequence

from central.core import acts, asked_rules, fee, off_rules, paper_rules, route
from central.core.case import instant, is_denied
from central.core.item import ItemKind
from central.core.limit import LATE_STOP
from central.core.ruling import Answer, Result, Rule, Said, Subject, kept, missing, red, yellow
from common.core.instant import DAY, is_day, local_date
from common.core.record import Step
from common.core.state import CaseStatus, ClockKind, Light, Procedure, StepKind

_CHECKS = {Procedure.INSPECTION, Procedure.TEST, Procedure.QUARANTINE}
_BESIDE = {StepKind.TICKET, StepKind.FEE, StepKind.CONSULT, StepKind.DOCUMENT, StepKind.RENEW}
"""What comes from tables of its own, beside the procedure: its name is that of a fee or of a paper."""


def ask_all(subject: Subject) -> list[Result]:
    """The answers of every rule that concerns the case, broken ones first, in the order of the table."""
    found = _answers(RULES, subject)
    order = [Answer.BROKEN, Answer.WATCHED, Answer.NO_DATA, Answer.KEPT]
    return sorted(found, key=lambda result: order.index(result.said.answer))


def ask_kept(subject: Subject) -> list[Result]:
    """The same of the rules whose answers are kept with the case."""
    return _answers(_KEPT if subject.case.seen else _UNSEEN, subject)


def _answers(wanted: Sequence[Rule], subject: Subject) -> list[Result]:
    kinds = {None, *(step.kind for step in subject.case.steps)}
    concerned = (rule for rule in wanted if rule.step in kinds)
    return [
        Result(rule, said, subject.pack.version)
        for rule in concerned
        if (said := _asked(rule, subject)) is not None
    ]


def _asked(rule: Rule, subject: Subject) -> Said | None:
    try:
        return rule.ask(subject)
    except ValueError:
        return Said(Answer.NO_DATA, "日期在已公布的工作日日历之外")


# before and at acceptance ------------------------------------------------------------------------------------


def _public(subject: Subject) -> Said | None:
    item = subject.item
    if item is None:
        return Said(Answer.NO_DATA, "事项清单里没有这个事项")
    empty = item.unpublished()
    return yellow(f"公示内容缺：{'、'.join(empty)}") if empty else kept("公示内容齐全")


def _published_first(subject: Subject) -> Said | None:
    item, accepted = subject.item, subject.day(subject.case.accepted)
    if item is None or item.published_on is None or accepted is None:
        return None
    if item.published_on <= accepted:
        return kept(f"{item.published_on} 公示，{accepted} 受理")
    if item.valid_from is None or accepted < item.valid_from:  # another text may have been displayed then
        return Said(Answer.NO_DATA, f"{accepted} 受理时公示的是哪一版，事项清单没有载明")
    return red(f"{accepted} 受理，事项 {item.published_on} 才公示")


def _refused_acceptance(subject: Subject) -> Said | None:
    case = subject.case
    if case.facts.status is not CaseStatus.REFUSED_ACCEPTANCE:
        return None
    received, decided = subject.day(case.facts.received_at), subject.day(case.facts.finished_at)
    if case.facts.reason is None:
        return missing("不予受理的理由")
    if len(case.facts.reason.strip()) < subject.pack.reason_length:
        return red(f"不予受理的理由不足 {subject.pack.reason_length} 个字")
    if received is None or decided is None:
        return missing("收件或决定的时间")
    # A citizen's filing on a day off is received on the next working day.
    due = subject.nth(subject.calendar.roll_forward(received), subject.pack.receipt_days)
    return (
        yellow(f"应即时告知，{received} 收件，{decided} 才决定")
        if decided > due
        else kept("即时告知并说明理由")
    )


def _told_once(subject: Subject) -> Said | None:
    notices = list(acts.of_kind(subject.case, StepKind.SUPPLEMENT))
    if not notices:
        return None
    times = _times(notices, subject)
    if times > 1:
        return red(f"补正告知了 {times} 次，应当一次告知")
    told = subject.day(acts.first_of(subject.case, StepKind.SUPPLEMENT, subject.zone))
    received = subject.day(subject.case.facts.received_at)
    if told is None or received is None:
        return missing("收件或告知的时间")
    due = subject.nth(subject.calendar.roll_forward(received), 5)
    return (
        yellow(f"{told} 才告知补正，应在 {due} 前，视为自收件起受理")
        if told > due
        else kept("五日内一次告知")
    )


def _times(notices: Sequence[Step], subject: Subject) -> int:
    """How often it was told, as far as is sure: rows of one day are one notice, unless they bear different numbers."""
    days = {day for step in notices if (day := subject.day(step.notified_at or acts.ended(step))) is not None}
    return max(len(days), len({step.doc_no for step in notices if step.doc_no}))


# on the way --------------------------------------------------------------------------------------------------


def _at_once(subject: Subject) -> Said | None:
    if subject.item is None or subject.item.kind is not ItemKind.ON_THE_SPOT:
        return None
    accepted, done = subject.day(subject.case.accepted), subject.day(subject.case.facts.finished_at)
    if accepted is None or done is None:
        return None if subject.case.open else missing("受理或办结的时间")
    return yellow(f"即办件 {accepted} 受理，{done} 才办结") if done > accepted else kept("当日办结")


def _two_persons(subject: Subject) -> Said | None:
    checks = list(acts.of_kind(subject.case, StepKind.CHECK))
    known = [step.staff for step in checks if step.staff is not None and step.staff > 0]  # 0: not recorded
    if not checks:
        return None
    if not known:
        return missing("核查人数")
    return yellow(f"核查只有 {min(known)} 人，应当两人以上") if min(known) < 2 else kept("核查两人以上")


def _procedure(subject: Subject) -> Said | None:
    if subject.item is None or not subject.item.route:
        return None
    places = {step.name for step in subject.item.route}
    names = [
        step.step_name
        for step in subject.case.steps
        if step.step_name and (step.kind not in _BESIDE or step.step_name in places)
    ]
    if not names:
        return missing("环节名称")
    done = None if subject.case.open else subject.day(subject.case.facts.finished_at)
    odd = route.follow(subject.item.route, names, ended=done is not None and subject.is_whole(done))
    return yellow(f"流程异常：{'；'.join(odd)}") if odd else kept("按规定的环节办理")


def _limit(kind: ClockKind, light: Light) -> Callable[[Subject], Said | None]:
    def ask(subject: Subject) -> Said | None:
        found = [one for one in subject.verdicts if one.limit.kind is kind]
        if not found:
            return None
        worst = max(found, key=lambda one: one.light.rank)
        if worst.light is Light.RED or (light is Light.YELLOW and worst.why.startswith("超过")):
            return Said(Answer.BROKEN, worst.why, light)
        if worst.light in {Light.GREY, Light.NONE}:
            return Said(Answer.NO_DATA, worst.why)
        return kept(worst.why)

    return ask


def _steps(subject: Subject) -> Said | None:
    """A step under way by its clock; one that is over by its own times, because no clock is left of it."""
    now = _limit(ClockKind.STEP, Light.YELLOW)(subject)
    if now is not None and now.answer is Answer.BROKEN:
        return now
    over = [step for step in subject.case.steps if step.finished_at is not None]
    late = [
        f"{step.step_name or step.kind.word} {step.finished_at}" for step in over if _is_late(step, subject)
    ]
    return yellow(f"超过环节时限才办完：{'、'.join(late)}") if late else now


def _is_late(step: Step, subject: Subject) -> bool:
    """By the deadline that the source states, else by the days of the route."""
    started, ended = subject.day(step.started_at), subject.day(step.finished_at)
    due, done = instant(step.due_at, subject.zone), instant(step.finished_at, subject.zone)
    if ended is None or done is None:
        return False
    if due is not None:
        return (
            ended > local_date(due - 1, subject.zone)
            if is_day(step.finished_at, subject.zone)
            else done > due
        )
    route = subject.item.route if subject.item is not None else []
    days = {one.name: one.days for one in route}.get(step.step_name or "")
    return bool(started is not None and days and ended > subject.nth(started, days))


def _longer(subject: Subject) -> Said | None:
    if not any(acts.of_kind(subject.case, StepKind.EXTEND)):
        return None
    limit = subject.limit(ClockKind.STATUTE)
    if limit is None:
        return None
    void = [note for note in limit.notes if note.startswith("延期")] + _too_long(subject)
    return (
        yellow("；".join(void))
        if void
        else kept("延期在时限内批准" + ("并告知" if _told(subject) else "，未记录告知"))
    )


def _too_long(subject: Subject) -> list[str]:
    """Of an item that the catalogue has: of another one nobody knows how much the law allows."""
    if subject.item is None:
        return []
    most = subject.item.extension_days
    asked = [step.days for step in acts.of_kind(subject.case, StepKind.EXTEND) if (step.days or 0) > most]
    return [f"延期 {days} 个工作日，至多 {most} 个，多出的不计（行政许可法 42）" for days in asked]


def _told(subject: Subject) -> bool:
    return any(step.notified_at for step in acts.of_kind(subject.case, StepKind.EXTEND))


def _special(subject: Subject) -> Said | None:
    found = acts.specials(subject.case, subject.item, subject.zone)
    if not found:
        return None
    faults = [f"{one.first} 的{one.word}{one.fault}" for one in found if one.fault]
    statute = subject.limit(ClockKind.STATUTE)
    late = [] if statute is None else [note for note in statute.notes if note.endswith(LATE_STOP)]
    faults += [note.replace("：", "", 1) for note in late]
    if faults:
        return yellow("；".join(faults))
    told = all(step.notified_at for step in acts.of_kind(subject.case, StepKind.PAUSE))
    return kept("特别程序依法扣除") if told else missing("特别程序的书面告知，按扣除处理")


def _first_check(subject: Subject) -> Said | None:
    accepted = subject.day(subject.case.accepted)
    firsts = [
        day
        for step in acts.of_kind(subject.case, StepKind.PAUSE)
        if step.procedure in _CHECKS and (day := subject.day(acts.began(step))) is not None
    ]
    if not firsts or accepted is None:
        return None
    due = subject.nth(accepted, subject.pack.check_days)
    return (
        yellow(f"{min(firsts)} 才开始检验、检测或检疫，应在 {due} 前")
        if min(firsts) > due
        else kept("五日内指派")
    )


# the decision and after --------------------------------------------------------------------------------------


def _refusal(subject: Subject) -> Said | None:
    facts = subject.case.facts
    if not is_denied(facts):
        return None
    if facts.reason is None or facts.remedy is None:
        return missing("不予许可的理由或救济途径")
    short = len(facts.reason.strip()) < subject.pack.reason_length
    if short or not all(word in facts.remedy for word in ("复议", "诉讼")):
        return red("不予许可没有说明理由" if short else "没有告知申请行政复议或者提起行政诉讼的权利")
    return kept("说明了理由并告知救济途径")


def _published(subject: Subject) -> Said | None:
    facts = subject.case.facts
    decided, shown = subject.day(facts.finished_at), subject.day(facts.published_at)
    if decided is None or subject.case.open or is_denied(facts) or facts.status is not CaseStatus.DONE:
        return None
    if shown is None:
        return missing("决定公开的时间")
    due = subject.nth(decided, subject.pack.publish_days)
    return yellow(f"{shown} 才公开，应在 {due} 前") if shown > due else kept("按期公开")


def _order(subject: Subject) -> Said | None:
    case = subject.case
    days = [subject.day(text) for text in (case.facts.received_at, case.accepted, case.facts.finished_at)]
    begun = [day for day in days[:2] if day is not None]
    if case.as_of is not None and begun and max(begun) > local_date(case.as_of + DAY, subject.zone):
        return yellow(f"收件或受理写在以后：{max(begun)}")
    known = [day for day in days if day is not None]
    if len(known) < 2:
        return None
    words = "、".join(str(day) for day in known)
    return yellow(f"收件、受理、办结的先后不对：{words}") if known != sorted(known) else kept("时间先后一致")


RULES: Sequence[Rule] = (
    Rule("L30-1", "行政许可法 30", "事项公示齐全", _public, "公示缺项整改通知", kept_elsewhere=True),
    Rule("L30-1a", "行政许可法 30", "先公示后受理", _published_first, "公示缺项整改通知"),
    Rule("L32-1", "行政许可法 32(一)(二)", "不予受理即时告知并说明理由", _refused_acceptance),
    Rule(
        "L32-3",
        "行政许可法 32(四)",
        "材料不齐五日内一次告知",
        _told_once,
        "视为受理提示",
        StepKind.SUPPLEMENT,
    ),
    Rule(
        "L32-3a",
        "行政许可法 32(四)",
        "五日内受理或告知",
        _limit(ClockKind.SUPPLEMENT, Light.YELLOW),
        "视为受理提示",
        kept_elsewhere=True,
    ),
    Rule("L34-1", "行政许可法 34", "能当场决定的当场决定", _at_once),
    Rule("L34-2", "行政许可法 34", "实质核查两人以上", _two_persons, step=StepKind.CHECK),
    Rule("L37", "行政许可法 37", "按规定的程序办理", _procedure, confirm=True),
    Rule("L38-1", "行政许可法 38", "不予许可说明理由、告知救济途径", _refusal, "督办通知书"),
    Rule("L40", "行政许可法 40", "准予许可的决定公开", _published),
    Rule(
        "L42-1",
        "行政许可法 42",
        "法定时限内决定",
        _limit(ClockKind.STATUTE, Light.RED),
        "督办通知书",
        kept_elsewhere=True,
    ),
    Rule(
        "L42-P",
        "承诺",
        "承诺时限内决定",
        _limit(ClockKind.PROMISE, Light.RED),
        "督办通知书",
        kept_elsewhere=True,
    ),
    Rule("L42-E", "行政许可法 42", "延期在时限内批准并告知，一次为限", _longer, step=StepKind.EXTEND),
    Rule(
        "L44",
        "行政许可法 44",
        "十日内送达",
        _limit(ClockKind.DELIVERY, Light.RED),
        "督办通知书",
        kept_elsewhere=True,
    ),
    Rule("L45-1", "行政许可法 45", "特别程序合法并书面告知", _special, step=StepKind.PAUSE),
    Rule(
        "L45-2",
        "行政许可法 45",
        "特别程序在告知的时间内完成",
        _limit(ClockKind.PROCEDURE, Light.RED),
        "督办通知书",
        kept_elsewhere=True,
    ),
    Rule("L55", "行政许可法 55", "检验、检测、检疫五日内指派", _first_check, step=StepKind.PAUSE),
    Rule("L58", "行政许可法 58、59", "按公布的项目和标准收费", fee.charged, "督办通知书", StepKind.FEE),
    Rule("S-2", "数据真实性", "时间先后一致", _order, confirm=True),
    Rule("S-4", "环节时限", "环节不超时", _steps, kept_elsewhere=True),
    *paper_rules.RULES,
    *asked_rules.RULES,
    *off_rules.RULES,
)

_KEPT = [rule for rule in RULES if not rule.kept_elsewhere]
_UNSEEN = [rule for rule in _KEPT if rule.id == asked_rules.UNENTERED]
"""What can be said where only steps have come, of a case that nobody has entered."""
