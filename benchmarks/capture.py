"""Capture of 1,000,000 rows x 16 columns with Chinese text: what a full verification, a first load and a page hash cost.

Each measurement is a process of its own: its CPU time (all threads) and its peak of resident memory. Verification is the
product's own walk, with its rests and its smaller pages on a busy machine left out: the first one of a process, which compares
every row with the index; one that reads pages that were proven, as it is done once a day; and the following ones, for which the
server vouches by its own hash where it has one. The peers read the same table in the same run: a bare loop over the
product's driver that throws every page away, and dlt's `sql_database` (extract alone, one worker) over PyMySQL, psycopg and
sqlite3. "Busy" is how long the source took to answer, by the clock on the wall.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.figure import Figure, line

ROWS = 1_000_000
TARGET_US, TARGET_MB = 3.0, 60.0
TARGET_HASH_SECS = {"mariadb": 2.0, "postgresql": 0.5}
ENGINES = ("mariadb", "postgresql", "sqlite")
PEERS = Path(sys.prefix) / "peers"
"""Where `make bench` has installed dlt; our own processes do not see it."""
TABLE = "SP_YWSL"
COLUMNS = {
    "YWID": "BIGINT PRIMARY KEY",
    "SLBH": "VARCHAR(40)",
    "SXBM": "VARCHAR(40)",
    "SXMC": "VARCHAR(100)",
    "SQR": "VARCHAR(100)",
    "DH": "VARCHAR(40)",
    "DZ": "VARCHAR(200)",
    "BM": "VARCHAR(100)",
    "BLR": "VARCHAR(40)",
    "SJSJ": "TIMESTAMP NULL",
    "SLSJ": "TIMESTAMP NULL",
    "CNSX": "INTEGER",
    "BJSJ": "TIMESTAMP NULL",
    "ZT": "INTEGER",
    "BZ": "VARCHAR(400)",
    "XGSJ": "TIMESTAMP NULL",
}
MAPPING = """\
version = 1
[source]
{source}
[table.case]
from = "SP_YWSL"
key = ["YWID"]
cursor = {{ columns = ["XGSJ"], overlap_secs = 60 }}
watch = ["DZ", "BZ"]
[table.case.columns]
case_no = "SLBH"
item_code = "SXBM"
item_name = "SXMC"
applicant = {{ col = "SQR", privacy = "name" }}
phone = {{ col = "DH", privacy = "phone" }}
org = "BM"
responsible = "BLR"
received_at = "SJSJ"
accepted_at = "SLSJ"
promised = {{ col = "CNSX", type = "workdays" }}
finished_at = "BJSJ"
status = {{ col = "ZT", enum = {{ 1 = "in_progress", 9 = "done" }} }}
"""


class Cost(Struct, frozen=True):
    """Of one process, or of one pass in it. `secs`: by the clock on the wall; `cpu_secs`: of all its threads; `busy_secs`: of
    a walk, how long the source took to answer."""

    rows: int
    cpu_secs: float
    secs: float
    peak_mb: float
    busy_secs: float = 0

    @property
    def us(self) -> float:
        return self.cpu_secs / self.rows * 1_000_000

    @property
    def rate(self) -> float:
        return self.rows / self.secs


# orchestration ------------------------------------------------------------------------------------------------


async def measure() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="mingcha-") as folder:
        data = Path(folder) / "rows.tsv"
        await asyncio.to_thread(_write_rows, data)
        for engine in ENGINES:
            home = Path(folder) / engine
            home.mkdir()
            async with _filled(engine, home, data) as addresses:
                for figure in await asyncio.to_thread(_figures, engine, home, *addresses):
                    yield figure


def _figures(engine: str, home: Path, source: str, url: str) -> list[Figure]:
    (home / "mapping.toml").write_text(MAPPING.format(source=source), "utf-8")
    (load,) = _run("load", home)
    first, read, proven = _run("verify", home)
    (bare,) = _run("bare", home)
    (rows,) = _run("dlt", home, url, "sqlalchemy")
    (arrow,) = _run("dlt", home, url, "pyarrow")
    peers = {"a bare driver loop": bare, "dlt sqlalchemy": rows, "dlt pyarrow": arrow}
    found = [line(f"capture_verify_{engine}", proven.us, "us CPU/row", ("limit", TARGET_US), 1)]
    for name, peer in peers.items():
        found.append(line(f"capture_verify_{engine}", proven.us, "us CPU/row", (name, peer.us), 1))
    found.append(line(f"capture_verify_{engine}_rss", proven.peak_mb, "MB", ("limit", TARGET_MB), 1))
    for name, peer in peers.items():
        found.append(line(f"capture_verify_{engine}_rss", proven.peak_mb, "MB", (name, peer.peak_mb), 1))
    found += [
        line(f"capture_verify_after_start_{engine}", first.us, "us CPU/row", ("dlt sqlalchemy", rows.us), 1),
        line(f"capture_first_load_{engine}", load.rate, "records/s", ("dlt sqlalchemy", rows.rate), 1),
        line(f"capture_first_load_{engine}_rss", load.peak_mb, "MB", ("dlt sqlalchemy", rows.peak_mb), 1),
    ]
    found.append(
        line(f"capture_verify_reading_{engine}", read.us, "us CPU/row", ("the server vouching", proven.us), 1)
    )
    if engine in TARGET_HASH_SECS:
        for name, secs in {"limit": TARGET_HASH_SECS[engine], "reading": read.busy_secs}.items():
            found.append(line(f"capture_page_hash_{engine}", proven.busy_secs, "s busy", (name, secs), 1))
    return found


def _run(part: str, home: Path, *more: str) -> list[Cost]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.capture", part, str(home), *more]
    env = {**os.environ, "DLT_DATA_DIR": str(home / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    env |= {"PYTHONPATH": str(PEERS)} if part == "dlt" else {}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600, env=env)
    if done.returncode:
        raise RuntimeError(f"{part}: {done.stderr[-2000:]}")
    costs = msgspec.json.decode(done.stdout.splitlines()[-1], type=list[Cost])
    assert {cost.rows for cost in costs} == {ROWS}, (part, costs)
    return costs


@asynccontextmanager
async def _filled(engine: str, home: Path, data: Path) -> AsyncIterator[tuple[str, str]]:
    """A database with the rows in it -> `[source]` of the mapping, and SQLAlchemy's address for dlt."""
    from tests import services
    from tests.server import HOST
    from tests.services import ADMIN, PASSWORD

    quoted = [f'"{name}" {kind}' for name, kind in COLUMNS.items()]
    index = f'CREATE INDEX "by_time" ON "{TABLE}" ("XGSJ", "YWID")'
    ddl = f'CREATE TABLE "{TABLE}" ({", ".join(quoted)})'
    (home / "password").write_text(PASSWORD)
    login = f'host = "{HOST}"\nuser = "{ADMIN}"\npassword_file = "password"\n'
    if engine == "sqlite":
        await asyncio.to_thread(_fill_sqlite, home / "office.db", [ddl, index], data)
        yield 'type = "sqlite"\npath = "office.db"', f"sqlite:///{home / 'office.db'}"
    elif engine == "mariadb":
        async with services.mariadb() as maria:
            base = await maria.create_database()
            for sql in (ddl.replace('"', "`").replace("TIMESTAMP", "DATETIME"), index.replace('"', "`")):
                await maria.execute(sql, database=base)
            copy = maria.folder / data.name
            copy.symlink_to(data)
            data.chmod(0o644)
            data.parent.chmod(0o755)
            await maria.execute(f"LOAD DATA INFILE '{copy}' INTO TABLE {TABLE}", database=base)
            await maria.execute(f"ANALYZE TABLE {TABLE}", database=base)
            address = f"mysql+pymysql://{ADMIN}:{PASSWORD}@{HOST}:{maria.port}/{base}?charset=utf8mb4"
            yield f'type = "mariadb"\nport = {maria.port}\ndatabase = "{base}"\n{login}', address
    else:
        async with services.postgresql() as postgresql:
            base = await postgresql.create_database()
            await postgresql.execute(ddl.replace(" NULL", ""), database=base)
            await _copy(postgresql.url(base), data)
            for sql in (index, f'VACUUM ANALYZE "{TABLE}"'):
                await postgresql.execute(sql, database=base)
            address = postgresql.url(base).replace("postgresql://", "postgresql+psycopg://", 1)
            yield f'type = "postgresql"\nport = {postgresql.port}\ndatabase = "{base}"\n{login}', address


