"""The set of numbers the hall holds of one epoch, as merged ranges with their chain values at both ends.

When two ranges meet, the chain value at the end of the lower must equal the one before the upper: otherwise
somebody rewrote history, or two boxes write the same epoch.
"""

from msgspec import Struct

MOST = 1_000
"""Ranges of one epoch: a box that keeps to the rules has a few, and every answer states all of them."""


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


def fill(held: list[Range], spans: list[tuple[int, int]]) -> list[Range]:
    """`held` and what of `spans` (in any order, overlapping or not) it lacks, as declared gaps; in one pass."""
    parts, rest = [], iter(held)
    item = next(rest, None)
    for first, last in union(spans):
        at = first
        while item is not None and item.lo <= last:
            if at < item.lo:
                parts.append(Range(at, item.lo - 1, b"", b""))
            at = max(at, item.hi + 1)
            if item.hi > last:
                break
            item = next(rest, None)
        if at <= last:
            parts.append(Range(at, last, b"", b""))
    result: list[Range] = []
    for new in sorted([*held, *parts], key=lambda part: part.lo):
        if result and result[-1].hi + 1 == new.lo:
            new = Range(result[-1].lo, new.hi, result.pop().before, new.at)  # noqa: PLW2901
        result.append(new)
    return result


def fill_most(held: list[Range], spans: list[tuple[int, int]]) -> list[Range]:
    """`fill`, but of `spans` no more of the lowest than leave at most `MOST` ranges, or as many as there were."""
    most = max(MOST, len(held))
    whole = fill(held, spans)
    if len(whole) <= most:
        return whole
    ordered, best, low, high = union(spans), held, 0, len(spans)
    while low < high:
        middle = (low + high + 1) // 2
        found = fill(held, ordered[:middle])
        if len(found) <= most:
            best, low = found, middle
        else:
            high = middle - 1
    return best


def union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same numbers in as few spans as there can be, in order."""
    result: list[tuple[int, int]] = []
    for lo, hi in sorted(spans):
        if result and lo <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(hi, result[-1][1]))
        else:
            result.append((lo, hi))
    return result


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
