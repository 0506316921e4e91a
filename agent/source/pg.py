"""What PostgreSQL and those of its wire say of themselves: catalogue, plans, clock."""

import json
from collections.abc import Awaitable, Callable

from agent.core.catalogue import CatalogColumn, CatalogTable, Index, assembled
from agent.core.query import Query, Row
from agent.source import base

Fetch = Callable[[Query], Awaitable[list[Row]]]
_FROM = (
    "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname::text ELSE n.nspname || '.' || c.relname END, {} "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace {} "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname !~ '^pg_' "
    "AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE') "
    "AND has_any_column_privilege(c.oid, 'SELECT') {} ORDER BY 1"
)
_TABLES = _FROM.format(
    "c.relkind IN ('v', 'm'), coalesce(obj_description(c.oid, 'pg_class'), ''), c.reltuples", "", ""
)
_COLUMNS = _FROM.format(
    "a.attname::text, format_type(a.atttypid, a.atttypmod), coalesce(col_description(c.oid, a.attnum), ''), "
    "NOT a.attnotnull",
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped",
    "AND has_column_privilege(c.oid, a.attnum, 'SELECT')",
).replace("ORDER BY 1", "ORDER BY 1, a.attnum")
_INDEXES = _FROM.format(
    "ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k(n, o) "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n ORDER BY k.o), i.indisunique, i.indisprimary",
    "JOIN pg_index i ON i.indrelid = c.oid",
    "AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL",
)


# $1: a table as it stands in a statement -> what the account may do to it beside reading. A right to a column alone is one
# too, by way of a role or PUBLIC as well. Through a view that takes nothing, none counts.
WRITES = (
    "SELECT g.name FROM pg_class c CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER')) "
    "AS g(name) WHERE c.oid = to_regclass($1) AND (c.relkind IN ('r', 'p') OR pg_relation_is_updatable(c.oid, true) <> 0) "
    "AND CASE WHEN g.name IN ('INSERT', 'UPDATE') THEN has_any_column_privilege(c.oid, g.name) "
    "ELSE has_table_privilege(c.oid, g.name) END UNION ALL SELECT 'OWNER' FROM pg_class c "
    "WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE') "
    "UNION ALL SELECT 'SUPERUSER' FROM pg_roles WHERE rolname = current_user AND rolsuper"
)


_MADE = "SELECT oid || '.' || relfilenode FROM pg_class WHERE oid = to_regclass({})"


async def catalogue(fetch: Fetch) -> list[CatalogTable]:
    """See base.Source."""
    tables = await fetch(Query(_TABLES))
    columns = await fetch(Query(_COLUMNS))
    indexes = await fetch(Query(_INDEXES))
    return assembled(
        [
            CatalogTable(name, (), comment, view, rows=None if rows < 0 else int(rows))
            for name, view, comment, rows in tables
        ],
        [
            (table, CatalogColumn(name, kind, comment, nullable))
            for table, name, kind, comment, nullable in columns
        ],
        [
            Index(table, tuple(names), unique=unique, primary=primary)
            for table, names, unique, primary in indexes
        ],
    )


async def explain(fetch: Fetch, query: Query) -> str:
    """See base.Source."""
    said = (await fetch(Query(f"EXPLAIN (FORMAT JSON) {query.sql}", query.params)))[0][0]
    text = said if isinstance(said, str) else json.dumps(said)
    return base.plan(scans='"Seq Scan"' in text, sorts='"Sort"' in text)


async def made(fetch: Fetch, place: str, table: str) -> str:
    """See base.Source. `place`: where a parameter goes; `table` as it stands in a statement."""
    found = await fetch(Query(_MADE.format(place), (table,)))
    return str(found[0][0]) if found else ""


async def clock(fetch: Fetch) -> int | None:
    """See base.Source."""
    found = await fetch(Query("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
    return int(found[0][0])
