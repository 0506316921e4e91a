"""Cases that a complaint may be about, as far as the asking account reaches them; and the one that an officer has linked with it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import naming
from central.core.scope import Scope
from central.store import tables as t
from central.store.complaint_tables import complaint
from central.store.scope import of_case
from central.store.sealed import PHONE, token

_known = t.case.c


def _cases(reached: Scope, limit: int) -> Select[Any]:
    """Nothing of the applicant: newest first."""
    shown = (
        _known.site,
        _known.case_key,
        _known.case_no,
        _known.item_name,
        _known.org,
        _known.filed_at,
        _known.open,
    )
    query = select(*shown, t.site.c.name.label("site_name")).join(t.site, t.site.c.id == _known.site)
    query = query.where(_known.deleted.is_(False), *of_case(reached, _known.site, _known.org))
    return query.order_by(_known.filed_at.desc(), _known.site, _known.case_key).limit(limit)


async def by_number(conn: AsyncConnection, reached: Scope, number: str, limit: int) -> Sequence[Row[Any]]:
    """Sites may use the same numbers. A person may have written it in wide digits, small letters, with blanks."""
    printed = naming.as_printed(number)
    asked = sorted({number, printed, printed.upper()})
    return (await conn.execute(_cases(reached, limit).where(_known.case_no.in_(asked)))).all()


async def by_phone(conn: AsyncConnection, reached: Scope, phone: str, limit: int) -> Sequence[Row[Any]]:
    """Of the applicant with this telephone: by its token in the blind index; none where there is no data key."""
    found = token(conn.dialect, PHONE, phone)
    if found is None:
        return []
    return (await conn.execute(_cases(reached, limit).where(_known.phone_index == found))).all()


async def by_item(
    conn: AsyncConnection,
    reached: Scope,
    codes: Sequence[str],
    names: Sequence[str],
    spans: Sequence[tuple[int, int]],
    limit: int,
) -> Sequence[Row[Any]]:
    """Of one of these items, by code or by name, and filed within one of the spans, (from, until]: a day without a time ends at 24:00."""
    within = or_(
        *((_known.filed_at > from_at) & (_known.filed_at <= until_at) for from_at, until_at in spans)
    )
    item = or_(_known.item_code.in_(codes), _known.item_name.in_(names))
    return (await conn.execute(_cases(reached, limit).where(item, within))).all()


async def linked(conn: AsyncConnection, reached: Scope, site: str, case_key: str) -> Row[Any] | None:
    query = _cases(reached, 1).where(_known.site == site, _known.case_key == case_key)
    return (await conn.execute(query)).one_or_none()


async def link(conn: AsyncConnection, number: int, site: str, case_key: str, by: str) -> None:
    """All empty: with none."""
    values = {"case_site": site, "case_key": case_key, "case_by": by}
    await conn.execute(update(complaint).where(complaint.c.id == number).values(**values))
