"""Cases as the figures see them (`central.core.measure.Subject`): which ones count in a period, and all that is told of each."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Row, Table, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import cycle
from central.core.correction import Event, State
from central.core.item import Item, pinned
from central.core.judgement import WithdrawalState
from central.core.limit import MILD
from central.core.measure import Limit, Subject
from central.core.scope import EVERYTHING, Scope
from central.store import corrections, items
from central.store.dialect import among
from central.store.scope import of_case
from central.store.tables import (
    case,
    clock,
    correction,
    correction_event,
    correction_light,
    late_entry,
    ruling,
    site_pass,
    transition,
    withdrawal,
)
from central.store.tables import site as site_table
from common.core.instant import day_ending
from common.core.state import ClockKind, Light

PAGE = 500
"""Cases looked up at a time."""
_ENTERED = ("received_at", "accepted_at", "finished_at", "status", "case_no", "org", "deleted")
"""What a case has of which more than evidence has come: one of these at least."""


class Known(Struct, frozen=True):
    """One case: who answers for it, and what is known."""

    site: str
    key: str
    no: str
    org: str
    item: str
    name: str  # what the site calls the item, where it has a code
    person: str
    channel: str
    subject: Subject


async def of_period(
    conn: AsyncConnection, first_at: int, until_at: int, zone: ZoneInfo, reached: Scope = EVERYTHING
) -> AsyncIterator[Known]:
    """Every case in reach that may add something between the instants, by site and key in the order of code points."""
    query = _touched(first_at, until_at).where(*of_case(reached, case.c.site, case.c.org))
    found = [(row.site, row.case_key) for row in await conn.execute(query)]
    async for one in of_cases(conn, found, await items.catalogue(conn), zone):
        yield one


async def of_cases(
    conn: AsyncConnection, places: Iterable[tuple[str, str]], catalogue: items.Catalogue, zone: ZoneInfo
) -> AsyncIterator[Known]:
    """These cases (site, key), in the same order; those that are there."""
    for site, mine in groupby(sorted(places), key=lambda pair: pair[0]):
        keys = [key for _, key in mine]
        for start in range(0, len(keys), PAGE):
            for one in await _known(conn, site, keys[start : start + PAGE], catalogue, zone):
                yield one


async def number(conn: AsyncConnection, first_at: int, until_at: int, reached: Scope) -> int:
    """How many cases `of_period` would read."""
    query = _touched(first_at, until_at).where(*of_case(reached, case.c.site, case.c.org))
    return int(await conn.scalar(select(func.count()).select_from(query.subquery())) or 0)


async def sites(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Id, name and kind of every site in use, in the order of the wall."""
    query = select(site_table.c.id, site_table.c.name, site_table.c.kind)
    query = query.where(site_table.c.retired_wall.is_(None))
    return (await conn.execute(query.order_by(site_table.c.position, site_table.c.id))).all()


async def item_names(conn: AsyncConnection) -> dict[str, str]:
    """Code -> the item's name, as sites state it."""
    least = func.min(case.c.item_name).label("name")
    named = case.c.item_code != "", case.c.item_name != ""
    rows = await conn.execute(select(case.c.item_code, least).where(*named).group_by(case.c.item_code))
    return {row.item_code: row.name for row in rows}


async def complete(conn: AsyncConnection) -> dict[str, int]:
    """Site -> up to when all of its tables are whole; a site that never said so is not among them."""
    least = func.min(site_pass.c.complete_until).label("until_at")
    rows = await conn.execute(select(site_pass.c.site, least).group_by(site_pass.c.site))
    return {row.site: row.until_at for row in rows}


