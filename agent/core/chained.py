"""Are records that open what was chained? Each is held against the one before it, where that is there."""

from collections.abc import Iterable, Iterator

from common.core import crypto


class Chained:
    """Feed it the records of one epoch in number order, page by page."""

    def __init__(self) -> None:
        self._last = 0, b""
        """The number before, and its chain value."""

    def sound(self, page: Iterable[tuple[int, bytes, bytes]]) -> Iterator[tuple[int, bytes]]:
        """(number, chain value, record) of each -> number and record of those that continue the chain."""
        for seq, link, raw in page:
            (before, chain), self._last = self._last, (seq, link)
            if crypto.continues(chain if before == seq - 1 else b"", seq, raw, link):
                yield seq, raw
