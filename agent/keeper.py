"""Keeps everything wrapped by the master key that is there now: a change, a loss and a return are seen while running."""

import asyncio

import structlog

from agent import master
from agent.buffer import Buffer
from agent.config import AgentConfig
from agent.epoch import Sealing
from common.core.errors import ConfigError

log = structlog.get_logger()

LOOK_SECS = 2.0


def told(unfinished: dict[str, str]) -> str:
    """Which files, and why; at most three."""
    shown = [f"{name}（{why}）" for name, why in list(unfinished.items())[:3]]
    return "；".join(shown) + (f" 等 {len(unfinished)} 个" if len(unfinished) > len(shown) else "")


class Keeper:
    """`seal` is what the buffer seals with; `run` changes it in place."""

    def __init__(self, config: AgentConfig) -> None:
        """Raises ConfigError where there is no key and never was one."""
        self._path = config.identity.master_key
        self._buffer_path = config.buffer_path
        self.master = master.load_or_begin(self._path, self._buffer_path)
        self.seal = Sealing(list(self.master.keys), config.buffer.profile.at_rest)
        self.wrapped_by = ""
        """Id of the key by which everything is wrapped; empty while that is not known."""
        self.unfinished: dict[str, str] = {}
        """Files of the buffer that could not be wrapped by the key that is there now, and why."""

    async def run(self, buffer: Buffer) -> None:
        """Look again and again, for ever."""
        while True:
            await self.look(buffer)
            await asyncio.sleep(LOOK_SECS)

    async def look(self, buffer: Buffer) -> None:
        """Once. A key that cannot be read goes on in memory: the doctor says it, and the next start needs it."""
        try:
            found = master.load(self._path, self._buffer_path)
        except ConfigError:
            return
        if found == self.master and self.wrapped_by == found.id:
            return
        self.master = found
        self.seal.keks[:] = found.keys
        before, self.unfinished = self.unfinished, await buffer.rewrap()
        if self.unfinished:
            if (
                self.unfinished.keys() != before.keys()
            ):  # it is looked at every two seconds, maybe on a full disk
                log.warning("key.unfinished", reason=told(self.unfinished), hint="会自动重试")
            return
        if len(found.keys) > 1:
            log.info("key.changed", key=found.id)
        self.wrapped_by = found.id
        if not found.stands_in:
            master.finish(self._path, self._buffer_path, found.keys[0])
