"""What an office answers to a document that no correction asks for: which ask for it, until when, and how that stands. Pure.

Such a document moves no state, so its answer moves none either: it is kept beside it, and a late one says so. Whoever is not asked
may answer all the same. What may be said and attached is what an explanation may (`core/dossier.py`).
"""

from datetime import date
from enum import StrEnum

from central.core import dossier
from central.core.compose import Facts
from central.core.document import Kind
from central.core.dossier import File

MOST = 10
"""Answers to one document: the first, and what is added to it."""


class Standing(StrEnum):
    """How the answer to a document stands; `unasked`: none is asked for, and none has come."""

    UNASKED = "unasked"
    OWED = "owed"
    OVERDUE = "overdue"
    ANSWERED = "answered"
    LATE = "late"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    Standing.UNASKED: "不要求答复",
    Standing.OWED: "待答复",
    Standing.OVERDUE: "逾期未答复",
    Standing.ANSWERED: "已答复",
    Standing.LATE: "已答复（逾期）",
}
WAITING = frozenset({Standing.OWED, Standing.OVERDUE})


def last_day(kind: Kind, facts: Facts) -> date | None:
    """The last day on which the document wants to hear of it; None where its form asks for nothing."""
    return {
        Kind.PROPOSAL: facts.answer_by,
        Kind.DISPLAY: facts.answer_by,
        Kind.ONE_TIME: facts.due,
    }.get(kind)


def standing(last: date | None, first: date | None, today: date, *, is_void: bool = False) -> Standing:
    """`last`: until when it was asked for; `first`: the day of the first answer. A void document asks for nothing."""
    if first is not None:
        return Standing.LATE if last is not None and first > last else Standing.ANSWERED
    if last is None or is_void:
        return Standing.UNASKED
    return Standing.OVERDUE if today > last else Standing.OWED


def fault(reason: str, files: tuple[File, ...], known: int, *, on_paper: bool) -> str:
    """Why this is no answer, for people; empty if it is. `known`: how many there are already."""
    if known >= MOST:
        return f"一份文书最多答复 {MOST} 次"
    if not dossier.SHORTEST <= len(reason) <= dossier.LONGEST:
        return f"答复须写明情况，{dossier.SHORTEST} 至 {dossier.LONGEST} 个字"
    if on_paper and not files:
        return "登记纸质答复须附扫描件"
    return dossier.files_fault(files)


def paper_fault(issued: date, day: date | None, today: date) -> str:
    """Why an answer on paper cannot bear `day`, for people."""
    if day is None:
        return "请填写纸质答复的日期"
    if day < issued:
        return "答复的日期早于文书签发的日期"
    return "答复的日期在今天之后" if day > today else ""
