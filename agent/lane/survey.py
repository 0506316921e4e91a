"""After a sign of upheaval: one walk that only counts, before anything of the table is told. It outlives a restart: what has
been noticed is surveyed then, and what has been told is told no second time.
"""

from agent.core import query
from agent.core.query import Row
from agent.core.upheaval import Size, Upheaval
from agent.index import Index
from agent.lane.reader import Reader


class Survey:
    """Of one table."""

    def __init__(self, reader: Reader, index: Index, sign: Upheaval) -> None:
        self._reader = reader
        self._index = index
        self.sign = sign
        self.size: Size | None = None
        """What it has counted, once it has come to its end."""
        self._last: Row | None = None
        self._same = self._changed = self._new = 0

    async def read(self, until: int) -> None:
        """Until monotonic time `until`, or to its end."""
        reader, table = self._reader, self._reader.table
        while self.size is None:
            after = self._last
            page, last = await reader.page(
                lambda limit, after=after: query.by_key(table.select, after, limit)  # type: ignore[misc]
            )
            same, changed, new = await reader.capture.compare(table, page)
            self._same, self._changed, self._new = (
                self._same + same,
                self._changed + changed,
                self._new + new,
            )
            if last:
                known = await self._index.count(table.name)
                self.size = Size(known, self._same, self._changed, self._new)
                return
            self._last = tuple(page[-1][place] for place in reader.key)
            if reader.clock.mono() >= until:
                return
            await reader.rest(len(page))


def place_of(table: str) -> str:
    """Position of the buffer that says, together with the observation, which upheaval was told last."""
    return f"{table}:upheaval"


def is_told(sign: Upheaval, table: str, positions: dict[str, bytes]) -> bool:
    """Whether the buffer has said so of it, though the index may not have learned that."""
    return sign.told or positions.get(place_of(table)) == mark(sign)


def mark(sign: Upheaval) -> bytes:
    """What the position says of it."""
    return str(sign.noticed_at).encode()
