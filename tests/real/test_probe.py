"""The probe on real permits in three vendors' schemas, written before it was: an end may lie before a beginning here.

Its states are letters that nobody explains, and its times are stated and recorded by people (capture.md 6.2).
"""

import json
import re
import sqlite3
import tomllib
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.core.mapping import SourceConfig, flatten
from tests.probe.known import truth_of
from tests.probe.made import draft_text, tables_of
from tests.probe.score import Score, scored
from tests.real import logs
from tests.real.vendors import VENDORS, Vendor, Write

_NOW = datetime(2026, 6, 12, tzinfo=UTC)


async def test_real_permits_are_never_surely_misread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.needed()
    cases = logs.municipalities(logs.sample_size(150), seed=3)
    total = Score()
    for site, vendor in VENDORS.items():
        path = tmp_path / f"{site}.db"
        _fill(path, vendor, cases[site])
        text = await draft_text(SourceConfig("sqlite", path=str(path)), tmp_path)
        real = {
            role: truth_of(table) for role, table in flatten(tomllib.loads(vendor.MAPPING))["table"].items()
        }
        total.add(scored(site, real, tables_of(text)))
    with capsys.disabled():
        print(
            "\n"
            + json.dumps(
                {
                    "probe_real": {
                        "right": total.right,
                        "total": total.total,
                        "open": total.open,
                        "other": total.other,
                    }
                }
            )
        )
    assert total.wrong == []
    assert total.right >= 0.85 * total.total


def _fill(path: Path, vendor: Vendor, cases: Iterable[logs.LoggedCase]) -> None:
    """The final state of every case and step, in SQLite's spelling of the vendor's DDL."""
    ddl = re.sub(r",\s*KEY \w+ \([^)]*\)", "", vendor.DDL).replace("CHARACTER SET utf8mb4", "")
    with closing(sqlite3.connect(path)) as db:
        db.executescript(ddl)
        for case in cases:
            _write(db, vendor.opened(case, _NOW))
            _write(db, vendor.closed(case, _NOW) if case.values["finished_at"] else [])
            _write(db, (vendor.step(case, step, _NOW, recorded=True, new=True) for step in case.steps))
        db.commit()


def _write(db: sqlite3.Connection, writes: Iterable[Write]) -> None:
    for one in writes:
        names = ", ".join(one.values)
        places = ", ".join("?" * len(one.values))
        db.execute(
            f"INSERT OR REPLACE INTO {one.table} ({names}) VALUES ({places})",
            [_plain(v) for v in one.values.values()],
        )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return float(value) if isinstance(value, Decimal) else value