async def _copy(url: str, data: Path) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.copy_to_table(TABLE, source=data, timeout=600)
    finally:
        await connection.close()


def _fill_sqlite(path: Path, ddl: list[str], data: Path) -> None:
    with closing(sqlite3.connect(path)) as db, data.open(encoding="utf-8") as file:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(ddl[0])
        rows = ([None if cell == "\\N" else cell for cell in row[:-1].split("\t")] for row in file)
        db.executemany(f"INSERT INTO {TABLE} VALUES({','.join('?' * len(COLUMNS))})", rows)
        db.execute(ddl[1])
        db.commit()


def _write_rows(path: Path) -> None:
    """Tab-separated, as LOAD DATA and COPY take it."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines("\t".join(row) + "\n" for row in _rows())


def _rows() -> Iterator[tuple[str, ...]]:
    """Cases of two years; every fiftieth is open."""
    begin = datetime(2025, 1, 2, 8, 30)  # noqa: DTZ001  a vendor's wall time
    items = ("食品经营许可（新办）", "个体工商户设立登记", "农村宅基地用地审批", "公共场所卫生许可延续")
    for number in range(1, ROWS + 1):
        at = begin + timedelta(minutes=number)
        is_open = number % 50 == 0
        done = at + timedelta(days=3, seconds=number % 3600)
        yield (
            str(number),
            f"370200{at:%Y%m%d}{number:08}",
            f"11370200MB{number % 900:05}",
            items[number % 4],
            "王李张刘陈杨赵黄"[number % 8] + "秀英建国海燕文博"[number % 7 : number % 7 + 2],
            f"1{3_000_000_000 + number * 7919 % 7_000_000_000}",
            f"云溪镇幸福路{number % 400}号{number % 30 + 1}单元{number % 900 + 100}室",
            "云溪镇便民服务中心",
            ("孙科长", "李秀兰", "周敏", "吴志强")[number // 7 % 4],
            str(at),
            str(at + timedelta(minutes=12)),
            str(5 + number % 20),
            r"\N" if is_open else str(done),
            "1" if is_open else "9",
            f"材料齐全，符合法定形式，当场受理；第{number % 97}号窗口，已电话告知申请人领取方式",
            str(at + timedelta(minutes=12) if is_open else done),
        )


# one measurement, in its process ------------------------------------------------------------------------------


async def load(home: Path) -> list[Cost]:
    """Source to buffer: as on the first day of a box, all lanes, until the first walk has come to its end."""
    from agent.core.gentle import Account
    from agent.lane.schema import Schema
    from agent.lanes import Lanes

    async with _site(home) as (table, source, capture, index, config, clock):
        schema = Schema([table], source, capture, index, clock)
        lanes = Lanes(table, source, capture, index, config, clock, schema, Account(clock.mono()))
        took = _measured()
        while lanes.whole_mono is None:
            await lanes.advance(config.poll_secs)
        return [took(await index.count(table.name))]


async def verify(home: Path) -> list[Cost]:
    """Walks over what was loaded: the first of this process, one that reads proven pages, one that need not."""
    from agent.core.gentle import Account
    from agent.lane.reader import Reader
    from agent.lane.walk import Walk

    found = []
    async with _site(home) as (table, source, capture, index, config, clock):
        reader = Reader(table, source, capture, config, clock, Account(clock.mono()))
        for _ in range(3):
            took, busy_us = _measured(), reader.busy_us
            walk = await Walk.begin(reader, index)
            changed, is_done = await walk.read(clock.mono() + 3_600_000_000)
            assert (changed, is_done) == (0, True)
            found.append(replace(took(walk.rows), busy_secs=(reader.busy_us - busy_us) / 1_000_000))
    return found


async def bare(home: Path) -> list[Cost]:
    """The same statements over the same driver, whose rows nobody looks at."""
    from agent.core import query

    async with _site(home) as (table, source, _, _, config, _):
        took, rows, after = _measured(), 0, None
        while True:
            page = await source.fetch(query.by_key(table.select, after, config.page_rows))
            rows += len(page)
            if len(page) < config.page_rows:
                return [took(rows)]
            after = tuple(page[-1][table.names.index(name)] for name in table.key)


async def extract(home: Path, url: str, backend: Any) -> list[Cost]:  # noqa: ARG001
    """dlt as its guide says, with its own page of 50,000 rows."""
    import dlt
    from dlt.sources.sql_database import sql_table

    os.environ["EXTRACT__WORKERS"] = "1"
    took = _measured()
    pipeline = dlt.pipeline("capture", destination="dlt.destinations.filesystem")
    pipeline.extract(sql_table(credentials=url, table=TABLE, backend=backend))
    steps = [step for steps in pipeline.last_trace.last_extract_info.metrics.values() for step in steps]
    counts = {name: count.items_count for step in steps for name, count in step["table_metrics"].items()}
    return [took(counts["sp_ywsl"])]


def _measured() -> Callable[[int], Cost]:
    """From here until it is called with the number of rows."""
    cpu, wall = time.process_time(), time.perf_counter()

    def cost(rows: int) -> Cost:
        used = time.process_time() - cpu, time.perf_counter() - wall
        return Cost(rows, *used, _peak_mb())

    return cost


def _peak_mb() -> float:
    """Not `ru_maxrss`, which begins with that of the process that started this one."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(row.split()[1] for row in status if row.startswith("VmHWM:"))) / 1024


