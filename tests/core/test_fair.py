"""Many sites, one hall: each gets its turn, whatever another does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import fair
from central.core.fair import (
    LEAST_CREDIT,
    MOST_CREDIT,
    NORMAL_PERCENT,
    OVERHEAD,
    QUANTUM,
    QUEUE_BYTES,
    SHARE_BYTES,
    SLOW_PERCENT,
    STOP_PERCENT,
    Bucket,
    FairQueue,
    Lane,
    Pace,
    Pressure,
)
from common.core.instant import SECOND

SITES = st.sampled_from(["s01", "s02", "s03"])
MESSAGES = st.lists(st.tuples(SITES, st.sampled_from(Lane), st.integers(1, 300_000)), max_size=80)


@given(
    MESSAGES,
    st.lists(st.integers(1, 16), max_size=40),
    st.dictionaries(SITES, st.integers(1, 4)),
    st.lists(st.dictionaries(SITES, st.integers(0, 90 * SECOND)), max_size=20),
)
def test_everything_that_was_taken_in_comes_out_once_and_in_order(
    messages: list[tuple[str, Lane, int]],
    takes: list[int],
    weights: dict[str, int],
    work: list[dict[str, int]],
) -> None:
    """Whatever the work took."""
    queue: FairQueue[tuple[str, Lane, int]] = FairQueue()
    queue.weights = weights
    put, out = [], []
    rooms = iter(takes)
    for number, (site, lane, size) in enumerate(messages):
        if queue.put(site, lane, size, (site, lane, number)):
            put.append((site, lane, number))
        if number % 3 == 0:
            room = next(rooms, 4)
            found = queue.take(room)
            assert len(found) <= room
            out += found
            if work:
                queue.charge(work.pop(), {site: [1] for site in weights})
    while found := queue.take(16):
        out += found
    assert len(queue) == queue.bytes == 0
    assert sorted(out) == sorted(put)
    for site in {item[0] for item in put}:
        for lane in Lane:
            assert [x for x in out if x[:2] == (site, lane)] == [x for x in put if x[:2] == (site, lane)]


def test_a_site_that_floods_gets_no_more_than_its_turn() -> None:
    """P-LIMIT-02"""
    queue: FairQueue[str] = FairQueue()
    while queue.put("flood", Lane.BULK, QUANTUM, "flood"):
        pass
    assert queue.bytes <= SHARE_BYTES
    for number in range(8):
        assert queue.put("s01", Lane.BULK, QUANTUM, f"s01.{number}"), "the others find room"
    assert sorted(set(queue.take(16))) == ["flood", *(f"s01.{number}" for number in range(8))]


WORK_US = 500_000
"""A group with one batch of the hostile site: the most that judging for it may take (central/core/portion.py)."""


def test_others_do_not_wait_for_the_work_that_a_few_bytes_ask_for() -> None:
    """P-LIMIT-02, P-LIMIT-05: 17 sites beside one whose every batch costs a hundred times theirs, which is never out of batches."""
    queue: FairQueue[tuple[str, int]] = FairQueue()
    honest = [f"s{number:02}" for number in range(17)]
    hostile_us = others_us = 0
    for group in range(400):
        while queue.put("hostile", Lane.LIVE, 280, ("hostile", group)):
            pass
        for site in honest:
            assert queue.put(site, Lane.LIVE, 400, (site, group))
        spent: dict[str, int] = {}
        records: dict[str, list[int]] = {}
        for site, number in queue.take(18):
            records.setdefault(site, []).append(1)
            spent[site] = WORK_US if site == "hostile" else spent.get(site, 0) + 5_000
            assert site == "hostile" or group - number <= 2, "two groups is the longest that it waits"
        queue.charge(spent, records)
        hostile_us += spent.get("hostile", 0)
        others_us += sum(spent.values()) - spent.get("hostile", 0)
    assert others_us > 100 * WORK_US / 4
    assert hostile_us <= 1.5 * others_us + WORK_US


def test_who_owes_is_served_alone_and_a_message_at_a_time_and_is_forgiven_when_others_have_worked() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(50):
        queue.put("dear", Lane.BULK, 300, "dear")
    assert queue.take(16) == ["dear"] * 16
    queue.charge({"dear": SECOND}, {"dear": [1] * 16})
    assert queue.take(16) == ["dear"]
    queue.charge({"dear": 1000}, {"dear": [1]})
    queue.put("s01", Lane.BULK, 300, "s01")
    assert queue.take(16) == ["s01"], "it passes for one that owes"
    queue.charge({"s01": SECOND}, {"s01": [10_000]})
    assert queue.take(16) == ["dear"] * 16


def test_who_owes_alone_is_served_what_is_soon_done() -> None:
    """Each group has its cost beside its records': alone, a slow machine would take one small message after the other."""
    queue: FairQueue[int] = FairQueue()
    for number in range(40):
        queue.put("s01", Lane.BULK, 4_000, number)
    assert queue.take(16) == [*range(16)]
    queue.charge({"s01": 16 * 30_000}, {"s01": [10] * 16})
    assert queue.take(16) == [16, 17, 18], "30 ms each"
    queue.charge({"s01": 3 * 200_000}, {"s01": [10] * 3})
    assert queue.take(16) == [19], "200 ms each"


def test_a_site_whose_work_is_in_proportion_never_owes() -> None:
    queue: FairQueue[int] = FairQueue()
    for group in range(60):
        for number in range(16):
            queue.put("s01", Lane.BULK, 60_000, number)
        assert len(queue.take(16)) == 16, group
        queue.charge({"s01": 16 * 1000 * 100}, {"s01": [1000] * 16})


