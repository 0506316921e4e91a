"""The offices at work: each action one short transaction in the site's own database, at the instant it was planned for.

One process works all 18 offices. Nothing is remembered between two runs but the databases: opening a folder again
with the same seed writes every row as it stands `now`, the rows that have not changed exactly as they were.
"""

import asyncio
import heapq
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from common.clock import Clock
from common.core.instant import from_us
from provisioning.demo.city import SITES, Site
from provisioning.demo.hours import ZONE, Hours
from provisioning.demo.life import Life, lives
from provisioning.demo.sheet import as_of
from provisioning.demo.vendors import VENDORS
from provisioning.demo.vendors.base import save

PAST = timedelta(weeks=6)
TICK_SECS = 0.5
SEED = 5
"""A city with a few dozen open cases near their limit and about ten past it."""
_BUSY_SECS = 10.0


class Office:
    """One site's office: its database and the cases still under way."""

    def __init__(self, site: Site, folder: Path, hours: Hours, seed: int, after: date) -> None:
        """`folder` receives `office.db` and `mapping.toml`; the first case comes after the day `after`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._site = site
        self._vendor = VENDORS[site.vendor]
        self._hours = hours
        self._seed = seed
        self._due: list[tuple[datetime, str, Life]] = []
        self._planned = after
        (folder / "mapping.toml").write_text(self._vendor.MAPPING.lstrip(), "utf-8")
        # One thread at a time uses it, not always the same.
        self._db = sqlite3.connect(folder / "office.db", timeout=_BUSY_SECS, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(self._vendor.DDL)

    def close(self) -> None:
        self._db.close()

    def write_past(self, now: datetime) -> None:
        """Bring all cases up to `now` to where they stand then, in one transaction."""
        with self._db:
            for life in self._plan(now.date()):
                moments = life.moments()
                if moments[0] <= now:
                    sheet = as_of(life, now)
                    save(self._db, self._vendor, sheet, sheet.entries)
                self._await(life, (at for at in moments if at > now))

    def work_once(self, now: datetime) -> int:
        """Do what is due up to `now`, in order of time. -> number of actions."""
        for life in self._plan(now.date()):
            self._await(life, life.moments())
        done = 0
        while self._due and self._due[0][0] <= now:
            at, _, life = self._due[0]
            self._act(life, at)
            heapq.heappop(self._due)
            done += 1
        return done

    def _act(self, life: Life, at: datetime) -> None:
        sheet = as_of(life, at)
        with self._db:
            save(self._db, self._vendor, sheet, (entry for entry in sheet.entries if entry.updated_at == at))

    def _plan(self, until: date) -> list[Life]:
        """The cases of the days not planned yet."""
        days = self._hours.workdays(self._planned + timedelta(days=1), until)
        self._planned = max(self._planned, until)
        return [life for day in days for life in lives(self._site, day, self._hours, self._seed)]

    def _await(self, life: Life, moments: Iterable[datetime]) -> None:
        for at in moments:
            heapq.heappush(self._due, (at, life.number, life))


class City:
    """All offices of the demonstration."""

    def __init__(self, offices: list[Office]) -> None:
        self._offices = offices
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        folder: Path,
        now_at: int,
        is_workday: Callable[[date], bool],
        *,
        seed: int = SEED,
        sites: Iterable[Site] = SITES,
    ) -> "City":
        """Write `folder/<site id>/office.db` and `mapping.toml` for each site, with their past up to `now_at`."""
        hours, now = Hours(is_workday), from_us(now_at, ZONE)
        offices = [Office(site, folder / site.id, hours, seed, now.date() - PAST) for site in sites]
        for office in offices:
            office.write_past(now)
        return cls(offices)

    def work_once(self, now_at: int) -> int:
        """Every office does what is due up to `now_at`. -> number of actions."""
        now = from_us(now_at, ZONE)
        with self._lock:
            return sum(office.work_once(now) for office in self._offices)

    def close(self) -> None:
        """Waits for a step that still runs in its thread."""
        with self._lock:
            for office in self._offices:
                office.close()


async def run(city: City, clock: Clock) -> None:
    """Work for ever."""
    while True:
        await asyncio.to_thread(city.work_once, clock.office())
        await asyncio.sleep(TICK_SECS)
