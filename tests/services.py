"""Real servers for tests: each in its own temporary folder, on its own loopback port, stopped by process id.

`async with mosquitto(...)`, `mariadb()`, `postgresql()` start one; `running(MariaDb(...))` does so without a loop.
`kill` is SIGKILL to all processes of the server; `start` afterwards goes on with the same data and port. Both
block for a moment (`start` up to a second): beside other work in the event loop use `asyncio.to_thread`.
"""

import asyncio
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncmy
import asyncpg

from common.clock import Clock
from common.mqtt import MqttConfig
from provisioning import broker, pki
from provisioning.core.identity import INGEST, Box
from tests.server import HOST, Server, program

ADMIN = "admin"
PASSWORD = "Bao-Mi-2026"
"""Of every account made here."""
_Server = TypeVar("_Server", bound=Server)


class Mosquitto(Server):
    """A broker as the hall runs it: our configuration, our ACL, certificates of a city's CA made for this test.

    `hall` is the hall's folder, `box(name)` a box's: both hold what `central.toml` and `agent.toml` point to.
    """

    account = "mosquitto"

    def __init__(self, folder: Path, boxes: Sequence[Box]) -> None:
        super().__init__(folder)
        self.program = program("mosquitto", "mosquitto")
        self.hall = folder / "hall"
        self.sign_keys: dict[str, bytes] = {}
        """Public signing key of each box by its name, as the hall's table `box` wants it."""
        pki.prepare_hall(self.hall, [HOST, "localhost"], Clock().wall())
        self._home = self.hall / "broker"
        broker.write_conf(self._home, port=self.port, bind=HOST)
        self.admit(boxes)
        self.hand_over(folder, *self._home.iterdir())

    def command(self) -> list[str]:
        return [self.program, "-c", str(self._home / "mosquitto.conf")]

    def admit(self, boxes: Sequence[Box]) -> None:
        """These boxes, and no others, in their states: makes identities that are missing, reloads the ACL."""
        for box in boxes:
            key = pki.prepare_box(self.box(box.name), self.hall, box, Clock().wall())
            self.sign_keys[box.name] = key
        broker.write_acl(self._home, boxes)
        if self._process is not None:
            broker.reload(self.pid)

    def box(self, name: str) -> Path:
        return self.folder / "boxes" / name

    def config(self, name: str = INGEST, *, version: int = 5) -> MqttConfig:
        """`[mqtt]` of the box or the ingest worker of this name."""
        folder = self.hall if name == INGEST else self.box(name)
        return MqttConfig(
            host=HOST, port=self.port, version=version, ca=folder / "ca.pem", node=folder / "node.pem"
        )

    def answers(self) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            suppress(OSError),
            socket.create_connection((HOST, self.port), 1) as plain,
            context.wrap_socket(plain),
        ):
            return True
        return False


# databases ----------------------------------------------------------------------------------------------------


class Database(Server):
    """A database server with the account `admin`; every test takes a database of its own."""

    _numbers = 0

    def new_name(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{self._numbers}"

    async def execute(self, sql: str, *params: Any, database: str = "") -> list[tuple[Any, ...]]:
        """One statement as `admin`. -> its rows."""
        raise NotImplementedError


class MariaDb(Database):
    """MariaDB. Parameters of `execute` are `%s`."""

    account = "mysql"
    ending = signal.SIGKILL

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.program = program("mariadbd", "mariadb-server")
        (
            folder / "tmp"
        ).mkdir()  # a server that starts removes the temporary tables of any other in its folder
        self.hand_over(folder, folder / "tmp")
        installer = program("mariadb-install-db", "mariadb-server")
        paths = f"--datadir={folder}/data", f"--tmpdir={folder}/tmp"
        self.prepare([installer, "--no-defaults", *paths, "--skip-test-db"])
        account = f"'{ADMIN}'@'{HOST}'"
        (folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;\n"
        )

    def command(self) -> list[str]:
        return [
            self.program,
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--tmpdir={self.folder}/tmp",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            f"--init-file={self.folder}/init.sql",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=2",
        ]

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), 1) as plain:
            return bool(plain.recv(1))
        return False

    async def execute(self, sql: str, *params: Any, database: str = "") -> list[tuple[Any, ...]]:
        connection = await asyncmy.connect(
            host=HOST,
            port=self.port,
            user=ADMIN,
            password=PASSWORD,
            database=database or None,
            charset="utf8mb4",
            autocommit=True,
        )
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(sql, params or None)
                return list(await cursor.fetchall() or ())
        finally:
            connection.close()

    async def create_database(self, charset: str = "utf8mb4") -> str:
        name = self.new_name("d")
        await self.execute(f"CREATE DATABASE {name} CHARACTER SET {charset}")
        return name

    async def create_user(self, database: str, grant: str = "SELECT") -> str:
        """An account with PASSWORD that may do `grant` (may be empty) on all tables of `database`. -> its name."""
        name = self.new_name("u")
        await self.execute(f"CREATE USER '{name}'@'{HOST}' IDENTIFIED BY '{PASSWORD}'")
        if grant:
            await self.execute(f"GRANT {grant} ON {database}.* TO '{name}'@'{HOST}'")
        return name


