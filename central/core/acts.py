"""What a case's steps say happened to its limits: special procedures, extensions, notices, delivery.

What a source does not record accuses nobody: a procedure without a date of notice stops the clock, one that the
applicant was told of after it had begun does not (行政许可法 45).
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core.case import CaseState, instant
from central.core.clock import Extension, Stop
from central.core.item import EXTENSION_DAYS, JOINT_DAYS, JOINT_EXTENSION_DAYS, Item
from common.core.instant import day_of
from common.core.record import Step
from common.core.state import Procedure, StepKind


class Special(Struct, frozen=True):
    """A special procedure as its step tells it; `fault`: why the law does not let it stop the clock, or empty."""

    first: date
    last: date | None
    days: int | None  # working days that were announced
    word: str
    fault: str


def began(step: Step) -> str | None:
    return step.started_at or step.finished_at


def ended(step: Step) -> str | None:
    return step.finished_at or step.started_at


@lru_cache(4096)
def day(text: str | None, zone: ZoneInfo) -> date | None:
    """None for a day nobody can mean."""
    return day_of(text, zone) if text and instant(text, zone) is not None else None


def of_kind(case: CaseState, kind: StepKind) -> Iterable[Step]:
    return (step for step in case.steps if step.kind is kind)


def is_unreadable(step: Step, *fields: str) -> bool:
    """Something stands in one of these fields that nobody can read; a zero date states nothing."""
    return any(digit in step.invalid.get(field, "") for field in fields for digit in "123456789")


def specials(case: CaseState, item: Item | None, zone: ZoneInfo) -> list[Special]:
    """Every special procedure, lawful or not, in the order of days.

    One ends with the first resumption on or after its first day, else with its own row's end. That must be a later
    day: an end on the day it began may be that of the clerk's act, and a doubt accuses nobody. One whose beginning nobody
    can read counts from the acceptance: no day is held against the office that it may have taken.
    """
    paused = list(of_kind(case, StepKind.PAUSE))
    if not paused:
        return []
    resumed = sorted(
        moment for step in of_kind(case, StepKind.RESUME) if (moment := day(began(step), zone)) is not None
    )
    found = []
    for step in paused:
        told = day(began(step), zone)
        is_doubtful = told is None and is_unreadable(step, "started_at", "finished_at")
        first = day(case.accepted, zone) if is_doubtful else told
        if first is None:
            continue
        own = day(step.finished_at, zone)
        last = next(
            (one for one in resumed if one >= first), own if own is not None and own > first else None
        )
        word = step.procedure.word if step.procedure else step.step_name or "特别程序"
        fault = _fault(step, date.max if is_doubtful else first, item, zone)
        found.append(Special(first, last, None if is_doubtful else step.days, word, fault))
    return sorted(found, key=lambda one: (one.first, one.last or date.max, one.word, one.fault))


def _fault(step: Step, first: date, item: Item | None, zone: ZoneInfo) -> str:
    if step.procedure is Procedure.OTHER:
        return "不是行政许可法第四十五条所列的程序，照常计时"
    if step.procedure and item and item.procedures and step.procedure not in item.procedures:
        return f"事项清单没有列明{step.procedure.word}，照常计时"
    told = day(step.notified_at, zone)
    if told is not None and told > first:
        return f"开始后（{told}）才告知申请人，照常计时"
    return ""


def stops(specials: Iterable[Special]) -> list[Stop]:
    """The lawful ones as spans that do not touch, in order.

    Procedures that overlap or follow on one day are one span (行政许可法 45: what they take is not counted, however
    many run).
    """
    spans: list[Stop] = []
    for one in specials:
        if one.fault:
            continue
        before = spans[-1] if spans else None
        if before is None or (before.last is not None and one.first > before.last):
            spans.append(Stop(one.first, one.last, one.word))
        else:
            is_open = before.last is None or one.last is None
            last = None if is_open else max(before.last or date.min, one.last or date.min)
            why = before.why if one.word in before.why.split("、") else f"{before.why}、{one.word}"
            spans[-1] = Stop(before.first, last, why)
    return spans


def extensions(case: CaseState, item: Item | None, zone: ZoneInfo) -> list[Extension]:
    """Each with the day from which it is lawful, the later of approval and notice, and at most the law's days.

    An extension of which no day is recorded counts from the start, one whose days are not recorded for the most.
    """
    is_joint = (
        case.facts.legal or 0
    ) >= JOINT_DAYS  # as far as the source tells of an item that nobody has listed
    most = item.extension_days if item else JOINT_EXTENSION_DAYS if is_joint else EXTENSION_DAYS
    found = []
    for step in of_kind(case, StepKind.EXTEND):
        approved = day(ended(step), zone) or date.min
        told = day(step.notified_at, zone) or approved
        asked = step.days if step.days is not None and step.days > 0 else most
        found.append(Extension(max(approved, told), min(asked, most)))
    return sorted(found, key=lambda one: (one.day, one.days))


def first_of(case: CaseState, kind: StepKind, zone: ZoneInfo) -> str | None:
    """The earliest time at which a step of `kind` was done, as its source states it; a notice, when it was given."""
    is_notice = kind is StepKind.SUPPLEMENT
    texts = [
        text
        for step in of_kind(case, kind)
        if (text := (step.notified_at if is_notice else None) or ended(step))
        and instant(text, zone) is not None
    ]
    return min(texts, key=lambda text: instant(text, zone) or 0, default=None)
