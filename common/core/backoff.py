"""Exponential delay with full jitter, from a random number passed in; a herd spreads by chance and by its slots."""

import zlib


def delay(attempt: int, chance: float, *, base: float = 1.0, cap: float = 300.0) -> float:
    """Seconds to wait before try number `attempt` (from 0): uniform in [0, min(cap, base * 2^attempt)).

    `chance` is uniform in [0, 1). Full jitter spreads a herd evenly (sync.md 3.6).
    """
    return chance * min(cap, base * 2.0 ** min(attempt, 30))


def slotted(name: str, chance: float) -> float:
    """A chance for `delay` of which half is drawn and half is the slot of `name`, always the same one.

    Chance alone lets some of a herd come together again; a slot keeps neighbours apart whatever they draw.
    """
    return (zlib.crc32(name.encode()) / 2**32 + chance) / 2
