"""Rules that cases have broken, and what is watched of them: written once each, read by rule and by case."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.lamp import UNCONFIRMED
from central.core.scope import Scope
from central.store.dialect import among, replace_row, write_rows
from central.store.law_tables import LIT
from central.store.scope import of_case
from central.store.tables import case, ruling, site, withdrawal
from common.core.state import Light

_MINE = (case.c.site == ruling.c.site) & (case.c.case_key == ruling.c.case_key)


async def of_cases(
    conn: AsyncConnection, site_id: str, keys: Sequence[str]
) -> dict[tuple[str, str], Row[Any]]:
    """(case key, rule) -> what was found."""
    query = among(conn, select(ruling).where(ruling.c.site == site_id), ruling.c.case_key, keys)
    return {(row.case_key, row.rule): row for row in await conn.execute(query)}


async def put(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """What was grey is said anew, what a person decided waits no more; all else is written once."""
    await write_rows(conn, replace_row(conn, ruling), rows)


async def drop(conn: AsyncConnection, site_id: str, mended: Sequence[tuple[str, str]]) -> None:
    """(case key, rule) of what was never said: it was mended before the data was whole."""
    mine = ruling.c.site == site_id, ruling.c.light == Light.GREY
    for key, rule in mended:
        await conn.execute(delete(ruling).where(*mine, ruling.c.case_key == key, ruling.c.rule == rule))


async def counts(conn: AsyncConnection, reached: Scope) -> dict[tuple[str, Light], int]:
    """(rule, light) -> cases."""
    query = select(ruling.c.rule, ruling.c.light, func.count().label("number")).select_from(ruling)
    within = of_case(reached, ruling.c.site, case.c.org)
    query = query.join(case, _MINE).where(*within) if within else query
    rows = await conn.execute(query.group_by(ruling.c.rule, ruling.c.light))
    return {(row.rule, Light(row.light)): row.number for row in rows}


async def listed(conn: AsyncConnection, reached: Scope, rule: str, limit: int) -> Sequence[Row[Any]]:
    """Cases of one rule with site, number, item and what became of a proposed withdrawal, newest first."""
    decided = (
        (withdrawal.c.site == ruling.c.site)
        & (withdrawal.c.case_key == ruling.c.case_key)
        & (withdrawal.c.clock == ruling.c.rule)
    )
    query = (
        select(ruling, site.c.name.label("site_name"), case.c.case_no, case.c.item_name, case.c.applicant)
        .add_columns(withdrawal.c.state.label("withdrawal"))
        .join(site, site.c.id == ruling.c.site)
        .join(case, _MINE)
        .outerjoin(withdrawal, decided)
        .where(ruling.c.rule == rule, *of_case(reached, ruling.c.site, case.c.org))
        .order_by(ruling.c.found_at.desc(), ruling.c.site, ruling.c.case_key)
        .limit(limit)
    )
    return (await conn.execute(query)).all()


def newest(limit: int) -> Select[Any]:
    """What lit the lamp of a rule last, newest first, with its case and site."""
    return (
        select(ruling, site.c.name.label("site_name"), case.c.case_no, case.c.item_name)
        .join(site, site.c.id == ruling.c.site)
        .outerjoin(case, _MINE)
        .where(LIT, ruling.c.rule.not_in(UNCONFIRMED))
        .order_by(ruling.c.found_at.desc(), ruling.c.site, ruling.c.case_key)
        .limit(limit)
    )
