"""Versions and observations that arrived -> findings, inside the transaction that takes them in.

Only rows of which more than one version is known are read again, so a first load pays nothing. What is stored of a row
is made equal to what the core derives from all its versions: a finding that a later arrival refutes is withdrawn, one
that nobody had seen yet is added, and a repetition changes nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import conduct, observed
from central.core.context import Context, Finding
from central.core.versions import Pair, Version, pairs
from central.heads import Fold
from central.store import findings as rows
from central.store import tickets
from central.store.findings import EVERY, Near, Place, Window
from common.core.record import Case, Cause, Observation, Op, Record, RecordKind, Step
from common.core.state import FindingCode, FindingState, Observed

log = structlog.get_logger()

_TIMED = {FindingCode.T1, FindingCode.T3, FindingCode.T5, FindingCode.T6}
"""Findings that compare the box's clock with what the source states."""
_Name = tuple[str, str, str, str]
_UNKNOWN = Near(None, None)


class Arrived(Struct, frozen=True):
    """What a transaction took in of one epoch: its cursor, rows, observations and passes (rows of `pending_pass`)."""

    cursor: Row[Any]
    changes: list[tuple[Record, Case | Step]]
    observed: list[tuple[Record, Observation]]
    passes: list[dict[str, Any]]


async def take(conn: AsyncConnection, arrived: Arrived, zone: ZoneInfo, now_wall: int) -> set[str]:
    """Newest versions of the rows, and what all that is held of them shows. -> keys of the cases that changed."""
    cursor = arrived.cursor
    fold = Fold(conn, cursor.site, cursor.epoch_no)
    cases = await fold.apply(arrived.changes)
    await tickets.put(conn, cursor.site, fold.steps, zone)
    if arrived.observed:
        await rows.add(conn, [_observed(cursor, item, body, now_wall) for item, body in arrived.observed])
    if arrived.changes or arrived.passes:
        await _look(_Inquiry(conn, cursor.site, zone, now_wall), arrived, fold.known)
    return cases


async def _look(inquiry: "_Inquiry", arrived: Arrived, known: Mapping[Place, int]) -> None:
    await inquiry.begin()
    until = await rows.absent_until(inquiry.conn, inquiry.site)
    first = [
        _version(item, body, arrived.cursor)
        for item, body in arrived.changes
        if item.version == 1
        and (item.table, item.key) not in known
        and (item.table in until or item.same_until is not None or isinstance(body, Step))
    ]
    await inquiry.note_late(first, until)
    await inquiry.compare(_windows(arrived, known))
    if not await rows.has_parts(inquiry.conn, inquiry.site):
        return
    cases = {body.case_key for item, body in arrived.changes if item.kind is RecordKind.CASE}
    if arrived.passes:  # it may be nearer to rows that are held than the one that was nearest
        newest = max(row["seq"] for row in arrived.passes)
        cases |= await rows.parts_after(inquiry.conn, inquiry.site, arrived.cursor.epoch, newest)
    await inquiry.compare_cases(sorted(cases))


async def relit(
    conn: AsyncConnection, site: str, zone: ZoneInfo, cases: Sequence[str], now_wall: int
) -> None:
    """Lights that were found now may have been there before a limit was stretched, a person replaced, or a completion
    claimed."""
    changed = [row for row in await rows.rows_of_cases(conn, site, cases) if row.version > 1]
    in_parts = await rows.has_parts(conn, site)
    if changed or in_parts:
        inquiry = _Inquiry(conn, site, zone, now_wall)
        await inquiry.begin()
        await inquiry.compare({(row.tbl, row.key): EVERY for row in changed})
        if in_parts:
            await inquiry.compare_cases(cases)


class Rejudged(Struct, frozen=True):
    """Findings of a site that wait no more, and that wait since."""

    withdrawn: int
    found: int


async def rejudge(conn: AsyncConnection, site: str, zone: ZoneInfo, now_wall: int) -> Rejudged:
    """All that is held of a site, by what it is forgiven now. What a person has decided stays decided."""
    before = await rows.waiting(conn, site)
    inquiry = _Inquiry(conn, site, zone, now_wall)
    await inquiry.begin()
    async for places in rows.with_history(conn, site):
        await inquiry.compare(dict.fromkeys(places, EVERY))
    if await rows.has_parts(conn, site):
        async for cases in rows.cases_in_parts(conn, site):
            await inquiry.compare_cases(cases)
    after = await rows.waiting(conn, site)
    return Rejudged(len(before - after), len(after - before))


