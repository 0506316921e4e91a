"""The tail lane: rows beyond the highest number of an integer key, and numbers that were missing when it passed them.

It finds what no cursor shows: rows without a time stamp, stamped by a slow clock, or committed late. It begins where
the buffer says it had come to; without that, where the first finished walk ended.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from agent.core import query
from agent.core.query import Row
from agent.core.tail import BACK, Mark, Tail
from agent.lane.reader import Reader
from common.core.record import Observation
from common.core.state import Observed

_STORE_EVERY = BACK // 4


class TailLane:
    """Of a table whose key is one integer column; of others it does nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._name = f"{reader.table.name}#"
        self._tail: Tail | None = None
        self._stored = 0

    def resume(self, positions: dict[str, bytes]) -> None:
        """Continue from a stored number, and look once more through those before it."""
        if self._name in positions:
            mark = msgspec.json.decode(positions[self._name], type=Mark)
            self._stored, self._tail = mark.high, Tail.resumed(mark)

    def restart(self) -> None:
        """Nobody knows any more where the numbers end: the next walk does, and they may have begun anew."""
        self._tail = None

    def begin(self, last: Row | None) -> None:
        """A walk has ended with key `last`; None: the table is empty."""
        if self._tail is not None or len(self._reader.key) > 1:
            return
        number = None if last is None else _number(last)
        if last is None or number is not None:
            self._tail = Tail(None if number is None else number - BACK)
            self._stored = min(self._stored, number or 0)

    async def read(self, until: int, *, watch: bool) -> int:
        """To the end, or until monotonic time `until`. -> number of changes. Raises UpheavalError if `watch`."""
        tail, reader = self._tail, self._reader
        if tail is None:
            return 0
        changed = await self._ask_missing(tail)
        while True:
            high = tail.high
            page, last = await reader.page(
                lambda limit, high=high: query.by_key(  # type: ignore[misc]
                    reader.table.select, None if high is None else (high,), limit
                )
            )
            numbers = self._numbers(page)
            if len(numbers) < len(page):
                self._tail = None  # the first rows of a table that was empty: its keys are no numbers
                return changed + await reader.take(page)
            changed += await self._take(tail, page, numbers, watch=watch)
            tail.read(numbers, reader.clock.mono())
            if last or reader.clock.mono() >= until:
                break
            await reader.rest(len(page))
        await self._tell(tail)
        return changed

    async def _tell(self, tail: Tail) -> None:
        """Together with the place that says so: after a restart it is told no second time."""
        name, oldest = self._reader.table.name, None
        if tail.gaps:
            reader = self._reader
            flying = await reader.timed(reader.source.in_flight(reader.table.mapping.from_))
            if flying is not None:
                tail.missed(flying.following)
                oldest = flying.oldest
        ranges = tail.given_up(self._reader.clock.mono(), oldest)
        if not ranges:
            return
        keys = [f"{lo}-{hi}" if hi > lo else str(lo) for lo, hi in ranges]
        high = max(self._stored, ranges[-1][1])
        seen = [Observation(Observed.NUMBER_MISSING, name, key, "") for key in keys]
        await self._reader.capture.observe(*seen, positions=self._place(tail, high))
        self._stored = high

    def _place(self, tail: Tail, high: int) -> dict[str, bytes]:
        return {self._name: msgspec.json.encode(tail.mark(high))}

    async def _ask_missing(self, tail: Tail) -> int:
        if not tail.gaps:
            return 0
        page = await self._reader.asked([str(number) for number in tail.gaps])
        changed = await self._reader.take(page) if page else 0
        tail.found(self._numbers(page), self._reader.clock.mono())
        return changed

    async def _take(self, tail: Tail, page: list[Row], numbers: Sequence[int], *, watch: bool) -> int:
        """The number moves with the records; alone only when it would be too far back."""
        high = max(numbers, default=self._stored)
        settle = high - self._stored >= _STORE_EVERY
        moved = self._place(tail, high) if high > self._stored else {}
        changed = await self._reader.take(page, moved, settle=settle, watch=watch)
        if moved and (changed or settle):
            self._stored = high
        return changed

    def _numbers(self, page: Sequence[Row]) -> list[int]:
        keys = (tuple(row[place] for place in self._reader.key) for row in page)
        return [number for key in keys if (number := _number(key)) is not None]


def _number(key: Sequence[Any]) -> int | None:
    """An integer key as a number; Oracle's are decimals."""
    value = key[0]
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    try:
        return int(value) if not isinstance(value, str | bytes) and value == int(value) else None
    except (TypeError, ValueError, ArithmeticError):
        return None
