"""Records that open are held against the chain, page by page."""

import pytest

from agent.core.chained import Chained
from common.core import crypto

RAWS = [b"one", b"two", b"three", b"four"]
Row = tuple[int, bytes, bytes]


def rows() -> list[Row]:
    found, value = [], bytes(32)
    for seq, raw in enumerate(RAWS, 1):
        value = crypto.chain_next(value, seq, raw)
        found.append((seq, value, raw))
    return found


@pytest.mark.parametrize("cut", range(5))
@pytest.mark.parametrize(
    ("lost", "changed", "sound"),
    [
        (0, 0, [1, 2, 3, 4]),
        (0, 3, [1, 2, 4]),
        (2, 0, [1, 3, 4]),  # what is behind a loss can only be believed
        (2, 3, [1, 3, 4]),
        (2, 4, [1, 3]),
    ],
)
def test_what_is_not_what_was_chained_is_left_out_wherever_pages_end(
    cut: int, lost: int, changed: int, sound: list[int]
) -> None:
    """P-REST-06"""
    there = [(seq, link, b"other" if seq == changed else raw) for seq, link, raw in rows() if seq != lost]
    chained = Chained()
    found = [*chained.sound(there[:cut]), *chained.sound(there[cut:])]
    assert [seq for seq, _ in found] == sound
