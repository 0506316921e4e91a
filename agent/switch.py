"""The switch that the site itself holds: while it is off, nothing is asked of its database. It outlives a restart."""

from pathlib import Path

import msgspec
from msgspec import Struct

from common.core.errors import ConfigError, words


class Off(Struct, frozen=True):
    """Who turned it off, when (wall time, microseconds), and why."""

    since_wall: int
    who: str
    why: str


class Switch:
    """A file beside the buffer: it is there while the switch is off."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "paused.json"

    def off(self) -> Off | None:
        """None: it is on. A file that cannot be read is one that somebody has put there."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Off)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            return Off(0, "", "开关文件读不出")

    def turn_off(self, off: Off) -> None:
        """Raises ConfigError where the file cannot be written."""
        try:
            part = self._path.with_name(f"{self._path.name}.part")
            part.write_bytes(msgspec.json.encode(off))
            part.chmod(0o644)
            part.replace(self._path)
        except OSError as error:
            raise self._refused(error) from error

    def turn_on(self) -> bool:
        """-> whether it was off. Raises ConfigError where the file cannot be removed."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._refused(error) from error
        return True

    def _refused(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"写不了 {self._path}（{words(error)}）", hint="请用 root 执行，或 sudo -u mingcha"
        )


def said(off: Off | None) -> str:
    """What people read of it; empty while it is on."""
    return f"采集已由 {off.who or '站点'} 暂停：{off.why}" if off else ""
