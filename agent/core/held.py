"""Numbers that the hall holds, as it has told the box: every one up to `upto`, and ranges above it."""

from collections.abc import Iterable

Runs = tuple[tuple[int, int], ...]


def holds(first: int, last: int, upto: int, ranges: Runs) -> bool:
    """Whether all of first..last is held."""
    first = max(first, upto + 1)
    for lo, hi in ranges:
        if lo <= first <= hi:
            first = hi + 1
    return first > last


def lacked(first: int, last: int, upto: int, ranges: Runs) -> tuple[int, int] | None:
    """The least run around what is not held of first..last; None where all of it is."""
    first = max(first, upto + 1)
    for lo, hi in ranges:
        first = hi + 1 if lo <= first <= hi else first
    for lo, hi in reversed(ranges):
        last = lo - 1 if lo <= last <= hi else last
    return (first, last) if first <= last else None


def joined(ranges: Iterable[tuple[int, int]], more: Iterable[tuple[int, int]]) -> Runs:
    """Both sets of numbers, as sorted ranges that do not touch."""
    found: list[tuple[int, int]] = []
    for lo, hi in sorted([*ranges, *more]):
        if found and lo <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], hi)
        else:
            found.append((lo, hi))
    return tuple(found)
