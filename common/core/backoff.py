"""Exponential delay with full jitter, from a random number passed in."""


def delay(attempt: int, chance: float, *, base: float = 1.0, cap: float = 300.0) -> float:
    """Seconds to wait before try number `attempt` (from 0): uniform in [0, min(cap, base * 2^attempt)).

    `chance` is uniform in [0, 1). Full jitter spreads a herd evenly (sync.md 3.6).
    """
    return chance * min(cap, base * 2.0 ** min(attempt, 30))
