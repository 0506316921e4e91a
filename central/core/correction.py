"""Correction 纠错 of one light: its states, who may move it on, and until when. One table; the diagram in the docs is made of it.

supervision.md 3.9. A correction is moved by events alone, and an event either is a row of `STEPS` or is refused with a reason.
Every stage stands under the same Clock as the cases; an appeal stops the stage's clock and has its own. Finding somebody at
fault starts two things side by side, accountability and rectification: closing needs both. One that turns out to be another
unit's is closed, and a new one is raised for that unit.
"""

from datetime import date
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import clock as clocks
from central.core.access import Role
from central.core.calendar import Calendar
from central.core.clock import Clock
from central.core.document import Kind
from common.core.errors import RejectedError


class State(StrEnum):
    """Where a correction stands."""

    RAISED = "raised"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    DRAFTED = "drafted"
    REVIEWED = "reviewed"
    ISSUED = "issued"
    SERVED = "served"
    EXPLAINED = "explained"
    OVERDUE = "overdue"
    APPEALED = "appealed"
    EXCUSED = "excused"
    REASSIGNED = "reassigned"
    RECTIFYING = "rectifying"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return _STATE_WORDS[self]


_STATE_WORDS = {
    State.RAISED: "已亮灯",
    State.NOTIFIED: "已提示",
    State.ACKNOWLEDGED: "已知悉",
    State.DRAFTED: "已拟稿",
    State.REVIEWED: "已审核",
    State.ISSUED: "已签发",
    State.SERVED: "已送达",
    State.EXPLAINED: "已说明",
    State.OVERDUE: "逾期未说明",
    State.APPEALED: "申诉中",
    State.EXCUSED: "有正当理由",
    State.REASSIGNED: "非本单位责任",
    State.RECTIFYING: "整改中",
    State.VERIFYING: "复核中",
    State.VERIFIED: "复核通过",
    State.CLOSED: "已销号",
    State.WITHDRAWN: "已撤销",
}
ENDS = frozenset({State.CLOSED, State.WITHDRAWN})


class Event(StrEnum):
    """What moves it on. The clock alone does `notify`, `clear` and the two lapses: a stage's deadline has passed, or that of
    accountability.
    """

    NOTIFY = "notify"
    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"
    DRAFT = "draft"
    REVIEW = "review"
    SEND_BACK = "send_back"
    ISSUE = "issue"
    RECEIVE = "receive"
    SERVE = "serve"
    EXPLAIN = "explain"
    LAPSE = "lapse"
    EXCUSE = "excuse"
    REASSIGN = "reassign"
    UPHOLD = "uphold"
    ACCOUNT = "account"
    ACCOUNT_LAPSE = "account_lapse"
    RECTIFY = "rectify"
    CONFIRM = "confirm"
    REOPEN = "reopen"
    APPEAL = "appeal"
    GRANT = "grant"
    DISMISS = "dismiss"
    REFER = "refer"
    CLOSE = "close"
    WITHDRAW = "withdraw"

    @property
    def word(self) -> str:
        return _EVENT_WORDS[self]


_EVENT_WORDS = {
    Event.NOTIFY: "提示",
    Event.ACKNOWLEDGE: "知悉",
    Event.CLEAR: "灯已解除",
    Event.DRAFT: "拟稿",
    Event.REVIEW: "审核",
    Event.SEND_BACK: "退回",
    Event.ISSUE: "签发",
    Event.RECEIVE: "签收",
    Event.SERVE: "登记纸质送达回证",
    Event.EXPLAIN: "说明理由",
    Event.LAPSE: "逾期",
    Event.EXCUSE: "认定有正当理由",
    Event.REASSIGN: "认定非本单位责任",
    Event.UPHOLD: "认定无正当理由",
    Event.ACCOUNT: "登记责任追究结果",
    Event.ACCOUNT_LAPSE: "责任追究逾期",
    Event.RECTIFY: "报告整改完成",
    Event.CONFIRM: "复核通过",
    Event.REOPEN: "复核不通过",
    Event.APPEAL: "申诉",
    Event.GRANT: "支持申诉",
    Event.DISMISS: "驳回申诉",
    Event.REFER: "上报",
    Event.CLOSE: "销号",
    Event.WITHDRAW: "撤销",
}


