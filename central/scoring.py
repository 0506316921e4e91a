"""A run of the scores: freeze, count, score, keep; and the same again from a snapshot, without a database."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import measure, objection, score
from central.core.calendar import Calendar
from central.core.measure import ASIDE, Added
from central.core.objection import ObjectionState
from central.core.period import Period
from central.core.post import Done, Posts
from central.core.scheme import Scheme
from central.core.scope import EVERYTHING
from central.core.score import Fact, Frame, Kind, Level, Place, Score, Tallies, Tally
from central.store import elsewhere, law, packs, scores, subjects
from central.store.scores import Run
from common.core.errors import RejectedError, UsageError
from common.core.instant import day_ending, from_us, local_date, start_of_day


class Taken(Struct, frozen=True, dict=True):
    """A snapshot with what was computed of it, once."""

    frame: Frame
    digest: str
    packed: bytes
    tallies: Tallies

    def scores(self) -> list[Score]:
        return self._scores

    @cached_property
    def _scores(self) -> list[Score]:
        return [one for level in Level for one in score.scores(self.frame, self.tallies, level)]


class Sender(Struct, frozen=True):
    """Who makes a run, why and when."""

    who: str
    why: str
    at: int
    wall: int


class Taking:
    """A snapshot as it grows: bytes, hash and counts in one pass, facts in the order of `score.read`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._tallies = frame, score.no_tallies()
        self._digest, self._packer = hashlib.sha256(), scores.packer()
        self._pieces: list[bytes] = []
        self._note(score.encoded(frame))

    def add(self, fact: Fact) -> None:
        self._note(score.encoded(fact))
        score.count(self._tallies, fact)

    def _note(self, line: bytes) -> None:
        self._digest.update(line)
        self._pieces.append(self._packer.compress(line))

    def taken(self) -> Taken:
        packed = b"".join([*self._pieces, self._packer.flush()])
        return Taken(self._frame, self._digest.hexdigest(), packed, self._tallies)


def take(frame: Frame, facts: Iterable[Fact]) -> Taken:
    taking = Taking(frame)
    for fact in facts:
        taking.add(fact)
    return taking.taken()


def retake(lines: Iterable[bytes]) -> Taken:
    """From the lines of a snapshot. Raises RejectedError where they are none."""
    frame, facts = score.read(lines)
    return take(frame, facts)


async def must_be_due(conn: AsyncConnection, period: Period, zone: ZoneInfo, now_at: int) -> None:
    """Raises UsageError for a period that goes on, or of which there is a final result."""
    _must_be_over(period, zone, now_at)
    held = await scores.newest(conn, period.name)
    if held is not None and held.is_final:
        raise UsageError(f"{period.word}已有正式结果（第 {held.id} 次）", hint="正式结果不再重评")


def _must_be_over(period: Period, zone: ZoneInfo, now_at: int) -> None:
    if local_date(now_at, zone) < period.until:
        raise UsageError(f"{period.word}还没有结束（{period.last} 为止）", hint="期间结束后再评分")


async def provisional(
    conn: AsyncConnection,
    period: Period,
    scheme: Scheme,
    zone: ZoneInfo,
    now_at: int,
    tell: Callable[[int, int], None] | None = None,
) -> Taken:
    """The period as the facts stand, read in one picture (`audit.freeze` comes before). `tell`: cases read, cases in all."""
    _must_be_over(period, zone, now_at)
    calendar = await law.calendar_if_any(conn)
    assert calendar is not None
    until_at = start_of_day(period.until, zone)
    complete = await subjects.complete(conn)
    frame = Frame(
        period=period, scheme=scheme, calendar=calendar.version, rules=await packs.newest(conn),
        sites=[_place(row, complete.get(row.id), until_at, zone) for row in await subjects.sites(conn)],
        items=await subjects.item_names(conn),
    )  # fmt: skip
    taking, first_at = Taking(frame), start_of_day(period.first, zone)
    found = [_other(one, period) for one in await elsewhere.of_period(conn, period, calendar, zone, now_at)]
    others = deque(sorted((fact for fact in found if fact is not None), key=lambda fact: fact.place))
    site, posts, done = "", Posts(), 0
    total = 0 if tell is None else await subjects.number(conn, first_at, until_at, EVERYTHING)
    async for known in subjects.of_period(conn, first_at, until_at, zone):
        if tell is not None and done % subjects.PAGE == 0:
            tell(done, total)
        done += 1
        if known.site != site:
            _between(taking, others, _rows(site, posts), known.site)
            site, posts = known.site, Posts()
        _note(posts, known, period, zone)
        fact = _fact(known, period, calendar, zone)
        if fact.n or fact.spared:
            taking.add(fact)
    _between(taking, others, _rows(site, posts), None)
    return taking.taken()


