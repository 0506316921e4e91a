"""What to send and what to forget: the site's half of the delivery, as pure state and functions.

Theory. The buffer holds numbers forgotten+1..newest of one epoch. The hall holds a set of them, which its welcome
and every acknowledgement state in full (`upto` and `ranges`), so this side remembers nothing about
acknowledgements of its own. At a welcome the newest number becomes the `cut`: numbers above it are **live** and
go out at once; numbers up to it are **bulk**, oldest first, in a window of bytes. A run in flight that is not
acknowledged in time is simply sent again: the hall recognises it. States and events: sync.md 3.5, 3.6.
"""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from agent.core import resting, window
from agent.core.held import Runs, holds, joined
from agent.core.resting import Rest
from agent.core.window import MAX_ROWS, Window
from common.core.batch import Lane
from common.core.instant import MINUTE, SECOND
from common.core.message import Ack, Welcome

LIVE_FLIGHTS = 4
FIRST_TIMEOUT = 5 * SECOND
MIN_TIMEOUT = 2 * SECOND
MAX_TIMEOUT = 60 * SECOND
LONGEST_WAIT = 10 * MINUTE
"""No queue of a hall is believed to be longer: who said so is not proven, and what is under way would never be sent again."""
CREDIT_RETRY = 5 * SECOND
MOST_REFUSALS = 8
"""After so many in a row the fault is not that of a record: nothing is sent for a while."""
PATIENCE = 3
"""After so many time-outs in a row we introduce ourselves again: we may have been replaced, and not be told."""
HELLOS = 16
"""So many are remembered: the hall may take minutes to answer the first of a herd."""
_ALL = 1 << 62
_PERMANENT = {"superseded", "revoked", "retired", "fork"}
_INTRODUCE = {"unknown_epoch", "unknown_key"}


class Phase(StrEnum):
    """Where the link to the hall stands."""

    OFFLINE = "offline"
    HELLO = "hello"
    CATCHUP = "catchup"
    STEADY = "steady"
    REFUSED = "refused"


class Flight(Struct, frozen=True):
    """A run that was published and not yet acknowledged by the hall."""

    lane: Lane
    first: int
    last: int
    bytes: int
    sent_mono: int
    delivered: int = 0  # bytes that were acknowledged by then
    wait: int = 0  # the longest wait that the hall has told since


class Send(Struct, frozen=True):
    """Publish the run that starts at `first`, at most up to `last`, in `lane`."""

    lane: Lane
    first: int
    last: int


class Sync(Struct, frozen=True):
    """State of the delivery; a value, replaced by each event."""

    epoch: bytes
    phase: Phase = Phase.OFFLINE
    upto: int = 0
    ranges: Runs = ()
    cut: int = 0
    flights: tuple[Flight, ...] = ()
    credit: int = 0
    credit_mono: int = 0
    welcomed_mono: int = 0
    hold_mono: int = 0  # nothing is sent before; 0: no hold
    wait: int = 0  # how long the hall says that everybody waits now, microseconds
    rtt: float = 0.0  # smoothed, microseconds; 0: not measured
    rtt_var: float = 0.0
    timeouts: int = 0  # in a row
    resting: tuple[Rest, ...] = ()
    refusals: int = 0  # runs not taken since the last one that was
    window: Window = Window()
    refused: str = ""
    hellos: tuple[int, ...] = ()  # wall times that the hellos name which the next welcome may answer


def connected(sync: Sync) -> Sync:
    state = replace(sync, phase=Phase.HELLO, flights=(), refused="", timeouts=0, hold_mono=0, hellos=())
    return replace(state, resting=(), refusals=0)


def greeted(sync: Sync, at_wall: int) -> Sync:
    """A hello was said that names this time."""
    return replace(sync, hellos=(*sync.hellos, at_wall)[-HELLOS:])


