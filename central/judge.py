"""Facts of cases -> clocks, lights, transitions: load, decide in the core, save, inside the caller's transaction.

Whoever calls it (ingest after new facts, ingest after completeness moved, the ticker when time has passed), the
same facts give the same lights: everything is computed anew from the rows, and only what differs is written.
"""

from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import conduct
from central.core import acts, rules
from central.core import case as cases
from central.core import item as catalogue
from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.item import Item
from central.core.portion import MOST_ROWS, Portion
from central.core.rules import Verdict
from central.store import alarms, items, law
from central.store import cases as rows
from common.core.instant import HOUR, SECOND, end_of_day
from common.core.state import AlarmKind, ClockKind, Light

log = structlog.get_logger()

LATE_AFTER = 120 * SECOND
"""A light that waited for data longer than this says 补传判定; one capture round is less."""
_CHUNK = 300
_PARKED = 2_000
_SHOWN = 40


class World(Struct):
    """What every judgement rests on beside the facts; new versions take its place while the hall runs."""

    zone: ZoneInfo
    calendar: Calendar
    items: items.Catalogue
    former: dict[int, Calendar] = {}  # older versions, for cases that were decided under them

    def item_of(self, state: CaseState) -> Item | None:
        """The version that the case is pinned to: that of its acceptance, before that of its receipt."""
        versions = self.items.get(state.facts.item_code or "", ())
        day = acts.day(state.accepted, self.zone) or acts.day(state.facts.received_at, self.zone)
        return catalogue.pinned(versions, day)


class Moment(Struct, frozen=True):
    """The instant of a judgement: office time decides, wall time is kept beside it."""

    at: int
    wall: int


async def load_world(conn: AsyncConnection, zone: ZoneInfo) -> World:
    """Calendar and catalogue as the tables have them now; an empty calendar is filled first."""
    return World(zone, await law.calendar(conn), await items.catalogue(conn))


async def is_renewed(conn: AsyncConnection, world: World) -> bool:
    """Somebody has added a version of the calendar or of an item."""
    known = sum(len(versions) for versions in world.items.values())
    return await items.size(conn) != known or await law.newest(conn) != world.calendar.version


async def renew_world(conn: AsyncConnection, world: World, now: Moment) -> int:
    """Take up versions of calendar and catalogue that were added since. -> clocks that are to be judged anew.

    Only clocks whose days a new calendar touches are; a red light is a dated fact and is not.
    """
    world.items = await items.catalogue(conn)
    if await law.newest(conn) == world.calendar.version:
        return 0
    world.calendar = await law.calendar(conn)
    return await recheck(conn, world, now)


async def recheck(conn: AsyncConnection, world: World, now: Moment) -> int:
    """Have the clocks judged that an older calendar moved elsewhere; also what a hall missed while it was down."""
    new, count = world.calendar, 0
    for version in await law.versions_in_use(conn):
        if version >= new.version:
            continue
        old = await law.calendar_of(conn, version)
        changed = old.changed(new)
        touched = await law.recheck(conn, changed, edge_of(old, world.zone), world.zone, version, now.at)
        if touched:
            log.info("calendar.changed", version=new.version, days=len(changed), clocks=touched)
        count += touched
    return count


def edge_of(calendar: Calendar, zone: ZoneInfo) -> int:
    """The last instant of the published calendar: what lies beyond it was provisional."""
    return end_of_day(calendar.published_until, zone)


async def judge_cases(
    conn: AsyncConnection,
    site: str,
    keys: Collection[str],
    world: World,
    now: Moment,
    late: Collection[str] = (),
    portion: Portion | None = None,
) -> int:
    """Judge these cases of `site`; `late` names those whose facts came from a backlog. -> lights that changed.

    What `portion` does not admit is left to the ticker, at once.
    """
    portion = portion or Portion()
    ordered = sorted(keys)
    changed = 0
    for start in range(0, len(ordered), _CHUNK):
        part = ordered[start : start + _CHUNK]
        changed += await _Court(conn, site, world, now, late).judge(part, portion)
    return changed


async def judge_parked(conn: AsyncConnection, site: str, world: World, now: Moment, portion: Portion) -> int:
    """Judge what waited for the site's data, as far as it is whole now. -> lights that changed."""
    until = await rows.complete_until(conn, site)
    changed = 0
    while until is not None:
        keys = await rows.parked(conn, site, until, _PARKED)
        if not keys:
            break
        changed += await judge_cases(conn, site, set(keys), world, now, portion=portion)
    return changed


