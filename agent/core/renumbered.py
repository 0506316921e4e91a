"""Whether rows were only given other numbers: each that is not as it was under its own key is there, word for word, under another.

A row's digest holds its key too, so what the index keeps of a row is asked of every row that came instead, as if it had the former key.
"""

from collections.abc import Iterable, Sequence

from agent.core import rows
from agent.core.mapping import Table
from agent.core.query import Row
from common.core.errors import RejectedError

SHARE = 5
"""Of the rows that differ, no more than every fifth may be explained otherwise: clerks work on meanwhile."""
Former = tuple[Sequence[Row], bytes]
"""A row's key, in each form that its text may be in the source, and the digest it had."""


def moved(former: Iterable[Former], there: Iterable[Row], table: Table, digest_key: bytes) -> int:
    """How many of the rows that were known so stand among the rows `there` now, one for one; where they are not all, perhaps fewer.

    Both in the order of their keys, which a new numbering mostly keeps: then the first that is looked at is the one.
    """
    sought, left, found = list(former), list(there), 0
    for place, (keys, digest) in enumerate(sought):
        at = next((at for at, row in enumerate(left) if _is(row, keys, digest, table, digest_key)), None)
        if at is not None:
            del left[at]
            found += 1
        elif (place + 1 - found) * SHARE > len(sought):
            break
    return found


def _is(row: Row, keys: Sequence[Row], digest: bytes, table: Table, digest_key: bytes) -> bool:
    return any(_digest(_keyed(row, key, table), table, digest_key) == digest for key in keys)


def _keyed(row: Row, key: Row, table: Table) -> Row:
    values = list(row)
    for place, value in zip(table.key_places, key, strict=True):
        values[place] = value
    return tuple(values)


def _digest(row: Row, table: Table, digest_key: bytes) -> bytes:
    try:
        return rows.read(row, table, digest_key).digest
    except RejectedError:
        return b""


def is_all(moved: int, off: int) -> bool:
    """Whether `moved` of the `off` rows that are not as they were are nothing else than rows with other numbers."""
    return off > 0 and (off - moved) * SHARE <= off
