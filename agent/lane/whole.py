"""The whole lane: a table without unique columns is copied now and then, and the walk goes over what was copied.

How soon a change is seen is said in `secs`: the statement reads the whole table, so its rests are as long as after a walk's pages
of as many rows. It is the only lane of such a table beside the walk: no cursor and no key can be asked for.
"""

from agent.core import gentle
from agent.lane.reader import Reader
from agent.source.whole import WholeSource
from common.core.instant import SECOND


class WholeLane:
    """Of one table."""

    def __init__(self, reader: Reader, source: WholeSource, every_secs: float) -> None:
        self._reader = reader
        self._source = source
        self._every = int(every_secs * SECOND)
        self._due_mono = 0
        self.rows = 0
        self.secs = 0
        """From one copy to the next, by the last one."""

    def restart(self) -> None:
        """The table could not be read: the next look tries again."""
        self._due_mono = 0

    async def read(self) -> bool:
        """If it is due. -> whether the table is another than it was. Raises as WholeSource.copy."""
        reader, began = self._reader, self._reader.clock.mono()
        if began < self._due_mono:
            return False
        try:
            found = await self._source.copy(reader.table)
        finally:
            took = reader.clock.mono() - began
            reader.busy_us += took
        rest = gentle.rest_us(found.rows, took, reader.limits, night=reader.is_night, walks=True)
        wait = max(self._every, took + rest)
        self._due_mono = began + wait
        self.rows, self.secs = found.rows, round(wait / SECOND)
        return found.is_other