def _windows(arrived: Arrived, known: Mapping[Place, int]) -> dict[Place, Window]:
    """Rows of which more than one version can be there, and which of them can show something now.

    Of a row that goes on, the neighbours of what arrived; of one whose earlier versions arrive late, or that is gone,
    all.
    """
    numbers: dict[Place, list[Record]] = defaultdict(list)
    for item, _ in arrived.changes:
        numbers[item.table, item.key].append(item)
    windows: dict[Place, Window] = {}
    for place, items in numbers.items():
        if place not in known and len(items) == 1 and items[0].version == 1:
            continue
        first, last = (edge(item.version for item in items) for edge in (min, max))
        is_next = known.get(place, 0) < first and not any(item.op is Op.DELETE for item in items)
        windows[place] = (first - 1, last) if is_next else EVERY
    return windows


def _version(item: Record, body: Case | Step, cursor: Row[Any]) -> Version:
    return Version(
        table=item.table,
        key=item.key,
        generation=cursor.generation,
        version=item.version,
        epoch_no=cursor.epoch_no,
        epoch=cursor.epoch,
        seq=item.seq,
        op=item.op,
        cause=item.cause,
        digest=item.digest,
        src_at=item.src_at,
        cap_at=item.cap_at,
        same_until=item.same_until,
        body=body,
    )


