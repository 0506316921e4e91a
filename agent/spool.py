"""Pictures and clips that wait for the hall: sealed files, each named by when it was taken and by its hash. Outside the numbers, so that
one which is given up leaves no hole: its reference is a record, and stays.

The spool has its own room. Beyond it the oldest goes; and all go where the buffer itself has little left (sync.md 3.8).
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from agent import vault
from agent.core.quota import SHEDDING, Level
from agent.epoch import Sealing
from common.core import media
from common.core.crypto import DamagedError
from common.core.instant import DAY

KEPT_DAYS = 7
"""So long the hall may be away, or not know of a picture."""
_CONTEXT = b"mingcha still 1|"


class Waiting(Struct, frozen=True):
    """One of them. `taken_at`: office time; `size`: of its file."""

    path: Path
    sha256: bytes
    taken_at: int
    size: int


def waiting_in(folder: Path) -> list[Waiting]:
    """Oldest first."""
    found = []
    for path in sorted(folder.glob("*.sealed")):
        at, _, name = path.stem.partition("-")
        with suppress(OSError, ValueError):
            found.append(Waiting(path, bytes.fromhex(name), int(at), path.stat().st_size))
    return found


class Spool:
    """Blocking. `given_up`: how many went unsent since the process began, because there was no room or nobody took them."""

    def __init__(self, folder: Path, seal: Sealing, most_bytes: int) -> None:
        self._folder = folder
        self._seal = seal
        self._most = most_bytes
        self._kek = seal.keks[0]
        self.given_up = 0

    def waiting(self) -> list[Waiting]:
        """Oldest first."""
        return waiting_in(self._folder)

    def put(self, body: bytes, taken_at: int, level: Level) -> bytes | None:
        """-> its hash; None where there is no room for it at this `level` of the buffer. Raises OSError."""
        if level in SHEDDING:
            self.given_up += 1
            return None
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sha256 = media.digest(body)
        path = self._folder / f"{taken_at:017}-{sha256.hex()}.sealed"
        vault.write(path, body, self._seal.keks[0], self._seal.alg, _CONTEXT + sha256)
        return sha256

    def read(self, item: Waiting) -> bytes | None:
        """None for one that no key opens: it is given up."""
        with suppress(OSError, DamagedError):
            return vault.read(item.path, self._seal.keks, _CONTEXT + item.sha256)
        self._give_up([item])
        return None

    def drop(self, sha256: bytes) -> None:
        """The hall has it."""
        for item in self.waiting():
            if item.sha256 == sha256:
                item.path.unlink(missing_ok=True)

    def refused(self, sha256: bytes) -> None:
        """The hall will never take it."""
        self._give_up([item for item in self.waiting() if item.sha256 == sha256])

    def tidy(self, level: Level, now_at: int) -> int:
        """Give up what has no room, or has waited too long; and keep the rest under the present master key. Not while `put` runs:
        what a kill or a full disk has left of one goes. -> how many went. Raises OSError."""
        for part in self._folder.glob("*.part"):
            part.unlink(missing_ok=True)
        self._rewrap()
        found = self.waiting()
        over = found if level in SHEDDING else [item for item in found if self._is_old(item, now_at)]
        left = [item for item in found if item not in over]
        size = sum(item.size for item in left)
        for item in left:
            if size <= self._most:
                break
            over.append(item)
            size -= item.size
        self._give_up(over)
        return len(over)

    @staticmethod
    def _is_old(item: Waiting, now_at: int) -> bool:
        return now_at - item.taken_at > KEPT_DAYS * DAY

    def _give_up(self, items: Sequence[Waiting]) -> None:
        for item in items:
            item.path.unlink(missing_ok=True)
        self.given_up += len(items)

    def _rewrap(self) -> None:
        """The former master key goes as soon as the buffer needs it no more."""
        kek = self._seal.keks[0]
        if kek == self._kek:
            return
        for item in self.waiting():
            if (jpeg := self.read(item)) is not None:
                vault.write(item.path, jpeg, kek, self._seal.alg, _CONTEXT + item.sha256)
        self._kek = kek