class PostgreSql(Database):
    """PostgreSQL. Parameters of `execute` are `$1`. Not `durable`: survives `kill`, but no power cut."""

    account = "postgres"
    ending = signal.SIGQUIT

    def __init__(self, folder: Path, *, durable: bool) -> None:
        super().__init__(folder)
        folders = Path("/usr/lib/postgresql").glob("*/bin")
        newest = max(folders, key=lambda path: float(path.parent.name), default=Path("/nowhere"))
        self._programs = str(newest)
        self.durable = durable
        self.hand_over(folder)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        self.prepare(
            [
                self._program("initdb"),
                f"--pgdata={folder}/data",
                f"--username={ADMIN}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ]
        )

    def _program(self, name: str) -> str:
        """Those of the Debian package alone: other things are called `postgres` too."""
        return program(name, "postgresql", self._programs)

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            "max_connections": 100,
            "fsync": self.durable,
            "full_page_writes": self.durable,
        }
        options = [f"--{key}={value}" for key, value in settings.items()]
        return [self._program("postgres"), "-D", f"{self.folder}/data", *options]

    def answers(self) -> bool:
        check = [self._program("pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(check, check=False).returncode == 0

    def url(self, database: str) -> str:
        """`database` of central.toml."""
        return f"postgresql://{ADMIN}:{PASSWORD}@{HOST}:{self.port}/{database}"

    async def execute(self, sql: str, *params: Any, database: str = "") -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url(database or "postgres"))
        try:
            return [tuple(row) for row in await connection.fetch(sql, *params)]
        finally:
            await connection.close()

    async def create_database(self) -> str:
        name = self.new_name("d")
        await self.execute(f"CREATE DATABASE {name}")
        return name

    async def copy_database(self, of: str) -> str:
        """One in which everything of `of` stands, to which nobody may be connected. -> its name."""
        name = self.new_name("d")
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {of}")
        return name

    async def create_user(self, database: str, grant: str = "SELECT") -> str:
        """An account with PASSWORD that may do `grant` (may be empty) on all tables that `admin` makes in `database`.

        -> its name.
        """
        name = self.new_name("u")
        await self.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        if grant:
            default = f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {grant} ON TABLES TO {name}"
            await self.execute(f"GRANT {grant} ON ALL TABLES IN SCHEMA public TO {name}", database=database)
            await self.execute(default, database=database)
        return name


# running ------------------------------------------------------------------------------------------------------


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mingcha-") as folder:
        yield Path(folder)


@contextmanager
def running(server: _Server) -> Iterator[_Server]:
    """Start, yield, stop, whatever happens."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def _served(make: Callable[[Path], _Server]) -> AsyncIterator[_Server]:
    with temporary_folder() as folder:
        server = await asyncio.to_thread(make, folder)
        try:
            await asyncio.to_thread(server.start)
            yield server
        finally:
            await asyncio.to_thread(server.stop)


def mosquitto(boxes: Sequence[Box] = (Box("s01", 1),)) -> AbstractAsyncContextManager[Mosquitto]:
    """A broker that admits the ingest worker `hall.ingest.1` and these boxes."""
    return _served(lambda folder: Mosquitto(folder, boxes))


def mariadb() -> AbstractAsyncContextManager[MariaDb]:
    return _served(MariaDb)


def postgresql(*, durable: bool = True) -> AbstractAsyncContextManager[PostgreSql]:
    return _served(lambda folder: PostgreSql(folder, durable=durable))
