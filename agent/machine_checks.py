"""What the doctor looks for in the machine below the program: memory, temperature, the system's age."""

import asyncio
import base64
import binascii
import subprocess
from contextlib import suppress
from pathlib import Path

from agent.box import Box
from agent.system_checks import NOT_RUNNING
from common import sealed
from common.health import Outcome, Status, ok

_GROUPS = Path("/sys/fs/cgroup")
_FULL = 90
"""Percent of the memory that the unit may take."""
_ZONES = Path("/sys/class/thermal")
_HOT, _TOO_HOT = 85, 95
"""Degrees Celsius: from here on most processors slow themselves down; a little further they switch off."""
_OLDEST = 250
"""systemd: before it there are no sealed credentials (provisioning.md 7)."""

_BY_HOST = {
    "5a1c6a86df9d4096b1d5a65e0862f19a",
    "55b9ed1d38594d43a8319d2ebb332ac6",
    "058469daf6f54324800549da0f8ea2fb",
}
"""How a systemd credential begins that no TPM is needed for (systemd, creds-util.h); every other kind is bound to one."""


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


async def tpm(box: Box) -> Outcome:
    """Information, but where the master key is bound to a chip that is not there: what runs goes on, until it is restarted."""
    file = sealed.cred(box.config.identity.master_key)
    usable = await asyncio.to_thread(_has_tpm)
    try:
        is_sealed = file.exists()
    except PermissionError:  # the service itself, asked by the hall: whether the key opens is said by E-ID-07
        return ok("封存的凭据只有 root 看得到")
    if not is_sealed:
        return ok("有，主密钥没有用它封存" if usable else "没有，或系统不支持")
    if _is_by_host(file.read_bytes()):
        return ok(
            "有；主密钥是此前由 systemd 的主机密钥封存的"
            if usable
            else "没有：主密钥由 systemd 的主机密钥封存，磁盘被盗时挡不住"
        )
    return (
        ok("主密钥由它封存")
        if usable
        else Outcome(Status.FAIL, "主密钥由安全芯片（TPM）封存，而本机找不到它")
    )


def _has_tpm() -> bool:
    """As systemd sees it: firmware, driver and library."""
    try:
        done = subprocess.run(
            ["systemd-creds", "has-tpm2", "-q"], capture_output=True, check=False, timeout=2
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _is_by_host(cred: bytes) -> bool:
    try:
        return base64.b64decode(cred)[:16].hex() in _BY_HOST
    except binascii.Error:
        return True
