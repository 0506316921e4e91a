"""One site end to end, all of it real processes: a vendor's database, its box, the broker, the hall.

`async with scene() as place` has them running; a test breaks something, asks both doctors, reads both logs, mends it
and waits until the hall says again what the office's database says.
"""

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import func, select

from central.config import load as load_central
from central.store import pages
from central.store import tables as t
from central.store.engine import look
from central.web.guard import COOKIE
from common.core.errors import UnavailableError
from common.core.record import Case, Event, Step, decode_body, decode_record
from provisioning.core.identity import Box
from tests import forked, services
from tests.processes import Agent, Hall, hall
from tests.server import Server
from tests.services import Mosquitto

FIRST = Box("s01", 1)
PATIENCE_SECS = 300.0
"""Only a failure takes so long: ten other tests may run on the same two cores."""
CASES = 6
FEW = 3
TABLES = """
[table.case]
from = "办件"
key = ["编号"]
cursor = {columns = ["修改时间"]}
columns = {case_no = "编号", applicant = "申请人", status = {col = "状态", enum = {0 = "accepted", 9 = "done"}}}
[table.step]
from = "办理过程"
key = ["编号", "序号"]
parent = "编号"
columns = {seq = "序号", step_name = "环节"}
"""
SQLITE_MAPPING = f'version = 1\n[source]\ntype = "sqlite"\npath = "spxt.db"\n{TABLES}'
Rows = dict[tuple[str, str], tuple[str | None, ...]]
"""(table, key) -> what the row says; the same shape from the office and from the hall."""


class Office:
    """The approval database of a site's vendor, a SQLite file in the box's folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "spxt.db"
        self._number = 0
        with self.vendor() as db:
            db.execute('CREATE TABLE "办件" ("编号" TEXT PRIMARY KEY, "申请人", "状态", "修改时间" TEXT)')
            db.execute('CREATE INDEX "时间" ON "办件" ("修改时间")')
            db.execute(
                'CREATE TABLE "办理过程" ("编号" TEXT, "序号" INTEGER, "环节", PRIMARY KEY ("编号", "序号"))'
            )
        self.receive(CASES)

    @contextmanager
    def vendor(self) -> Iterator[sqlite3.Connection]:
        """The vendor's own connection; what is done in the block is committed at its end."""
        db = sqlite3.connect(self.file, timeout=10)
        try:
            with db:
                yield db
        finally:
            db.close()

    def execute(self, sql: str) -> None:
        with self.vendor() as db:
            db.execute(sql)

    def receive(self, count: int = 1, *, status: int = 0) -> str:
        """`count` new cases with a step each. -> the number of the last."""
        numbers = [f"SL{n:05}" for n in range(self._number + 1, self._number + count + 1)]
        self._number += count
        with self.vendor() as db:
            db.executemany(
                "INSERT INTO \"办件\" VALUES (?, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now', '+8 hours'))",
                [(number, f"王小明{number}", status) for number in numbers],
            )
            db.executemany(
                "INSERT INTO \"办理过程\" VALUES (?, 1, '受理')", [(number,) for number in numbers]
            )
        return numbers[-1]

    def rows(self) -> Rows:
        with self.vendor() as db:
            cases = db.execute('SELECT "编号", "申请人", "状态" FROM "办件"').fetchall()
            steps = db.execute('SELECT "编号", "序号", "环节" FROM "办理过程"').fetchall()
        words = {0: "accepted", 9: "done"}
        found: Rows = {("case", key): (name, words[status]) for key, name, status in cases if status in words}
        return found | {("step", f'["{key}","{number}"]'): (name,) for key, number, name in steps}


class Report(Struct):
    """What a doctor said."""

    code: int
    verdict: str
    checks: dict[str, dict[str, Any]]

    @property
    def faults(self) -> set[str]:
        """What failed, and of what warned all but the calendar, which runs out by itself near a year's end."""
        found = {key for key, item in self.checks.items() if item["status"] in {"fail", "warn"}}
        return found - {"E-HALL-08"}

    def detail(self, check: str) -> str:
        """The sentence of a fault; it fails where there is none, or none that a person could act on."""
        item = self.checks[check]
        assert item["status"] in {"fail", "warn"}, item
        assert item["effect"], item
        assert item["remedy"], item
        return str(item["detail"])


