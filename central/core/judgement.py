"""One case judged: what its source says now, and the limits that had passed by what it said before.

The lights are a function of the records, the calendars and the catalogue: the same in whatever order the records came, how
often, and after whatever silence (`core/past.py`). Only what a person has withdrawn, and red lights that were lit already,
come in from outside.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from central.core import cycle, past, rules
from central.core.calendar import Calendar
from central.core.case import CaseState, as_of, fold
from central.core.item import Item
from central.core.limit import Limit
from central.core.past import Lapse, Law, Place, Saying, Walk
from central.core.rules import Verdict
from common.core.state import ClockKind, Light

Rows = Mapping[tuple[str, str], Sequence[Saying]]
"""The versions of each row of a case, oldest first."""
_ACQUITS = {Light.GREEN, Light.YELLOW, Light.PAUSED}


class WithdrawalState(StrEnum):
    """What became of the proposal to withdraw a red light that the facts of today do not show.

    `lapsed`: the facts show it again; nobody had decided.
    """

    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    KEPT = "kept"
    LAPSED = "lapsed"

    @property
    def word(self) -> str:
        return {"proposed": "待认定", "withdrawn": "已撤销", "kept": "维持", "lapsed": "已失效"}[self.value]


class Bench(Struct, frozen=True):
    """What one case is judged by. Instants are office time."""

    law: Law
    before: Callable[[ClockKind, int], Light]  # the light of a clock until now
    withdrawn: Collection[Place]  # red lights that a person has withdrawn
    until: int | None  # the site's data is whole up to here
    now_at: int


class Look(Struct, frozen=True):
    """What was seen of a case so far. `walk`: by what was captured when; its lapses may be older than they seem
    (`suspects`).
    """

    key: str
    rows: Rows
    state: CaseState
    item: Item | None
    verdicts: list[Verdict]
    calendars: dict[Place, Calendar]
    suspects: dict[Place, Lapse]
    lapses: dict[Place, Lapse]
    walk: Walk
    needs_proof: bool


class Judged(Struct, frozen=True):
    """A clock with its light, the calendar it was judged by, and why today's facts would not show a red one.

    `is_past`: the limit had passed by what the source said then, and it says something else now. `yellowed_at`: since
    when the limit was yellow first, by the records alone: the same on whatever line they came.
    """

    verdict: Verdict
    calendar: Calendar
    is_past: bool = False
    acquittal: str = ""
    yellowed_at: int | None = None


def look(key: str, rows: Rows, bench: Bench) -> Look:
    """By what the rows say now; `needs_proof`: only `prove` can tell what they said before."""
    walk = past.walk(key, rows, bench.law, bench.now_at, sure=False)
    open_suspects = {place: lapse for place, lapse in walk.lapses.items() if _is_new(place, bench)}
    found = _look(key, rows, bench, 0, walk)
    seen = max((one[-1].seen for one in rows.values() if past.moves(one[-1].row.body)), default=0)
    is_fresh = bench.until is not None and seen > bench.until
    lit = any(one.light is Light.RED and _is_new(_place(one), bench) for one in found.verdicts)
    needs_proof = bool(open_suspects) or (lit and is_fresh)
    return replace(found, suspects=open_suspects, needs_proof=needs_proof)


def prove(before: Look, rows: Rows, bench: Bench) -> Look:
    """`rows`: with the instants since when each version may have been in the source."""
    said = max((one[-1].since or 0 for one in rows.values() if past.moves(one[-1].row.body)), default=0)
    found = past.walk(before.key, rows, bench.law, bench.now_at, sure=True)
    lapses = {place: lapse for place, lapse in found.lapses.items() if _is_new(place, bench)}
    return replace(
        _look(before.key, rows, bench, said, before.walk),
        suspects=before.suspects,
        lapses=lapses,
    )


def _place(verdict: Verdict) -> Place:
    return verdict.limit.kind, verdict.limit.cycle


def _is_new(place: Place, bench: Bench) -> bool:
    return bench.before(*place) is not Light.RED and place not in bench.withdrawn


def _look(key: str, rows: Rows, bench: Bench, said_at: int, walk: Walk) -> Look:
    law = bench.law
    folded = fold(key, [sayings[-1].row for sayings in rows.values()], law.zone)
    folded = cycle.within(folded, walk.reopened, law.zone)
    state = replace(as_of(folded, bench.now_at, law.zone), said_at=said_at)
    item = law.item(state)
    calendars: dict[Place, Calendar] = {}
    verdicts = []
    for case in walk.former:
        ended = [
            one for one in _judged_by_its_day(case, case, law.item(case), bench) if not one[0].limit.end.open
        ]
        verdicts += [verdict for verdict, _ in ended]
        calendars |= {_place(verdict): calendar for verdict, calendar in ended}
    for verdict, calendar in _judged_by_its_day(state, folded, item, bench):
        verdicts.append(verdict)
        calendars[_place(verdict)] = calendar
    return Look(key, rows, state, item, verdicts, calendars, {}, {}, walk, needs_proof=False)


def _judged_by_its_day(
    state: CaseState, folded: CaseState, item: Item | None, bench: Bench
) -> Iterator[tuple[Verdict, Calendar]]:
    """Each limit with the calendar that counts for it."""
    law = bench.law
    newest = law.calendar(bench.now_at)
    for verdict in _by(newest, state, item, bench):
        _, calendar = past.of_its_day(verdict.limit, newest, state, item, law, bench.now_at)
        if calendar is not newest:
            older = {_place(one): one for one in _by(calendar, state, item, bench)}
            verdict = older.get(_place(verdict), verdict)  # noqa: PLW2901
        yield _dated(verdict, folded, item, calendar, bench), calendar


def _by(calendar: Calendar, state: CaseState, item: Item | None, bench: Bench) -> list[Verdict]:
    def before(kind: ClockKind, cycle: int) -> Light:
        return Light.NONE if (kind, cycle) in bench.withdrawn else bench.before(kind, cycle)

    return rules.verdicts(
        state, item, calendar, before, bench.until, bench.now_at, bench.law.zone, bench.law.pack(state)
    )


def _dated(
    verdict: Verdict, folded: CaseState, item: Item | None, calendar: Calendar, bench: Bench
) -> Verdict:
    """A red light that is new says what held at its first instant, whenever it is found."""
    if verdict.light is not Light.RED or not _is_new(_place(verdict), bench):
        return verdict
    at = max(verdict.limit.due_at, verdict.limit.proof_at)
    lapse = past.first(folded, verdict.limit, item, calendar, bench.law.zone, at)
    return replace(verdict, why=lapse.why)


def judged(seen: Look, bench: Bench) -> list[Judged]:
    """Every clock of the case with its light."""
    found: dict[Place, Judged] = {}
    for verdict in seen.verdicts:
        place = _place(verdict)
        one = Judged(verdict, seen.calendars[place])
        lapse, suspect = seen.lapses.get(place), seen.suspects.get(place)
        if lapse is not None:
            one = _past(lapse, verdict, seen.calendars[place], bench)
        elif suspect is not None and not _is_whole(suspect.at, bench):
            # What tells since when the source has said so is still on its way.
            needs = min(suspect.at, verdict.needs_until or suspect.at)
            one = replace(one, verdict=replace(verdict, needs_until=needs))
        yellowed_at = _yellowed(verdict.limit, seen.walk, bench.now_at)
        found[place] = replace(one, acquittal=_acquittal(one, seen, bench), yellowed_at=yellowed_at)
    for place, lapse in seen.lapses.items():
        if place not in found:
            one = _past(lapse, None, bench.law.calendar(lapse.at), bench)
            found[place] = replace(one, yellowed_at=seen.walk.warned.get(place))
    return list(found.values())


def _yellowed(limit: Limit, walk: Walk, now_at: int) -> int | None:
    """Who had ended before the day of the warning was not warned, however late that was told."""
    at = walk.warned.get((limit.kind, limit.cycle))
    if at is None and rules.has_warned(limit, walk.begin, now_at + 1):
        at = limit.yellow_at
    ended = None if limit.end.open else limit.end.at
    return None if at is None or (ended is not None and ended < at) else at


def _is_whole(at: int, bench: Bench) -> bool:
    return bench.until is not None and bench.until >= at


def _past(lapse: Lapse, now: Verdict | None, calendar: Calendar, bench: Bench) -> Judged:
    limit = lapse.limit if now is None else replace(now.limit, due_at=lapse.limit.due_at)
    stopped = True if now is None else now.stopped
    if _is_whole(lapse.at, bench):
        check = None if now is None or stopped else now.next_check_at
        verdict = Verdict(limit, Light.RED, lapse.limit.due_at, stopped, check, None, lapse.why)
    else:
        why = "待数据：到期时业务系统还没有记录，数据齐全后判定"
        verdict = Verdict(limit, Light.GREY, lapse.limit.due_at, stopped, None, lapse.at, why)
    return Judged(verdict, calendar, is_past=True)


def _acquittal(one: Judged, seen: Look, bench: Bench) -> str:
    """What today's facts show in place of a red light; empty: nothing better."""
    if one.verdict.light is not Light.RED or seen.state.deleted:
        return ""
    place = _place(one.verdict)
    limit = next(verdict.limit for verdict in seen.verdicts if _place(verdict) == place)
    fresh = rules.judge(seen.state, limit, Light.NONE, bench.until, bench.now_at, bench.law.zone)
    return f"{fresh.light.word}：{fresh.why}" if fresh.light in _ACQUITS else ""
