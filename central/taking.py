"""What citizens have handed in at the public door is fetched: opened, written into the hall's tables, then taken out of the box.

The order bears a crash anywhere: what was written and not yet taken out is found again, and is known by its id.
"""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import asked
from central.core.asked import Kind, Urge
from central.door.tables import inbox
from central.store import telling
from central.store.engine import Store
from central.world import Moment
from common.core import crypto
from common.core.crypto import DamagedError
from common.core.instant import local_date

log = structlog.get_logger()

PAGE = 50


async def fetch(store: Store, public: Store, wire_secret: bytes, now: Moment, zone: ZoneInfo) -> int:
    """Take some. -> how many. Raises UnavailableError; what cannot be opened is logged and taken out."""
    async with public.read() as conn:
        rows = (await conn.execute(select(inbox).order_by(inbox.c.made_wall, inbox.c.id).limit(PAGE))).all()
    for row in rows:
        plain = _opened(row, wire_secret)
        if plain is not None:
            async with store.write() as conn:
                await _take(conn, plain, now, zone)
        async with public.write() as conn:
            await conn.execute(delete(inbox).where(inbox.c.id == row.id))
    return len(rows)


def _opened(row: Row[Any], wire_secret: bytes) -> bytes | None:
    """None: nobody can read it, which says that the door or its database was tampered with."""
    try:
        return crypto.unseal_batch(wire_secret, asked.header(Kind(row.kind), row.id), row.sealed)
    except (DamagedError, ValueError) as error:
        log.error(
            "inbox.refused",
            kind=row.kind,
            reason=str(error),
            hint="请检查公众网页的机器；反复出现时联系软件维护人员",
        )
        return None


async def _take(conn: AsyncConnection, plain: bytes, now: Moment, zone: ZoneInfo) -> None:
    urge = msgspec.json.decode(plain, type=Urge)
    day = str(local_date(now.at, zone))
    await telling.add_urge(conn, {"site": urge.site, "case_key": urge.key, "day": day, "at": now.at})
