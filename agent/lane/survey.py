"""After a sign of upheaval: one walk that only counts, before anything of it is told. It outlives a restart: what has been
noticed is surveyed then, and what has been told is told no second time.
"""

import msgspec

from agent.core import query
from agent.core.query import Row
from agent.core.upheaval import Size, Upheaval
from agent.index import Index
from agent.lane.reader import Reader
from common.core.record import Observation
from common.core.state import Observed


class Survey:
    """Of one table."""

    def __init__(self, reader: Reader, index: Index, sign: Upheaval) -> None:
        self._reader = reader
        self._index = index
        self._sign = sign
        self._last: Row | None = None
        self._same = self._changed = self._new = 0

    async def read(self, until: int) -> bool:
        """Until monotonic time `until`. -> whether it has come to its end, and said what it found."""
        reader, table = self._reader, self._reader.table
        while True:
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
                await self._tell()
                return True
            self._last = tuple(page[-1][place] for place in reader.key)
            if reader.clock.mono() >= until:
                return False
            await reader.rest(len(page))

    async def _tell(self) -> None:
        table, capture = self._reader.table, self._reader.capture
        size = Size(await self._index.count(table.name), self._same, self._changed, self._new)
        if not size.is_upheaval(self._sign):
            await capture.evidence.dismissed(table.name)
            return
        detail = {"known": size.known, "changed": size.changed, "gone": size.gone, "new": size.new}
        restored = self._sign.newest_gone or size.gone > size.changed
        code = Observed.SOURCE_RESTORED if restored else Observed.BULK_EDIT
        seen = Observation(code, table.name, "", msgspec.json.encode(detail).decode())
        await capture.observe(seen, positions={place_of(table.name): _mark(self._sign)})
        await capture.evidence.told(table.name)


def place_of(table: str) -> str:
    """Position of the buffer that says, together with the observation, which upheaval was told last."""
    return f"{table}:upheaval"


def is_told(sign: Upheaval, table: str, positions: dict[str, bytes]) -> bool:
    """Whether the buffer has said so of it, though the index may not have learned that."""
    return sign.told or positions.get(place_of(table)) == _mark(sign)


def _mark(sign: Upheaval) -> bytes:
    return str(sign.noticed_at).encode()
