"""`mingcha-agent camera …`: parse, call, print. Part of `agent/__main__.py`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from common.cli import say

if TYPE_CHECKING:
    from agent.camera.talk import Look
    from agent.config import AgentConfig, CameraConfig

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def add(cli: click.Group, config: _Decorator) -> None:
    """Hang the group under `cli`; `config` is the option that names the configuration file."""

    @cli.group(help="本站点的摄像机。")
    def camera() -> None:
        """Group of commands."""

    @camera.command("list", help="每台摄像机现在怎样，从何时起。有故障时退出码为 1。")
    @config
    def show(path: Path) -> int:
        return _show(path)

    @camera.command(
        help="找出本机各网络里的 ONVIF 摄像机，列出应答者并起草配置；不登录、不改动任何摄像机，约五秒。"
    )
    @click.option(
        "--net",
        "networks",
        multiple=True,
        metavar="网段",
        help="再逐个询问这个网段的地址，如 192.168.1.0/24；隔着路由器或组播不通时用，可写多次。",
    )
    @config
    def probe(path: Path, networks: tuple[str, ...]) -> int:
        return _probe(path, networks)

    @camera.command(
        help="一台 ONVIF 摄像机自己说的：型号、固件、时间，各码流的编码、大小、帧率、码率、关键帧间隔和地址，快照地址。不改动它。"
    )
    @click.argument("camera_id", metavar="编号")
    @config
    def profiles(path: Path, camera_id: str) -> None:
        from agent import config
        from agent.camera.profiles_command import show as show_profiles

        settings = config.load(path)
        show_profiles(settings, _one(settings, camera_id))

    @camera.command(help="重新学习一台摄像机的正常画面：换了视角或布置以后执行。学习时画面须正常，约一分钟。")
    @click.argument("camera_id", metavar="编号")
    @config
    def learn(path: Path, camera_id: str) -> None:
        _learn(path, camera_id)

    @camera.command(
        "set-time",
        help="把一台 ONVIF 摄像机的时间改成本机的：先说明差多少、问过再改；做了什么记入站点事件。",
    )
    @click.argument("camera_id", metavar="编号")
    @click.option(
        "--user",
        metavar="账号",
        help="摄像机上可以改时间的账号，口令当场输入、不保存；不写则用配置里的账号，它常只可观看。",
    )
    @click.option("--yes", is_flag=True, help="不再逐项询问。")
    @config
    def set_time(path: Path, camera_id: str, user: str | None, yes: bool) -> int:
        from agent import config
        from agent.camera.clock_command import set_right

        settings = config.load(path)
        return set_right(settings, _one(settings, camera_id), user, yes=yes)

    @camera.command(
        help="记下各座位无人时的样子。请在座位都空着、灯光如常时执行，约一分钟；换一种灯光再执行一次。"
    )
    @click.argument("camera_id", metavar="编号")
    @config
    def vacant(path: Path, camera_id: str) -> None:
        _vacant(path, camera_id)


def _show(path: Path) -> int:
    from agent import config
    from agent.camera.drawn import watched
    from agent.status import Status
    from common import process
    from common.clock import Clock
    from common.core.errors import UnavailableError
    from common.core.instant import from_us
    from common.core.text import one_line

    settings, clock = config.load(path), Clock()
    if not settings.camera:
        say(f"○ {path} 里没有 [[camera]]")
        return 0
    found = process.read(settings.status_path, Status, clock.wall())
    if found is None:
        raise UnavailableError("采集程序没有在运行", hint="请启动服务：systemctl start mingcha-agent")
    code = _show_model(settings, found.cameras)
    for item in settings.camera:
        look = found.cameras.get(item.id)
        if look is None:
            say(f"– {item.id}  还没有消息")
            continue
        now = look.view
        fault = now.view.is_fault or look.clock.view.is_fault
        code = 1 if fault else code
        mark = "!" if fault else "✓" if now.view.word == "正常" else "–"
        since = f"{from_us(now.since_at, config.ZONE):%m-%d %H:%M} 起"
        said = [
            now.view.word,
            since,
            look.detail,
            look.clock_detail and f"时钟{look.clock_detail}",
            look.stream,
            look.tamper_at and f"它自己报过遮挡 {from_us(look.tamper_at, config.ZONE):%m-%d %H:%M}",
            look.motion_at and f"报过移动 {from_us(look.motion_at, config.ZONE):%m-%d %H:%M}",
            look.deaf and f"听不到报警：{look.deaf}",
        ]
        say(f"{mark} {item.id} {item.name}  {one_line('，'.join(str(text) for text in said if text))}")
        for remedy in (now.view.remedy, look.clock.view.remedy):
            if remedy:
                say(f"  {remedy}")
        for seat, name in watched(item, look).items():
            sat = look.seats.get(seat)
            if sat is not None and not fault:
                said = [sat.state.seat.word, sat.detail, "放着不动的东西" if sat.state.object else ""]
                say(f"  {seat} {name}  {one_line('，'.join(text for text in said if text))}")
    return code


def _show_model(settings: "AgentConfig", looks: "dict[str, Look]") -> int:
    """The model that finds faces, by its hash. -> 1 where it does not work."""
    from agent.camera import model
    from common.core.checks import CHECKS
    from common.core.errors import ConfigError

    config = settings.faces
    if config.model is None:
        return 0
    check = CHECKS["E-CAM-12"]
    fault, remedy = next((look.faces for look in looks.values() if look.faces), ""), check.remedy
    try:
        model.read(config.model, config.sha256)
    except ConfigError as error:
        fault, remedy = str(error), error.hint
    if fault:
        say(f"! {check.title}  {fault}；{check.effect}\n  {remedy}")
        return 1
    say(f"✓ 人脸模型  {config.model.name}，sha256 {config.sha256}")
    return 0


def _probe(path: Path, networks: tuple[str, ...]) -> int:
    from agent import config
    from agent.camera import discovery
    from agent.core.discovery import drafted, host_of

    settings = config.load(path)
    known: dict[str, list[str]] = {}
    for item in settings.camera:
        if item.type != "file":
            known.setdefault(host_of(item.address), []).append(item.id)
    seen = discovery.search([discovery.network(text) for text in networks])
    asked = "、".join([*(f"{item.name} {item.address}" for item in seen.interfaces), *networks])
    say(f"问过 {asked}；{len(seen.cameras)} 台应答")
    for camera in seen.cameras:
        ids = known.get(camera.host, [])
        say(f"{'✓' if ids else '+'} {camera.address}  {camera.name}  {'、'.join(ids) if ids else '没有配置'}")
        if camera.note:
            say(f"  {camera.note}")
    if seen.unread:
        say(f"! 另有 {seen.unread} 个应答不是摄像机的，或太多，没有理会")
    fresh = [camera for camera in seen.cameras if camera.host not in known]
    blocks = drafted(fresh, [item.id for item in settings.camera])
    if blocks:
        say(f"\n起草（填好 name 与 user，放到 {path} 末尾）：\n")
        say("\n".join(block for _, block in blocks))
        saved = "；".join(f"mingcha-agent secret camera-{name}" for name, _ in blocks)
        say(f"再保存口令：{saved}\n然后重启采集程序，一分钟后看  mingcha-agent camera list")
    if not seen.cameras:
        say("没有摄像机应答：请确认摄像机已通电、开启 ONVIF、与本机同一网络；隔着路由器时用 --net 写明网段")
    return 0 if seen.cameras else 1


def _vacant(path: Path, camera_id: str) -> None:
    from agent import config
    from agent.camera.asked import VACANT, ask
    from agent.camera.drawn import watched
    from agent.status import Status
    from common import process
    from common.clock import Clock
    from common.core.errors import UsageError

    settings = config.load(path)
    found = process.read(settings.status_path, Status, Clock().wall())
    look = found.cameras.get(camera_id) if found else None
    if not watched(_one(settings, camera_id), look):
        raise UsageError(
            f"{camera_id} 没有座位区域",
            hint="请在市中心这台摄像机的“画座位与隐私区域”里画，或在 agent.toml 里这台摄像机之后写 [[camera.seat]]",
        )
    ask(settings.data_dir / VACANT, camera_id)
    say(
        f"✓ 正在记下 {camera_id} 各座位无人时的样子；有人动就会等到没人动为止，结果见 mingcha-agent camera list"
    )


def _one(settings: "AgentConfig", camera_id: str) -> "CameraConfig":
    """Raises UsageError."""
    from common.core.errors import UsageError

    found = next((item for item in settings.camera if item.id == camera_id), None)
    if found is None:
        known = "、".join(item.id for item in settings.camera) or "没有"
        raise UsageError(f"没有编号为 {camera_id} 的摄像机", hint=f"现有：{known}")
    return found


def _learn(path: Path, camera_id: str) -> None:
    from agent import config
    from agent.camera.asked import LEARN, ask

    settings = config.load(path)
    _one(settings, camera_id)
    ask(settings.data_dir / LEARN, camera_id)
    say(f"✓ 正在重新学习 {camera_id}；约一分钟后用 mingcha-agent camera list 查看")