async def doctor(server: Agent | Hall, **env: str) -> Report:
    """`mingcha-agent doctor --json` or `mingcha doctor --json`, as a process of its own."""
    program = "mingcha-agent" if isinstance(server, Agent) else "mingcha"
    code, out, err = await command(program, "doctor", "--json", "--config", str(server.config), **env)
    if "FAKETIME" in env and "OSError(22" in err:  # met once, and under that library alone
        return await doctor(server, **env)
    assert not err, err
    said = json.loads(out)
    return Report(code, said["verdict"], {item["id"]: item for item in said["checks"]})


async def command(program: str, *args: str, encoding: str = "utf-8", **env: str) -> tuple[int, str, str]:
    """Run `mingcha-agent` or `mingcha` on a terminal of this `encoding`. -> (exit code, stdout, stderr)."""
    if encoding == "utf-8" and forked.can(env):
        return await asyncio.to_thread(_forked, program, *args, **env)
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name(program),
        *args,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": encoding} | env,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECS)
    assert process.returncode is not None
    return process.returncode, out.decode(encoding, "replace"), err.decode(encoding, "replace")


def _forked(program: str, *args: str, **env: str) -> tuple[int, str, str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = forked.start(
            [program, *args], cwd=Path.cwd(), env=os.environ | env, out=out.fileno(), err=err.fileno()
        )
        code = process.wait(PATIENCE_SECS)
        said = [(file.seek(0), file.read().decode("utf-8", "replace"))[1] for file in (out, err)]
    return code, said[0], said[1]


async def until(what: str, true: Callable[[], Awaitable[Any] | Any], secs: float = PATIENCE_SECS) -> Any:
    """Ask again and again until the answer is true. -> it. What it costs to ask is a quarter of the time at the most."""
    end = time.monotonic() + secs
    while True:
        began = time.monotonic()
        answer = true()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return answer
        now = time.monotonic()
        assert now < end, f"not within {secs:.0f} s: {what}"
        await asyncio.sleep(max(0.1, 3 * (now - began)))


def events(server: Agent | Hall, name: str) -> list[dict[str, Any]]:
    """Log lines of this event."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{") and name in line]
    return [line for line in lines if line["event"] == name]


class Site(Struct):
    """One office and its box."""

    agent: Agent
    office: Office

    @property
    def id(self) -> str:
        return self.agent.box.site


class Place:
    """Broker, hall and sites; `agent` and `office` are those of the first site."""

    def __init__(self, broker: Mosquitto, hall: Hall, sites: list[Site]) -> None:
        self.broker = broker
        self.hall = hall
        self.sites = sites
        self.agent = sites[0].agent
        self.office = sites[0].office

    async def start(self, *servers: Server) -> None:
        """Without arguments: all boxes."""
        chosen = servers or [site.agent for site in self.sites]
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in chosen))

    async def stop(self, *servers: Server) -> None:
        chosen = servers or [self.agent, *(site.agent for site in self.sites)]
        # Of one that is named twice, two threads would take away the process.
        each = dict.fromkeys(chosen)
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in each))

    async def hall_rows(self, site: str = "s01") -> Rows:
        """What the hall takes for the site's database now."""
        async with look(load_central(self.hall.config).database_url) as conn:
            heads = (await conn.execute(select(t.row_head).where(t.row_head.c.site == site))).all()
        return {(head.tbl, head.key): _said(head) for head in heads if not head.deleted}

    async def agrees(self) -> bool:
        """The hall says what every office says."""
        try:
            for site in self.sites:
                rows = site.office.rows()
                if await self._number(site.id) != len(rows) or await self.hall_rows(site.id) != rows:
                    return False
        except UnavailableError:
            return False
        return True

    async def _number(self, site: str) -> int:
        """As many as `hall_rows` would bring, without opening each."""
        head = t.row_head.c
        async with look(load_central(self.hall.config).database_url) as conn:
            query = select(func.count()).where(head.site == site, head.deleted.is_(False))
            return int(await conn.scalar(query) or 0)

    async def settled(self, secs: float = PATIENCE_SECS) -> None:
        """The hall has caught up, by itself."""
        try:
            await until("the hall says what the office says", self.agrees, secs)
        except AssertionError as error:
            error.add_note(f"--- hall ---\n{self.hall.log[-4000:]}")
            for site in self.sites:
                if await self.hall_rows(site.id) != site.office.rows():
                    error.add_note(f"--- {site.id}: {site.agent.status()} ---\n{site.agent.log[-8000:]}")
            raise

    async def page(self, path: str) -> tuple[int, str]:
        """What a browser with an unknown session gets, after redirections. -> (status, text)."""
        return await asyncio.to_thread(_page, self.hall.url + path)

    async def happened(self, word: str, *names: str) -> None:
        """Wait until the hall holds these of the first site's own diary: of its `link`, `source`, ... in their order."""
        await until(f"{word}: {names}", lambda: self._has_happened(word, names))

    async def _has_happened(self, word: str, expected: tuple[str, ...]) -> bool:
        async with look(load_central(self.hall.config).database_url) as conn:
            rows = await pages.site_events(conn, self.agent.box.site, 100)
        written = [decode_body(decode_record(row.raw)) for row in reversed(rows)]
        names = [item.name for item in written if isinstance(item, Event)]
        return [name.partition(".")[2] for name in names if name.partition(".")[0] == word] == [*expected]

    async def twice(self) -> list[tuple[str, ...]]:
        """Versions of a row that the hall has taken twice in one epoch."""
        async with look(load_central(self.hall.config).database_url) as conn:
            place = (t.record.c.site, t.record.c.epoch, t.record.c.tbl, t.record.c.key, t.record.c.version)
            query = select(*place).where(t.record.c.tbl != "").group_by(*place).having(func.count() > 1)
            return [tuple(map(str, row)) for row in await conn.execute(query)]


async def finds(server: Agent | Hall, *faults: str, **env: str) -> Report:
    """Wait until the doctor finds exactly these: what a process says of itself is two seconds old. -> its report."""
    end = time.monotonic() + PATIENCE_SECS
    while True:
        report = await doctor(server, **env)
        if report.faults == set(faults):
            return report
        assert time.monotonic() < end, {key: report.checks[key]["detail"] for key in report.faults}
        await asyncio.sleep(1.5)


async def ended(server: Server, number: int = 0) -> int:
    """Send this signal, or none, and wait for the end. -> exit code."""
    process = server._process
    assert process is not None
    if number:
        process.send_signal(number)
    await until("it ends", lambda: process.poll() is not None)
    server._process = None
    return process.wait()


async def online(place: Place, *, is_online: bool = True) -> bool:
    """What the hall takes the box for, by births, farewells and wills."""
    async with look(load_central(place.hall.config).database_url) as conn:
        return bool(await conn.scalar(select(t.site_status.c.online))) is is_online


def _page(url: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Cookie": f"{COOKIE}=of-nobody"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def _said(head: Any) -> tuple[str | None, ...]:
    if head.kind == "case":
        case = msgspec.msgpack.decode(head.body, type=Case)
        return case.applicant, case.status
    return (msgspec.msgpack.decode(head.body, type=Step).step_name,)


def eager(agent: Agent) -> Agent:
    """It looks at its small office all the time."""
    text = agent.config.read_text("utf-8")
    text = text.replace("poll_secs = 0.5", "poll_secs = 0.2").replace("sweep_secs = 2.0", "sweep_secs = 0.5")
    agent.config.write_text(text, "utf-8")
    return agent


@asynccontextmanager
async def scene(
    boxes: Sequence[Box] = (FIRST,), database: str = "sqlite", *, start: bool = True, extra: str = ""
) -> AsyncIterator[Place]:
    """Everything running (`start`), or only broker and hall; `extra`: lines of agent.toml and central.toml."""
    async with services.mosquitto(boxes) as broker, hall(broker, boxes, database, extra) as running:
        agents = [Agent(broker, box, SQLITE_MAPPING, extra=extra) for box in boxes]
        # One eager box takes 7 % of a core; many would take all of it from what they are tested with.
        agents = [eager(agent) for agent in agents] if len(boxes) <= FEW else agents
        sites = [Site(agent, Office(agent.folder)) for agent in agents]
        place = Place(broker, running, sites)
        try:
            if start:
                await place.start()
            yield place
            servers: list[Agent | Hall] = [running, *(site.agent for site in sites)]
            for server in servers:
                before, trace, after = server.log.partition("Traceback")
                assert not trace, before[-500:] + trace + after[:2000]
        finally:
            await place.stop()
