"""How far behind the high water of a cursor rows become visible, and how far back it is therefore read again.

A row is stamped when it is written and seen when it is committed: what lies between is an open transaction, a slow
clock, or somebody who dates back. It is counted for rows that are new to the index, whichever lane brings them; an edit
without a stamp has an old one and is no late row.
"""

import math
from collections.abc import Iterable

import msgspec
from msgspec import Struct

LEAST = 600
"""Seconds. What is rarer than one row in a thousand, and longer, is the walk's."""
MOST = 2 * 3_600
"""Beyond, the overlap would cost more than it finds: rows that are dated back in bulk must not make every round long."""
_PER_OCTAVE = 4
_KEPT = 20_000
"""Rows after which older ones count half: an office changes."""
_SHARE = 1_000
"""Of so many rows one may be later than the measure."""


class Lateness(Struct, array_like=True, frozen=True):
    """Of one cursor. `counts`: bucket -> rows; bucket b holds those up to 2^(b/4) seconds late, 0 those within a second."""

    counts: dict[int, int] = {}

    def noted(self, rows: Iterable[float]) -> "Lateness":
        """`rows`: seconds, not above 0 where a row came in its order."""
        counts = dict(self.counts)
        for secs in rows:
            bucket = _bucket(secs)
            counts[bucket] = counts.get(bucket, 0) + 1
        if sum(counts.values()) > _KEPT:
            counts = {bucket: count // 2 for bucket, count in counts.items() if count > 1}
        return Lateness(counts)

    @property
    def overlap_secs(self) -> int:
        """Twice the lateness that one row in a thousand exceeds, within LEAST and MOST."""
        left = sum(self.counts.values()) // _SHARE
        for bucket in sorted(self.counts, reverse=True):
            left -= self.counts[bucket]
            if left < 0:
                return min(MOST, max(LEAST, 2 * math.ceil(2 ** (bucket / _PER_OCTAVE))))
        return LEAST


def encode(lateness: Lateness) -> bytes:
    return msgspec.msgpack.encode(lateness)


def decode(raw: bytes | None) -> Lateness:
    """Inverse of `encode`; nothing known for None."""
    return Lateness() if raw is None else msgspec.msgpack.decode(raw, type=Lateness)


def _bucket(secs: float) -> int:
    """The first whose upper end is not below `secs`."""
    bucket = math.ceil(_PER_OCTAVE * math.log2(min(max(secs, 1.0), MOST)))
    return bucket if secs <= 2 ** (bucket / _PER_OCTAVE) or secs > MOST else bucket + 1
