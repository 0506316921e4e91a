"""Rules on what few sources record, and the watched list: lawful acts that people look at all the same (supervision.md 3.1)."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from central.core import acts, clock
from central.core.case import is_denied
from central.core.item import ItemKind
from central.core.ruling import Answer, Rule, Said, Subject, kept, missing, red, yellow
from common.core.state import CaseStatus, StepKind


def _review(subject: Subject) -> Said | None:
    """The lower organ sends its opinion on within its days (行政许可法 43); special procedures are not counted (45)."""
    item, accepted = subject.item, subject.day(subject.case.accepted)
    if item is None or item.kind is not ItemKind.PRELIMINARY or accepted is None:
        return None
    text = acts.first_of(subject.case, StepKind.FORWARD, subject.zone)
    forwarded = subject.day(text)
    if forwarded is None:
        return missing("上报的时间") if not subject.case.open else None
    begun = clock.begin(accepted, min(item.legal_days, subject.pack.review_days))
    stops = acts.stops(acts.specials(subject.case, item, subject.zone))
    walked = clock.course(begun, stops, [], subject.calendar).clock
    if not walked.running:
        return kept(f"{forwarded} 上报，期间停表")
    due = subject.published(clock.due(walked, subject.calendar))
    return (
        red(f"{forwarded} 才上报，应在 {due} 前") if forwarded > due else kept(f"{forwarded} 上报，{due} 前")
    )


def _hearing(subject: Subject) -> Said | None:
    """Seven days' notice of a hearing (行政许可法 48)."""
    steps = list(acts.of_kind(subject.case, StepKind.HEAR))
    if not steps:
        return None
    days = subject.pack.hearing_notice_days
    found = [
        (held, told)
        for step in steps
        if (held := subject.day(acts.began(step))) is not None
        and (told := subject.day(step.notified_at)) is not None
    ]
    if not found:
        return missing("听证的时间或通知听证的时间")
    short = [(held, told) for held, told in found if held - told < timedelta(days=days)]
    if short:
        held, told = short[0]
        return yellow(f"{told} 才通知 {held} 的听证，应当提前 {days} 日")
    return kept(f"听证提前 {days} 日通知")


def expiry(subject: Subject) -> date | None:
    """Last day of the licence that the case is to renew; None: it renews none, or no source says when."""
    steps = acts.of_kind(subject.case, StepKind.RENEW)
    return min((day for step in steps if (day := subject.day(step.due_at)) is not None), default=None)


def _renewal(subject: Subject) -> Said | None:
    """A renewal is decided before the licence expires, else it counts as granted (行政许可法 50).

    Where it was applied for 30 days before. Working days are meant here (82), because fewer applications are that early.
    """
    if not any(acts.of_kind(subject.case, StepKind.RENEW)) or subject.case.facts.status in {
        CaseStatus.REFUSED_ACCEPTANCE,
        CaseStatus.WITHDRAWN,
    }:
        return None
    expires = expiry(subject)
    if expires is None:
        return missing("许可证的有效期")
    return applied_late(subject, expires) or _decided_before(subject, expires)


def _decided_before(subject: Subject, expires: date) -> Said:
    decided = subject.day(subject.case.facts.finished_at)
    if subject.case.open:
        if subject.is_whole(expires):
            return red(f"有效期 {expires} 届满仍未决定，视为准予延续")
        return subject.waits("决定", expires)
    if decided is None:
        return missing("决定的时间")
    return red(f"{decided} 才决定，有效期 {expires} 已届满") if decided > expires else kept("届满前决定")


def applied_late(subject: Subject, expires: date) -> Said | None:
    """Why nothing follows from the expiry: it was applied for too near to it, or nobody knows when. Raises ValueError
    outside the calendar.
    """
    steps = acts.of_kind(subject.case, StepKind.RENEW)
    texts = [*(step.asked_at for step in steps), subject.case.facts.received_at, subject.case.accepted]
    asked = min((day for text in texts if (day := subject.day(text)) is not None), default=None)
    if asked is None:
        return missing("申请延续的时间")
    days = subject.pack.renewal_days
    is_early = expires - asked > timedelta(days=3 * days + 30)  # however many holidays lie between
    if is_early or subject.calendar.count(asked, expires) >= days:
        return None
    return kept(f"{asked} 申请，距 {expires} 届满不足 {days} 个工作日，不视为准予")


def _watched(what: Callable[[Subject], str]) -> Callable[[Subject], Said | None]:
    def ask(subject: Subject) -> Said | None:
        said = what(subject)
        return Said(Answer.WATCHED, said) if said else None

    return ask


def _refused(subject: Subject) -> str:
    facts = subject.case.facts
    if not is_denied(facts):
        return ""
    return f"{subject.day(facts.finished_at) or '未记录时间'} 决定：{facts.outcome}"


def _not_accepted(subject: Subject) -> str:
    facts = subject.case.facts
    if facts.status is not CaseStatus.REFUSED_ACCEPTANCE:
        return ""
    return f"{subject.day(facts.finished_at) or '未记录时间'} 不予受理"


def _steps(kind: StepKind) -> Callable[[Subject], str]:
    def say(subject: Subject) -> str:
        steps = list(acts.of_kind(subject.case, kind))
        if not steps:
            return ""
        days = [subject.day(acts.began(step)) for step in steps]
        if kind is not StepKind.PAUSE:  # of what goes on its beginning is told, of what is done its day
            days = [subject.day(acts.first_of(subject.case, kind, subject.zone))]
        day = min((one for one in days if one is not None), default="未记录时间")
        return f"{kind.word} {len(steps)} 次，{day}起"

    return say


RULES: Sequence[Rule] = (
    Rule("L43", "行政许可法 43", "下级机关按期审查上报", _review, "督办通知书"),
    Rule("L48", "行政许可法 48", "听证提前通知", _hearing, step=StepKind.HEAR),
    Rule("L50", "行政许可法 50", "有效期届满前决定是否延续", _renewal, "视为准予延续提示", StepKind.RENEW),
    Rule("W-1", "重点监察", "不予许可", _watched(_refused)),
    Rule("W-2", "重点监察", "不予受理", _watched(_not_accepted)),
    Rule("W-3", "重点监察", "补正告知", _watched(_steps(StepKind.SUPPLEMENT)), step=StepKind.SUPPLEMENT),
    Rule("W-4", "重点监察", "特别程序", _watched(_steps(StepKind.PAUSE)), step=StepKind.PAUSE),
    Rule("W-5", "重点监察", "延期", _watched(_steps(StepKind.EXTEND)), step=StepKind.EXTEND),
)

OF_COUNTERS: Sequence[tuple[str, str, str, str]] = (
    ("S-5", "窗口在岗", "有人等候时窗口有人", "由摄像机提示，附叫号所记的等候人数，经人核实"),
)
"""Rows of the table that speak of a counter and of no case: (id, article, demand, how it is judged). Page 在岗 has them."""
