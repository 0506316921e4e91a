"""Faults of the hall, for its own doctor."""

import asyncio
from typing import Any

from sqlalchemy import delete, insert

from central.store import tables as t
from central.store import trail
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import DAY, HOUR
from common.core.state import ClockKind, LetterState, Light
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, in_hall, own, reading, served
from tests.server import HOST, free_port


@fault("中心的程序停止", "E-HALL-09", hall=True)
async def own_stopped(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.hall)
    yield
    await stage.place.start(stage.place.hall)
    await stage.place.settled()


@fault("中心的配置写坏", "E-SYS-09", hall=True)
async def own_configuration(stage: Stage) -> Struck:
    with reading(stage.place.hall.config, "[mqtt]", "[mqt]"):
        yield


@fault("中心的数据库不见", "E-HALL-01", hall=True, sampled=True)
async def own_database(stage: Stage) -> Struck:
    with reading(stage.place.hall.config, '"sqlite"', '"postgresql://nobody:nothing@127.0.0.1:9/hall"'):
        yield


@fault("中心的消息服务停止", "E-HALL-02", hall=True)
async def own_broker(stage: Stage) -> Struck:
    await stage.place.stop(stage.place.broker)
    yield
    await stage.place.start(stage.place.broker)
    await stage.place.settled()


@fault("消息服务的证书将到期", "E-HALL-06", hall=True)
async def own_certificate(stage: Stage) -> Struck:
    context = served(stage, [HOST], Clock().wall() - 815 * DAY, own(stage))
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    with reading(stage.place.hall.config, f"port = {stage.place.broker.port}", f"port = {port}"):
        yield
    server.close()


@fault("很久没有备份", "E-HALL-07", hall=True, sampled=True)
async def never_backed_up(stage: Stage) -> Struck:
    then = Clock().wall() - 40 * DAY
    await in_hall(stage, insert(trail.audit_line).values(
        id=-1, at_wall=then, who="王敏", act="central.backup", subject="old", why="", chain=b""
    ))  # fmt: skip
    yield
    await in_hall(stage, delete(trail.audit_line).where(trail.audit_line.c.id == -1))


@fault("公众网页停止", "E-HALL-17", hall=True)
async def door_stopped(stage: Stage) -> Struck:
    config = stage.place.hall.config
    door = config.with_name("door.toml")
    door.write_text(f'hosts = ["{HOST}"]\nport = {free_port()}\n', "utf-8")
    with reading(config, "[mqtt]\n", "[public]\nenabled = true\n[mqtt]\n"):
        yield
    door.unlink()


@fault("有死信", "E-HALL-12", hall=True)
async def dead_letter(stage: Stage) -> Struck:
    letter = {"site": "s01", "epoch": b"e" * 8, "seq": 1, "code": "bad_record", "reason": "不成立"}
    row = letter | {"state": LetterState.OPEN, "raw": b"", "at_wall": Clock().wall()}
    await in_hall(stage, insert(t.dead_letter).values(**row))
    yield
    await in_hall(stage, delete(t.dead_letter))


@fault("时限判定停住", "E-HALL-04", hall=True)
async def ticker_hung(stage: Stage) -> Struck:
    clock: dict[str, Any] = {
        "site": "s01",
        "case_key": "SL00001",
        "kind": ClockKind.STATED,
        "light": Light.GREEN,
    }
    clock |= {"running": True, "stopped": False, "provisional": False, "calendar_version": 1, "rev": 1}
    due = insert(t.clock).values(**clock, next_check_at=Clock().wall() - HOUR)
    while True:  # until it is not in the midst of writing
        stage.place.hall.freeze()
        try:
            await in_hall(stage, due)
            break
        except UnavailableError:
            stage.place.hall.thaw()
            await asyncio.sleep(0.3)
    yield
    await in_hall(stage, delete(t.clock).where(t.clock.c.kind == ClockKind.STATED))
    stage.place.hall.thaw()
    await stage.place.settled()
