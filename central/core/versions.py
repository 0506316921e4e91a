"""Which versions of a source row may be compared: those with nothing between them, changed by the source itself. Pure."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from common.core.record import Case, Cause, Op, Step


class Version(Struct, frozen=True, kw_only=True):
    """One version of a source row, as one record delivered it."""

    table: str
    key: str
    generation: int  # of the box that counted `version`: each box counts anew
    version: int
    epoch_no: int
    epoch: bytes
    seq: int
    op: Op
    cause: Cause
    digest: bytes
    src_at: str | None
    cap_at: int
    same_until: int | None
    body: Case | Step


class Pair(Struct, frozen=True):
    """Two versions with nothing between them; `before` is None for the first one of a row."""

    before: Version | None
    after: Version


def pairs(versions: Iterable[Version]) -> list[Pair]:
    """Versions of one row, in any order, with repetitions -> those next to each other, in order.

    A number that names two contents (a box that lost its memory of the row) proves nothing on either side.
    """
    counted: dict[tuple[int, int], list[Version]] = defaultdict(list)
    for item in versions:
        counted[item.generation, item.version].append(item)
    known = {
        place: min(same, key=_first_told)
        for place, same in counted.items()
        if len({(item.op, item.digest) for item in same}) == 1
    }
    found = []
    lower: Version | None = None
    for (generation, number), after in sorted(known.items()):
        before = known.get((generation, number - 1))
        if after.op is Op.DELETE and lower is not None and lower.generation == generation:
            before = lower  # once seen and gone, whatever it said in between
        is_first = number == 1 and lower is None  # a new box counts from 1 what another had counted
        if after.cause is Cause.SOURCE and (before is not None or is_first):
            found.append(Pair(before, after))
        lower = after
    return found


def _first_told(item: Version) -> tuple[bool, int, int, int]:
    """Of one version told several times, what the source's change itself made the box say."""
    return item.cause is not Cause.SOURCE, item.cap_at, item.epoch_no, item.seq


def still_at(pair: Pair) -> int:
    """The last instant at which the version before is known to have stood in the source, by the box's clock."""
    assert pair.before is not None
    return min(max(pair.before.cap_at, pair.after.same_until or 0), pair.after.cap_at)
