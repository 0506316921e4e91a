"""The range set of an epoch against a plain set of numbers with one chain value each."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core import ranges
from common.core.ranges import ForkError, Range

TOP = 30
RUNS = st.lists(
    st.tuples(st.integers(1, TOP), st.integers(0, 8)).map(lambda run: (run[0], min(TOP, run[0] + run[1]))),
    max_size=12,
)


def link(seq: int, branch: str = "") -> bytes:
    """The chain value at `seq`; a rewritten history has another branch."""
    return hashlib.sha256(f"{branch}{seq}".encode()).digest()


def run(lo: int, hi: int) -> Range:
    return Range(lo, hi, link(lo - 1), link(hi))


def merged(runs: list[tuple[int, int]]) -> list[Range]:
    held: list[Range] = []
    for lo, hi in runs:
        held = ranges.merge(held, run(lo, hi))
    return held


def numbers(held: list[Range]) -> set[int]:
    return {seq for item in held for seq in range(item.lo, item.hi + 1)}


@given(RUNS)
def test_runs_in_any_cut_and_order_make_the_set_of_their_numbers(runs: list[tuple[int, int]]) -> None:
    """P-ACK-06, P-BATCH-10"""
    held = merged(runs)
    assert numbers(held) == {seq for lo, hi in runs for seq in range(lo, hi + 1)}
    assert held == sorted(held, key=lambda item: item.lo)
    assert all(lower.hi + 1 < upper.lo for lower, upper in pairwise(held))


@given(RUNS.flatmap(lambda runs: st.tuples(st.just(runs), st.permutations(runs + runs))))
def test_the_order_and_repetition_of_runs_make_no_difference(
    pair: tuple[list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    """P-BATCH-10"""
    runs, shuffled = pair
    assert merged(shuffled) == merged(runs)


@given(RUNS)
def test_each_range_keeps_the_chain_values_at_its_ends(runs: list[tuple[int, int]]) -> None:
    assert all(item == run(item.lo, item.hi) for item in merged(runs))


@given(RUNS, st.integers(1, TOP), st.integers(0, 12))
def test_missing_are_the_numbers_that_are_not_in_the_set(
    runs: list[tuple[int, int]], first: int, more: int
) -> None:
    held = merged(runs)
    gaps = ranges.missing(held, first, first + more)
    assert {seq for lo, hi in gaps for seq in range(lo, hi + 1)} == set(
        range(first, first + more + 1)
    ) - numbers(held)
    assert all(lo <= hi for lo, hi in gaps)
    assert all(lower[1] + 1 < upper[0] for lower, upper in pairwise(gaps))


@given(RUNS)
def test_upto_is_the_highest_number_below_which_nothing_is_missing(runs: list[tuple[int, int]]) -> None:
    held = merged(runs)
    count = 0
    while count + 1 in numbers(held):
        count += 1
    assert ranges.upto(held) == count


@given(RUNS.filter(bool), st.data())
def test_a_run_whose_chain_differs_where_it_meets_another_is_a_fork(
    runs: list[tuple[int, int]], data: st.DataObject
) -> None:
    """P-CHAIN-04"""
    held = merged(runs)
    item = data.draw(st.sampled_from(held))
    above = Range(item.hi + 1, item.hi + 3, link(item.hi, "other"), link(item.hi + 3, "other"))
    same_end = Range(max(1, item.hi - 1), item.hi, link(max(1, item.hi - 1) - 1), link(item.hi, "other"))
    same_begin = Range(item.lo, item.lo, link(item.lo - 1, "other"), link(item.lo))
    for other in (above, same_end, same_begin):
        with pytest.raises(ForkError):
            ranges.merge(held, other)


def test_a_run_below_that_does_not_lead_to_the_one_above_is_a_fork() -> None:
    """P-CHAIN-04"""
    with pytest.raises(ForkError, match="at 4 does not continue at 5"):
        ranges.merge([run(5, 9)], Range(1, 4, link(0), link(4, "other")))


@given(RUNS, st.integers(1, TOP), st.integers(0, 5))
def test_a_declared_gap_joins_without_a_chain_and_counts_as_held(
    runs: list[tuple[int, int]], lo: int, more: int
) -> None:
    """P-GAP-03"""
    held = merged(runs)
    for first, last in ranges.missing(held, lo, lo + more):
        held = ranges.merge(held, Range(first, last, b"", b""))
    assert ranges.missing(held, lo, lo + more) == []
    assert numbers(ranges.merge(held, run(1, TOP + 10))) == set(range(1, TOP + 11))


def test_beyond_a_gap_the_chain_is_still_checked() -> None:
    """P-CHAIN-04, P-GAP-03"""
    held = ranges.merge([run(1, 4)], Range(5, 5, b"", b""))
    held = ranges.merge(held, run(6, 8))
    assert held == [run(1, 8)]
    with pytest.raises(ForkError):
        ranges.merge(held, Range(9, 9, link(8, "other"), link(9, "other")))


@given(RUNS, RUNS)
def test_declared_gaps_fill_what_is_not_held_and_nothing_else(
    runs: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    """P-GAP-03"""
    held = merged(runs)
    filled = ranges.fill(held, spans)
    assert numbers(filled) == numbers(held) | {seq for lo, hi in spans for seq in range(lo, hi + 1)}
    assert all(lower.hi + 1 < upper.lo for lower, upper in pairwise(filled))
    for item in held:  # what was proven keeps its chain values, where it is still an end
        (inside,) = (part for part in filled if part.lo <= item.lo and item.hi <= part.hi)
        assert inside.lo < item.lo or inside.before == item.before
        assert inside.hi > item.hi or inside.at == item.at
    one_by_one = held
    for lo, hi in spans:
        for part in ranges.missing(one_by_one, lo, hi):
            one_by_one = ranges.merge(one_by_one, Range(*part, b"", b""))
    assert filled == one_by_one
