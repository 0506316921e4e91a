"""One table's two lanes: what has been read, what comes next, and up to when the table is whole."""

import asyncio
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

from agent.capture import Capture, Met
from agent.config import CaptureConfig
from agent.core import lost, position, query, rows
from agent.core.mapping import Field, Table
from agent.core.query import Row
from agent.index import Index, Known
from agent.source import base
from agent.source.base import Source
from common.clock import Clock
from common.core.errors import RejectedError
from common.core.instant import DAY, SECOND, parse_when
from common.core.record import Anew

_ASK_ROWS = 500
"""Keys asked for in one statement when a deletion is confirmed."""


class CursorLane:
    """Reads rows by one cursor column, where the columns before it are blank."""

    def __init__(self, table: Table, number: int) -> None:
        self.column = table.cursors[number]
        self.blank = table.cursors[:number]
        self.order = [table.names.index(name) for name in (self.column, *table.key) if name]
        if self.column in table.key:
            self.order.remove(table.names.index(self.column))
        self.place = table.names.index(self.column)
        self.name = f"{table.name}.{self.column}"
        self.high: Any = None
        self.after: Row | None = None
        self.stored = b""


class Sweep:
    """One walk over the whole table in key order."""

    def __init__(self, began_mono: int, anew: Anew | None, newest_id: int, bad: set[str]) -> None:
        self.began_mono = began_mono
        self.anew = anew
        self.newest_id = newest_id
        self.bad_before = bad
        self.met = Met()
        self.after: Row | None = None
        self.rows = 0
        self.lost = Counter[str]()


