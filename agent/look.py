"""How the doctor looks at the buffer beside the running agent: reads only, waits for nobody, works with it stopped."""

import fcntl
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

WAIT_SECS = 2.0
_STEPS = 10_000


def held(lock: Path) -> bool:
    """An agent is running on this buffer."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Raises sqlite3.Error."""
    with closing(opened(path)) as db:
        return db.execute(sql).fetchall()


def fault(path: Path) -> str:
    """The first damage that SQLite finds in the time there is; a large file is not looked through to its end."""
    until = time.monotonic() + WAIT_SECS
    with closing(opened(path)) as db:
        db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return ""
            raise
    return "" if found == "ok" else str(found)


def opened(path: Path) -> sqlite3.Connection:
    """For reading alone, to be closed. Raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECS)