def _between(taking: Taking, others: deque[Fact], rows: list[Fact], before: str | None) -> None:
    """What follows the cases of a site, and what is of sites without any, up to that of the site `before`; None: all the rest."""
    found = [*rows]
    while others and (before is None or others[0].site < before):
        found.append(others.popleft())
    for fact in sorted(found, key=lambda one: one.place):
        taking.add(fact)


def _note(posts: Posts, known: subjects.Known, period: Period, zone: ZoneInfo) -> None:
    one = known.subject
    if one.finished_at is None or one.deleted or any(cycle for _, cycle in one.contested):
        return
    day = day_ending(one.finished_at, zone)
    if period.first <= day < period.until:
        done = Done(one.finished_at, known.key, day, known.no or known.key, bool(one.yellows))
        posts.add(known.org, known.person, done)


def _rows(site: str, posts: Posts) -> list[Fact]:
    """Each under the key of its last case, by which it is objected to; `no` names all of them."""
    return [
        Fact(
            site, row.cases[-1].key, "、".join(one.no for one in row.cases), row.org, "", row.person, {"yellow_row": 1},
            kind=Kind.POST.value,
        )
        for row in posts.rows()
    ]  # fmt: skip


def _other(one: elsewhere.Other, period: Period) -> Fact | None:
    """What is no case, as a fact; None: it adds nothing in the period."""
    n, spared = _summed(one.additions, period)
    made = Fact(one.site, one.key, one.no, one.org, one.item, one.person, n, spared, one.kind.value)
    return made if n or spared else None


def _summed(additions: Iterable[Added], period: Period) -> tuple[dict[str, int], dict[str, str]]:
    n: Counter[str] = Counter()
    spared: dict[str, str] = {}
    for added in additions:
        if not period.first <= added.day < period.until or added.measure.startswith(ASIDE):
            continue
        if added.spared:
            spared[added.measure] = added.spared
        else:
            n[added.measure] += added.count
    return dict(n), spared


def _place(row: Row[Any], complete_at: int | None, until_at: int, zone: ZoneInfo) -> Place:
    shown = f"{from_us(complete_at, zone):%Y-%m-%d %H:%M}" if complete_at is not None else ""
    whole = complete_at is not None and complete_at >= until_at
    return Place(row.id, row.name, row.kind, whole=whole, until=shown)


def _fact(known: subjects.Known, period: Period, calendar: Calendar, zone: ZoneInfo) -> Fact:
    n, spared = _summed(measure.additions(known.subject, calendar, zone), period)
    return Fact(known.site, known.key, known.no, known.org, known.item, known.person, n, spared)


# kept --------------------------------------------------------------------------------------------------------


async def keep_provisional(
    conn: AsyncConnection, taken: Taken, sender: Sender, zone: ZoneInfo
) -> tuple[int, date]:
    """-> (the run's number, the last day for objections)."""
    calendar = await law.calendar(conn)
    until = objection.last_day(local_date(sender.at, zone), calendar)
    run = Run(
        frame=taken.frame, follows=None, is_final=False, who=sender.who, why=sender.why,
        made_at=sender.at, made_wall=sender.wall, object_until=until,
    )  # fmt: skip
    return await scores.keep(conn, run, taken.packed, taken.digest, taken.scores()), until


async def finish(conn: AsyncConnection, number: int, sender: Sender, zone: ZoneInfo) -> int:
    """The final run: the same facts, without the faults to which objections were granted. -> its number.

    Raises UsageError before the window is over, while an objection waits, or where it is final already.
    """
    row = await scores.run(conn, number)
    newest = await scores.newest(conn, row.period)
    assert newest is not None
    if row.is_final or newest.is_final:
        raise UsageError(f"{row.period} 已有正式结果（第 {newest.id} 次）", hint="见  mingcha score list")
    until = date.fromisoformat(row.object_until)
    objection.must_be_over(local_date(sender.at, zone), until, await scores.waiting(conn, number))
    reasons = {
        (one.site, one.case_key, one.measure): f"异议成立：{one.decided_why}"
        for one in await scores.objections(conn, number)
        if one.state == ObjectionState.GRANTED.value
    }
    frame, facts = score.read(scores.unpacked(await scores.snapshot(conn, row.digest)))
    taken = take(replace(frame, follows=row.digest, granted=sorted(reasons)), _without(facts, reasons))
    run = Run(
        frame=taken.frame, follows=number, is_final=True, who=sender.who, why=sender.why,
        made_at=sender.at, made_wall=sender.wall, object_until=until,
    )  # fmt: skip
    return await scores.keep(conn, run, taken.packed, taken.digest, taken.scores())


