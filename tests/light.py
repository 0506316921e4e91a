"""Many light boxes in one process: real certificates, connections and delivery rules, records made up in memory.

`python -m tests.light PORT FOLDER WAITING SITE...` keeps every site connected; whenever one loses its line it has
`WAITING` more records to deliver. Each second it prints one line: `steady sent given`, the sites of which the hall holds
everything, and the records that were sent and that there are, of all sites.
"""

import asyncio
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path

from agent.core import sync
from agent.core.sync import Flight, Phase, Sync
from agent.session import HELLO_SECS, RUN_BYTES
from agent.upload import SHORT_PAUSE_SECS
from common import process
from common.clock import Clock
from common.core import batch, crypto, message, pack, record, topics
from common.core.backoff import delay, slotted
from common.core.batch import Header, Lane
from common.core.errors import UnavailableError
from common.core.instant import SECOND
from common.core.message import Ack, CentralState, Hello, Welcome
from common.mqtt import Link, MqttConfig, Received, connect
from tests.sender import Sender, case
from tests.server import HOST

CLOCK = Clock()


class Light:
    """One site."""

    def __init__(self, port: int, folder: Path, site: str, waiting: int) -> None:
        box = folder / f"{site}.1"
        self.site = site
        self.waiting = waiting
        self.sent = 0
        self.made = Sender(site, 1, (box / "sign.key").read_bytes())
        self.hall_sign = (box / "hall-sign.pub").read_bytes()
        self.config = MqttConfig(host=HOST, port=port, ca=box / "ca.pem", node=box / "node.pem")
        self.sync = Sync(self.made.epoch)
        self.wire_key = b""
        self.wake = asyncio.Event()

    @property
    def is_steady(self) -> bool:
        return self.sync.phase is Phase.STEADY and self.sync.upto == self.made.newest

    async def run(self) -> None:
        attempt = 0
        while True:
            self.work()
            with suppress(UnavailableError):
                try:
                    await process.stoppable(self.session())
                except* UnavailableError:
                    pass
            attempt = 0 if self.is_steady else attempt + 1
            self.sync = sync.lost(self.sync)
            chance = slotted(self.site, secrets.randbelow(1000) / 1000)
            await asyncio.sleep(delay(attempt, chance, cap=SHORT_PAUSE_SECS))

    def work(self) -> None:
        """What the office did while the line was away."""
        if self.sync.upto == self.made.newest:
            wall = CLOCK.wall()
            first = self.made.newest + 1
            self.made.number(*(case(f"{self.site}-{n}", at=wall) for n in range(first, first + self.waiting)))

    async def session(self) -> None:
        self.connection = secrets.token_hex(16)
        async with connect(self.config, f"{self.site}.1") as link:
            await link.subscribe(topics.downstream(self.site))
            self.sync = sync.connected(self.sync)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.hear(link))
                group.create_task(self.introduce(link))
                group.create_task(self.deliver(link, group))

    async def introduce(self, link: Link) -> None:
        while True:
            if self.sync.phase is Phase.HELLO:
                await link.publish(topics.hello(self.site), self.hello())
            await asyncio.sleep(HELLO_SECS)

    def hello(self) -> bytes:
        made = self.made
        place = made.epoch, self.connection, "0.1.0"
        numbers = made.newest, made.chain[-1], CLOCK.wall()
        return message.encode_signed(
            Hello(self.site, 1, *place, *numbers), topics.hello(self.site), made.sign_secret
        )

    async def hear(self, link: Link) -> None:
        async for item in link.messages():
            link.puback(item)
            self.take(item)
            self.wake.set()

    def take(self, item: Received) -> None:
        now = CLOCK.mono()
        if item.topic == topics.CENTRAL_STATE:
            hall = message.decode(CentralState, item.payload)
            self.sync = sync.told(self.sync, hall.wait_ms * 1000 if hall.online else 0)
        elif item.topic == topics.welcome(self.site):
            welcome = message.decode_signed(Welcome, item.topic, self.hall_sign, item.payload)
            if welcome.connection == self.connection and self.sync.phase is Phase.HELLO:
                self.wire_key = welcome.wire_key
                self.sync = sync.welcomed(self.sync, welcome, self.made.newest, now)
        elif item.topic == topics.ack(self.site):
            ack = message.decode_signed(Ack, item.topic, self.hall_sign, item.payload)
            self.sync = sync.acknowledged(self.sync, ack, now)

    async def deliver(self, link: Link, group: asyncio.TaskGroup) -> None:
        while True:
            self.wake.clear()
            now = CLOCK.mono()
            self.sync = sync.expire(self.sync, now)
            send = sync.next_send(self.sync, self.made.newest, now)
            if send is None:
                due = sync.wake_at(self.sync)
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if due is None else max(0.0, (due - now) / SECOND)):
                        await self.wake.wait()
                continue
            payload, last = self.batch(send.lane, send.first, send.last)
            self.sent += last - send.first + 1
            self.sync = sync.sent(self.sync, Flight(send.lane, send.first, last, len(payload), now))
            group.create_task(self.publish(link, topics.lane(self.site, send.lane), payload))

    async def publish(self, link: Link, topic: str, payload: bytes) -> None:
        await link.publish(topic, payload)

    def batch(self, lane: Lane, first: int, last: int) -> tuple[bytes, int]:
        raws = self.made.raws[first - 1 : last]
        while sum(map(len, raws)) > RUN_BYTES:
            raws = raws[: len(raws) // 2]
        last = first + len(raws) - 1
        header = Header(
            site=self.site,
            epoch=self.made.epoch,
            lane=lane,
            first=first,
            last=last,
            schema=record.SCHEMA,
            key=crypto.key_id(self.wire_key),
            alg=crypto.WIRE,
            comp="zstd",
            prev_hash=self.made.chain[first - 1],
            last_hash=self.made.chain[last],
            created_wall=CLOCK.wall(),
            dict=pack.NEWEST,
        )
        return batch.encode(header, raws, self.wire_key, self.made.sign_secret), last


async def main(port: int, folder: Path, waiting: int, sites: list[str]) -> None:
    boxes = [Light(port, folder, site, waiting) for site in sites]
    running = [asyncio.create_task(box.run()) for box in boxes]
    end = time.monotonic()
    while True:
        for task in running:
            if task.done():
                task.result()
        steady = sum(box.is_steady for box in boxes)
        given = sum(box.made.newest for box in boxes)
        print(steady, sum(box.sent for box in boxes), given, flush=True)
        end += 1
        await asyncio.sleep(max(0.1, end - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
