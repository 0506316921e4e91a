"""Delivery as a whole: the real cores on both sides of a wire that loses, repeats and reorders, and real crashes.

Only what does I/O is a plain dict here: the box's buffer and index (`Box`), the hall's tables (`Hall`), the broker (two
lists). It keeps no order, and may keep any message for later: a hello too is repeated, and overtaken by batches.

`MINGCHA_EXAMPLES=1500` runs the long form.
"""

import copy
import os
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.core import sync
from agent.core.sync import Flight, Phase, Send, Sync
from central.ingest import _check_overlap
from central.opening import Opened
from central.welcome import _forked
from common.core import batch, crypto, message, offset, ranges, record, topics
from common.core.batch import Header
from common.core.instant import SECOND
from common.core.message import Ack, Hello, Nack, Welcome
from common.core.ranges import ForkError, Range
from common.core.record import Case, Gap, Op, Record, RecordKind

SITE = "s01"
BOX_SECRET, HALL_SECRET = b"b" * 32, b"h" * 32
BOX_KEY, HALL_KEY = crypto.sign_public(BOX_SECRET), crypto.sign_public(HALL_SECRET)
RUN_ROWS = 3
CREDIT = 1_000_000
HALL_AHEAD = 1_800_000_000 * SECOND
PLACES = st.integers(0, 50)


class Box:
    """Buffer and index of a site: what survives a crash of the agent."""

    def __init__(self) -> None:
        self.source: list[str] = []
        """Contents of the office's own database."""
        self.history: dict[tuple[bytes, int], set[bytes]] = {}
        """Every record ever appended, by (epoch, number): two where a copy of the disk went another way."""
        self.epochs = 0
        self.begin_epoch()

    def begin_epoch(self) -> None:
        self.epochs += 1
        self.epoch = self.epochs.to_bytes(8, "big")
        self.rows: dict[int, bytes] = {}
        self.damaged: set[int] = set()
        self.chain = {0: crypto.chain_start(SITE, self.epoch, BOX_KEY)}
        self.carries: dict[str, int] = {}
        self.newest = self.forgotten = 0
        self.hall_restored = False

    def append(self, kind: RecordKind, key: str, body: Case | Gap) -> None:
        seq = self.newest + 1
        packed = record.encode_body(body)
        raw = record.encode_record(Record(seq, kind, "case", key, 1, Op.PUT, None, 1, 1, 1, b"", packed))
        self.rows[seq] = raw
        self.history.setdefault((self.epoch, seq), set()).add(raw)
        self.chain[seq] = crypto.chain_next(self.chain[self.newest], seq, raw)
        self.newest = seq

    def capture(self, content: str) -> None:
        self.append(RecordKind.CASE, content, Case(case_key=content))
        self.carries[content] = self.newest

    def lose(self, lo: int, hi: int, why: str) -> None:
        """Numbers that will never come: declared, and what they carried is read again from the source."""
        self.append(RecordKind.GAP, "", Gap(lo, hi, why))
        for content in [content for content, seq in self.carries.items() if lo <= seq <= hi]:
            self.capture(content)

    def carriers(self) -> list[int]:
        """Numbers in the buffer that carry a row of the source."""
        return sorted(self.rows.keys() & set(self.carries.values()))

    def read(self, first: int, last: int) -> list[bytes] | None:
        """As `Buffer.read`: the sound run that begins at `first`; damage at its beginning is declared."""
        run: list[bytes] = []
        for seq in range(first, min(last, first + RUN_ROWS - 1) + 1):
            if seq not in self.rows or seq in self.damaged:
                break
            run.append(self.rows[seq])
        if not run and first in self.damaged:
            self.damaged.discard(first)
            del self.rows[first]
            self.lose(first, first, "damaged")
        return run or None

    def forget(self, upto: int) -> list[int]:
        """-> the numbers deleted."""
        upto = min(upto, self.newest)
        gone = [seq for seq in self.rows if seq <= upto]
        for seq in gone:
            del self.rows[seq]
        self.damaged &= self.rows.keys()
        self.forgotten = max(self.forgotten, upto)
        return gone

    def copied(self) -> tuple[Any, ...]:
        """What lies on the disk now."""
        disk = self.rows, self.damaged, self.chain, self.carries
        return *(copy.copy(item) for item in disk), self.epoch, self.newest, self.forgotten

    def put_back(self, disk: tuple[Any, ...]) -> None:
        """A copy comes in place of what there is; what it does not know of the source is read anew."""
        self.rows, self.damaged, self.chain, self.carries = (copy.copy(item) for item in disk[:4])
        self.epoch, self.newest, self.forgotten = disk[4:]
        for content in self.source:
            if content not in self.carries:
                self.capture(content)

    def set_aside(self) -> None:
        """A fork: neither buffer nor index is what the hall has, so all is read again into a new epoch."""
        self.begin_epoch()
        for content in self.source:
            self.capture(content)

    def replace(self) -> None:
        """The buffer is gone. Its index knows what was acknowledged, and is not trusted after a hall's restore."""
        lost = [c for c in self.source if self.hall_restored or self.carries.get(c, 0) > self.forgotten]
        self.begin_epoch()
        for content in lost:
            self.capture(content)


