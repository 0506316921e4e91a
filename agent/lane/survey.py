"""After a sign of upheaval: one walk that only counts, before anything of the table is told. It outlives a restart: what has
been noticed is surveyed then, and what has been told is told no second time.
"""

from msgspec.structs import replace

from agent.core import query
from agent.core.gentle import SMALL
from agent.core.query import Row
from agent.core.upheaval import Size, Upheaval
from agent.index import Index
from agent.lane import numbers
from agent.lane.reader import Reader

MOST = 2 * SMALL
"""Rows that the index may have of a table that is small."""


class Survey:
    """Of one table."""

    def __init__(self, reader: Reader, index: Index, sign: Upheaval) -> None:
        self._reader = reader
        self._index = index
        self.sign = sign
        self.size: Size | None = None
        """What it has counted, once it has come to its end."""
        self._last: Row | None = None
        self._same = self._new = 0
        self._changed: list[str] = []
        self._rows: list[Row] | None = []
        """All of a table that is small."""

    async def read(self, until: int) -> None:
        """Until monotonic time `until`, or to its end."""
        reader, table = self._reader, self._reader.table
        while self.size is None:
            after = self._last
            page, last = await reader.page(
                lambda limit, after=after: query.by_key(table.select, after, limit)  # type: ignore[misc]
            )
            same, changed, new = await reader.capture.compare(table, page)
            self._same, self._new = self._same + same, self._new + new
            self._changed += changed
            if self._rows is not None:
                self._rows = [*self._rows, *page] if len(self._rows) + len(page) <= SMALL else None
            if last:
                self.size = await self._counted()
                return
            self._last = tuple(page[-1][place] for place in reader.key)
            if reader.clock.mono() >= until:
                return
            await reader.rest(len(page))

    async def _counted(self) -> Size:
        reader, name = self._reader, self._reader.table.name
        size = Size(await self._index.count(name), self._same, len(self._changed), self._new)
        if not self._rows or not size.off or size.known > MOST or reader.table.is_keyless:
            return size
        read = {reader.key_of(row) for row in self._rows}
        off = [
            *self._changed,
            *(key for key in await self._index.keys(name, MOST) if key not in read),
        ]
        return replace(size, moved=await numbers.moved(reader, self._index, off, self._rows))


def place_of(table: str) -> str:
    """Position of the buffer that says, together with the observation, which upheaval was told last."""
    return f"{table}:upheaval"


def is_told(sign: Upheaval, table: str, positions: dict[str, bytes]) -> bool:
    """Whether the buffer has said so of it, though the index may not have learned that."""
    return sign.told or positions.get(place_of(table)) == mark(sign)


def mark(sign: Upheaval) -> bytes:
    """What the position says of it."""
    return str(sign.noticed_at).encode()