def is_awaited(sync: Sync, welcome: Welcome) -> bool:
    """Whether a welcome answers what was asked since we last knew what we are to the hall.

    One to an earlier hello, which the broker kept or repeated, says of a box that has sent records since what would be true
    of one that has not: that it is a copy.
    """
    is_ours = welcome.epoch == sync.epoch and welcome.asked_wall in sync.hellos
    return is_ours and sync.phase in {Phase.HELLO, Phase.REFUSED}


def told(sync: Sync, wait: int) -> Sync:
    """The hall has said how long what arrives now waits there, in microseconds: what is under way has waited as long."""
    wait = min(wait, LONGEST_WAIT)
    flights = tuple(replace(f, wait=max(f.wait, wait)) for f in sync.flights)
    return replace(sync, wait=wait, flights=flights)


def lost(sync: Sync) -> Sync:
    return replace(sync, phase=Phase.OFFLINE, flights=())


def welcomed(sync: Sync, welcome: Welcome, newest: int, now: int, forgotten: int = 0) -> Sync:
    """The hall has said what it holds. A welcome of another epoch is not ours and changes nothing.

    `forgotten`: numbers up to it are gone here; what the hall lacks of them is declared, not sent.
    """
    if welcome.epoch != sync.epoch or sync.phase is Phase.OFFLINE:
        return sync
    sync = replace(sync, hellos=())
    if welcome.refused:
        return stopped(sync, welcome.refused)
    state = replace(
        sync,
        upto=welcome.upto,
        ranges=joined(welcome.ranges, [(1, forgotten)])
        if forgotten > welcome.upto
        else tuple(welcome.ranges),
        cut=_ALL if welcome.draining else newest,
        flights=(),
        credit=welcome.credit_bytes,
        credit_mono=now,
        welcomed_mono=now,
        refused="",
    )
    return _settle(state)


def heeded(sync: Sync, ack: Ack, asked_mono: int | None) -> Ack:
    """What of an ack counts. `asked_mono`: when that was sent which it says it answers; None: it names nothing of ours.

    One that answers nothing we have sent since the welcome states nothing: the broker may have kept it from before the hall was
    set back to a backup, and we would forget what nobody holds.
    """
    if asked_mono is not None and asked_mono >= sync.welcomed_mono:
        return ack
    return replace(ack, upto=0, ranges=[], upto_hash=b"")


def acknowledged(sync: Sync, ack: Ack, now: int) -> Sync:
    """The hall has committed. An ack of another epoch, or before the welcome, changes nothing.

    `upto` never falls: a repeated or late ack is harmless. A hall that really holds less (restored from a backup)
    says so in a welcome.
    """
    if ack.epoch != sync.epoch or sync.phase not in {Phase.CATCHUP, Phase.STEADY}:
        return sync
    if any(nack.code in _PERMANENT for nack in ack.nacks):
        return stopped(sync, next(nack.code for nack in ack.nacks if nack.code in _PERMANENT))
    if any(nack.code in _INTRODUCE for nack in ack.nacks):
        return connected(sync)
    sparse = _scattered(sync, ack)
    refused = {run: code for run, code in _refused(sync, ack).items() if run not in sparse}
    done = [f for f in sync.flights if holds(f.first, f.last, ack.upto, tuple(ack.ranges))]
    state = _measure(sync, done, now)
    state = replace(
        state,
        upto=max(sync.upto, ack.upto),
        ranges=joined(sync.ranges, ack.ranges),
        flights=tuple(
            f for f in sync.flights if f not in done and (f.first, f.last) not in refused.keys() | sparse
        ),
        timeouts=0 if done else sync.timeouts,
        refusals=len(refused) + (0 if done else sync.refusals),
    )
    if sparse or not refused:  # else it says nothing of what may be under way
        state = replace(state, credit=0 if sparse else ack.credit_bytes, credit_mono=now)
    apart = state.refusals < MOST_REFUSALS
    if refused and not apart:
        state = replace(state, hold_mono=now + CREDIT_RETRY)
    rests = resting.rested(state.resting, refused, state.upto, state.ranges, now, apart=apart)
    return _settle(replace(state, resting=rests))


