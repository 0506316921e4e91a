"""Too much at once to be somebody's work at a counter: a restored backup, a rebuilt table, an edit in bulk.

It is one observation with its size, and the versions that follow say that they belong to it: ten thousand findings
about ten thousand rows would hide the one that matters.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from agent.core import renumbered
from agent.core.indexed import Known
from agent.core.rows import Item
from common.core.state import Observed

LEAST = 20
"""Fewer rows are told one by one, whatever their share; unless the newest are gone."""
SHARE = 5
"""A page of which more than every fifth row differs."""
NEWEST = 32
"""Rows that were new last: a restored backup does not have them."""
FEW = 5
"""Of the newest rows, fewer that are gone are somebody's work, in however small a table."""


class Upheaval(Struct, array_like=True, frozen=True):
    """Of one table. `noticed_at`: office time. `newest_gone`: the sign was that the newest rows are not there."""

    noticed_at: int
    newest_gone: bool
    told: bool = False
    """Surveyed and said; before that, whether it is one is not known."""
    of_source: bool = False
    """The sign was in another table of the source: a backup is of all of them."""
    anew: bool = False
    """The table itself is another than the one that had its newest rows."""
    alone: bool = False
    """The sign is that rows were numbered anew to whose numbers no other table refers."""


class UpheavalError(Exception):
    """A page or a walk shows one: nothing of it was taken."""


class Size(Struct, frozen=True):
    """Of a whole table. `known`: rows that the index has and that were not gone."""

    known: int
    same: int
    changed: int
    new: int
    moved: int = 0
    """Of those that changed or are gone, how many stand under another number; counted in a small table alone."""

    @property
    def gone(self) -> int:
        return max(0, self.known - self.same - self.changed)

    @property
    def off(self) -> int:
        return self.changed + self.gone

    @property
    def is_renumbered(self) -> bool:
        """All its rows are there, some under other numbers."""
        return renumbered.is_all(self.moved, self.off)

    def is_upheaval(self, sign: Upheaval) -> bool:
        """Whether there is as much of it as `sign`, the table's own, made expect."""
        many = self.off >= LEAST or (sign.newest_gone and self.gone >= (1 if sign.anew else FEW))
        return many or self.is_renumbered

    def is_lost(self, sign: Upheaval) -> bool:
        """Whether, as an upheaval, it is of the source itself and no edit in bulk."""
        return sign.newest_gone or self.is_renumbered


def decided(found: Mapping[str, tuple[Upheaval, Size]], *, is_restored: bool) -> dict[str, Observed]:
    """What was surveyed of the tables of one source, of each its sign and size -> what there is to tell, by table. Of a table
    that is not named it was none.

    In a source that was restored one row that differs belongs to that, or the few of it that are gone would accuse somebody;
    of another upheaval each table has its own. `is_restored`: that was decided before, of the tables that could be read then.
    """
    own = {name for name, (sign, size) in found.items() if not sign.of_source and size.is_upheaval(sign)}
    is_restored = is_restored or any(found[name][1].is_lost(found[name][0]) for name in own)
    told = {}
    for name, (sign, size) in found.items():
        belongs = is_restored and size.off > 0
        if belongs or name in own or (size.off >= LEAST and in_page(size.known, size.off)):
            lost = belongs or size.is_lost(sign) or size.gone > size.changed
            told[name] = Observed.SOURCE_RESTORED if lost else Observed.BULK_EDIT
    return told


def in_page(known: int, off: int) -> bool:
    """Of `known` rows looked at, `off` differ without a stamp of the vendor, or are gone."""
    return known >= LEAST and off * SHARE > known


def in_newest(gone: Sequence[str | None]) -> bool:
    """Of the rows that were new last, newest first, the case of each that is not there, None for one that is: more than half
    are not, or the newest are not and every older one is. A backup of yesterday lacks what was entered today, and nothing
    else; one case that is gone with all its rows is a deletion."""
    off = len(gone) - gone.count(None)
    is_end = off * 2 > len(gone) or in_end(gone)
    return off >= FEW and is_end and len(set(gone) - {None}) > 1


def in_end(gone: Sequence[str | None]) -> bool:
    """Of the same rows, whether the newest of all are gone and no older one: all that a backup does to a table that was made
    anew for it, and what nobody who removes one row does to it."""
    off = len(gone) - gone.count(None)
    return off > 0 and None not in gone[:off]


def compared(read: Sequence[tuple[str, Item | None]], known: dict[str, Known]) -> tuple[int, list[str], int]:
    """Rows that were read, and the index's of the same keys. -> how many are as the index has them, which differ, how many are new.

    Rows that cannot be read count as they were.
    """
    same, off, new = 0, list[str](), 0
    for key, item in read:
        old = known.get(key)
        if old is None or old.gone:
            new += 1
        elif item is None or old.dirty or old.digest == item.digest:
            same += 1
        else:
            off.append(key)
    return same, off, new
