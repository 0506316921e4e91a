"""A SQLite database without room for another page, as on a disk that is full."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text

from central.store.engine import Store


@asynccontextmanager
async def full(store: Store) -> AsyncIterator[None]:
    """It has no free page inside either; what is freed meanwhile may be used again."""
    limit = {"pages": 0}

    def narrow(connection: Any, *_: Any) -> None:
        connection.cursor().execute(f"PRAGMA max_page_count = {limit['pages'] or 2**30}")

    async with store.engine.connect() as conn:
        await conn.execution_options(isolation_level="AUTOCOMMIT")
        await conn.execute(text("VACUUM"))
        limit["pages"] = int(await conn.scalar(text("PRAGMA page_count")) or 0)
    event.listen(store.engine.sync_engine, "checkout", narrow)
    try:
        yield
    finally:
        limit["pages"] = 0  # each connection learns it when it is taken next
