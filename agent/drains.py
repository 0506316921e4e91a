"""The segments of the epoch that are written no more, in number order: read, and shredded when all is acknowledged."""

import asyncio
from collections.abc import Sequence

from agent import files
from agent.closed import Closed


class Drains:
    """At most one of them is open: memory does not grow with the backlog."""

    def __init__(self, keks: Sequence[bytes]) -> None:
        self._keks = keks
        self._segments: list[Closed] = []
        self._open: Closed | None = None
        self._lock = asyncio.Lock()

    def add(self, segment: Closed) -> None:
        self._segments.append(segment)

    async def read(self, first: int, last: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Sound records of `first..last`, as Closed.read."""
        found: list[tuple[int, bytes, bytes]] = []
        async with self._lock:
            for segment in self._segments:
                if segment.last < first or segment.first > last or len(found) >= limit:
                    continue
                await self._opened(segment)
                found += segment.read(first, min(last, segment.last), limit - len(found))
        return found

    async def _opened(self, segment: Closed) -> None:
        if self._open is not segment:
            self.close()
            self._open = segment
            await asyncio.to_thread(segment.open, self._keks)

    async def shred(self, upto: int) -> None:
        """Those whose last number is at most `upto`."""
        async with self._lock:
            while self._segments and self._segments[0].last <= upto:
                segment = self._segments.pop(0)
                segment.close()
                await asyncio.to_thread(files.shred, segment.path)

    def bytes(self) -> int:
        return sum(segment.path.stat().st_size for segment in self._segments if segment.path.exists())

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None