class Lanes:
    """`advance` reads a slice of each lane.

    `whole_mono`: the table is whole up to it, the start of its last finished walk (of an exported file: less the file's
    age, so it may lie before this boot); None: nobody knows. The cursor
    alone proves nothing: it does not see an edit that the vendor did not stamp.
    """

    def __init__(
        self,
        table: Table,
        source: Source,
        capture: Capture,
        index: Index,
        config: CaptureConfig,
        clock: Clock,
    ) -> None:
        self._table = table
        self._source = source
        self._capture = capture
        self._index = index
        self._config = config
        self._clock = clock
        self._cursors = [CursorLane(table, number) for number in range(len(table.cursors))]
        self._key = [table.names.index(name) for name in table.key]
        self._sweep: Sweep | None = None
        self._next_sweep_mono = 0
        self.whole_mono: int | None = None
        self.anew: Anew | None = None
        """From where on that walk has seen every row sent."""
        self.rows = 0
        self.lost: dict[str, int] = {}
        """Column -> rows of that walk whose text the source had lost before us."""

    def resume(self, positions: dict[str, bytes]) -> None:
        """Continue from stored positions; without one the lane begins with the oldest row."""
        for lane in self._cursors:
            if lane.name in positions:
                lane.high = position.decode(positions[lane.name])
                lane.stored = positions[lane.name]

    def sweep_now(self) -> None:
        """Walk the table anew, from its first row: until that is done nobody knows that it is whole."""
        self._sweep, self._next_sweep_mono = None, 0
        self.whole_mono = None

    def restart(self) -> None:
        """The table could not be read: begin both lanes again, with a look at its columns."""
        self.sweep_now()
        for lane in self._cursors:
            lane.after = None

    async def advance(self, secs: float) -> int:
        """Read for about `secs`, at least one page per lane. -> number of changes."""
        until = self._clock.mono() + int(secs * SECOND)
        changed = 0
        if self._sweep is None and self._clock.mono() >= self._next_sweep_mono:
            self._sweep = await self._begin_sweep()
        for lane in self._cursors:
            changed += await self._read_cursor(lane, until)
        if self._sweep is not None:
            changed += await self._walk(self._sweep, until)
        return changed

    # the cursor lane -----------------------------------------------------------------------------------------

    async def _read_cursor(self, lane: CursorLane, until: int) -> int:
        """-> number of changes."""
        overlap = self._table.mapping.cursor.overlap_secs if self._table.mapping.cursor else 0
        start = None if lane.high is None else position.earlier(lane.high, overlap)
        changed = 0
        while True:
            began = self._clock.mono()
            built = query.by_cursor(
                self._table.select, lane.column, lane.blank, start, lane.after, self._config.page_rows
            )
            page = await self._source.fetch(built)
            last = len(page) < self._config.page_rows
            changed += await self._take(lane, page, last=last)
            lane.after = None if last else tuple(page[-1][place] for place in lane.order)
            if last or self._clock.mono() >= until:
                return changed
            await self._rest(len(page), began)

    async def _take(self, lane: CursorLane, page: list[Row], *, last: bool) -> int:
        """The position moves with the records; alone only when the end was reached and it has changed."""
        values = (row[lane.place] for row in reversed(page))
        high = next((value for value in values if not self._in_future(value)), lane.high)
        stored = b"" if high is None else position.encode(high)
        moved = {lane.name: stored} if stored != lane.stored else {}
        changed = await self._capture.take(
            self._table, page, moved, self._sweep.met if self._sweep else None, settle=last
        )
        lane.high = high
        if changed or last:
            lane.stored = stored
        return changed

    def _in_future(self, value: Any) -> bool:
        """A time stamp days ahead is a slip of somebody's hand: it must not become the high water."""
        if isinstance(value, int | float):
            return False
        zone = ZoneInfo(self._table.source.timezone)
        text = rows.parse_time(rows.text_of(value) or "", Field(), zone)
        return text is not None and parse_when(text, zone) > self._clock.office() + 2 * DAY

    # the sweep -----------------------------------------------------------------------------------------------

    async def _begin_sweep(self) -> Sweep:
        """Raises SchemaError where the table or a column is missing."""
        found = await self._source.columns(self._table.mapping.from_)
        missing = base.missing(self._table.source.dialect, self._table.names, found)
        if missing:
            raise base.no_column(f"{self._table.mapping.from_}.{'、'.join(missing)}")
        bad = {key for name, key in self._capture.bad if name == self._table.name}
        age = int(self._source.age_secs(self._table.mapping.from_) * SECOND)
        return Sweep(self._clock.mono() - age, self._index.anew, await self._index.newest_id(), bad)

    async def _walk(self, sweep: Sweep, until: int) -> int:
        changed = 0
        while True:
            began = self._clock.mono()
            page = await self._source.fetch(
                query.by_key(self._table.select, sweep.after, self._config.page_rows)
            )
            changed += await self._capture.take(self._table, page, met=sweep.met)
            sweep.rows += len(page)
            sweep.lost.update(lost.count(page, self._table))
            last = len(page) < self._config.page_rows
            if page:
                self._step(sweep, page[-1], last=last)
            if last:
                return changed + await self._finish(sweep)
            if self._clock.mono() >= until:
                return changed
            await self._rest(len(page), began)

    def _step(self, sweep: Sweep, row: Row, *, last: bool) -> None:
        after = tuple(row[place] for place in self._key)
        if not last and (after == sweep.after or None in after):
            raise base.SchemaError(
                f"{self._table.mapping.from_} 的 key 不能用来翻页（为空或类型不支持）",
                hint="请在 mapping.toml 的 key 换用非空且唯一的字段",
            )
        if None not in after:
            sweep.after = after

    async def _finish(self, sweep: Sweep) -> int:
        """What the index knows and the walk has not met is gone, if the source says so when asked by key."""
        changed, asked = 0, 0
        while True:
            missing = await self._index.unseen(
                self._table.name, sweep.met.ids, (asked, sweep.newest_id), _ASK_ROWS
            )
            if not missing:
                break
            asked = missing[-1][1].id
            await self._index.check_found(self._table.name, missing)
            changed += await self._confirm(sweep, missing)
        left = sweep.bad_before - sweep.met.bad
        cured = [(self._table.name, key) for key in left if (self._table.name, key) in self._capture.bad]
        if cured:
            await self._capture.cure(cured)
        self.whole_mono, self.anew, self.rows = sweep.began_mono, sweep.anew, sweep.rows
        self.lost = {f"{self._table.mapping.from_}.{column}": rows for column, rows in sweep.lost.items()}
        self._sweep = None
        self._next_sweep_mono = self._clock.mono() + int(self._config.sweep_secs * SECOND)
        return changed

    async def _confirm(self, sweep: Sweep, missing: list[tuple[str, Known]]) -> int:
        page = await self._ask(sweep, [key for key, _ in missing])
        there = {self._key_or_none(row) for row in page}
        gone = [(key, known) for key, known in missing if key not in there]
        return await self._capture.gone(self._table, gone) + await self._capture.take(self._table, page)

    async def _ask(self, sweep: Sweep, keys: list[str]) -> list[Row]:
        """Rows with these keys. An empty table was answer enough: then there is no sample of the key's types."""
        if sweep.after is None:
            return []
        wanted: list[Row] = []
        for key in keys:
            try:
                wanted.append(position.retype(key, sweep.after, self._table.source.charset))
            except ValueError:
                continue  # the key column is of another type now: this key cannot be there
        return await self._source.fetch(query.by_keys(self._table.select, wanted)) if wanted else []

    def _key_or_none(self, row: Row) -> str | None:
        try:
            return rows.key_of(row, self._table)
        except RejectedError:
            return None

    async def _rest(self, count: int, began: int) -> None:
        """Not more rows per second than the site was promised."""
        spent = (self._clock.mono() - began) / SECOND
        await asyncio.sleep(max(0.0, count / self._config.rows_per_sec - spent))
