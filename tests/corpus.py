"""Records as boxes make them, of people who do not exist: the demonstration's four vendors, read by the agent's own core.

What the dictionary of the wire is trained on (`tests/docs/dictionary.py`), and, with another seed and another city,
what it is measured against. The same arguments give the same bytes.
"""

import random
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from agent import mapping
from agent.core import rows
from agent.core.mapping import Table
from agent.core.rows import Stamp
from common.core.instant import SECOND
from common.core.record import Event, Gap, Pass, Record
from provisioning.demo.city import SITES, Site
from provisioning.demo.hours import ZONE
from provisioning.demo.office import City

FOUR = tuple({site.vendor: site for site in SITES}.values())
"""One site of each vendor."""
_HOUR = timedelta(hours=1)


def records(seed: int, end: date, hours: int, sites: Iterable[Site] = FOUR) -> list[list[Record]]:
    """-> per site its records, numbered: six weeks of past in one sweep, then each change of the last `hours`."""
    rng = random.Random(seed)
    return [list(_numbered(_site(site, rng, seed, end, hours))) for site in sites]


def _numbered(found: Iterable[Record]) -> Iterator[Record]:
    for seq, item in enumerate(found, 1):
        yield msgspec.structs.replace(item, seq=seq)


def _site(site: Site, rng: random.Random, seed: int, end: date, hours: int) -> Iterator[Record]:
    now = datetime(end.year, end.month, end.day, 18, tzinfo=ZONE) - hours * _HOUR
    digest_key, boot = rng.randbytes(32), rng.randrange(10**12)
    with tempfile.TemporaryDirectory() as folder:
        city = City.open(Path(folder), _us(now), lambda day: day.weekday() < 5, seed=seed, sites=[site])
        _, tables = mapping.load(Path(folder) / site.id / "mapping.toml")
        known: dict[tuple[str, str], tuple[bytes, int]] = {}
        with closing(city), closing(sqlite3.connect(Path(folder) / site.id / "office.db")) as db:
            db.text_factory = bytes
            yield rows.statement(Event("agent.started", "0.1.0"), _stamp(now, boot))
            for hour in range(hours + 1):
                at = now + hour * _HOUR + timedelta(seconds=rng.random() * 60)
                city.work_once(_us(at))
                stamp = _stamp(at, boot)
                for table in tables:
                    yield from _changed(db, table, digest_key, known, stamp)
                counts = {table.name: rng.randrange(1, 3000) for table in tables}
                yield rows.statement(Pass(stamp.at - SECOND, counts, sorted(counts), None, 0), stamp)
            yield rows.statement(Gap(1, 1, "damaged"), stamp, "1-1")


def _changed(
    db: sqlite3.Connection,
    table: Table,
    digest_key: bytes,
    known: dict[tuple[str, str], tuple[bytes, int]],
    stamp: Stamp,
) -> Iterator[Record]:
    sql = f"SELECT {', '.join(table.names)} FROM {table.mapping.from_} ORDER BY {', '.join(table.cursors)}"
    for row in db.execute(sql):
        item = rows.read(row, table, digest_key)
        digest, version = known.get((table.name, item.key), (b"", 0))
        if item.digest != digest:
            known[table.name, item.key] = item.digest, version + 1
            yield rows.to_record(item, table, version + 1, stamp, rows.to_body(item, table))


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _stamp(at: datetime, boot: int) -> Stamp:
    us = _us(at)
    return Stamp(us, us + 1, boot + us % 10**12)
