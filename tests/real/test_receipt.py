"""The receipt log's late cases, found by a real agent and a real hall by the deadline instant the log itself carries.

Open cases of 2011 are long overdue today and the site's data is whole, so they are red too. Everything is also
counted from the CSV, without the product.
"""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from central.store import tables as t
from central.store.engine import look
from common.clock import Clock
from common.core.instant import from_us, to_us
from common.core.state import ClockKind, Light
from provisioning.core.identity import Box
from tests import processes, services
from tests.keyed import keyed
from tests.processes import Agent, Hall
from tests.real import logs
from tests.real.logs import LoggedCase
from tests.real.vendors import ZONE

pytestmark = pytest.mark.service

CASES, STEPS, CLOSED, OPEN = 1434, 8577, 1329, 105
LATE, LATE_BY_DAY = 377, 309
PATIENCE_SECS = 120.0
SITE = logs.RECEIPT

DDL = """
CREATE TABLE permit (
    case_no TEXT PRIMARY KEY, channel TEXT, department TEXT, team TEXT, owner TEXT, accepted_at TEXT,
    planned_end_at TEXT, deadline_at TEXT, finished_at TEXT
);
CREATE TABLE permit_task (
    task_no TEXT PRIMARY KEY, case_no TEXT, title TEXT, team TEXT, operator TEXT, happened_at TEXT
);
"""
MAPPING = f"""
version = 1
[source]
type = "sqlite"
path = "office.db"
timezone = "{ZONE.key}"

[table.case]
from = "permit"
key = ["case_no"]
watch = ["team", "planned_end_at"]
[table.case.columns]
case_no = "case_no"
channel = "channel"
org = "department"
responsible = "owner"
accepted_at = "accepted_at"
deadline = "deadline_at"
finished_at = "finished_at"

[table.step]
from = "permit_task"
key = ["task_no"]
parent = "case_no"
[table.step.columns]
step_name = "title"
org = "team"
actor = "operator"
finished_at = "happened_at"
"""


def enter(path: Path, cases: list[LoggedCase]) -> None:
    """All at once, before anybody reads; times keep the log's text with offset and milliseconds."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(DDL)
        lines = [[value or None for value in case.values.values()] for case in cases]
        db.executemany("INSERT INTO permit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", lines)
        tasks = [
            (
                step["task_id"],
                case.case_id,
                step["step_name"],
                step["group"],
                step["actor"],
                step["happened_at"],
            )
            for case in cases
            for step in case.steps
        ]
        db.executemany("INSERT INTO permit_task VALUES (?, ?, ?, ?, ?, ?)", tasks)


async def test_late_cases_are_red_by_the_stated_instant_and_no_others() -> None:
    logs.needed()
    cases = logs.receipt()
    counted(cases)
    box = Box(SITE, 1)
    async with services.mosquitto([box]) as broker, processes.hall(broker, [box]) as hall:
        enter(broker.box(box.name) / "office.db", cases)
        agent = Agent(broker, box, MAPPING)
        try:
            await asyncio.to_thread(agent.start)
            judged, told = await stated_clocks(hall)
        finally:
            await asyncio.to_thread(agent.stop)
    assert len(judged) == CASES
    assert len(told) == len(set(told)) == LATE + OPEN
    lights = Counter((closed, Light(row.light)) for closed, row in by_ending(cases, judged))
    assert lights == {
        (True, Light.RED): LATE,
        (True, Light.GREEN): CLOSED - LATE,
        (False, Light.RED): OPEN,
    }
    for case in cases:
        row = judged[case.case_id]
        assert row.due_at == moment(case, "deadline_at"), case
        late = not case.values["finished_at"] or moment(case, "finished_at") > row.due_at
        assert (row.light == Light.RED) == late, case


async def stated_clocks(hall: Hall) -> tuple[dict[str, Row[Any]], list[str]]:
    """Case key -> its STATED clock, and whose turned red, once the site is whole past this moment."""
    wanted_at = Clock().office()
    passes = select(t.site_pass.c.complete_until).where(t.site_pass.c.site == SITE)
    clocks = select(t.clock).where(t.clock.c.site == SITE, t.clock.c.kind == ClockKind.STATED)
    reds = select(t.transition.c.case_key).where(
        t.transition.c.site == SITE,
        t.transition.c.clock == ClockKind.STATED,
        t.transition.c.after == Light.RED,
    )
    steps = select(t.row_head.c.key).where(t.row_head.c.site == SITE, t.row_head.c.kind == "step")
    address = keyed(hall.folder / "data" / "central.db")
    async with asyncio.timeout(PATIENCE_SECS), look(address) as conn:
        while True:
            until = list((await conn.scalars(passes)).all())
            if len(until) == 2 and min(until) > wanted_at:
                break
            await conn.rollback()
            await asyncio.sleep(0.25)
        assert len((await conn.scalars(steps)).all()) == STEPS
        told = list((await conn.scalars(reds)).all())
        return {row.case_key: row for row in await conn.execute(clocks)}, told


def by_ending(cases: list[LoggedCase], judged: dict[str, Row[Any]]) -> list[tuple[bool, Row[Any]]]:
    return [(bool(case.values["finished_at"]), judged[case.case_id]) for case in cases]


def moment(case: LoggedCase, name: str) -> int:
    return to_us(datetime.fromisoformat(case.values[name]))


def counted(cases: list[LoggedCase]) -> None:
    """What the README of the logs says, counted from the CSV alone."""
    assert (len(cases), sum(len(case.steps) for case in cases)) == (CASES, STEPS)
    closed = [case for case in cases if case.values["finished_at"]]
    assert (len(closed), len(cases) - len(closed)) == (CLOSED, OPEN)
    instants = [moment(case, "finished_at") > moment(case, "deadline_at") for case in closed]
    assert sum(instants) == LATE
    days = [case.values["finished_at"][:10] > case.values["deadline_at"][:10] for case in closed]
    assert sum(days) == LATE_BY_DAY
    local = [from_us(moment(case, "deadline_at"), ZONE).isoformat()[:10] for case in closed]
    assert local == [case.values["deadline_at"][:10] for case in closed]
