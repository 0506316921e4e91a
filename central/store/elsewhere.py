"""What is counted beside cases: ratings, complaints, watched counters, the lines to the sites; each with who answers for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import attendance, callback, clue, voiced, watched
from central.core import complaint as complaint_core
from central.core.attendance import Ruling
from central.core.calendar import Calendar
from central.core.maintenance import Window
from central.core.measure import ARRIVED, BESIDE, CLUED, SEATED, SPOKEN, Added
from central.core.period import Period
from central.core.rating import Event, Level
from central.core.scope import EVERYTHING, Scope
from central.core.score import Kind
from central.core.voiced import Happened
from central.store import clues, complaints, maintenance, ratings, seats, subjects
from central.store.complaint_tables import complaint, complaint_event
from central.store.rating_tables import rating, rating_event
from central.store.scope import of_case, of_site
from central.store.tables import arrival, case
from common.core.instant import day_ending, local_date, start_of_day

PAGE = 200


class Other(Struct, frozen=True):
    """One of them. `no`: what people call it; who is not named by it is empty."""

    kind: Kind
    site: str
    key: str
    no: str
    org: str
    item: str
    person: str
    additions: list[Added]


async def of_period(
    conn: AsyncConnection,
    period: Period,
    calendar: Calendar,
    zone: ZoneInfo,
    now_at: int,
    reached: Scope = EVERYTHING,
    wanted: frozenset[str] = BESIDE,
) -> list[Other]:
    """Everything in reach that may add something in the period to the measures that are `wanted`."""
    found: list[Other] = []
    if wanted & SPOKEN:
        found += [*await _ratings(conn, period, reached), *await _complaints(conn, period, calendar, reached)]
    first_at, end_at = start_of_day(period.first, zone), start_of_day(period.until, zone)
    if wanted & CLUED:
        found += [_clue(row, zone) for row in await clues.confirmed(conn, first_at, end_at, reached)]
    if reached.orgs is not None:  # counter and line are of a site, not of one of its offices
        return found
    from_at, until_at = first_at, min(end_at, now_at)
    planned = await maintenance.windows(conn, from_at, max(from_at, until_at))
    if wanted & SEATED:
        found += await _seats(conn, (from_at, until_at), planned, calendar, zone, reached)
    if wanted & ARRIVED:
        found += await _lines(conn, (from_at, until_at), planned, calendar, zone, reached)
    return found


# what people say ----------------------------------------------------------------------------------------------


async def _ratings(conn: AsyncConnection, period: Period, reached: Scope) -> list[Other]:
    one, entry = rating.c, rating_event.c
    moved = exists().where(entry.rating == one.id, entry.day >= str(period.first))
    is_open = one.state.in_(ratings.OPEN)
    query = select(rating).where(
        one.day < str(period.until),
        or_(one.day >= str(period.first), (one.level <= Level.POOR.value) & (is_open | moved)),
        *of_case(reached, one.site, one.org),
    )
    rows = (await conn.execute(query.order_by(one.id))).all()
    bad = [row.id for row in rows if Level(row.level).is_bad]
    events = await _events(conn, rating_event, entry.rating, entry.number, bad)
    heads = await _heads(conn, rows)
    return [_rated(row, events[row.id], heads.get((row.site, row.case_key))) for row in rows]


def _rated(row: Row[Any], events: Sequence[Row[Any]], head: Row[Any] | None) -> Other:
    happened = list(_happened(events, ratings.body_of(row).lapsed, Event.LAPSE.value))
    day = date.fromisoformat(row.day)
    additions = list(voiced.rated(Level(row.level), day, is_aside=bool(row.is_aside), events=happened))
    item = row.item if head is None else head.item_code or head.item_name or row.item
    person = "" if head is None else head.responsible or ""
    return Other(Kind.RATING, row.site, str(row.id), f"评价 {row.id}", row.org, item, person, additions)


async def _heads(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> dict[tuple[str, str], Row[Any]]:
    """The cases that were rated."""
    places = sorted({(row.site, row.case_key) for row in rows if row.case_key})
    one, found = case.c, dict[tuple[str, str], Row[Any]]()
    for start in range(0, len(places), PAGE):
        query = select(one.site, one.case_key, one.item_code, one.item_name, one.responsible)
        mine = tuple_(one.site, one.case_key).in_(places[start : start + PAGE])
        found |= {(row.site, row.case_key): row for row in await conn.execute(query.where(mine))}
    return found


async def _complaints(
    conn: AsyncConnection, period: Period, calendar: Calendar, reached: Scope
) -> list[Other]:
    one, entry = complaint.c, complaint_event.c
    moved = exists().where(entry.complaint == one.id, entry.day >= str(period.first))
    given = exists().where(
        entry.complaint == one.id, entry.site != "", *of_case(reached, entry.site, entry.org)
    )
    query = select(one.id, one.body).where(given, one.is_open | moved)
    rows = (await conn.execute(query.order_by(one.id))).all()
    events = await _events(conn, complaint_event, entry.complaint, entry.number, [row.id for row in rows])
    found = []
    for row in rows:
        lapsed = complaints.body_of(row).lapsed
        happened = _called(_happened(events[row.id], lapsed, Event.LAPSE.value), calendar)
        parts = voiced.rounds(list(happened))
        for number, part in enumerate(parts):
            if not (reached.has_site(part.site) and (reached.orgs is None or part.org in reached.orgs)):
                continue
            key, additions = f"{row.id}.{number}", list(voiced.complained(part))
            found.append(Other(Kind.COMPLAINT, part.site, key, f"投诉 {row.id}", part.org, "", "", additions))
    return found


def _clue(row: Row[Any], zone: ZoneInfo) -> Other:
    no, additions = clue.called(row.kind, row.subject), clue.confirmed(day_ending(row.due_at, zone))
    return Other(Kind.CLUE, row.site, f"{row.kind}/{row.subject}", no, row.org, row.item, "", additions)


def called(key: str) -> str:
    """What people call that whose key this is: as `of_period` names it."""
    kind, mark, subject = key.partition("/")
    if mark:
        return clue.called(kind, subject)
    number, mark, _ = key.partition(".")
    return f"投诉 {number}" if mark else f"评价 {number}"


async def offices(conn: AsyncConnection, site: str, key: str) -> set[str]:
    """Those that a complaint (`12.0`), rating (`12`) or clue (`case_no/12`) with this key was about at the site; none: it is no such key."""
    kind, mark, subject = key.partition("/")
    if mark:
        return await clues.offices(conn, site, kind, subject)
    number, _, part = key.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return set()
    table, owner = (complaint_event, complaint_event.c.complaint) if part else (rating, rating.c.id)
    return set(await conn.scalars(select(table.c.org).where(owner == int(number), table.c.site == site)))


async def _events(
    conn: AsyncConnection,
    table: Any,
    owner: ColumnElement[int],
    order: ColumnElement[int],
    numbers: Sequence[int],
) -> Mapping[int, list[Row[Any]]]:
    """Owner -> its entries in their order, without what people wrote."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    columns = [owner.label("owner"), table.c.day, table.c.event, table.c.after]
    columns += [table.c[name] for name in ("site", "org") if name in table.c]
    for start in range(0, len(numbers), PAGE):
        query = select(*columns).where(owner.in_(numbers[start : start + PAGE])).order_by(owner, order)
        for row in await conn.execute(query):
            found[row.owner].append(row)
    return found


