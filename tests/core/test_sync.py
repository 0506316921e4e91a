"""The site's half of the delivery: examples of each rule; the model test drives it whole."""

from agent.core import sync
from agent.core.sync import Flight, Phase, Send, Sync
from common.core.batch import Lane
from common.core.instant import SECOND
from common.core.message import Ack, Nack, Welcome

EPOCH = b"epoch--1"
OTHER = b"epoch--2"


def welcome(upto: int, epoch: bytes = EPOCH, refused: str = "", credit: int = 1_000_000) -> Welcome:
    return Welcome(epoch, "c1", upto, [], b"", credit, 0, 0, refused)


def ack(upto: int, *ranges: tuple[int, int], epoch: bytes = EPOCH, credit: int = 1_000_000) -> Ack:
    return Ack(epoch, upto, list(ranges), [], credit, 0)


def steady(newest: int = 0, upto: int = 0) -> Sync:
    return sync.welcomed(sync.connected(Sync(EPOCH)), welcome(upto), newest, now=0)


def flying(state: Sync, lane: Lane, first: int, last: int, now: int = 0) -> Sync:
    return sync.sent(state, Flight(lane, first, last, 1000, now))


def test_nothing_is_sent_before_the_welcome() -> None:
    assert sync.next_send(Sync(EPOCH), 10, 0) is None
    assert sync.next_send(sync.connected(Sync(EPOCH)), 10, 0) is None


def test_what_was_there_at_the_welcome_goes_out_as_bulk_oldest_first() -> None:
    state = steady(newest=1200, upto=100)
    assert state.phase is Phase.CATCHUP
    assert sync.next_send(state, 1200, 0) == Send(Lane.BULK, 101, 600)


def test_a_record_made_after_the_welcome_goes_out_as_live_before_the_backlog() -> None:
    state = steady(newest=1200)
    assert sync.next_send(state, 1203, 0) == Send(Lane.LIVE, 1201, 1203)
    state = flying(state, Lane.LIVE, 1201, 1203)
    assert sync.next_send(state, 1203, 0) == Send(Lane.BULK, 1, 500)


def test_a_run_in_flight_is_not_sent_twice_until_its_time_is_out() -> None:
    state = flying(steady(), Lane.LIVE, 1, 3)
    assert sync.next_send(state, 3, 0) is None
    late = sync.timeout(state)
    assert sync.next_send(sync.expire(state, late), 3, late) == Send(Lane.LIVE, 1, 3)


def test_an_ack_frees_the_next_run_at_once() -> None:
    state = flying(steady(newest=600), Lane.BULK, 1, 500)
    state = sync.acknowledged(state, ack(500), now=SECOND)
    assert sync.next_send(state, 600, SECOND) == Send(Lane.BULK, 501, 600)
    assert state.rtt == SECOND


def test_an_ack_of_another_epoch_changes_nothing() -> None:
    state = flying(steady(newest=10), Lane.BULK, 1, 10)
    assert sync.acknowledged(state, ack(10, epoch=OTHER), now=1) == state


def test_an_older_ack_never_lowers_what_is_known_to_be_held() -> None:
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
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(0, credit=0), 10, now=0)
    assert sync.next_send(state, 10, 0) is None
    assert sync.wake_at(state) == sync.CREDIT_RETRY
    assert sync.next_send(state, 10, sync.CREDIT_RETRY) == Send(Lane.BULK, 1, 10)


def test_live_records_do_not_wait_for_credit() -> None:
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(0, credit=0), 10, now=0)
    assert sync.next_send(state, 11, 0) == Send(Lane.LIVE, 11, 11)


def test_a_refusal_stops_sending_and_keeps_everything() -> None:
    state = sync.welcomed(sync.connected(Sync(EPOCH)), welcome(0, refused="superseded"), 10, now=0)
    assert state.phase is Phase.REFUSED
    assert sync.next_send(state, 10, 0) is None


def test_an_unknown_epoch_makes_the_box_introduce_itself_again() -> None:
    unknown = Ack(EPOCH, 0, [], [Nack(1, 10, "unknown_epoch", permanent=False)], 0, 0)
    assert sync.acknowledged(steady(newest=10), unknown, now=1).phase is Phase.HELLO


def test_waiting_for_an_ack_doubles_with_each_miss_up_to_a_minute() -> None:
    state = flying(steady(), Lane.LIVE, 1, 1)
    waits = []
    for _ in range(8):
        waits.append(sync.timeout(state))
        state = flying(sync.expire(state, state.flights[0].sent_mono + sync.timeout(state)), Lane.LIVE, 1, 1)
    assert waits[:3] == [5 * SECOND, 10 * SECOND, 20 * SECOND]
    assert waits[-1] == 60 * SECOND


def test_a_number_that_can_never_be_sent_is_passed_over() -> None:
    state = sync.skipped(steady(newest=10), 1)
    assert sync.next_send(state, 10, 0) == Send(Lane.BULK, 2, 10)
