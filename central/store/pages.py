"""Reads for the console: plain statements to rows, paged by key; of cases, only what the asking account reaches."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.scope import Scope
from central.store import rulings
from central.store import tables as t
from central.store.case_tables import TAIL_LENGTH, nearest, tail
from central.store.dead import OPEN
from central.store.scope import of_case
from central.store.sealed import NAME, PHONE, Unopened, token
from central.store.wall import IS_OPEN, urgent
from common.core import message
from common.core.errors import ConfigError, UsageError
from common.core.message import Heartbeat
from common.core.state import Light


class Filter(Struct, frozen=True, kw_only=True):
    """Which cases a list shows; empty fields do not restrict."""

    site: str = ""
    light: str = ""
    rule: str = ""  # light of the worst broken rule
    closed_too: bool = False
    no: str = ""  # a case number, or its end
    is_whole_no: bool = False
    item: str = ""  # part of an item's name
    person: bytes = b""  # the applicant's token in a blind index


class Place(Struct, frozen=True):
    """Where a page of a list ended."""

    at: int
    site: str
    case_key: str


async def totals(conn: AsyncConnection) -> tuple[int, int]:
    """(records, cases) the hall holds."""
    records = await conn.scalar(select(func.count()).select_from(t.record))
    cases = await conn.scalar(select(func.count()).select_from(t.case))
    return int(records or 0), int(cases or 0)


# sites -------------------------------------------------------------------------------------------------------


async def heartbeats(conn: AsyncConnection, site: str | None = None) -> dict[str, Heartbeat]:
    """Site -> what its box said last."""
    status = t.site_status.c
    query = select(status.site, status.heartbeat).where(status.heartbeat.is_not(None))
    rows = await conn.execute(query if site is None else query.where(status.site == site))
    return {row.site: message.decode(Heartbeat, row.heartbeat) for row in rows}


async def kinds(conn: AsyncConnection) -> dict[str, str]:
    """Site -> its kind."""
    rows = await conn.execute(select(t.site.c.id, t.site.c.kind))
    return {row.id: row.kind for row in rows}


async def must_know(conn: AsyncConnection, site: str) -> None:
    """Raises UsageError, which names the sites there are, unless `site` is one of them or empty (all)."""
    names = await kinds(conn)
    if site and site not in names:
        raise UsageError(f"没有站点 {site}", hint="站点：" + "、".join(sorted(names)))


async def dead_letters(conn: AsyncConnection, site: str, limit: int) -> tuple[int, Sequence[Row[Any]]]:
    """How many records of `site` could not be read, and the newest of them."""
    letter = t.dead_letter.c
    number = select(func.count()).select_from(t.dead_letter)
    count = await conn.scalar(number.where(letter.site == site, OPEN))
    query = select(letter.seq, letter.code, letter.reason, letter.at_wall).where(letter.site == site, OPEN)
    rows = await conn.execute(query.order_by(letter.at_wall.desc(), letter.seq.desc()).limit(limit))
    return int(count or 0), rows.all()


async def site_changes(conn: AsyncConnection, reached: Scope, site: str, limit: int) -> Sequence[Row[Any]]:
    """The lights of `site` that changed last, newest first; back to green is no news."""
    change, known = t.transition.c, t.case.c
    query = (
        select(t.transition, known.case_no, known.item_name)
        .outerjoin(t.case, and_(known.site == change.site, known.case_key == change.case_key))
        .where(
            change.site == site, change.after != Light.GREEN.value, *of_case(reached, change.site, known.org)
        )
        .order_by(change.id.desc())
        .limit(limit)
    )
    return (await conn.execute(query)).all()


async def site_ruled(conn: AsyncConnection, reached: Scope, site: str, limit: int) -> Sequence[Row[Any]]:
    """The lamps that broken rules of `site` lit last, newest first."""
    mine = of_case(reached, t.ruling.c.site, t.case.c.org)
    return (await conn.execute(rulings.newest(limit).where(t.ruling.c.site == site, *mine))).all()


async def site_events(
    conn: AsyncConnection, site: str, limit: int, before: int | None = None
) -> Sequence[Row[Any]]:
    """The records in which the box wrote of itself last, or last before an instant, newest first: (cap_wall, raw)."""
    known = t.record.c
    query = (
        select(known.cap_wall, known.raw)
        .where(known.site == site, t.EVENTS, *([] if before is None else [known.cap_wall < before]))
        .order_by(known.cap_wall.desc())
        .limit(limit)
    )
    return [row for row in await conn.execute(query) if not isinstance(row.raw, Unopened)]


async def site_lit(conn: AsyncConnection, reached: Scope, site: str, limit: int) -> Sequence[Row[Any]]:
    """Open cases of `site` whose light is not green or that a broken rule lights, the worse of both first, then by limit."""
    known = t.case.c
    own, ruled = (
        case({light.value: light.rank for light in Light}, value=column, else_=literal(0))
        for column in (known.light, known.rule_light)
    )
    lit = [light.value for light in Light if light not in {Light.GREEN, Light.NONE}]
    query = select(t.case).where(IS_OPEN, known.site == site, *_reached(reached))
    query = query.where(or_(known.light.in_(lit), known.rule_light.is_not(None)))
    worst = case((own < ruled, ruled), else_=own)
    order = worst.desc(), own.desc(), nearest, known.case_key
    return (await conn.execute(query.order_by(*order).limit(limit))).all()


# lists of cases ----------------------------------------------------------------------------------------------


async def queue(
    conn: AsyncConnection, reached: Scope, light: Light, limit: int, site: str = ""
) -> Sequence[Row[Any]]:
    """Open cases with this light, of one site or of all; nearest limit first."""
    return (await conn.execute(urgent(light, limit).where(*_reached(reached), *_at(site)))).all()


async def ruled(conn: AsyncConnection, reached: Scope, limit: int, site: str = "") -> Sequence[Row[Any]]:
    """Open cases that a broken rule lights red or yellow, of one site or of all; red first, then by limit."""
    known = t.case.c
    is_lit = known.rule_light.in_((Light.RED.value, Light.YELLOW.value))
    query = select(t.case, t.site.c.name.label("site_name")).join(t.site, t.site.c.id == known.site)
    query = query.where(IS_OPEN, is_lit, *_reached(reached), *_at(site))
    order = known.rule_light, nearest, known.site, known.case_key
    return (await conn.execute(query.order_by(*order).limit(limit))).all()


def _at(site: str) -> list[ColumnElement[bool]]:
    return [t.case.c.site == site] if site else []


def _reached(reached: Scope) -> list[ColumnElement[bool]]:
    return of_case(reached, t.case.c.site, t.case.c.org)


async def list_cases(
    conn: AsyncConnection, reached: Scope, wanted: Filter, after: Place | None, limit: int
) -> Sequence[Row[Any]]:
    """Open cases by limit, or all cases newest first, from after `after` on. `at` is the key of the order."""
    known = t.case.c
    at = _order(wanted)
    key = tuple_(at, known.site, known.case_key)
    query = select(t.case, t.site.c.name.label("site_name"), at.label("at"))
    query = _restricted(query.join(t.site, t.site.c.id == known.site), reached, wanted)
    if after is not None:
        place = tuple_(literal(after.at), literal(after.site), literal(after.case_key))
        # The plain comparison says where to start in an index, the other one where exactly.
        near, exact = (at <= after.at, key < place) if wanted.closed_too else (at >= after.at, key > place)
        query = query.where(near, exact)
    columns = (at, known.site, known.case_key)
    order = [column.desc() for column in columns] if wanted.closed_too else columns
    return (await conn.execute(query.order_by(*order).limit(limit))).all()


def _order(wanted: Filter) -> ColumnElement[int]:
    known = t.case.c
    if wanted.closed_too:
        return known.filed_at
    return nearest


def _restricted(query: Select[Any], reached: Scope, wanted: Filter) -> Select[Any]:
    known = t.case.c
    query = query.where(*_reached(reached))
    if not wanted.closed_too:
        query = query.where(IS_OPEN)
    if wanted.site:
        query = query.where(known.site == wanted.site)
    if wanted.light:
        query = query.where(known.light == wanted.light)
    if wanted.rule:
        query = query.where(known.rule_light == wanted.rule)
    if wanted.no:
        last = wanted.no[-TAIL_LENGTH:]
        if wanted.is_whole_no:
            query = query.where(known.case_no == wanted.no)
        else:
            query = query.where(known.case_no.endswith(wanted.no, autoescape=True))
            if len(last) == TAIL_LENGTH and last.isdecimal():  # LIKE makes no difference between a and A
                query = query.where(tail == last)
    if wanted.person:
        query = query.where(or_(known.name_index == wanted.person, known.phone_index == wanted.person))
    if wanted.item:
        query = query.where(known.item_name.contains(wanted.item, autoescape=True))
    return query


async def count_cases(conn: AsyncConnection, reached: Scope, wanted: Filter) -> int:
    """How many cases `list_cases` has, on all its pages."""
    query = select(func.count()).select_from(t.case.join(t.site, t.site.c.id == t.case.c.site))
    return int(await conn.scalar(_restricted(query, reached, wanted)) or 0)


# one case ----------------------------------------------------------------------------------------------------


async def item_names(conn: AsyncConnection, reached: Scope) -> list[str]:
    """Names of the items that open cases are about, each once."""
    query = select(t.case.c.item_name).where(IS_OPEN, t.case.c.item_name.is_not(None), *_reached(reached))
    query = query.distinct()
    return sorted(await conn.scalars(query))


async def find_by_no(conn: AsyncConnection, reached: Scope, no: str, limit: int) -> Sequence[Row[Any]]:
    """(site, case key) of the cases that carry this number; sites may use the same numbers."""
    query = select(t.case.c.site, t.case.c.case_key).where(t.case.c.case_no == no, *_reached(reached))
    return (await conn.execute(query.order_by(t.case.c.site).limit(limit))).all()


def person_token(conn: AsyncConnection, text: str) -> bytes:
    """What the blind indexes hold for an applicant's whole name, or whole telephone number. Raises ConfigError without the key."""
    digits = text.strip().lstrip("+").replace("-", "").replace(" ", "")
    found = token(conn.dialect, PHONE if digits.isdecimal() else NAME, text)
    if found is None:
        raise ConfigError("没有数据密钥，不能按申请人查找", hint="请执行  mingcha doctor --only E-HALL-16")
    return found


