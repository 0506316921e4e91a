"""The image of one table that is copied as a whole, of a file or of a server: a private SQLite database, so that every lane and query works as on a database.

It is SQLite's own temporary database (`""`): in memory while it is small, beyond 16 MB spilled to a file that has no name and
is nobody else's to open; it ends with the process.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from agent.core import sheet
from agent.core.mapping import ROW_KEY
from agent.core.query import Dialect, Query, Row, quote, table_name
from agent.source import lite

_BATCH = 1000
_CACHE_KB = 16_384
_WHERE = "本机的表映像"


class Sheet(Struct):
    """One table of a file: its columns, its rows, and in which encoding and form it was, for people."""

    names: list[str]
    rows: Iterator[Sequence[Any]]
    how: str


class StoppedError(Exception):
    """The load was told to end."""


class Image:
    """One table of one file. Used by one thread at a time."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows = 0
        self.how = ""
        self.content = b""
        """Digest of what it is the image of."""
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._indexed: set[tuple[str, ...]] = set()
        self._table = ""

    def load(
        self, found: Sheet, table: str, stop: threading.Event, cell: Callable[[Any], Any] = sheet.cell
    ) -> None:
        """`cell`: a value as it is kept. Raises StoppedError, SchemaError; UnavailableError where there is no room for the image."""
        try:
            self._load(found, table, stop, cell)
        except sqlite3.Error as error:
            raise lite.translated(error, _WHERE) from error

    def _load(self, found: Sheet, table: str, stop: threading.Event, cell: Callable[[Any], Any]) -> None:
        schema = table.partition(".")[0] if "." in table else "main"
        self._table = table_name(Dialect.SQLITE, table)
        if schema != "main":
            self._db.execute(f"ATTACH '' AS {quote(Dialect.SQLITE, schema)}")
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KB}"):
            self._db.execute(f"PRAGMA {quote(Dialect.SQLITE, schema)}.{pragma}")
        self.names, self.how = [*found.names, ROW_KEY], found.how
        columns = ", ".join(quote(Dialect.SQLITE, name) for name in self.names)
        self._db.execute(f"CREATE TABLE {self._table} ({columns})")
        insert = f"INSERT INTO {self._table} VALUES ({', '.join('?' * len(self.names))})"  # noqa: S608
        batch: list[tuple[Any, ...]] = []
        for row in found.rows:
            values = tuple(map(cell, row))
            batch.append((*values, sheet.row_id(values)))
            if len(batch) == _BATCH:
                self._insert(insert, batch, stop)
        self._insert(insert, batch, stop)

    def _insert(self, sql: str, batch: list[tuple[Any, ...]], stop: threading.Event) -> None:
        if stop.is_set():
            raise StoppedError
        self._db.execute("BEGIN")
        self._db.executemany(sql, batch)
        self._db.execute("COMMIT")
        self.rows += len(batch)
        batch.clear()

    def digest_rows(self) -> None:
        """`content` by the rows themselves, whatever their order: of a table that no file is the content of."""
        digest = hashlib.blake2b(digest_size=16)
        for (row,) in self._db.execute(f"SELECT {ROW_KEY} FROM {self._table} ORDER BY 1"):  # noqa: S608
            digest.update(row.encode())
        self.content = digest.digest()

    def fetch(self, query: Query) -> list[Row]:
        with self._lock:
            try:
                if query.table and query.index and query.index not in self._indexed:
                    self._index(query.index)
                self._db.execute("PRAGMA query_only = ON")
                lite.limit(self._db)
                return self._db.execute(query.sql, query.params).fetchall()
            except sqlite3.Error as error:
                raise lite.translated(error, _WHERE) from error
            finally:
                self._db.set_progress_handler(None, 0)
                self._db.execute("PRAGMA query_only = OFF")

    def _index(self, columns: tuple[str, ...]) -> None:
        schema, _, name = self._table.rpartition(".")
        place = f"{schema}.`index_{len(self._indexed)}`" if schema else f"`index_{len(self._indexed)}`"
        listed = ", ".join(quote(Dialect.SQLITE, column) for column in columns)
        self._db.execute(f"CREATE INDEX {place} ON {name} ({listed})")
        self._indexed.add(columns)
        if columns == (ROW_KEY,):
            self._tell_apart()

    def _tell_apart(self) -> None:
        """Of equal rows the second gets `-2`, the third `-3`: a row less is a deletion, whichever it was."""
        twice = f"SELECT {ROW_KEY} FROM {self._table} GROUP BY {ROW_KEY} HAVING count(*) > 1"  # noqa: S608
        number = f"row_number() OVER (PARTITION BY {ROW_KEY} ORDER BY rowid)"
        equal = f"SELECT rowid AS r, {number} AS n FROM {self._table} WHERE {ROW_KEY} IN ({twice})"  # noqa: S608
        self._db.execute(
            f"UPDATE {self._table} AS t SET {ROW_KEY} = {ROW_KEY} || '-' || e.n FROM ({equal}) AS e "  # noqa: S608
            "WHERE t.rowid = e.r AND e.n > 1"
        )

    def close(self) -> None:
        with self._lock:
            self._db.close()