class Side(StrEnum):
    """On which side of the correction an event lies: nobody judges the own unit, nobody answers for another."""

    CLOCK = "clock"
    UNIT = "unit"
    HALL = "hall"


class Step(Struct, frozen=True):
    """One row of the table. `apart`: events whose last doer may not do this one (four eyes)."""

    before: State
    event: Event
    after: State
    side: Side
    roles: frozenset[Role] = frozenset()
    apart: tuple[Event, ...] = ()
    document: Kind | None = None
    escalates: bool = False
    needs: str = ""  # red | yellow | accountable | accounted | first_appeal


_UNIT = frozenset({Role.CLERK, Role.HEAD})
_HEAD = frozenset({Role.HEAD})
_STAFF = frozenset({Role.SUPERVISOR})
_BOTH = frozenset({Role.SUPERVISOR, Role.CHIEF})
_CHIEF = frozenset({Role.CHIEF})
_S, _E = State, Event
_JUDGED = (_S.EXPLAINED, _S.OVERDUE)
_APPEALED = (_S.ISSUED, _S.SERVED, *_JUDGED)

STEPS: tuple[Step, ...] = (
    # a yellow light is a reminder: known or over, nothing more
    Step(_S.RAISED, _E.NOTIFY, _S.NOTIFIED, Side.CLOCK, document=Kind.WARNING, needs="yellow"),
    Step(_S.NOTIFIED, _E.ACKNOWLEDGE, _S.ACKNOWLEDGED, Side.UNIT, _UNIT),
    Step(_S.NOTIFIED, _E.LAPSE, _S.NOTIFIED, Side.CLOCK, escalates=True),
    Step(_S.NOTIFIED, _E.CLEAR, _S.CLOSED, Side.CLOCK),
    Step(_S.ACKNOWLEDGED, _E.CLEAR, _S.CLOSED, Side.CLOCK),
    # a red one is a document
    Step(_S.RAISED, _E.DRAFT, _S.DRAFTED, Side.HALL, _STAFF, needs="red"),
    Step(_S.DRAFTED, _E.REVIEW, _S.REVIEWED, Side.HALL, _BOTH, (_E.DRAFT,)),
    Step(_S.DRAFTED, _E.SEND_BACK, _S.RAISED, Side.HALL, _BOTH, (_E.DRAFT,)),
    Step(_S.REVIEWED, _E.ISSUE, _S.ISSUED, Side.HALL, _CHIEF, (_E.DRAFT,), Kind.ORDER),
    Step(_S.REVIEWED, _E.SEND_BACK, _S.RAISED, Side.HALL, _CHIEF, (_E.DRAFT,)),
    Step(_S.ISSUED, _E.RECEIVE, _S.SERVED, Side.UNIT, _UNIT, document=Kind.EXPLAIN),
    Step(_S.ISSUED, _E.SERVE, _S.SERVED, Side.HALL, _STAFF, (_E.ISSUE,), Kind.EXPLAIN),
    Step(_S.ISSUED, _E.LAPSE, _S.ISSUED, Side.CLOCK, document=Kind.URGING, escalates=True),
    # the unit answers
    Step(_S.SERVED, _E.EXPLAIN, _S.EXPLAINED, Side.UNIT, _UNIT),
    Step(_S.SERVED, _E.LAPSE, _S.OVERDUE, Side.CLOCK, document=Kind.URGING, escalates=True),
    Step(_S.OVERDUE, _E.EXPLAIN, _S.EXPLAINED, Side.UNIT, _UNIT),
    Step(_S.OVERDUE, _E.LAPSE, _S.OVERDUE, Side.CLOCK, document=Kind.CIRCULAR, escalates=True),
    # somebody judges
    *(Step(one, _E.EXCUSE, _S.EXCUSED, Side.HALL, _CHIEF) for one in _JUDGED),
    *(Step(one, _E.REASSIGN, _S.REASSIGNED, Side.HALL, _CHIEF) for one in _JUDGED),
    *(Step(one, _E.UPHOLD, _S.RECTIFYING, Side.HALL, _CHIEF, (), Kind.RECTIFICATION) for one in _JUDGED),
    # accountability beside rectification
    *(
        Step(one, _E.ACCOUNT, one, Side.HALL, _STAFF, (), Kind.ACCOUNTABILITY, needs="accountable")
        for one in (_S.RECTIFYING, _S.VERIFYING, _S.VERIFIED)
    ),
    *(
        Step(
            one, _E.ACCOUNT_LAPSE, one, Side.CLOCK, document=Kind.CIRCULAR, escalates=True, needs="accountable"
        )
        for one in (_S.RECTIFYING, _S.VERIFYING, _S.VERIFIED)
    ),
    Step(_S.RECTIFYING, _E.RECTIFY, _S.VERIFYING, Side.UNIT, _HEAD),
    Step(_S.RECTIFYING, _E.LAPSE, _S.RECTIFYING, Side.CLOCK, document=Kind.URGING, escalates=True),
    Step(_S.VERIFYING, _E.CONFIRM, _S.VERIFIED, Side.HALL, _BOTH, (_E.RECTIFY,)),
    Step(_S.VERIFYING, _E.REOPEN, _S.RECTIFYING, Side.HALL, _BOTH, (_E.RECTIFY,), escalates=True),
    # the unit contests
    *(Step(one, _E.APPEAL, _S.APPEALED, Side.UNIT, _HEAD, needs="first_appeal") for one in _APPEALED),
    Step(_S.APPEALED, _E.GRANT, _S.WITHDRAWN, Side.HALL, _CHIEF, (_E.ISSUE, _E.REFER), Kind.APPEAL),
    Step(_S.APPEALED, _E.DISMISS, _S.APPEALED, Side.HALL, _CHIEF, (_E.ISSUE, _E.REFER), Kind.APPEAL),
    Step(_S.APPEALED, _E.REFER, _S.APPEALED, Side.HALL, _CHIEF, (_E.REFER,), escalates=True),
    # the end
    Step(_S.VERIFIED, _E.CLOSE, _S.CLOSED, Side.HALL, _CHIEF, (_E.ISSUE,), Kind.CLOSING, needs="accounted"),
    Step(_S.EXCUSED, _E.CLOSE, _S.CLOSED, Side.HALL, _CHIEF, (_E.ISSUE,), Kind.CLOSING),
    Step(_S.REASSIGNED, _E.CLOSE, _S.CLOSED, Side.HALL, _CHIEF, (_E.ISSUE,), Kind.CLOSING),
    *(
        Step(one, _E.LAPSE, one, Side.CLOCK, escalates=True)
        for one in (
            _S.RAISED, _S.DRAFTED, _S.REVIEWED, _S.EXPLAINED, _S.EXCUSED, _S.REASSIGNED, _S.VERIFYING, _S.VERIFIED, _S.APPEALED,
        )
    ),
    *(Step(one, _E.WITHDRAW, _S.WITHDRAWN, Side.HALL, _CHIEF, (_E.ISSUE,)) for one in State if one is not _S.WITHDRAWN),
)  # fmt: skip
"""`dismiss` goes back to where the appeal came from: its `after` is the one that `applied` replaces."""

