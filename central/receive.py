"""The hall's end of the wire: MQTT in, one transaction per group of batches, acknowledgement out.

Order is everything: commit, then our signed Ack to the site, then PUBACK to the broker. When the database is away
nothing is acknowledged; the batches are let go and the sites send them again when they are asked to.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import structlog
from msgspec import MsgspecError
from sqlalchemy.ext.asyncio import AsyncConnection

from central.config import CentralConfig
from central.core import fair
from central.core.fair import Bucket, FairQueue, Lane
from central.filing import Filing
from central.ingest import Outcome, ingest_batches
from central.judge import Moment, World
from central.opening import Door, Opened, halves
from central.presence import Presence
from central.relay import Relay
from central.remote import Remote
from central.status import NOT_YET, Broken
from central.store import cases
from central.store.engine import Store
from central.welcome import Heard, introduce
from common import process
from common.clock import Clock
from common.config import read_secret
from common.core import crypto, message, topics
from common.core.backoff import delay
from common.core.errors import ConfigError, UnavailableError
from common.core.instant import DAY, MINUTE, SECOND
from common.core.message import Ack, Nack, Welcome
from common.mqtt import NOT_AUTHORIZED, Link, Received, connect

log = structlog.get_logger()

GROUP_BATCHES = 16
GROUP_SECS = 0.02
MOST_HALVINGS = 32
"""Of a group: enough to tell three records of 500 apart from the others."""
WEIGH_SECS = 30.0
TELL_SECS = 1.0
SAID_AGAIN = MINUTE
"""A site that sends too much is named in the log once in this time."""
DOWN_EXPIRY_SECS = 60
GOODBYE_SECS = 2.0
_LANES = {"up/hello": Lane.HELLO, "up/live": Lane.LIVE, "up/bulk": Lane.BULK}
_RATES = {"up/hello": (5, 0.5), "state": (20, 1.0), "hb": (20, 2.0), "up/media": (8, 2.0)}
"""Messages in a row and then a second that a site may send: many times what a box does (P-LIMIT-03)."""


class Receiver:
    """Keeps a session with the broker alive for as long as the process runs."""

    def __init__(
        self, config: CentralConfig, store: Store, world: World, clock: Clock, changed: asyncio.Event
    ) -> None:
        self.config = config
        self.store = store
        self.world = world
        self.clock = clock
        self.changed = changed
        self.instance = secrets.token_hex(8)
        self.sign_secret = read_secret(config.identity.sign_key, "市中心的签名私钥")
        self.wire_secret = read_secret(config.identity.wire_key, "市中心的接收私钥")
        self.wire_key = crypto.wire_public(self.wire_secret)
        secrets_by_id = {crypto.key_id(self.wire_key): self.wire_secret}
        self._door = Door(store, secrets_by_id, clock)
        self._filing = Filing(store, secrets_by_id, self.sign_secret, clock)
        self.presence = Presence(store, clock)
        self.broker_fault = NOT_YET
        self.store_fault = ""
        self.commit_wall = 0
        self.records = 0
        self.broken: dict[str, Broken] = {}
        self.busy_since_mono: int | None = None
        self.remote = Remote(store, clock, self.sign_secret)
        self.relay = Relay(store, config.live, clock, self.sign_secret)
        self._arrived = asyncio.Event()
        self._heard = Heard()
        self._pace = fair.Pace()
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._said_mono: dict[str, int] = {}
        self._broker_lost_mono: int | None = None
        self._store_lost_mono: int | None = None

    async def run(self) -> None:
        """Take in for ever. A certificate that cannot be used ends no more than a broker that is away: pages and judgement go on,
        the doctor names the file (E-HALL-02).
        """
        attempt = 0
        while True:
            try:
                await process.stoppable(self._session())
                attempt = 0
            except* (UnavailableError, ConfigError) as group:
                error = process.first_cause(group)
                self.broker_fault = str(error)
                if self._broker_lost_mono is None:
                    attempt, self._broker_lost_mono = 0, self.clock.mono()
                    log.warning("broker.unavailable", reason=str(error), hint=getattr(error, "hint", ""))
            await asyncio.sleep(delay(attempt, secrets.randbelow(1000) / 1000, base=0.5, cap=5.0))
            attempt += 1

    async def _session(self) -> None:
        will = (topics.CENTRAL_STATE, message.encode(self._state(online=False)))
        async with connect(self.config.mqtt, self.config.worker, will=will) as link, self._farewell(link):
            await link.subscribe(topics.upstream("ingest" if self.config.mqtt.version == 5 else None))
            birth = message.encode(self._state(online=True))
            if await link.publish(topics.CENTRAL_STATE, birth, retain=True) == NOT_AUTHORIZED:
                raise UnavailableError(
                    "消息服务不允许市中心收发", hint="请核对消息服务的 acl 文件中市中心一节，然后让它重读"
                )
            self.broker_fault = ""
            if self._broker_lost_mono is not None:
                log.info("broker.recovered", after_secs=self._since(self._broker_lost_mono))
                self._broker_lost_mono = None
            queue: FairQueue[Received] = FairQueue()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(link, queue), name="read")
                group.create_task(self._write(link, queue, group), name="write")
                group.create_task(self._weigh(queue), name="weigh")
                group.create_task(self._tell(link, queue), name="tell")
                group.create_task(self.presence.run(), name="presence")
                group.create_task(self.remote.run(link), name="remote")
                group.create_task(self._filing.run(link), name="media")
                group.create_task(self.relay.say(link), name="live")

    @asynccontextmanager
    async def _farewell(self, link: Link) -> AsyncIterator[None]:
        """A graceful stop says goodbye: a broker publishes no will for it."""
        try:
            yield
        except asyncio.CancelledError:
            offline = message.encode(self._state(online=False))
            with suppress(UnavailableError, TimeoutError):  # then the will says it
                async with asyncio.timeout(GOODBYE_SECS):
                    await link.publish(topics.CENTRAL_STATE, offline, retain=True)
            raise

    def _state(self, *, online: bool) -> message.CentralState:
        return message.CentralState(online, self.instance, self._pace.told_ms)

    def _since(self, mono: int) -> float:
        return round((self.clock.mono() - mono) / SECOND, 1)

    async def _read(self, link: Link, queue: FairQueue[Received]) -> None:
        """Reading never waits for the database: what a site sends beyond its share is let go, and it sends it again."""
        async for item in link.messages():
            site, purpose = topics.parse(item.topic) or ("", "")
            lane = _LANES.get(purpose)
            if purpose in _RATES and not self._may_pass(site, purpose):
                self._say_flooding(site, purpose)
            elif lane is not None:
                if queue.put(site, lane, len(item.payload), item):
                    self._arrived.set()
                    continue
                self._say_flooding(site, purpose)
            elif purpose == "up/media":
                self._filing.offer(site, item.payload)
            elif purpose in {"state", "hb"}:
                self._note_presence(site, purpose, item.payload)
            link.puback(item)

    def _may_pass(self, site: str, purpose: str) -> bool:
        bucket = self._buckets.setdefault((site, purpose), Bucket(*_RATES[purpose]))
        return bucket.take(self.clock.mono())

    def _say_flooding(self, site: str, purpose: str) -> None:
        now = self.clock.mono()
        if now - self._said_mono.get(site, -SAID_AGAIN) >= SAID_AGAIN:
            self._said_mono[site] = now
            log.warning("site.flooding", site=site, purpose=purpose)

    async def _weigh(self, queue: FairQueue[Received]) -> None:
        """Sites with deadlines near have more turns."""
        while True:
            now = self.clock.office()
            with suppress(UnavailableError):  # then those of before hold
                async with self.store.read() as conn:
                    near = await cases.near(conn, now, now + DAY)
                queue.weights = {site: fair.weight(count) for site, count in near.items()}
            await asyncio.sleep(WEIGH_SECS)

    async def _tell(self, link: Link, queue: FairQueue[Received]) -> None:
        """Let everybody know how long it takes now: what is only queued must not be sent again."""
        while True:
            await asyncio.sleep(TELL_SECS)
            if self._pace.has_changed(len(queue)):
                state = message.encode(self._state(online=True))
                await link.publish(topics.CENTRAL_STATE, state, retain=True)

    def _note_presence(self, site: str, purpose: str, payload: bytes) -> None:
        try:
            if purpose == "hb":
                self.presence.beat(site, message.decode(message.Heartbeat, payload))
            else:
                self.presence.state(site, message.decode(message.State, payload))
        except MsgspecError as error:
            log.warning("batch.refused", site=site, code=f"bad_{purpose}", reason=str(error))

    async def _write(self, link: Link, queue: FairQueue[Received], group: asyncio.TaskGroup) -> None:
        while True:
            items = await self._gather(queue)
            began = self.busy_since_mono = self.clock.mono()
            try:
                await self._take(link, items, group, queue)
                self._pace.did(len(items), self.clock.mono() - began)
            except UnavailableError as error:
                await self._wait_for_store(error)
            for item in items:
                link.puback(item)
            self.busy_since_mono = None

    async def _wait_for_store(self, error: UnavailableError) -> None:
        self.store_fault = str(error)
        if self._store_lost_mono is None:
            self._store_lost_mono = self.clock.mono()
            log.warning("store.unavailable", reason=str(error), hint=error.hint)
        await asyncio.sleep(1.0)

    async def _gather(self, queue: FairQueue[Received]) -> list[Received]:
        """What came while the last group was at work; where nothing did, what is next and what follows it within the group's
        time.
        """
        if not len(queue):
            self._arrived.clear()
            await self._arrived.wait()
            await asyncio.sleep(GROUP_SECS)
        return queue.take(GROUP_BATCHES)

    async def _take(
        self, link: Link, items: list[Received], group: asyncio.TaskGroup, queue: FairQueue[Received]
    ) -> None:
        hellos = [item for item in items if item.topic.endswith("/up/hello")]
        for item in hellos:
            await self._on_hello(link, item, group, queue)
        arrived = [(_site(item), item.payload) for item in items if item not in hellos]
        opened, replies = await self._door.open(arrived)
        outcome = await self._commit_all(opened, queue) if opened else Outcome()
        for site, ack in replies:
            group.create_task(self._reply(link, topics.ack(site), ack))
        sending = queue.sending() | {site: queue.weights.get(site, 1) for site, _ in outcome.acks}
        for site, ack in outcome.acks:
            allowed = fair.credit(site, sending, queue.pressure) if ack.credit_bytes else 0
            reply = msgspec.structs.replace(ack, credit_bytes=allowed)
            group.create_task(self._reply(link, topics.ack(site), reply))

    async def _commit_all(self, opened: list[Opened], queue: FairQueue[Received]) -> Outcome:
        """One transaction; where it breaks on something nobody foresaw, one each: a site must not stop the others.

        A batch that breaks alone is taken in halves: a record must not stop the others of its site. Not for ever: where
        many break it, the fault is not theirs, and what is left the box sends again.
        """
        outcome, tries = Outcome(), 0
        waiting = [(opened, opened[0])]
        while waiting:
            group, whole = waiting.pop(0)
            try:
                done = await self._commit(group, queue)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001  the loop runner of batches: told apart one by one
                parts = group if len(group) > 1 else halves(group[0]) if tries < MOST_HALVINGS else []
                tries += len(group) == 1
                waiting += [([item], item if len(group) > 1 else whole) for item in parts]
                done = Outcome() if parts else self._unforeseen(group[0], whole, error)
            outcome.acks += done.acks
            outcome.records += done.records
        return outcome

    def _unforeseen(self, item: Opened, whole: Opened, error: Exception) -> Outcome:
        """The box keeps what is left of the `whole` that it sent, and sends it again later; somebody has to look."""
        header = item.header
        self.broken[header.site] = Broken(
            header.epoch, header.first, header.last, repr(error), self.clock.wall()
        )
        log.error(
            "batch.failed",
            site=header.site,
            first=header.first,
            last=header.last,
            reason=repr(error),
            hint="请把这条日志交给软件维护人员",
        )
        nack = Nack(whole.header.first, whole.header.last, "failed", permanent=False)
        return Outcome([(header.site, Ack(header.epoch, 0, [], [nack], 0, self.clock.wall()))])

    async def _commit(self, opened: list[Opened], queue: FairQueue[Received]) -> Outcome:
        began = self.clock.mono()
        now = Moment(self.clock.office(), self.clock.wall())
        async with self.store.write() as conn:
            outcome = await self._ingest(conn, opened, now, queue)
        if self._store_lost_mono is not None:
            log.info("store.recovered", after_secs=self._since(self._store_lost_mono))
            self._store_lost_mono = None
        self.store_fault, self.commit_wall = "", self.clock.wall()
        self._mended(opened)
        self.records += outcome.records
        self.changed.set()
        milliseconds = round((self.clock.mono() - began) / 1000, 1)
        counts = {"records": outcome.records, "again": outcome.again, "batches": len(opened)}
        log.debug("batch.committed", **counts, ms=milliseconds)
        return outcome

    def _mended(self, opened: list[Opened]) -> None:
        for header in (item.header for item in opened if item.header.site in self.broken):
            left = self.broken.pop(header.site).without(header.epoch, header.first, header.last)
            if left is not None:
                self.broken[header.site] = left

    async def _ingest(
        self, conn: AsyncConnection, opened: list[Opened], now: Moment, queue: FairQueue[Received]
    ) -> Outcome:
        """Site by site, and the time that each took is charged to it."""
        outcome, spent_us = Outcome(), dict[str, int]()
        by_site: dict[str, list[Opened]] = defaultdict(list)
        for item in opened:
            by_site[item.header.site].append(item)
        try:
            for site, batches in by_site.items():
                began, spent_us[site] = self.clock.mono(), 0
                try:
                    done = await ingest_batches(conn, batches, self.world, now)
                finally:
                    spent_us[site] = self.clock.mono() - began
                outcome.acks += done.acks
                outcome.records += done.records
                outcome.again += done.again
        finally:
            queue.charge(spent_us, {site: [len(item.raws) for item in by_site[site]] for site in spent_us})
        return outcome

    async def _reply(self, link: Link, topic: str, reply: Ack | Welcome) -> None:
        payload = message.encode_signed(reply, topic, self.sign_secret)
        await link.publish(topic, payload, expiry_secs=DOWN_EXPIRY_SECS)

    # hello ---------------------------------------------------------------------------------------------------

    async def _on_hello(
        self, link: Link, item: Received, group: asyncio.TaskGroup, queue: FairQueue[Received]
    ) -> None:
        site = _site(item)
        try:
            async with self.store.write() as conn:
                repeated = self._heard.knows(site, item.payload)
                known = await introduce(conn, site, item.payload, self.clock.wall(), repeated=repeated)
        except ValueError as error:
            log.warning("batch.refused", site=site, code="bad_hello", reason=str(error))
            return
        self._heard.keep(site, item.payload)
        if known.refused:
            log.error("hello.refused", site=site, code=known.refused, hint="执行 mingcha doctor")
        else:
            newest = known.hello.newest
            log.info(
                "site.connected", site=site, generation=known.hello.generation, upto=known.upto, newest=newest
            )
        welcome = Welcome(
            epoch=known.hello.epoch,
            connection=known.hello.connection,
            upto=known.upto,
            ranges=known.ranges,
            wire_key=self.wire_key,
            credit_bytes=fair.credit(site, queue.sending(), queue.pressure),
            now_wall=self.clock.wall(),
            now_at=self.clock.office(),
            refused=known.refused,
            draining=known.draining,
            asked_wall=known.hello.at_wall,
            upto_hash=known.upto_hash,
        )
        group.create_task(self._reply(link, topics.welcome(site), welcome))
        if not (known.draining or known.refused):
            self.remote.welcomed(site)


def _site(item: Received) -> str:
    return (topics.parse(item.topic) or ("", ""))[0]
