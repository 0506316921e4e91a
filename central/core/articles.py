"""The rules of the law as pure functions: what an article demands, and whether one case kept it.

supervision.md 3.1. A rule whose inputs the source does not record answers 无数据, never a violation; one that rests on
the absence of a fact answers only where the site's data is whole up to the instant it speaks of. Rows marked ◇ there
rest on common knowledge of the law: a lawyer signs the rules before one is used against a person.
"""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import acts, route
from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.item import Item, ItemKind
from central.core.limits import Limit
from central.core.rules import Verdict
from common.core.instant import end_of_day
from common.core.state import CaseStatus, ClockKind, Light, Procedure, StepKind

RECEIPT_DAYS, PUBLISH_DAYS, CHECK_DAYS = 1, 7, 5
REASON_LENGTH = 10
"""Characters below which a reason is none (ours)."""
_CHECKS = {Procedure.INSPECTION, Procedure.TEST, Procedure.QUARANTINE}


class Answer(StrEnum):
    """What a rule says of a case."""

    KEPT = "kept"
    BROKEN = "broken"
    NO_DATA = "no_data"

    @property
    def word(self) -> str:
        return {"kept": "符合", "broken": "不符合", "no_data": "无数据"}[self.value]


class Said(Struct, frozen=True):
    """An answer with its reason, and the light it may bring."""

    answer: Answer
    why: str
    light: Light = Light.NONE


class Subject(Struct, frozen=True):
    """Everything a rule may look at."""

    case: CaseState
    item: Item | None
    verdicts: list[Verdict]
    calendar: Calendar
    zone: ZoneInfo
    whole_until: int | None

    def day(self, text: str | None) -> date | None:
        return acts.day(text, self.zone)

    def is_whole(self, day: date) -> bool:
        """Whether nothing up to the end of `day` is still on its way."""
        return self.whole_until is not None and self.whole_until >= end_of_day(day, self.zone)

    def limit(self, kind: ClockKind) -> Limit | None:
        return next((one.limit for one in self.verdicts if one.limit.kind is kind), None)


class Rule(Struct, frozen=True):
    """A row of the table. `ask` gives None where the rule has nothing to say of this case."""

    id: str
    article: str
    demand: str
    ask: Callable[[Subject], Said | None]
    document: str = ""
    confirm: bool = False  # a person must have looked before it is held against anybody


class Result(Struct, frozen=True):
    rule: Rule
    said: Said


def ask_all(subject: Subject) -> list[Result]:
    """The answers of every rule that concerns the case, broken ones first, in the order of the table."""
    found = [Result(rule, said) for rule in RULES if (said := _asked(rule, subject)) is not None]
    order = [Answer.BROKEN, Answer.NO_DATA, Answer.KEPT]
    return sorted(found, key=lambda result: order.index(result.said.answer))


def _asked(rule: Rule, subject: Subject) -> Said | None:
    try:
        return rule.ask(subject)
    except ValueError:
        return Said(Answer.NO_DATA, "日期在工作日日历之外")


def _kept(why: str) -> Said:
    return Said(Answer.KEPT, why)


def _missing(what: str) -> Said:
    return Said(Answer.NO_DATA, f"业务系统未记录{what}")


def _yellow(why: str) -> Said:
    return Said(Answer.BROKEN, why, Light.YELLOW)


def _red(why: str) -> Said:
    return Said(Answer.BROKEN, why, Light.RED)


# before and at acceptance ------------------------------------------------------------------------------------


def _public(subject: Subject) -> Said | None:
    item, accepted = subject.item, subject.day(subject.case.accepted)
    if item is None:
        return Said(Answer.NO_DATA, "事项清单里没有这个事项")
    if item.published_on and accepted and item.published_on > accepted:
        return _red(f"{accepted} 受理，事项 {item.published_on} 才公示")
    fields = {
        "依据": item.basis, "条件": item.conditions, "数量": item.quantity, "程序": item.procedure,
        "材料目录": item.materials, "示范文本": item.sample, "公示日期": item.published_on,
    }  # fmt: skip
    missing = [name for name, value in fields.items() if not value]
    return _yellow(f"公示内容缺：{'、'.join(missing)}") if missing else _kept("公示内容齐全")


def _refused_acceptance(subject: Subject) -> Said | None:
    case = subject.case
    if case.facts.status is not CaseStatus.REFUSED_ACCEPTANCE:
        return None
    received, decided = subject.day(case.facts.received_at), subject.day(case.facts.finished_at)
    if case.facts.reason is None:
        return _missing("不予受理的理由")
    if len(case.facts.reason.strip()) < REASON_LENGTH:
        return _red(f"不予受理的理由不足 {REASON_LENGTH} 个字")
    if received is None or decided is None:
        return _missing("收件或决定的时间")
    due = subject.calendar.nth(received, RECEIPT_DAYS)
    return (
        _yellow(f"应即时告知，{received} 收件，{decided} 才决定")
        if decided > due
        else _kept("即时告知并说明理由")
    )