DAYS: dict[State, int] = {
    State.RAISED: 1,
    State.NOTIFIED: 1,
    State.DRAFTED: 1,
    State.REVIEWED: 1,
    State.ISSUED: 1,
    State.SERVED: 3,
    State.EXPLAINED: 5,
    State.OVERDUE: 5,
    State.APPEALED: 3,
    State.EXCUSED: 1,
    State.REASSIGNED: 1,
    State.RECTIFYING: 10,
    State.VERIFYING: 5,
    State.VERIFIED: 15,
}
"""Working days of each stage (supervision.md 3.3, 3.9; 整改 is the order's own, ten where it says nothing). A yellow light that is
known waits for its case, which has a clock of its own."""
ACCOUNT_DAYS = 15


class Actor(Struct, frozen=True):
    """Who moves it on. `unit`: where the person belongs; empty in the supervising issuer."""

    person: str
    role: Role
    unit: str = ""


class Correction(Struct, frozen=True, kw_only=True):
    """One correction as its events have made it. `clock`: of the stage; None where nothing waits."""

    unit: str
    is_red: bool
    state: State = State.RAISED
    clock: Clock | None = None
    account: Clock | None = None  # of accountability, from the finding until its result
    accounted: bool = False
    level: int = 0  # how often it went one level up
    last: tuple[tuple[Event, str], ...] = ()  # who did an event last
    held: tuple[State, Clock | None] | None = None  # the stage that an appeal has stopped
    has_appealed: bool = False

    def doer(self, event: Event) -> str | None:
        return dict(self.last).get(event)


