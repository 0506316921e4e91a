"""What arrives from many sites is taken in turn, so that a slow or hostile one cannot starve the rest.

Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995): each turn gives a site a quantum of bytes, more where
deadlines are near; what it does not use up it keeps while it has something waiting. Live batches of all sites go before
the backlog of any, but never take more than three quarters of a group. What a site sends beyond its share of the memory
is let go at once: an honest box keeps far below, and sends again what was not acknowledged.

Bytes are known before the work, and a few of them can ask for much of it. So the time that a site's messages took is
charged to it afterwards: what is above an allowance it owes, until the others have used as much. Who owes is served
when nobody else waits.
"""

from collections import deque
from collections.abc import Container, Mapping, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

from common.core.instant import SECOND

_Item = TypeVar("_Item")

QUANTUM = 64 * 1024
SHARE_BYTES = 4 * 1024 * 1024
"""Of one site: four times its credit."""
OVERHEAD = 512
"""Of a message in memory beside its bytes: one without any is not free."""
QUEUE_BYTES = 64 * 1024 * 1024
STOP_PERCENT, SLOW_PERCENT, NORMAL_PERCENT = 80, 60, 20
TOTAL_CREDIT = 16 * 1024 * 1024
LEAST_CREDIT, MOST_CREDIT = 64 * 1024, 1024 * 1024
MOST_WEIGHT = 4
TOLD_FROM_MS = 1000
GROUP_US, MESSAGE_US, RECORD_US = 20_000, 5_000, 300
"""What the work for a site may take in one group, per message and per record: thrice what it does on a small machine."""
MOST_OWED_US = 60 * SECOND
ALONE_US = SECOND // 10
"""So long a group of one that owes may take where nobody else waits: who comes meanwhile waits no longer."""


class Lane(StrEnum):
    """How urgent a message is: introductions first, then what was just entered, then the backlog."""

    HELLO = "hello"
    LIVE = "live"
    BULK = "bulk"


class Pressure(StrEnum):
    """How full the queue is, with hysteresis."""

    NORMAL = "normal"
    SLOW = "slow"
    STOP = "stop"

    def at(self, percent: float) -> "Pressure":
        """What follows at a fill of the queue: stop from 80 %, slow again below 60, normal below 20."""
        if percent >= STOP_PERCENT:
            return Pressure.STOP
        if self is Pressure.NORMAL or percent < NORMAL_PERCENT:
            return Pressure.NORMAL
        return Pressure.SLOW if self is Pressure.SLOW or percent < SLOW_PERCENT else Pressure.STOP


def weight(near: int) -> int:
    """Of a site with so many deadlines near: 1 to 4."""
    return min(MOST_WEIGHT, 1 + (near > 0) + (near > 10) + (near > 100))


