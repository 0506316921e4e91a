"""The hall against the sources, row by row, and the hall's books against themselves.

Two independent ways for the same rows: the digest that the agent would compute of the row as it stands in the
vendor's database now, and the canonical fields as the CSV says them (`expected.py`).
"""

import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from agent import mapping
from agent.app import adapter
from agent.core import query, rows
from agent.core.mapping import Table
from agent.source.base import Source
from central import verify
from central.store import tables as t
from central.store.facts import decode_ranges
from common.clock import Clock
from common.core.instant import to_us
from common.core.record import Case, Step
from tests.real import expected
from tests.real.logs import LoggedCase

ZONE = ZoneInfo("Asia/Shanghai")
_PAGE = 5000
_TOLD = 5
"""Examples per kind of difference."""
_BODIES: dict[str, type[Case] | type[Step]] = {"case": Case, "step": Step}
Place = tuple[str, str]


class Verdict(Struct):
    """`lost`: rows that the hall does not hold as the source does, and numbers that never came; `duplicated`: rows
    of which one content was told twice, and rows that the source does not have. A row counts once, however it is
    found.
    """

    records: int = 0
    problems: list[str] = []
    _lost: set[tuple[str, Any]] = set()
    _duplicated: set[tuple[str, Any]] = set()

    @property
    def lost(self) -> int:
        return len(self._lost)

    @property
    def duplicated(self) -> int:
        return len(self._duplicated)

    def note(self, site: str, what: str, places: Iterable[Any], *, twice: bool = False) -> None:
        """`places`: which rows or numbers."""
        found = dict.fromkeys(places)
        if found:
            self.differ(site, what, found, twice=twice)

    def differ(self, site: str, what: str, found: dict[Any, Any], *, twice: bool = False) -> None:
        """Row -> what is wrong with it."""
        (self._duplicated if twice else self._lost).update((site, place) for place in found)
        if found:
            examples = [place if why is None else (place, why) for place, why in list(found.items())[:_TOLD]]
            self.problems.append(f"{site}: {len(found)} {what}: {examples}")


async def judge(conn: AsyncConnection, boxes: dict[str, Path], cases: dict[str, list[LoggedCase]]) -> Verdict:
    """`boxes`: site -> the folder of its agent."""
    verdict = Verdict()
    for site, box in boxes.items():
        heads = await _heads(conn, site)
        _compare_digests(verdict, site, heads, await source_digests(box))
        _compare_bodies(verdict, site, heads, expected.rows(site, cases[site]))
        await _compare_cases(verdict, site, conn, cases[site])
        await _check_records(verdict, site, conn)
    for report in await verify.examine(conn, ZONE, Clock().office()):
        proof = [(item.what.value, item.lo, item.hi, item.detail) for item in report.everything]
        verdict.note(report.site, "findings of mingcha verify", proof)
    dead = await conn.scalar(select(func.count()).select_from(t.dead_letter))
    verdict.note("hall", "dead letters", range(dead or 0))
    return verdict


async def _heads(conn: AsyncConnection, site: str) -> dict[Place, Row[Any]]:
    return {
        (row.tbl, row.key): row
        for row in await conn.execute(select(t.row_head).where(t.row_head.c.site == site))
    }


def _compare_digests(
    verdict: Verdict, site: str, heads: dict[Place, Row[Any]], source: dict[Place, bytes]
) -> None:
    verdict.note(site, "rows missing", source.keys() - heads.keys())
    verdict.note(site, "rows that the source does not have", heads.keys() - source.keys(), twice=True)
    both = source.keys() & heads.keys()
    verdict.note(
        site,
        "rows of other content",
        (place for place in both if bytes(heads[place].digest) != source[place]),
    )
    verdict.note(site, "rows called deleted", (place for place in both if heads[place].deleted))


def _compare_bodies(verdict: Verdict, site: str, heads: dict[Place, Row[Any]], wanted: expected.Rows) -> None:
    verdict.note(site, "logged rows missing", wanted.keys() - heads.keys())
    verdict.note(site, "rows that the log does not have", heads.keys() - wanted.keys(), twice=True)
    differing = {}
    for place in wanted.keys() & heads.keys():
        body = msgspec.msgpack.decode(heads[place].body, type=_BODIES[heads[place].kind])
        if body != wanted[place]:
            differing[place] = _difference(body, wanted[place])
    verdict.differ(site, "rows of other canonical fields", differing)


