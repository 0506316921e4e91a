"""The native lane: rows that the engine itself says were written, whether or not the vendor stamped them (PostgreSQL's xmin,
a rowversion of SQL Server's, Oracle's ORA_ROWSCN; the latter two have not been tried on a live server).

It reads through the table on the server, mostly without an index, so it asks only after a sign that something was written of
which no quick lane knows, or now and then where the engine gives no such sign, and only where the table is small enough. It is
an accelerator: deletions it does not see, and what it passes over the walk finds.
"""

from agent.core import query
from agent.lane.reader import Reader
from agent.source.base import InFlight, SchemaError, UnforeseenError
from common.core.instant import SECOND

LARGEST = 200_000
"""Rows of a table that is read through: a tenth of a second on the server."""
EVERY = 30 * SECOND
"""Where no sign calls it."""


class NativeLane:
    """Of one table. It goes on from the oldest transaction that was open when it was last read to its end."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._limit = reader.limits.page_rows
        self._since: int | None = None
        self._begun: InFlight | None = None
        self._due_mono = 0
        self._is_there = query.written_since(reader.table.select, 0, 1, "n") is not None

    async def walk_begins(self) -> None:
        """What was written before, that walk sees."""
        self._begun = await self._in_flight() if self._is_there else None

    async def _in_flight(self) -> InFlight | None:
        reader = self._reader
        return await reader.timed(reader.source.in_flight(reader.table.mapping.from_))

    def walk_ended(self) -> None:
        """From its begin on. A source that was put back to an earlier state counts from there again."""
        self._since = self._begun.oldest if self._begun is not None else None

    async def read(self, rows: int, *, signed: bool) -> int:
        """Of a table with about `rows` rows; `signed`: something was written. -> number of changes. Raises UpheavalError."""
        reader = self._reader
        is_called = signed or (not reader.has_sign and reader.clock.mono() >= self._due_mono)
        if self._since is None or rows > LARGEST or not is_called:
            return 0
        self._due_mono = reader.clock.mono() + EVERY
        now = await self._in_flight()
        if now is None:
            return 0
        wanted = query.written_since(reader.table.select, self._since, self._limit, now.column)
        try:
            page = await reader.read(wanted) if wanted is not None else []
        except (SchemaError, UnforeseenError):
            self._is_there, self._since = False, None  # a view: its rows were written by nobody
            return 0
        if len(page) == self._limit:
            return 0  # much at once is the walk's, page by page
        changed = await reader.take(page, watch=True)
        self._since = now.oldest
        await reader.rest(len(page))
        return changed