def _touched(first_at: int, until_at: int) -> Any:
    def within(column: Any) -> Any:
        return and_(column >= first_at, column < until_at)

    def done_within(column: Any) -> Any:
        """24:00 belongs to the day that ends with it (`day_ending`)."""
        return and_(column > first_at, column <= until_at)

    def told(table: Table, column: Any) -> Any:
        mine = (table.c.site == case.c.site) & (table.c.case_key == case.c.case_key)
        return exists().where(mine, within(column))

    acted = exists().where(
        correction.c.site == case.c.site,
        correction.c.case_key == case.c.case_key,
        correction_event.c.correction == correction.c.id,
        within(correction_event.c.at),
    )
    lit = or_(
        and_(clock.c.light == Light.RED.value, within(clock.c.since_at)),
        and_(clock.c.light == Light.GREEN.value, done_within(clock.c.since_at)),  # of an earlier filing too
    )
    settled = exists().where(clock.c.site == case.c.site, clock.c.case_key == case.c.case_key, lit)
    return select(case.c.site, case.c.case_key).where(
        or_(
            done_within(case.c.finished_at),
            done_within(case.c.filed_at),
            done_within(case.c.proof_at),
            case.c.reopened.is_not(None),
            settled,
            told(transition, transition.c.since_at),
            acted,
        )
    )


async def _known(
    conn: AsyncConnection, site: str, keys: Sequence[str], catalogue: items.Catalogue, zone: ZoneInfo
) -> list[Known]:
    async def rows(table: Table) -> dict[str, list[Row[Any]]]:
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in await conn.execute(
            among(conn, select(table).where(table.c.site == site), table.c.case_key, keys)
        ):
            found[row.case_key].append(row)
        return found

    heads, clocks, rulings = await rows(case), await rows(clock), await rows(ruling)
    moved, late, decided = await rows(transition), await rows(late_entry), await rows(withdrawal)
    corrected = await rows(correction)
    lights, events = await _dossiers(conn, [row.id for mine in corrected.values() for row in mine])
    found = []
    for key in keys:
        if not heads[key]:
            continue
        (head,) = heads[key]
        item = _item(head, catalogue, zone)
        contested, confirmed = _contested(decided[key], corrected[key], lights)
        told = [event for row in corrected[key] if row.is_red for event in _answers(events[row.id])]
        subject = Subject(
            filed_at=head.filed_at or None,
            accepted_at=head.accepted_at,
            finished_at=head.finished_at,
            deleted=bool(head.deleted),
            is_complete=bool(
                head.case_no and (head.item_code or head.item_name) and head.org and head.responsible
                and head.accepted_at is not None and (head.outcome or head.status)
            ),
            entered_late=bool(late[key]),
            limits=[_limit(row) for row in clocks[key]],
            rules=sorted((row.rule, Light(row.light)) for row in rulings[key] if row.light != Light.GREY),
            yellows=_yellows(clocks[key], moved[key]),
            corrections=sorted(told),
            sanctions=sorted(
                event.at for row in corrected[key] for event in events[row.id] if event.event == Event.ACCOUNT.value
            ),
            contested=contested,
            confirmed=confirmed,
            is_listed=item is not None,
            is_public=item is not None and _is_public(item),
            is_routed=item is not None and bool(item.route),
            is_priced=item is not None and bool(item.fees),
            charged=head.charged,
            reopened=[(one.ended, one.again) for one in cycle.read(head.reopened) if one.ended != date.min],
            proof_at=head.proof_at,
            is_entered=any(head._mapping[name] for name in _ENTERED),  # noqa: SLF001
        )  # fmt: skip
        found.append(
            Known(
                site, key, head.case_no or "", head.org or "", head.item_code or head.item_name or "",
                (head.item_code and head.item_name) or "", head.responsible or "", head.channel or "", subject,
            )
        )  # fmt: skip
    return found


def _item(head: Row[Any], catalogue: items.Catalogue, zone: ZoneInfo) -> Item | None:
    day = None if head.accepted_at is None else day_ending(head.accepted_at, zone)
    return pinned(catalogue.get(head.item_code or "", ()), day)


def _is_public(item: Item) -> bool:
    """行政许可法 30: what is displayed is there, as `articles.RULES` L30-1 has it."""
    fields = (item.basis, item.conditions, item.quantity, item.procedure, item.materials, item.sample)
    return all(fields) and item.published_on is not None


