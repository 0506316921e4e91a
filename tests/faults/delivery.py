"""Faults of what goes to the hall and of its answer, over a line that is well."""

import asyncio
import signal
import sqlite3
from contextlib import closing

from agent.config import load
from central.embedded import embedded_broker
from common.mqtt import MqttConfig
from provisioning import broker
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, reading
from tests.integration.test_doctor import refuse_some
from tests.journey.scene import Office, ended
from tests.server import HOST, free_port
from tests.shaper import shaped


@fault("消息服务不认这个版本", "E-SYNC-01")
async def version_refused(stage: Stage) -> Struck:
    """A broker of MQTT 3.1.1 alone, asked for 5: nobody falls back silently."""
    agent, port = stage.place.agent, free_port()
    spoken = MqttConfig(host=HOST, port=port, version=3, tls=False)
    await ended(agent, signal.SIGTERM)
    with reading(agent.config, f"port = {stage.place.broker.port}", f"port = {port}\ntls = false"):
        async with embedded_broker(spoken):
            await stage.place.start(agent)
            yield
            await ended(agent, signal.SIGTERM)
    await stage.place.start(agent)
    await stage.place.settled()


@fault("消息服务不放行本机，也不说", "E-SYNC-02", sampled=True)
async def denied_unsaid(stage: Stage) -> Struck:
    """MQTT 3.1.1 answers a publication that is denied like any other."""
    place, agent = stage.place, stage.place.agent
    acl = place.hall.folder / "broker/acl"
    port = f"port = {place.broker.port}\n"
    await ended(agent, signal.SIGTERM)
    right = acl.read_text("utf-8")
    acl.write_text(right.replace("topic write mc/v1/s01/up/#\n", ""), "utf-8")
    assert acl.read_text("utf-8") != right
    broker.reload(place.broker.pid)
    with reading(agent.config, port, f"{port}version = 3\n"):
        await place.start(agent)
        yield
        await ended(agent, signal.SIGTERM)
    acl.write_text(right, "utf-8")
    broker.reload(place.broker.pid)
    await place.start(agent)
    await place.settled()


@fault("线路比办件慢", "E-SYNC-05")
async def line_too_thin(stage: Stage) -> Struck:
    """The agent alone goes through it: the doctor's own questions would be slow as well."""
    place, agent = stage.place, stage.place.agent
    await ended(agent, signal.SIGTERM)
    async with shaped(place.broker.port, bytes_per_sec=4000, delay_secs=0.01) as line:
        with reading(agent.config, f"port = {place.broker.port}\n", f"port = {line.port}\n"):
            await place.start(agent)
        busy = asyncio.create_task(_office_at_work(place.office))
        yield
        busy.cancel()
        await ended(agent, signal.SIGTERM)
    await place.start(agent)
    await place.settled()


async def _office_at_work(office: Office) -> None:
    while True:
        await asyncio.to_thread(office.receive, 60)
        await asyncio.sleep(0.5)


@fault("市中心程序停止", "E-SYNC-06", sampled=True)
async def hall_stopped(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.hall)
    yield
    await stage.place.start(stage.place.hall)
    await stage.place.settled()


@fault("市中心程序死机", "E-SYNC-03")
async def hall_frozen(stage: Stage) -> Struck:
    stage.place.hall.freeze()
    stage.place.office.receive(3)
    yield
    stage.place.hall.thaw()
    await stage.place.settled()


@fault("记录被拒收", "E-SYNC-07")
async def refused(stage: Stage) -> Struck:
    await ended(stage.place.agent, signal.SIGTERM)
    config = load(stage.place.agent.config)
    await refuse_some(config)
    await stage.place.start(stage.place.agent)
    yield
    await ended(stage.place.agent, signal.SIGTERM)
    with closing(sqlite3.connect(config.buffer_path)) as db:
        db.execute("DELETE FROM refusal")
        db.commit()
    await stage.place.start(stage.place.agent)
