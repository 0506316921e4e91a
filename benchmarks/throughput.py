"""End-to-end catch-up: a backlog in a sealed buffer -> Mosquitto with TLS -> the hall's commit, on both databases.

The peers are a bare paho publisher and subscriber over the same broker with QoS 1, which keep nothing: no buffer, no
acknowledgement from a database, no database. One moves the same sealed, compressed batches; the other sends each
record as a message of its own, as a program without batches would.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from benchmarks import site
from benchmarks.figure import Figure, line
from central.store import tables as t
from common.core import batch, crypto, pack
from common.core.batch import Header, Lane
from common.core.instant import SECOND
from common.mqtt import MqttConfig, tls_context
from provisioning.core.identity import Box
from tests import processes, services
from tests.sender import WIRE_KEY
from tests.server import HOST
from tests.services import ADMIN, PASSWORD

ROWS = 20_000
BOX = Box("s01", 1)
WAIT_SECS = 120
BARE_WINDOW = 2_000
"""Messages under way: the broker drops what is queued above 10,000, silently."""


async def measure() -> AsyncIterator[Figure]:
    for name in ("sqlite", "postgresql"):
        async with _database(name) as address, services.mosquitto([BOX]) as broker:
            rate, raws = await catch_up(broker, address)
            same = await asyncio.to_thread(_bare, broker, _payloads(raws))
            single = await asyncio.to_thread(_bare, broker, raws)
        yield line(f"catch_up_{name}", rate, "records/s", ("bare paho, same bytes", same), 1)
        yield line(f"catch_up_{name}", rate, "records/s", ("bare paho, a message per record", single), 1)


@asynccontextmanager
async def _database(name: str) -> AsyncIterator[str]:
    if name == "sqlite":
        yield "sqlite"
        return
    async with services.postgresql() as server:
        database = await server.create_database()
        yield f"postgresql://{ADMIN}:{PASSWORD}@{HOST}:{server.port}/{database}"


async def catch_up(broker: services.Mosquitto, database: str) -> tuple[float, list[bytes]]:
    """Fill the buffer while the hall is down, then start the hall. -> records/s by its own receipt times."""
    box = processes.Agent(broker, BOX, site.MAPPING)
    site.create(box.folder / "office.db")
    site.insert(box.folder / "office.db", 1, ROWS)
    box.start()
    try:
        await _until(lambda: box.waiting() >= ROWS)
        box.stop()
        site.shipped(box.config)
        box.start()
        async with processes.hall(broker, [BOX], database) as hall:
            store = await hall.store()
            try:
                while True:
                    async with store.read() as conn:
                        row = (await conn.execute(_SPAN)).one()
                    if row.rows >= ROWS:
                        break
                    await asyncio.sleep(0.2)
                async with store.read() as conn:
                    raws = [bytes(raw) for (raw,) in await conn.execute(select(t.record.c.raw))]
            finally:
                await store.close()
    finally:
        box.stop()
    return row.rows / ((row.last - row.first) / SECOND), raws


_SPAN = select(
    func.count().label("rows"),
    func.min(t.record.c.received_wall).label("first"),
    func.max(t.record.c.received_wall).label("last"),
).where(t.record.c.kind == "case")


async def _until(done: object) -> None:
    end = time.monotonic() + WAIT_SECS
    while not done():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.1)


def _payloads(raws: list[bytes]) -> list[bytes]:
    """The same records in sealed batches of the size the agent uses."""
    found = []
    for start in range(0, len(raws), 500):
        part = raws[start : start + 500]
        header = Header(
            "s01", os.urandom(8), Lane.BULK, 1, len(part), 1, crypto.key_id(WIRE_KEY), crypto.WIRE, "zstd",
            bytes(32), bytes(32), 0, pack.NEWEST,
        )  # fmt: skip
        found.append(batch.encode(header, part, WIRE_KEY, bytes(32)))
    return found


def _bare(broker: services.Mosquitto, payloads: list[bytes]) -> float:
    """Publish every payload with QoS 1, receive every one. -> records/s, `payloads` holding `ROWS` records."""
    got = 0
    subscriber = _client(broker.config(), "hall.ingest.1")
    publisher = _client(broker.config(BOX.name), BOX.name)

    def count(*_: object) -> None:
        nonlocal got
        got += 1

    subscriber.on_message = count
    subscriber.subscribe("mc/v1/+/up/+", 1)
    time.sleep(0.5)
    began = time.perf_counter()
    end = began + WAIT_SECS
    for sent, payload in enumerate(payloads):
        publisher.publish("mc/v1/s01/up/bulk", payload, qos=1)
        while sent - got > BARE_WINDOW and time.perf_counter() < end:
            time.sleep(0.0005)
    while got < len(payloads) and time.perf_counter() < end:
        time.sleep(0.001)
    if got < len(payloads):
        raise TimeoutError(f"the broker delivered {got} of {len(payloads)} messages")
    seconds = time.perf_counter() - began
    for client in (publisher, subscriber):
        client.disconnect()
        client.loop_stop()
    return ROWS / seconds


def _client(config: MqttConfig, name: str) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    client.max_inflight_messages_set(100)
    client.tls_set_context(tls_context(config))
    client.connect(config.host, config.port)
    client.loop_start()
    return client
