"""What plain cursors see of the same table: the documented queries of Singer, Kafka Connect JDBC and dlt, once a second.

`lost` counts as for the agent. They are measured beside it, on the same rows at the same time.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from tests.hazard.office import Content, content_of
from tests.hazard.store import LOST, Store

_ALL = "SELECT ID, SLBH, SQR, ZT, BJSJ, BLR, XGSJ FROM SP_YWSL"
LOOK_BACK_SECS = 30


class Peer:
    """One cursor with its own copy of the table."""

    def __init__(self, name: str) -> None:
        self.name = name
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
            async with store.session() as session:
                for peer in peers:
                    sql, values = peer.query()
                    peer.take(await session.run(sql, *values))
        except LOST:
            pass  # the server is being restarted
        await asyncio.sleep(1)
