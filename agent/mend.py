"""`mingcha-agent doctor --fix`: what the doctor may mend by itself, asked for one by one and told.

Only what cannot lose a record, an identity or anybody's setting, and can be done twice: a service started, a switch
turned on, a mode narrowed, a certificate renewed. Everything else stays a sentence for a person.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from agent.config import AgentConfig
from agent.switch import Switch
from common.core.errors import UnavailableError, words
from common.health import Finding, Status

_EVERYBODY = 0o007
_SECS = 90.0


class Mend(Struct, frozen=True):
    """One step. `words`: what is asked; `act`: does it and says what it did. It raises UnavailableError."""

    check: str
    words: str
    act: Callable[[], str]


def mends(findings: list[Finding], config: AgentConfig) -> list[Mend]:
    """What can be mended of these, in the order of the findings."""
    found = []
    for item in findings:
        if item.status in {Status.WARN, Status.FAIL} and item.id in _MENDS:
            found += _MENDS[item.id](config)
    return found


def _start(_config: AgentConfig) -> list[Mend]:
    command = ("systemctl", "start", "mingcha-agent")
    return [Mend("E-SYS-01", "启动采集服务", lambda: _run(*command))]


def _narrow(config: AgentConfig) -> list[Mend]:
    """Private files that everybody may read: they are not any more for those who are neither owner nor group."""
    identity = config.identity
    files = (identity.sign_key, identity.digest_key, identity.master_key, config.mqtt.node)
    wide = [file for file in files if file.exists() and file.stat().st_mode & _EVERYBODY]
    return [Mend("E-ID-01", f"收回其他用户读 {file} 的权限", _narrower(file)) for file in wide]


def _narrower(file: Path) -> Callable[[], str]:
    def narrow() -> str:
        try:
            file.chmod(file.stat().st_mode & 0o770)
        except OSError as error:
            raise UnavailableError(f"改不了 {file} 的权限：{words(error)}", hint="请以 root 执行") from error
        return f"{file} 的权限现为 {file.stat().st_mode & 0o777:o}"

    return narrow


def _renew(_config: AgentConfig) -> list[Mend]:
    return [Mend("E-ID-04", "向市中心续期证书", lambda: _run("mingcha-agent", "renew", "--now"))]


def _resume(config: AgentConfig) -> list[Mend]:
    """The site's own switch; what the hall has suspended ends by itself."""
    switch = Switch(config.data_dir)

    def turn_on() -> str:
        return "采集已恢复" if switch.turn_on() else "站点自己的开关没有关；市中心暂停的到时自行恢复"

    return [Mend("E-SRC-05", "恢复采集", turn_on)]


_MENDS: dict[str, Callable[[AgentConfig], list[Mend]]] = {
    "E-SYS-01": _start,
    "E-ID-01": _narrow,
    "E-ID-07": _narrow,
    "E-ID-04": _renew,
    "E-SRC-05": _resume,
}


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=_SECS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        said = words(error) if isinstance(error, OSError) else f"{_SECS:.0f} 秒内没有结束"
        raise UnavailableError(f"{' '.join(command)}：{said}", hint="请按提示处理后再试") from error
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode:
        raise UnavailableError(f"{' '.join(command)} 没有成功：{said}", hint="请按提示处理后再试")
    return f"已执行 {' '.join(command)}" + (f"：{said.splitlines()[-1]}" if said else "")
