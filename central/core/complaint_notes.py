"""Who is told when a complaint has moved: the unit that has it, the officers, one level higher. Pure.

A note to the unit says the topic and the day, nothing of who complained, and no number of it.
"""

from datetime import date

from msgspec import Struct

from central.core import callback
from central.core.calendar import Calendar
from central.core.complaint import ENDS, Complaint, Event, State, due, owed
from central.core.ladder import Level


class Note(Struct, frozen=True):
    """`what` goes behind the topic; `last`: the day that is due."""

    level: Level
    what: str
    ask: str
    last: date | None

    @property
    def is_to_unit(self) -> bool:
        return self.level is Level.COMPLAINT


_OFFICER = "请登录明察办理。"
_UNIT = "请登录明察办理并报结果。"


def notes(one: Complaint, event: Event, calendar: Calendar) -> list[Note]:
    """What is told of `event`, after which the complaint is `one`; a passed day also tells those who watch the hall's own work."""
    last, calls = due(one, calendar), owed(one)
    own = Level.COMPLAINED if one.level == 1 else Level.RISEN
    turn = Level.COMPLAINT if one.state is State.ASSIGNED else own
    if event in {Event.LAPSE, Event.CALL_LAPSE}:
        return _late(turn if event is Event.LAPSE else Level.COMPLAINED, event)
    said = {
        Event.RECEIVE: (own, "：新收到的投诉", "请登录明察决定是否受理。"),
        Event.ASSIGN: (turn, "：群众投诉，交你单位办理", _UNIT),
        Event.URGE: (turn, "：投诉人催办", _UNIT if turn is Level.COMPLAINT else _OFFICER),
        Event.SUPERVISE: (turn, "：监察人员督办", _UNIT if turn is Level.COMPLAINT else _OFFICER),
        Event.ANSWER: (own, "：单位已报投诉办理结果", "请登录明察答复。"),
        Event.UNSOLVED: (Level.RISEN, f"：投诉人说没解决，升至第 {one.level} 级", _OFFICER),
    }
    if turn is Level.COMPLAINT:
        said[Event.EXTEND] = (turn, "：投诉的办理期限已延长", _UNIT)
    if calls is not None:
        said[Event.REPLY] = (Level.COMPLAINED, "：已答复，须电话回访", "请登录明察回访。")
        last = callback.due(calls, calendar)
    said[Event.HEARD_UNSOLVED] = said[Event.UNSOLVED]
    return [] if one.state in ENDS or event not in said else [Note(*said[event], last)]


def _late(turn: Level, event: Event) -> list[Note]:
    """Whoever is one level higher is among those who watch."""
    what = "：投诉逾期未回访" if event is Event.CALL_LAPSE else "：投诉逾期未办"
    return [
        Note(level, what, _UNIT if level is Level.COMPLAINT else _OFFICER, None)
        for level in (Level.OWN, turn)
        if level is not Level.RISEN
    ]
