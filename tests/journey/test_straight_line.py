"""One row of a site's database walks to the hall's wall, station by station (architecture.md 3), through real parts."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientSession, CookieJar, web
from sqlalchemy import insert, select

from agent import mapping
from agent.buffer import Buffer, Run
from agent.core import query, rows, sync
from agent.core.rows import Stamp
from agent.core.sync import Phase, Sync
from agent.epoch import Sealing
from agent.source import sqlite
from central import config as central_config
from central import judge, password, ticker
from central.core import case as cases
from central.core import rules
from central.core.limits import limits
from central.core.portion import Portion
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.store import cases as case_rows
from central.store import tables as t
from central.store.engine import Store, open_store
from central.web.app import make_app
from central.welcome import introduce
from common.clock import Clock
from common.core import batch, crypto, message, topics
from common.core.batch import Lane
from common.core.instant import MINUTE, to_us
from common.core.message import Hello, Welcome
from common.core.record import SCHEMA, Case, decode_body
from common.core.state import ClockKind, Light
from common.mqtt import connect
from provisioning.core.identity import Box
from tests import services
from tests.keyed import keyed
from tests.processes import register
from tests.sender import SECRETS, WIRE_KEY
from tests.server import HOST, free_port

ZONE = ZoneInfo("Asia/Shanghai")
MAPPING = """\
version = 1
[source]
type = "sqlite"
path = "office.db"
[table.case]
from = "SP_YWSL"
key = ["YWID"]
cursor = { columns = ["XGSJ"] }
[table.case.columns]
case_no = "SLBH"
item_name = "SXMC"
accepted_at = "SLSJ"
finished_at = "BJSJ"
promised = { col = "CNSX", type = "workdays" }
"""
ROW = (
    7,
    "370200202603020007",
    "食品经营许可（新办）",
    "2026-03-02 09:00:00",
    None,
    10,
    "2026-03-02 09:01:00",
)
SIGN_SECRET, DIGEST_KEY = b"s" * 32, b"d" * 32


class OfficeClock(Clock):
    """Office time as the walk says; wall and monotonic time are real."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0

    def office(self, mono: int | None = None) -> int:
        return self.now


