"""好差评: one matter or one visit, one rating; the two bad levels open a call-back on a Clock (supervision.md 3.11).

A bad rating goes to the office it is about, which says what it has mended within fifteen working days; then the centre calls the
rater back by the next working day (`callback.py`), and what is not mended goes round again one level higher: the head of the office answers. A pattern that no crowd of people makes is marked
and looked at by a person; what a person sets aside stays in the list, with the reason, and is counted apart.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from enum import IntEnum, StrEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import callback
from central.core import clock as clocks
from central.core.access import Permission, Role
from central.core.calendar import Calendar
from central.core.callback import Calls
from central.core.clock import Clock
from common.core.errors import RejectedError
from common.core.instant import MINUTE

MEND_DAYS = 15
RATE_WITHIN_DAYS = 30
"""Ours: so many calendar days after a case has ended it may be rated."""
LONGEST = 500
SHORTEST_WORDS, LONGEST_WORDS = 4, 500
"""Of what office and centre write."""
BURST, BURST_SPAN = 6, 10 * MINUTE
FROM_ONE = 3
ALIKE, ALIKE_LONG = 3, 6
"""Ours. So many at one window within the span; so many of one day from one line; so many comments of that length word for word."""


class Level(IntEnum):
    """How content somebody is; the name is the country's (国办发〔2019〕51号), the points the scheme's (supervision.md 3.12)."""

    BEST = 5
    GOOD = 4
    FAIR = 3
    POOR = 2
    WORST = 1

    @property
    def word(self) -> str:
        return {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}[self.value]

    @property
    def points(self) -> int:
        return {5: 100, 4: 80, 3: 60, 2: 30, 1: 0}[self.value]

    @property
    def is_bad(self) -> bool:
        return self <= Level.POOR


class Flag(StrEnum):
    """Why a person should look: by itself it proves nothing."""

    BURST = "burst"
    ONE_SOURCE = "one_source"
    ALIKE = "alike"

    @property
    def word(self) -> str:
        return {
            Flag.BURST: f"同一窗口 {BURST_SPAN // MINUTE} 分钟内 {BURST} 次以上",
            Flag.ONE_SOURCE: f"同一网络一天 {FROM_ONE} 次以上",
            Flag.ALIKE: f"意见逐字相同 {ALIKE} 次以上",
        }[self]


class State(StrEnum):
    """Where the call-back of a rating stands."""

    NONE = "none"
    MENDING = "mending"
    MENDED = "mended"
    CLOSED = "closed"

    @property
    def word(self) -> str:
        return {
            State.NONE: "不须回访",
            State.MENDING: "单位整改中",
            State.MENDED: "待回访",
            State.CLOSED: "已回访办结",
        }[self]


class Event(StrEnum):
    """What moves it on."""

    RATE = "rate"
    MEND = "mend"
    CONTENT = "content"
    AGAIN = "again"
    UNREACHED = "unreached"
    LAPSE = "lapse"
    ASIDE = "aside"
    COUNT = "count"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    Event.RATE: "收到评价",
    Event.MEND: "单位报整改结果",
    Event.CONTENT: "回访：已整改，办结",
    Event.AGAIN: "回访：没有改好，由部门负责人重新整改",
    Event.UNREACHED: "回访：没有打通",
    Event.LAPSE: "逾期",
    Event.ASIDE: "不计入",
    Event.COUNT: "恢复计入",
}
_STEPS: dict[tuple[State, Event], tuple[State, Permission | None]] = {
    (State.MENDING, Event.MEND): (State.MENDED, Permission.ANSWER_RATING),
    (State.MENDED, Event.CONTENT): (State.CLOSED, Permission.WORK_RATING),
    (State.MENDED, Event.AGAIN): (State.MENDING, Permission.WORK_RATING),
    (State.MENDED, Event.UNREACHED): (State.MENDED, Permission.WORK_RATING),
    (State.MENDING, Event.LAPSE): (State.MENDING, None),
    (State.MENDED, Event.LAPSE): (State.MENDED, None),
    **{(state, Event.ASIDE): (state, Permission.WORK_RATING) for state in State},
    **{(state, Event.COUNT): (state, Permission.WORK_RATING) for state in State},
}
"""(before, event) -> (after, who may; None: the clock). Setting aside moves nothing: what is called back is called back."""
CENTRE_ACTS = (Event.CONTENT, Event.AGAIN, Event.UNREACHED, Event.ASIDE, Event.COUNT)


class Rating(Struct, frozen=True, kw_only=True):
    """A rating as its events have made it. `clock`: of what waits; None: nothing does."""

    level: Level
    state: State
    clock: Clock | None = None
    lapsed: tuple[date, ...] = ()  # last days that passed: facts
    is_told_late: bool = False  # the passed day of this clock is noted already
    is_aside: bool = False
    rounds: int = 0  # how often the office has said that it is mended
    level_up: bool = False  # it was not mended: the head of the office answers
    tries: tuple[date, ...] = ()  # days on which nobody took the call, of this round
    can_call: bool = True  # without a telephone one try is enough


def rated(level: Level, day: date, calendar: Calendar, *, can_call: bool = True) -> Rating:
    """A rating of `day`. A good one waits for nobody. `can_call`: a telephone may be known."""
    if not level.is_bad:
        return Rating(level=level, state=State.NONE)
    clock = _begun(day, MEND_DAYS, calendar)
    return Rating(level=level, state=State.MENDING, clock=clock, can_call=can_call)


def _begun(day: date, days: int, calendar: Calendar) -> Clock:
    return clocks.begin(calendar.roll_forward(day), days)


def refusal(one: Rating, event: Event, may: Permission | None) -> str:
    """Why it may not happen now, for people; empty if it may. `may`: with which right; None: the clock's."""
    step = _STEPS.get((one.state, event))
    if step is None:
        return f"{one.state.word}时不能{event.word}"
    if step[1] is not may:
        return f"{event.word}不由这一方办理"
    if event is Event.ASIDE and one.is_aside:
        return "已经不计入"
    return "还是计入的" if event is Event.COUNT and not one.is_aside else ""


