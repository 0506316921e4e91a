"""One agent to a buffer, one hall to a database, one program to a port: whoever comes second is told so and ends."""

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from central.config import load as load_central
from central.store.sole import sole
from tests import services
from tests.journey.scene import Place, command, ended, events, scene, until
from tests.journey.together import together
from tests.server import HOST, free_port

pytestmark = pytest.mark.service


async def second_hall(place: Place, port: int) -> tuple[int, str, str]:
    """Start a hall on the same database and this port, and wait for its end."""
    other = place.hall.config.with_name("second.toml")
    said = place.hall.config.read_text("utf-8")
    other.write_text(said.replace(f"port = {place.hall.port}", f"port = {port}"), "utf-8")
    return await command("mingcha", "central", "run", "--config", str(other))


@together
async def test_a_second_agent_on_the_same_buffer_is_refused() -> None:
    async with scene() as place:
        code, out, err = await command("mingcha-agent", "run", "--config", str(place.agent.config))
        assert (code, out) == (78, "")
        assert f"已有采集程序在使用 {place.agent.folder}/data（进程 {place.agent.pid}）" in err
        assert "处理：同一缓存只能由一个采集程序使用" in err
        assert "agent.stopped" not in err, "it never began"
        await place.settled()


@together
async def test_a_second_hall_on_the_same_database_is_refused_whatever_its_port() -> None:
    async with scene() as place:
        for port in (place.hall.port, free_port()):
            code, out, err = await second_hall(place, port)
            assert (code, out) == (78, "")
            assert f"已有市中心程序在使用 {place.hall.folder}/data（进程 {place.hall.pid}）" in err
            assert "处理：同一数据库只能由一个市中心程序使用" in err
        await place.settled()


@together
async def test_a_second_hall_on_the_same_server_is_refused_and_after_an_outage_too() -> None:
    async with services.postgresql(durable=False) as database:
        async with scene(database=database.url(await database.create_database())) as place:
            code, out, err = await second_hall(place, free_port())
            assert (code, out) == (78, "")
            assert "已有市中心程序在使用这个数据库（" in err
            await asyncio.to_thread(database.kill)
            await until("the hall has said so", lambda: events(place.hall, "store.unavailable"))
            await asyncio.to_thread(database.start)
            place.office.receive()
            await place.settled()
            await until("it holds its database again", lambda: held(database))
            assert (await second_hall(place, free_port()))[0] == 78
            url = load_central(place.hall.config).database_url
        async with sole(url):
            """Who is gone holds nothing."""


async def held(database: services.PostgreSql) -> bool:
    return await database.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(1,)]


@together
async def test_a_hall_whose_port_is_taken_says_so() -> None:
    async with scene() as place:
        await place.stop(place.hall)
        with socket.create_server((HOST, free_port())) as other:
            port = other.getsockname()[1]
            code, out, err = await second_hall(place, port)
        assert (code, out) == (78, "")
        assert f"网页端口 {HOST}:{port} 不能使用" in err
        assert "处理：市中心程序可能已在运行" in err


@together
async def test_a_hall_that_can_make_no_page_any_more_ends_and_is_started_again() -> None:
    """A cursor that no version of this program could have written: no figure of the wall can be made of it."""
    async with scene() as place:
        await place.settled()
        file = place.hall.folder / "data" / "central.db"
        sound = spoil(file, b"?")
        assert await ended(place.hall) == 1
        assert "ValidationError" in place.hall.log, "what nobody foresaw is told whole"
        (place.hall.folder / "server.log").rename(place.hall.folder / "first.log")
        spoil(file, sound)
        await place.start(place.hall)
        place.office.receive()
        await place.settled()


def spoil(file: Path, ranges: bytes) -> bytes:
    """Put `ranges` into the only cursor. -> what was there."""
    with closing(sqlite3.connect(file, timeout=10)) as db, db:
        before = db.execute("SELECT ranges FROM ingest_cursor").fetchone()[0]
        db.execute("UPDATE ingest_cursor SET ranges = ?", (ranges,))
    return msgspec.convert(before, bytes)
