"""A site's box as its doctor sees it: configuration, mapping, and what the running agent last said of itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent import app, mapping
from agent import config as configs
from agent.config import AgentConfig
from agent.core.mapping import SourceConfig, Table
from agent.source.base import Source
from agent.status import Status as BoxStatus
from common import process
from common.clock import Clock
from common.core import mask
from common.core.instant import from_us

TURN_SECS = 2.0
"""A check waits so long for those before it, and then has half a second left of its own time."""


class Box:
    """What the checks look at. Nothing is opened here."""

    def __init__(self, config: AgentConfig, clock: Clock, *, for_hall: bool = False) -> None:
        """`for_hall`: what is found leaves the box."""
        self.for_hall = for_hall
        self.config = config
        self.clock = clock
        self.status = process.read(config.status_path, BoxStatus, clock.wall())
        self.source: SourceConfig | None = None
        self.tables: list[Table] = []
        self._adapter: Source | None = None
        self._turn = asyncio.Lock()
        if config.mapping.exists():
            self.source, self.tables = mapping.load(config.mapping)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Source]:
        """The site's database, for one check at a time, over one connection for all of them: the account has two, and the running
        agent has the other. Raises TimeoutError where another check is not done with it for TURN_SECS."""
        assert self.source is not None
        async with asyncio.timeout(TURN_SECS):
            await self._turn.acquire()
        try:
            if self._adapter is None:
                self._adapter = app.adapter(self.source, self.config.capture.secrets_dir, self.tables)
            yield self._adapter
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Nothing is asked any more."""
        if self._adapter is not None:
            await self._adapter.close()

    def key(self, text: str) -> str:
        """A row's key as whoever reads this may see it."""
        return mask.masked(text) if self.for_hall else mask.key(text)

    def since(self, wall: int) -> str:
        """`06-12 14:32` of this box's clock; empty for 0."""
        return f"{from_us(wall, configs.ZONE):%m-%d %H:%M}" if wall else ""