def applied(one: Rating, event: Event, may: Permission | None, day: date, calendar: Calendar) -> Rating:
    """`one` after `event` on `day`. Raises RejectedError with the reason where it may not happen."""
    why = refusal(one, event, may)
    if why:
        raise RejectedError(why, hint="请刷新后再看，或由有权限的人办理")
    moved = replace(one, state=_STEPS[one.state, event][0])
    if event is Event.LAPSE:
        assert one.clock is not None
        return replace(moved, lapsed=(*one.lapsed, clocks.due(one.clock, calendar)), is_told_late=True)
    if event in {Event.ASIDE, Event.COUNT}:
        return replace(moved, is_aside=event is Event.ASIDE)
    if event is Event.UNREACHED:
        calls = callback.missed(Calls(clock=one.clock, tries=one.tries), day, calendar)
        clock = calls.clock if one.can_call else None
        state = State.MENDED if clock is not None else State.CLOSED
        return replace(moved, state=state, clock=clock, is_told_late=False, tries=calls.tries)
    if moved.state is State.CLOSED:
        return replace(moved, clock=None, is_told_late=False)
    if event is Event.MEND:
        call = callback.begun(day, calendar).clock
        return replace(moved, clock=call, is_told_late=False, rounds=one.rounds + 1, tries=())
    return replace(moved, clock=_begun(day, MEND_DAYS, calendar), is_told_late=False, level_up=True)


def not_answered_by(one: Rating, role: Role) -> str:
    """Why this role may not say what was mended; empty if it may."""
    return f"回访没有改好，须由{Role.HEAD.word}报整改结果" if one.level_up and role is not Role.HEAD else ""


def due(one: Rating, calendar: Calendar) -> date | None:
    """The last day of what waits."""
    return clocks.due(one.clock, calendar) if one.clock is not None else None


def has_passed(one: Rating, today: date, calendar: Calendar) -> bool:
    """Whether a lapse is to be noted. A day that no notice has published yet accuses nobody (supervision.md 3.5)."""
    last = due(one, calendar)
    return last is not None and today > last and not calendar.is_provisional(last) and not one.is_told_late


# patterns -----------------------------------------------------------------------------------------------------


class Near(Struct, frozen=True):
    """What a pattern is seen by. `window`: where, empty for the token of a case; `source`: a keyed hash of the line it came from, another every day; `text`: its comment."""

    id: int
    at: int
    window: str
    day: date
    source: bytes
    text: str


def flagged(newest: Near, before: Sequence[Near]) -> dict[int, set[Flag]]:
    """Rating -> the patterns that `newest` makes with those `before` it; every member of a pattern is marked."""
    near = [*before, newest]
    same = [one for one in near if one.source and one.source == newest.source and one.day == newest.day]
    alike = [one for one in near if len(one.text) >= ALIKE_LONG and one.text == newest.text]
    found: dict[int, set[Flag]] = {}
    for flag, members, most in (
        (Flag.BURST, _bunch(near, newest), BURST),
        (Flag.ONE_SOURCE, same, FROM_ONE),
        (Flag.ALIKE, alike, ALIKE),
    ):
        if len(members) >= most:
            for one in members:
                found.setdefault(one.id, set()).add(flag)
    return found


def _bunch(near: Sequence[Near], newest: Near) -> list[Near]:
    """All that lie with `newest` in a span of at least that many: it has come last, and may have been sent before others."""
    mine = (one for one in near if one.window and one.window == newest.window)
    here = sorted(mine, key=lambda one: one.at)
    instants = [one.at for one in here]
    spans = [(first, bisect_left(instants, at + BURST_SPAN)) for first, at in enumerate(instants)]
    crowded = [
        (first, last)
        for first, last in spans
        if last - first >= BURST and instants[first] <= newest.at < instants[first] + BURST_SPAN
    ]
    return here[crowded[0][0] : crowded[-1][1]] if crowded else []


# what a token opens --------------------------------------------------------------------------------------------


class Ticket(Struct, frozen=True, kw_only=True):
    """What is rated. `key`: the case; empty: whatever was done at this window, which anybody may rate who stands before it."""

    site: str
    key: str = ""
    window: str = ""
    place: str
    office: str = ""
    item: str = ""
    until: date | None = None

    @property
    def name(self) -> str:
        """Of the thing that is rated once."""
        return f"{self.site}|{self.key}" if self.key else f"window|{self.site}|{self.window}"


def average(counts: dict[Level, int]) -> float | None:
    """Mean of the points, of those that count; None where there are none."""
    number = sum(counts.values())
    return sum(level.points * many for level, many in counts.items()) / number if number else None