def _told_once(subject: Subject) -> Said | None:
    notices = list(acts.of_kind(subject.case, StepKind.SUPPLEMENT))
    if not notices:
        return None
    if len(notices) > 1:
        return _red(f"补正告知了 {len(notices)} 次，应当一次告知")
    told = subject.day(acts.first_of(subject.case, StepKind.SUPPLEMENT, subject.zone))
    received = subject.day(subject.case.facts.received_at)
    if told is None or received is None:
        return _missing("收件或告知的时间")
    due = subject.calendar.nth(subject.calendar.roll_forward(received), 5)
    return (
        _yellow(f"{told} 才告知补正，应在 {due} 前，视为自收件起受理")
        if told > due
        else _kept("五日内一次告知")
    )


def _written(subject: Subject) -> Said | None:
    step = next(iter(acts.of_kind(subject.case, StepKind.ACCEPT)), None)
    if step is None:
        return None
    if step.doc_no is None:
        return _missing("受理通知书的文号")
    return _kept(f"受理文书 {step.doc_no}")


# on the way --------------------------------------------------------------------------------------------------


def _at_once(subject: Subject) -> Said | None:
    if subject.item is None or subject.item.kind is not ItemKind.ON_THE_SPOT:
        return None
    accepted, done = subject.day(subject.case.accepted), subject.day(subject.case.facts.finished_at)
    if accepted is None or done is None:
        return None if subject.case.open else _missing("受理或办结的时间")
    return _yellow(f"即办件 {accepted} 受理，{done} 才办结") if done > accepted else _kept("当日办结")


def _two_persons(subject: Subject) -> Said | None:
    checks = list(acts.of_kind(subject.case, StepKind.CHECK))
    known = [step.staff for step in checks if step.staff is not None]
    if not checks:
        return None
    if not known:
        return _missing("核查人数")
    return _yellow(f"核查只有 {min(known)} 人，应当两人以上") if min(known) < 2 else _kept("核查两人以上")


def _procedure(subject: Subject) -> Said | None:
    if subject.item is None or not subject.item.route:
        return None
    names = [step.step_name for step in subject.case.steps if step.step_name]
    if not names:
        return _missing("环节名称")
    done = None if subject.case.open else subject.day(subject.case.facts.finished_at)
    odd = route.follow(subject.item.route, names, ended=done is not None and subject.is_whole(done))
    return _yellow(f"流程异常：{'；'.join(odd)}") if odd else _kept("按规定的环节办理")


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
        return _kept(worst.why)

    return ask


def _longer(subject: Subject) -> Said | None:
    if not any(acts.of_kind(subject.case, StepKind.EXTEND)):
        return None
    limit = subject.limit(ClockKind.STATUTE)
    if limit is None:
        return None
    void = [note for note in limit.notes if note.startswith("延期")]
    return (
        _yellow("；".join(void))
        if void
        else _kept("延期在时限内批准" + ("并告知" if _told(subject) else "，未记录告知"))
    )


def _told(subject: Subject) -> bool:
    return any(step.notified_at for step in acts.of_kind(subject.case, StepKind.EXTEND))


def _special(subject: Subject) -> Said | None:
    found = acts.specials(subject.case, subject.item, subject.zone)
    if not found:
        return None
    faults = [f"{one.first} 的{one.word}{one.fault}" for one in found if one.fault]
    if faults:
        return _yellow("；".join(faults))
    told = all(step.notified_at for step in acts.of_kind(subject.case, StepKind.PAUSE))
    return _kept("特别程序依法扣除") if told else _missing("特别程序的书面告知，按扣除处理")


def _first_check(subject: Subject) -> Said | None:
    accepted = subject.day(subject.case.accepted)
    firsts = [
        day
        for step in acts.of_kind(subject.case, StepKind.PAUSE)
        if step.procedure in _CHECKS and (day := subject.day(acts.began(step))) is not None
    ]
    if not firsts or accepted is None:
        return None
    due = subject.calendar.nth(accepted, CHECK_DAYS)
    return (
        _yellow(f"{min(firsts)} 才开始检验、检测或检疫，应在 {due} 前")
        if min(firsts) > due
        else _kept("五日内指派")
    )


def _charged(subject: Subject) -> Said | None:
    steps = list(acts.of_kind(subject.case, StepKind.FEE))
    if not steps:
        return None
    if subject.item is None or not subject.item.fees:
        return Said(Answer.NO_DATA, "事项清单没有载明收费标准")
    known = [step for step in steps if step.amount is not None]
    if not known:
        return _missing("收费金额")
    allowed = {_yuan(amount) for amount in subject.item.fees.values()}
    wrong = [step.amount for step in known if step.amount and _yuan(step.amount) not in {*allowed, 0}]
    return _red(f"收费 {'、'.join(wrong)} 元与清单标准不符") if wrong else _kept("按清单标准收费")


