"""The municipalities' offices: each with its own database and read-only account, entering its cases as time passes.

`timeline` is a site's log as an office lives it: a case is entered open, its steps are entered when they happen
(without the time of recording where that came a day or more later, which is entered then), its end is entered last.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import asyncmy
import asyncpg
from msgspec import Struct

from tests.real.logs import Line, LoggedCase
from tests.real.vendors import ZONE, Vendor, Write
from tests.server import HOST
from tests.services import ADMIN, PASSWORD, MariaDb, PostgreSql

SECRET = "source.password"
_LATE_ENTRY = timedelta(days=1)


class Desk(Protocol):
    """Where an office writes: a connection of the vendor's own software."""

    async def write(self, rows: Sequence[Write]) -> None:
        """All of them in one transaction, in this order."""

    async def close(self) -> None: ...


class Entry(Struct, frozen=True):
    """Something the office enters at `at`."""

    at: datetime
    make: Callable[[datetime], list[Write]]
    """The time of writing -> rows."""


def timeline(vendor: Vendor, cases: Iterable[LoggedCase]) -> list[Entry]:
    """Every entry of these cases, in order of time."""
    entries: list[Entry] = []
    for case in cases:
        accepted, finished = case.values["accepted_at"], case.values["finished_at"]
        entries.append(Entry(_moment(accepted), partial(vendor.opened, case)))
        for step in case.steps:
            entries += _step(vendor, case, step)
        if finished:
            entries.append(Entry(max(_moment(accepted), _moment(finished)), partial(vendor.closed, case)))
    return sorted(entries, key=lambda entry: entry.at)


def _step(vendor: Vendor, case: LoggedCase, step: Line) -> list[Entry]:
    happened, recorded = _moment(step["happened_at"]), _moment(step["recorded_at"])
    at_once = recorded < happened + _LATE_ENTRY
    found = [
        Entry(happened, lambda now: [vendor.step(case, step, now, recorded=at_once, new=True)]),
        Entry(recorded, lambda now: [vendor.step(case, step, now, recorded=True, new=False)]),
    ]
    return found[:1] if at_once else found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


# writing ------------------------------------------------------------------------------------------------------


def _statements(
    rows: Sequence[Write], place: Callable[[int], str], quote: str
) -> Iterable[tuple[str, list[Any]]]:
    """Neighbouring rows of one table and kind as one statement with many rows of parameters."""
    for (table, key, new), group in groupby(rows, key=lambda row: (row.table, row.key, row.new)):
        members = list(group)
        names = list(members[0].values)
        changed = [name for name in names if name not in key]
        order = names if new else [*changed, *key]
        places = [place(number) for number in range(1, len(order) + 1)]
        quoted = [f"{quote}{name}{quote}" for name in order]
        if new:
            sql = f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({', '.join(places)})"
        else:
            pairs = [f"{name} = {mark}" for name, mark in zip(quoted, places, strict=True)]
            sql = f"UPDATE {table} SET {', '.join(pairs[: len(changed)])} WHERE {' AND '.join(pairs[len(changed) :])}"
        yield sql, [tuple(row.values[name] for name in order) for row in members]


class _MariaDesk:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def write(self, rows: Sequence[Write]) -> None:
        async with self._connection.cursor() as cursor:
            for sql, values in _statements(rows, lambda _: "%s", "`"):
                await cursor.executemany(sql, values)
        await self._connection.commit()

    async def close(self) -> None:
        self._connection.close()


class _PostgreDesk:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def write(self, rows: Sequence[Write]) -> None:
        async with self._connection.transaction():
            for sql, values in _statements(rows, lambda number: f"${number}", '"'):
                await self._connection.executemany(sql, values)

    async def close(self) -> None:
        await self._connection.close()


class SqliteDesk:
    """A file; the vendor waits for a lock as long as its users would."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, rows: Sequence[Write]) -> None:
        await asyncio.to_thread(self._write, rows)

    def _write(self, rows: Sequence[Write]) -> None:
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            for sql, values in _statements(rows, lambda _: "?", '"'):
                db.executemany(sql, values)

    async def close(self) -> None:
        """Nothing stays open between two transactions."""


# opening an office --------------------------------------------------------------------------------------------


class Office(Struct, frozen=True):
    """A database with empty tables; `mapping` is the text of mapping.toml for the box that reads it."""

    desk: Desk
    mapping: str


async def mariadb_office(server: MariaDb, vendor: Vendor, box: Path) -> Office:
    database = await server.create_database()
    for sql in _parts(vendor.DDL):
        await server.execute(sql, database=database)
    user = await server.create_user(database)
    connection = await asyncmy.connect(
        host=HOST, port=server.port, user=ADMIN, password=PASSWORD, database=database, charset="utf8mb4"
    )
    return Office(
        _MariaDesk(connection), _mapping(vendor, _served("mariadb", server.port, database, user), box)
    )


async def postgresql_office(server: PostgreSql, vendor: Vendor, box: Path) -> Office:
    database = await server.create_database()
    for sql in _parts(vendor.DDL):
        await server.execute(sql, database=database)
    user = await server.create_user(database)
    connection = await asyncpg.connect(server.url(database))
    return Office(
        _PostgreDesk(connection), _mapping(vendor, _served("postgresql", server.port, database, user), box)
    )


def sqlite_office(vendor: Vendor, box: Path) -> Office:
    path = box / "office.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(vendor.DDL)
    return Office(SqliteDesk(path), _mapping(vendor, f'type = "sqlite"\npath = "{path.name}"\n', box))


def _parts(ddl: str) -> list[str]:
    return [part.strip() for part in ddl.split(";") if part.strip()]


def _served(kind: str, port: int, database: str, user: str) -> str:
    return (
        f'type = "{kind}"\nhost = "{HOST}"\nport = {port}\ndatabase = "{database}"\nuser = "{user}"\n'
        f'password_file = "{SECRET}"\n'
    )


def _mapping(vendor: Vendor, source: str, box: Path) -> str:
    (box / SECRET).write_text(PASSWORD, "utf-8")
    return f'version = 1\n[source]\n{source}timezone = "{ZONE.key}"\n{vendor.MAPPING}'
