"""咨询: a question about an item, answered within three working days; an answer of use to others is published after redaction.

The day that passed is a fact (supervision.md L30-2, 3.2). What is published is drafted by whoever answers and released by another;
what was taken back is gone from the public page and stays here.
"""

from datetime import date
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import clock as clocks
from central.core.access import Permission
from central.core.calendar import Calendar
from central.core.clock import Clock
from common.core.errors import RejectedError

ANSWER_DAYS = 3
"""Ours, of the practice that supervision.md 3.11 reports: the same day, or three working days."""
SHORTEST, LONGEST = 5, 1000
LONGEST_ANSWER = 2000


class State(StrEnum):
    """Where a question stands."""

    ASKED = "asked"
    ANSWERED = "answered"
    DRAFTED = "drafted"
    RELEASED = "released"

    @property
    def word(self) -> str:
        return {
            State.ASKED: "待答复",
            State.ANSWERED: "已答复",
            State.DRAFTED: "已答复，待审核公布",
            State.RELEASED: "已答复，已公布",
        }[self]


class Event(StrEnum):
    """What moves it on."""

    ASK = "ask"
    LAPSE = "lapse"
    ANSWER = "answer"
    DRAFT = "draft"
    RELEASE = "release"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    Event.ASK: "收到咨询",
    Event.LAPSE: "逾期",
    Event.ANSWER: "答复",
    Event.DRAFT: "拟公布",
    Event.RELEASE: "审核公布",
    Event.REFUSE: "审核不公布",
    Event.WITHDRAW: "撤回公布",
}
_WORK, _RELEASE = Permission.WORK_CONSULT, Permission.RELEASE_PUBLICATION
STEPS: dict[tuple[State, Event], tuple[State, Permission | None]] = {
    (State.ASKED, Event.LAPSE): (State.ASKED, None),
    (State.ASKED, Event.ANSWER): (State.ANSWERED, _WORK),
    (State.ANSWERED, Event.DRAFT): (State.DRAFTED, _WORK),
    (State.DRAFTED, Event.RELEASE): (State.RELEASED, _RELEASE),
    (State.DRAFTED, Event.REFUSE): (State.ANSWERED, _RELEASE),
    (State.RELEASED, Event.WITHDRAW): (State.ANSWERED, _RELEASE),
}
"""(before, event) -> (after, who may; None: the clock)."""


class Consult(Struct, frozen=True, kw_only=True):
    """A question as its events have made it. `drafted_by`: who may not release it."""

    state: State = State.ASKED
    clock: Clock | None
    lapsed: date | None = None  # the last day, where it passed without an answer
    drafted_by: str = ""


def asked(day: date, calendar: Calendar) -> Consult:
    """On a day off it counts as asked on the next working day."""
    return Consult(clock=clocks.begin(calendar.roll_forward(day), ANSWER_DAYS))


def refusal(one: Consult, event: Event, may: Permission | None, who: str) -> str:
    """Why it may not happen now, for people; empty if it may."""
    step = STEPS.get((one.state, event))
    if step is None:
        return f"{one.state.word}时不能{event.word}"
    if step[1] is not may:
        return f"{event.word}不由这一方办理"
    if event is Event.RELEASE and who == one.drafted_by:
        return "拟公布的人不能自己审核"
    return "已经记录过逾期" if event is Event.LAPSE and one.lapsed is not None else ""


def applied(one: Consult, event: Event, may: Permission | None, who: str, calendar: Calendar) -> Consult:
    """`one` after `event`. Raises RejectedError with the reason where it may not happen."""
    why = refusal(one, event, may, who)
    if why:
        raise RejectedError(why, hint="请刷新后再看，或由有权限的另一人办理")
    moved = replace(one, state=STEPS[one.state, event][0])
    if event is Event.LAPSE:
        return replace(moved, lapsed=due(one, calendar))
    if event is Event.ANSWER:
        return replace(moved, clock=None)
    return replace(moved, drafted_by=who) if event is Event.DRAFT else moved


def due(one: Consult, calendar: Calendar) -> date | None:
    """The last day of the answer; None: it is given."""
    return clocks.due(one.clock, calendar) if one.clock is not None else None


def has_passed(one: Consult, today: date, calendar: Calendar) -> bool:
    """Whether a lapse is to be noted. A day that no notice has published yet accuses nobody (supervision.md 3.5)."""
    last = due(one, calendar)
    return one.lapsed is None and last is not None and today > last and not calendar.is_provisional(last)


class Account(Struct, frozen=True, kw_only=True):
    """What is published of a question, for whoever has its number and code."""

    number: str
    item: str
    asked: date
    due: date | None
    answer: str
    is_late: bool


class Answer(Struct, frozen=True, kw_only=True):
    """What anybody may read: a question and its answer, redacted and released."""

    number: int
    item: str
    item_code: str
    question: str
    answer: str
    day: date
