"""The cursor lane: rows that the vendor stamped as written, read again and again over an overlap."""

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from agent.core import lateness, position, query, rows, written
from agent.core.gentle import SMALL
from agent.core.lateness import Lateness
from agent.core.mapping import Field
from agent.core.proof import Met
from agent.core.query import Row
from agent.lane.reader import Reader
from common.core.instant import from_us, is_date_only, parse_when

_BEYOND = re.compile(r"infinity|\d{5,}-\d\d-\d\d(?!.* BC).*")
"""PostgreSQL's text of a time after all times that Python can hold."""


class CursorLane:
    """Reads rows by one cursor column, where the columns before it are blank."""

    def __init__(self, reader: Reader, number: int) -> None:
        table = reader.table
        self._reader = reader
        self.column = table.cursors[number]
        self._blank = table.cursors[:number]
        self._order = [table.names.index(name) for name in (self.column, *table.key)]
        if self.column in table.key:
            self._order.remove(table.names.index(self.column))
        self._place = table.names.index(self.column)
        self._before = [table.names.index(name) for name in self._blank]
        self._zone = ZoneInfo(table.source.timezone)
        self.name = f"{table.name}.{self.column}"
        self._late_name = f"{self.name}:late"
        self.caught_up = False
        """Whether it has read to the end since the start."""
        self.is_off = False
        """No index carries it: the walk, which goes by key, finds what it would."""
        self._high: Any = None
        self._after: Row | None = None
        self._stored = b""
        self._late = Lateness()
        self._late_stored = b""
        reader.on_new.append(self._note)

    @property
    def is_timed(self) -> bool:
        """Whether it counts seconds, as far as it has read."""
        return self._high is None or position.is_time(self._high)

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

    async def look_at_plan(self, rows: int) -> None:
        """Of a table with about `rows` rows; 0: nobody knows. Each page of a cursor without an index is a search through the
        whole table; where the key has none either, nothing is won by leaving the cursor out. Asked of its newest end, as it
        runs day by day: for its oldest rows no index may be the best."""
        reader, select = self._reader, self._reader.table.select
        self.is_off = False
        if 0 < rows <= SMALL:
            return
        start = self._start
        if start is None or reader.sample is None:
            newest = await reader.read(query.newest(select, 1))
            start = newest[0][self._place] if newest else None
        if reader.sample is None:
            return
        mine = query.by_cursor(select, self.column, self._blank, start, None, reader.limit)
        by_key = query.by_key(select, reader.sample, reader.limit)
        self.is_off = await reader.scans(mine) and not await reader.scans(by_key)

    @property
    def _start(self) -> Any:
        """Where it begins to read; None: with the first row."""
        return None if self._high is None else position.earlier(self._high, self.overlap_secs)

    async def read(self, until: int, met: Met | None) -> int:
        """To the end, or until monotonic time `until`. -> number of changes."""
        table, reader = self._reader.table, self._reader
        start, changed = self._start, 0
        while True:
            after = self._after
            page, last = await reader.page(
                lambda limit, after=after: query.by_cursor(  # type: ignore[misc]
                    table.select, self.column, self._blank, start, after, limit
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
        changed = await self._reader.take(page, moved, met, settle=settle, stamped=True)
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
        """A time stamp ahead of now is a slip of somebody's hand, or of a clock that is wrong: as the high water it would hide
        what is stamped rightly until then. What lies ahead is read again in every round instead.
        """
        said = rows.text_of(value) or ""
        if _BEYOND.fullmatch(said):
            return True
        text = written.parse_time(said, Field(), self._zone)
        if text is None and position.per_second(value):
            text = written.unix_time(str(int(value)), self._zone)
        if text is None:
            return False
        now = from_us(self._reader.clock.office(), self._zone)
        if is_date_only(text):
            return text > now.date().isoformat()
        return parse_when(text, self._zone) > self._reader.clock.office()
