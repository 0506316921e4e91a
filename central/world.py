"""What every judgement rests on beside the facts: calendars, catalogue, and when each came into force."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import acts
from central.core import item as catalogue
from central.core.calendar import Calendar
from central.core.case import CaseState
from central.core.item import Item
from central.core.pack import PACK, Pack, in_force
from central.core.past import Law
from central.store import anew, items, law, packs
from common.core.instant import end_of_day, local_date

log = structlog.get_logger()


class World(Struct):
    """What every judgement rests on beside the facts; new versions take its place while the hall runs."""

    zone: ZoneInfo
    calendar: Calendar
    items: items.Catalogue
    former: list[tuple[int, Calendar]] = []
    """Since when (office time) each version has been in force, oldest first; empty: there is one only."""
    packs: Sequence[tuple[int, Pack]] = ((0, PACK),)
    """The figures of the rules, in the same way."""

    def pack_of(self, state: CaseState) -> Pack:
        """The figures that a case is asked by."""
        return in_force(self.packs, None if state.open else state.finished_at)

    def calendar_of(self, state: CaseState) -> Calendar:
        """The calendar that a case is asked by: decided, that of its end, as far as it reached; no notice reaches back."""
        ended = None if state.open else state.finished_at
        then = self.calendar if ended is None else self.calendar_at(ended)
        known = ended is None or not then.is_provisional(local_date(ended - 1, self.zone))
        return then if known else self.calendar

    @property
    def law(self) -> Law:
        """What the past is judged by."""
        marks = [at for at, _ in self.former[1:]]
        return Law(self.calendar_at, self.item_of, marks, self.zone, self.pack_of)

    def calendar_at(self, at: int) -> Calendar:
        """The version in force at an instant of office time: no notice reaches back."""
        begun = [calendar for since, calendar in self.former if since <= at]
        return begun[-1] if begun else self.former[0][1] if self.former else self.calendar

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
    calendar = await law.calendar(conn)
    former, figures = await _former(conn, calendar), await packs.every(conn)
    return World(zone, calendar, await items.catalogue(conn), former, figures)


async def _former(conn: AsyncConnection, newest: Calendar) -> list[tuple[int, Calendar]]:
    marks = sorted((await law.marks(conn)).items())
    return [
        (at, newest if version == newest.version else await law.calendar_of(conn, version))
        for version, at in marks
    ]


async def is_renewed(conn: AsyncConnection, world: World) -> bool:
    """Somebody has added a version of the calendar, of an item or of the rules' figures."""
    known = sum(len(versions) for versions in world.items.values())
    if await packs.newest(conn) != world.packs[-1][1].version:
        return True
    return await items.size(conn) != known or await law.newest(conn) != world.calendar.version


async def renew_world(conn: AsyncConnection, world: World, now: Moment) -> int:
    """Take up versions of calendar and catalogue that were added since. -> clocks that are to be judged anew.

    Only clocks whose days a new calendar touches are counted; a red light is a dated fact and is not one. Open cases that new
    figures or versions concern were marked when these came: what the hall has judged since by the former ones is marked again.
    """
    former, figures = world.items, world.packs[-1][1]
    world.items, world.packs = await items.catalogue(conn), await packs.every(conn)
    changed = sorted(code for code, versions in world.items.items() if former.get(code) != versions)
    if world.packs[-1][1] != figures:
        await anew.mark(conn)
    elif changed:
        await anew.mark(conn, changed)
    if await law.newest(conn) == world.calendar.version:
        return 0
    await anew.mark_unfollowed(conn)  # a rule may wait for a day that was a guess
    world.calendar = await law.calendar(conn)
    world.former = await _former(conn, world.calendar)
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
