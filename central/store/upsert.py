"""The one statement that SQLite and PostgreSQL spell through different modules: insert or update."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

Change = Callable[[Any], dict[str, Any]]
"""`excluded` -> the columns to set where the row exists."""


def upsert(
    conn: AsyncConnection,
    table: Table,
    change: Change,
    where: Callable[[Any], ColumnElement[bool]] | None = None,
) -> Insert:
    """An executemany-able INSERT .. ON CONFLICT (primary key) DO UPDATE."""
    module = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = module.insert(table)
    found: Insert = statement.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key],
        set_=change(statement.excluded),
        where=where(statement.excluded) if where else None,
    )
    return found


def replace_row(conn: AsyncConnection, table: Table, keep: Iterable[str] = ()) -> Insert:
    """An upsert that overwrites every column but the key and `keep`."""
    fixed = {column.name for column in table.primary_key} | set(keep)
    names = [column.name for column in table.columns if column.name not in fixed]
    return upsert(conn, table, lambda new: {name: new[name] for name in names})


def insert_new(conn: AsyncConnection, table: Table) -> Insert:
    """An insert that leaves an existing row (by any uniqueness rule) as it is."""
    module = sqlite if conn.dialect.name == "sqlite" else postgresql
    found: Insert = module.insert(table).on_conflict_do_nothing()
    return found
