"""Which commands were begun: a file of its own, so that none is carried out twice when buffer or index is replaced.

Kept until the hall's time is past a command's end: delivered again after that, it is refused because it has expired. The
file proves itself by a checksum. One that does not is set aside, and nobody knows what it held: so what the hall issued
before the loss is not carried out any more.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from agent.files import sync
from common.core import crypto
from common.core.instant import DAY
from common.core.message import Command

log = structlog.get_logger()


class Begun(Struct, frozen=True):
    """`done`: it has been answered."""

    act: str
    expires_wall: int
    """By the hall's clock."""
    done: bool = False


class _Journal(Struct, frozen=True):
    """`since_wall`: what was issued up to then, by the hall's clock, may have been begun before; None: not known yet."""

    begun: dict[str, Begun] = {}
    since_wall: int | None = 0


_decoder = msgspec.json.Decoder(_Journal)


class Orders:
    """Reads its file at once; one that cannot be read is set aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal = _Journal()
        try:
            self._journal = _decoded(path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            self._journal = _Journal(since_wall=None)
            self._set_aside(str(error))

    def _set_aside(self, reason: str) -> None:
        """On a full disk it stays where it is, until something can be written in its place."""
        kept = self._path.with_name(f"{self._path.name}.damaged")
        with suppress(OSError):
            kept.unlink(missing_ok=True)
            os.link(self._path, kept)
            self._write(self._journal)
        log.error(
            "commands.unreadable",
            kept=str(kept),
            reason=reason,
            hint="此前下达的指令不再执行，需要的请重新下达",
        )

    @property
    def unanswered(self) -> dict[str, Begun]:
        """By number: the end of the process cut them off, or their answer is not written yet."""
        return {number: begun for number, begun in self._journal.begun.items() if not begun.done}

    def begin(self, command: Command, hall_wall: int) -> bool:
        """Remember it, durably. `hall_wall`: the hall's time. -> False: it was begun before, or is over for so long that
        nobody remembers; the hall has sent none such.

        Raises OSError; then it was not.
        """
        before = self._journal
        if command.id in before.begun or hall_wall >= command.expires_wall + DAY:
            return False
        kept = {
            number: begun
            for number, begun in before.begun.items()
            if not begun.done or hall_wall < begun.expires_wall + DAY
        }
        kept[command.id] = Begun(command.act, command.expires_wall)
        self._write(_Journal(kept, before.since_wall))
        return True

    def bound(self, hall_wall: int) -> None:
        """The hall's time is known: what it issues from now on cannot have been begun before a loss. Raises OSError."""
        if self._journal.since_wall is None:
            self._write(replace(self._journal, since_wall=hall_wall))

    def is_doubtful(self, command: Command) -> bool:
        """Of one that `begin` has remembered: it may have been carried out before what was remembered then was lost."""
        since = self._journal.since_wall
        return since is None or command.issued_wall <= since

    def answered(self, number: str) -> None:
        """Raises OSError."""
        begun = self._journal.begun
        self._write(replace(self._journal, begun=begun | {number: replace(begun[number], done=True)}))

    def _write(self, journal: _Journal) -> None:
        body = msgspec.json.encode(journal)
        part = self._path.with_name(f"{self._path.name}.part")
        with part.open("wb") as file:
            file.write(crypto.record_hash(body).hex().encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        sync(self._path.parent)
        self._journal = journal


def _decoded(raw: bytes) -> _Journal:
    """Raises ValueError."""
    said, _, body = raw.partition(b"\n")
    if said != crypto.record_hash(body).hex().encode():
        raise ValueError("与其校验不符")
    return _decoder.decode(body)
