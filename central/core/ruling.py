"""What a rule of the law is: what it looks at, what it may answer, and the figures it leaves to policy. Pure."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import acts
from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.item import Item
from central.core.limits import Limit
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


class Pack(Struct, frozen=True):
    """One version of the figures that the rules leave to policy; days are working days."""

    version: int = 1
    receipt_days: int = 1  # 不予受理 is said at once, and that is by then
    publish_days: int = 7  # a decision to grant is public (ours)
    check_days: int = 5  # 行政许可法 55
    reason_length: int = 10  # characters below which a reason is none (ours)
    review_days: int = 20  # 行政许可法 43
    hearing_notice_days: int = 7  # 行政许可法 48, in calendar days: the longer count would accuse more
    hearing_days: int = 20  # 行政许可法 47
    consult_days: int = 5  # 行政许可法 30 names none (ours), where the office has promised none
    accept_days: int = 5  # 行政许可法 32
    entry_days: int = 1  # evidence of a case that the system does not have (ours)


PACK = Pack()
"""The release's own. Others are put into force by `mingcha rules set`, after `mingcha rules try`."""


def in_force(packs: Sequence[tuple[int, Pack]], ended_at: int | None) -> Pack:
    """By which figures a case is asked: decided, by those of its end; else by the newest. `packs`: (since when, figures), oldest first."""
    begun = [pack for since, pack in packs if ended_at is None or since <= ended_at]
    return begun[-1] if begun else PACK


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

    def is_whole(self, day: date) -> bool:
        """Whether nothing up to the end of `day` is still on its way."""
        return self.whole_until is not None and self.whole_until >= end_of_day(day, self.zone)

    def waits(self, what: str, due: date) -> Said:
        """An act that has not come: nothing can be said of it before the data is whole up to the end of `due`."""
        return Said(
            Answer.NO_DATA, f"{due} 前应{what}，尚未到期或数据未到", again_at=end_of_day(due, self.zone)
        )

    def limit(self, kind: ClockKind) -> Limit | None:
        return next((one.limit for one in self.verdicts if one.limit.kind is kind), None)


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
