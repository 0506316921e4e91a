"""A hall in memory: a box captures what the office records, in rounds; the records arrive in any order; the cores judge.

Only completeness and the proof of a version's time are written anew here, by looking through all that arrived; everything
else is the hall's own.
"""

from collections.abc import Sequence
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from central.core import case as cases
from central.core import judgement
from central.core.case import CaseState
from central.core.item import Item
from central.core.judgement import Bench
from central.core.past import Law, Saying
from common.core.record import Case
from common.core.state import ClockKind, Light
from tests.law import histories
from tests.law.histories import ZONE, History
from tests.law.oracle import DAY, HOUR

Place = tuple[ClockKind, int]
ROUND = 4 * HOUR


class Sent(Struct, frozen=True):
    """A version of a row, or a pass over all tables where `row` is None. `at`: by the box's clock, `err` wrong at most."""

    seq: int
    at: int
    err: int
    row: cases.Row | None = None
    version: int = 0


def captured(history: History, rng: Random, days: int, ahead: int = 0) -> list[tuple[int, Sent]]:
    """When (by the hall's clock) a box captured what, in its order, over `days`; its clock is `ahead`, and it knows so.

    One completion in two is written into the row of the case itself.
    """
    err = abs(ahead)
    joined = rng.random() < 0.5
    told: dict[tuple[str, str], int] = {}
    facts = sorted(history.facts, key=lambda fact: fact.known_at)
    start = min(fact.known_at for fact in facts) - 10 * HOUR
    found: list[tuple[int, Sent]] = []
    case = next(fact.row for fact in facts if fact.row.table == "case")
    for number in range(days * DAY // ROUND):
        began = start + number * ROUND
        at = began + rng.randrange(ROUND // 2)
        for fact in facts:
            if not began - ROUND < fact.known_at <= began:
                continue
            row = fact.row
            if joined and row.table == "case.result" and told.get((case.table, case.key)):
                row = _joined(case, row)
            place = row.table, row.key
            told[place] = told.get(place, 0) + 1
            found.append((at, Sent(len(found) + 1, at + ahead, err, row, told[place])))
        found.append((at, Sent(len(found) + 1, began + ahead, err)))
    return found


def _joined(case: cases.Row, result: cases.Row) -> cases.Row:
    assert isinstance(case.body, Case)
    assert isinstance(result.body, Case)
    body = replace(case.body, finished_at=result.body.finished_at, status=result.body.status)
    return replace(case, body=body)


class Hall:
    """The lights of one case as records arrive."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.held: dict[int, Sent] = {}
        self.lights: dict[Place, Light] = {}
        self.reds: dict[Place, tuple[int, str]] = {}
        self.dues: dict[Place, int] = {}
        self.yellows: dict[Place, int | None] = {}
        self.ever: set[Place] = set()
        calendar = histories.LAWS[0].calendar
        self.law = Law(lambda _: calendar, self._item, [], ZONE)

    def _item(self, _: CaseState) -> Item:
        return self.item

    def take(self, records: Sequence[Sent]) -> None:
        self.held |= {one.seq: one for one in records}

    def _until(self, now: int) -> int | None:
        """The newest pass below which nothing is missing."""
        found = None
        for number in range(1, len(self.held) + 1):
            one = self.held.get(number)
            if one is None:
                break
            if one.row is None:
                found = max(found or 0, min(one.at - one.err, now))
        return found

    def _rows(self, *, sure: bool) -> dict[tuple[str, str], list[Saying]]:
        rows: dict[tuple[str, str], list[Saying]] = {}
        newest: int | None = None
        for number in sorted(self.held):
            one = self.held[number]
            if one.row is None:
                newest = one.at - one.err
                continue
            since = None if newest is None or not sure else min(newest, one.at)
            rows.setdefault((one.row.table, one.row.key), []).append(Saying(one.row, since, one.at))
        return rows

    def judge(self, now: int) -> None:
        rows = self._rows(sure=False)
        if not rows:
            return
        bench = Bench(
            self.law,
            lambda kind, cycle: self.lights.get((kind, cycle), Light.NONE),
            frozenset(),
            self._until(now),
            now,
        )
        look = judgement.look("7", rows, bench)
        if look.needs_proof:
            look = judgement.prove(look, self._rows(sure=True), bench)
        self.yellows = {}
        kept = {place: light for place, light in self.lights.items() if light is Light.RED}
        self.lights = {}
        for one in judgement.judged(look, bench):
            verdict = one.verdict
            place = verdict.limit.kind, verdict.limit.cycle
            self.yellows[place] = one.yellowed_at
            if place in kept:
                continue
            self.lights[place] = verdict.light
            self.dues[place] = verdict.limit.due_at
            if verdict.light is Light.RED:
                self.reds[place] = verdict.limit.due_at, verdict.why
        self.lights |= kept

    def shown(self) -> dict[str, object]:
        """Every light with its due instant; of a red one also its reason."""
        return {
            f"{kind.value} {cycle}": (light.value, self.reds.get((kind, cycle), self.dues[kind, cycle]))
            for (kind, cycle), light in sorted(self.lights.items())
        }


def run(history: History, arrivals: Sequence[tuple[int, Sent]], rng: Random, until: int) -> Hall:
    """Take the records as they arrive, judging now and then and once a day."""
    hall = Hall(history.item)
    ordered = sorted(arrivals, key=lambda pair: pair[0])
    place = 0
    first = ordered[0][0]
    for now in [*range(first, until, DAY), until]:
        while place < len(ordered) and ordered[place][0] <= now:
            at, one = ordered[place]
            hall.take([one])
            place += 1
            if one.row is not None or rng.random() < 0.1:
                hall.judge(at)
        hall.judge(now)
    return hall
