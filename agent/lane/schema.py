"""The columns of the tables that are read: a missing one stops its table, one that appeared is told once."""

from collections import defaultdict
from collections.abc import Sequence

import structlog

from agent.capture import Capture
from agent.core import drift
from agent.core.mapping import Table
from agent.index import Index
from agent.source import base
from agent.source.base import Source
from common.clock import Clock
from common.core.record import Observation
from common.core.state import Observed
from common.core.text import sound

log = structlog.get_logger()


class Schema:
    """Of all tables of a site: several of them may read the same table of the source, each other columns of it."""

    def __init__(
        self, tables: Sequence[Table], source: Source, capture: Capture, index: Index, clock: Clock
    ) -> None:
        self._source = source
        self._capture = capture
        self._index = index
        self._clock = clock
        self._mapped: dict[str, set[str]] = defaultdict(set)
        for table in tables:
            self._mapped[table.mapping.from_] |= set(table.names)
        self._new: dict[str, dict[str, int]] = {}

    @property
    def new(self) -> dict[str, int]:
        """Table and column of the source that appeared and is not mapped -> since when (wall time)."""
        found = self._new.items()
        return {f"{name}.{sound(column)}": wall for name, new in found for column, wall in new.items()}

    async def check(self, table: Table) -> None:
        """Raises SchemaError where the table or a mapped column is missing."""
        name, dialect = table.mapping.from_, table.source.dialect
        found = await self._source.columns(name)
        lost = base.missing(dialect, table.names, found)
        if lost:
            raise base.no_column(f"{name}.{'、'.join(lost)}")
        before, mapped = self._index.columns.get(name), self._mapped[name]
        columns, told = drift.look(before, found, mapped, dialect, self._clock.wall())
        if told:
            await self._tell(table, told)
        if columns != before:
            await self._index.note_columns(name, columns)
        self._new[name] = drift.unmapped(columns, found, mapped, dialect)

    async def _tell(self, table: Table, names: list[str]) -> None:
        """Before it is remembered: a crash between the two tells it twice, and the hall takes it once."""
        where = f"{table.mapping.from_}.{drift.listed(names)}"
        log.warning("column.appeared", table=table.name, column=where)
        await self._capture.observe(Observation(Observed.COLUMN_NEW, table.name, where, ""))
