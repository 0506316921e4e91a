"""What the doctor looks for in the machine below the program: memory, temperature, the system's age."""

import asyncio
import subprocess
from contextlib import suppress
from pathlib import Path

from agent.box import Box
from agent.system_checks import NOT_RUNNING
from common.health import Outcome, Status, ok

_GROUPS = Path("/sys/fs/cgroup")
_FULL = 90
"""Percent of the memory that the unit may take."""
_ZONES = Path("/sys/class/thermal")
_HOT, _TOO_HOT = 85, 95
"""Degrees Celsius: from here on most processors slow themselves down; a little further they switch off."""
_OLDEST = 250
"""systemd: before it there are no sealed credentials (provisioning.md 7)."""


async def memory(box: Box) -> Outcome:
    """What the kernel's second control-group hierarchy says of the unit; where there is none, nothing is bounded."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    folder = _group_of(box.status.pid)
    most, used = _number(folder / "memory.max"), _number(folder / "memory.current")
    if most is None or used is None:
        return ok("系统没有给采集程序设内存上限")
    events = dict(line.split() for line in _text(folder / "memory.events").splitlines())
    killed = int(events.get("oom_kill", 0))
    if killed:
        return Outcome(Status.WARN, f"因内存不足被系统结束过 {killed} 次")
    percent = 100 * used // most
    detail = f"已用 {used >> 20:,} MB，上限 {most >> 20:,} MB"
    return Outcome(Status.WARN, detail) if percent >= _FULL else ok(detail)


def _group_of(pid: int) -> Path:
    for line in _text(Path(f"/proc/{pid}/cgroup")).splitlines():
        if line.startswith("0::"):
            return _GROUPS / line.removeprefix("0::").strip().lstrip("/")
    return _GROUPS


def _text(path: Path) -> str:
    """Empty where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.read_text("ascii")
    return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


async def temperature(box: Box) -> Outcome:
    del box
    found = [_number(path) for path in sorted(_ZONES.glob("thermal_zone*/temp"))]
    hottest = max((milli // 1000 for milli in found if milli is not None), default=None)
    if hottest is None:
        return ok("本机没有温度传感器")
    detail = f"{hottest} ℃"
    if hottest < _HOT:
        return ok(detail)
    return Outcome(Status.FAIL if hottest >= _TOO_HOT else Status.WARN, detail)


async def system(box: Box) -> Outcome:
    del box
    try:
        done = await asyncio.to_thread(
            subprocess.run, ["systemctl", "--version"], capture_output=True, check=False, timeout=2
        )
    except FileNotFoundError:
        return ok("不由 systemd 管理")
    words = done.stdout.decode(errors="replace").split()
    version = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
    if version and version < _OLDEST:
        return Outcome(
            Status.WARN, f"systemd {version}，低于 {_OLDEST}：不能封存密钥，只能存为只有 root 可读的文件"
        )
    return ok(f"systemd {version or '版本不明'}")
