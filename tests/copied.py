"""What a SIGKILL would leave of a program's SQLite files: copied before every statement that writes and before every commit."""

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import event

from central.store.engine import Store


class Camera:
    """Copies the files of a folder whenever they differ from the last copy. `stores`: whose databases lie there."""

    def __init__(self, folder: Path, to: Path, *stores: Store) -> None:
        self.points, self.copies = 0, list[Path]()
        self._folder, self._to = folder, to
        self._last: list[tuple[str, int, int]] = []
        for store in stores:
            event.listen(store.engine.sync_engine, "before_cursor_execute", self._written)
            event.listen(store.engine.sync_engine, "commit", self.take)

    def _written(self, conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("SELECT"):
            self.take()

    def take(self, *_: Any) -> None:
        self.points += 1
        files = sorted(one for one in self._folder.iterdir() if not one.name.endswith("-shm"))
        stats = [(one.name, one.stat()) for one in files]
        state = [
            (name, stat.st_size, stat.st_mtime_ns) for name, stat in stats
        ]  # a log only grows between two of its ends
        if state != self._last:
            self._last = state
            place = self._to / str(len(self.copies))
            place.mkdir()
            for one in files:
                shutil.copy(one, place / one.name)
            self.copies.append(place)