class Hall:
    """Cursors and records: what is committed. `ever` outlives a restore, as a witness."""

    def __init__(self) -> None:
        self.held: dict[bytes, list[Range]] = {}
        self.facts: dict[tuple[bytes, int], bytes] = {}
        self.ever: set[tuple[bytes, int]] = set()
        self.backup: tuple[dict[bytes, list[Range]], dict[tuple[bytes, int], bytes]] | None = None
        self.credit = CREDIT
        self.keys = 0
        self.new_key()

    def new_key(self) -> None:
        self.keys += 1
        self.secret = self.keys.to_bytes(32, "big")
        self.public = crypto.wire_public(self.secret)

    def introduce(self, payload: bytes) -> Welcome:
        hello = message.decode_signed(Hello, topics.hello(SITE), BOX_KEY, payload)
        held = self.held.setdefault(hello.epoch, [])
        refused = "fork" if _forked(held, hello) else ""
        upto, above = state_of(held)
        place = hello.epoch, hello.connection, upto, above, self.public, self.credit
        at = held[0].at if upto else b""
        return Welcome(*place, 0, 0, refused, asked_wall=hello.at_wall, upto_hash=at)

    def commit(self, payload: bytes) -> Ack:
        """One batch in one transaction, as `central/ingest.py`."""
        header, _ = batch.read_header(payload)
        if header.key != crypto.key_id(self.public):
            return self.refusal(header, "unknown_key")
        header, raws = batch.decode(payload, {header.key: self.secret}, BOX_KEY)
        held = self.held.get(header.epoch)
        if held is None:
            return self.refusal(header, "unknown_epoch")
        try:
            _check_overlap(held, Opened(header, raws))
            merged = ranges.merge(held, Range(header.first, header.last, header.prev_hash, header.last_hash))
        except ForkError:
            return self.refusal(header, "fork")
        gaps: list[Gap] = []
        for lo, hi in ranges.missing(held, header.first, header.last):
            for seq in range(lo, hi + 1):
                raw = raws[seq - header.first]
                assert (header.epoch, seq) not in self.facts
                self.facts[header.epoch, seq] = raw
                body = record.decode_body(record.decode_record(raw))
                gaps += [body] if isinstance(body, Gap) else []
        for gap in gaps:
            for lo, hi in ranges.missing(merged, gap.lo, gap.hi):
                merged = ranges.merge(merged, Range(lo, hi, b"", b""))
        self.held[header.epoch] = merged
        self.ever |= {(header.epoch, seq) for item in merged for seq in range(item.lo, item.hi + 1)}
        upto, above = state_of(merged)
        return Ack(
            header.epoch, upto, above, [], self.credit, 0, header.created_wall, merged[0].at if upto else b""
        )

    def refusal(self, header: Header, code: str) -> Ack:
        return Ack(header.epoch, 0, [], [Nack(header.first, header.last, code, permanent=False)], 0, 0)

    def back_up(self) -> None:
        self.backup = dict(self.held), dict(self.facts)

    def restore(self) -> None:
        assert self.backup is not None
        self.held, self.facts = dict(self.backup[0]), dict(self.backup[1])


def state_of(held: list[Range]) -> tuple[int, list[tuple[int, int]]]:
    upto = ranges.upto(held)
    return upto, [(item.lo, item.hi) for item in held if item.lo > upto]


