"""Until when a row is known to have been as it was: never later than somebody looked."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.indexed import Known
from agent.core.proof import Met, Proof, Walked


def known(number: int, at: int) -> Known:
    return Known(number, 1, b"d", "c", gone=False, dirty=False, ends=False, at=at)


def test_the_latest_of_capture_walk_and_hot_round_counts_and_only_for_the_rows_they_met() -> None:
    proof = Proof(Walked(50, 10, b"m"))
    proof.hot = Met(70)
    proof.hot.add(3)
    assert [proof.same_until(number, 20) for number in (3, 4, 11)] == [70, 50, 20]
    assert proof.same_until(3, 90) == 90


def test_a_file_vouches_by_its_walks_alone() -> None:
    """What was captured at 20 or looked at by the hot lane at 70 may have been written long before."""
    proof = Proof(Walked(50, 10, b"m"))
    proof.hot = Met(70)
    proof.hot.add(3)
    assert proof.walked_at(known(3, 60)) == 50
    assert proof.walked_at(known(11, 60)) is None
    assert proof.walked_at(None) == 50
    assert Proof().walked_at(None) is None
    assert Proof(Walked(0, 0, b"m")).walked_at(None) is None


Runs = list[tuple[int, int]]
RUNS = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 70)), max_size=8)


@given(RUNS, RUNS, st.tuples(st.integers(0, 400), st.integers(1, 70)))
def test_runs_of_ids_are_as_if_each_was_met(one: Runs, other: Runs, asked: tuple[int, int]) -> None:
    met, others = Met(), Met()
    for run in one:
        met.add_run(*run)
    for run in other:
        others.add_run(*run)
    ids = {number for first, count in one for number in range(first, first + count)}
    other_ids = {number for first, count in other for number in range(first, first + count)}
    assert {number for number in range(500) if number in met} == ids
    assert met.without(others) == sorted(ids - other_ids)
    assert met.lacks(range(500)) == sorted(set(range(500)) - ids)
    wanted = range(asked[0], sum(asked))
    assert met.has_any(*asked) == bool(ids.intersection(wanted))