def _happened(events: Sequence[Row[Any]], lapsed: Sequence[date], lapse: str) -> Iterator[Happened]:
    """The n-th lapse is of the n-th day that passed."""
    passed = iter(lapsed)
    for row in events:
        last = next(passed, None) if row.event == lapse else None
        site, org = getattr(row, "site", ""), getattr(row, "org", "")
        yield Happened(date.fromisoformat(row.day), row.event, row.after, site, org, last)


def _called(events: Iterable[Happened], calendar: Calendar) -> Iterator[Happened]:
    """Of a complaint, whose call-backs that nobody made in time are noted without their last day: that of the first try."""
    owed: date | None = None
    for one in events:
        owed = one.day if one.event == complaint_core.Event.REPLY else owed
        if one.event == complaint_core.Event.CALL_LAPSE and owed is not None:
            yield replace(one, passed=callback.due(callback.begun(owed, calendar), calendar))
        else:
            yield one


# what is watched ----------------------------------------------------------------------------------------------


async def _seats(
    conn: AsyncConnection, span: tuple[int, int], planned: Mapping[str, Sequence[Window]], calendar: Calendar, zone: ZoneInfo,
    reached: Scope,
) -> list[Other]:  # fmt: skip
    """As far as the records of each site are complete."""
    from_at, until_at = span
    complete = await subjects.complete(conn)
    confirmed: dict[tuple[seats.Place, date], list[tuple[int, int]]] = defaultdict(list)
    for (place, begin, end), said in (await seats.rulings(conn, from_at)).items():
        if said.ruling is Ruling.CONFIRMED and from_at <= begin < until_at:
            confirmed[place, local_date(begin, zone)].append((begin, end))
    seen: dict[tuple[seats.Place, date], str] = {}
    for place, counter in (await seats.since(conn, from_at)).items():
        known = min(until_at, complete.get(place.site, 0))
        stretches = attendance.stretches(counter.told)
        for day in watched.seat_days(stretches, from_at, known, planned.get(place.site, ()), calendar, zone):
            seen[place, day] = counter.name
    found = []
    for place, day in sorted(seen.keys() | confirmed.keys()):
        if not reached.has_site(place.site):
            continue
        absences, windows = confirmed.get((place, day), []), planned.get(place.site, ())
        additions = list(watched.seated(day, absences, windows, is_seen=(place, day) in seen))
        name = seen.get((place, day), "") or place.region
        key = f"{place.camera}/{place.region}/{day}"
        found.append(Other(Kind.SEAT, place.site, key, f"{name} {day}", "", "", "", additions))
    return found


async def _lines(
    conn: AsyncConnection, span: tuple[int, int], planned: Mapping[str, Sequence[Window]], calendar: Calendar, zone: ZoneInfo,
    reached: Scope,
) -> list[Other]:  # fmt: skip
    one = arrival.c
    query = select(arrival).where(one.slot_at >= span[0], one.slot_at < span[1], *of_site(reached, one.site))
    slots: dict[str, dict[int, bool]] = defaultdict(dict)
    for row in await conn.execute(query):
        slots[row.site][row.slot_at] = row.late > 0
    return [
        Other(Kind.LINE, site, str(day), f"{day} 的数据到达", "", "", "", additions)
        for site, mine in sorted(slots.items())
        for day, additions in watched.arrived(mine, planned.get(site, ()), calendar, zone).items()
    ]
