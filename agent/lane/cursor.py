"""The cursor lane: rows that the vendor stamped as written, read again and again over an overlap."""

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from agent.core import lateness, position, query, rows
from agent.core.lateness import Lateness
from agent.core.mapping import Field
from agent.core.proof import Met
from agent.core.query import Row
from agent.lane.reader import Reader
from common.core.instant import DAY, parse_when

_BEYOND = re.compile(r"infinity|\d{5,}-\d\d-\d\d(?!.* BC).*")
"""PostgreSQL's text of a time after all times that Python can hold."""


class CursorLane:
    """Reads rows by one cursor column, where the columns before it are blank."""

    def __init__(self, reader: Reader, number: int) -> None:
        table = reader.table
        self._reader = reader
        self._column = table.cursors[number]
        self._blank = table.cursors[:number]
        self._order = [table.names.index(name) for name in (self._column, *table.key)]
        if self._column in table.key:
            self._order.remove(table.names.index(self._column))
        self._place = table.names.index(self._column)
        self._before = [table.names.index(name) for name in self._blank]
        self._zone = ZoneInfo(table.source.timezone)
        self.name = f"{table.name}.{self._column}"
        self._late_name = f"{self.name}:late"
        self.caught_up = False
        """Whether it has read to the end since the start."""
        self._high: Any = None
        self._after: Row | None = None
        self._stored = b""
        self._late = Lateness()
        self._late_stored = b""
        reader.on_new.append(self._note)

    @property
    def overlap_secs(self) -> int:
        """Behind the high water it begins."""
        cursor = self._reader.table.mapping.cursor
        if cursor is None or cursor.overlap_secs == "auto":
            return self._late.overlap_secs
        return cursor.overlap_secs

    def resume(self, positions: dict[str, bytes]) -> None:
        """Continue from a stored position; without one the lane begins with the oldest row."""
        if self.name in positions:
            self._high = position.decode(positions[self.name])
            self._stored = positions[self.name]
        self._late = lateness.decode(positions.get(self._late_name))
        self._late_stored = positions.get(self._late_name, b"")

    def restart(self) -> None:
        """Begin again with the overlap."""
        self._after, self.caught_up = None, False

    async def read(self, until: int, met: Met | None) -> int:
        """To the end, or until monotonic time `until`. -> number of changes."""
        table, reader = self._reader.table, self._reader
        start = None if self._high is None else position.earlier(self._high, self.overlap_secs)
        changed = 0
        while True:
            after = self._after
            page, last = await reader.page(
                lambda limit, after=after: query.by_cursor(  # type: ignore[misc]
                    table.select, self._column, self._blank, start, after, limit
                )
            )
            changed += await self._take(page, met, last=last)
            self._after = None if last else tuple(page[-1][place] for place in self._order)
            self.caught_up = self.caught_up or last
            if last or reader.clock.mono() >= until:
                return changed
            await reader.rest(len(page))

    async def _take(self, page: list[Row], met: Met | None, *, last: bool) -> int:
        """The position moves with the records; alone only when the end was reached and it has changed."""
        values = (row[self._place] for row in reversed(page))
        high = next((value for value in values if not self._in_future(value)), self._high)
        stored = b"" if high is None else position.encode(high)
        late = lateness.encode(self._late)
        moved = {self.name: stored} if stored != self._stored else {}
        if late != self._late_stored:
            moved[self._late_name] = late
        settle = last and (self.name in moved or self._is_measure_new())
        changed = await self._reader.take(page, moved, met, settle=settle)
        self._high = high
        if changed or settle:
            self._stored, self._late_stored = stored, late
        return changed

    def _is_measure_new(self) -> bool:
        """Counts travel with the next change; another overlap does not wait for one."""
        before = lateness.decode(self._late_stored or None)
        return self._late.overlap_secs != before.overlap_secs

    def _note(self, rows: Sequence[Row]) -> None:
        """New rows, against the high water before them. While it reads to the end for the first time nothing is late."""
        if not self.caught_up or self._high is None:
            return
        mine = [row for row in rows if row[self._place] is not None and not self._is_elsewhere(row)]
        behind = (position.secs_between(row[self._place], self._high) for row in mine)
        self._late = self._late.noted(secs for secs in behind if secs is not None)

    def _is_elsewhere(self, row: Row) -> bool:
        """It is read by a cursor column before this one."""
        return any(row[place] is not None for place in self._before)

    def _in_future(self, value: Any) -> bool:
        """A time stamp days ahead is a slip of somebody's hand: it must not become the high water."""
        if isinstance(value, int | float):
            return False
        said = rows.text_of(value) or ""
        if _BEYOND.fullmatch(said):
            return True
        text = rows.parse_time(said, Field(), self._zone)
        return text is not None and parse_when(text, self._zone) > self._reader.clock.office() + 2 * DAY