def _yuan(amount: str) -> int:
    """In fen; -1 for what is no amount, which no standard has."""
    whole, _, part = amount.strip().partition(".")
    if not whole.isdecimal() or not (part or "0").isdecimal():
        return -1
    return int(whole) * 100 + int((part + "00")[:2])


# the decision and after --------------------------------------------------------------------------------------


def _refusal(subject: Subject) -> Said | None:
    facts = subject.case.facts
    if "不予" not in (facts.outcome or "") or facts.status is CaseStatus.REFUSED_ACCEPTANCE:
        return None
    if facts.reason is None or facts.remedy is None:
        return _missing("不予许可的理由或救济途径")
    short = len(facts.reason.strip()) < REASON_LENGTH
    if short or not all(word in facts.remedy for word in ("复议", "诉讼")):
        return _red("不予许可没有说明理由" if short else "没有告知申请行政复议或者提起行政诉讼的权利")
    return _kept("说明了理由并告知救济途径")


def _published(subject: Subject) -> Said | None:
    facts = subject.case.facts
    decided, shown = subject.day(facts.finished_at), subject.day(facts.published_at)
    if (
        decided is None
        or subject.case.open
        or "不予" in (facts.outcome or "")
        or facts.status is not CaseStatus.DONE
    ):
        return None
    if shown is None:
        return _missing("决定公开的时间")
    due = subject.calendar.nth(decided, PUBLISH_DAYS)
    return _yellow(f"{shown} 才公开，应在 {due} 前") if shown > due else _kept("按期公开")


def _order(subject: Subject) -> Said | None:
    case = subject.case
    days = [subject.day(text) for text in (case.facts.received_at, case.accepted, case.facts.finished_at)]
    known = [day for day in days if day is not None]
    if len(known) < 2:
        return None
    words = "、".join(str(day) for day in known)
    return (
        _yellow(f"收件、受理、办结的先后不对：{words}") if known != sorted(known) else _kept("时间先后一致")
    )


RULES: Sequence[Rule] = (
    Rule("L30-1", "行政许可法 30", "事项公示齐全，先公示后受理", _public, "公示缺项整改通知"),
    Rule("L32-1", "行政许可法 32(一)(二)", "不予受理即时告知并说明理由", _refused_acceptance),
    Rule("L32-3", "行政许可法 32(四)", "材料不齐五日内一次告知", _told_once, "视为受理提示"),
    Rule(
        "L32-3a",
        "行政许可法 32(四)",
        "五日内受理或告知",
        _limit(ClockKind.SUPPLEMENT, Light.YELLOW),
        "视为受理提示",
    ),
    Rule("L32-5", "行政许可法 32", "受理出具书面凭证", _written),
    Rule("L34-1", "行政许可法 34", "能当场决定的当场决定", _at_once),
    Rule("L34-2", "行政许可法 34", "实质核查两人以上", _two_persons),
    Rule("L37", "行政许可法 37", "按规定的程序办理", _procedure, confirm=True),
    Rule("L38-1", "行政许可法 38", "不予许可说明理由、告知救济途径", _refusal, "督办通知书"),
    Rule("L40", "行政许可法 40", "准予许可的决定公开", _published),
    Rule("L42-1", "行政许可法 42", "法定时限内决定", _limit(ClockKind.STATUTE, Light.RED), "督办通知书"),
    Rule("L42-P", "承诺", "承诺时限内决定", _limit(ClockKind.PROMISE, Light.RED), "督办通知书"),
    Rule("L42-E", "行政许可法 42", "延期在时限内批准并告知，一次为限", _longer),
    Rule("L44", "行政许可法 44", "十日内送达", _limit(ClockKind.DELIVERY, Light.RED), "督办通知书"),
    Rule("L45-1", "行政许可法 45", "特别程序合法并书面告知", _special),
    Rule(
        "L45-2",
        "行政许可法 45",
        "特别程序在告知的时间内完成",
        _limit(ClockKind.PROCEDURE, Light.RED),
        "督办通知书",
    ),
    Rule("L55", "行政许可法 55", "检验、检测、检疫五日内指派", _first_check),
    Rule("L58", "行政许可法 58、59", "按公布的项目和标准收费", _charged, "督办通知书"),
    Rule("S-2", "数据真实性", "时间先后一致", _order, confirm=True),
    Rule("S-4", "环节时限", "环节不超时", _limit(ClockKind.STEP, Light.YELLOW)),
)
