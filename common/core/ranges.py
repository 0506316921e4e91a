"""The set of numbers the hall holds of one epoch, as merged ranges with their chain values at both ends.

When two ranges meet, the chain value at the end of the lower must equal the one before the upper: otherwise
somebody rewrote history, or two boxes write the same epoch.
"""

from msgspec import Struct


class Range(Struct, array_like=True, frozen=True):
    """Numbers lo..hi are held; `before` is the chain value before lo, `at` the one at hi (empty: a declared gap)."""

    lo: int
    hi: int
    before: bytes
    at: bytes


class ForkError(ValueError):
    """Two chains meet and differ: cloned box, or rewritten record."""


def merge(held: list[Range], new: Range) -> list[Range]:
    """Add `new` to the sorted, disjoint `held`. Raises ForkError where the chains of neighbours differ."""
    result: list[Range] = []
    for item in held:
        if item.hi + 1 < new.lo or new.hi + 1 < item.lo:
            result.append(item)
            continue
        _check_seam(item, new)
        lower = item if item.lo <= new.lo else new
        upper = item if item.hi >= new.hi else new
        new = Range(lower.lo, upper.hi, lower.before, upper.at)
    return sorted([*result, new], key=lambda item: item.lo)


def _check_seam(item: Range, new: Range) -> None:
    for lower, upper in ((item, new), (new, item)):
        if lower.hi + 1 == upper.lo and lower.at and upper.before and lower.at != upper.before:
            msg = f"the chain at {lower.hi} does not continue at {upper.lo}"
            raise ForkError(msg)
    if item.lo == new.lo and item.before and new.before and item.before != new.before:
        msg = f"the chain before {item.lo} differs"
        raise ForkError(msg)
    if item.hi == new.hi and item.at and new.at and item.at != new.at:
        msg = f"the chain at {item.hi} differs"
        raise ForkError(msg)


def missing(held: list[Range], first: int, last: int) -> list[tuple[int, int]]:
    """The parts of first..last that are not held."""
    gaps: list[tuple[int, int]] = []
    for item in held:
        if item.hi < first:
            continue
        if item.lo > last:
            break
        if item.lo > first:
            gaps.append((first, item.lo - 1))
        first = item.hi + 1
    if first <= last:
        gaps.append((first, last))
    return gaps


def upto(held: list[Range]) -> int:
    """Highest number below which everything is held; 0 if number 1 is not."""
    return held[0].hi if held and held[0].lo == 1 else 0
