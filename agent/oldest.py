"""The oldest record that waits in the buffer: when it was captured, and how long it has waited."""

from agent.core import age
from agent.core.readable import readable
from agent.epoch import Epoch
from common.clock import Clock
from common.core.record import Record

_LOOK = 32
"""So many are looked at for one that can be read."""


class Oldest:
    """Of the buffer that was just opened with `files`. Read again only when it has been acknowledged."""

    def __init__(self, files: Epoch, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._opened_mono = clock.mono()
        self._newest_before = files.state.newest
        self._found: tuple[int, Record | None] = (-1, None)

    async def age(self) -> int | None:
        """Microseconds; never below zero."""
        found = await self._find()
        if found is None:
            return None
        captured, now = (found.cap_wall, found.cap_mono), (self._clock.wall(), self._clock.mono())
        return age.waited(captured, now, self._opened_mono, here=found.seq > self._newest_before)

    async def _find(self) -> Record | None:
        forgotten, found = self._found
        state = self._files.state
        if forgotten != state.forgotten or found is None:
            rows = await self._files.sound(state.forgotten + 1, state.newest, _LOOK)
            found = next((item for seq, _, raw in rows if (item := readable(seq, raw))), None)
            self._found = state.forgotten, found
        return found
