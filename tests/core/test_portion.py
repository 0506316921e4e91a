"""What is judged in one transaction is bounded by what was sent; the first case is always judged."""

from hypothesis import given
from hypothesis import strategies as st

from central.core.portion import FLOOR, MOST_ROWS, PER_RECORD, Portion


@given(records=st.integers(0, 5_000), sizes=st.lists(st.integers(0, MOST_ROWS), min_size=1, max_size=300))
def test_the_rows_that_are_judged_are_bounded_by_what_was_sent(records: int, sizes: list[int]) -> None:
    portion = Portion(records)
    admitted = [portion.admits(size) for size in sizes]
    judged = sum(size for size, was in zip(sizes, admitted, strict=True) if was)
    assert admitted[0]
    assert judged < FLOOR + PER_RECORD * records + MOST_ROWS
    assert admitted == sorted(admitted, reverse=True)
