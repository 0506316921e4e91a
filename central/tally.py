"""Roll-ups of statistics: kept up behind the hall's back, read by `statistics.py`, held against a full recount by `mingcha rebuild`.

Each change marks its case (`store/tallies.py`); here the marked ones are counted anew and booked, some at a time, at a share of the
time that leaves the hall to its work. An answer does not wait for that: it counts the cases still marked by itself.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import measure, tally
from central.core.calendar import Calendar
from central.core.figure import Dimension
from central.core.period import Period
from central.core.scope import Scope
from central.core.tally import Share
from central.store import audit, cases, items, law, subjects, tallies
from central.store.engine import Store
from central.store.tallies import Coarse, Place
from common.core.errors import ConfigError, UnavailableError

log = structlog.get_logger()

PART = 200
"""Cases booked at a time: some 60 ms of the hall's one thread."""
MOST_WAITING = 2_000
"""Marked cases that an answer counts by itself, in half a second or so; where more wait, as in a hall's first hours, it counts all
of the period's.
"""
IDLE_SECS, RETRY_SECS = 1.0, 30.0
CHUNK = 500
CALM, BUSY = 1.0, 15.0
"""How many times as long as it works the booker rests: nothing comes in; records come in."""


class _Law(Struct):
    """Calendar and catalogue as they were read last: both are only added to, so that the same number of versions is the same."""

    size: int = -1
    catalogue: items.Catalogue = {}
    calendar: Calendar | None = None

    async def renew(self, conn: AsyncConnection) -> Calendar:
        """-> the calendar."""
        size = await items.size(conn)
        if size != self.size:
            self.catalogue, self.size = await items.catalogue(conn), size
        if self.calendar is None or await law.newest(conn) != self.calendar.version:
            self.calendar = await law.calendar_if_any(conn)
        assert self.calendar is not None, "the hall has filled it"
        return self.calendar


# kept up ------------------------------------------------------------------------------------------------------


class Booker:
    """Counts marked cases anew and books them."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._zone, self._law = store, zone, _Law()

    async def turn(self, most: int = PART) -> int:
        """-> cases booked, or taken in vain since another booker came first. Raises UnavailableError, ConfigError as `items.catalogue`."""
        async with self._store.read() as conn:
            await audit.freeze(conn)
            book, taken = await tallies.book(conn), await tallies.waiting(conn, most)
            if book is None or not taken:
                return 0
            places = [(row.site, row.case_key) for row in taken]
            before = await tallies.shares(conn, places)
            after = await _shares(conn, places, self._law, self._zone)
        async with self._store.write() as conn:
            await tallies.settle(conn, book.turn, taken, before, after)
        return len(taken)

    async def run(self, records: Callable[[], int]) -> None:
        """Book for ever. `records`: how many have come in since the hall began."""
        loop = asyncio.get_running_loop()
        while True:
            began, known = loop.time(), records()
            try:
                booked = await self.turn()
            except (UnavailableError, ConfigError) as error:  # answers count by themselves meanwhile
                log.warning("tally.postponed", reason=str(error), hint=error.hint)
                await asyncio.sleep(RETRY_SECS)
                continue
            except (
                DBAPIError,
                ValueError,
                msgspec.MsgspecError,
            ):  # whatever one case does to a count, the hall judges on
                log.exception("tally.failed", hint="执行 mingcha rebuild")
                await asyncio.sleep(RETRY_SECS)
                continue
            spent = loop.time() - began
            await asyncio.sleep(spent * (CALM if records() == known else BUSY) if booked else IDLE_SECS)


async def _shares(
    conn: AsyncConnection, places: Collection[Place], known: _Law, zone: ZoneInfo
) -> dict[Place, Share]:
    if not places:
        return {}
    calendar = await known.renew(conn)
    return {
        (one.site, one.key): _share(one, calendar, zone)
        async for one in subjects.of_cases(conn, places, known.catalogue, zone)
    }


def _share(one: subjects.Known, calendar: Calendar, zone: ZoneInfo) -> Share:
    added = measure.additions(one.subject, calendar, zone)
    return tally.share(one.org, one.item, one.name, added, one.person, one.channel)


# read ---------------------------------------------------------------------------------------------------------


class Picture(Struct, frozen=True):
    """The sums as they must be read now: `before` is in them, `after` ought to be, of the cases that are marked. `items`: item ->
    its name.
    """

    items: Mapping[str, str]
    before: Mapping[Place, Share]
    after: Mapping[Place, Share]

    async def cells(
        self, conn: AsyncConnection, of: Period, by: Collection[Dimension], wanted: Collection[str], reached: Scope
    ) -> Mapping[Coarse, int]:  # fmt: skip
        """What all cases in reach add in the period, equal to the full recount; nothing is 0. Cells are those of `tallies.sums`."""
        found = await tallies.sums(conn, of, by, wanted, reached)
        for sign, shares in ((-1, self.before), (1, self.after)):
            for (site, _), one in shares.items():
                if reached.has_site(site) and (reached.orgs is None or one.org in reached.orgs):
                    for cell, count in _coarse(site, one, of, by, wanted):
                        found[cell] += sign * count
        return {cell: count for cell, count in found.items() if count}


async def picture(conn: AsyncConnection, zone: ZoneInfo, calendar: Calendar) -> Picture | None:
    """`calendar`: the newest. None: no sums are kept, or too many cases wait. `conn` was frozen, and is asked for the cells in the same transaction."""
    book = await tallies.book(conn)
    if book is None or book.zone != zone.key:
        return None
    marked = [(row.site, row.case_key) for row in await tallies.waiting(conn, MOST_WAITING + 1)]
    if len(marked) > MOST_WAITING:
        return None
    before, after = (
        await tallies.shares(conn, marked),
        await _shares(conn, marked, _Law(calendar=calendar), zone),
    )
    names = await tallies.names(conn)
    for sign, shares in ((-1, before), (1, after)):
        for one in shares.values():
            if one.name:
                names[one.item][one.name] += sign
    called = {item: [name for name, cases in each.items() if cases] for item, each in names.items()}
    return Picture({item: min(each) for item, each in called.items() if each}, before, after)


def _coarse(
    site: str, one: Share, of: Period, by: Collection[Dimension], wanted: Collection[str]
) -> Iterator[tuple[Coarse, int]]:
    """A share's cells as `tallies.sums` has them."""
    needed = tallies.columns_of(by)
    prefixes = tuple(each for each in wanted if each.endswith(":"))
    for (day, *place, name), count in tally.cells(site, one):
        if not str(of.first) <= day < str(of.until):
            continue
        values = zip(tallies.PLACE, (*place, one.person, one.channel), strict=True)
        own = [value if column in needed else "" for column, value in values]
        month = f"{day[:7]}-01" if Dimension.MONTH in by else str(of.first)
        is_wanted = name in wanted or name.startswith(prefixes)
        where = own[0], own[1], own[2], own[3], own[4]
        yield (day if "day" in needed else month, *where, name if is_wanted else ""), count


