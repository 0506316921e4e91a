"""When a certificate is renewed, and who may: the box's clock decides when to ask, the hall's whether it is time.

A certificate that has expired is as good as any: a box that was dark for a year comes back by itself. An older one than
the newest that was given for this box means that two machines share its keys.
"""

from msgspec import Struct

from provisioning.core.enrolment import Refusal, barred
from provisioning.core.identity import Box

JITTER_PERCENT = 10


class Validity(Struct, frozen=True):
    """Of a certificate, microseconds UTC."""

    start_wall: int
    end_wall: int


class Issued(Struct, frozen=True):
    """A certificate that the hall gave. `key`: SHA-256 of its public key."""

    serial: str
    key: bytes


def is_due(leaf: Validity, now_wall: int, seed: int) -> bool:
    """Whether the box asks: at two thirds of the life, spread by `seed` (any number of the box's own).

    Before the start this clock is wrong, and tells nothing: then the hall is asked, who knows.
    """
    life = leaf.end_wall - leaf.start_wall
    spread = seed % (2 * JITTER_PERCENT + 1) - JITTER_PERCENT
    return now_wall < leaf.start_wall or now_wall >= leaf.start_wall + life * (200 + 3 * spread) // 300


def refusal(
    box: Box, shown: Issued, newest: Issued, asked_key: bytes, leaf: Validity, now_wall: int
) -> Refusal | None:
    """Why the box that `shown` belongs to gets no certificate for `asked_key` now; None: it does."""
    if refused := barred(box):
        return refused
    if newest.serial != shown.serial:
        # The answer was lost, and it asks again for the same key; else somebody else has renewed with these keys.
        return None if newest.key == asked_key else Refusal.CLONED
    half = leaf.start_wall + (leaf.end_wall - leaf.start_wall) // 2
    return None if now_wall >= half else Refusal.NOT_DUE
