"""Rows that cannot be mapped are set aside with their reason, shown by the doctor, and cured when they map again or are gone.

A mapping that fits no row sets aside as many as the table has: they are written once for a page, in one transaction, and
the log has one line for each reason of a table, not one for each row.
"""

from collections.abc import Iterable, Sequence

import structlog

from agent.buffer import Buffer
from agent.core.rows import Item
from common.core import mask
from common.core.errors import RejectedError

log = structlog.get_logger()

_SAID = 1000
"""Reasons that are remembered as said: they quote codes of the source, of which there may be many."""
REPEATED = RejectedError(
    "key 不唯一：同一主键有不同的行", hint="请在 mapping.toml 的 key 换用非空且唯一的字段"
)


class Aside:
    """Of all tables. `rows` is what is set aside now; `keep` and `cure` make the buffer say the same."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self.rows: dict[tuple[str, str], str] = {}
        """(table, key) -> reason."""
        self._kept: dict[tuple[str, str], str] = {}
        """What the buffer does not say yet."""
        self._said: dict[tuple[str, str], str] = {}

    async def load(self) -> None:
        """As the buffer has it."""
        self.rows = {(row.table, row.key): row.reason for row in await self._buffer.quarantined_rows()}

    def add(self, table: str, key: str, error: RejectedError) -> None:
        """Not in the buffer before `keep`."""
        reason = str(error)
        if self.rows.get((table, key)) == reason:
            return
        if (table, reason) not in self._said:
            log.error("row.quarantined", table=table, key=mask.masked(key), reason=reason, hint=error.hint)
            while len(self._said) >= _SAID:
                del self._said[next(iter(self._said))]
            self._said[table, reason] = reason
        self.rows[table, key] = self._kept[table, key] = self._said[table, reason]

    def is_repeated(self, table: str, key: str) -> bool:
        """Whether several rows have this key: which of them is meant, only a walk that meets all of them can say."""
        return self.rows.get((table, key)) == str(REPEATED)

    def judged(self, table: str, read: Sequence[tuple[str, Item | None]]) -> list[tuple[str, Item | None]]:
        """Of a page, what may be held against the index: of rows that share a key, all but one would differ for ever."""
        return [(key, None if self.is_repeated(table, key) else item) for key, item in read]

    async def keep(self) -> None:
        """In one transaction. Raises BufferFullError: then it is tried with the next ones."""
        if self._kept:
            await self._buffer.quarantine_rows(
                [(table, key, reason) for (table, key), reason in self._kept.items()]
            )
            self._kept = {}

    async def cure(self, found: Iterable[tuple[str, str]]) -> None:
        """These rows map again, or are no longer there; of the others nothing is done."""
        cured = [row for row in found if row in self.rows]
        if cured:
            await self._buffer.cure_rows(cured)
        for row in cured:
            del self.rows[row]
            self._kept.pop(row, None)
        if not self.rows:
            self._said = {}  # the next one is news again
