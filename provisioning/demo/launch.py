"""`make demo`: a hall, 18 agents and their offices as real processes in a temporary folder, and nothing afterwards."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import aiohttp
import click
from msgspec import Struct

from common import log as logs
from common import process
from common.clock import Clock, ClockConfig
from common.core.errors import ConfigError, UnavailableError
from common.core.instant import to_us
from provisioning.demo import office, prepare
from provisioning.demo.children import Children
from provisioning.demo.city import SITES
from provisioning.demo.hours import ZONE
from provisioning.demo.line import Line
from provisioning.demo.office import City
from provisioning.demo.prepare import Plan

STARTS = datetime(2026, 6, 8, 8, 40, tzinfo=ZONE)
"""A Monday well inside the published calendar: no limit of the demonstration is provisional."""
READY_SECS = 60.0
CUT_SITE = "s02"


class Options(Struct, frozen=True):
    """What the command line says."""

    port: int
    pace: float
    rest_pace: float
    embedded: bool


def run(options: Options) -> None:
    """Show until Ctrl-C. Raises ConfigError where the port is taken."""
    logs.configure(level="warning", role="demo")
    process.run(_main(options))


async def _main(options: Options) -> None:
    if not _is_free(options.port):
        raise ConfigError(
            f"端口 {options.port} 已被占用",
            hint=f"演示可能已在运行；另开一个：make demo PORT={options.port + 1}",
        )
    with tempfile.TemporaryDirectory(prefix="mingcha-demo-") as name:
        click.echo("明察 演示正在准备：18 个站点的业务库、密钥与证书 …")
        try:
            await _show(Path(name), options)
        finally:
            click.echo("\n演示已停止，没有留下任何东西。")


async def _show(folder: Path, options: Options) -> None:
    mosquitto = None if options.embedded else _mosquitto()
    clock_config = ClockConfig(
        demo_office_at=to_us(STARTS),
        demo_start_wall=Clock().wall(),
        demo_pace=options.pace,
        demo_rest_pace=options.rest_pace,
    )
    plan = Plan(
        folder=folder,
        web_port=options.port,
        door_port=options.port + 1 if _is_free(options.port + 1) else free_port(),
        broker_port=free_port(),
        line_port=free_port(),
        line_site=CUT_SITE,
        tls=mosquitto is not None,
        clock=clock_config,
    )
    made = await prepare.prepare(plan)
    city = await asyncio.to_thread(City.open, folder / "offices", plan.clock.demo_office_at, made.is_workday)
    if mosquitto and os.geteuid() == 0:
        _hand_over(folder)
    (folder / "logs").mkdir()
    children = Children(folder / "logs")
    try:
        async with asyncio.TaskGroup() as group:
            for child, command in commands(plan, mosquitto).items():
                account = "mosquitto" if child == "broker" and os.geteuid() == 0 else None
                group.create_task(children.keep(child, *command, account=account), name=child)
            group.create_task(Line(plan.line_port, plan.broker_port).run(seed=1), name="line")
            group.create_task(office.run(city, Clock(plan.clock)), name="offices")
            await _ready(options.port, children)
            click.echo(_welcome(options, made.password, plan))
    finally:
        await children.stop()
        city.close()


def commands(plan: Plan, mosquitto: str | None) -> dict[str, list[str]]:
    """Name -> command line of every process."""
    python = [sys.executable, "-m"]
    found = {
        "hall": [*python, "central", "central", "run", "--config", str(plan.folder / "hall" / "central.toml")]
    }
    found["door"] = [*python, "central.door", "run", "--config", str(plan.folder / "hall" / "door.toml")]
    if mosquitto:
        conf = plan.folder / "hall" / "broker" / "mosquitto.conf"
        found = {"broker": [mosquitto, "-c", str(conf)]} | found
    for site in SITES:
        config = plan.folder / "sites" / site.id / "agent.toml"
        found[site.id] = [*python, "agent", "run", "--config", str(config)]
    return found


async def _ready(port: int, children: Children) -> None:
    """Wait until the hall answers and every site has delivered. Raises UnavailableError after `READY_SECS`."""
    try:
        async with asyncio.timeout(READY_SECS), aiohttp.ClientSession() as session:
            while not await _all_seen(session, port):  # noqa: ASYNC110
                await asyncio.sleep(0.5)
    except TimeoutError as error:
        raise UnavailableError(
            f"演示在 {READY_SECS:.0f} 秒内没有就绪：\n{children.last_words()}", hint="请再试一次：make demo"
        ) from error


async def _all_seen(session: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{port}/api/v1/overview") as answer:
            if answer.status != 200:
                return False
            sites = (await answer.json())["sites"]
    except aiohttp.ClientError:
        return False
    return len(sites) == len(SITES) and all(site["last_record_age_s"] is not None for site in sites)


def _welcome(options: Options, password: str, plan: Plan) -> str:
    cut = next(site.name for site in SITES if site.id == CUT_SITE)
    broker = "Mosquitto，双向证书" if plan.tls else "程序内的演示用消息服务"
    users = "\n".join(f"    {word:<6}\t{name}" for name, (_, word) in prepare.USERS.items())
    return (
        f"\n明察 演示已就绪：  http://127.0.0.1:{options.port}/\n"
        f"  公众网页：        http://127.0.0.1:{plan.door_port}/p/\n\n"
        f"  登录（密码都是  {password}）\n{users}\n\n"
        f"  演示时间从 {STARTS:%Y-%m-%d %H:%M} 起，工作时间 {options.pace:g} 倍速，夜间与周末 {options.rest_pace:g} 倍速\n"
        f"  {cut}的线路每一两分钟断开一次，随后自动补传；消息服务：{broker}\n"
        f"  体检：  {sys.executable} -m central doctor --config {plan.folder}/hall/central.toml\n"
        "  停止：  Ctrl-C（不留任何东西）\n"
    )


def _hand_over(folder: Path) -> None:
    """Started by root, Mosquitto becomes its own user: that user must reach and read its files."""
    broker = folder / "hall" / "broker"
    for place in (folder, folder / "hall"):
        place.chmod(0o711)
    for path in (broker, *broker.iterdir()):
        shutil.chown(path, "mosquitto")


def _mosquitto() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
