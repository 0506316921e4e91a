"""Which commands were begun: a file of its own, so that none is carried out twice when buffer or index is replaced.

Kept until the hall's time is past a command's end: delivered again after that, it is refused because it has expired.
"""

import os
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from agent.files import sync
from common.core.instant import DAY
from common.core.message import Command

log = structlog.get_logger()


class Begun(Struct, frozen=True):
    """`done`: it has been answered."""

    act: str
    expires_wall: int
    """By the hall's clock."""
    done: bool = False


class Orders:
    """Reads its file at once; one that cannot be read is set aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun: dict[str, Begun] = {}
        try:
            self._begun = msgspec.json.decode(path.read_bytes(), type=dict[str, Begun])
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("commands.unreadable", path=str(path), reason=str(error))

    @property
    def unanswered(self) -> dict[str, Begun]:
        """By number: the end of the process cut them off, or their answer is not written yet."""
        return {number: begun for number, begun in self._begun.items() if not begun.done}

    def begin(self, command: Command, hall_wall: int | None) -> bool:
        """Remember it, durably. `hall_wall`: the hall's time, None where it is not known. -> False: it was begun before.

        Raises OSError; then it was not.
        """
        if command.id in self._begun:
            return False
        kept = {
            number: begun
            for number, begun in self._begun.items()
            if not begun.done or hall_wall is None or hall_wall < begun.expires_wall + DAY
        }
        self._write(kept | {command.id: Begun(command.act, command.expires_wall)})
        return True

    def answered(self, number: str) -> None:
        """Raises OSError."""
        self._write(self._begun | {number: replace(self._begun[number], done=True)})

    def _write(self, begun: dict[str, Begun]) -> None:
        part = self._path.with_name(f"{self._path.name}.part")
        with part.open("wb") as file:
            file.write(msgspec.json.encode(begun))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        sync(self._path.parent)
        self._begun = begun