def raised(unit: str, day: date, *, is_red: bool) -> Correction:
    """A light has been lit on `day`."""
    return Correction(unit=unit, is_red=is_red, clock=clocks.begin(day, DAYS[State.RAISED]))


def step_of(state: State, event: Event) -> Step | None:
    return _STEPS.get((state, event))


_STEPS = {(step.before, step.event): step for step in STEPS}


def refusal(one: Correction, event: Event, actor: Actor | None) -> str:
    """Why `actor` (None: the clock) may not do `event` now, for people; empty if they may."""
    step = step_of(one.state, event)
    if step is None:
        return f"{one.state.word}时不能{event.word}"
    return _not_now(one, step) or _not_by(one, step, actor)


def _not_now(one: Correction, step: Step) -> str:
    return {
        "": "",
        "red": "" if one.is_red else "黄灯只提示，不出具督办文书",
        "yellow": "红灯须出具文书，不能只提示" if one.is_red else "",
        "accountable": "" if one.account is not None else "责任追究结果已经登记",
        "accounted": "" if one.accounted else "责任追究还没有结果",
        "first_appeal": "申诉已经处理过一次" if one.has_appealed else "",
    }[step.needs]


def _not_by(one: Correction, step: Step, actor: Actor | None) -> str:
    if step.side is Side.CLOCK or actor is None:
        return (
            ""
            if step.side is Side.CLOCK and actor is None
            else f"{step.event.word}不由人办理，也不能无人办理"
        )
    if actor.role not in step.roles:
        return f"{step.event.word}须由{'、'.join(sorted(role.word for role in step.roles))}办理"
    if step.side is Side.UNIT and actor.unit != one.unit:
        return "只能由被督办单位自己办理"
    if step.side is Side.HALL and actor.unit == one.unit:
        return "不能办理本单位的纠错"
    for event in step.apart:
        if one.doer(event) == actor.person:
            return f"{event.word}的人不能自己{step.event.word}"
    return ""


def applied(one: Correction, event: Event, actor: Actor | None, day: date, calendar: Calendar) -> Correction:
    """`one` after `event` on `day`. Raises RejectedError with the reason where it may not happen."""
    why = refusal(one, event, actor)
    if why:
        raise RejectedError(why, hint="请由有权限的另一人办理，或先完成前一步")
    step = _STEPS[one.state, event]
    moved = replace(one, state=step.after, level=one.level + step.escalates, last=_noted(one, event, actor))
    if event is Event.LAPSE and step.after is one.state:
        return replace(moved, clock=clocks.begin(day, DAYS[one.state]))
    if event is Event.APPEAL:
        stopped = clocks.pause(one.clock, day, calendar) if one.clock is not None else None
        moved = replace(moved, held=(one.state, stopped), has_appealed=True)
    if event is Event.DISMISS and one.held is not None:
        state, stopped = one.held
        going = clocks.resume(stopped, day) if stopped is not None else None
        return replace(moved, state=state, clock=going, held=None)
    if event is Event.ACCOUNT_LAPSE:
        return replace(moved, account=clocks.begin(day, ACCOUNT_DAYS))
    if event is Event.ACCOUNT:
        return replace(moved, account=None, accounted=True)
    if event is Event.UPHOLD:
        moved = replace(moved, account=clocks.begin(day, ACCOUNT_DAYS))
    if step.after in ENDS:
        return replace(moved, clock=None, account=None, held=None)
    if step.after is State.SERVED and one.clock is not None:
        # The order names its last day as if it had been received on the last day for that: nobody answers earlier by haste.
        day = max(day, clocks.due(one.clock, calendar))
    days = DAYS.get(step.after)
    return replace(moved, clock=clocks.begin(day, days) if days is not None else None)


def _noted(one: Correction, event: Event, actor: Actor | None) -> tuple[tuple[Event, str], ...]:
    if actor is None:
        return one.last
    return tuple(sorted({**dict(one.last), event: actor.person}.items()))
