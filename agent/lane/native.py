"""The native lane: rows that the engine itself says were written, whether or not the vendor stamped them (PostgreSQL's xmin).

It reads through the table on the server without an index, so it asks only after a sign that something was written of which no
quick lane knows, and only where the table is small enough. It is an accelerator: deletions it does not see, and what it passes
over the walk finds.
"""

from agent.core import query
from agent.lane.reader import Reader
from agent.source.base import InFlight, SchemaError

LARGEST = 200_000
"""Rows of a table that is read through: a tenth of a second on the server."""


class NativeLane:
    """Of one table. It goes on from the oldest transaction that was open when it was last read to its end."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._limit = reader.limits.page_rows
        self._since: int | None = None
        self._begun: InFlight | None = None
        self._is_there = query.written_since(reader.table.select, 0, 1) is not None

    async def walk_begins(self) -> None:
        """What was written before, that walk sees."""
        self._begun = await self._reader.source.in_flight() if self._is_there else None

    def walk_ended(self) -> None:
        """From its begin on. A source that was put back to an earlier state counts from there again."""
        self._since = self._begun.oldest if self._begun is not None else None

    async def read(self, rows: int) -> int:
        """Of a table with about `rows` rows. -> number of changes. Raises UpheavalError."""
        if self._since is None or rows > LARGEST:
            return 0
        reader = self._reader
        now = await reader.source.in_flight()
        wanted = query.written_since(reader.table.select, self._since, self._limit)
        if now is None or wanted is None:
            return 0
        try:
            page = await reader.read(wanted)
        except SchemaError:
            self._is_there, self._since = False, None  # a view: its rows were written by nobody
            return 0
        if len(page) == self._limit:
            return 0  # much at once is the walk's, page by page
        changed = await reader.take(page, watch=True)
        self._since = now.oldest
        await reader.rest(len(page))
        return changed