class _Inquiry:
    """One look at rows of one site."""

    def __init__(self, conn: AsyncConnection, site: str, zone: ZoneInfo, now_wall: int) -> None:
        self.conn = conn
        self.site = site
        self.zone = zone
        self.now_wall = now_wall

    async def begin(self) -> None:
        self.tolerance = await rows.tolerance_of(self.conn, self.site)

    async def note_late(self, first: Sequence[Version], until: Mapping[str, int]) -> None:
        """First versions: how late they state what they state. `until`: when their tables were last whole."""
        found = []
        for item in first:
            absent = until.get(item.table)
            if item.cause is Cause.SOURCE:
                known = absent if absent is not None and absent < item.cap_at else None
                context = Context(self.zone, self.tolerance, absent_until=known)
                found += self._late(Pair(None, item), context)
        await rows.add_late(self.conn, found)

    def _late(self, pair: Pair, context: Context) -> list[dict[str, Any]]:
        after = pair.after
        return [
            {
                "site": self.site,
                "tbl": after.table,
                "key": after.key,
                "field": late.field,
                "case_key": after.body.case_key,
                "stated_at": late.stated_at,
                "size": late.size,
                "seen_at": after.cap_at,
            }
            for late in conduct.lateness(pair, context)
        ]

    async def compare_cases(self, cases: Sequence[str]) -> None:
        """Every row that states facts of these cases: one part may acquit or accuse another."""
        found = await rows.rows_of_cases(self.conn, self.site, cases, RecordKind.CASE)
        parts: dict[str, list[Place]] = defaultdict(list)
        for row in found:
            parts[row.case_key].append((row.tbl, row.key))
        several = {place: EVERY for places in parts.values() if len(places) > 1 for place in places}
        await self.compare(several)

    async def compare(self, windows: dict[Place, Window]) -> None:
        """Make what is stored of these rows equal to what their versions show."""
        if not windows:
            return
        found = await self._pairs(windows)
        asked = [pair for pair in found if conduct.needs_context(pair)]
        cases = sorted({pair.after.body.case_key for pair in asked})
        self.lights = await rows.lights(self.conn, self.site, cases) if cases else {}
        self.others = await self._others(cases)
        moved = {pair.after.table for pair in found if conduct.keeps_time(pair, self.zone)}
        derived: dict[_Name, Finding] = {}
        late: list[dict[str, Any]] = []
        for pair in found:
            shown, context = await self._judge(pair)
            derived |= {_name(item): item for item in shown}
            if pair.before is not None or context.others:
                late += self._late(pair, context)
        await rows.add_late(self.conn, late)
        silent = any(item.code is FindingCode.T5 for item in derived.values())
        self.kept = await rows.kept(self.conn, self.site, moved) if moved or silent else set()
        await self._settle(windows, derived)

    async def _pairs(self, windows: Mapping[Place, Window]) -> list[Pair]:
        """Of these rows within their windows; what came before is read where it can tell more of a completion."""
        held = await rows.versions(self.conn, self.site, windows)
        found = {place: pairs(versions) for place, versions in held.items()}
        deep = {
            place: EVERY
            for place, several in found.items()
            if any(conduct.needs_history(pair, self.zone) for pair in several)
        }
        whole = await rows.versions(self.conn, self.site, deep) if deep else {}
        self.history = {place: pairs(versions) for place, versions in whole.items()}
        return [pair for several in found.values() for pair in several]

    async def _others(self, cases: Sequence[str]) -> dict[str, list[Version]]:
        """Case key -> versions of all rows that state facts of it, where there are several rows."""
        if not cases or not await rows.has_parts(self.conn, self.site):
            return {}
        found = await rows.rows_of_cases(self.conn, self.site, cases, RecordKind.CASE)
        owners = {(row.tbl, row.key): row.case_key for row in found}
        held = await rows.versions(self.conn, self.site, dict.fromkeys(owners, EVERY))
        others: dict[str, list[Version]] = defaultdict(list)
        for place, versions in held.items():
            others[owners[place]] += versions
        return others

    def _context(self, pair: Pair, near: Near = _UNKNOWN) -> Context:
        after = pair.after
        others = self.others.get(after.body.case_key, [])
        return Context(
            self.zone,
            self.tolerance,
            near.clock_err or 0,
            self.lights.get(after.body.case_key, []),
            [item for item in others if (item.table, item.key) != (after.table, after.key)],
            near.absent_until,
            self.history.get((after.table, after.key), []),
        )

    async def _judge(self, pair: Pair) -> tuple[list[Finding], Context]:
        """What the pair shows, and by what it was judged: with the clock's error only where something depends on it, for
        that is read record by record."""
        context = self._context(pair)
        if pair.before is None:
            if not context.others or not conduct.needs_context(pair):
                return [], context
            context = self._context(pair, await rows.near(self.conn, pair.after, self.site))
            return conduct.compare(pair, context), context
        found = conduct.compare(pair, context)
        timed = [item for item in found if item.code in _TIMED]
        if not timed and not conduct.lateness(pair, context):
            return found, context
        # A completion may be held against a version before the pair: then the clock of that time counts as well.
        earlier = [one.after for item in timed for one in context.history if one.before is item.pair.before]
        errors = [await rows.near(self.conn, item, self.site) for item in (pair.after, *earlier)]
        context = replace(context, clock_err=max(item.clock_err or 0 for item in errors))
        return conduct.compare(pair, context), context

    async def _settle(self, windows: dict[Place, Window], derived: dict[_Name, Finding]) -> None:
        stored = await rows.of_rows(self.conn, self.site, list(windows))
        fresh = [self._row(name, item) for name, item in derived.items() if name not in stored]
        for row in fresh:
            log.info("finding.made", site=self.site, code=row["code"], table=row["tbl"])
        await rows.add(self.conn, fresh)
        for name, held in stored.items():
            values = self._amended(held, derived.get(name), windows[held.tbl, held.key])
            if values:
                await rows.put_right(self.conn, held.id, values)

    def _amended(self, row: Row[Any], item: Finding | None, window: Window) -> dict[str, Any]:
        """What differs from what is derived now; what a person has decided stays decided."""
        if item is None:
            number = int(row.place.rpartition(".")[2]) if "." in row.place else -1
            undecided = row.state in {FindingState.OPEN, FindingState.UNPROVEN}
            refuted = undecided and window[0] < number <= window[1]
            return {"state": FindingState.WITHDRAWN.value} if refuted else {}
        values = self._row(_name(item), item)
        if row.state != FindingState.WITHDRAWN:
            values["state"] = row.state
        values["found_wall"] = row.found_wall
        return {name: value for name, value in values.items() if row._mapping[name] != value}  # noqa: SLF001

    def _row(self, name: _Name, item: Finding) -> dict[str, Any]:
        before, after = item.pair.before, item.pair.after
        code, table, key, place = name
        shown = item.code is not FindingCode.T5 or table in self.kept
        return {
            "site": self.site,
            "code": code,
            "tbl": table,
            "key": key,
            "place": place,
            "case_key": after.body.case_key,
            "before_epoch": before.epoch if before else None,
            "before_seq": before.seq if before else None,
            "after_epoch": after.epoch,
            "after_seq": after.seq,
            "still_at": item.still_at,
            "seen_at": after.cap_at,
            "size": item.size,
            "words": item.words,
            "found_wall": self.now_wall,
            "state": (FindingState.OPEN if shown else FindingState.UNPROVEN).value,
        }


def _name(item: Finding) -> _Name:
    after = item.pair.after
    return item.code.value, after.table, after.key, f"{after.generation}.{after.version}"


def _observed(cursor: Row[Any], item: Record, body: Observation, now_wall: int) -> dict[str, Any]:
    """What is there for good is told once for ever; anything else once for each time it was captured."""
    for_good = body.code in {Observed.NUMBER_MISSING, Observed.COLUMN_NEW}
    return {
        "site": cursor.site,
        "code": observed.code_of(body).value,
        "tbl": body.table,
        "key": body.key,
        "place": body.code if for_good else f"{body.code}@{item.cap_at}",
        "case_key": "",
        "before_epoch": None,
        "before_seq": None,
        "after_epoch": cursor.epoch,
        "after_seq": item.seq,
        "still_at": None,
        "seen_at": item.cap_at,
        "size": None,
        "words": observed.words_of(body),
        "found_wall": now_wall,
        "state": FindingState.OPEN.value,
    }
