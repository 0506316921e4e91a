"""What a rule of the law is: what it looks at, what it may answer, and the figures it leaves to policy. Pure."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import acts
from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.item import Item
from central.core.limit import Limit, is_former
from central.core.pack import PACK, Pack
from central.core.rules import Verdict
from common.core.instant import end_of_day
from common.core.state import ClockKind, Light, StepKind


class Answer(StrEnum):
    """What a rule says of a case."""

    KEPT = "kept"
    BROKEN = "broken"
    NO_DATA = "no_data"
    WATCHED = "watched"  # lawful, and looked at by people all the same

    @property
    def word(self) -> str:
        return {"kept": "符合", "broken": "不符合", "no_data": "无数据", "watched": "重点监察"}[self.value]


class Said(Struct, frozen=True):
    """An answer with its reason, and the light it may bring."""

    answer: Answer
    why: str
    light: Light = Light.NONE
    again_at: int | None = None  # more can be said once the site's data is whole up to here


class Subject(Struct, frozen=True):
    """Everything a rule may look at."""

    case: CaseState
    item: Item | None
    verdicts: list[Verdict]
    calendar: Calendar
    zone: ZoneInfo
    whole_until: int | None
    pack: Pack = PACK

    def day(self, text: str | None) -> date | None:
        return acts.day(text, self.zone)

    def published(self, day: date) -> date:
        """`day`, which a rule holds an act against. Raises ValueError where it is a guess: nobody is judged by one."""
        if self.calendar.is_provisional(day):
            msg = f"{day} is not published"
            raise ValueError(msg)
        return day

    def nth(self, day: date, n: int) -> date:
        """The n-th working day after `day`. Raises ValueError outside the published calendar."""
        return self.published(self.calendar.nth(day, n))

    def is_whole(self, day: date) -> bool:
        """Whether nothing up to the end of `day` is still on its way."""
        return self.whole_until is not None and self.whole_until >= end_of_day(day, self.zone)

    def waits(self, what: str, due: date) -> Said:
        """An act that has not come: nothing can be said of it before the data is whole up to the end of `due`."""
        return Said(
            Answer.NO_DATA, f"{due} 前应{what}，尚未到期或数据未到", again_at=end_of_day(due, self.zone)
        )

    def limit(self, kind: ClockKind) -> Limit | None:
        """That of the newest filing."""
        found = (one.limit for one in self.verdicts if one.limit.kind is kind)
        return next((one for one in found if not is_former(kind, one.cycle, self.case)), None)


class Rule(Struct, frozen=True):
    """A row of the table. `ask` gives None where the rule has nothing to say of this case."""

    id: str
    article: str
    demand: str
    ask: Callable[[Subject], Said | None]
    document: str = ""
    step: StepKind | None = None  # only a case with such a step is asked
    confirm: bool = False  # a person must have looked before it is held against anybody
    kept_elsewhere: bool = False  # a clock has the light, or it is of the item and not of the case


class Result(Struct, frozen=True):
    """`pack`: version of the figures that the answer rests on."""

    rule: Rule
    said: Said
    pack: int


def kept(why: str) -> Said:
    """Lawful, as far as is known."""
    return Said(Answer.KEPT, why)


def missing(what: str) -> Said:
    """The source does not say, so nobody is accused."""
    return Said(Answer.NO_DATA, f"业务系统未记录{what}")


def yellow(why: str) -> Said:
    """A lesser fault."""
    return Said(Answer.BROKEN, why, Light.YELLOW)


def red(why: str) -> Said:
    """A breach of the law."""
    return Said(Answer.BROKEN, why, Light.RED)
