"""投诉: its states, who may move it on, and until when. One table, and the same Clock as everything else (supervision.md 3.11).

A complaint is accepted or refused within five working days of its receipt and answered within fifteen; the complainant says whether
it is solved, and what is not solved goes on one level higher, where another person of another post answers. A limit that has
passed is a dated fact and stays one. The unit that is complained of reads what the hall has written for it and nothing else.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import clock as clocks
from central.core.access import Role
from central.core.calendar import Calendar
from central.core.clock import Clock
from common.core.errors import RejectedError

ACCEPT_DAYS, REPLY_DAYS = 5, 15
EXTEND_DAYS = 10
"""Ours: once at each level, for a reason that the complainant reads, and only before the day has passed (supervision.md 3.11)."""
VERDICT_DAYS = 10
"""Ours: so long the complainant may say whether it is solved; silence closes, and says that it was silence."""
TOP = 3
TOPICS = ("不受理、推来推去", "超过时限", "多要材料", "乱收费", "态度不好", "其他")
SHORTEST, LONGEST = 10, 2000
SHORTEST_WORDS, LONGEST_WORDS = 4, 1000
"""Of what the hall and the unit write."""


class State(StrEnum):
    """Where a complaint stands."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    REPLIED = "replied"
    CLOSED = "closed"
    REFUSED = "refused"

    @property
    def word(self) -> str:
        return _STATE_WORDS[self]


_STATE_WORDS = {
    State.RECEIVED: "待受理",
    State.ACCEPTED: "已受理，待交办",
    State.ASSIGNED: "单位办理中",
    State.ANSWERED: "单位已报结果，待答复",
    State.REPLIED: "已答复，待评价",
    State.CLOSED: "已办结",
    State.REFUSED: "不予受理",
}
ENDS = frozenset({State.CLOSED, State.REFUSED})


class Event(StrEnum):
    """What moves it on. The complainant does `urge`, `solved` and `unsolved`, the clock `lapse` and `settle`."""

    RECEIVE = "receive"
    ACCEPT = "accept"
    REFUSE = "refuse"
    ASSIGN = "assign"
    EXTEND = "extend"
    URGE = "urge"
    ANSWER = "answer"
    REPLY = "reply"
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    LAPSE = "lapse"
    SETTLE = "settle"

    @property
    def word(self) -> str:
        return _EVENT_WORDS[self]


_EVENT_WORDS = {
    Event.RECEIVE: "收到",
    Event.ACCEPT: "受理",
    Event.REFUSE: "不予受理",
    Event.ASSIGN: "交办",
    Event.EXTEND: f"延期 {EXTEND_DAYS} 个工作日",
    Event.URGE: "投诉人催办",
    Event.ANSWER: "单位报结果",
    Event.REPLY: "答复",
    Event.SOLVED: "投诉人：已解决",
    Event.UNSOLVED: "投诉人：没解决",
    Event.LAPSE: "逾期",
    Event.SETTLE: "到期未评价，办结",
}


class Side(StrEnum):
    """Whose act it is."""

    HALL = "hall"
    UNIT = "unit"
    COMPLAINANT = "complainant"
    CLOCK = "clock"


class Step(Struct, frozen=True):
    """One row of the table."""

    before: State
    event: Event
    after: State
    side: Side


_S, _E = State, Event
_OPEN = (_S.ACCEPTED, _S.ASSIGNED, _S.ANSWERED)
STEPS: tuple[Step, ...] = (
    Step(_S.RECEIVED, _E.ACCEPT, _S.ACCEPTED, Side.HALL),
    Step(_S.RECEIVED, _E.REFUSE, _S.REFUSED, Side.HALL),
    *(Step(one, _E.ASSIGN, _S.ASSIGNED, Side.HALL) for one in _OPEN),
    *(Step(one, _E.EXTEND, one, Side.HALL) for one in _OPEN),
    *(Step(one, _E.URGE, one, Side.COMPLAINANT) for one in (_S.RECEIVED, *_OPEN)),
    Step(_S.ASSIGNED, _E.ANSWER, _S.ANSWERED, Side.UNIT),
    *(Step(one, _E.REPLY, _S.REPLIED, Side.HALL) for one in _OPEN),
    *(Step(one, _E.LAPSE, one, Side.CLOCK) for one in (_S.RECEIVED, *_OPEN)),
    Step(_S.REPLIED, _E.SOLVED, _S.CLOSED, Side.COMPLAINANT),
    Step(_S.REPLIED, _E.UNSOLVED, _S.ACCEPTED, Side.COMPLAINANT),
    Step(_S.REPLIED, _E.SETTLE, _S.CLOSED, Side.CLOCK),
)
_STEPS = {(step.before, step.event): step for step in STEPS}

