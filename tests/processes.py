"""The hall and its agents as real processes of a test, over a real broker: started, killed, frozen by process id.

`async with hall(mosquitto, ...)` registers the boxes the broker admits and starts `mingcha central run`;
`Agent(...)` writes a box's `agent.toml` beside the identity that the broker's `admit` has made.
"""

import asyncio
import os
import pwd
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakKeyDictionary

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.status import Status as AgentStatus
from central.store import tables as t
from central.store.engine import Store, open_store
from common import process
from common.clock import Clock
from provisioning.core.identity import Box
from tests import forked
from tests.keyed import keyed, keyed_server
from tests.server import HOST, Server
from tests.services import Mosquitto

_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
ME = pwd.getpwuid(os.geteuid()).pw_name


class Program(Server):
    """One of ours: a module that is run as a program."""

    account = ME
    env: dict[str, str]
    """Of the process, beside ours."""

    def program(self) -> list[str]:
        """What stands behind `python -m`."""
        raise NotImplementedError

    def command(self) -> list[str]:
        here = str(Path(__file__).parents[1])  # the process runs in a folder of its own
        names = (f"{name}={value}" for name, value in self.env.items())
        return ["env", f"PYTHONPATH={here}", *names, sys.executable, "-m", *self.program()]

    def begun(self, log: BinaryIO) -> subprocess.Popen[bytes] | forked.Forked:
        if not forked.can(self.env):
            return super().begun(log)
        out, env = log.fileno(), os.environ | self.env
        return forked.start(["-m", *self.program()], cwd=self.folder, env=env, out=out, err=out)


class Hall(Program):
    """`mingcha central run` on its own web port; `database` is `sqlite` or a postgresql:// address."""

    def __init__(self, broker: Mosquitto, database: str = "sqlite", extra: str = "") -> None:
        super().__init__(broker.hall)
        self.config = broker.hall / "central.toml"
        self.url = f"http://{HOST}:{self.port}"
        self.env: dict[str, str] = {}
        self.armed: list[str] = []
        self.database = database
        self.config.write_text(
            f'database = "{database}"\nlog_level = "debug"\n{extra}\n'
            f"[web]\nport = {self.port}\nsecure_cookie = false\n"
            f'[mqtt]\nhost = "{HOST}"\nport = {broker.port}\n',
            "utf-8",
        )

    def program(self) -> list[str]:
        return [*self.armed, "central", "central", "run", "--config", str(self.config)]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/login", timeout=1) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    @property
    def log(self) -> str:
        return _log_of(self)

    async def store(self) -> Store:
        """The hall's database, opened beside it; one at a time, because Alembic migrates in a global."""
        async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self.database == "sqlite":
                return await open_store(keyed(self.folder / "data" / "central.db"))
            return await open_store(keyed_server(self.database, self.folder))


class Agent(Program):
    """`mingcha-agent run` of one box; `mapping` is the text of its mapping.toml."""

    def __init__(self, broker: Mosquitto, box: Box, mapping: str, *, port: int = 0, extra: str = "") -> None:
        """`port`: where the broker is reached, if through a line; `extra`: lines before the tables."""
        super().__init__(broker.box(box.name))
        self.box = box
        self.env: dict[str, str] = {}
        self.armed: list[str] = []
        """What runs it instead of Python alone (`tests/killing.py`)."""
        self.config = self.folder / "agent.toml"
        (self.folder / "mapping.toml").write_text(mapping, "utf-8")
        self.config.write_text(
            f'site = "{box.site}"\ngeneration = {box.generation}\nlog_level = "debug"\n{extra}\n'
            "[capture]\npoll_secs = 0.5\nsweep_secs = 2.0\npass_secs = 1.0\nhot_secs = 2.0\nduty = 1.0\nrows_per_sec = 100000\n"
            f'[mqtt]\nhost = "{HOST}"\nport = {port or broker.port}\n',
            "utf-8",
        )

    def program(self) -> list[str]:
        return [*self.armed, "agent", "run", "--config", str(self.config)]

    def answers(self) -> bool:
        return self.status() is not None

    def status(self) -> AgentStatus | None:
        """What the running agent says of itself; None if it is not running."""
        found = process.read(self.folder / "data" / "status.json", AgentStatus, Clock().wall())
        return found if found is not None and found.pid == self._pid else None

    @property
    def _pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def log(self) -> str:
        return _log_of(self)

    def waiting(self) -> int:
        """Records in the buffer, read from its file."""
        path = self.folder / "data" / "buffer.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM outbox").fetchone()[0])


def _log_of(server: Server) -> str:
    """Empty for one that was never started."""
    path = server.folder / "server.log"
    return path.read_text("utf-8", "replace") if path.exists() else ""


@asynccontextmanager
async def hall(
    broker: Mosquitto, boxes: Sequence[Box], database: str = "sqlite", extra: str = ""
) -> AsyncIterator[Hall]:
    """A running hall that knows `boxes` and their sites; `extra`: lines of central.toml before its tables."""
    server = Hall(broker, database, extra)
    store = await server.store()
    try:
        async with store.write() as conn:
            await register(conn, broker, boxes)
    finally:
        await store.close()
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def register(conn: AsyncConnection, broker: Mosquitto, boxes: Sequence[Box]) -> None:
    """Rows of `site` and `box`, as enrolment writes them."""
    known = {row.id for row in await conn.execute(select(t.site.c.id))}
    sites: list[dict[str, Any]] = []
    for place, site in enumerate(sorted({box.site for box in boxes} - known)):
        sites.append({"id": site, "name": f"站点 {site}", "kind": "township", "position": place})
    if sites:
        await conn.execute(insert(t.site), sites)
    rows = [
        {
            "site": box.site,
            "generation": box.generation,
            "sign_key": broker.sign_keys[box.name],
            "state": box.state,
            "created_wall": 0,
        }
        for box in boxes
    ]
    await conn.execute(insert(t.box), rows)


class DoorProcess(Program):
    """`mingcha-door run` over what `hall` publishes, in a folder of its own."""

    def __init__(self, folder: Path, public: Path) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.config = folder / "door.toml"
        self.url = f"http://{HOST}:{self.port}"
        self.env = dict[str, str]()
        lines = (
            f'hosts = ["{HOST}"]',
            f'folder = "{public}"',
            f"port = {self.port}",
            "secure_cookie = false",
        )
        self.config.write_text("\n".join(lines), "utf-8")

    def program(self) -> list[str]:
        return ["central.door", "run", "--config", str(self.config)]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/p/", timeout=1) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    @property
    def opened(self) -> set[str]:
        """The files that the process holds open, by name."""
        folder = Path(f"/proc/{self.pid}/fd")
        return {one.readlink().name for one in folder.iterdir() if one.is_symlink()}
