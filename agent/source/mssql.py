"""What SQL Server says of itself: catalogue, indexes, clock. 2008 and newer.

There is no SHOWPLAN: it needs a right of its own. Whether an index could carry a query is told by the catalogue.
"""

from collections.abc import Awaitable, Callable
from itertools import groupby

from agent.core.catalogue import CatalogColumn, CatalogTable, Index, assembled
from agent.core.query import Dialect, Query, Row, table_name
from agent.source import base

Fetch = Callable[[Query], Awaitable[list[Row]]]
_FROM = (
    "SELECT CASE WHEN s.name = SCHEMA_NAME() THEN o.name ELSE s.name + '.' + o.name END, {} "
    "FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id {} "
    "WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 {} ORDER BY s.name, o.name"
)
_SAID = (
    "LEFT JOIN sys.extended_properties e ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = {} "
    "AND e.name = 'MS_Description'"
)
_COMMENT = "COALESCE(CAST(e.value AS NVARCHAR(4000)), '')"
_TABLES = _FROM.format(
    f"CASE WHEN o.type = 'V' THEN 1 ELSE 0 END, {_COMMENT}, (SELECT SUM(p.rows) FROM sys.partitions p "  # noqa: S608
    "WHERE p.object_id = o.object_id AND p.index_id IN (0, 1))",
    _SAID.format(0),
    "",
)
_COLUMNS = (
    _FROM.format(
        f"c.name, TYPE_NAME(c.user_type_id), {_COMMENT}, c.is_nullable",
        f"JOIN sys.columns c ON c.object_id = o.object_id {_SAID.format('c.column_id')}",
        "AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'SELECT', c.name, 'COLUMN') = 1",
    )
    + ", c.column_id"
)
_WHOLE = "i.type IN (1, 2) AND i.has_filter = 0 AND i.is_disabled = 0"
_KEYS = (
    "JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.key_ordinal > 0"
)
_INDEXES = (
    _FROM.format(
        "i.name, i.is_unique, i.is_primary_key, COL_NAME(o.object_id, k.column_id)",
        f"JOIN sys.indexes i ON i.object_id = o.object_id AND {_WHOLE} {_KEYS}",
        "",
    )
    + ", i.index_id, k.key_ordinal"
)
_OVER = (
    f"SELECT i.index_id, COL_NAME(i.object_id, k.column_id) FROM sys.indexes i {_KEYS} "  # noqa: S608
    f"WHERE i.object_id = OBJECT_ID(%s) AND {_WHOLE} ORDER BY i.index_id, k.key_ordinal"
)
_CLOCK = (
    "SELECT CAST(DATEDIFF(DAY, '1970-01-01', n.t) AS BIGINT) * 86400000000 "
    "+ CAST(DATEDIFF(SECOND, CAST(n.t AS DATE), n.t) AS BIGINT) * 1000000 + DATEPART(MICROSECOND, n.t) "
    "FROM (SELECT SYSUTCDATETIME() AS t) n"
)
_NUMBERED = (
    "SELECT CAST(MIN_ACTIVE_ROWVERSION() AS BIGINT), CAST(@@DBTS AS BIGINT) + 1, c.name FROM sys.columns c "
    "WHERE c.object_id = OBJECT_ID(%s) AND c.system_type_id = 189"
)
"""189: rowversion, of which a table has one at most. Not @@DBTS alone: it is past changes that are not committed yet."""


async def catalogue(fetch: Fetch) -> list[CatalogTable]:
    """See base.Source."""
    tables = await fetch(Query(_TABLES))
    columns = await fetch(Query(_COLUMNS))
    indexes = await fetch(Query(_INDEXES))
    return assembled(
        [CatalogTable(name, (), said, bool(view), rows=rows) for name, view, said, rows in tables],
        [
            (table, CatalogColumn(name, kind.lower(), said, bool(nullable)))
            for table, name, kind, said, nullable in columns
        ],
        [
            Index(table, tuple(row[4] for row in rows), unique=bool(unique), primary=bool(primary))
            for (table, _, unique, primary), rows in groupby(indexes, key=lambda row: row[:4])
        ],
    )


async def explain(fetch: Fetch, query: Query) -> str:
    """See base.Source."""
    found = await fetch(Query(_OVER, (table_name(Dialect.SQLSERVER, query.table),)))
    over = [tuple(row[1].casefold() for row in rows) for _, rows in groupby(found, key=lambda row: row[0])]
    return base.carried(over, tuple(name.casefold() for name in query.index))


async def clock(fetch: Fetch) -> int | None:
    """See base.Source."""
    ((micros,),) = await fetch(Query(_CLOCK))
    return int(micros)


async def in_flight(fetch: Fetch, table: str) -> base.InFlight | None:
    """See base.Source. By the table's rowversion column, if it has one."""
    found = await fetch(Query(_NUMBERED, (table_name(Dialect.SQLSERVER, table),)))
    return base.InFlight(int(found[0][0]), int(found[0][1]), found[0][2]) if found else None