def credit(site: str, weights: Mapping[str, int], pressure: Pressure) -> int:
    """Bytes of backlog that `site` may have under way; `weights`: of the sites that are sending."""
    if pressure is Pressure.STOP:
        return 0
    mine = weights.get(site, 1)
    share = TOTAL_CREDIT * mine // max(1, sum(weights.values()))
    found = max(LEAST_CREDIT, min(MOST_CREDIT, share))
    return found if pressure is Pressure.NORMAL else max(LEAST_CREDIT, found // 4)


class Bucket:
    """So many in a row, then so many a second (a token bucket). Times are monotonic microseconds."""

    def __init__(self, burst: int, per_sec: float) -> None:
        self._burst = float(burst)
        self._per_us = per_sec / SECOND
        self._left = self._burst
        self._mono = 0

    def take(self, now_mono: int) -> bool:
        """Whether one more may pass now."""
        self._left = min(self._burst, self._left + (now_mono - self._mono) * self._per_us)
        self._mono = now_mono
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Pace:
    """How fast messages are committed, and what has been told of the wait that follows from it."""

    def __init__(self) -> None:
        self.told_ms = 0
        self._us = 0.0

    def did(self, messages: int, us: int) -> None:
        """So many took so long; the newest counts a quarter."""
        each = us / max(1, messages)
        self._us = each if not self._us else self._us + (each - self._us) / 4

    def has_changed(self, waiting: int) -> bool:
        """Whether the wait of `waiting` messages is worth telling: `told_ms` is it then. Below a second it is 0."""
        found = int(waiting * self._us / 1000)
        found = found if found >= TOLD_FROM_MS else 0
        if found == self.told_ms or (self.told_ms and found and 2 / 3 < found / self.told_ms < 3 / 2):
            return False
        self.told_ms = found
        return True


class _Turns(Generic[_Item]):
    """One lane: a queue per site and its deficit."""

    def __init__(self) -> None:
        self.sites: dict[str, deque[tuple[int, _Item]]] = {}
        self._deficit: dict[str, int] = {}
        self._turns: deque[str] = deque()

    def put(self, site: str, size: int, item: _Item) -> None:
        if site not in self.sites:
            self.sites[site] = deque()
            self._deficit[site] = 0
            self._turns.append(site)
        self.sites[site].append((size, item))

    def take(
        self, weights: Mapping[str, int], room: int, passed: Container[str] = ()
    ) -> list[tuple[str, int, _Item]]:
        """At most `room`, turn by turn, of all sites but the `passed`. -> [(site, size, item)]."""
        found: list[tuple[str, int, _Item]] = []
        served = sum(site not in passed for site in self._turns)
        while served and len(found) < room:
            site = self._turns[0]
            self._turns.rotate(-1)
            if site in passed:
                continue
            waiting = self.sites[site]
            self._deficit[site] += QUANTUM * weights.get(site, 1)
            while waiting and len(found) < room and waiting[0][0] <= self._deficit[site]:
                size, item = waiting.popleft()
                self._deficit[site] -= size
                found.append((site, size, item))
            if not waiting:
                served -= 1
                self._turns.remove(site)
                del self.sites[site], self._deficit[site]
        return found


class FairQueue(Generic[_Item]):
    """Messages that wait. `weights`: site -> 1 to 4; one that is missing has 1."""

    def __init__(self) -> None:
        self.weights: dict[str, int] = {}
        self.bytes = 0
        self.pressure = Pressure.NORMAL
        self._held: dict[str, int] = {}
        self._owed: dict[str, int] = {}
        self._taken = 0  # bytes of the group at work
        self._byte_us = float(ALONE_US)
        self._lanes: dict[Lane, _Turns[_Item]] = {lane: _Turns() for lane in Lane}

    def __len__(self) -> int:
        return sum(len(waiting) for turns in self._lanes.values() for waiting in turns.sites.values())

    def put(self, site: str, lane: Lane, size: int, item: _Item) -> bool:
        """Whether it was taken; not where the site's share, or the whole queue, is full."""
        held, cost = self._held.get(site, 0), size + OVERHEAD
        if held + cost > SHARE_BYTES or self.bytes + cost > QUEUE_BYTES:
            return False
        self._lanes[lane].put(site, size, item)
        self._held[site] = held + cost
        self.bytes += cost
        self.pressure = self.pressure.at(100 * self.bytes / QUEUE_BYTES)
        return True

    def take(self, room: int) -> list[_Item]:
        """The next at most `room`, fairly. One that owes time is served alone, and as much of it as is soon done, but one."""
        live, bulk, owing = self._lanes[Lane.LIVE], self._lanes[Lane.BULK], self._owed
        found = self._lanes[Lane.HELLO].take(self.weights, room)
        found += live.take(self.weights, max(0, room - len(found) - room // 4), owing)
        found += bulk.take(self.weights, room - len(found), owing)
        found += live.take(self.weights, room - len(found), owing)
        if not found:
            alone = min(room, self._soon_done())
            found = live.take(self.weights, alone) or bulk.take(self.weights, alone)
        self._taken = sum(size + OVERHEAD for _, size, _ in found)
        for site, size, _ in found:
            self.bytes -= size + OVERHEAD
            self._held[site] -= size + OVERHEAD
            if not self._held[site]:
                del self._held[site]
        self.pressure = self.pressure.at(100 * self.bytes / QUEUE_BYTES)
        return [item for *_, item in found]

    def _soon_done(self) -> int:
        """How many of the messages that wait are done within `ALONE_US`, as long as the last group's bytes took; at least one."""
        return max(1, int(ALONE_US * len(self) / (self._byte_us * max(1, self.bytes))))

    def charge(self, spent_us: Mapping[str, int], records: Mapping[str, Sequence[int]]) -> None:
        """The work of one group: `spent_us` by site, for its messages of so many `records`. What one uses, others are paid."""
        whole = sum(spent_us.values())
        self._byte_us = max(whole, 1) / max(self._taken, 1)
        for site in {*self._owed, *spent_us}:
            mine, counts = spent_us.get(site, 0), records.get(site, ())
            allowed = GROUP_US + MESSAGE_US * len(counts) + RECORD_US * sum(counts) if counts else 0
            owed = self._owed.pop(site, 0) + mine - allowed - (whole - mine)
            if owed > 0:
                self._owed[site] = min(MOST_OWED_US, owed)

    def sending(self) -> dict[str, int]:
        """The sites that have something waiting, and their weights."""
        return {site: self.weights.get(site, 1) for site in self._held}
