"""The end of an integer key: no number between the first and the highest read is forgotten before its time."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.tail import LEAST_PATIENCE, LONGEST_JUMP, MOST, Tail
from agent.core.upheaval import LEAST, Size, in_newest, in_page


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
    assert set(tail.gaps) == set(range(1, max(numbers, default=0) + 1)) - numbers


def test_a_missing_number_is_given_up_after_ten_minutes_or_twice_the_longest_lateness_seen() -> None:
    tail = Tail(0)
    tail.read([1, 4, 6, 9], 0)
    assert tail.given_up(LEAST_PATIENCE) == []
    tail.found([5], LEAST_PATIENCE)
    assert tail.given_up(2 * LEAST_PATIENCE) == []
    assert tail.given_up(2 * LEAST_PATIENCE + 1) == [(2, 3), (7, 8)]
    assert tail.gaps == {}


def test_a_leap_is_no_row_of_open_transactions_and_what_is_asked_for_has_a_bound() -> None:
    tail = Tail(10)
    tail.read([11 + LONGEST_JUMP + 1], 0)
    assert tail.gaps == {}
    for place in range(20):
        tail.read([(tail.high or 0) + LONGEST_JUMP], place)
    assert len(tail.gaps) == MOST


def test_few_rows_are_never_an_upheaval() -> None:
    assert not in_page(LEAST - 1, LEAST - 1)
    assert in_page(100, 21)
    assert not in_page(100, 20)
    assert in_newest(32, 17)
    assert not in_newest(32, 16)
    assert Size(known=100, same=50, changed=30, new=0).gone == 20
    assert not Size(known=19, same=0, changed=0, new=500).is_upheaval
