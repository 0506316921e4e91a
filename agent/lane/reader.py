"""One table's pages: read gently, with the time they took, and asked for by key."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from agent.capture import Capture
from agent.config import CaptureConfig
from agent.core import gentle, position, query, rows
from agent.core.gentle import Account
from agent.core.hint import Hint
from agent.core.mapping import Table
from agent.core.page import Hashed, Place
from agent.core.proof import Met
from agent.core.query import Dialect, Query, Row
from agent.source import base
from agent.source.base import BusyError, SchemaError, Source, UnforeseenError
from common.clock import Clock
from common.core.errors import RejectedError
from common.core.instant import HOUR, SECOND

_Result = TypeVar("_Result")
_NO_KEY = "\0"
ASK_ROWS = 500
"""Keys asked for in one statement."""


async def _unasked(_off: Sequence[str], _page: Sequence[Row]) -> None:
    """Nobody has anything to say."""


class Reader:
    """What the lanes of one table share."""

    def __init__(
        self,
        table: Table,
        source: Source,
        capture: Capture,
        config: CaptureConfig,
        clock: Clock,
        account: Account,
    ) -> None:
        self.table = table
        self.source = source
        self.capture = capture
        self.clock = clock
        self.key = [table.names.index(name) for name in table.key]
        self.sample: Row | None = None
        """A key as the driver gives it: by it a key's text becomes a value again."""
        self.limits = gentle.Limits(
            config.duty, config.rows_per_sec, int(config.page_ms * 1000), config.page_rows
        )
        self.limit = self._most = config.page_rows
        self._most_until = 0
        """Until then pages are no longer than `_most`."""
        self.on_new: list[Callable[[Sequence[Row]], None]] = []
        """Told of rows that the index did not know."""
        self.look_again: Callable[[Sequence[str], Sequence[Row]], Awaitable[None]] = _unasked
        """Asked before rows are told as gone or other than they were: of which keys, and what was read of them. See Lanes."""
        self._hint: Hint | None = Hint()
        """None: it cannot be asked for."""
        self.has_sign = True
        """Whether the engine gives a sign of writing, as far as it was asked."""
        self._secret: str | None = secrets.token_hex(16)
        """None: this table's pages cannot be hashed by the engine."""
        self.busy_us = 0
        """What the source has worked for us since the start."""
        self._night = gentle.parse_night(config.night)
        self._zone = ZoneInfo(table.source.timezone)
        self._took_us = 0
        self._account = account
        self._has_plans = True

    async def page(self, asked: Callable[[int], Query], rows: int = 0) -> tuple[list[Row], bool]:
        """The next page of a query that is given its limit: `rows`, or as many as a page may have. -> rows, whether last."""
        limit = rows or self.limit
        with self._smaller_if_too_much():
            page = await self.read(asked(limit))
        most = self._most if self.clock.mono() < self._most_until else self.limits.page_rows
        self.limit = min(most, gentle.next_rows(max(limit, self.limit), self._took_us, self.limits))
        return page, len(page) < limit

    @contextmanager
    def _smaller_if_too_much(self) -> Iterator[None]:
        """A page for which the statement limit is too short: the same question would never be answered. What other lanes read
        quickly makes it no longer for a while."""
        try:
            yield
        except BusyError:
            self.limit = self._most = gentle.next_rows(self.limit, self.limits.page_us + 1, self.limits)
            self._most_until = self.clock.mono() + HOUR
            raise

    async def hashed(self, after: Row | None, upto: Row) -> Hashed | None:
        """What the server says of the rows behind key `after` up to `upto`; None where it has no hash that is good enough."""
        wanted = query.hash_of(self.table.select, after, upto, self._secret) if self._secret else None
        if wanted is None:
            return None
        try:
            with self._smaller_if_too_much():
                ((count, said),) = await self.timed(self.source.fetch(wanted))
        except (SchemaError, UnforeseenError):
            self._secret = None  # an old release, a type without a form: then its pages are read
            return None
        return count, said or ""

    async def scans(self, wanted: Query) -> bool:
        """Whether no index carries it, as far as the engine tells its plans."""
        try:
            return self._has_plans and base.SCANS in await self.timed(self.source.explain(wanted))
        except (SchemaError, UnforeseenError):
            self._has_plans = False  # of a view MySQL tells none without a right of its own
            return False

    async def asked(self, keys: Sequence[str]) -> list[Row]:
        """The rows with these keys. None without a sample of the key's types."""
        wanted: list[Row] = []
        for key in keys if self.sample is not None else ():
            try:
                wanted += self.values(key)
            except ValueError:
                continue  # the key column is of another type now: this key cannot be there
        found: list[Row] = []
        for start in range(0, len(wanted), ASK_ROWS):
            part = wanted[start : start + ASK_ROWS]
            found += await self.read(query.by_keys(self.table.select, part))
        return found

    def values(self, key: str) -> list[Row]:
        """What a key's text may be in the source, by a sample of its types. Raises ValueError where it can be nothing."""
        sample, charset = self.sample or (), self.table.source.charset
        if self.table.select.dialect is Dialect.SQLITE:
            return position.forms(key, len(sample), charset)
        return [position.retype(key, sample, charset)]

    async def moved(self) -> bool:
        """Whether something was written to the table since the last look, as far as the engine says."""
        now = self.clock.mono()
        if self._hint is None or not self._hint.is_due(now):
            return False
        try:
            sign = await self.timed(self.source.hint(self.table.mapping.from_))
        except SchemaError:
            self._hint, self.has_sign = None, False  # a convenience: what the table lacks, its lanes say
            return False
        self.has_sign = sign is not None
        return self._hint.moved(sign, now)

    async def take(
        self,
        page: Sequence[Row],
        positions: dict[str, bytes] | None = None,
        met: Met | None = None,
        *,
        place: Place | None = None,
        settle: bool = False,
        watch: bool = False,
        stamped: bool = False,
    ) -> int:
        """See Capture.take. Whichever lane brings a new row, the cursor's hears how late it is. `watch`: before what differs is told,
        it is looked whether it is an upheaval; `stamped`: many rows that differ are no sign of one, because each says when it was
        written, but the newest ones are looked at.
        """
        fresh: list[Row] = []

        async def looked(same: int, off: list[str]) -> None:
            if not stamped:
                self.capture.evidence.look_out(self.table, same, len(off))
            if off:
                await self.look_again(off, page)

        changed = await self.capture.take(
            self.table,
            page,
            positions,
            met,
            place=place,
            settle=settle,
            watch=looked if watch or stamped else None,
            fresh=fresh,
        )
        for note in self.on_new:
            note(fresh)
        return changed

    async def read(self, wanted: Query) -> list[Row]:
        """Whatever is asked for. What an image answers costs the office nothing."""
        work = self.source.fetch(wanted)
        page = await (work if self.table.is_image else self.timed(work))
        if page:
            self.sample = tuple(page[-1][place] for place in self.key)
        return page

    async def timed(self, work: Awaitable[_Result]) -> _Result:
        """A question to the source, also one that fails, with the time that it took: all of them are rested for."""
        began = self.clock.mono()
        try:
            return await work
        finally:
            self._took_us = self.clock.mono() - began
            self.busy_us += self._took_us
            self._account.worked(self._took_us)

    async def rest(self, count: int, *, walks: bool = False) -> None:
        """After a page of `count` rows: not more of the source's time, nor of its rows, than was promised."""
        if self.table.is_image:
            await asyncio.sleep(0)
            return
        due = self._account.due_us(self.clock.mono(), count, self.limits, night=self.is_night, walks=walks)
        await asyncio.sleep(due / SECOND)
        self._account.rested(self.clock.mono())

    @property
    def is_night(self) -> bool:
        """Whether the office sleeps, by its own clock."""
        local = datetime.fromtimestamp(self.clock.office() / SECOND, self._zone).time()
        return gentle.is_night(local, self._night)

    def key_text(self, key: Row) -> str:
        """Of a key's values; where they cannot be one, a text that is no key."""
        try:
            return rows.key_text(key, self.table.source.charset)
        except RejectedError:
            return _NO_KEY

    def key_of(self, row: Row) -> str | None:
        """The text of a row's key; None where it has none."""
        try:
            return rows.key_of(row, self.table)
        except RejectedError:
            return None