class Delivery(RuleBasedStateMachine):
    """P-MQTT-01, P-MQTT-02, P-ACK-02, P-ACK-04, P-ACK-06, P-BATCH-10, P-CHAIN-03, P-GAP-03, P-HELLO-06, P-HELLO-08, P-HELLO-10"""

    def __init__(self) -> None:
        super().__init__()
        self.box, self.hall = Box(), Hall()
        self.sync = Sync(self.box.epoch)
        self.connection, self.now, self.sent = 0, 0, 0
        self.wire_key = b""
        self.disk: tuple[Any, ...] | None = None
        self.samples: tuple[offset.Sample, ...] = ()
        self.wall_less_mono = 0
        """Of the box's clock, which jumps as it likes."""
        self.asked: dict[int, int] = {}
        self.differs_at = 0
        self.up: list[tuple[int, str, bytes]] = []
        self.down: list[tuple[int, str, bytes]] = []

    # the office and the box --------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5))
    def the_office_writes(self, count: int) -> None:
        for _ in range(count):
            self.box.source.append(f"case {len(self.box.source)}")
            self.box.capture(self.box.source[-1])

    def connect(self) -> None:
        self.connection += 1
        self.sync, self.differs_at = sync.connected(Sync(self.box.epoch)), 0
        self.say_hello()

    @precondition(lambda self: self.sync.phase is Phase.HELLO)
    @rule()
    def say_hello(self) -> None:
        box = self.box
        hello = Hello(
            SITE, 1, box.epoch, str(self.connection), "0", box.newest, box.chain[box.newest], self.ask(), self.differs_at
        )  # fmt: skip
        self.sync = sync.greeted(self.sync, hello.at_wall)
        self.publish(
            self.up, topics.hello(SITE), message.encode_signed(hello, topics.hello(SITE), BOX_SECRET)
        )

    @rule(how=st.sampled_from(["the line is lost", "the agent is killed", "a new connection"]))
    def the_connection_ends(self, how: str) -> None:
        if how == "the line is lost":
            self.sync = sync.lost(self.sync)
        elif how == "the agent is killed":
            self.sync = Sync(self.box.epoch)
        else:
            self.connect()

    @precondition(lambda self: self.sync.phase in {Phase.CATCHUP, Phase.STEADY})
    @rule()
    def the_box_introduces_itself_again(self) -> None:
        """Another instance of the hall is there, or nothing moves."""
        self.sync = sync.connected(self.sync)

    @rule(most=st.integers(1, 6))
    def the_box_sends(self, most: int) -> None:
        for _ in range(most):
            self.sync = sync.expire(self.sync, self.now)
            send = sync.next_send(self.sync, self.box.newest, self.now)
            if send is None:
                return
            self.send(send)

    def send(self, send: Send) -> None:
        run = self.box.read(send.first, send.last)
        if run is None:
            self.sync = sync.skipped(self.sync, send.first, send.first)
            return
        box, last = self.box, send.first + len(run) - 1
        header = Header(
            SITE, box.epoch, send.lane, send.first, last, 1, crypto.key_id(self.wire_key), crypto.WIRE, "zstd",
            box.chain[send.first - 1], box.chain[last], self.ask(),
        )  # fmt: skip
        payload = batch.encode(header, run, self.wire_key, BOX_SECRET)
        self.sync = sync.sent(self.sync, Flight(send.lane, send.first, last, len(payload), self.now))
        self.publish(self.up, topics.lane(SITE, send.lane), payload)

    def ask(self) -> int:
        wall = self.now + self.wall_less_mono
        while wall in self.asked:
            wall += 1
        self.asked[wall] = self.now
        return wall

    def compare(self, answer: Welcome | Ack) -> None:
        asked = self.asked.pop(answer.asked_wall, None)
        if asked is not None:
            self.samples = offset.measured(self.samples, asked, self.now, answer.now_wall)

    def publish(self, wire: list[tuple[int, str, bytes]], topic: str, payload: bytes) -> None:
        self.sent += 1
        wire.append((self.sent, topic, payload))

    @precondition(lambda self: self.sync.flights)
    @rule(place=PLACES)
    def nobody_listens(self, place: int) -> None:
        flight = self.sync.flights[place % len(self.sync.flights)]
        self.sync = sync.unsent(self.sync, flight.first, self.now)

    @rule(by=st.sampled_from([-86_400, -1_800_000_000, 3, 86_400]))
    def the_clock_jumps(self, by: int) -> None:
        """A day, back to 1970, a little: nothing that is delivered rests on it."""
        self.wall_less_mono += by * SECOND

    @rule(seconds=st.sampled_from([1, 5, 60]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @precondition(lambda self: self.box.carriers())
    @rule(place=PLACES)
    def a_stored_row_is_damaged(self, place: int) -> None:
        """Not a declaration: of two damages, one of which hits what declares the other, this buffer does not heal."""
        rows = self.box.carriers()
        self.box.damaged.add(rows[place % len(rows)])

    @rule(which=st.sampled_from(["buffer", "hall", "copied", "put back"]))
    def a_disaster(self, which: str) -> None:
        if which == "buffer":
            self.the_buffer_is_lost()
        elif which == "copied":
            self.disk = self.box.copied()
        elif which == "put back":
            self.a_copy_of_the_disk_is_put_back()
        elif self.hall.backup is not None:
            self.the_hall_is_restored()

    def the_buffer_is_lost(self) -> None:
        """A backup from before the epoch is out of reach of the box: the hall is not set back behind it."""
        self.box.replace()
        self.sync = Sync(self.box.epoch)
        self.hall.backup = None

    def a_copy_of_the_disk_is_put_back(self) -> None:
        """From before its numbers were given to something else, perhaps; the hall is not set back behind it either."""
        if self.disk is not None:
            self.box.put_back(self.disk)
            self.sync = Sync(self.box.epoch)
            self.hall.backup = None

    def forked(self) -> None:
        """As the agent: the copy is set aside, and the program starts anew."""
        assert self.disk is not None, "an honest box is no fork"
        self.box.set_aside()
        self.sync = Sync(self.box.epoch)

    def the_hall_is_restored(self) -> None:
        """Another instance announces itself: a connected box introduces itself again."""
        self.hall.restore()
        self.box.hall_restored = True
        if self.sync.phase is not Phase.OFFLINE:
            self.sync = sync.connected(self.sync)

    # the hall ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.up)
    @rule(place=PLACES, again=st.booleans(), answered=st.booleans())
    def the_hall_takes_a_message(self, place: int, again: bool, answered: bool) -> None:
        _, topic, payload = item = self.up[place % len(self.up)]
        hello = topic == topics.hello(SITE)
        if not again:
            self.up.remove(item)
        answer: Welcome | Ack = self.hall.introduce(payload) if hello else self.hall.commit(payload)
        answer = msgspec.structs.replace(answer, now_wall=HALL_AHEAD + self.now)
        if answered:
            to = topics.welcome(SITE) if hello else topics.ack(SITE)
            self.publish(self.down, to, message.encode_signed(answer, to, HALL_SECRET))

    @precondition(lambda self: any(topic != topics.hello(SITE) for _, topic, _ in self.up))
    @rule(place=PLACES, code=st.sampled_from(["failed", "bad_seal"]))
    def the_hall_refuses_a_batch(self, place: int, code: str) -> None:
        """Whole, whatever is in it; another time it takes it."""
        batches = [item for item in self.up if item[1] != topics.hello(SITE)]
        _, _, payload = item = batches[place % len(batches)]
        self.up.remove(item)
        answer = self.hall.refusal(batch.read_header(payload)[0], code)
        self.publish(
            self.down, topics.ack(SITE), message.encode_signed(answer, topics.ack(SITE), HALL_SECRET)
        )

    @precondition(lambda self: self.down)
    @rule(place=PLACES, again=st.booleans())
    def the_box_hears_a_message(self, place: int, again: bool) -> None:
        _, topic, payload = item = self.down[place % len(self.down)]
        if not again:
            self.down.remove(item)
        if topic == topics.welcome(SITE):
            self.on_welcome(message.decode_signed(Welcome, topic, HALL_KEY, payload))
        else:
            ack = message.decode_signed(Ack, topic, HALL_KEY, payload)
            ack = sync.heeded(self.sync, ack, self.asked.get(ack.asked_wall))
            self.compare(ack)
            self.sync = sync.acknowledged(self.sync, ack, self.now)
            if self.sync.refused:
                self.forked()
            elif self.sync.upto == ack.upto and self.is_contradicted(ack):
                self.differs_at, self.sync = ack.upto, sync.connected(self.sync)
                self.say_hello()
                return
        self.forget()

    def is_contradicted(self, said: Welcome | Ack) -> bool:
        if said.epoch != self.box.epoch:
            return False
        mine = self.box.chain.get(said.upto, b"")
        return said.upto > self.box.newest or (bool(said.upto_hash) and mine not in {b"", said.upto_hash})

    def on_welcome(self, welcome: Welcome) -> None:
        """As `agent/session.py`."""
        if welcome.connection != str(self.connection) or not sync.is_awaited(self.sync, welcome):
            return
        self.compare(welcome)
        if not welcome.refused and self.is_contradicted(welcome):
            self.differs_at = welcome.upto
            self.say_hello()
            return
        self.sync = sync.welcomed(self.sync, welcome, self.box.newest, self.now, self.box.forgotten)
        if self.sync.refused:
            self.forked()
            return
        self.wire_key = welcome.wire_key
        stated = [(1, welcome.upto), *welcome.ranges]
        held = [Range(lo, hi, b"", b"") for lo, hi in stated if hi >= lo]
        for lo, hi in ranges.missing(held, 1, self.box.forgotten):
            self.box.lose(lo, hi, "hall_restored")

    def forget(self) -> None:
        for seq in self.box.forget(self.sync.upto):
            assert (self.box.epoch, seq) in self.hall.ever, "forgotten, but never committed"

    @rule(again=st.booleans())
    def all_goes_well_for_a_while(self, again: bool) -> None:
        """One round in which nothing is lost; `again`: the wire keeps a copy of everything for later."""
        if self.sync.phase is Phase.OFFLINE:
            self.connect()
        for _ in range(2):
            self.the_box_sends(2)
            for number, _, _ in list(self.up):
                place = next((place for place, item in enumerate(self.up) if item[0] == number), None)
                if place is not None:
                    self.the_hall_takes_a_message(place, again, answered=True)
            for place in reversed(range(len(self.down))):
                self.the_box_hears_a_message(place, again)

    @rule(credit=st.sampled_from([0, 200, CREDIT]))
    def the_hall_gives_credit(self, credit: int) -> None:
        self.hall.credit = credit

    @rule()
    def the_hall_takes_a_new_wire_key(self) -> None:
        self.hall.new_key()

    @rule()
    def the_hall_is_backed_up(self) -> None:
        self.hall.back_up()

    # the wire ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.up)
    @rule(place=PLACES)
    def a_message_up_is_lost(self, place: int) -> None:
        del self.up[place % len(self.up)]

    @precondition(lambda self: self.down)
    @rule(place=PLACES)
    def a_message_down_is_lost(self, place: int) -> None:
        del self.down[place % len(self.down)]

    # what always holds, and what holds in the end ----------------------------------------------------------------

    @invariant()
    def the_hall_holds_only_what_the_box_appended_under_that_number(self) -> None:
        assert all(raw in self.box.history[place] for place, raw in self.hall.facts.items())

    @invariant()
    def the_box_knows_the_halls_clock_within_the_error_it_names(self) -> None:
        if self.samples:
            found = offset.best(self.samples, self.now)
            assert abs(found.ahead - HALL_AHEAD) <= found.err_at(self.now) + 1

    @invariant()
    def what_waits_and_what_is_forgotten_are_all_numbers(self) -> None:
        box = self.box
        gone = set(range(1, box.newest + 1)) - set(box.rows)
        declared = {seq for gap in declared_by(box) for seq in range(gap.lo, gap.hi + 1)}
        assert gone <= set(range(1, box.forgotten + 1)) | declared

    def teardown(self) -> None:
        """The trouble ends: whatever has happened, everything arrives and the buffer empties.

        Over the same connection where there is one, whatever of before a hall's restore is heard only now.
        """
        for _ in range(300):
            if self.sync.phase is Phase.OFFLINE:  # a fork too: the program has started anew
                self.connect()
            elif self.box.forgotten == self.box.newest and self.sync.phase is Phase.STEADY:
                break
            if self.sync.phase is Phase.HELLO and not self.up:
                self.say_hello()
            self.now += 5 * SECOND
            self.the_box_sends(6)
            while self.up:
                self.the_hall_takes_a_message(0, again=False, answered=True)
            while self.down:
                self.the_box_hears_a_message(0, again=False)
        assert not self.box.rows
        assert state_of(self.hall.held[self.box.epoch]) == (self.box.newest, [])
        arrived = [record.decode_record(raw) for raw in self.hall.facts.values()]
        assert {item.key for item in arrived if item.kind is RecordKind.CASE} == set(self.box.source)


def declared_by(box: Box) -> list[Gap]:
    raws = [raw for (epoch, _), both in box.history.items() if epoch == box.epoch for raw in both]
    found = [record.decode_record(raw) for raw in raws]
    bodies = [record.decode_body(item) for item in found if item.kind is RecordKind.GAP]
    return [body for body in bodies if isinstance(body, Gap)]


EXAMPLES = int(os.environ.get("MINGCHA_EXAMPLES", "0"))
settings.register_profile("quick", max_examples=60, stateful_step_count=40, deadline=None)
settings.register_profile("large", max_examples=EXAMPLES or 1, stateful_step_count=100, deadline=None)
TestDelivery = Delivery.TestCase
TestDelivery.settings = settings.get_profile("large" if EXAMPLES else "quick")
