"""What the rules of `central.core.conduct` are given beside two versions of a row, and what they find. Pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core.versions import Pair, Version
from common.core.instant import DAY, HOUR, MINUTE
from common.core.state import ClockKind, FindingCode, Light


class Tolerance(Struct, frozen=True):
    """What a site is forgiven, in microseconds. The defaults are ours, no law gives them."""

    backdate: int = HOUR
    """T1: a form opened before lunch and saved after it; a server whose clock is slow."""
    change: int = MINUTE
    """T2, T3: seconds that a system cuts off."""
    silent: int = HOUR
    """T5: as `backdate`, of the modification time."""
    late: int = DAY
    """An entry made later than this after what it states is counted as late (补录)."""


class Lit(Struct, frozen=True):
    """A light of the case, the instant from which it held, and whose it is."""

    light: Light
    since_at: int
    clock: ClockKind


class Context(Struct, frozen=True):
    """What the rules need beside the two versions."""

    zone: ZoneInfo
    tolerance: Tolerance = Tolerance()
    clock_err: int = 0
    """How far the box's clock may be off, microseconds."""
    lights: Sequence[Lit] = ()
    others: Sequence[Version] = ()
    """Versions of the other rows that state facts of the same case (split tables)."""
    absent_until: int | None = None
    """Until when a row without a version before was known not to be in the source."""
    history: Sequence[Pair] = ()
    """Every pair of the row; without them only the pair itself speaks."""


class Finding(Struct, frozen=True, kw_only=True):
    """`still_at`: until when the source still said what it said before; `size`: microseconds of the contradiction."""

    code: FindingCode
    pair: Pair
    still_at: int
    size: int | None = None
    words: str


class Late(Struct, frozen=True):
    """An entry made late: which field, what it states, and by how much it was entered later at least."""

    field: str
    stated_at: int
    size: int
