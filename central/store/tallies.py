"""The roll-ups in the tables: which cases may add something else now, what each added last, and the sums.

`tally_day` is always the sum of `tally_case`; whoever changes a table that `subjects.of_cases` reads marks the case in the same
transaction. So the sums, less the shares of the marked cases, plus these cases counted anew, are the full recount, however
long nobody has booked. Nothing is kept and nothing marked before `begin`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy import (
    case as choice,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import tally
from central.core.figure import Dimension
from central.core.period import Period
from central.core.scope import Scope
from central.core.tally import Cell, Hand, Share
from central.store.case_tables import case
from central.store.dialect import among, replace_row, upsert, write_rows
from central.store.scope import of_case
from central.store.tally_tables import tally_book, tally_case, tally_day, tally_hand, tally_item, tally_stale

Place = tuple[str, str]
"""(site, case key)."""
Coarse = tuple[str, str, str, str, str, str, str]
"""Day, site, office, item, person, channel, measure: what the question does not tell apart is empty."""


# marked -------------------------------------------------------------------------------------------------------


async def book(conn: AsyncConnection) -> Row[Any] | None:
    """What the sums are of; None: they were not begun."""
    return (await conn.execute(select(tally_book))).one_or_none()


async def mark(conn: AsyncConnection, places: Collection[Place]) -> None:
    """These cases have changed, in the transaction that changes them."""
    if not places or await book(conn) is None:
        return
    rows = [{"site": site, "case_key": key, "turn": 1} for site, key in sorted(places)]
    await write_rows(conn, upsert(conn, tally_stale, _again), rows)


async def mark_where(conn: AsyncConnection, *wanted: ColumnElement[bool]) -> None:
    """The same of all cases for which this holds of the row in `case`; also of one that another transaction adds just now."""
    if await book(conn) is None:
        return
    if (
        conn.dialect.name == "postgresql"
    ):  # whoever has marked, and is not seen yet, is waited for; whoever marks later sees us
        await conn.execute(text("LOCK TABLE tally_stale IN EXCLUSIVE MODE"))
    rows = select(case.c.site, case.c.case_key, literal(1)).where(*wanted)
    await conn.execute(upsert(conn, tally_stale, _again).from_select(["site", "case_key", "turn"], rows))


def _again(new: Any) -> dict[str, Any]:
    return {"turn": tally_stale.c.turn + new["turn"]}


async def begin(conn: AsyncConnection, zone: str, version: str) -> bool:
    """Keep sums from now on. -> whether they are begun anew, as days in another zone and by another program mean another thing."""
    kept = await book(conn)
    if kept is not None and (kept.zone, kept.version) == (zone, version):
        return False
    await _begin(conn, zone, version, 0 if kept is None else kept.turn + 1)
    return True


async def begin_anew(conn: AsyncConnection) -> bool:
    """Whatever is kept. -> False where no sums were begun."""
    kept = await book(conn)
    if kept is not None:
        await _begin(conn, kept.zone, kept.version, kept.turn + 1)
    return kept is not None


async def _begin(conn: AsyncConnection, zone: str, version: str, turn: int) -> None:
    for table in (tally_book, tally_case, tally_day, tally_hand, tally_item):
        await conn.execute(delete(table))
    await conn.execute(insert(tally_book).values(id=1, zone=zone, version=version, turn=turn))
    await mark_where(conn, true())


# booked -------------------------------------------------------------------------------------------------------


async def waiting(conn: AsyncConnection, limit: int | None = None) -> Sequence[Row[Any]]:
    """Some that are marked, or all: site, case_key, and the turn that `settle` wants to know."""
    one = tally_stale.c
    return (await conn.execute(select(tally_stale).order_by(one.site, one.case_key).limit(limit))).all()


async def shares(conn: AsyncConnection, places: Iterable[Place]) -> dict[Place, Share]:
    """What is in the sums of these cases, in the order of sites; of one that is not in them, nothing."""
    found: dict[Place, Share] = {}
    for site, mine in groupby(places, key=lambda place: place[0]):
        query = select(tally_case.c.case_key, tally_case.c.share).where(tally_case.c.site == site)
        keys = [key for _, key in mine]
        for start in range(0, len(keys), _PART):
            rows = await conn.execute(among(conn, query, tally_case.c.case_key, keys[start : start + _PART]))
            found |= {(site, row.case_key): tally.decoded(row.share) for row in rows}
    return found


_PART = 500


async def settle(
    conn: AsyncConnection,
    turn: int,
    taken: Sequence[Row[Any]],
    before: Mapping[Place, Share],
    after: Mapping[Place, Share],
) -> bool:
    """Book what was read in the picture of `turn`: the marked cases, their shares then and now. -> False where somebody else has
    booked since. A case that was marked again stays marked.
    """
    own = update(tally_book).where(tally_book.c.turn == turn).values(turn=turn + 1)
    if not (await conn.execute(own)).rowcount:
        return False
    places = [(row.site, row.case_key) for row in taken]
    changed = [place for place in places if before.get(place) != after.get(place)]
    sums, hands, names = tally.moved((place[0], before.get(place), after.get(place)) for place in changed)
    await _add(conn, tally_day, sums)
    await _add(conn, tally_hand, hands)
    await _add(conn, tally_item, names)
    rows = [
        {"site": place[0], "case_key": place[1], "share": tally.encoded(after[place])}
        for place in changed
        if place in after
    ]
    await write_rows(conn, replace_row(conn, tally_case), rows)
    await _unmark(conn, taken)
    return True


async def _add(conn: AsyncConnection, table: Table, counts: Mapping[Any, int]) -> None:
    names = [column.name for column in table.primary_key]
    rows: list[dict[str, Any]] = [
        dict(zip(names, key, strict=True)) | {"number": count} for key, count in sorted(counts.items())
    ]
    await write_rows(conn, upsert(conn, table, _PLUS[table.name]), rows)
    less = [{f"of_{name}": row[name] for name in names} for row in rows if int(row["number"]) < 0]
    if less:
        mine = [table.c[name] == bindparam(f"of_{name}") for name in names]
        await conn.execute(delete(table).where(*mine, table.c.number == 0), less)


def _plus_day(new: Any) -> dict[str, Any]:
    return {"number": tally_day.c.number + new["number"]}


def _plus_hand(new: Any) -> dict[str, Any]:
    return {"number": tally_hand.c.number + new["number"]}


def _plus_item(new: Any) -> dict[str, Any]:
    return {"number": tally_item.c.number + new["number"]}


_PLUS = {tally_day.name: _plus_day, tally_hand.name: _plus_hand, tally_item.name: _plus_item}


async def _unmark(conn: AsyncConnection, taken: Sequence[Row[Any]]) -> None:
    """Those that nobody is marking just now: who books waits for nobody, so that no two wait for each other."""
    one = tally_stale.c
    for site, mine in groupby(taken, key=lambda row: str(row.site)):
        turns = {row.case_key: row.turn for row in mine}
        own = select(tally_stale).where(one.site == site, one.case_key.in_(turns))
        held = await conn.execute(own.with_for_update(skip_locked=True))
        done = [row.case_key for row in held if turns[row.case_key] == row.turn]
        await conn.execute(delete(tally_stale).where(one.site == site, one.case_key.in_(done)))


# read ---------------------------------------------------------------------------------------------------------


async def sums(
    conn: AsyncConnection, of: Period, by: Collection[Dimension], wanted: Collection[str], reached: Scope
) -> Counter[Coarse]:
    """The sums of a period in reach, by dimensions that are served (`is_served`); what `by` does not ask for is empty in a cell, and
    the day is the first of its month or of the period. Measures that are not `wanted` are one, whose name is empty: they say that
    there is something. What is wanted and ends with a colon are all measures that begin so.
    """
    needed = columns_of(by)
    one = (tally_hand if needed & _HAND else tally_day).c
    column: dict[str, ColumnElement[str]] = {name: one[name] for name in needed}
    if "day" not in needed and Dimension.MONTH in by:
        column["month"] = func.substr(one.day, 1, 7)
    is_wanted: list[ColumnElement[bool]] = [one.measure.in_(sorted(wanted))]
    is_wanted += [func.substr(one.measure, 1, len(name)) == name for name in wanted if name.endswith(":")]
    told = choice((or_(*is_wanted), one.measure), else_="")
    within = one.day >= str(of.first), one.day < str(of.until)
    inner = (
        select(*(each.label(name) for name, each in column.items()), told.label("told"), one.number)
        .where(*within, *of_case(reached, one.site, one.org))
        .subquery("inner")
    )
    group = [inner.c[name] for name in (*column, "told")]
    found: Counter[Coarse] = Counter()
    for row in await conn.execute(select(*group, func.sum(inner.c.number).label("sum")).group_by(*group)):
        said = row._mapping  # noqa: SLF001
        day = said["day"] if "day" in said else f"{said['month']}-01" if "month" in said else str(of.first)
        found[day, *(said.get(name, "") for name in PLACE), row.told] += int(row.sum)
    return found


def columns_of(by: Collection[Dimension]) -> set[str]:
    """The columns of `tally_day` that tell the places of a table apart; the month is a part of the day."""
    column = {
        Dimension.SITE: "site", Dimension.KIND: "site", Dimension.ORG: "org", Dimension.ITEM: "item",
        Dimension.WEEK: "day", Dimension.DAY: "day", Dimension.PERSON: "responsible", Dimension.CHANNEL: "channel",
    }  # fmt: skip
    found = {column[one] for one in by if one in column}
    return found | {"site"} if "responsible" in found else found  # namesakes at two sites are two


def is_served(by: Collection[Dimension]) -> bool:
    """Whether the sums tell these places apart: with items and persons at once, each would be of a case or two."""
    needed = columns_of(by)
    return not ("item" in needed and needed & _HAND)


PLACE = ("site", "org", "item", "responsible", "channel")
_HAND = {"responsible", "channel"}


async def names(conn: AsyncConnection) -> Mapping[str, Counter[str]]:
    """Item -> what it is called, by how many cases."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in await conn.execute(select(tally_item)):
        found[row.item][row.name] = row.number
    return found


async def sites(conn: AsyncConnection) -> list[str]:
    """Those of which there are cases, or sums."""
    found = {
        *await conn.scalars(select(case.c.site).distinct()),
        *await conn.scalars(select(tally_day.c.site).distinct()),
    }
    return sorted(found)


async def of_site(conn: AsyncConnection, site: str) -> tuple[dict[Cell, int], dict[Hand, int]]:
    """All that is kept of a site."""
    days = await conn.execute(select(tally_day).where(tally_day.c.site == site))
    hands = await conn.execute(select(tally_hand).where(tally_hand.c.site == site))
    return (
        {(row.day, row.site, row.org, row.item, row.measure): row.number for row in days},
        {
            (row.day, row.site, row.org, row.responsible, row.channel, row.measure): row.number
            for row in hands
        },
    )
