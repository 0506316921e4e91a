"""The switches that stop capture: while one is off, nothing is asked of the site's database. They outlive a restart.

The site holds one, the hall the other. The hall's has an end, because a box that it reaches no more must go on by itself,
and the site's people overrule it; the hall cannot turn on what the site has turned off.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.config import ZONE
from agent.files import sync
from common.core.errors import ConfigError, words
from common.core.instant import MINUTE, from_us

_HALL = "市中心"


class Off(Struct, frozen=True):
    """Who turned it off, when (wall time of the box, microseconds), why, and until when; 0: until somebody turns it on."""

    since_wall: int
    who: str
    why: str
    until_wall: int = 0

    def lasts(self, now_wall: int) -> bool:
        """A clock that was set back must not make it last longer than it was meant to."""
        return not self.until_wall or self.since_wall - MINUTE <= now_wall < self.until_wall


class Switch:
    """Files beside the buffer: each is there while its switch is off."""

    def __init__(self, data_dir: Path) -> None:
        self._site = data_dir / "paused.json"
        self._hall = data_dir / "paused-by-hall.json"

    def off(self, now_wall: int) -> Off | None:
        """The site's own before the hall's; None: both are on."""
        found = (_read(self._site), _read(self._hall))
        return next((off for off in found if off is not None and off.lasts(now_wall)), None)

    def turn_off(self, off: Off) -> None:
        """The site's. Raises ConfigError where the file cannot be written."""
        _write(self._site, off)

    def turn_off_by_hall(self, since_wall: int, why: str, until_wall: int) -> None:
        """Raises ConfigError where the file cannot be written."""
        _write(self._hall, Off(since_wall, _HALL, why, until_wall))

    def turn_on(self) -> bool:
        """Both. -> whether one was off. Raises ConfigError where a file cannot be removed."""
        return any([_remove(self._site), _remove(self._hall)])

    def turn_on_by_hall(self) -> bool:
        """The hall's alone. -> whether it was off. Raises ConfigError where the file cannot be removed."""
        return _remove(self._hall)


def _read(path: Path) -> Off | None:
    """A file that cannot be read is one that somebody has put there."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Off)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        return Off(0, "", "开关文件读不出")


def _write(path: Path, off: Off) -> None:
    try:
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as file:
            file.write(msgspec.json.encode(off))
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
        sync(path.parent)
    except OSError as error:
        raise _refused(path, error) from error


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refused(path, error) from error
    return True


def _refused(path: Path, error: OSError) -> ConfigError:
    never_ran = "数据目录还没有，请先启动采集程序：systemctl start mingcha-agent"
    hint = never_ran if isinstance(error, FileNotFoundError) else "请用 root 执行，或 sudo -u mingcha"
    return ConfigError(f"写不了 {path}（{words(error)}）", hint=hint)


def said(off: Off | None) -> str:
    """What people read of it; empty while it is on."""
    if off is None:
        return ""
    until = f"，至 {from_us(off.until_wall, ZONE):%m-%d %H:%M}" if off.until_wall else ""
    return f"采集已由 {off.who or '站点'} 暂停{until}：{off.why}"
