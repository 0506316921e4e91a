"""A line that can be cut: relays TCP to the broker for one site, so that it goes offline as a real one does."""

import asyncio
import random
from collections.abc import Awaitable

OPEN_SECS = (70, 130)
CUT_SECS = (75, 110)
_CHUNK = 65_536


class Line:
    """Listens on `port` and relays to `target`; while it is cut it refuses every connection."""

    def __init__(self, port: int, target: int) -> None:
        self._port = port
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()

    async def run(self, seed: int) -> None:
        """Open for a while, cut for a while, for ever."""
        chance = random.Random(seed)
        while True:
            server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
            await asyncio.sleep(chance.uniform(*OPEN_SECS))
            server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await asyncio.sleep(chance.uniform(*CUT_SECS))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, far_writer}
        try:
            await _first_done(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}
            writer.close()
            far_writer.close()


async def _first_done(*pumps: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        return
