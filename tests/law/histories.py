"""Random histories of one case, shown to the engine and to the oracle look by look: late facts, gaps of the site, another
calendar in the middle, procedures that end on days off, extensions in time and late."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

import central
from central.core import calendar as calendars
from central.core import case as cases
from central.core import rules
from central.core.calendar import Calendar, CalendarData
from central.core.item import Item
from common.core.record import Case, Step
from common.core.state import CaseStatus, ClockKind, Light, Procedure, StepKind
from tests.law import oracle
from tests.law.oracle import DAY, HOUR, Days, Longer, Pause, Told, When

ZONE = ZoneInfo("Asia/Shanghai")
DATA = Path(central.__file__).parent / "data" / "calendar_cn.json"
_PUBLISHED = msgspec.json.decode(DATA.read_bytes(), type=CalendarData)
_FIRST, _LAST = date(2025, 1, 1), _PUBLISHED.last
LIMITS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45)
DECISION = {ClockKind.STATUTE, ClockKind.PROMISE}


class Law(Struct, frozen=True):
    """One calendar as the engine has it and as the oracle does."""

    calendar: Calendar
    days: Days


class Fact(Struct, frozen=True):
    """A source row, and since when the source has it."""

    row: cases.Row
    meant: tuple[str, object]
    happened_at: int
    known_at: int


class Look(Struct, frozen=True):
    """One judgement: when, whole until when, by which calendar, with which facts."""

    at: int
    whole_until: int | None
    law: Law
    facts: list[Fact]


class History(Struct, frozen=True):
    item: Item
    looks: list[Look]
    facts: list[Fact]


def law(version: int, flips: Sequence[date] = ()) -> Law:
    """The published calendar from 2025 on, with `flips` the other way round."""
    known = [
        works != (day in flips) for day, works, _ in calendars.published_days(_PUBLISHED) if day >= _FIRST
    ]
    calendar = Calendar(version, _FIRST, known)
    works = bytes(calendar.is_workday(_FIRST + timedelta(days=n)) for n in range(len(known) + 800))
    return Law(calendar, Days(works, _FIRST.toordinal(), _LAST.toordinal()))


LAWS = [law(1)]


def other_law(rng: Random) -> Law:
    """Some days of the two years turned over: a correction of the notice."""
    span = (_LAST - _FIRST).days
    return law(2, [_FIRST + timedelta(days=rng.randrange(span)) for _ in range(rng.randint(1, 12))])


OTHER = [other_law(Random(seed)) for seed in range(40)]


def make(rng: Random, *, prompt: bool = False) -> History:
    """One history with its looks. `prompt`: an office that records every act when it happens, and the end of a
    procedure in one way only: in its own row, or by a resumption."""
    legal = rng.choice(LIMITS)
    promised = rng.choice([None, 0, *(days for days in LIMITS if days <= legal)])
    counts = rng.random() < 0.3
    item = Item("SX1", "许可", legal, promised, receipt_counts=counts)
    last = _LAST.toordinal() - (0 if rng.random() < 0.05 else 120)
    start = rng.randrange(_FIRST.toordinal() + 30, last)
    facts = _facts(rng, start, legal, received=counts, prompt=prompt)
    if prompt:
        facts = [Fact(fact.row, fact.meant, fact.happened_at, fact.happened_at) for fact in facts]
    looks = []
    at = oracle.midnight(start) + rng.randrange(0, 30 * DAY)
    whole: int | None = None
    first, second = LAWS[0], rng.choice(OTHER) if rng.random() < 0.3 else LAWS[0]
    for number in range(rng.randint(1, 3)):
        lag = 0 if rng.random() < 0.5 else rng.randrange(30 * DAY)
        whole = max(whole or 0, at - lag) if rng.random() < 0.95 or whole else None
        known = [
            fact
            for fact in facts
            if fact.known_at <= (whole or 0) or (fact.known_at <= at and rng.random() < 0.5)
        ]
        looks.append(Look(at, whole, second if number else first, known))
        at += rng.randrange(60 * DAY)
        if rng.random() < 0.3:  # on the edge of a day
            at = oracle.midnight(oracle.day_at(at)) + rng.choice([-1, 0, 1])
    return History(item, looks, facts)


def _facts(rng: Random, start: int, legal: int, *, received: bool, prompt: bool) -> list[Fact]:
    """The case's rows, each told to the source when it happened or up to 40 days later."""
    found = []
    fields: dict[str, object] = {}
    if received:
        when = _when(rng, start - rng.choice([0, 0, 1, 2, 4, 6, 8, 10]))
        fields["received"] = when
        if rng.random() < 0.2:
            noticed = _when(rng, when.day + rng.randrange(10))
            step = Step(case_key="7", kind=StepKind.SUPPLEMENT, notified_at=text(noticed))
            found.append(_fact(rng, "n", step, ("noticed", noticed), noticed))
    if not received or rng.random() < 0.7:
        fields["accepted"] = _when(rng, start)
    finished = _when(rng, start + rng.randrange(int(legal * 2.5) + 3)) if rng.random() < 0.5 else None
    found += _stops(
        rng, start, legal, *(rng.choice([(1.0, 0.0), (0.0, 0.7)]) if prompt else (0.4, 0.7))
    ) + _longer(rng, start, legal)
    begun = [when for when in fields.values() if isinstance(when, When)]
    row = cases.Row("case", "7", deleted=False, body=_case(fields))
    at = max(_at(when) for when in begun)
    found.append(Fact(row, ("case", fields), at, at))
    if finished is not None:
        ended = rng.random() < 0.5  # the status says so too
        body = Case(case_key="7", finished_at=text(finished), status=CaseStatus.DONE if ended else None)
        row = cases.Row("case.result", "7", deleted=False, body=body)
        meant = "ended" if ended else "finished", finished
        found.append(Fact(row, meant, _at(finished), _at(finished) + _late(rng)))
    return found


