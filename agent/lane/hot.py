"""The hot lane: rows of open cases, asked for by key. Where deadlines run, a silent edit or deletion is soon known."""

from agent.core import hint, query
from agent.core.indexed import Known
from agent.core.proof import Met
from agent.core.query import Row
from agent.index import Index
from agent.lane.reader import Reader
from common.core.instant import SECOND

_CASES = 100
"""Open cases whose rows are asked for at a time."""


class HotLane:
    """Of one table. A round goes through all open cases, in as many slices as it takes."""

    def __init__(self, reader: Reader, index: Index, every_secs: float) -> None:
        self._reader = reader
        self._index = index
        self._every = int(every_secs * SECOND)
        self._due_mono = 0
        self._hurried = False
        self._met: Met | None = None
        self._after = ""
        self._gone: list[str] = []
        """Keys that this round has not found."""
        self._looked = 0

    def hurry(self) -> None:
        """Something was written, and no quick lane knows what."""
        self._hurried = True

    def restart(self) -> None:
        """Begin again at the next round."""
        self._met, self._due_mono = None, 0

    async def read(self, until: int) -> int:
        """Until monotonic time `until`, if a round is due or under way. -> number of changes."""
        reader, table, changed = self._reader, self._reader.table, 0
        if self._met is None:
            if reader.clock.mono() < hint.due(self._due_mono, self._every, hurried=self._hurried):
                return 0
            self._hurried = False
            self._met, self._after = Met(reader.clock.office()), ""
            self._gone, self._looked = [], 0
            self._due_mono = reader.clock.mono() + self._every
        while True:
            cases = await self._index.open_cases(self._after, _CASES)
            known = await self._index.rows_of(table.name, cases) if cases else {}
            page = await reader.asked(list(known))
            if known and not page:
                page, known = await self._asked_beside(known)
            changed += await reader.take(page, met=self._met, watch=True)
            there = {reader.key_of(row) for row in page}
            self._gone += [key for key in known if key not in there]
            self._looked += len(known)
            if len(cases) < _CASES:
                changed += await self._finish()
                reader.capture.evidence.proof(table.name).hot, self._met = self._met, None
                return changed
            self._after = cases[-1]
            if reader.clock.mono() >= until:
                return changed
            await reader.rest(len(page))

    async def _finish(self) -> int:
        """What was not there is told once all of it is counted: a slice at a time, a source without a fifth of its rows would
        be so many deletions. -> number of changes. Raises UpheavalError."""
        reader, table = self._reader, self._reader.table
        known = await self._index.known(table.name, list(dict.fromkeys(self._gone)))
        missing = {key: old for key, old in known.items() if not old.gone}
        reader.capture.evidence.look_out(table, self._looked - len(missing), len(missing))
        if missing:
            await reader.look_again(list(missing), [])
        page = await reader.asked(list(missing))
        there = {reader.key_of(row) for row in page}
        changed = await reader.take(page)
        gone = [(key, old) for key, old in missing.items() if key not in there]
        return changed + await reader.capture.gone(table, gone)

    async def _asked_beside(self, known: dict[str, Known]) -> tuple[list[Row], dict[str, Known]]:
        """A slice of which no row came: they are gone, or the question was not understood, as where a key has another type
        since. Asked once more beside the table's first row, which must come then; an empty table is answer enough.

        -> the rows, and of which the lack is to be believed.
        """
        reader = self._reader
        first = await reader.read(query.by_key(reader.table.select, None, 1))
        witness = reader.key_of(first[0]) if first else None
        page = await reader.asked([witness, *known]) if witness is not None else []
        there = {reader.key_of(row) for row in page}
        return (page, known) if not first or witness in there else ([], {})
