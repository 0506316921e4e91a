"""Decided cases as patterns and bottlenecks look at them: when, why refused, entered when, through which steps."""

from collections.abc import AsyncIterator, Container
from datetime import date
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import case as folding
from central.core.case import CaseState
from central.core.pattern import BATCH_SPAN, Decision
from central.core.scope import Scope
from central.store import cases
from central.store.scope import of_case
from central.store.tables import case, late_entry, ruling
from common.core.instant import MINUTE, local_date
from common.core.state import Light

PAGE = 500
_REFUSED = ("W-1", "W-2")
"""The rules that say that a case was refused: 不予许可, 不予受理."""
_COLUMNS = (
    case.c.site, case.c.case_key, case.c.case_no, case.c.org, case.c.item_code, case.c.item_name, case.c.accepted_at,
    case.c.finished_at,
)  # fmt: skip


def _decided(first_at: int, until_at: int, reached: Scope, *columns: Any) -> Select[Any]:
    within = case.c.finished_at > first_at, case.c.finished_at <= until_at, case.c.deleted.is_(False)
    return select(*columns).where(*within, *of_case(reached, case.c.site, case.c.org))


def _slot(column: ColumnElement[int], span: int) -> ColumnElement[int]:
    """The beginning of the stretch of `span` microseconds; the number stands in the text, so that it may be grouped by."""
    return column - column % literal_column(str(span), BigInteger)


async def number(conn: AsyncConnection, first_at: int, until_at: int, reached: Scope) -> int:
    """How many were decided between the instants."""
    query = _decided(first_at, until_at, reached, func.count())
    return int(await conn.scalar(query) or 0)


async def of_period(
    conn: AsyncConnection,
    first_at: int,
    until_at: int,
    zone: ZoneInfo,
    reached: Scope,
    on_the_spot: Container[str],
) -> list[Decision]:
    """Every decision in reach, with the reasons of the refusals. `on_the_spot`: codes of the items that are done while one waits."""
    refused = _decided(first_at, until_at, reached, case.c.site, case.c.case_key).join(
        ruling, and_(ruling.c.site == case.c.site, ruling.c.case_key == case.c.case_key)
    )
    lit = ruling.c.rule.in_(_REFUSED), ruling.c.light != Light.GREY.value
    places = sorted({(row.site, row.case_key) for row in await conn.execute(refused.where(*lit))})
    reasons: dict[tuple[str, str], str] = {}
    for site, mine in groupby(places, key=lambda one: one[0]):
        async for key, state in states(conn, site, [key for _, key in mine], zone):
            reasons[site, key] = (state.facts.reason or "").strip()
    rows = await conn.execute(_decided(first_at, until_at, reached, *_COLUMNS))
    return [_decision(row, reasons.get((row.site, row.case_key), ""), on_the_spot) for row in rows]


def _decision(row: Row[Any], reason: str, on_the_spot: Container[str]) -> Decision:
    return Decision(
        site=row.site,
        key=row.case_key,
        no=row.case_no or "",
        org=row.org or "",
        accepted_at=row.accepted_at,
        finished_at=row.finished_at,
        is_instant=(row.item_code or "") in on_the_spot,
        reason=reason,
    )


async def entered(
    conn: AsyncConnection, first_at: int, until_at: int, reached: Scope
) -> list[tuple[Decision, int]]:
    """(case, when an entry of it came late), of every stretch in which that happened to a case decided between the instants."""
    mine = (late_entry.c.site == case.c.site) & (late_entry.c.case_key == case.c.case_key)
    span = _slot(late_entry.c.seen_at, BATCH_SPAN)
    spans = (
        _decided(first_at, until_at, reached, case.c.site.label("site"), span.label("span"))
        .join(late_entry, mine)
        .distinct()
        .subquery()
    )
    query = select(*_COLUMNS, late_entry.c.seen_at).join(late_entry, mine)
    query = query.join(spans, and_(spans.c.site == late_entry.c.site, spans.c.span == span))
    alive = case.c.finished_at.is_not(None), case.c.deleted.is_(False)
    rows = await conn.execute(query.where(*alive, *of_case(reached, case.c.site, case.c.org)))
    return [(_decision(row, "", ()), row.seen_at) for row in rows]


async def states(
    conn: AsyncConnection, site: str, keys: list[str], zone: ZoneInfo
) -> AsyncIterator[tuple[str, CaseState]]:
    """Cases of a site as their rows say them."""
    for start in range(0, len(keys), PAGE):
        found = await cases.source_rows(conn, site, keys[start : start + PAGE])
        for key in keys[start : start + PAGE]:
            yield key, folding.fold(key, found.get(key, []), zone)


async def steps(
    conn: AsyncConnection, first_at: int, until_at: int, zone: ZoneInfo, reached: Scope
) -> AsyncIterator[tuple[Row[Any], CaseState]]:
    """Every decision in reach: its row, and the case as its source's rows say it."""
    who = case.c.responsible, case.c.channel
    rows = (await conn.execute(_decided(first_at, until_at, reached, *_COLUMNS, *who))).all()
    ordered = sorted(rows, key=lambda row: (row.site, row.case_key))
    for site, mine in groupby(ordered, key=lambda row: row.site):
        heads = {row.case_key: row for row in mine}
        async for key, state in states(conn, site, list(heads), zone):
            yield heads[key], state


async def filed(
    conn: AsyncConnection, first_at: int, until_at: int, zone: ZoneInfo, reached: Scope, site: str
) -> dict[date, int]:
    """Day -> cases that came in; `site` empty: of all in reach. Added up in the database by quarter hours, which no zone cuts."""
    # 24:00 belongs to the day that ends with it.
    slot = _slot(case.c.filed_at - 1, 15 * MINUTE)
    within = case.c.filed_at > first_at, case.c.filed_at <= until_at, case.c.deleted.is_(False)
    query = select(slot.label("slot"), func.count().label("number")).where(
        *within, *of_case(reached, case.c.site, case.c.org)
    )
    query = query.where(case.c.site == site) if site else query
    found: dict[date, int] = {}
    for row in await conn.execute(query.group_by(slot)):
        day = local_date(int(row.slot), zone)
        found[day] = found.get(day, 0) + row.number
    return found
