"""What the running hall says of itself, for `mingcha doctor`."""

import os

from msgspec import Struct

from central import __version__
from central.receive import Receiver
from central.ticker import TickerState
from central.web.live import Wall
from common.clock import Clock


class Status(Struct, frozen=True, kw_only=True):
    """Times are wall time in microseconds; 0: never."""

    pid: int
    version: str
    started_wall: int
    broker_fault: str
    store_fault: str
    commit_wall: int
    records: int
    looked_wall: int  # when the pages' picture of the tables was taken


def compose(receiver: Receiver, wall: Wall, started_wall: int) -> Status:
    return Status(
        pid=os.getpid(),
        version=__version__,
        started_wall=started_wall,
        broker_fault=receiver.broker_fault,
        store_fault=receiver.store_fault,
        commit_wall=receiver.commit_wall,
        records=receiver.records,
        looked_wall=wall.facts.now_wall if wall.facts else 0,
    )


def turned_mono(receiver: Receiver, ticker: TickerState, wall: Wall, clock: Clock) -> int:
    """When the slowest of the loops last turned; a receiver that waits for messages turns by waiting."""
    return min(ticker.turned_mono, wall.turned_mono, receiver.busy_since_mono or clock.mono())
