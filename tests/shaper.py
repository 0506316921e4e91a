"""A thin line in user space: a TCP relay on loopback with a rate, a delay each way, and a queue that does not grow.

Rate and delay are those of the path; a full queue holds the sender back, as a router's would by losses. It counts what
went up, so that its use can be compared with its rate.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.server import HOST

_PIECE = 1_448
"""Bytes of a segment on Ethernet."""
_QUEUED_SECS = 0.05


class Shaper:
    """`port`: where to connect to. `bytes_per_sec` of each way, `delay_secs` one way."""

    def __init__(self, to_port: int, bytes_per_sec: float, delay_secs: float) -> None:
        self.port = 0
        self.up_bytes = 0
        self.flows = asyncio.Event()
        """Cleared, it swallows what comes and answers nothing, as a line does that is dead without a word."""
        self._to_port = to_port
        self._rate = bytes_per_sec
        self._delay = delay_secs
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self.flows.set()
        self._server = await asyncio.start_server(self._accept, HOST, self.port, limit=_PIECE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Every connection ends, and none is accepted."""
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._connections.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(asyncio.create_task(self._carry(reader, writer)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._to_port, limit=_PIECE)
        except OSError:  # nobody listens there now
            writer.close()
            return
        ways = [
            asyncio.create_task(self._way(reader, far_writer, is_up=True)),
            asyncio.create_task(self._way(far_reader, writer, is_up=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool) -> None:
        free_at = time.monotonic()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arrival = asyncio.create_task(self._arrive(under_way, writer))
        try:
            while piece := await reader.read(_PIECE):
                await self.flows.wait()
                free_at = max(free_at, time.monotonic()) + len(piece) / self._rate
                self.up_bytes += len(piece) if is_up else 0
                under_way.put_nowait((free_at + self._delay, piece))
                await asyncio.sleep(free_at - time.monotonic() - _QUEUED_SECS)
        finally:
            arrival.cancel()

    async def _arrive(
        self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            at, piece = await under_way.get()
            await asyncio.sleep(at - time.monotonic())
            writer.write(piece)
            await writer.drain()


@asynccontextmanager
async def shaped(to_port: int, *, bytes_per_sec: float, delay_secs: float) -> AsyncIterator[Shaper]:
    """A line to a server on this machine."""
    shaper = Shaper(to_port, bytes_per_sec, delay_secs)
    await shaper.open()
    try:
        yield shaper
    finally:
        await shaper.cut()