LEVELS: dict[int, Role] = {1: Role.COMPLAINTS, 2: Role.SUPERVISOR, TOP: Role.CHIEF}
"""Who works it at each level: one up is another post."""
_UNIT = frozenset({Role.CLERK, Role.HEAD})


class Actor(Struct, frozen=True):
    """Who moves it on. `places`: sites and offices the person belongs to, of which nothing is judged."""

    person: str
    role: Role
    places: frozenset[str] = frozenset()


class Complaint(Struct, frozen=True, kw_only=True):
    """A complaint as its events have made it. `clock`: of what waits; None: nothing does."""

    state: State = State.RECEIVED
    level: int = 1
    clock: Clock | None
    reply_clock: Clock
    lapsed: tuple[date, ...] = ()  # last days that passed: facts
    is_told_late: bool = False  # the passed day of this clock is noted already
    site: str = ""  # to whom it was assigned
    org: str = ""
    repliers: tuple[str, ...] = ()
    was_solved: bool | None = None
    is_extended: bool = False
    urged: tuple[date, ...] = ()  # days on which the complainant asked to hurry


def received(day: date, calendar: Calendar) -> Complaint:
    """Filed on `day`; on a day off it counts as received on the next working day (supervision.md 3.2-2)."""
    start = calendar.roll_forward(day)
    return Complaint(clock=clocks.begin(start, ACCEPT_DAYS), reply_clock=clocks.begin(start, REPLY_DAYS))


def refusal(one: Complaint, event: Event, actor: Actor | None, side: Side) -> str:
    """Why it may not happen now, for people; empty if it may. `actor`: None for complainant and clock."""
    step = _STEPS.get((one.state, event))
    if step is None:
        return f"{one.state.word}时不能{event.word}"
    if step.side is not side:
        return f"{event.word}不由这一方办理"
    if event is Event.UNSOLVED and one.level >= TOP:
        return "已经办到最高一级"
    if step.side in {Side.COMPLAINANT, Side.CLOCK} or actor is None:
        return "" if actor is None and step.side in {Side.COMPLAINANT, Side.CLOCK} else "请登录后办理"
    return _not_by(one, step, actor)


def _not_by(one: Complaint, step: Step, actor: Actor) -> str:
    if step.side is Side.UNIT:
        mine = actor.role in _UNIT and bool({one.site, one.org} & actor.places)
        return "" if mine else "只能由被交办的单位自己报结果"
    if actor.role is not LEVELS[one.level]:
        return f"第 {one.level} 级由{LEVELS[one.level].word}办理"
    if {one.site, one.org} & actor.places - {""}:
        return "不能办理对本单位的投诉"
    if step.event is Event.REPLY and actor.person in one.repliers:
        return "答复过的人不能再答复同一件投诉"
    return ""


def applied(
    one: Complaint, event: Event, actor: Actor | None, side: Side, day: date, calendar: Calendar
) -> Complaint:
    """`one` after `event` on `day`. Raises RejectedError with the reason where it may not happen."""
    why = refusal(one, event, actor, side)
    if why:
        raise RejectedError(why, hint="请由有权限的另一人办理，或先完成前一步")
    moved = replace(one, state=_STEPS[one.state, event].after)
    if event in _CHANGES:
        return _CHANGES[event](moved, day, calendar)
    if event is Event.ACCEPT:
        return replace(moved, clock=one.reply_clock, is_told_late=False)
    if event is Event.REPLY:
        assert actor is not None
        wait = clocks.begin(calendar.roll_forward(day), VERDICT_DAYS)
        return replace(moved, clock=wait, is_told_late=False, repliers=(*one.repliers, actor.person))
    if moved.state in ENDS:
        return replace(moved, clock=None, was_solved=True if event is Event.SOLVED else one.was_solved)
    return moved


