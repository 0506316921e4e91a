"""投诉: its states, who may move it on, and until when. One table, and the same Clock as everything else (supervision.md 3.11).

A complaint is accepted or refused within five working days of its receipt and answered within fifteen, unless the hall has set
other terms; the complainant says whether it is solved, and what is not solved goes on one level higher, where another person of another post answers. A limit that has
passed is a dated fact and stays one. The unit that is complained of reads what the hall has written for it and nothing else.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import callback
from central.core import clock as clocks
from central.core.access import Role
from central.core.calendar import Calendar
from central.core.callback import TRIES, Calls
from central.core.clock import Clock
from common.core.errors import RejectedError

EXTEND_DAYS = 10
"""Ours: once at each level, for a reason that the complainant reads, and only before the day has passed (supervision.md 3.11)."""
VERDICT_DAYS = 10
"""Ours: so long the complainant may say whether it is solved; silence closes, and says that it was silence."""
TOP = 3
TOPICS = ("不受理、推来推去", "超过时限", "多要材料", "乱收费", "态度不好", "其他")
SHORTEST, LONGEST = 10, 2000
SHORTEST_WORDS, LONGEST_WORDS = 4, 1000
"""Of what the hall and the unit write."""


class Terms(Struct, frozen=True):
    """Working days from the receipt until it is accepted or refused, and until it is answered (supervision.md 3.11)."""

    accept: int = 5
    reply: int = 15


TERMS = Terms()
"""Where the hall has set no others."""


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
    """What moves it on. The complainant does `urge`, `solved` and `unsolved`, the clock the lapses and `settle`; the three of the
    call-back are the officer's, who has rung up.
    """

    RECEIVE = "receive"
    ACCEPT = "accept"
    REFUSE = "refuse"
    ASSIGN = "assign"
    EXTEND = "extend"
    URGE = "urge"
    SUPERVISE = "supervise"
    ANSWER = "answer"
    REPLY = "reply"
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    LAPSE = "lapse"
    SETTLE = "settle"
    HEARD_SOLVED = "heard_solved"
    HEARD_UNSOLVED = "heard_unsolved"
    UNREACHED = "unreached"
    CALL_LAPSE = "call_lapse"

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
    Event.SUPERVISE: "督办",
    Event.ANSWER: "单位报结果",
    Event.REPLY: "答复",
    Event.SOLVED: "投诉人：已解决",
    Event.UNSOLVED: "投诉人：没解决",
    Event.LAPSE: "逾期",
    Event.SETTLE: "到期未评价，办结",
    Event.HEARD_SOLVED: "回访：已解决，办结",
    Event.HEARD_UNSOLVED: "回访：没解决",
    Event.UNREACHED: "回访：没有打通",
    Event.CALL_LAPSE: "逾期未回访",
}
HEARD = (Event.HEARD_SOLVED, Event.HEARD_UNSOLVED, Event.UNREACHED)
"""What comes of a call."""


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
    *(Step(one, _E.SUPERVISE, one, Side.HALL) for one in (_S.RECEIVED, *_OPEN)),
    Step(_S.ASSIGNED, _E.ANSWER, _S.ANSWERED, Side.UNIT),
    *(Step(one, _E.REPLY, _S.REPLIED, Side.HALL) for one in _OPEN),
    *(Step(one, _E.LAPSE, one, Side.CLOCK) for one in (_S.RECEIVED, *_OPEN)),
    Step(_S.REPLIED, _E.SOLVED, _S.CLOSED, Side.COMPLAINANT),
    Step(_S.REPLIED, _E.UNSOLVED, _S.ACCEPTED, Side.COMPLAINANT),
    Step(_S.REPLIED, _E.SETTLE, _S.CLOSED, Side.CLOCK),
    Step(_S.REPLIED, _E.HEARD_SOLVED, _S.CLOSED, Side.HALL),
    Step(_S.REPLIED, _E.HEARD_UNSOLVED, _S.ACCEPTED, Side.HALL),
    Step(_S.REPLIED, _E.UNREACHED, _S.REPLIED, Side.HALL),
    Step(_S.REPLIED, _E.CALL_LAPSE, _S.REPLIED, Side.CLOCK),
)
_STEPS = {(step.before, step.event): step for step in STEPS}

LEVELS: dict[int, Role] = {1: Role.COMPLAINTS, 2: Role.SUPERVISOR, TOP: Role.CHIEF}
"""Who works it at each level: one up is another post."""
WATCHERS = (Role.SUPERVISOR, Role.CHIEF)
"""Who sees to it that others work it; not the post whose own work it is at this level."""
_UNIT = frozenset({Role.CLERK, Role.HEAD})


class Actor(Struct, frozen=True):
    """Who moves it on. `places`: sites and offices the person belongs to, of which nothing is judged."""

    person: str
    role: Role
    places: frozenset[str] = frozenset()


class Complaint(Struct, frozen=True, kw_only=True):
    """A complaint as its events have made it. `clock`: of what waits; None: nothing does. `reply_days`: the limit that it was received under."""

    state: State = State.RECEIVED
    level: int = 1
    clock: Clock | None
    reply_clock: Clock
    reply_days: int = TERMS.reply
    lapsed: tuple[date, ...] = ()  # last days that passed: facts
    is_told_late: bool = False  # the passed day of this clock is noted already
    site: str = ""  # to whom it was assigned
    org: str = ""
    repliers: tuple[str, ...] = ()
    was_solved: bool | None = None
    is_extended: bool = False
    urged: tuple[date, ...] = ()  # days on which the complainant asked to hurry
    supervised: tuple[date, ...] = ()  # and on which whoever watches did
    can_call: bool = False  # a telephone was left
    calls: Calls | None = None  # of the present answer


def received(day: date, calendar: Calendar, terms: Terms = TERMS, *, can_call: bool = False) -> Complaint:
    """Filed on `day`; on a day off it counts as received on the next working day (supervision.md 3.2-2)."""
    start = calendar.roll_forward(day)
    accept, reply = clocks.begin(start, terms.accept), clocks.begin(start, terms.reply)
    return Complaint(clock=accept, reply_clock=reply, reply_days=terms.reply, can_call=can_call)


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
    if step.event in HEARD:
        return _not_called_by(one, actor)
    works, is_watched = LEVELS[one.level], step.event is Event.SUPERVISE
    may = [role for role in WATCHERS if role is not works] if is_watched else [works]
    if actor.role not in may:
        who = "或".join(role.word for role in may)
        return f"第 {one.level} 级由{who}{'督办' if is_watched else '办理'}"
    if {one.site, one.org} & actor.places - {""}:
        return "不能办理对本单位的投诉"
    if step.event is Event.REPLY and actor.person in one.repliers:
        return "答复过的人不能再答复同一件投诉"
    return ""


def _not_called_by(one: Complaint, actor: Actor) -> str:
    """Who is called is known to the officers of complaints alone; who has answered does not ask how good the answer was."""
    if one.calls is None or not one.calls.is_owed:
        return "没有留电话，不回访" if one.calls is None else f"{TRIES} 次没有打通，不再回访"
    if actor.role is not Role.COMPLAINTS:
        return f"回访由{Role.COMPLAINTS.word}办理"
    if {one.site, one.org} & actor.places - {""}:
        return "不能办理对本单位的投诉"
    return "答复的人不能自己回访" if actor.person in one.repliers[-1:] else ""


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
        calls = callback.begun(day, calendar) if one.can_call else None
        return replace(
            moved, clock=wait, is_told_late=False, repliers=(*one.repliers, actor.person), calls=calls
        )
    return _ended(moved, event) if moved.state in ENDS else moved


def _ended(one: Complaint, event: Event) -> Complaint:
    solved = {Event.SOLVED: True, Event.HEARD_SOLVED: True, Event.HEARD_UNSOLVED: False}
    return replace(one, clock=None, calls=None, was_solved=solved.get(event, one.was_solved))


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
    """One level up, the days of an answer anew. At the last one, who was called and is not content is told of the courts."""
    if one.level >= TOP:
        return _ended(replace(one, state=State.CLOSED), Event.HEARD_UNSOLVED)
    again = clocks.begin(calendar.roll_forward(day), one.reply_days)
    return replace(
        one,
        level=one.level + 1,
        clock=again,
        reply_clock=again,
        is_told_late=False,
        site="",
        org="",
        is_extended=False,
        calls=None,
    )


def _unreached(one: Complaint, day: date, calendar: Calendar) -> Complaint:
    assert one.calls is not None
    return replace(one, calls=callback.missed(one.calls, day, calendar))


def _call_lapsed(one: Complaint, _day: date, calendar: Calendar) -> Complaint:
    assert one.calls is not None
    return replace(one, calls=callback.lapsed(one.calls, calendar))


def _urged(one: Complaint, day: date, _calendar: Calendar) -> Complaint:
    return replace(one, urged=(*one.urged, day))


def _supervised(one: Complaint, day: date, _calendar: Calendar) -> Complaint:
    if day in one.supervised:
        raise RejectedError("今天已经督办过一次", hint="请明天再督办")
    return replace(one, supervised=(*one.supervised, day))


_CHANGES: dict[Event, Callable[[Complaint, date, Calendar], Complaint]] = {
    Event.LAPSE: _lapsed,
    Event.UNSOLVED: _raised,
    Event.HEARD_UNSOLVED: _raised,
    Event.UNREACHED: _unreached,
    Event.CALL_LAPSE: _call_lapsed,
    Event.EXTEND: _extended,
    Event.URGE: _urged,
    Event.SUPERVISE: _supervised,
}


def may_extend(one: Complaint, day: date, calendar: Calendar) -> bool:
    """Whether an extension would still count on `day`."""
    return not one.is_extended and day <= clocks.due(one.reply_clock, calendar)


def due(one: Complaint, calendar: Calendar) -> date | None:
    """The last day of what waits; of an answered one, the complainant's."""
    return clocks.due(one.clock, calendar) if one.clock is not None else None


def owed(one: Complaint) -> Calls | None:
    """The call-back that is still to be made."""
    return one.calls if one.calls is not None and one.calls.is_owed else None


def work_due(one: Complaint, calendar: Calendar) -> date | None:
    """The last day of what the hall has to do, or waits for."""
    return callback.due(owed(one), calendar) or due(one, calendar)


def check_day(one: Complaint, calendar: Calendar) -> date | None:
    """The day after whose end the clock may have something to say."""
    calls = owed(one)
    if calls is not None:
        return None if calls.is_told_late else callback.due(calls, calendar)
    return None if one.is_told_late else due(one, calendar)


def passed(one: Complaint, today: date, calendar: Calendar) -> Event | None:
    """What the clock does today: nobody's silence closes before the call-back is made. A day that no notice has published yet
    accuses nobody (supervision.md 3.5).
    """
    calls = owed(one)
    if calls is not None:
        return Event.CALL_LAPSE if callback.has_passed(calls, today, calendar) else None
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
