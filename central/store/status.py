"""What each site's box said last, and when the hall heard it."""

from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import replace_row, upsert, write_rows
from central.store.tables import site_status


async def all_status(conn: AsyncConnection) -> dict[str, Row[Any]]:
    return {row.site: row for row in await conn.execute(select(site_status))}


async def put_status(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Presence of boxes; receipts keep their own columns."""
    await write_rows(conn, replace_row(conn, site_status, keep=("receipt_wall", "record_wall")), rows)


async def note_receipts(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """A batch of `site` was committed at `receipt_wall`; `record_wall` is its newest case or step, or None."""
    statement = upsert(conn, site_status, _receipt)
    online = {"online": True, "connection": ""}
    await write_rows(conn, statement, [{**online, "since_wall": r["receipt_wall"], **r} for r in rows])


def _receipt(new: Any) -> dict[str, Any]:
    return {
        "receipt_wall": new.receipt_wall,
        "heard_wall": new.receipt_wall,
        "record_wall": func.coalesce(new.record_wall, site_status.c.record_wall),
    }
