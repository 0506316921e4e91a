"""`probe --check`: a finished mapping tried on its source, whole and read-only; nothing is kept, nothing is sent."""

import asyncio
import zlib
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from agent.core import query, rows
from agent.core.mapping import TIME_FIELDS, SourceConfig, Table
from agent.core.probe import verdicts
from agent.core.probe.verdicts import Pass, Verdict
from agent.core.query import Query, Row
from agent.probe import Say
from agent.source import base
from agent.source.base import OF_TABLE, SchemaError, Source, UnforeseenError
from agent.source.whole import LARGEST
from common.clock import Clock
from common.core.errors import RejectedError
from common.core.instant import SECOND, from_us, parse_when
from common.core.record import Case, RecordKind, Step
from common.core.state import Health

PAGE_ROWS = 1000
ROWS_PER_SEC = 2000.0
"""As a sweep in office hours."""
_REASONS = 1000
_NO_KEY = b"\0" * 32
_ORDER = (("accepted_at", "finished_at"), ("started_at", "finished_at"))


async def check(
    source: Source, config: SourceConfig, tables: list[Table], clock: Clock, say: Say
) -> list[Verdict]:
    """Every verdict, table by table. Raises UnavailableError while the source cannot be read."""
    await source.open()
    found = [verdicts.clock(await source.clock(), clock.wall())]
    indexes, cases = _Indexes(source), _Cases()
    for table in tables:
        try:
            found += await _table(source, config, table, clock, indexes, cases, say)
        except OF_TABLE as error:
            found.append(Verdict(table.mapping.from_, "表与字段", Health.FAIL, str(error), error.hint))
    return found


class _Indexes:
    """What the catalogue says of them. Read where a plan is not as it should be: a folder's is all of its files."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._there: set[tuple[str, str]] | None = None

    async def begin_with(self, table: str, column: str) -> bool:
        """Whether one does; False where the catalogue is too large to be read at once."""
        if self._there is None:
            try:
                catalogue = await self._source.catalogue()
            except OF_TABLE:
                catalogue = []
            self._there = {
                (one.name.casefold(), name.casefold()) for one in catalogue for name in one.indexed
            }
        return (table.casefold(), column.casefold()) in self._there


async def _table(
    source: Source,
    config: SourceConfig,
    table: Table,
    clock: Clock,
    indexes: _Indexes,
    cases: "_Cases",
    say: Say,
) -> list[Verdict]:
    name = table.mapping.from_
    lost = base.missing(config.dialect, table.names, await source.columns(name))
    if lost:
        raise base.no_column(f"{name}.{'、'.join(lost)}")
    made = [verdicts.rights(name, await base.may_be_written(source, name, table.key[0]))]
    walk = _Walk(table, clock, cases)
    await walk.through(source, say)
    if table.is_keyless:
        made.append(verdicts.whole(name, walk.found.rows, LARGEST if table.is_whole else 0))
    for lane, built in _lanes(table, walk):
        try:
            said = await source.explain(built)
        except (SchemaError, UnforeseenError):  # of a view MySQL tells none without rights on its tables
            await source.open()
            made.append(verdicts.no_plan(name, lane))
            continue
        there = bool(said) and await indexes.begin_with(name, built.index[0])
        made.append(verdicts.lane(name, lane, said, walk.found.rows, indexed=there))
    now = from_us(clock.wall(), ZoneInfo(config.timezone))
    made += verdicts.walked(name, walk.found, now, is_case=table.name == "case", is_keyless=table.is_keyless)
    if table.name == "case":
        cases.are_known = True
    elif cases.are_known and walk.found.mapped:
        made.append(verdicts.parents(name, walk.found))
    return made


def _lanes(table: Table, walk: "_Walk") -> list[tuple[str, Query]]:
    """Each lane's query as it runs day by day: the sweep in the middle of the table, a cursor at its newest end."""
    made: list[tuple[str, Query]] = []
    if table.is_keyless:
        return made
    if walk.middle is not None:
        made.append(("全表核对", query.by_key(table.select, walk.middle, PAGE_ROWS)))
        made.append(("按主键查", query.by_keys(table.select, [walk.middle])))
    for place, column in enumerate(table.cursors):
        if column in walk.high:
            blank = table.cursors[:place]
            built = query.by_cursor(table.select, column, blank, walk.high[column], None, PAGE_ROWS)
            made.append((f"游标 {column}", built))
    return made


