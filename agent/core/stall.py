"""Does the hall's `upto` stand still although nothing is left to send? Then the box introduces itself again.

Theory. What the hall lacks is under way, waits to be sent, or was declared as lost. Where it is none of these and `upto` stays
below the newest number, a declaration has not reached the hall or was not taken there: only a welcome, which states all that
is held, tells what to declare anew. So one is asked for, after a minute, and then after twice as long each time, because every
welcome may cost as many records as there are numbers to declare.
"""

from msgspec import Struct
from msgspec.structs import replace

from common.core.instant import HOUR, MINUTE, SECOND

_FIRST = MINUTE
_LONGEST = HOUR


class Stall(Struct, frozen=True):
    """Monotonic times. `began`: when it was first seen at this `upto`; `idle`: since when it has been so without a break."""

    upto: int = -1
    began: int | None = None
    idle: int | None = None
    pause: int = _FIRST

    def secs(self, now: int) -> int:
        """How long it has lasted; 0: there is none."""
        return 0 if self.began is None else (now - self.began) // SECOND


def looked(stall: Stall, upto: int, newest: int, now: int, *, idle: bool) -> tuple[Stall, bool]:
    """`idle`: nothing is under way and nothing can be sent. -> (the stall now, whether a hello is due)."""
    if upto >= newest:
        return Stall(), False
    if upto != stall.upto:
        stall = Stall(upto)
    if not idle:
        return replace(stall, idle=None), False
    if stall.idle is None:
        return replace(stall, began=now if stall.began is None else stall.began, idle=now), False
    if now - stall.idle < stall.pause:
        return stall, False
    return replace(stall, idle=None, pause=min(2 * stall.pause, _LONGEST)), True