def at(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.service
async def test_one_row_walks_from_the_sites_database_to_the_wall_and_its_receipt_back(tmp_path: Path) -> None:
    box, clock = Box("s01", 1), OfficeClock()
    clock.now = at("2026-03-02T09:02")
    store = await open_store(keyed(tmp_path / "central.db"))
    async with services.mosquitto([box]) as broker:
        async with store.write() as conn:
            await register(conn, broker, [box])
            world = await judge.load_world(conn, ZONE)
        await walk(tmp_path, store, world, clock, broker)
    await store.close()


async def walk(
    folder: Path, store: Store, world: World, clock: OfficeClock, broker: services.Mosquitto
) -> None:
    # 1 source table -> rows
    (folder / "mapping.toml").write_text(MAPPING, "utf-8")
    with closing(sqlite3.connect(folder / "office.db")) as db:
        db.execute("CREATE TABLE SP_YWSL(YWID INTEGER PRIMARY KEY, SLBH, SXMC, SLSJ, BJSJ, CNSX, XGSJ)")
        db.execute("INSERT INTO SP_YWSL VALUES(?, ?, ?, ?, ?, ?, ?)", ROW)
        db.commit()
    source_config, (table,) = mapping.load(folder / "mapping.toml")
    source = sqlite.from_config(source_config, folder)
    (row,) = await source.fetch(query.by_key(table.select, None, 100))

    # 2 row -> record
    item = rows.read(row, table, DIGEST_KEY)
    draft = rows.to_record(
        item, table, 1, Stamp(clock.office(), clock.wall(), clock.mono()), rows.to_body(item, table)
    )
    body = decode_body(draft)
    assert isinstance(body, Case)
    assert (body.case_no, body.accepted_at, body.promised) == (ROW[1], "2026-03-02T09:00:00+08:00", 10)

    # 3 record -> sealed row number 1, with the source position, in one transaction
    sign_key = crypto.sign_public(SIGN_SECRET)
    buffer = await Buffer.open(
        folder / "box" / "buffer.db", seal=Sealing([b"k" * 32]), site="s01", sign_key=sign_key, clock=clock
    )
    assert await buffer.append([draft], {"case.XGSJ": b"p"}) == [1]
    assert await buffer.positions() == {"case.XGSJ": b"p"}
    assert ROW[1].encode() not in (folder / "box" / "buffer.db").read_bytes()

    # 4 what to send: hello and welcome first
    state = sync.welcomed(
        sync.connected(Sync(buffer.epoch)), await introduced(store, buffer), 1, clock.mono()
    )
    send = sync.next_send(state, buffer.newest, clock.mono())
    assert send is not None
    assert (send.first, send.last) == (1, 1)

    # 5 records -> sealed payload
    run = await buffer.read(send.first, send.last, 100_000)
    assert isinstance(run, Run)
    header = batch.Header(
        "s01", buffer.epoch, send.lane, 1, 1, SCHEMA, crypto.key_id(WIRE_KEY), crypto.WIRE, "zstd",
        run.prev_hash, run.last_hash, clock.wall(),
    )  # fmt: skip
    payload = batch.encode(header, run.records, WIRE_KEY, SIGN_SECRET)
    state = sync.sent(state, sync.Flight(send.lane, 1, 1, len(payload), clock.mono()))

    # 6 payload -> the other side of the broker, over mutual TLS
    arrived = await carried(broker, topics.lane("s01", Lane(send.lane)), payload)
    assert arrived == payload

    # 7 payload -> facts and acknowledgement, one transaction
    async with store.write() as conn:
        moment = Moment(clock.office(), clock.wall())
        outcome = await ingest_batches(conn, [open_batch("s01", arrived, SECRETS, sign_key)], world, moment)
    (_, ack) = outcome.acks[0]
    assert ack.upto == 1

    # back: the receipt lets the box forget
    state = sync.acknowledged(state, ack, clock.mono())
    assert state.phase is Phase.STEADY
    buffer.indexed = 1
    await buffer.forget(state.upto)
    assert (await buffer.figures()).rows == 0
    await buffer.close()

    # 8 facts -> case; 9 case -> verdict
    async with store.read() as conn:
        found = await case_rows.source_rows(conn, "s01", ["7"])
    case = cases.fold("7", found["7"], ZONE)
    promise = {limit.kind: limit for limit in limits(case, None, world.calendar, ZONE)}[ClockKind.PROMISE]
    assert promise.due_at == at("2026-03-17T00:00")
    assert rules.judge(case, promise, Light.NONE, clock.office(), clock.office(), ZONE).light is Light.GREEN

    # 10 time passes -> transition; first grey, for nobody has looked at the source since
    clock.now = at("2026-03-17T09:00")
    await ticker.tick_once(store, world, clock)
    assert await light(store) == Light.GREY
    await looked_again(store, world, clock)
    assert await light(store) == Light.RED

    # 14 rows -> the wall
    page = await wall_page(store, clock, folder)
    assert "食品经营许可（新办）" in page
    assert "尾号 0007" in page
    assert ROW[1] not in page


async def introduced(store: Store, buffer: Buffer) -> Welcome:
    hello = Hello("s01", 1, buffer.epoch, "c", "0.1.0", buffer.newest, buffer.head, 0)
    async with store.write() as conn:
        await conn.execute(t.box.update().values(sign_key=crypto.sign_public(SIGN_SECRET)))
        signed = message.encode_signed(hello, topics.hello("s01"), SIGN_SECRET)
        known = await introduce(conn, "s01", signed, 0)
    assert known.refused == ""
    return Welcome(buffer.epoch, "c", known.upto, known.ranges, WIRE_KEY, 1_000_000, 0, 0)


async def carried(broker: services.Mosquitto, topic: str, payload: bytes) -> bytes:
    async with (
        connect(broker.config(), "hall.ingest.1") as hall,
        connect(broker.config("s01.1"), "s01.1") as box,
    ):
        await hall.subscribe(topics.upstream("ingest"))
        await box.publish(topic, payload)
        async with asyncio.timeout(10):
            async for received in hall.messages():
                hall.puback(received)
                if received.topic == topic:
                    return received.payload
    raise AssertionError(topic)


async def looked_again(store: Store, world: World, clock: OfficeClock) -> None:
    """A clean round that began a minute ago found the case still open; all lower numbers are held."""
    async with store.write() as conn:
        await conn.execute(
            insert(t.site_pass).values(site="s01", tbl="case", complete_until=clock.office() - MINUTE)
        )
        await judge.judge_parked(conn, "s01", world, Moment(clock.office(), clock.wall()), Portion())


async def light(store: Store) -> str:
    async with store.read() as conn:
        return str((await conn.execute(select(t.case.c.light))).scalar_one())


async def wall_page(store: Store, clock: OfficeClock, folder: Path) -> str:
    """Log in as a supervisor over HTTP and read `/hall`."""
    async with store.write() as conn:
        hashed = await password.hash_password("a long enough one")
        values = {"name": "wang", "role": "supervisor", "password": hashed, "must_change": False}
        await conn.execute(insert(t.user).values(**values, disabled=False, created_wall=0))
    (folder / "central.toml").write_text(f'[mqtt]\nhost = "{HOST}"\n[web]\nsecure_cookie = false\n')
    runner = web.AppRunner(make_app(store, central_config.load(folder / "central.toml"), clock, bytes(32)))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, HOST, port).start()
    try:
        async with ClientSession(f"http://{HOST}:{port}", cookie_jar=CookieJar(unsafe=True)) as session:
            form = {"name": "wang", "password": "a long enough one"}
            async with session.post("/login", data=form) as answer:
                assert answer.status == 200
            async with session.get("/hall") as answer:
                return await answer.text()
    finally:
        await runner.cleanup()
