"""Random histories of many cases through one box into a real store: captured, sent, judged as time goes on."""

from collections.abc import Iterator
from random import Random

from msgspec.structs import replace

from central import ticker
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.store.engine import Store
from central.welcome import introduce
from common.clock import Clock
from common.core.instant import HOUR
from common.core.record import Record
from tests.law import histories
from tests.law.oracle import DAY
from tests.sender import SECRETS, SIGN_KEY, Sender, draft, passed

STRIDE = 10 * DAY
BATCH = 500


class Driven(Clock):
    """Stands where it is put."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self.now = now

    def office(self, mono: int | None = None) -> int:
        return self.now


def told(count: int, seed: int) -> list[Record]:
    """What the box captures of `count` cases, with a pass each two days, in order."""
    found: list[Record] = []
    for number in range(count):
        for place, fact in enumerate(histories.make(Random(seed + number)).facts):
            body = replace(fact.row.body, case_key=str(number))
            at = fact.known_at // HOUR * HOUR
            found.append(draft(body, table=fact.row.table, key=f"{number}-{place}", at=at))
    tables = sorted({one.table for one in found})
    first, last = min(one.cap_at for one in found), max(one.cap_at for one in found) + 60 * DAY
    passes = [passed(at, tables=tables, mapped=tables) for at in range(first, last, 2 * DAY)]
    return sorted([*found, *passes], key=lambda one: one.cap_at)


async def live(store: Store, world: World, count: int, seed: int = 0) -> int:
    """Let them live; the hall takes in and judges every ten days. -> the instant at which all has been judged."""
    drafts = told(count, seed)
    sender = Sender()
    async with store.write() as conn:
        await introduce(conn, sender.site, sender.hello(), 0)
    place = 0
    for now in _strides(drafts):
        begun = sender.newest
        while place < len(drafts) and drafts[place].cap_at <= now:
            sender.number(drafts[place])
            place += 1
        for first in range(begun + 1, sender.newest + 1, BATCH):
            last = min(first + BATCH - 1, sender.newest)
            opened = open_batch(sender.site, sender.payload(first, last), SECRETS, SIGN_KEY)
            async with store.write() as conn:
                await ingest_batches(conn, [opened], world, Moment(now, now))
        await ticker.tick_once(store, world, Driven(now))
    return now


def _strides(drafts: list[Record]) -> Iterator[int]:
    yield from range(drafts[0].cap_at, drafts[-1].cap_at, STRIDE)
    yield drafts[-1].cap_at + HOUR