# held against a recount ----------------------------------------------------------------------------------------


class Report(Struct):
    """`cells`: sums that are kept; `waiting`: marked cases, which are not looked at; `differs`: what is kept otherwise than it is
    counted now, in words. `digest`: of all sums and shares.
    """

    cells: int = 0
    waiting: int = 0
    differs: list[str] = []
    digest: str = ""


async def examine(conn: AsyncConnection, zone: ZoneInfo) -> Report | None:
    """Count every case anew, beside its share and the sums. Nothing is written. None: no sums are kept."""
    if await tallies.book(conn) is None:
        return None
    report, known, sha = Report(), _Law(), hashlib.sha256()
    marked = {(row.site, row.case_key) for row in await tallies.waiting(conn)}
    report.waiting = len(marked)
    for site in await tallies.sites(conn):
        kept, hands = await tallies.of_site(conn, site)
        report.cells += len(kept) + len(hands)
        lines = [msgspec.msgpack.encode((cell, count)) for cell, count in (*kept.items(), *hands.items())]
        left, by_hand = Counter(kept), Counter(hands)
        async for keys in cases.chunks(conn, site, CHUNK):
            places = [(site, key) for key in keys]
            shares = await tallies.shares(conn, places)
            counted = await _shares(conn, [one for one in places if one not in marked], known, zone)
            for place in places:
                share = shares.get(place)
                if place not in marked and share != counted.get(place):
                    report.differs.append(f"{site}\t{place[1]}\t汇总所记与重算不同")
                if share is not None:
                    left.subtract(dict(tally.cells(site, share)))
                    by_hand.subtract(dict(tally.hands(site, share)))
                    lines.append(msgspec.msgpack.encode((*place, tally.encoded(share))))
        report.differs += [
            f"{site}\t{cell[0]}\t{cell[-1]}\t汇总比各办件合计{'多' if count > 0 else '少'} {abs(count)}"
            for cell, count in (*sorted(left.items()), *sorted(by_hand.items()))
            if count
        ]
        for line in sorted(lines):
            sha.update(line)
    report.digest = sha.hexdigest()
    return report
