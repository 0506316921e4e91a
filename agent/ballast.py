"""Room beside the buffer that a full disk gives up."""

import os
from contextlib import suppress
from pathlib import Path

BALLAST_BYTES = 8 * 1024 * 1024


class Ballast:
    """Room that is given up when the disk is full, so that deleting what was acknowledged still works.

    SQLite needs space even to delete: without ballast 0 of 43 deletes worked on a full disk (sync.md 3.8).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self) -> None:
        """Make the ballast where there is four times its room."""
        if self._path.exists():
            return
        space = os.statvfs(self._path.parent)
        if space.f_bavail * space.f_frsize < 4 * BALLAST_BYTES:
            return
        with suppress(OSError), self._path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)

    def release(self) -> None:
        self._path.unlink(missing_ok=True)