def _case(fields: dict[str, object]) -> Case:
    received, accepted = fields.get("received"), fields.get("accepted")
    return Case(
        case_key="7",
        item_code="SX1",
        received_at=text(received) if isinstance(received, When) else None,
        accepted_at=text(accepted) if isinstance(accepted, When) else None,
    )


def _stops(rng: Random, start: int, legal: int, own: float, resumed: float) -> list[Fact]:
    found = []
    for number in range(rng.choice([0, 0, 1, 1, 2, 3])):
        first = _when(rng, start + rng.randrange(-3, legal * 2 + 4))
        last = _when(rng, first.day + rng.randrange(20)) if rng.random() < own else None
        told = _when(rng, first.day + rng.choice([-2, 0, 0, 1, 3])) if rng.random() < 0.4 else None
        procedure = rng.choice([None, Procedure.TEST, Procedure.HEARING, Procedure.OTHER])
        step = Step(
            case_key="7",
            kind=StepKind.PAUSE,
            started_at=text(first),
            finished_at=text(last) if last else None,
            notified_at=text(told) if told else None,
            procedure=procedure,
        )
        meant = Pause(first, last, told, listed=procedure is not Procedure.OTHER)
        found.append(_fact(rng, f"p{number}", step, ("pause", meant), first))
        if rng.random() < resumed:
            again = _when(rng, first.day + rng.randrange(25))
            step = Step(case_key="7", kind=StepKind.RESUME, started_at=text(again))
            found.append(_fact(rng, f"r{number}", step, ("resumed", again), again))
    return found


def _longer(rng: Random, start: int, legal: int) -> list[Fact]:
    found = []
    for number in range(rng.choice([0, 0, 0, 1, 1, 2])):
        approved = _when(rng, start + rng.randrange(-1, int(legal * 1.6) + 4))
        told = _when(rng, approved.day + rng.choice([-1, 0, 0, 2, 9])) if rng.random() < 0.6 else None
        days = rng.choice([None, 1, 3, 5, 10, 30])
        step = Step(
            case_key="7",
            kind=StepKind.EXTEND,
            finished_at=text(approved),
            notified_at=text(told) if told else None,
            days=days,
        )
        found.append(_fact(rng, f"e{number}", step, ("longer", Longer(approved, told, days)), approved))
    return found


def _fact(rng: Random, key: str, step: Step, meant: tuple[str, object], when: When) -> Fact:
    row = cases.Row("step", key, deleted=False, body=step)
    return Fact(row, meant, _at(when), _at(when) + _late(rng))


def _at(when: When) -> int:
    """When an act can have been recorded at the earliest: a date without a time says only its morning."""
    return oracle.midnight(when.day) if when.at is None else when.at


