"""Births, wills and heartbeats -> `site_status`, written at most once a second for all sites together."""

import asyncio
from typing import Any

from central.store import status
from central.store.engine import Store
from central.truth import Truth
from common.clock import Clock
from common.core import message
from common.core.errors import UnavailableError
from common.core.message import Heartbeat, State

FLUSH_SECS = 1.0


class Presence:
    """What boxes say of themselves, coalesced per site."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rows: dict[str, dict[str, Any]] = {}
        self._dirty: set[str] = set()
        self._truth = Truth()
        self._beats: dict[str, Heartbeat] = {}

    def state(self, site: str, state: State) -> None:
        """Birth or will. A will whose connection is not the newest belongs to a connection long replaced."""
        row = self._row(site)
        if not state.online and row["connection"] not in {"", state.connection}:
            return
        if row["online"] != state.online:
            row["since_wall"] = self._clock.wall()
        row["online"], row["connection"] = state.online, state.connection
        if state.online:
            row["heard_wall"] = self._clock.wall()
        self._dirty.add(site)

    def beat(self, site: str, beat: Heartbeat) -> None:
        row = self._row(site)
        if not row["online"]:
            row["since_wall"] = self._clock.wall()
        row.update(
            online=True,
            connection=beat.connection,
            heard_wall=self._clock.wall(),
            heartbeat=message.encode(beat),
        )
        self._dirty.add(site)
        self._beats[site] = beat

    async def run(self) -> None:
        """Flush for ever; a database that is away is tried again."""
        known = False
        while True:
            known = known or await self._recall()
            if known:
                await self._flush()
            await asyncio.sleep(FLUSH_SECS)

    async def _recall(self) -> bool:
        """What the table says, where this process has heard nothing yet. -> False while the database is away."""
        try:
            async with self._store.read() as conn:
                for site, row in (await status.all_status(conn)).items():
                    self._rows.setdefault(site, dict(row._mapping))  # noqa: SLF001
        except UnavailableError:
            return False
        return True

    async def _flush(self) -> None:
        dirty, self._dirty = self._dirty, set()
        beats, self._beats = self._beats, {}
        if not dirty:
            return
        try:
            async with self._store.write() as conn:
                for site, beat in beats.items():
                    row = self._rows[site]
                    row["behind_wall"] = await self._truth.compare(
                        conn, site, beat, row["heard_wall"], row["behind_wall"]
                    )
                await status.put_status(conn, [self._rows[site] for site in dirty])
        except UnavailableError:
            self._dirty |= dirty  # the writer of batches reports the database

    def _row(self, site: str) -> dict[str, Any]:
        return self._rows.setdefault(
            site,
            {
                "site": site,
                "online": False,
                "connection": "",
                "since_wall": self._clock.wall(),
                "heard_wall": None,
                "receipt_wall": None,
                "record_wall": None,
                "heartbeat": None,
                "behind_wall": None,
            },
        )
