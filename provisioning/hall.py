"""`mingcha central init`: a hall from nothing, or repaired: keys, broker, database, bundles, units, first administrator.

Every step looks first and leaves alone what is sound, so that it may be cut anywhere and run again.
"""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import click
from msgspec import Struct

from central.store import users
from central.store.engine import open_store
from common.cli import say
from common.clock import Clock
from common.core.errors import ConfigError, UnavailableError
from provisioning import (
    backup,
    broker,
    pki,
    public_door,
    registry,
    releases,
    root_key,
    settings,
    units,
)
from provisioning.files import write_file
from provisioning.settings import ADDRESS, Hall

LOCAL = ("localhost", "127.0.0.1")
"""Under which the hall's own programs call the broker."""
_ROLE = "accounts"
_ELSEWHERE = "192.0.2.1"
"""Nobody's address (RFC 5737)."""


class Options(Struct, frozen=True):
    """What the command line says; empty: as it is, or as is usual."""

    config: Path
    data: Path
    hosts: tuple[str, ...]
    port: int
    mqtt_port: int
    medium: Path
    admin: str
    public: tuple[str, ...] = ()
    """Names under which the public door is reached; empty: there is none, or it stays as it is."""
    restored: Path | None = None
    """A backup of which this machine is to become the hall."""


def init(options: Options) -> None:
    """Make what is missing and say what was done. Raises ConfigError, UnavailableError."""
    if options.restored is not None:
        database = os.environ.get(backup.DATABASE, "")
        backup.restore(options.restored, options.config.resolve(), backup.ask_password(), database)
    hall = _configuration(options)
    now = Clock().wall()
    names = [*hall.enrol.hosts, *(name for name in LOCAL if name not in hall.enrol.hosts)]
    with _Step("CA、密钥与证书", hall.folder) as step:
        pki.prepare_hall(hall.folder, names, now)
        step.done()
    with _Step("消息服务的配置", hall.broker) as step:
        broker.write_conf(hall.broker, port=hall.enrol.mqtt_port)
        asyncio.run(_database(hall))
        step.done()
    if options.public:
        is_system = hall.config == units.CONFIG
        public_door.prepare(hall, options.public, units.DOOR_STATE if is_system else hall.data / "public")
    _releases(hall, options.medium)
    for line in units.install_hall(hall):
        say(line)
    _administrator(hall, options.admin)
    if root_key.place(hall).exists():
        say("! 根密钥还在本机：请插上两个 U 盘，执行  mingcha central root 目录 目录")
    say(f"✓ 市中心已就绪：{hall.address}    新增站点：mingcha site add 名称 --kind street")


class _Step:
    """Says whether a step changed any file below `folder`."""

    def __init__(self, title: str, folder: Path) -> None:
        self._title = title
        self._folder = folder

    def __enter__(self) -> Self:
        self._before = self._files()
        return self

    def done(self) -> None:
        changed = self._files() != self._before
        say(f"{'＋' if changed else '✓'} {self._title}：{'已写入' if changed else '完好'}")

    def __exit__(self, *_error: object) -> None:
        """Errors go on."""

    def _files(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self._folder.rglob("*") if path.is_file()}


def _configuration(options: Options) -> Hall:
    """Both files, written once; afterwards they are the administrator's. Nothing is written before all that was said is sound:
    what is written counts, and the next command could not say it otherwise.
    """
    folder = options.config.resolve().parent
    central, enrol = options.config.resolve(), folder / "enroll.toml"
    given = () if enrol.exists() else options.hosts or _asked()
    for host in given:
        if not ADDRESS.match(host):
            raise ConfigError(f"地址写得不对：{host}", hint="写主机名或地址，不带端口，如 --host 10.1.0.5")
    if not central.exists():
        text = (
            f'database = "sqlite"\ndata_dir = "{options.data.absolute()}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {options.mqtt_port}\n'
        )
        write_file(central, text.encode())
        say(f"＋ 配置：{central}")
    if given:
        hosts = ", ".join(f'"{host}"' for host in given)
        text = f"hosts = [{hosts}]\nport = {options.port}\nmqtt_port = {options.mqtt_port}\n"
        write_file(enrol, text.encode())
        say(f"＋ 配置：{enrol}")
    hall = settings.load(central)
    if options.hosts and list(options.hosts) != hall.enrol.hosts:
        raise ConfigError(
            f"{enrol} 里的地址是 {'、'.join(hall.enrol.hosts)}",
            hint=f"要改地址，请修改 {enrol} 的 hosts 后不带 --host 再执行；站点须能用旧地址连到登记新地址为止",
        )
    return hall


def _asked() -> tuple[str, ...]:
    """Addresses from whoever sits at the terminal; this machine's own is offered. Raises ConfigError where nobody does."""
    if not sys.stdin.isatty():
        raise ConfigError(
            "不知道站点用哪个地址访问市中心", hint="请写明：mingcha central init --host 10.1.0.5"
        )
    said = click.prompt(
        "站点用哪个地址访问市中心（主机名或地址，几个之间用空格）",
        default=_own_address() or None,
        prompt_suffix="：",
    )
    return tuple(said.split())


def _own_address() -> str:
    """By which this machine would leave; empty without a route. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect((_ELSEWHERE, 9))
        return str(probe.getsockname()[0])
    return ""


async def _database(hall: Hall) -> None:
    store = await open_store(hall.database_url)
    try:
        async with store.read() as conn:
            await registry.publish(conn, hall.broker)
    finally:
        await store.close()


def _releases(hall: Hall, medium: Path) -> None:
    """What the medium brings is what boxes are installed with from now on; boxes that run are upgraded by `release`."""
    for manifest in releases.take(hall, medium):
        is_new = releases.install_anew(hall, manifest)
        say(
            f"{'＋' if is_new else '✓'} 站点发行：{manifest.release} {manifest.arch}，{manifest.size / 1e6:.0f} MB"
        )
    if not releases.has_any(hall):
        say(
            f"! 没有站点安装包：{medium} 里没有发行。取得介质后执行  mingcha release import 目录  ，站点才能安装"
        )


def _administrator(hall: Hall, name: str) -> None:
    async def known() -> int:
        store = await open_store(hall.database_url)
        try:
            async with store.read() as conn:
                return len(await users.everyone(conn))
        finally:
            await store.close()

    if asyncio.run(known()):
        say("✓ 用户：已有（忘记密码：mingcha user reset 用户名）")
        return
    command = [
        sys.executable,
        "-m",
        "central",
        "user",
        "add",
        name,
        "--role",
        _ROLE,
        "--config",
        str(hall.config),
    ]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise UnavailableError(
            f"建立不了第一个用户 {name}", hint=f"请执行  mingcha user add {name} --role {_ROLE}"
        )