def _yellows(clocks: Sequence[Row[Any]], moved: Sequence[Row[Any]]) -> list[tuple[int, str]]:
    """By the records alone, so that the line changes nothing; of what is waited for, whose clock ends with the act, as it
    was shown: a month's figure stays when the act has come.
    """
    settled = {
        (row.kind, row.cycle): row.yellowed_at
        for row in clocks
        if row.kind != ClockKind.STEP and row.yellowed_at is not None
    }
    shown = {
        (row.clock, row.cycle): row.since_at
        for row in moved
        if row.clock in MILD and row.after == Light.YELLOW
    }
    return sorted((at, kind) for (kind, _), at in (shown | settled).items())


def _limit(row: Row[Any]) -> Limit:
    start = date.fromisoformat(row.start_day) if row.start_day else None
    return Limit(ClockKind(row.kind), row.cycle, Light(row.light), row.since_at, row.due_at, start)


# what may be held against somebody ---------------------------------------------------------------------------


async def _dossiers(
    conn: AsyncConnection, numbers: list[int]
) -> tuple[dict[int, list[Row[Any]]], dict[int, list[Row[Any]]]]:
    """Correction -> its lights, and its entries in their order."""
    lights: dict[int, list[Row[Any]]] = defaultdict(list)
    events: dict[int, list[Row[Any]]] = defaultdict(list)
    if not numbers:
        return lights, events
    mine = correction_light.c.correction.in_(numbers)
    for row in await conn.execute(select(correction_light).where(mine)):
        lights[row.correction].append(row)
    entry = correction_event.c
    query = select(entry.correction, entry.number, entry.at, entry.event, entry.before)
    query = query.where(entry.correction.in_(numbers)).order_by(entry.correction, entry.number)
    for row in await conn.execute(query):
        events[row.correction].append(row)
    return lights, events


_SPARED = {
    WithdrawalState.WITHDRAWN.value: "红灯已撤销",
    WithdrawalState.PROPOSED.value: "待认定撤销",
}


def _contested(
    decided: list[Row[Any]], corrected: list[Row[Any]], lights: dict[int, list[Row[Any]]]
) -> tuple[dict[tuple[str, int], str], frozenset[str]]:
    """What may not be held against anybody, with why; and the rules of which a person said that they were broken."""
    found: dict[tuple[str, int], str] = {}
    confirmed: set[str] = set()
    for row in corrected:
        body = corrections.body_of(row)
        done = {event for event, _ in body.last}
        for light in lights[row.id]:
            place = light.subject, light.cycle
            if body.state is State.APPEALED:
                found[place] = "申诉中"
            elif body.state is State.WITHDRAWN:
                found[place] = "纠错已撤销"
            elif Event.UPHOLD in done:
                confirmed.add(light.subject)
            elif Event.EXCUSE in done:
                found[place] = "认定有正当理由"
            elif Event.REASSIGN in done:
                found[place] = "认定非本单位责任"
    for row in decided:
        if row.state in _SPARED:
            is_rule = row.cycle == 0 and row.state == WithdrawalState.WITHDRAWN.value
            found[row.clock, row.cycle] = "不符合已撤销或核实不属实" if is_rule else _SPARED[row.state]
        elif row.state == WithdrawalState.KEPT.value and row.cycle == 0:
            confirmed.add(row.clock)
    return found, frozenset(confirmed)


def _answers(events: list[Row[Any]]) -> list[tuple[int, bool]]:
    """When the unit had explained and when it had rectified, or had let the day pass: the first of each."""
    found = []
    for event, stage in ((Event.EXPLAIN, State.SERVED), (Event.RECTIFY, State.RECTIFYING)):
        for row in events:
            lapsed = row.event == Event.LAPSE.value and row.before == stage.value
            if lapsed or row.event == event.value:
                found.append((row.at, lapsed))
                break
    return found
