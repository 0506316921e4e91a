"""What the doctor names as waiting for another program ends with what is taken in."""

import pytest

from central.status import Broken

BROKEN = Broken(b"e", 5, 9, "why", 0)


@pytest.mark.parametrize(
    ("epoch", "first", "last", "left"),
    [
        (b"e", 5, 9, None),
        (b"e", 1, 20, None),
        (b"e", 5, 7, (8, 9)),
        (b"e", 8, 9, (5, 7)),
        (b"e", 1, 4, (5, 9)),
        (b"e", 10, 12, (5, 9)),
        (b"e", 6, 7, (5, 9)),
        (b"f", 1, 1, None),
    ],
)
def test_what_is_taken_in_is_named_no_more(
    epoch: bytes, first: int, last: int, left: tuple[int, int] | None
) -> None:
    found = BROKEN.without(epoch, first, last)
    assert (found and (found.first, found.last)) == left