def test_a_site_whose_deadlines_are_near_gets_more() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.weights = {"near": fair.weight(50)}
    for _ in range(30):
        queue.put("near", Lane.BULK, QUANTUM, "near")
        queue.put("far", Lane.BULK, QUANTUM, "far")
    first = queue.take(16)
    assert first.count("near") == 3 * first.count("far")


def test_a_batch_larger_than_the_quantum_waits_a_few_turns_and_no_longer() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("large", Lane.BULK, 5 * QUANTUM, "large")
    for number in range(20):
        queue.put("small", Lane.BULK, QUANTUM, str(number))
    assert queue.take(16).index("large") <= 5


def test_what_was_just_entered_goes_first_and_leaves_the_backlog_a_quarter() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(40):
        queue.put("s01", Lane.BULK, 1000, "bulk")
        queue.put("s02", Lane.LIVE, 1000, "live")
    queue.put("s03", Lane.HELLO, 300, "hello")
    group = queue.take(16)
    assert group[0] == "hello"
    assert group.count("bulk") == 4
    assert group.index("bulk") > max(place for place, item in enumerate(group[:12]) if item == "live")


@given(st.lists(st.floats(0, 100), max_size=60))
def test_pressure_stops_at_80_goes_slowly_below_60_and_is_normal_below_20(fills: list[float]) -> None:
    pressure = Pressure.NORMAL
    for fill in fills:
        before, pressure = pressure, pressure.at(fill)
        if fill >= STOP_PERCENT:
            assert pressure is Pressure.STOP
        elif before is Pressure.STOP:
            want = Pressure.NORMAL if fill < NORMAL_PERCENT else Pressure.SLOW
            assert pressure is (want if fill < SLOW_PERCENT else Pressure.STOP)
        elif before is Pressure.SLOW:
            assert pressure is (Pressure.NORMAL if fill < NORMAL_PERCENT else Pressure.SLOW)
        else:
            assert pressure is Pressure.NORMAL


@pytest.mark.parametrize(
    ("before", "fill", "after"),
    [
        ("normal", 79.9, "normal"),
        ("normal", 80.0, "stop"),
        ("stop", 60.0, "stop"),
        ("stop", 59.9, "slow"),
        ("slow", 79.9, "slow"),
        ("slow", 80.0, "stop"),
        ("slow", 20.0, "slow"),
        ("slow", 19.9, "normal"),
        ("stop", 19.9, "normal"),
    ],
)
def test_the_fills_at_which_pressure_changes(before: str, fill: float, after: str) -> None:
    """P-LIMIT-02: 80, 60, 20 per cent."""
    assert Pressure(before).at(fill) == after


def test_credit_is_a_quarter_while_the_hall_is_slow_and_none_while_it_stops() -> None:
    """P-LIMIT-02: 16 MiB among those that send, 64 KiB to 1 MiB each."""
    for number, normal, slow in ((4, 1 << 20, 1 << 18), (32, 1 << 19, 1 << 17), (1000, 1 << 16, 1 << 16)):
        weights = {f"s{n:03}": 1 for n in range(number)}
        found = [fair.credit("s001", weights, Pressure(word)) for word in ("normal", "slow", "stop")]
        assert found == [normal, slow, 0]


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 4), max_size=1100), st.sampled_from(Pressure))
def test_every_site_may_send_something_unless_all_must_stop(
    weights: dict[str, int], pressure: Pressure
) -> None:
    for site in [*weights, "another"]:
        given_ = fair.credit(site, weights, pressure)
        assert given_ == 0 if pressure is Pressure.STOP else LEAST_CREDIT <= given_ <= MOST_CREDIT


def test_eighteen_sites_have_all_the_credit_they_can_use() -> None:
    weights = {f"s{number:02}": 1 for number in range(1, 17)}
    assert fair.credit("s01", weights, Pressure.NORMAL) == MOST_CREDIT
    assert QUEUE_BYTES >= 16 * SHARE_BYTES


@given(st.lists(st.integers(0, 3 * SECOND), max_size=100))
def test_no_more_pass_than_the_burst_and_the_rate(pauses: list[int]) -> None:
    bucket, now, passed = Bucket(5, 1.0), 10 * SECOND, 0
    began = now
    for pause in pauses:
        now += pause
        passed += bucket.take(now)
    assert passed <= 5 + (now - began) / SECOND + 1e-6


def test_messages_without_a_byte_are_taken_and_are_not_free() -> None:
    queue: FairQueue[int] = FairQueue()
    put = 0
    while queue.put("s02", Lane.LIVE, 0, put):
        put += 1
    assert put == SHARE_BYTES // OVERHEAD
    assert queue.put("s01", Lane.LIVE, 10, -1)
    assert -1 in queue.take(16)
    while len(queue):
        queue.take(16)
    assert (queue.bytes, queue.sending()) == (0, {})


@given(st.lists(st.tuples(st.integers(1, 16), st.integers(1, 10**7)), min_size=1), st.integers(0, 5000))
def test_the_wait_that_is_told_is_the_work_ahead_and_not_told_again_for_little(
    done: list[tuple[int, int]], waiting: int
) -> None:
    """P-LIMIT-04"""
    pace = Pace()
    for messages, us in done:
        pace.did(messages, us)
    each = [us / messages for messages, us in done]
    changed = pace.has_changed(waiting)
    assert changed is bool(pace.told_ms)
    assert pace.told_ms == 0 or min(each) * waiting <= (pace.told_ms + 1) * 1000
    assert pace.told_ms <= max(each) * waiting / 1000
    assert not pace.has_changed(waiting)
    assert not pace.has_changed(waiting + waiting // 3) or not changed
    told = pace.told_ms
    assert pace.has_changed(0) is bool(told)
