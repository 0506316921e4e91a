"""Looks for planted names and numbers in every column of a hall's database, as it lies there."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.tables import metadata


async def found(conn: AsyncConnection, planted: Collection[str]) -> list[str]:
    """`table.column: planted` for each that can be read without the data key; no type of ours opens anything here."""
    seen = set()
    for table in metadata.sorted_tables:
        rows = await conn.execute(text(f'SELECT * FROM "{table.name}"'))
        for row in rows.mappings():
            for name, value in row.items():
                seen |= {f"{table.name}.{name}: {one}" for one in planted if holds(value, one)}
    return sorted(seen)


def holds(value: Any, planted: str) -> bool:
    """Whether it stands in the value, written out, or escaped as JSON writes it."""
    if isinstance(value, str):
        return planted in value or ascii(planted)[1:-1] in value
    if isinstance(value, bytes | memoryview):
        kept = bytes(value)
        return any(planted.encode(code) in kept for code in ("utf-8", "gb18030", "utf-16-le"))
    return False
