"""Eighteen boxes enrol side by side at a hall on PostgreSQL; then the whole hall moves, and no box is touched.

The hall's three programs are as the units run them; the door speaks HTTPS, the broker MQTT with certificates. The boxes are
light ones (`tests/light.py`), with the keys and certificates that this very enrolment gave them.
"""

import asyncio
import hashlib
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from central.store import tables as t
from central.store.engine import open_store
from common.cli import code_of
from common.clock import Clock
from common.core.errors import ConfigError
from common.core.state import SiteKind
from provisioning import backup, enrol_client, pki, registry, settings
from provisioning.__main__ import hall as hall_cli
from provisioning.core import token
from provisioning.core.messages import Identity
from provisioning.settings import Hall
from tests import herd, services
from tests.integration.doors import Machine
from tests.journey.scene import until
from tests.keyed import keyed_server
from tests.processes import ME
from tests.server import HOST, Server, free_port
from tests.services import PostgreSql

SITES = [f"s{number:02}" for number in range(1, 19)]
LIMIT_SECS = 180.0
"""For all to be enrolled (provisioning.md P13)."""
PASSWORD = "一个足够长的备份密码!!"
ROOT = Path(__file__).parents[2]


class Program(Server):
    """One of the hall's: `module` and what follows, on `port`."""

    account = ME

    def __init__(self, hall: Hall, port: int, *module: str) -> None:
        folder = hall.folder.with_name(f"{hall.folder.name}-{module[-1]}")
        folder.mkdir(exist_ok=True)
        super().__init__(folder)
        self.hand_over(folder)
        self.port = port
        self._line = [sys.executable, "-m", *module, "--config", str(hall.config)]

    def command(self) -> list[str]:
        return ["env", f"PYTHONPATH={ROOT}", *self._line]

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False


def give_to_mosquitto(*paths: Path) -> None:
    """Started by root it becomes this account, and reads its files as such."""
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, "mosquitto", "mosquitto")


@asynccontextmanager
async def working(hall: Hall, web: int) -> AsyncIterator[None]:
    """The hall's programs at work."""
    broker = Program(hall, hall.enrol.mqtt_port, "provisioning", "hall", "broker")
    door = Program(hall, hall.enrol.port, "provisioning", "hall", "enroll")
    central = Program(hall, web, "central", "central", "run")
    give_to_mosquitto(hall.folder.parent, hall.folder, hall.broker, *hall.broker.iterdir())
    try:
        for program in (broker, door, central):
            await asyncio.to_thread(program.start)
        yield
    finally:
        for program in (central, door, broker):
            await asyncio.to_thread(program.stop)


async def made(folder: Path, database: str, web: int) -> Hall:
    """A hall by its command, without systemd."""
    folder.mkdir()
    port, config = free_port(), folder / "central.toml"
    config.write_text(
        f'database = "{database}"\n[web]\nport = {web}\nsecure_cookie = false\n[mqtt]\nhost = "{HOST}"\nport = {port}\n'
    )
    places = ["--host", HOST, "--port", str(free_port()), "--mqtt-port", str(port), "--medium", str(folder)]
    line = ["central", "init", *places, "--config", str(config)]
    assert await asyncio.to_thread(code_of, hall_cli, line, "mingcha") == 0
    return settings.load(config)


async def invited(hall: Hall) -> dict[str, str]:
    """Site -> the token of its command."""
    texts = {site: token.text(site, os.urandom(token.SECRET_BYTES)) for site in SITES}
    store = await open_store(hall.database_url)
    try:
        async with store.write() as conn:
            for site, text in texts.items():
                await registry.add_site(conn, f"{site}便民服务中心", SiteKind.STREET, site)
                await registry.add_token(conn, token.digest(text), site, "王敏", Clock().wall())
    finally:
        await store.close()
    return texts


async def enrolled(hall: Hall, folder: Path, site: str, text: str) -> int:
    """A box asks with its token, and keeps what it is told. -> its generation."""
    machine, ca = Machine(), hall.folder / "ca.pem"
    asked = machine.request(text)
    said = await asyncio.to_thread(enrol_client.ask, hall.address, "/enrol", ca, asked, Identity)
    box = folder / f"{site}.1"
    box.mkdir(parents=True)
    (box / "sign.key").write_bytes(machine.sign)
    (box / "hall-sign.pub").write_bytes(said.hall_sign)
    (box / "ca.pem").write_bytes(ca.read_bytes())
    (box / "node.pem").write_bytes(pki.key_pem(machine.key) + said.chain.encode())
    return said.generation


async def known(hall: Hall, *columns: Any) -> list[tuple[Any, ...]]:
    store = await open_store(hall.database_url)
    try:
        async with store.read() as conn:
            return sorted(tuple(row) for row in await conn.execute(select(*columns)))
    finally:
        await store.close()


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.service
async def test_eighteen_boxes_enrol_at_once_and_follow_their_hall_to_another_machine(
    postgresql: PostgreSql,
) -> None:
    web = free_port()
    with services.temporary_folder() as folder:
        boxes, saved = folder / "boxes", folder / "saved"
        hall = await made(folder / "hall", postgresql.url(await postgresql.create_database()), web)
        texts = await invited(hall)
        async with working(hall, web):
            began = time.monotonic()
            asked = [enrolled(hall, boxes, site, text) for site, text in texts.items()]
            assert await asyncio.gather(*asked) == [1] * len(SITES)
            assert time.monotonic() - began < LIMIT_SECS
            flock = await herd.flocked(hall.enrol.mqtt_port, boxes, SITES)
            try:
                await until("all have delivered", lambda: flock.steady == len(SITES))
                identities = await known(hall, t.box), contents(boxes)
                cases = await known(hall, t.case.c.site, t.case.c.case_key)
                await asyncio.to_thread(backup.backup, hall, saved, PASSWORD)
            except BaseException:
                await flock.end()
                raise
        try:
            assert {row[3] for row in identities[0]} == {"active"}
            assert len(cases) == herd.RECORDS * len(SITES)
            await until("all have lost their line", lambda: flock.steady == 0)

            # the other machine has a database of its own
            new = folder / "new/central.toml"
            other = postgresql.url(await postgresql.create_database())
            await asyncio.to_thread(backup.restore, saved, new, PASSWORD, other)
            moved = settings.load(new)
            assert moved.database_url == keyed_server(other, new.parent)
            assert await known(moved, t.case.c.site, t.case.c.case_key) == cases
            async with working(moved, web):
                await until("all deliver to the other", lambda: flock.steady == len(SITES))
                after = await known(moved, t.case.c.site, t.case.c.case_key)
            assert (await known(moved, t.box), contents(boxes)) == identities
            assert set(cases) < set(after)
            assert len(after) == 2 * len(cases)

            # into one file instead; never over what is there
            plain = folder / "plain/central.toml"
            await asyncio.to_thread(backup.restore, saved, plain, PASSWORD, "sqlite")
            assert await known(settings.load(plain), t.box) == identities[0]
            with pytest.raises(ConfigError, match="已有别的数据"):
                await asyncio.to_thread(backup.restore, saved, folder / "x/central.toml", PASSWORD, other)
        finally:
            await flock.end()