def _difference(body: Case | Step, wanted: Case | Step) -> dict[str, tuple[Any, Any]]:
    names = [field.name for field in msgspec.structs.fields(wanted)]
    pairs = {name: (getattr(body, name, None), getattr(wanted, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


async def _compare_cases(verdict: Verdict, site: str, conn: AsyncConnection, cases: list[LoggedCase]) -> None:
    """The folded case carries the log's instants."""
    found = {
        row.case_key: (row.case_no, row.accepted_at, row.finished_at, row.deadline_at)
        for row in await conn.execute(select(t.case).where(t.case.c.site == site))
    }
    wanted = {
        expected.case_key(site, case): (
            case.case_id,
            _instant(case.values["accepted_at"]),
            _instant(case.values["finished_at"]),
            _instant(case.values["planned_end_at"]),
        )
        for case in cases
    }
    verdict.note(site, "cases folded wrongly", (key for key in wanted if found.get(key) != wanted[key]))
    verdict.note(site, "cases that are none", found.keys() - wanted.keys(), twice=True)


def _instant(text: str) -> int | None:
    return to_us(datetime.fromisoformat(text)) if text else None


# the books ----------------------------------------------------------------------------------------------------


async def _check_records(verdict: Verdict, site: str, conn: AsyncConnection) -> None:
    """No content of a row was told twice, and no number is missing among the records or in the ranges."""
    record = t.record.c
    told: dict[tuple[str, str, bytes], int] = defaultdict(int)
    versions: dict[tuple[str, str, int], int] = defaultdict(int)
    numbers: dict[bytes, set[int]] = defaultdict(set)
    query_ = select(
        record.epoch, record.seq, record.kind, record.tbl, record.key, record.version, record.digest
    )
    for row in await conn.execute(query_.where(record.site == site)):
        verdict.records += 1
        numbers[bytes(row.epoch)].add(row.seq)
        if row.kind in {"case", "step"}:
            told[row.tbl, row.key, bytes(row.digest)] += 1
            versions[row.tbl, row.key, row.version] += 1
    verdict.note(site, "contents told twice", (item[:2] for item, n in told.items() if n > 1), twice=True)
    verdict.note(
        site, "versions given twice", (item[:2] for item, n in versions.items() if n > 1), twice=True
    )
    for epoch, numbers_ in numbers.items():
        holes = set(range(1, max(numbers_) + 1)) - numbers_
        verdict.note(site, f"numbers of epoch {epoch.hex()} without a record", sorted(holes))


async def broken_ranges(conn: AsyncConnection) -> list[str]:
    """Epochs whose numbers are not yet held from 1 to the newest that was announced."""
    cursor = t.ingest_cursor.c
    found = []
    for row in await conn.execute(
        select(cursor.site, cursor.epoch, cursor.upto, cursor.newest, cursor.ranges)
    ):
        held = [(item.lo, item.hi) for item in decode_ranges(row.ranges)]
        if held != [(1, row.newest)] or row.upto != row.newest:
            found.append(f"{row.site} {row.epoch.hex()}: holds {held}, newest {row.newest}, upto {row.upto}")
    return found


async def epochs(conn: AsyncConnection) -> dict[str, int]:
    """Site -> how many epochs its buffer had."""
    cursor = t.ingest_cursor.c
    found = await conn.execute(select(cursor.site, func.count()).group_by(cursor.site))
    return {row[0]: row[1] for row in found}


# the source ---------------------------------------------------------------------------------------------------


async def source_digests(box: Path) -> dict[Place, bytes]:
    """(table, key) -> digest of every row as the box's own adapter reads it now."""
    config, tables = mapping.load(box / "mapping.toml")
    digest_key = (box / "digest.key").read_bytes()
    source = adapter(config, box)
    found: dict[Place, bytes] = {}
    try:
        for table in tables:
            async for row in _rows(source, table):
                item = rows.read(row, table, digest_key)
                assert (table.name, item.key) not in found, f"{item.key} twice in {table.name}"
                found[table.name, item.key] = item.digest
    finally:
        await source.close()
    return found


async def _rows(source: Source, table: Table) -> AsyncIterator[query.Row]:
    after: query.Row | None = None
    while True:
        page = await source.fetch(query.by_key(table.select, after, _PAGE))
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = tuple(page[-1][table.names.index(name)] for name in table.key)


def quarantined(box: Path) -> list[Any]:
    """What the box's buffer has set aside: rows and damaged records."""
    path = box / "data" / "buffer.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        bad = db.execute("SELECT tbl, key, reason FROM bad_row").fetchall()
        return bad + db.execute("SELECT first, why FROM quarantine").fetchall()
