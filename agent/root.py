"""The hourly root over every row that the index knows to be there: what the hall holds must come to the same.

It is computed beside capture, in one picture of the index's file: by a thread that rests nine tenths of the time.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from agent import index
from agent.core.indexed import checksum
from common.core.instant import HOUR
from common.core.merkle import PAGE_ROWS, Rows
from common.core.record import Anew, IndexRoot

EVERY = HOUR
_REST = 9
"""Times as long as a page took."""
_COLUMNS = "tbl, key, n, digest, case_key, gone, dirty, epoch, seq, ends, at, sum"


class Roots:
    """One computation at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._running: asyncio.Future[IndexRoot | None] | None = None

    def take(self) -> IndexRoot | None:
        """What was computed since; None: nothing, or it is under way."""
        running = self._running
        if running is None or not running.done():
            return None
        self._running = None
        return running.result()

    def begin(self) -> None:
        """Does nothing while one is under way."""
        if self._running is None:
            self._running = asyncio.ensure_future(asyncio.to_thread(computed, self._path, self._stop))

    async def close(self) -> None:
        self._stop.set()
        if self._running is not None:
            await asyncio.wait({self._running})


def computed(path: Path, stop: threading.Event) -> IndexRoot | None:
    """None where a row waits to be sent again, or something is damaged: then what the hall holds differs by right."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")
            meta = {name: index.value(name, raw) for name, raw in db.execute("SELECT k, v FROM meta")}
            roots = _roots(db, stop)
    except sqlite3.Error:
        return None  # capture reads the same file, and says what is wrong with it
    indexed, anew = meta.get("indexed"), meta.get("anew")
    if roots is None or not indexed or None in meta.values():
        return None
    found = {table: rows.root() for table, rows in roots.items()}
    return IndexRoot(int(indexed), found, msgspec.msgpack.decode(anew, type=Anew) if anew else None)


def _roots(db: sqlite3.Connection, stop: threading.Event) -> dict[str, Rows] | None:
    roots: dict[str, Rows] = {}
    cursor = db.execute(f"SELECT {_COLUMNS} FROM row ORDER BY tbl, key")  # noqa: S608
    while not stop.is_set():
        began = time.monotonic()
        page = cursor.fetchmany(PAGE_ROWS)
        if not page:
            return roots
        if not all(_add(roots, row) for row in page):
            return None
        stop.wait((time.monotonic() - began) * _REST)
    return None


def _add(roots: dict[str, Rows], row: Sequence[Any]) -> bool:
    """False where the row is not what the hall should have."""
    table, key, version, digest, case_key, gone, dirty, epoch, seq, ends, at, total = row
    facts = version, digest, case_key, gone, dirty, epoch, seq, ends, at
    if dirty or total != checksum(table, key, *facts):
        return False
    rows = roots.setdefault(table, Rows())
    if not gone:
        rows.add(key, version, digest)
    return True