async def one_case(conn: AsyncConnection, reached: Scope, site: str, case_key: str) -> Row[Any] | None:
    query = select(t.case, t.site.c.name.label("site_name")).join(t.site, t.site.c.id == t.case.c.site)
    query = query.where(t.case.c.site == site, t.case.c.case_key == case_key, *_reached(reached))
    return (await conn.execute(query)).one_or_none()


async def transitions(conn: AsyncConnection, site: str, case_key: str) -> Sequence[Row[Any]]:
    """Every change of the case's lights, oldest first."""
    change = t.transition.c
    query = select(t.transition).where(change.site == site, change.case_key == case_key)
    return (await conn.execute(query.order_by(change.id))).all()


async def versions(conn: AsyncConnection, site: str, case_key: str) -> Sequence[Row[Any]]:
    """The case's source rows, with how many versions of each the hall holds."""
    head, record = t.row_head.c, t.record.c
    count = (
        select(func.count())
        .where(record.site == head.site, record.tbl == head.tbl, record.key == head.key)
        .scalar_subquery()
    )
    query = select(head.tbl, head.key, head.kind, head.deleted, head.first_seen_at, head.cap_at)
    query = query.add_columns(count.label("versions"))
    query = query.where(head.site == site, head.case_key == case_key)
    return (await conn.execute(query.order_by(head.kind, head.tbl, head.first_seen_at, head.key))).all()


async def calendar_days(
    conn: AsyncConnection, first: str, last: str, version: int
) -> dict[date, tuple[bool, str]]:
    """Day -> (is a working day, why not or why so) in a version of the calendar."""
    day = t.calendar_day.c
    query = select(day.day, day.workday, day.reason)
    rows = await conn.execute(query.where(day.version == version, day.day.between(first, last)))
    return {date.fromisoformat(row.day): (bool(row.workday), row.reason) for row in rows}
