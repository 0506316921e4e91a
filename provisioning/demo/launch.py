"""`make demo`: a hall, 18 agents and their offices as real processes in a temporary folder, and nothing afterwards."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
from provisioning.demo import office, prepare, scene
from provisioning.demo.children import Children
from provisioning.demo.city import SITES
from provisioning.demo.hours import ZONE
from provisioning.demo.line import Line
from provisioning.demo.office import City
from provisioning.demo.prepare import Plan
from provisioning.demo.scene import Camera

STARTS = datetime(2026, 6, 8, 8, 40, tzinfo=ZONE)
"""A Monday well inside the published calendar: no limit of the demonstration is provisional."""
STILL_SECS = 120.0
"""Without one more site having delivered. A slow machine takes minutes for all, and says how far it is."""
CUT_SITE = "s02"
SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_CAMERA = Path(__file__).parents[2] / "tests" / "camera" / "rtsp_server.py"


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
    with tempfile.TemporaryDirectory(prefix="mingcha-demo-", dir=place()) as name:
        click.echo("明察 演示正在准备：18 个站点的业务库、密钥与证书 …")
        try:
            await _show(Path(name), options)
        finally:
            click.echo("\n演示已停止，没有留下任何东西。")


def place() -> Path:
    """Where the demonstration's folder is made. A root's own folder for what is temporary may be closed to others (pam_tmpdir makes it so),
    and the broker, which becomes its own account, would not reach its files there.
    """
    own = Path(tempfile.gettempdir())
    open_to_all = all(parent.stat().st_mode & 0o001 for parent in (own, *own.parents))
    return own if open_to_all or os.geteuid() != 0 else Path("/var/tmp")  # noqa: S108  a folder of its own is made there


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
        live_port=free_port(),
        tls=mosquitto is not None,
        clock=clock_config,
    )
    async with asyncio.TaskGroup() as group:
        drawing = group.create_task(asyncio.to_thread(scene.render, folder / "cameras"))
        made = await prepare.prepare(plan)
        start_at, offices = plan.clock.demo_office_at, folder / "offices"
        city = await asyncio.to_thread(City.open, offices, start_at, made.is_workday)
    cameras = drawing.result()
    has_rtsp = await asyncio.to_thread(_has_rtsp)
    rtsp_port = free_port() if cameras and has_rtsp else 0
    prepare.add_cameras(folder, cameras, rtsp_port)
    if mosquitto and os.geteuid() == 0:
        _hand_over(folder)
    (folder / "logs").mkdir()
    children = Children(folder / "logs")
    try:
        async with asyncio.TaskGroup() as group:
            for child, command in commands(plan, mosquitto).items():
                account = "mosquitto" if child == "broker" and os.geteuid() == 0 else None
                group.create_task(children.keep(child, *command, account=account), name=child)
            if rtsp_port:
                command = _rtsp_camera(folder, rtsp_port)
                group.create_task(children.keep("camera", *command, is_held=True), name="camera")
            group.create_task(Line(plan.line_port, plan.broker_port).run(seed=1), name="line")
            group.create_task(office.run(city, Clock(plan.clock)), name="offices")
            await _ready(options.port, children)
            click.echo(_welcome(options, made.password, plan, cameras))
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
    """Wait until the hall answers and every site has delivered. Raises UnavailableError where nothing comes any more."""
    most, moved = 0, time.monotonic()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=STILL_SECS)) as session:
        while most < len(SITES):
            seen = await _delivered(session, port)
            if seen > most:
                most, moved = seen, time.monotonic()
                click.echo(f"  {most} / {len(SITES)} 个站点的数据已到")
            elif time.monotonic() - moved > STILL_SECS:
                raise UnavailableError(
                    f"演示没有就绪：{STILL_SECS:.0f} 秒内没有新的站点送到数据（已到 {most} 个）\n{children.last_words()}",
                    hint="请再试一次：make demo",
                )
            await asyncio.sleep(0.5)


async def _delivered(session: aiohttp.ClientSession, port: int) -> int:
    """Sites of which the hall has a record; none while it does not answer yet."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/api/v1/overview") as answer:
            sites = (await answer.json())["sites"] if answer.status == 200 else []
    except (aiohttp.ClientError, TimeoutError):
        return 0
    return sum(site["last_record_age_s"] is not None for site in sites)


def _welcome(options: Options, password: str, plan: Plan, cameras: Sequence[Camera]) -> str:
    cut = next(site.name for site in SITES if site.id == CUT_SITE)
    broker = "Mosquitto，双向证书" if plan.tls else "程序内的演示用消息服务"
    names = {site.id: site.name for site in SITES}
    seen = "、".join(f"{names[item.site]} {item.name}" for item in cameras) or "没有装摄像组件，不演示"
    users = "\n".join(f"    {word:<6}\t{name}" for name, (_, word) in prepare.USERS.items())
    return (
        f"\n明察 演示已就绪：  http://127.0.0.1:{options.port}/\n"
        f"  公众网页：        http://127.0.0.1:{plan.door_port}/p/\n\n"
        f"  登录（密码都是  {password}）\n{users}\n\n"
        f"  演示时间从 {STARTS:%Y-%m-%d %H:%M} 起，工作时间 {options.pace:g} 倍速，夜间与周末 {options.rest_pace:g} 倍速\n"
        f"  {cut}的线路每一两分钟断开一次，随后自动补传；消息服务：{broker}\n"
        f"  摄像机：{seen}\n"
        f"  体检：  {sys.executable} -m central doctor --config {plan.folder}/hall/central.toml\n"
        "  停止：  Ctrl-C（不留任何东西）\n"
    )


def _has_rtsp() -> bool:
    """Whether the tests' RTSP camera is here, and GStreamer, whose bindings only the system's Python has."""
    asked = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    try:
        return (
            RTSP_CAMERA.exists() and subprocess.run(asked, capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def _rtsp_camera(folder: Path, port: int) -> list[str]:
    recording = (folder / "cameras" / scene.HALL.file).with_suffix(scene.BARE)
    account = prepare.RTSP_USER, prepare.RTSP_PASSWORD
    return [SYSTEM_PYTHON, str(RTSP_CAMERA), str(recording), *account, str(port), str(scene.FPS)]


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
