"""What Oracle, and 达梦 with a catalogue of the same names, say of themselves: tables, comments, keys, indexes, clock.

There is no EXPLAIN PLAN: it writes its answer into a table. Whether an index could carry a query is told by the catalogue.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from agent.core.catalogue import CatalogColumn, CatalogTable, Index, assembled
from agent.core.query import Query, Row
from agent.source import base

Fetch = Callable[[Query], Awaitable[list[Row]]]
_HOME = "sys_context('USERENV', 'CURRENT_SCHEMA')"
_LABEL = f"CASE WHEN {{0}} = {_HOME} THEN c.table_name ELSE {{0}} || '.' || c.table_name END"
_TABLES = (
    f"SELECT {_LABEL.format('c.owner')}, c.table_type, c.comments, t.num_rows FROM all_tab_comments c "  # noqa: S608
    "LEFT JOIN all_tables t ON t.owner = c.owner AND t.table_name = c.table_name "
    "WHERE c.owner NOT IN ({}) AND c.table_name NOT LIKE 'BIN$%' ORDER BY c.owner, c.table_name"
)
_COLUMNS = (
    f"SELECT {_LABEL.format('c.owner')}, c.column_name, c.data_type, m.comments, c.nullable FROM all_tab_columns c "  # noqa: S608
    "LEFT JOIN all_col_comments m ON m.owner = c.owner AND m.table_name = c.table_name AND m.column_name = c.column_name "
    "WHERE c.owner NOT IN ({}) ORDER BY c.owner, c.table_name, c.column_id"
)
_INDEXED = (
    "FROM all_ind_columns c JOIN all_indexes i ON i.owner = c.index_owner AND i.index_name = c.index_name "
    "AND i.index_type NOT LIKE 'FUNCTION%' AND i.index_type NOT LIKE 'BITMAP%' AND i.index_type NOT IN ('LOB', 'DOMAIN') "
)
_INDEXES = (
    f"SELECT {_LABEL.format('c.table_owner')}, c.index_name, i.uniqueness, k.constraint_type, c.column_name {_INDEXED}"
    "LEFT JOIN all_constraints k ON k.owner = i.table_owner AND k.table_name = i.table_name "
    "AND k.index_name = i.index_name AND k.constraint_type = 'P' "
    "WHERE c.table_owner NOT IN ({}) ORDER BY c.table_owner, c.table_name, c.index_name, c.column_position"
)
_OVER = (
    f"SELECT c.index_name, c.column_name {_INDEXED}"
    f"WHERE c.table_owner = coalesce({{}}, {_HOME}) AND c.table_name = {{}} ORDER BY c.index_name, c.column_position"
)


async def catalogue(fetch: Fetch, system: str) -> list[CatalogTable]:
    """See base.Source. `system`: what stands in `owner NOT IN (...)`, the schemas of the engine itself."""
    tables = await fetch(Query(_TABLES.format(system)))
    columns = await fetch(Query(_COLUMNS.format(system)))
    indexes = await fetch(Query(_INDEXES.format(system)))
    return assembled(
        [
            CatalogTable(name, (), said or "", view=kind == "VIEW", rows=None if rows is None else int(rows))
            for name, kind, said, rows in tables
        ],
        [
            (table, CatalogColumn(name, kind.lower(), said or "", nullable=nullable != "N"))
            for table, name, kind, said, nullable in columns
        ],
        [
            Index(table, tuple(row[4] for row in rows), unique=kind == "UNIQUE", primary=constraint == "P")
            for (table, _, kind, constraint), rows in groupby(indexes, key=lambda row: row[:4])
        ],
    )


async def explain(fetch: Fetch, query: Query, places: tuple[str, str]) -> str:
    """See base.Source. `places`: of the two parameters, as the driver writes them."""
    owner, _, name = query.table.rpartition(".")
    found = await fetch(Query(_OVER.format(*places), (owner or None, name)))
    over = [tuple(row[1] for row in rows) for _, rows in groupby(found, key=lambda row: row[0])]
    return base.carried(over, query.index)


async def clock(fetch: Fetch) -> int | None:
    """See base.Source."""
    ((said,),) = await fetch(Query("SELECT sys_extract_utc(systimestamp) FROM dual"))
    return _micros(said)


async def in_flight(fetch: Fetch, table: str) -> base.InFlight:  # noqa: ARG001
    """See base.Source. The engine tells the SCN of a time to three seconds: ten are subtracted."""
    ((scn,),) = await fetch(Query("SELECT timestamp_to_scn(systimestamp - INTERVAL '10' SECOND) FROM dual"))
    return base.InFlight(int(scn), int(scn))


def _micros(said: Any) -> int:
    moment = said if isinstance(said, datetime) else datetime.fromisoformat(str(said))
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