def _refused(sync: Sync, ack: Ack) -> dict[tuple[int, int], str]:
    """Runs of ours that must be sent again, each with the code; an answer to something that somebody else sent in our name
    stops nothing."""
    under_way = {(f.first, f.last) for f in sync.flights}
    said = {(nack.first, nack.last): nack.code for nack in ack.nacks if not nack.permanent}
    return {run: code for run, code in said.items() if run in under_way}


def _scattered(sync: Sync, ack: Ack) -> set[tuple[int, int]]:
    """Backlog that must wait until holes below it are closed: one run is tried at a time, and live ones need not wait."""
    bulk = {(f.first, f.last) for f in sync.flights if f.lane is Lane.BULK}
    return {(nack.first, nack.last) for nack in ack.nacks if nack.code == "scattered"} & bulk


def next_send(sync: Sync, newest: int, now: int, *, bulk_mono: int = 0) -> Send | None:
    """The run to publish now, or None. Live first; bulk while its bytes under way stay in window and credit.

    `bulk_mono`: before it no backlog is sent.
    """
    if sync.phase not in {Phase.CATCHUP, Phase.STEADY} or now < sync.hold_mono:
        return None
    live = [f for f in sync.flights if f.lane is Lane.LIVE]
    if len(live) < LIVE_FLIGHTS:
        run = _free_run(sync, max(sync.cut, sync.upto) + 1, newest, MAX_ROWS)
        if run is not None:
            return Send(Lane.LIVE, *run)
    if now < bulk_mono:
        return None
    in_flight = sum(f.bytes for f in sync.flights if f.lane is Lane.BULK)
    starved = sync.credit == 0 and in_flight == 0 and now - sync.credit_mono >= CREDIT_RETRY
    if in_flight < min(sync.credit, sync.window.bytes) or starved:
        run = _free_run(sync, sync.upto + 1, min(sync.cut, newest), sync.window.rows)
        if run is not None:
            return Send(Lane.BULK, *run)
    return None


def sent(sync: Sync, flight: Flight) -> Sync:
    flight = replace(flight, delivered=sync.window.delivered, wait=sync.wait)
    seen = sync.window
    if flight.lane is Lane.BULK:
        seen = window.sent(seen, flight.last - flight.first + 1, flight.bytes)
    return replace(sync, flights=(*sync.flights, flight), window=seen)


def unsent(sync: Sync, first: int, now: int) -> Sync:
    """The broker said at once that nobody listens: take the run back, and send nothing for a while."""
    kept = tuple(f for f in sync.flights if f.first != first)
    return replace(sync, flights=kept, hold_mono=now + CREDIT_RETRY)


def denied(sync: Sync, flight: Flight) -> Sync:
    """The broker does not let us use this lane: what was live is backlog now (a box that another has replaced)."""
    kept = tuple(f for f in sync.flights if f.first != flight.first)
    return replace(sync, flights=kept, cut=max(sync.cut, flight.last))


def stopped(sync: Sync, code: str) -> Sync:
    """We may not speak at all: stop sending, keep everything."""
    return replace(sync, phase=Phase.REFUSED, refused=code, flights=())


def skipped(sync: Sync, first: int, last: int) -> Sync:
    """These numbers can never be sent (damaged, declared as a gap): treat them as held until the hall says so."""
    state = replace(sync, ranges=joined(sync.ranges, [(first, last)]))
    return _settle(state) if sync.phase in {Phase.CATCHUP, Phase.STEADY} else state


def is_idle(sync: Sync, newest: int) -> bool:
    """Nothing is under way, and of what the hall lacks nothing is left that could be sent."""
    return not (sync.flights or sync.resting) and _free_run(sync, sync.upto + 1, newest, 1) is None


def lacking(sync: Sync, newest: int) -> int:
    """How many of the numbers up to `newest` the hall does not hold, as it has told us."""
    held = sum(hi - max(lo, sync.upto + 1) + 1 for lo, hi in sync.ranges if hi > sync.upto)
    return max(0, newest - sync.upto) - held


