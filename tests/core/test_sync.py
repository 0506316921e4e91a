"""The site's half of the delivery: examples of each rule; the model test drives it whole."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.core import resting, sync
from agent.core.sync import Flight, Phase, Send, Sync
from agent.core.window import Window
from common.core.batch import Lane
from common.core.instant import MINUTE, SECOND
from common.core.message import Ack, Nack, Welcome

EPOCH = b"epoch--1"
OTHER = b"epoch--2"


def welcome(upto: int, epoch: bytes = EPOCH, refused: str = "", credit: int = 1_000_000) -> Welcome:
    return Welcome(epoch, "c1", upto, [], b"", credit, 0, 0, refused)


def ack(upto: int, *ranges: tuple[int, int], epoch: bytes = EPOCH, credit: int = 1_000_000) -> Ack:
    return Ack(epoch, upto, list(ranges), [], credit, 0)


def nack(first: int, last: int, code: str, *, permanent: bool = False) -> Ack:
    return Ack(EPOCH, 0, [], [Nack(first, last, code, permanent)], 1_000_000, 0)


def steady(newest: int = 0, upto: int = 0) -> Sync:
    return sync.welcomed(sync.connected(Sync(EPOCH)), welcome(upto), newest, now=0)


def flying(state: Sync, lane: Lane, first: int, last: int, now: int = 0) -> Sync:
    return sync.sent(state, Flight(lane, first, last, 1000, now))


def test_nothing_is_sent_before_the_welcome() -> None:
    """P-HELLO-01"""
    assert sync.next_send(Sync(EPOCH), 10, 0) is None
    assert sync.next_send(sync.connected(Sync(EPOCH)), 10, 0) is None


def test_a_welcome_is_awaited_until_one_has_answered_and_only_of_what_was_asked_since() -> None:
    """P-HELLO-05"""
    state = sync.greeted(sync.greeted(sync.connected(Sync(EPOCH)), 7), 8)
    of = {wall: replace(welcome(0), asked_wall=wall) for wall in (0, 7, 8, 9)}
    assert [wall for wall, one in of.items() if sync.is_awaited(state, one)] == [7, 8]
    assert not sync.is_awaited(state, replace(of[7], epoch=OTHER))
    refused = sync.welcomed(state, replace(of[7], refused="superseded"), 0, now=0)
    assert sync.is_awaited(sync.greeted(refused, 9), of[9])
    for later in (sync.welcomed(state, of[7], 0, now=0), sync.connected(state), refused):
        asked = sync.greeted(later, 9)
        assert not sync.is_awaited(asked, of[8])
        assert sync.is_awaited(asked, of[9]) is (asked.phase is not Phase.STEADY)
    herd = state
    for wall in range(100):
        herd = sync.greeted(herd, wall)
    assert len(herd.hellos) == sync.HELLOS


def test_a_run_stays_under_way_until_its_very_number_is_held() -> None:
    """P-ACK-04"""
    state = flying(steady(newest=0), Lane.LIVE, 5, 5)
    assert sync.acknowledged(state, ack(4), now=1).flights == state.flights
    assert sync.acknowledged(state, ack(5), now=1).flights == ()


def test_what_was_there_at_the_welcome_goes_out_as_bulk_oldest_first() -> None:
    """P-ACK-07"""
    state = steady(newest=1200, upto=100)
    assert state.phase is Phase.CATCHUP
    assert sync.next_send(state, 1200, 0) == Send(Lane.BULK, 101, 100 + Window().rows)


def test_a_record_made_after_the_welcome_goes_out_as_live_before_the_backlog() -> None:
    """P-ACK-07"""
    state = steady(newest=1200)
    assert sync.next_send(state, 1203, 0) == Send(Lane.LIVE, 1201, 1203)
    state = flying(state, Lane.LIVE, 1201, 1203)
    assert sync.next_send(state, 1203, 0) == Send(Lane.BULK, 1, Window().rows)


def test_a_run_in_flight_is_not_sent_twice_until_its_time_is_out() -> None:
    """P-ACK-05"""
    state = flying(steady(), Lane.LIVE, 1, 3)
    assert sync.next_send(state, 3, 0) is None
    late = sync.timeout(state)
    assert sync.next_send(sync.expire(state, late), 3, late) == Send(Lane.LIVE, 1, 3)


def test_an_ack_frees_the_next_run_at_once() -> None:
    state = flying(steady(newest=600), Lane.BULK, 1, 590)
    state = sync.acknowledged(state, ack(590), now=SECOND)
    assert sync.next_send(state, 600, SECOND) == Send(Lane.BULK, 591, 600)
    assert state.rtt == SECOND


def test_an_ack_of_another_epoch_changes_nothing() -> None:
    """P-ACK-03"""
    state = flying(steady(newest=10), Lane.BULK, 1, 10)
    assert sync.acknowledged(state, ack(10, epoch=OTHER), now=1) == state


def test_an_ack_states_something_only_where_it_answers_what_was_sent_since_the_welcome() -> None:
    """P-ACK-03"""
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(3), 9, now=50)
    said = replace(ack(8), nacks=[Nack(9, 9, "bad_record", permanent=True)], upto_hash=b"h")
    for asked in (None, 49):
        heard = sync.heeded(state, said, asked)
        assert (heard.upto, heard.ranges, heard.upto_hash, heard.nacks) == (0, [], b"", said.nacks)
        assert sync.acknowledged(state, heard, now=60).upto == 3
    assert sync.heeded(state, said, 50) == said


def test_an_older_ack_never_lowers_what_is_known_to_be_held() -> None:
    """P-ACK-02"""
    state = sync.acknowledged(steady(newest=10), ack(10), now=1)
    assert sync.acknowledged(state, ack(4), now=2).upto == 10


def test_ranges_above_upto_are_not_sent_again() -> None:
    state = sync.acknowledged(steady(newest=20), ack(2, (5, 9)), now=1)
    assert sync.next_send(state, 20, 1) == Send(Lane.BULK, 3, 4)
    state = flying(state, Lane.BULK, 3, 4)
    assert sync.next_send(state, 20, 1) == Send(Lane.BULK, 10, 20)


def test_catch_up_ends_when_everything_up_to_the_cut_is_held() -> None:
    state = steady(newest=20)
    assert sync.acknowledged(state, ack(2, (5, 20)), now=1).phase is Phase.CATCHUP
    assert sync.acknowledged(state, ack(20), now=1).phase is Phase.STEADY


def test_bulk_waits_for_credit_and_tries_again_after_a_pause() -> None:
    """P-ACK-07"""
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(0, credit=0), 10, now=0)
    assert sync.next_send(state, 10, 0) is None
    assert sync.wake_at(state) == sync.CREDIT_RETRY
    assert sync.next_send(state, 10, sync.CREDIT_RETRY) == Send(Lane.BULK, 1, 10)


def test_live_records_do_not_wait_for_credit() -> None:
    """P-ACK-07"""
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(0, credit=0), 10, now=0)
    assert sync.next_send(state, 11, 0) == Send(Lane.LIVE, 11, 11)


def test_a_refusal_stops_sending_and_keeps_everything() -> None:
    """P-HELLO-07"""
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(0, refused="superseded"), 10, now=0)
    assert state.phase is Phase.REFUSED
    assert sync.next_send(state, 10, 0) is None


@pytest.mark.parametrize("code", ["unknown_epoch", "unknown_key"])
def test_an_unknown_epoch_or_key_makes_the_box_introduce_itself_again(code: str) -> None:
    """P-HELLO-08"""
    state = flying(steady(newest=10), Lane.BULK, 1, 10)
    again = sync.acknowledged(state, nack(1, 10, code), now=1)
    assert (again.phase, again.flights) == (Phase.HELLO, ())
    assert sync.next_send(sync.welcomed(again, welcome(0), 10, 1), 10, 1) == Send(Lane.BULK, 1, 10)


def test_after_three_overdue_acknowledgements_in_a_row_the_box_introduces_itself_again() -> None:
    """P-HELLO-08: it may have been replaced, and MQTT 3.1.1 would not say so."""
    state = steady(newest=10, upto=10)
    for _ in range(sync.PATIENCE):
        assert state.phase is Phase.STEADY
        state = flying(state, Lane.LIVE, 11, 12)
        state = sync.expire(state, state.flights[0].sent_mono + sync.timeout(state))
    assert (state.phase, state.flights, sync.next_send(state, 12, 0)) == (Phase.HELLO, (), None)
    assert sync.next_send(sync.welcomed(state, welcome(10), 12, 1), 12, 1) == Send(Lane.BULK, 11, 12)


def test_a_box_that_drains_sends_all_of_it_on_the_bulk_lane() -> None:
    """P-HELLO-09"""
    state = sync.welcomed(sync.connected(Sync(EPOCH)), replace(welcome(4), draining=True), 10, now=0)
    assert sync.next_send(state, 12, 0) == Send(Lane.BULK, 5, 12)
    state = sync.acknowledged(state, Ack(EPOCH, 12, [], [], 1000, 0), now=1)
    assert sync.next_send(state, 13, 1) == Send(Lane.BULK, 13, 13)


def test_waiting_for_an_ack_doubles_with_each_miss_up_to_a_minute() -> None:
    """P-ACK-05"""
    state = flying(steady(), Lane.LIVE, 1, 1)
    waits = []
    for _ in range(8):
        waits.append(sync.timeout(state))
        state = sync.expire(state, state.flights[0].sent_mono + sync.timeout(state))
        state = flying(replace(state, phase=Phase.STEADY), Lane.LIVE, 1, 1)
    assert waits[:3] == [5 * SECOND, 10 * SECOND, 20 * SECOND]
    assert waits[-1] == 60 * SECOND


def test_a_number_that_can_never_be_sent_is_passed_over() -> None:
    state = sync.skipped(steady(newest=10), 1, 3)
    assert sync.next_send(state, 10, 0) == Send(Lane.BULK, 4, 10)


def test_an_ack_before_the_welcome_changes_nothing() -> None:
    """P-ACK-03"""
    for state in (Sync(EPOCH), sync.connected(Sync(EPOCH))):
        assert sync.acknowledged(state, ack(10), now=1) == state


def test_a_welcome_of_another_epoch_or_without_a_connection_changes_nothing() -> None:
    """P-HELLO-05"""
    state = sync.connected(Sync(EPOCH))
    assert sync.welcomed(state, welcome(5, epoch=OTHER), 10, 0) == state
    assert sync.welcomed(Sync(EPOCH), welcome(5), 10, 0) == Sync(EPOCH)


def test_a_restored_hall_is_believed_at_the_welcome_although_it_holds_less() -> None:
    """P-HELLO-05"""
    state = sync.acknowledged(steady(newest=100), ack(80, (85, 90)), now=1)
    state = sync.welcomed(sync.connected(state), welcome(40), 100, now=2)
    assert (state.upto, state.ranges, state.phase) == (40, (), Phase.CATCHUP)
    assert sync.next_send(state, 100, 2) == Send(Lane.BULK, 41, 100)


@pytest.mark.parametrize("code", ["fork", "superseded", "revoked", "retired"])
def test_a_permanent_refusal_in_an_ack_stops_sending(code: str) -> None:
    """P-NACK-03, P-HELLO-07"""
    state = flying(steady(newest=10), Lane.BULK, 1, 5)
    state = sync.acknowledged(state, nack(1, 5, code, permanent=True), now=1)
    assert (state.phase, state.refused, state.flights) == (Phase.REFUSED, code, ())
    assert sync.next_send(state, 10, 1) is None
    assert sync.acknowledged(state, ack(10), now=2) == state


def test_a_run_that_was_not_taken_for_now_is_sent_again() -> None:
    """P-NACK-03"""
    state = flying(steady(newest=10), Lane.BULK, 1, 10)
    assert sync.next_send(state, 10, 1) is None
    state = sync.acknowledged(state, nack(1, 10, "busy"), now=1)
    assert sync.next_send(state, 10, 1) is None  # not at once: it would only be refused again
    assert sync.wake_at(state) == 1 + sync.CREDIT_RETRY
    state = sync.expire(state, 1 + sync.CREDIT_RETRY)
    assert sync.next_send(state, 10, 1 + sync.CREDIT_RETRY) == Send(Lane.BULK, 1, 10)


def test_a_record_that_is_never_taken_holds_back_nothing_behind_it() -> None:
    """P-NACK-03: however often it is refused, and though its refusals grant no credit."""
    newest, now, state = 3000, 0, steady(newest=3000)
    tried: list[int] = []
    while len(tried) < 5 and now < MINUTE * 10:
        state = sync.expire(state, now)
        send = sync.next_send(state, newest, now)
        if send is None:
            now = max(now + 1, sync.wake_at(state) or 0)
            continue
        first, last = send.first, send.last
        state = flying(state, send.lane, first, last, now)
        if not first <= 7 <= last:
            state = sync.acknowledged(state, ack(0, (first, last)), now)
            continue
        tried.append(now)
        state = sync.acknowledged(
            state, ack(0, *[run for run in [(first, 6), (8, last)] if run[0] <= run[1]]), now
        )
        refusal = Ack(EPOCH, 0, [], [Nack(first, last, "failed", permanent=False)], 0, 0)
        state = sync.acknowledged(state, refusal, now)
    assert [after - before for before, after in pairwise(tried)] == [n * SECOND for n in (5, 10, 20, 40)]
    assert sync.lacking(state, newest) == 1
    assert sync.next_send(state, 3001, now) == Send(Lane.LIVE, 3001, 3001)
    assert not sync.is_idle(state, newest)


@pytest.mark.parametrize("poison", [{7}, {1, 300, 301}, {250}, {500, 501, 502}])
def test_what_the_hall_refuses_whole_is_told_apart_by_halves(poison: set[int]) -> None:
    """P-NACK-05: a hall that cannot open a batch cannot say which of its records it is."""
    newest, now, state, sendings = 900, 0, steady(newest=900), 0
    held: set[int] = set()
    while len(held) < newest - len(poison) and now < 20 * MINUTE:
        state = sync.expire(state, now)
        send = sync.next_send(state, newest, now)
        if send is None:
            now = max(now + 1, sync.wake_at(state) or 0)
            continue
        sendings += 1
        numbers = set(range(send.first, send.last + 1))
        assert not numbers & held, "nothing is sent in vain"
        state = flying(state, send.lane, send.first, send.last, now)
        if numbers & poison:
            state = sync.acknowledged(state, nack(send.first, send.last, "bad_seal"), now)
            continue
        held |= numbers
        state = sync.acknowledged(state, ack(0, (send.first, send.last)), now)
    assert held == set(range(1, newest + 1)) - poison
    assert now < 3 * MINUTE
    assert sendings < 20 * (1 + len(poison))


@pytest.mark.parametrize(
    ("code", "runs"), [("bad_seal", [(4, 6), (7, 9)]), ("failed", [(4, 6), (7, 9)]), ("scattered", [(4, 9)])]
)
def test_a_run_that_is_refused_for_its_place_stays_whole(code: str, runs: list[tuple[int, int]]) -> None:
    """P-NACK-05: halves of it would lie as far off."""
    state, now = steady(newest=3, upto=3), 0
    for _ in range(2):
        state = flying(sync.expire(state, now), Lane.LIVE, 4, 9, now)
        state = sync.acknowledged(state, nack(4, 9, code), now)
        now = sync.wake_at(state) or 0
    assert [(rest.first, rest.last) for rest in state.resting] == runs


def test_what_is_refused_again_and_again_is_named_with_its_code() -> None:
    """P-NACK-05"""
    said, now, state = [], 0, steady(newest=1)
    for _ in range(4):
        state = flying(sync.expire(state, now), Lane.BULK, 1, 1, now)
        state = sync.acknowledged(state, nack(1, 1, "bad_chain"), now)
        said.append(resting.notice(state.resting))
        now = sync.wake_at(state) or 0
    assert said == ["", "", "", "市中心一再不收编号 1（bad_chain），本机保留并继续重送"]
    assert resting.notice(sync.acknowledged(state, ack(1), now).resting) == ""


def test_a_refusal_takes_no_credit() -> None:
    """P-NACK-03: it says nothing of what may be under way, so the backlog behind it goes on at once."""
    state = flying(steady(newest=1200), Lane.BULK, 1, 10)
    refusal = Ack(EPOCH, 0, [], [Nack(1, 10, "failed", permanent=False)], 0, 0)
    state = sync.acknowledged(state, refusal, now=1)
    assert sync.next_send(state, 1200, 1) == Send(Lane.BULK, 11, 10 + state.window.rows)


def test_where_nothing_is_taken_everything_waits() -> None:
    """P-NACK-03: a key that does not fit would otherwise send the whole backlog in vain."""
    state, sent = steady(newest=100_000), 0
    while (send := sync.next_send(state, 100_000, 1)) is not None:
        sent += 1
        state = flying(state, send.lane, send.first, send.last, now=1)
        state = sync.acknowledged(state, nack(send.first, send.last, "bad_signature"), now=1)
    assert sent == sync.MOST_REFUSALS
    assert sync.wake_at(state) == 1 + sync.CREDIT_RETRY
    again = sync.expire(state, 1 + sync.CREDIT_RETRY)
    assert sync.next_send(again, 100_000, 1 + sync.CREDIT_RETRY) is not None
    assert sync.connected(again).resting == ()


def test_a_buried_record_counts_as_held() -> None:
    """P-NACK-02"""
    state = flying(steady(newest=10), Lane.BULK, 1, 10)
    buried = Ack(EPOCH, 10, [], [Nack(4, 4, "bad_record", permanent=True)], 1_000_000, 0)
    state = sync.acknowledged(state, buried, now=1)
    assert (state.phase, state.upto) == (Phase.STEADY, 10)


def test_bulk_waits_when_nobody_listens() -> None:
    """P-MQTT-03"""
    state = flying(steady(newest=10), Lane.BULK, 1, 10, now=7)
    state = sync.unsent(state, 1, now=8)
    assert state.flights == ()
    assert sync.next_send(state, 10, 9) is None
    assert sync.next_send(state, 10, 8 + sync.CREDIT_RETRY) == Send(Lane.BULK, 1, 10)


def test_what_may_not_go_as_live_goes_as_backlog_and_what_may_not_go_at_all_stays() -> None:
    """P-MQTT-05"""
    state = flying(steady(newest=10, upto=10), Lane.LIVE, 11, 12)
    state = sync.denied(state, state.flights[0])
    assert sync.next_send(state, 12, 0) == Send(Lane.BULK, 11, 12)
    stopped = sync.stopped(flying(state, Lane.BULK, 11, 12), "denied")
    assert (stopped.phase, stopped.flights, stopped.upto) == (Phase.REFUSED, (), 10)
    assert sync.next_send(stopped, 12, 10**12) is None


def test_only_the_halls_word_makes_a_number_held() -> None:
    """P-MQTT-02, P-ACK-04"""
    state = flying(steady(newest=10), Lane.BULK, 1, 10)
    for after in (
        sync.lost(state),
        sync.connected(state),
        sync.unsent(state, 1, 1),
        sync.expire(state, 10**12),
    ):
        assert (after.upto, after.ranges) == (0, ())


def test_live_runs_are_at_most_four_and_a_window_of_bulk_is_counted_in_bytes() -> None:
    """P-ACK-07"""
    state = steady(newest=5000)
    state = flying(state, Lane.BULK, 1, 500)
    run = sync.next_send(state, 5000, 0)
    assert run is not None
    assert (run.lane, run.first) == (Lane.BULK, 501)
    state = sync.sent(state, Flight(Lane.BULK, 501, run.last, state.window.bytes, 0))
    assert sync.next_send(state, 5000, 0) is None
    for number in range(5001, 5001 + sync.LIVE_FLIGHTS):
        assert sync.next_send(state, number, 0) == Send(Lane.LIVE, number, number)
        state = flying(state, Lane.LIVE, number, number)
    assert sync.next_send(state, 5010, 0) is None


NEWEST = 12
STEPS = st.lists(
    st.one_of(st.just("send"), st.just("time"), st.tuples(st.booleans(), st.integers(0, 99))), max_size=40
)


@given(STEPS, st.integers(0, NEWEST), st.integers(0, 2))
def test_acks_in_any_order_with_losses_and_repeats_lose_nothing_and_reopen_nothing_below_upto(
    steps: list[str | tuple[bool, int]], cut: int, tries: int
) -> None:
    """P-ACK-02, P-ACK-04, P-ACK-05, P-BATCH-10"""
    state, now = steady(newest=cut), 0
    wire: list[tuple[int, int]] = []
    held: set[int] = set()
    acks: list[Ack] = []
    stated: set[int] = set()
    for step in steps:
        if step == "send":
            send = sync.next_send(state, NEWEST, now)
            if send is not None:
                assert send.first > state.upto
                assert not any(f.first <= send.last and send.first <= f.last for f in state.flights)
                last = min(send.last, send.first + tries)
                state = flying(state, send.lane, send.first, last, now)
                wire.append((send.first, last))
        elif step == "time":
            now += sync.timeout(state)
            state = sync.expire(state, now)
        elif isinstance(step, tuple) and step[0] and wire:  # a batch arrives: perhaps again, perhaps never
            first, last = wire[step[1] % len(wire)]
            held |= set(range(first, last + 1))
            acks.append(statement(held))
        elif isinstance(step, tuple) and acks:  # an ack arrives: any of them, again and again
            came = acks[step[1] % len(acks)]
            before = state.upto
            state = sync.acknowledged(state, came, now)
            stated |= {*range(1, came.upto + 1), *(n for lo, hi in came.ranges for n in range(lo, hi + 1))}
            assert state.upto >= before
        assert set(range(1, state.upto + 1)) <= stated
        assert stated <= held
    assert drained(state, held, now) == set(range(1, NEWEST + 1))


def statement(held: set[int]) -> Ack:
    """What the hall says when it holds exactly these numbers."""
    upto = 0
    while upto + 1 in held:
        upto += 1
    return ack(upto, *((n, n) for n in sorted(held) if n > upto))


def drained(state: Sync, held: set[int], now: int) -> set[int]:
    """From here on the wire is good: everything arrives, every ack too."""
    for _ in range(3 * NEWEST):
        if state.phase is Phase.HELLO:
            said = statement(held)
            state = sync.welcomed(state, replace(welcome(said.upto), ranges=said.ranges), NEWEST, now)
        send = sync.next_send(state, NEWEST, now)
        if send is None:
            now += sync.timeout(state)
            state = sync.expire(state, now)
            continue
        state = flying(state, send.lane, send.first, send.last, now)
        held = held | set(range(send.first, send.last + 1))
        state = sync.acknowledged(state, statement(held), now)
    assert (state.upto, state.phase) == (NEWEST, Phase.STEADY)
    return held


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50), st.integers(0, 20))
def test_the_time_out_stays_between_two_seconds_and_a_minute(trips: list[int], misses: int) -> None:
    """P-ACK-05"""
    flights = [Flight(Lane.LIVE, n, n, 100, 10**10 - trip) for n, trip in enumerate(trips, 1)]
    state = sync._measure(steady(), flights, 10**10)
    state = msgspec.structs.replace(state, timeouts=misses)
    assert sync.MIN_TIMEOUT <= sync.timeout(state) <= sync.MAX_TIMEOUT


def test_nobody_is_woken_for_nothing() -> None:
    """A wake-up in the past is a loop at full speed: while the hall is away, or has no credit and nothing waits."""
    away = sync.connected(Sync(b"epoch--1"))
    assert sync.wake_at(away) is None
    idle = replace(steady(newest=10), credit=0, phase=Phase.STEADY)
    assert sync.wake_at(idle) is None
    waiting = replace(steady(newest=10), credit=0, credit_mono=7, phase=Phase.CATCHUP)
    assert sync.wake_at(waiting) == 7 + sync.CREDIT_RETRY
    busy = sync.sent(waiting, Flight(Lane.BULK, 1, 10, 100, 8))
    assert sync.wake_at(busy) == 8 + sync.timeout(busy)


def test_nobody_listens_holds_fresh_records_too() -> None:
    """P-MQTT-03"""
    state = sync.unsent(flying(steady(newest=0), Lane.LIVE, 1, 3, now=7), 1, now=8)
    assert sync.next_send(state, 3, 9) is None
    assert sync.wake_at(state) == 8 + sync.CREDIT_RETRY
    later = sync.expire(state, 8 + sync.CREDIT_RETRY)
    assert sync.wake_at(later) is None
    assert sync.next_send(later, 3, 8 + sync.CREDIT_RETRY) == Send(Lane.LIVE, 1, 3)


def test_what_is_gone_here_is_declared_and_never_sent() -> None:
    lower = welcome(upto=3)
    state = sync.welcomed(sync.connected(Sync(b"epoch--1")), lower, newest=20, now=0, forgotten=10)
    assert sync.next_send(state, 20, 0) == Send(Lane.BULK, 11, 20)


def test_nothing_is_sent_again_while_the_hall_says_that_everybody_waits() -> None:
    """P-LIMIT-04"""
    state = flying(steady(), Lane.LIVE, 1, 2)
    assert sync.expire(state, 30 * SECOND).timeouts == 1
    waiting = sync.told(state, 20 * SECOND)
    assert sync.expire(waiting, 59 * SECOND).flights
    assert not sync.expire(waiting, 60 * SECOND).flights
    relieved = sync.told(waiting, 0)
    assert sync.expire(relieved, 59 * SECOND).flights, "it came while there was a queue"
    assert sync.patience(relieved, flying(relieved, Lane.LIVE, 3, 3).flights[-1]) == sync.timeout(relieved)
    forged = sync.told(state, 1 << 62)
    assert not sync.expire(forged, 30 * MINUTE).flights


def test_backlog_that_would_scatter_waits_and_live_records_do_not() -> None:
    """P-LIMIT-06"""
    state = flying(steady(newest=1200, upto=100), Lane.BULK, 101, 200)
    state = sync.acknowledged(state, nack(101, 200, "scattered"), now=SECOND)
    assert sync.next_send(state, 1203, SECOND) == Send(Lane.LIVE, 1201, 1203)
    assert sync.next_send(state, 1200, SECOND) is None
    assert sync.wake_at(state) == 6 * SECOND
    assert sync.next_send(state, 1200, 6 * SECOND) == Send(Lane.BULK, 101, 100 + state.window.rows)
    state = flying(steady(newest=1200, upto=100), Lane.LIVE, 1201, 1203)
    state = sync.acknowledged(state, nack(1201, 1203, "scattered"), now=SECOND)
    assert sync.next_send(state, 1203, SECOND) != Send(Lane.LIVE, 1201, 1203), "it would be refused again"


@pytest.mark.parametrize("phase", [Phase.OFFLINE, Phase.HELLO, Phase.REFUSED])
def test_a_damage_that_is_met_meanwhile_ends_no_hello(phase: Phase) -> None:
    """P-HELLO-01: it may be found by a reading that began before."""
    state = sync.skipped(replace(steady(newest=9, upto=4), phase=phase), 5, 9)
    assert (state.phase, state.ranges) == (phase, ((5, 9),))


def test_what_is_idle_has_nothing_under_way_and_nothing_to_send() -> None:
    """P-HELLO-11"""
    state = steady(newest=9, upto=4)
    assert not sync.is_idle(state, 9)
    assert not sync.is_idle(flying(state, Lane.BULK, 5, 9), 9)
    assert sync.is_idle(sync.skipped(state, 5, 9), 9)
    assert not sync.is_idle(sync.skipped(state, 5, 9), 10)


def test_the_answer_to_a_batch_that_somebody_forged_holds_up_nothing() -> None:
    """P-BATCH-15"""
    state = flying(steady(newest=1200, upto=100), Lane.BULK, 101, 200)
    state = sync.acknowledged(state, nack(101, 150, "bad_signature"), now=SECOND)
    assert sync.next_send(state, 1203, SECOND) == Send(Lane.LIVE, 1201, 1203)
    assert [(f.first, f.last) for f in state.flights] == [(101, 200)]
