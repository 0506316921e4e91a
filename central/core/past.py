"""What a case's source said when: the limits that had passed by what it said then, whatever it says now. Pure.

Theory. A light found by looking at the newest rows alone depends on when the hall looks: a completion entered after the
due instant and dated before it would acquit a case whose line was down, and not one whose line was up. So the rows are
taken as they were captured, version by version, and a limit has lapsed if at any instant it had passed by what the source
said at that instant. This is a function of the records alone, and it only grows: once the site's data is whole up to an
instant, nothing that comes later says anything else of the time before it.

An office is never late by the box: a version counts from the last pass before it, after which it may have been written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from central.core import cycle, rules
from central.core.calendar import Calendar
from central.core.case import CaseState, Row, as_of, fold
from central.core.cycle import Reopening
from central.core.item import Item
from central.core.limit import End, Limit
from central.core.limits import limits
from central.core.pack import PACK, Pack
from common.core.instant import HOUR
from common.core.record import Case, Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind

Place = tuple[ClockKind, int]
"""Kind and cycle of a clock."""
MOVING = {
    StepKind.ACCEPT,
    StepKind.SUPPLEMENT,
    StepKind.PAUSE,
    StepKind.RESUME,
    StepKind.EXTEND,
    StepKind.DELIVER,
}
"""Kinds of steps that move a limit; what any other said before changes no light."""
_ENDING = {CaseStatus.DONE, CaseStatus.REFUSED_ACCEPTANCE, CaseStatus.WITHDRAWN}


class Saying(Struct, frozen=True):
    """One version of a source row. Instants are office time."""

    row: Row
    since: (
        int | None
    )  # the earliest instant from which the source may have said so; None: as far back as one looks
    seen: int  # when it was captured: from then on it is sure
    read_anew: bool = False  # another mapping reads the row so; its source has changed nothing


class Law(Struct, frozen=True):
    """By what is judged. `calendar`: the one in force at an instant; `marks`: when a newer one came into force."""

    calendar: Callable[[int], Calendar]
    item: Callable[[CaseState], Item | None]
    marks: Sequence[int]
    zone: ZoneInfo
    pack: Callable[[CaseState], Pack] = lambda _: PACK


class Lapse(Struct, frozen=True):
    """A limit that had passed at `at` by what the source said then; proven once the data is whole up to `at`."""

    limit: Limit
    at: int
    why: str


class Walk(Struct, frozen=True):
    """What a case's past shows. `warned`: since when each limit was yellow first, by what was captured until then;
    `begin`: since when the rows say what they say now; `reopened`: how often they had said that it was over, `former`: the
    case as each earlier filing of it ended.
    """

    lapses: dict[Place, Lapse]
    warned: dict[Place, int]
    begin: int
    reopened: Sequence[Reopening] = ()
    former: Sequence[CaseState] = ()

    @property
    def filed_at(self) -> int:
        """Since when the newest filing is known; 0 where there is one only."""
        return self.former[-1].as_of or 0 if self.former else 0


def moves(body: Case | Step) -> bool:
    """Whether a row can move a limit that accuses."""
    return isinstance(body, Case) or body.kind in MOVING


def _moved(body: Case | Step) -> object:
    """What of a row moves a limit: of versions that differ in nothing else, the first counts."""
    if isinstance(body, Step):
        return body
    status = body.status if body.status in _ENDING else None
    return (
        body.item_code, body.received_at, body.accepted_at, body.promised, body.promised_unit, body.legal, body.deadline,
        body.finished_at, status, body.invalid.get("finished_at"),
    )  # fmt: skip


def distinct(sayings: Sequence[Saying]) -> Sequence[Saying]:
    """Versions of a row without those that say nothing new of a limit; the last one speaks as it is now."""
    if len(sayings) == 1:
        return sayings
    found: list[Saying] = []
    for one in sayings:
        if (
            found
            and found[-1].row.deleted == one.row.deleted
            and _moved(found[-1].row.body) == _moved(one.row.body)
        ):
            found[-1] = replace(found[-1], row=one.row)
        else:
            found.append(one)
    return found


def walk(
    case_key: str, held: Mapping[tuple[str, str], Sequence[Saying]], law: Law, now_at: int, *, sure: bool
) -> Walk:
    """Limits that had passed before the source came to say what it says now, with the first instant of each.

    `held`: the versions of each row, oldest first. `sure`: by when each may have been written at the earliest; else by when
    it was captured, which finds no fewer and is no proof. What holds now is judged by `rules.judge`.
    """
    held = {place: distinct(sayings) for place, sayings in held.items()}
    bound = _since if sure else _seen
    found: dict[Place, Lapse] = {}
    warned: dict[Place, int] = {}
    moving = [sayings for sayings in held.values() if moves(sayings[-1].row.body)]
    begin, reopened = 0, _reopened(case_key, moving, law, now_at)
    for end in [*_bounds(moving, bound, law.marks, now_at), now_at + 1]:
        told = [(one, sayings) for sayings in moving if (one := _at(sayings, bound, end)) is not None]
        if any(isinstance(one.row.body, Case) for one, _ in told):
            known = [one for one in reopened if _has_come(one, told)]
            state = _within(case_key, [one for one, _ in told], known, law)
            for since, until in _parts(state, begin, end, law.zone):
                if until > now_at:
                    return Walk(found, warned, since, reopened, _former(case_key, moving, reopened, law))
                for limit, lapse in _stretch(state, law, since, until):
                    place = limit.kind, limit.cycle
                    if lapse is not None:
                        found.setdefault(place, lapse)
                    if rules.has_warned(limit, since, until):
                        warned.setdefault(place, limit.yellow_at)
        begin = end
    return Walk(found, warned, begin, reopened, _former(case_key, moving, reopened, law))


def _parts(case: CaseState, begin: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """`begin` to `end`, cut where something that was said in advance begins to hold: until then it moved no limit."""
    while (wake := as_of(case, begin, zone).wake_at) is not None and begin < wake < end:
        yield begin, wake - 1
        begin = wake
    yield begin, end


def _has_come(reopening: Reopening, told: Iterable[tuple[Saying, Sequence[Saying]]]) -> bool:
    """Whether one of these versions opened the case again, or came after the one that did. What was sent once more counts as
    said ever since, however late it was captured: of it the instant alone tells nothing.
    """
    return any(
        one.seen >= reopening.at
        and any(version.seen == reopening.at and isinstance(version.row.body, Case) for version in sayings)
        for one, sayings in told
    )


def _within(key: str, told: Iterable[Saying], reopened: Sequence[Reopening], law: Law) -> CaseState:
    return cycle.within(fold(key, [one.row for one in told], law.zone), reopened, law.zone)


def _reopened(key: str, moving: Sequence[Sequence[Saying]], law: Law, now_at: int) -> list[Reopening]:
    if not any(cycle.is_back([one.row for one in sayings]) for sayings in moving):
        return []
    seen = sorted({one.seen for sayings in moving for one in sayings if one.seen <= now_at})
    states = ((at, as_of(_within(key, _all(moving, at + 1), [], law), at, law.zone)) for at in seen)
    return cycle.reopenings(states, {one.seen for one in _cases(moving) if one.read_anew}, law.zone)


def _cases(moving: Iterable[Sequence[Saying]]) -> Iterable[Saying]:
    return (one for sayings in moving for one in sayings if isinstance(one.row.body, Case))


def former(
    key: str, held: Mapping[tuple[str, str], Sequence[Saying]], law: Law, now_at: int
) -> Sequence[CaseState]:
    """The case as each earlier filing of it ended."""
    return walk(key, held, law, now_at, sure=False).former


def _former(
    key: str, moving: Sequence[Sequence[Saying]], reopened: Sequence[Reopening], law: Law
) -> list[CaseState]:
    """The case at the end of each cycle but the last. What was planned for later no longer comes (no `wake_at`)."""
    if not reopened:
        return []
    ends = [
        replace(
            as_of(_within(key, _all(moving, one.at), reopened[:number], law), one.at, law.zone),
            wake_at=None,
        )
        for number, one in enumerate(reopened)
    ]
    last = _within(key, [sayings[-1] for sayings in moving], reopened, law).cycle
    after = [*(one.cycle for one in ends[1:]), last]
    return [one for one, number in zip(ends, after, strict=True) if one.cycle < number]


def _all(moving: Iterable[Sequence[Saying]], at: int) -> list[Saying]:
    return [one for sayings in moving if (one := _at(sayings, _seen, at)) is not None]


def _since(saying: Saying) -> int | None:
    return saying.since


def _seen(saying: Saying) -> int | None:
    return saying.seen


def _bounds(
    moving: Iterable[Sequence[Saying]],
    bound: Callable[[Saying], int | None],
    marks: Iterable[int],
    now_at: int,
) -> list[int]:
    """Instants at which the source, or the calendar, came to say something else."""
    found = {at for sayings in moving for one in sayings if (at := bound(one)) is not None}
    return sorted(at for at in {*found, *marks} if 0 < at <= now_at)


def _at(sayings: Sequence[Saying], bound: Callable[[Saying], int | None], at: int) -> Saying | None:
    """The newest version that the source may have held before `at`."""
    for one in reversed(sayings):
        since = bound(one)
        if since is None or since < at:
            return one
    return None


def _stretch(case: CaseState, law: Law, begin: int, end: int) -> Iterable[tuple[Limit, Lapse | None]]:
    """The limits between `begin` and `end`, in which the source said `case` and nothing else; with what passed."""
    newest = law.calendar(end - 1)
    item = law.item(case)
    state = as_of(case, end, law.zone)
    for one in limits(state, item, newest, law.zone, law.pack(state)):
        limit, calendar = of_its_day(one, newest, state, item, law, end)
        lapse = None
        if rules.has_lapsed(state, limit, end, law.zone):
            at = max(begin, limit.due_at, limit.proof_at)
            lapse = first(case, limit, item, calendar, law.zone, at)
        yield limit, lapse


def of_its_day(
    limit: Limit, newest: Calendar, case: CaseState, item: Item | None, law: Law, at: int
) -> tuple[Limit, Calendar]:
    """`limit` of `case` (as of `at`, by the `newest` calendar of then) by the calendar that counts for it: where it has ended,
    by the one in force at its end, because no notice reaches back.

    Where that one did not reach the due day and the end came after what it guessed, by the first that does reach it.
    """
    ended = None if limit.end.open else limit.end.at
    if ended is None:
        return limit, newest
    place = limit.kind, limit.cycle
    for mark in [ended, *(mark for mark in law.marks if ended < mark <= at)]:
        calendar = law.calendar(mark)
        if calendar is newest:
            break
        found = next(
            (
                one
                for one in limits(case, item, calendar, law.zone, law.pack(case))
                if (one.kind, one.cycle) == place
            ),
            limit,
        )
        if not (found.provisional and rules.ended_late(case, found, law.zone)):
            return found, calendar
    return limit, newest


def first(
    case: CaseState, limit: Limit, item: Item | None, calendar: Calendar, zone: ZoneInfo, at: int
) -> Lapse:
    """As it stood at the first instant: what is dated later must not speak in the reason."""
    state = as_of(case, at, zone)
    for one in limits(state, item, calendar, zone):
        if (one.kind, one.cycle) == (limit.kind, limit.cycle) and rules.has_lapsed(state, one, at, zone):
            return Lapse(one, at, _why(state, one, at, zone))
    return Lapse(limit, at, _why(case, limit, at, zone))


def _why(case: CaseState, limit: Limit, at: int, zone: ZoneInfo) -> str:
    """An end after the limit had passed was not there then, whenever it was told and whenever one looks."""
    if limit.end.at is not None and limit.end.at > max(limit.due_at, limit.proof_at) + HOUR:
        limit = replace(limit, end=End(open=True), running=True)
    return rules.judge(case, limit, Light.NONE, at, at + 1, zone).why
