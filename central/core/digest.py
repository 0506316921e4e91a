"""How many short messages a person gets: three an hour one by one, and what is more in one digest (supervision.md 3.8)."""

from collections.abc import Sequence

from msgspec import Struct

from common.core.instant import HOUR

SINGLES = 3
"""Short messages that one person gets one by one within an hour; then one digest, and no more before the hour is over."""


class Waiting(Struct, frozen=True):
    """A message that is due for a person."""

    id: int
    alone: bool  # goes by itself, whatever else there is


class Plan(Struct, frozen=True):
    """What becomes of the messages that are due for one person."""

    singly: tuple[int, ...] = ()
    together: tuple[int, ...] = ()
    later: tuple[int, ...] = ()
    later_wall: int = 0


def plan(waiting: Sequence[Waiting], singles: int, digest_wall: int | None, now_wall: int) -> Plan:
    """`singles`: messages sent one by one within the last hour; `digest_wall`: when the last digest went; wall time."""
    alone = tuple(one.id for one in waiting if one.alone)
    others = tuple(one.id for one in waiting if not one.alone)
    if singles + len(others) <= SINGLES:
        return Plan(singly=alone + others)
    if digest_wall is not None and now_wall < digest_wall + HOUR:
        return Plan(singly=alone, later=others, later_wall=digest_wall + HOUR)
    if len(others) == 1:  # a digest of one says less than the message itself
        return Plan(singly=alone, later=others, later_wall=now_wall + HOUR)
    return Plan(singly=alone, together=others)