def _late(rng: Random) -> int:
    """How long after the act the source has it; a plan is there before."""
    return rng.choice([0, 0, rng.randrange(3 * DAY), rng.randrange(40 * DAY), -rng.randrange(20 * DAY)])


def _when(rng: Random, day: int) -> When:
    if rng.random() < 0.4:
        return When(day)
    return When(day, oracle.midnight(day) + rng.randrange(24) * HOUR + rng.randrange(1, 3600) * 1_000_000)


def text(when: When) -> str:
    """As a source states it; a day, in one column of three, as its midnight."""
    if when.at is None:
        return f"{date.fromordinal(when.day)}{'' if when.day % 3 else 'T00:00:00+08:00'}"
    secs = (when.at - oracle.midnight(when.day)) // 1_000_000
    return f"{date.fromordinal(when.day)}T{secs // 3600:02}:{secs // 60 % 60:02}:{secs % 60:02}+08:00"


# the two sides -----------------------------------------------------------------------------------------------


class Engine:
    """The lights of one case from look to look, as the hall keeps them."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.lights: dict[tuple[ClockKind, int], Light] = {}
        self.dues: dict[tuple[ClockKind, int], int] = {}

    def look(self, look: Look) -> dict[str, str]:
        """Kind -> light of the decision's limits, red ones with the instant they were lit for."""
        state = cases.as_of(cases.fold("7", [fact.row for fact in look.facts], ZONE), look.at, ZONE)
        found = rules.verdicts(
            state,
            self.item,
            look.law.calendar,
            lambda kind, cycle: self.lights.get((kind, cycle), Light.NONE),
            look.whole_until,
            look.at,
            ZONE,
        )
        lights = {(verdict.limit.kind, verdict.limit.cycle): verdict.light for verdict in found}
        for verdict in found:
            place = verdict.limit.kind, verdict.limit.cycle
            if verdict.light is Light.RED and self.lights.get(place) is not Light.RED:
                self.dues[place] = verdict.limit.due_at
        kept = {place: light for place, light in self.lights.items() if light is Light.RED}
        self.lights = lights | kept
        return {
            kind.value: f"{light.value} {self.dues[kind, 1]}" if light is Light.RED else light.value
            for (kind, _), light in sorted(self.lights.items())
            if kind in DECISION
        }


def engine(history: History) -> list[dict[str, str]]:
    """What is shown after each look."""
    hall = Engine(history.item)
    return [hall.look(look) for look in history.looks]


def expected(history: History) -> list[dict[str, str]]:
    """The same from the oracle."""
    red: dict[str, str] = {}
    shown = []
    for look in history.looks:
        told = oracle.known_by(_told(look.facts), look.at)
        found: dict[str, str] = {}
        start, proof = oracle.start_of(
            told, look.law.days, look.at, receipt_counts=history.item.receipt_counts
        )
        if start is not None and any(fact.meant[0] == "case" for fact in look.facts):
            limits = {"statute": history.item.legal_days}
            promised = history.item.promised_days
            if promised and promised < history.item.legal_days:
                limits["promise"] = promised
            for kind, limit in limits.items():
                light, due = oracle.light(start, limit, told, look.law.days, look.whole_until, look.at, proof)
                found[kind] = f"{light} {due}" if light == "red" else light
                if light == "red":
                    red.setdefault(kind, found[kind])
        shown.append(dict(sorted((found | red).items())))
    return shown


def _told(facts: Sequence[Fact]) -> Told:
    fields: dict[str, object] = {}
    pauses, resumed, longer = list[object](), list[object](), list[object]()
    for fact in facts:
        name, value = fact.meant
        if name == "case":
            assert isinstance(value, dict)
            fields |= value
        elif name in {"finished", "noticed", "ended"}:
            fields |= {"finished": value, "ended": True} if name == "ended" else {name: value}
        else:
            {"pause": pauses, "resumed": resumed, "longer": longer}[name].append(value)
    return Told(**fields, pauses=pauses, resumed=resumed, longer=longer)  # type: ignore[arg-type]


def differing_seeds(seed: int, count: int) -> list[int]:
    """Of `count` histories from `seed` on, those that engine and oracle judge otherwise."""
    return [
        number
        for number in range(seed, seed + count)
        if engine(history := make(Random(number))) != expected(history)
    ]