class _Walk:
    """One walk over every row, in key order, no faster than a sweep."""

    def __init__(self, table: Table, clock: Clock, cases: "_Cases") -> None:
        self._cases = cases
        self._table = table
        self._clock = clock
        self._zone = ZoneInfo(table.source.timezone)
        self._place = [table.names.index(name) for name in table.key]
        self._newest = 0
        self._key: Row = ()
        self._cursors = [(name, table.names.index(name)) for name in table.cursors]
        self.found = Pass()
        self.middle: Row | None = None
        """A key from the middle of what was read."""
        self.high: dict[str, Any] = {}
        """The highest value of each cursor."""

    async def through(self, source: Source, say: Say) -> None:
        """Fills `found`, `middle` and `high`."""
        after: Row | None = None
        while True:
            began = self._clock.mono()
            page = await source.fetch(query.by_key(self._table.select, after, PAGE_ROWS))
            for row in page:
                self._one(row)
            say(f"试读 {self._table.mapping.from_}：{self.found.rows:,} 行")
            if page and (self.middle is None or len(page) == PAGE_ROWS):
                middle = self._key_of(page[len(page) // 2])
                self.middle = self.middle if None in middle else middle
            after = self._key_of(page[-1]) if page else None
            if len(page) < PAGE_ROWS or None in (after or ()):
                break
            spent = (self._clock.mono() - began) / SECOND
            if self._table.is_image:
                continue
            await asyncio.sleep(max(0.0, len(page) / ROWS_PER_SEC - spent))
        self.found.newest = from_us(self._newest, self._zone) if self._newest else None

    def _key_of(self, row: Row) -> Row:
        return tuple(row[place] for place in self._place)

    def _one(self, row: Row) -> None:
        found = self.found
        found.rows += 1
        key = self._key_of(row)
        found.repeated += key == self._key
        self._key = key
        for name, place in self._cursors:
            value, high = row[place], self.high.get(name)
            if value is not None and (high is None or (type(value) is type(high) and value > high)):
                self.high[name] = value  # of another type: an impossible time, which comes as text
        try:
            item = rows.read(row, self._table, _NO_KEY)
            if self._table.name == "case":
                self._cases.add(rows.case_key(item, self._table))
            body = _BODIES[self._table.kind](item, self._table)
        except RejectedError as error:
            reason = str(error)
            full = len(found.rejected) >= _REASONS and reason not in found.rejected
            found.rejected["其他原因" if full else reason] += 1
            return
        found.mapped += 1
        found.orphans += self._table.name != "case" and body.case_key not in self._cases
        found.impossible.update(body.invalid.keys())
        self._texts(body)
        self._times(body)

    def _texts(self, body: Case | Step) -> None:
        values = (getattr(body, name) for name in body.__struct_fields__)
        self.found.damaged += any(
            "\ufffd" in value or "??" in value for value in values if isinstance(value, str)
        )

    def _times(self, body: Case | Step) -> None:
        given = {name: text for name in TIME_FIELDS if (text := getattr(body, name, None))}
        if self._table.name == "case" and "finished_at" in self._table.fields:
            self.found.opened += "finished_at" not in given
        ahead = self._clock.wall()
        self._newest = max(
            self._newest,
            *(at for at in (parse_when(text, self._zone) for text in given.values()) if at <= ahead),
            0,
        )
        self.found.reversed += any(
            given[early][:10] > given[late][:10] for early, late in _ORDER if early in given and late in given
        )


class _Cases:
    """Which cases there are, as bits of their keys' checksums: among a million, seven in a thousand that are not seem to be."""

    def __init__(self) -> None:
        self.are_known = False
        """The case table has been read to its end."""
        self._bits = bytearray(1 << 24)

    def add(self, key: str) -> None:
        place = zlib.crc32(key.encode("utf-8", "surrogatepass")) & _MASK
        self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: str) -> bool:
        place = zlib.crc32(key.encode("utf-8", "surrogatepass")) & _MASK
        return bool(self._bits[place >> 3] >> (place & 7) & 1)


_MASK = (1 << 27) - 1
_BODIES: dict[RecordKind, Callable[[Any, Table], Case | Step]] = {
    RecordKind.CASE: rows.to_case,
    RecordKind.STEP: rows.to_step,
}