@asynccontextmanager
async def _site(home: Path) -> AsyncIterator[Any]:
    """A box's parts over `home`, without the rests and the smaller pages that its limits ask for on a busy machine."""
    from agent import mapping
    from agent.app import adapter
    from agent.buffer import Buffer
    from agent.capture import Capture
    from agent.checkpoint import Signer
    from agent.config import CaptureConfig
    from agent.epoch import Sealing
    from agent.index import Index
    from common.clock import Clock

    clock = Clock()
    config = CaptureConfig(
        duty=1.0, rows_per_sec=1_000_000, night="00:00-23:59", sweep_secs=86_400, page_ms=5_000
    )
    source_config, (table,) = mapping.load(home / "mapping.toml")
    buffer = await Buffer.open(
        home / "buffer.db", seal=Sealing([bytes(32)]), site="s01", sign_key=bytes(32), clock=clock
    )
    index = await Index.open(home / "index.db", buffer.epoch)
    capture = Capture(buffer, index, clock, bytes(32), Signer(buffer, "s01", bytes(32)))
    source = adapter(source_config, home)
    try:
        await capture.catch_up()
        yield table, source, capture, index, config, clock
    finally:
        await source.close()
        await index.close()
        await buffer.close()


def _as_on_a_box() -> None:
    """A box has none of these; structlog would load the development tools' and the hall's, once anything of ours is loaded."""
    for name in ("rich", "greenlet"):
        sys.modules[name] = None  # type: ignore[assignment]


PARTS: dict[str, Any] = {"load": load, "verify": verify, "bare": bare, "dlt": extract}


if __name__ == "__main__":
    part, place, *more = sys.argv[1:]
    if part != "dlt":
        _as_on_a_box()
    print(msgspec.json.encode(asyncio.run(PARTS[part](Path(place), *more))).decode())