def _extended(one: Complaint, day: date, calendar: Calendar) -> Complaint:
    if not may_extend(one, day, calendar):
        why = "已经延期过一次" if one.is_extended else "期限已过，不能再延期"
        raise RejectedError(why, hint="请尽快答复，并向投诉人说明")
    longer = clocks.extend(one.reply_clock, EXTEND_DAYS)
    return replace(one, clock=longer, reply_clock=longer, is_extended=True)


def _lapsed(one: Complaint, _day: date, calendar: Calendar) -> Complaint:
    assert one.clock is not None
    return replace(one, lapsed=(*one.lapsed, clocks.due(one.clock, calendar)), is_told_late=True)


def _raised(one: Complaint, day: date, calendar: Calendar) -> Complaint:
    """One level up, fifteen days anew."""
    again = clocks.begin(calendar.roll_forward(day), REPLY_DAYS)
    return replace(
        one,
        level=one.level + 1,
        clock=again,
        reply_clock=again,
        is_told_late=False,
        site="",
        org="",
        is_extended=False,
    )


def _urged(one: Complaint, day: date, _calendar: Calendar) -> Complaint:
    return replace(one, urged=(*one.urged, day))


_CHANGES: dict[Event, Callable[[Complaint, date, Calendar], Complaint]] = {
    Event.LAPSE: _lapsed,
    Event.UNSOLVED: _raised,
    Event.EXTEND: _extended,
    Event.URGE: _urged,
}


def may_extend(one: Complaint, day: date, calendar: Calendar) -> bool:
    """Whether an extension would still count on `day`."""
    return not one.is_extended and day <= clocks.due(one.reply_clock, calendar)


def due(one: Complaint, calendar: Calendar) -> date | None:
    """The last day of what waits."""
    return clocks.due(one.clock, calendar) if one.clock is not None else None


def passed(one: Complaint, today: date, calendar: Calendar) -> Event | None:
    """What the clock does today. A day that no notice has published yet accuses nobody (supervision.md 3.5)."""
    last = due(one, calendar)
    if last is None or today <= last or calendar.is_provisional(last) or one.is_told_late:
        return None
    return Event.SETTLE if one.state is State.REPLIED else Event.LAPSE


# words --------------------------------------------------------------------------------------------------------


def text_fault(text: str, shortest: int = SHORTEST_WORDS, longest: int = LONGEST_WORDS) -> str:
    """Why this text will not do, for people; empty if it will."""
    return (
        ""
        if shortest <= len(text) <= longest
        else f"请写 {shortest} 至 {longest} 个字，现在 {len(text)} 个字"
    )


def tells_who(text: str, name: str, phone: str) -> bool:
    """Whether a text for the unit would tell who has complained: the name, the telephone or a good part of it."""
    digits = "".join(char for char in text if char.isdigit())
    known = "".join(char for char in phone if char.isdigit())
    return (len(name) > 1 and name in text) or (len(known) >= 7 and (known in digits or known[-7:] in digits))


class Happened(Struct, frozen=True):
    """A line that the complainant reads."""

    day: date
    text: str


class Account(Struct, frozen=True, kw_only=True):
    """What is published of a complaint, for whoever has its number and code."""

    number: str
    topic: str
    unit: str
    state: State
    level: int
    due: date | None
    reply: str = ""
    refused: str = ""
    happened: tuple[Happened, ...] = ()
    is_late: bool = False

    @property
    def may_rise(self) -> bool:
        return self.level < TOP


TOLD = {
    Event.RECEIVE: "收到您的投诉",
    Event.ACCEPT: "已经受理",
    Event.REFUSE: "不予受理",
    Event.ASSIGN: "已交有关单位办理（不告诉对方您是谁）",
    Event.EXTEND: f"办理期限延长 {EXTEND_DAYS} 个工作日",
    Event.URGE: "您催办了一次",
    Event.ANSWER: "有关单位已报告办理结果，正在审核",
    Event.REPLY: "已答复",
    Event.SOLVED: "您认为已解决，办结",
    Event.UNSOLVED: "您认为没解决，交上一级重新办理",
    Event.LAPSE: "超过期限没有办完，已记录在案",
    Event.SETTLE: "您没有评价，到期办结",
}


def headline(one: Account) -> str:
    """Where it stands, in a few words."""
    return {
        State.RECEIVED: "已收到，正在决定是否受理",
        State.REPLIED: "已答复，请您评价",
        State.CLOSED: "已办结",
        State.REFUSED: "不予受理",
    }.get(one.state, "已受理，正在办理")
