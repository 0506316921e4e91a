"""Sealed values that do not open, where no record can be held against them: counted for `mingcha verify`."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.sealed import Sealed, Unopened, UnopenedText
from central.store.tables import metadata

_PAGE = 200
"""Rows in memory at a time: a row may hold a document."""
_FOLLOWED = {"record", "row_head", "dead_letter", "parked_batch", "case"}
"""The chain, or the records, say of these what is wrong with each."""


async def elsewhere(conn: AsyncConnection) -> list[tuple[str, int]]:
    """(table.column, how many values do not open), where there are any."""
    found: list[tuple[str, int]] = []
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, Sealed)]
        if table.name in _FOLLOWED or not columns:
            continue
        counts = dict.fromkeys((column.name for column in columns), 0)
        result = await conn.stream(select(*columns))
        async for page in result.partitions(_PAGE):
            for row in page:
                for name, value in row._mapping.items():  # noqa: SLF001
                    counts[name] += isinstance(value, Unopened | UnopenedText)
        found += [(f"{table.name}.{name}", count) for name, count in counts.items() if count]
    return found