class _Court:
    """One group of cases of one site."""

    def __init__(
        self, conn: AsyncConnection, site: str, world: World, now: Moment, late: Collection[str]
    ) -> None:
        self.conn = conn
        self.site = site
        self.world = world
        self.now = now
        self.late = late
        self.cases: list[dict[str, Any]] = []
        self.clocks: list[dict[str, Any]] = []
        self.gone: list[tuple[str, str, int]] = []
        self.transitions: list[dict[str, Any]] = []
        self.moved: list[dict[str, Any]] = []

    async def judge(self, keys: Sequence[str], portion: Portion) -> int:
        revs = await rows.lock(self.conn, self.site, keys)
        counts = await rows.row_counts(self.conn, self.site, keys, MOST_ROWS + 1)
        crowded = [key for key in keys if counts[key] > MOST_ROWS]
        fit = [key for key in keys if counts[key] <= MOST_ROWS and portion.admits(counts[key])]
        source = await rows.source_rows(self.conn, self.site, fit)
        self.before = await rows.clocks(self.conn, self.site, keys)
        self.grey = await rows.grey_since_wall(self.conn, self.site, keys)
        self.until = await rows.complete_until(self.conn, self.site)
        await self._load_former()
        for key in fit:
            self._one(key, source.get(key, []), revs.get(key, 0))
        for key in crowded:
            await self._sound(key)
        for key in {*keys} - {*fit}:
            self._postpone(key, HOUR if key in crowded else 0)
        await rows.put_cases(self.conn, self.cases)
        await rows.put_clocks(self.conn, self.clocks)
        await rows.drop_clocks(self.conn, self.site, self.gone)
        await rows.add_transitions(self.conn, self.transitions)
        await law.add_due_changes(self.conn, self.moved)
        lit = {row["case_key"] for row in self.transitions if row["after"] in {Light.YELLOW, Light.RED}}
        if lit:
            await conduct.relit(self.conn, self.site, self.world.zone, sorted(lit), self.now.wall)
        return len(self.transitions)

    def _one(self, key: str, source: list[cases.Row], rev: int) -> None:
        """A case that cannot be judged is put off for an hour and never blocks the rest."""
        try:
            state = cases.as_of(cases.fold(key, source, self.world.zone), self.now.at, self.world.zone)
            item = self.world.item_of(state)
            verdicts = self._verdicts(key, state, item)
        except Exception:  # whatever one case's facts do to the rules, the other cases are judged
            log.exception("case.postponed", site=self.site, case_key=key, hint="执行 mingcha doctor")
            self._postpone(key, HOUR)
            return
        kinds = {(key, verdict.limit.kind, verdict.limit.cycle) for verdict in verdicts}
        left = {place: row for place, row in self.before.items() if place[0] == key and place not in kinds}
        reds = [
            row for row in left.values() if row.light == Light.RED
        ]  # dated facts: their limit may go, they stay
        self.cases.append(_case_row(self.site, state, item, verdicts, rev) | _kept_red(reds))
        for verdict in verdicts:
            self._settle(key, verdict)
        self.gone += [place for place, row in left.items() if row.light != Light.RED]

    async def _load_former(self) -> None:
        world = self.world
        versions = {row.calendar_version for row in self.before.values() if row.stopped}
        for version in versions - {world.calendar.version, *world.former}:
            world.former[version] = await law.calendar_of(self.conn, version)

    def _verdicts(self, key: str, state: CaseState, item: Item | None) -> list[Verdict]:
        """By the newest calendar; of a clock that was decided under an older one, by that: no notice reaches back."""
        world = self.world
        decided = {
            place[1:]: row.calendar_version
            for place, row in self.before.items()
            if place[0] == key and row.stopped and row.calendar_version != world.calendar.version
        }
        found = self._by(world.calendar, key, state, item)
        for version in set(decided.values()):
            older = {
                (one.limit.kind, one.limit.cycle): one
                for one in self._by(world.former[version], key, state, item)
            }
            found = [
                older.get(place, one) if decided.get(place) == version else one
                for one in found
                for place in [(one.limit.kind, one.limit.cycle)]
            ]
        return found

    def _by(self, calendar: Calendar, key: str, state: CaseState, item: Item | None) -> list[Verdict]:
        return rules.verdicts(
            state,
            item,
            calendar,
            lambda kind, cycle: self._light(key, kind, cycle),
            self.until,
            self.now.at,
            self.world.zone,
        )

    def _light(self, key: str, kind: ClockKind, cycle: int) -> Light:
        row = self.before.get((key, kind, cycle))
        return Light.NONE if row is None else Light(row.light)

    def _settle(self, key: str, verdict: Verdict) -> None:
        limit = verdict.limit
        kind = limit.kind
        row, before = self.before.get((key, kind, limit.cycle)), self._light(key, kind, limit.cycle)
        if before is not verdict.light and not (before is Light.NONE and verdict.light is Light.GREEN):
            self.transitions.append(self._transition(key, verdict, before))
        if row is not None:
            self._note_move(row, verdict)
        self.clocks.append(
            {
                "site": self.site,
                "case_key": key,
                "kind": kind,
                "cycle": limit.cycle,
                "light": verdict.light,
                # A red light keeps the instant it was lit for, whatever the limit has become since.
                "since_at": row.since_at if row is not None and before is Light.RED else verdict.since_at,
                "yellow_at": limit.yellow_at,
                "due_at": row.due_at if row is not None and before is Light.RED else limit.due_at,
                "start_day": str(limit.start) if limit.start else None,
                "running": limit.running,
                "stopped": verdict.stopped,
                "provisional": limit.provisional,
                "calendar_version": self._version(row, verdict),
                "next_check_at": verdict.next_check_at,
                "needs_until": verdict.needs_until,
                "rev": row.rev + 1 if row is not None else 1,
            }
        )

    def _version(self, row: Row[Any] | None, verdict: Verdict) -> int:
        """Of the calendar that the clock was judged by."""
        is_former = row is not None and row.stopped and verdict.stopped
        return int(row.calendar_version) if is_former and row is not None else self.world.calendar.version

    def _note_move(self, row: Row[Any], verdict: Verdict) -> None:
        """A due date that another calendar has moved: somebody has told it to a citizen."""
        limit, version = verdict.limit, self.world.calendar.version
        is_open = not verdict.stopped and verdict.light is not Light.RED
        if row.calendar_version < version and is_open and row.due_at not in {None, limit.due_at}:
            self.moved.append(
                {
                    "version": version,
                    "site": self.site,
                    "case_key": row.case_key,
                    "clock": limit.kind,
                    "cycle": limit.cycle,
                    "before_at": row.due_at,
                    "after_at": limit.due_at,
                    "judged_wall": self.now.wall,
                }
            )

    def _transition(self, key: str, verdict: Verdict, before: Light) -> dict[str, Any]:
        kind = verdict.limit.kind
        waited = self.now.wall - self.grey.get((key, kind), self.now.wall)
        late = verdict.light is Light.RED and (key in self.late or waited > LATE_AFTER)
        log.info("light.changed", site=self.site, clock=kind, before=before, after=verdict.light, late=late)
        return {
            "site": self.site,
            "case_key": key,
            "clock": kind,
            "cycle": verdict.limit.cycle,
            "before": before,
            "after": verdict.light,
            "since_at": verdict.since_at if verdict.since_at is not None else self.now.at,
            "judged_at": self.now.at,
            "judged_wall": self.now.wall,
            "late": late,
            "why": verdict.why,
        }

    async def _sound(self, key: str) -> None:
        detail = f"办件 {key[:_SHOWN]} 的记录超过 {MOST_ROWS:,} 条，不再判定，灯保持原样；请核对映射的办件编号与源库"
        if await alarms.sound(self.conn, self.site, AlarmKind.CROWDED, key, detail, self.now.wall):
            log.warning("alarm.raised", site=self.site, kind=AlarmKind.CROWDED.value, reason=detail)

    def _postpone(self, key: str, us: int) -> None:
        known = [dict(row._mapping) for place, row in self.before.items() if place[0] == key]  # noqa: SLF001
        blank = {
            "site": self.site,
            "case_key": key,
            "kind": ClockKind.STATUTE,
            "cycle": 1,
            "light": Light.NONE,
            "since_at": None,
            "yellow_at": None,
            "due_at": None,
            "start_day": None,
            "running": False,
            "stopped": False,
            "provisional": True,
            "calendar_version": self.world.calendar.version,
            "rev": 0,
        }
        for row in known or [blank]:
            row |= {"next_check_at": self.now.at + us, "needs_until": None, "rev": row["rev"] + 1}
            self.clocks.append(row)


def _kept_red(reds: Sequence[Row[Any]]) -> dict[str, Any]:
    """What a case shows whose red light's limit is no longer there."""
    return {"light": Light.RED, "due_at": min(row.due_at for row in reds)} if reds else {}


def _case_row(
    site: str, state: CaseState, item: Item | None, verdicts: list[Verdict], rev: int
) -> dict[str, Any]:
    facts = state.facts
    shown = max(verdicts, key=lambda v: (v.light.rank, -v.limit.due_at), default=None)
    return {
        "site": site,
        "case_key": facts.case_key,
        "case_no": facts.case_no,
        "item_code": facts.item_code,
        "item_name": facts.item_name or (item.name if item else None),
        "applicant": facts.applicant,
        "org": facts.org,
        "responsible": facts.responsible,
        "received_at": state.received_at,
        "accepted_at": state.accepted_at,
        "finished_at": state.finished_at,
        "deadline_at": state.deadline_at,
        "status": facts.status,
        "outcome": facts.outcome,
        "open": state.open,
        "deleted": state.deleted,
        "light": shown.light if shown else Light.NONE,
        "due_at": shown.limit.due_at if shown else None,
        "filed_at": state.accepted_at or state.received_at or 0,
        "rev": rev + 1,
    }
