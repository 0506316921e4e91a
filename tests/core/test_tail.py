"""The end of an integer key: no number between the first and the highest read is forgotten before its time."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.tail import (
    BACK,
    ENOUGH,
    LEAST_PATIENCE,
    LONGEST_JUMP,
    MOST,
    MOST_PATIENCE,
    MOST_STEP,
    MOST_TOLD,
    Mark,
    Tail,
)
from agent.core.upheaval import FEW, LEAST, Size, Upheaval, decided, in_end, in_newest, in_page
from common.core.state import Observed


@given(st.sets(st.integers(1, 400)), st.data())
def test_every_number_is_read_or_missing(numbers: set[int], data: st.DataObject) -> None:
    """Whatever order rows become visible in, by pages beyond the highest read."""
    tail, seen = Tail(0), set[int]()
    left = sorted(numbers)
    while left:
        visible = data.draw(st.lists(st.sampled_from(left), min_size=1, unique=True))
        beyond = sorted(number for number in visible if number > (tail.high or 0))
        late = [number for number in visible if number in tail.gaps]
        tail.read(beyond, 0)
        tail.found(late, 5)
        seen |= {*beyond, *late}
        left = [number for number in left if number not in seen]
    assert seen == numbers
    missing = set(range(1, max(numbers, default=0) + 1)) - numbers
    assert set(tail.gaps) <= missing
    fair = len(numbers) < 2 * ENOUGH or {number % 2 for number in numbers} == {0, 1}
    if fair and not any(len({n % step for n in numbers}) < step for step in range(3, MOST_STEP + 1)):
        assert set(tail.gaps) == missing


def test_a_missing_number_is_given_up_after_ten_minutes_or_twice_the_longest_lateness_seen() -> None:
    tail = Tail(0)
    tail.read([1, 4, 6, 9], 0)
    assert tail.given_up(LEAST_PATIENCE) == []
    tail.found([5], LEAST_PATIENCE)
    assert tail.given_up(2 * LEAST_PATIENCE) == []
    assert tail.given_up(2 * LEAST_PATIENCE + 1) == [(2, 3), (7, 8)]
    assert tail.gaps == {}


def test_a_number_is_not_given_up_while_a_transaction_is_open_that_may_bring_it() -> None:
    tail, later = Tail(0), LEAST_PATIENCE + 1
    tail.read([1, 3], 0)
    tail.missed(following=50)
    tail.read([5], 0)
    tail.missed(following=60)
    assert tail.given_up(later, oldest=49) == []
    assert tail.given_up(later - 1, oldest=70) == [], "it may have been taken before the transaction began"
    assert tail.given_up(later, oldest=50) == [(2, 2)]
    assert tail.given_up(later, oldest=59) == []
    tail.found([4], later)
    assert (tail.gaps, tail.flying) == ({}, {})
    tail.read([7], 0)
    tail.missed(following=80)
    assert tail.given_up(MOST_PATIENCE, oldest=70) == []
    assert tail.given_up(MOST_PATIENCE + 1, oldest=70) == [(6, 6)], "a transaction that nobody ends"


@given(st.lists(st.tuples(st.sets(st.integers(1, 60)), st.booleans()), max_size=6))
def test_what_was_told_missing_is_told_no_second_time_though_the_box_starts_anew(
    steps: list[tuple[set[int], bool]],
) -> None:
    """Rows that are there at each step; after some of them a restart, which reads the numbers before the end again."""
    tail, there, told, now = Tail(0), set[int](), list[int](), 0
    for numbers, restarts in steps:
        there |= numbers
        beyond = [number for number in sorted(there) if number > (tail.high or 0)]
        tail.found(there & set(tail.gaps), now)
        tail.read(beyond, now)
        now += 3 * LEAST_PATIENCE + 2 * tail.latest_us
        told += [number for lo, hi in tail.given_up(now) for number in range(lo, hi + 1)]
        if restarts:
            tail = Tail.resumed(
                msgspec.json.decode(msgspec.json.encode(tail.mark(tail.high or 0)), type=Mark)
            )
            tail.high = 0
    assert len(told) == len(set(told))


@pytest.mark.parametrize(("step", "of"), [(2, [1]), (3, [1]), (3, [0, 2]), (10, [1, 4])])
def test_numbers_of_servers_that_nobody_writes_to_are_not_missing(step: int, of: list[int]) -> None:
    """Galera, two masters: each gives every third, second or tenth number; one in its turn that stays out is missing."""
    tail = Tail(0)
    ours = [n for n in range(1, 60 * step + 1) if n % step in of]
    lost = ours[-5]
    tail.read([n for n in ours[: ENOUGH * step] if n != lost], 0)
    tail.read([n for n in ours[ENOUGH * step :] if n != lost], 1)
    assert tail.given_up(LEAST_PATIENCE + 2) == [(lost, lost)]
    assert tail.gaps == {}


def test_a_server_that_is_written_to_anew_is_learned() -> None:
    tail = Tail(0)
    tail.read(range(1, 301, 3), 0)
    assert tail.gaps == {}
    tail.read([301, 302, 305], 1)
    assert set(tail.gaps) == {304}, "the third server is still silent"
    tail.read([n for n in range(306, 340) if n != 330], 2)
    assert set(tail.gaps) == {304, 330}


def test_few_numbers_prove_no_step() -> None:
    tail = Tail(0)
    tail.read(range(1, 1 + 3 * (2 * ENOUGH - 1), 3), 0)
    assert {2, 3} <= set(tail.gaps)


def test_a_leap_is_no_row_of_open_transactions_and_what_is_asked_for_has_a_bound() -> None:
    tail = Tail(10)
    tail.read([11 + LONGEST_JUMP + 1], 0)
    assert tail.gaps == {}
    for place in range(20):
        tail.read([(tail.high or 0) + LONGEST_JUMP], place)
    assert len(tail.gaps) == MOST


def test_a_start_looks_through_the_numbers_before_the_end_and_keeps_its_patience() -> None:
    tail = Tail.resumed(Mark(10_000, [(3, 4), (9_990, 9_992)], latest_us=LEAST_PATIENCE))
    assert tail.high == 10_000 - BACK
    tail.read([*range(10_000 - BACK + 1, 9_990), 9_994], 0)
    assert set(tail.gaps) == {9_993}
    assert tail.given_up(2 * LEAST_PATIENCE) == []
    assert tail.given_up(2 * LEAST_PATIENCE + 1) == [(9_993, 9_993)]
    assert tail.mark(9_994) == Mark(9_994, [(3, 4), (9_990, 9_992), (9_993, 9_993)], LEAST_PATIENCE)
    tail.told = [(n, n) for n in range(MOST_TOLD)]
    tail.gaps = {500: 0}
    tail.given_up(9 * LEAST_PATIENCE)
    assert (len(tail.told), tail.told[-1]) == (MOST_TOLD, (500, 500))


CASES: list[str | None] = [f"SL{number}" for number in range(40)]


def test_few_rows_are_no_upheaval_unless_the_newest_are_gone() -> None:
    assert not in_page(LEAST - 1, LEAST - 1)
    assert in_page(LEAST, LEAST)
    assert in_page(100, 21)
    assert not in_page(100, 20)
    assert in_newest([None] * 15 + CASES[:17])
    assert not in_newest([None] * 16 + CASES[:16])
    assert in_newest(CASES[:FEW] + [None] * 27)
    assert not in_newest(CASES[: FEW - 1] + [None] * 28)
    assert not in_newest([*CASES[:FEW], None, CASES[FEW]] + [None] * 25)
    assert in_newest([None] * (FEW - 1) + CASES[:FEW])
    assert not in_newest(CASES[: FEW - 1])
    assert not in_newest(["SL1"] * 20 + [None] * 12), "one case that is gone with its steps is a deletion"
    assert in_newest(["SL1"] * 20 + ["SL2"] + [None] * 11)
    assert in_end([*CASES[:1], None])
    assert in_end(CASES[:1])
    assert not in_end([None])
    assert not in_end([None, *CASES[:9]])
    assert not in_end([CASES[0], None, CASES[1]])
    assert Size(known=100, same=50, changed=30, new=0).gone == 20
    anew = Upheaval(1, newest_gone=True, anew=True)
    page, newest = Upheaval(1, newest_gone=False), Upheaval(1, newest_gone=True)
    for sign, gone, changed, is_one in (
        (page, LEAST, 0, True),
        (page, LEAST - 1, 0, False),
        (page, 0, LEAST, True),
        (newest, FEW, 0, True),
        (newest, FEW - 1, 9, False),
        (anew, 1, 0, True),
        (anew, 0, 9, False),
        (newest, FEW - 1, LEAST - FEW + 1, True),
    ):
        size = Size(known=100, same=100 - changed - gone, changed=changed, new=500)
        assert size.is_upheaval(sign) is is_one


PAGE, NEWEST_GONE = Upheaval(1, newest_gone=False), Upheaval(1, newest_gone=True)
OTHERS = Upheaval(1, newest_gone=False, of_source=True)
RESTORED, EDITED = Observed.SOURCE_RESTORED, Observed.BULK_EDIT


def sized(changed: int, gone: int, known: int = 1_000) -> Size:
    return Size(known=known, same=known - changed - gone, changed=changed, new=3)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"case": (NEWEST_GONE, sized(0, 5)), "step": (OTHERS, sized(0, 1))}, [RESTORED, RESTORED]),
        ({"case": (NEWEST_GONE, sized(9, 5)), "step": (OTHERS, sized(1, 0))}, [RESTORED, RESTORED]),
        ({"case": (NEWEST_GONE, sized(0, 5)), "step": (OTHERS, sized(0, 0))}, [RESTORED, None]),
        ({"case": (NEWEST_GONE, sized(0, 4)), "step": (OTHERS, sized(0, 1))}, [None, None]),
        ({"case": (NEWEST_GONE, sized(0, 5)), "step": (PAGE, sized(3, 0))}, [RESTORED, RESTORED]),
        ({"case": (PAGE, sized(0, 300)), "step": (OTHERS, sized(0, 19))}, [RESTORED, None]),
        ({"case": (PAGE, sized(0, 300)), "step": (OTHERS, sized(0, 200))}, [RESTORED, None]),
        ({"case": (PAGE, sized(0, 300)), "step": (OTHERS, sized(0, 201))}, [RESTORED, RESTORED]),
        ({"case": (PAGE, sized(0, 300)), "step": (OTHERS, sized(19, 0, known=19))}, [RESTORED, None]),
        ({"case": (PAGE, sized(30, 29)), "step": (OTHERS, sized(201, 0))}, [EDITED, EDITED]),
        ({"case": (PAGE, sized(11, 0)), "step": (OTHERS, sized(0, 3))}, [None, None]),
    ],
)
def test_in_a_restored_source_every_row_that_differs_belongs_to_it_and_in_no_other(
    found: dict[str, tuple[Upheaval, Size]], told: list[Observed | None]
) -> None:
    said = decided(found, is_restored=False)
    assert [said.get(name) for name in found] == told


def test_a_table_that_was_away_then_belongs_to_what_was_decided_without_it() -> None:
    away = {"step": (OTHERS, sized(0, 2))}
    assert decided(away, is_restored=True) == {"step": RESTORED}
    assert decided(away, is_restored=False) == {}