def _without(facts: Iterable[Fact], reasons: dict[tuple[str, str, str], str]) -> Iterator[Fact]:
    by_case: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (site_id, key, name), why in reasons.items():
        by_case.setdefault((site_id, key), []).append((name, why))
    for fact in facts:
        found = fact
        for name, why in by_case.get((fact.site, fact.key), ()):
            found = score.spare(found, name, why)
        yield found


async def preview(conn: AsyncConnection, number: int) -> list[tuple[Score, Score]]:
    """如果异议成立: (as it is, as it would be) of every unit whose total or place would move."""
    one = await scores.objection_of(conn, number)
    row = await scores.run(conn, one.run)
    taken = retake(scores.unpacked(await scores.snapshot(conn, row.digest)))
    facts = score.read(scores.unpacked(taken.packed))[1]
    mine = one.site, one.case_key
    fact = next((fact for fact in facts if (fact.site, fact.key) == mine and one.measure in fact.n), None)
    if fact is None:
        return []
    after = score.granted(taken.tallies, fact, one.measure, "如果异议成立")
    other = Taken(taken.frame, "", b"", after)
    return _moved(taken.scores(), other.scores())


async def tried(conn: AsyncConnection, number: int, wanted: Scheme) -> list[tuple[Score, Score]]:
    """The same facts by another scheme: (as it is, as it would be) of every unit whose total or place would move."""
    row = await scores.run(conn, number)
    taken = retake(scores.unpacked(await scores.snapshot(conn, row.digest)))
    other = Taken(replace(taken.frame, scheme=wanted), "", b"", taken.tallies)
    return _moved(taken.scores(), other.scores())


class Trial(Struct, frozen=True):
    """One site of a past run by another scheme. `lines`: name, points as they were and as they would be, where they differ."""

    old: Score
    new: Score
    lines: list[tuple[str, str, str]]

    @property
    def moves(self) -> bool:
        return (self.old.total, self.old.rank, self.old.grade) != (
            self.new.total,
            self.new.rank,
            self.new.grade,
        )


async def tried_sites(conn: AsyncConnection, number: int, wanted: Scheme) -> list[Trial]:
    """Every site of a run by `wanted`, in the order it would have: from the counts that were kept, without reading its cases."""
    row = await scores.run(conn, number)
    lines = scores.unpacked(await scores.snapshot(conn, row.digest))
    frame, _ = score.read([next(lines)])
    kept = await scores.units(conn, EVERYTHING, number, Level.SITE)
    tallies = score.no_tallies()
    for one in kept:
        tallies[Level.SITE][tuple(one.unit)] = Tally(counts=Counter(one.counts), sites={one.unit[0]})
    then = {tuple(one.unit): one for one in kept}
    found = score.scores(replace(frame, scheme=wanted), tallies, Level.SITE)
    return [Trial(then[tuple(new.unit)], new, _lines(then[tuple(new.unit)], new)) for new in found]


def _lines(old: Score, new: Score) -> list[tuple[str, str, str]]:
    def said(one: Score) -> dict[str, tuple[str, str]]:
        signed = [("", one.lines), ("扣分 ", one.penalties), ("加分 ", one.bonuses)]
        return {
            f"{sign}{line.id}": (f"{sign}{line.name}", f"{line.points} 分" if line.points else line.why)
            for sign, lines in signed
            for line in lines
        }

    before, after = said(old), said(new)
    none = "", "没有这一项"
    found = []
    for place in {**before, **after}:
        (was_name, was), (name, now) = before.get(place, none), after.get(place, none)
        if was != now:
            found.append((name or was_name, was, now))
    return found


def _moved(before: list[Score], after: list[Score]) -> list[tuple[Score, Score]]:
    then = {(one.level, tuple(one.unit)): one for one in after}
    pairs = [(old, then[old.level, tuple(old.unit)]) for old in before]
    return [(old, new) for old, new in pairs if (old.total, old.rank) != (new.total, new.rank)]


def verify(lines: Iterable[bytes], digest: str, kept: Iterable[Score]) -> list[str]:
    """Compute a snapshot anew -> in what it differs from what was kept. Raises RejectedError where its hash is another."""
    taken = retake(lines)
    if taken.digest != digest:
        raise RejectedError(
            f"快照与登记的不符：算得 {taken.digest[:16]}…，登记 {digest[:16]}…", hint="文件被改动，请重新导出"
        )
    now = {(one.level, tuple(one.unit)): one for one in taken.scores()}
    then = {(one.level, tuple(one.unit)): one for one in kept}
    return [
        f"{(now.get(place) or then[place]).name}：算得 {getattr(now.get(place), 'total', None)}，"
        f"登记 {getattr(then.get(place), 'total', None)}"
        for place in sorted(now.keys() | then.keys())
        if now.get(place) != then.get(place)
    ]
