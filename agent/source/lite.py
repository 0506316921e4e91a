"""What a SQLite file of the vendor's and an image of our own have in common: the fuse, and the words for faults."""

import sqlite3
import time

from agent.source import base
from common.core.errors import MingchaError

_STEPS = 10_000  # virtual machine steps between two looks at the fuse


def limit(db: sqlite3.Connection) -> None:
    """Cut what runs longer than a statement may, from now on."""
    fuse = time.monotonic() + base.STATEMENT_SECS
    db.set_progress_handler(lambda: time.monotonic() > fuse, _STEPS)


def translated(error: sqlite3.Error, where: str) -> MingchaError:
    """`where` is what people call the database."""
    text, code = str(error), getattr(error, "sqlite_errorcode", 0) & 0xFF
    if text.startswith("no such table"):
        return base.no_table(text.partition(": ")[2])
    if text.startswith("no such column"):
        return base.no_column(text.partition(": ")[2])
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT}:
        return base.busy(f"{where}（{text}）")
    return base.broken(f"{where}：{text}")
