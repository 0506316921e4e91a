"""What plain cursors see of the same table: the documented queries of Singer, Kafka Connect JDBC and dlt, once a second.

`lost` counts as for the agent. They are measured beside it, on the same rows at the same time. `dlt` is the tool itself,
in a process of its own (`rival.py`), where it is installed.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.hazard.office import Content, content_of
from tests.hazard.store import ANSWER_SECS, LOST, Store

_ALL = "SELECT ID, SLBH, SQR, ZT, BJSJ, BLR, XGSJ FROM SP_YWSL"
LOOK_BACK_SECS = 30
INSTALLED = Path(sys.prefix) / "peers"
"""Where `make soak WHAT=hazard` has put dlt."""


class Peer:
    """One cursor with its own copy of the table."""

    def __init__(self, name: str, *, asks: bool = True) -> None:
        """`asks`: by `query`; else it has its rows in another way."""
        self.name = name
        self.asks = asks
        self.rows: dict[int, Content] = {}
        self._high: Any = None
        self._number = 0

    def query(self) -> tuple[str, list[Any]]:
        """What it asks next."""
        if self.name == "id > last":
            return f"{_ALL} WHERE ID > ? ORDER BY ID", [self._number]
        if self._high is None:
            return f"{_ALL} WHERE XGSJ IS NOT NULL ORDER BY XGSJ", []
        if self.name == "time > last":
            return f"{_ALL} WHERE XGSJ > ? ORDER BY XGSJ", [self._high]
        if self.name == "time >= last":
            return f"{_ALL} WHERE XGSJ >= ? ORDER BY XGSJ", [self._high]
        return f"{_ALL} WHERE XGSJ >= ? ORDER BY XGSJ", [_earlier(self._high)]

    def take(self, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            self.rows[int(row[0])] = content_of(row[1:6])
            self._number = max(self._number, int(row[0]))
            if row[6] is not None and (self._high is None or row[6] > self._high):
                self._high = row[6]


def _earlier(value: Any) -> Any:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    earlier = moment - timedelta(seconds=LOOK_BACK_SECS)
    return earlier if isinstance(value, datetime) else str(earlier)


def all_peers() -> list[Peer]:
    return [Peer(name) for name in ("id > last", "time > last", "time >= last", "look-back 30 s")]


async def poll(store: Store, peers: list[Peer]) -> None:
    """Once a second, until cancelled."""
    while True:
        try:
            async with asyncio.timeout(ANSWER_SECS), store.session() as session:
                for peer in peers:
                    sql, values = peer.query()
                    peer.take(await session.run(sql, *values))
        except LOST:
            pass  # the server is being restarted
        await asyncio.sleep(1)


@asynccontextmanager
async def dlt(store: Store) -> AsyncIterator[Peer]:
    """Looks until the block ends; holds its rows afterwards. Behind everybody else: it must not slow the agent down."""
    peer = Peer("dlt incremental", asks=False)
    env = {**os.environ, "PYTHONPATH": f"{INSTALLED}:{Path(__file__).parents[2]}"}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as words:
        env |= {"DLT_DATA_DIR": folder, "RUNTIME__DLTHUB_TELEMETRY": "false"}
        command = ["nice", "-n", "10", sys.executable, "-m", "tests.hazard.rival", store.address()]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *command, env=env, cwd=folder, stdin=pipe, stdout=pipe, stderr=words
        )
        try:
            yield peer
            said, _ = await asyncio.wait_for(child.communicate(b""), 120)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            words.seek(0)
            raise RuntimeError(words.read().decode(errors="replace")[-2000:])
        peer.rows = {int(row[0]): content_of(tuple(row[1:])) for row in json.loads(said.splitlines()[-1])}
