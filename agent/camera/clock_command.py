"""`mingcha-agent camera set-time …`: the one thing that this program ever changes at a camera, and only when a person says so."""

from pathlib import Path

import click

from agent.camera import asked, passwords
from agent.camera.base import LineError
from agent.camera.device import Device
from agent.config import AgentConfig, CameraConfig
from agent.status import Status
from common import process
from common.cli import say
from common.clock import Clock
from common.core.camera import View
from common.core.errors import ConfigError, UsageError
from common.core.instant import SECOND

_MOST_OFF = 30.0
"""Seconds by which the box's own clock may differ from the hall's: a worse one is put right first."""
_NEAR_SECS = 2.0
"""What is no farther off than this is right: a camera says whole seconds."""


def set_right(settings: AgentConfig, camera: CameraConfig, user: str | None, *, yes: bool) -> int:
    """-> 0 where its clock is right then. Raises UsageError, ConfigError, LineError."""
    clock, name = Clock(), camera.id
    if camera.type != "onvif":
        raise UsageError(
            f"{name} 的类型是 {camera.type}，本机问不到也改不了它的时间", hint="请在它自己的网页里校时"
        )
    if user is None:
        password = passwords.found(settings)[name]
        if isinstance(password, ConfigError):
            raise password
    else:
        password = click.prompt(f"{user} 的口令", hide_input=True, prompt_suffix="：")
    device = Device(camera.address, user or camera.user, password, clock)
    device.measure()
    ahead = _ahead(settings.status_path, clock)
    before = _words((device.skew or 0.0) - ahead)
    say(f"{name} {camera.name}  {before}")
    if before == _RIGHT:
        return 0
    if device.is_by_net:
        say("  它现在由网络对时（NTP）；改了以后不再自己对时。能修好它的对时服务器时，请修那里")
    if not yes and not click.confirm("改成本机的时间？", default=False):
        return 1
    try:
        device.set_time(ahead)
    except LineError as error:
        _note(settings.data_dir, name, f"{before}，没有改成：{error}")
        if error.view is View.AUTH:
            raise UsageError(
                f"{name} 不许这个账号改时间，或口令不对；时间没有改",
                hint="请用摄像机的管理账号：mingcha-agent camera set-time 编号 --user 账号",
            ) from error
        raise
    after = _words((device.skew or 0.0) - ahead)
    _note(settings.data_dir, name, f"原来{before}，改后{after}")
    say(f"{'✓' if after == _RIGHT else '!'} 改后{after}")
    return 0 if after == _RIGHT else 1


def _ahead(status_path: Path, clock: Clock) -> float:
    """Seconds by which the hall is ahead of this box, as far as the running program knows."""
    found = process.read(status_path, Status, clock.wall())
    ahead = ((found.offset_us if found else None) or 0) / SECOND
    if abs(ahead) > _MOST_OFF:
        raise UsageError(
            f"本机时钟与市中心差 {abs(ahead):.0f} 秒，照它校时会把摄像机改错", hint="请先校准本机的时间"
        )
    return ahead


_RIGHT = "时间准"


def _words(skew: float) -> str:
    if abs(skew) <= _NEAR_SECS:
        return _RIGHT
    return f"{'快' if skew > 0 else '慢'} {abs(skew):,.0f} 秒"


def _note(folder: Path, camera_id: str, said: str) -> None:
    """The running program, or the next one, tells it to the hall, and looks at the clock at once."""
    asked.ask(folder / asked.CLOCK_SET, f"{camera_id}：{said}")
    asked.ask(folder / asked.CLOCK, camera_id)
