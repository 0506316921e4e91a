"""The force of laws, as somebody has entered it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import replace_row
from central.store.public_tables import statute


async def put(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """One law; what was entered before under its name is corrected."""
    await conn.execute(replace_row(conn, statute).values(**row))


async def listed(conn: AsyncConnection) -> Sequence[Row[Any]]:
    return (await conn.execute(select(statute).order_by(statute.c.name))).all()
