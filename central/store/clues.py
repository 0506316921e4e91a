"""What speaks of cases that no source holds, read from what the sites hold; and what people have said of it."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.clue import Held, Kind
from central.core.complaint import State
from central.core.scope import Scope
from central.store import trail
from central.store.complaint_tables import complaint
from central.store.dialect import insert_new
from central.store.scope import of_case, of_site
from central.store.tables import case, clue, site
from common.core.errors import UsageError

CONFIRMED, REJECTED = "confirmed", "rejected"
SAID = {CONFIRMED: "属实", REJECTED: "不属实"}


# what the sources hold ---------------------------------------------------------------------------------------------


async def held(conn: AsyncConnection, site_id: str, since_at: int) -> dict[Kind, list[Held]]:
    """The numbers of the cases that a site filed or decided since; those of cases without a day as well."""
    one = case.c
    query = select(one.case_no, one.doc_nos, one.filed_at, one.finished_at, one.org, one.item_name)
    recent = or_(one.filed_at >= since_at, one.finished_at >= since_at, one.filed_at == 0)
    found: dict[Kind, list[Held]] = {Kind.CASE_NO: [], Kind.DOC_NO: []}
    for row in await conn.execute(query.where(one.site == site_id, recent)):
        org, item = row.org or "", row.item_name or ""
        if row.case_no:
            found[Kind.CASE_NO].append(Held(row.case_no, row.filed_at, org, item))
        for no in (row.doc_nos or "").split("\n"):
            if no:
                found[Kind.DOC_NO].append(Held(no, row.finished_at or row.filed_at, org, item))
    return found


async def holders(
    conn: AsyncConnection, site_id: str, kind: Kind, numbers: Collection[str]
) -> dict[str, set[str]]:
    """Number -> the sites of which any case bears it, however old it is; of documents this site alone is looked at."""
    found: dict[str, set[str]] = {no: set() for no in numbers}
    if not numbers:
        return found
    one = case.c
    if kind is Kind.CASE_NO:
        query = select(one.case_no, one.site).where(one.case_no.in_(sorted(numbers)))
        for row in await conn.execute(query):
            found[row.case_no].add(row.site)
        return found
    any_of = or_(*(one.doc_nos.contains(no, autoescape=True) for no in sorted(numbers)))
    for text in await conn.scalars(select(one.doc_nos).where(one.site == site_id, any_of)):
        for no in found.keys() & set(text.split("\n")):
            found[no].add(site_id)
    return found


async def is_held(conn: AsyncConnection, number: str, site_id: str) -> bool:
    """Whether a case of any site has this number, or a document of this site."""
    return any(
        [(await holders(conn, site_id, kind, [number]))[number] for kind in (Kind.CASE_NO, Kind.DOC_NO)]
    )


async def complaints(conn: AsyncConnection, reached: Scope, since_at: int) -> Sequence[Row[Any]]:
    """Those of a site, accepted, and linked with no case."""
    one = complaint.c
    query = select(one.id, one.number, one.case_no, one.text, one.site, one.org, one.received_at).where(
        one.received_at >= since_at, one.site != "", one.case_key == "", one.state != State.REFUSED.value,
        *of_case(reached, one.site, one.org),
    )  # fmt: skip
    return (await conn.execute(query.order_by(one.id))).all()


# what people have said ---------------------------------------------------------------------------------------------


async def said(conn: AsyncConnection, reached: Scope) -> set[tuple[str, str, str]]:
    """(site, kind, subject) of what somebody has looked at."""
    of = clue.c
    rows = await conn.execute(select(of.site, of.kind, of.subject).where(*of_site(reached, of.site)))
    return {(row.site, row.kind, row.subject) for row in rows}


async def decided(conn: AsyncConnection, reached: Scope, limit: int) -> Sequence[Row[Any]]:
    """With the site's name, newest first."""
    query = select(clue, site.c.name.label("site_name")).join(site, site.c.id == clue.c.site)
    query = query.where(*of_case(reached, clue.c.site, clue.c.org))
    return (await conn.execute(query.order_by(clue.c.decided_wall.desc()).limit(limit))).all()


async def decide(conn: AsyncConnection, values: dict[str, Any]) -> None:
    """Once and for all, and in the trail. Raises UsageError where somebody has said so before."""
    if not (await conn.execute(insert_new(conn, clue).values(**values))).rowcount:
        raise UsageError("这条线索已由他人核实", hint="请回到规则页刷新")
    subject = f"{values['site']}/{values['kind']}/{values['subject']}"
    act = f"clue.{values['state']}"
    await trail.note(conn, values["decided_wall"], values["decided_by"], act, subject, values["decided_why"])


async def confirmed(
    conn: AsyncConnection, first_at: int, until_at: int, reached: Scope
) -> Sequence[Row[Any]]:
    """Whose day was in (first, until]: 24:00 belongs to the day that ends with it."""
    of = clue.c
    query = select(clue).where(of.state == CONFIRMED, of.due_at > first_at, of.due_at <= until_at)
    query = query.where(*of_case(reached, of.site, of.org))
    return (await conn.execute(query.order_by(of.site, of.kind, of.subject))).all()


async def counted(conn: AsyncConnection, first_at: int, until_at: int) -> Sequence[Row[Any]]:
    """site, its name, office, kind, number of those."""
    of, within = clue.c, (clue.c.due_at > first_at, clue.c.due_at <= until_at)
    query = select(of.site, site.c.name.label("site_name"), of.org, of.kind, func.count().label("number"))
    query = query.join(site, site.c.id == of.site).where(of.state == CONFIRMED, *within)
    query = query.group_by(of.site, site.c.name, of.org, of.kind).order_by(of.site, of.org, of.kind)
    return (await conn.execute(query)).all()


async def offices(conn: AsyncConnection, site_id: str, kind: str, subject: str) -> set[str]:
    """Of which it is, where that shows."""
    of = clue.c
    mine = of.site == site_id, of.kind == kind, of.subject == subject
    return {org for org in await conn.scalars(select(of.org).where(*mine)) if org}