def expire(sync: Sync, now: int) -> Sync:
    """Drop flights whose acknowledgement is overdue: they are sent again. End a hold and rests that are over.

    Every third time in a row nothing is sent before the hall has said anew what we are to it.
    """
    if sync.hold_mono and now >= sync.hold_mono:
        sync = replace(sync, hold_mono=0)
    if any(r.until_mono and r.until_mono <= now for r in sync.resting):
        sync = replace(sync, resting=resting.awoken(sync.resting, now))
    kept = tuple(f for f in sync.flights if now - f.sent_mono < patience(sync, f))
    if len(kept) == len(sync.flights):
        return sync
    sync = replace(sync, flights=kept, timeouts=sync.timeouts + 1)
    return replace(sync, phase=Phase.HELLO, flights=()) if sync.timeouts % PATIENCE == 0 else sync


def timeout(sync: Sync) -> int:
    """How long to wait for an acknowledgement: from the measured round trip (RFC 6298), doubled per miss."""
    base = sync.rtt + 4 * sync.rtt_var if sync.rtt else FIRST_TIMEOUT
    return int(min(MAX_TIMEOUT, max(MIN_TIMEOUT, base) * 2.0 ** min(sync.timeouts, 5)))


def patience(sync: Sync, flight: Flight) -> int:
    """How long to wait for this one: where the hall has said that everybody waits, at least three times that.

    After an outage a herd that sends again what is only queued would make the queue longer still.
    """
    return max(timeout(sync), 3 * flight.wait)


def wake_at(sync: Sync) -> int | None:
    """Monotonic time at which something is due without any event; None: only an event can change anything.

    A first time-out, the end of a hold or rest, or, while a backlog waits and none of it is in flight, the credit retry.
    """
    rests = [r.until_mono for r in sync.resting if r.until_mono]
    times = [f.sent_mono + patience(sync, f) for f in sync.flights] + rests
    if sync.hold_mono:
        times.append(sync.hold_mono)
    elif sync.phase is Phase.CATCHUP and sync.credit == 0 and _no_bulk(sync):
        times.append(max(sync.credit_mono + CREDIT_RETRY, min(rests, default=0)))
    return min(times, default=None)


def _no_bulk(sync: Sync) -> bool:
    return all(f.lane is not Lane.BULK for f in sync.flights)


def _settle(sync: Sync) -> Sync:
    """CATCHUP until everything up to the cut is held."""
    caught_up = holds(sync.upto + 1, sync.cut, sync.upto, sync.ranges)
    return replace(sync, phase=Phase.STEADY if caught_up else Phase.CATCHUP)


def _free_run(sync: Sync, first: int, last: int, rows: int) -> tuple[int, int] | None:
    """The first run in first..last that is neither held nor in flight nor resting, at most `rows` long."""
    rests = ((r.first, r.last) for r in sync.resting if r.until_mono)
    taken = sorted([*sync.ranges, *((f.first, f.last) for f in sync.flights), *rests])
    for lo, hi in taken:
        if hi < first:
            continue
        if lo > first:
            last = min(last, lo - 1)
            break
        first = hi + 1
    last = min(resting.border(sync.resting, first, last), first + rows - 1)
    return (first, last) if first <= last else None


def _measure(sync: Sync, done: Iterable[Flight], now: int) -> Sync:
    """Smoothed round trip and its variation (RFC 6298 2.2, 2.3), and what the line delivers."""
    rtt, var, seen = sync.rtt, sync.rtt_var, sync.window
    for flight in done:
        sample = now - flight.sent_mono
        seen = window.acknowledged(seen, flight.bytes, flight.delivered, flight.sent_mono, now)
        if not rtt:
            rtt, var = float(sample), sample / 2
        else:
            var += (abs(rtt - sample) - var) / 4
            rtt += (sample - rtt) / 8
    return replace(sync, rtt=rtt, rtt_var=var, window=seen)
