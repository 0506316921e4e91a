"""The seam to a vendor's schema: a module says which tables there are, how they are mapped and what a case looks like.

A row is written whole at every action; its key decides whether that is an insert or an update.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any, Protocol

from provisioning.demo.sheet import Entry, Sheet

Row = tuple[str, dict[str, Any]]
"""Table, and value by column. Text that the vendor stores in a charset of its own is bytes."""


class Vendor(Protocol):
    """One vendor's software."""

    DDL: str
    """Statements that may run again on a database that has the tables."""
    MAPPING: str
    """`mapping.toml` for `office.db` beside it."""

    def case_rows(self, sheet: Sheet) -> list[Row]:
        """The case, without its steps."""

    def step_row(self, sheet: Sheet, entry: Entry) -> Row:
        """One step of it."""


def save(db: sqlite3.Connection, vendor: Vendor, sheet: Sheet, entries: Iterable[Entry]) -> None:
    """Write the case and these steps of it, inside the caller's transaction."""
    for table, row in (*vendor.case_rows(sheet), *(vendor.step_row(sheet, entry) for entry in entries)):
        columns = ", ".join(row)
        # Bytes are text in the vendor's own charset: SQLite keeps them as they are and calls them text.
        places = ", ".join("CAST(? AS TEXT)" if isinstance(value, bytes) else "?" for value in row.values())
        sql = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
        db.execute(sql, tuple(row.values()))
