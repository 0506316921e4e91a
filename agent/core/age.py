"""How long a record has waited. Wall clocks are set, monotonic time is not: it counts wherever it can."""


def waited(captured: tuple[int, int], now: tuple[int, int], opened_mono: int, *, here: bool) -> int:
    """Microseconds, never below zero. `captured`, `now`: wall and monotonic time.

    `here`: it was captured since `opened_mono`, in this process and so in this boot. Of an earlier one the monotonic
    time may be of another boot; it has waited at least since `opened_mono`, whatever the wall clock has done.
    """
    (cap_wall, cap_mono), (wall, mono) = captured, now
    return max(0, mono - cap_mono) if here else max(0, wall - cap_wall, mono - opened_mono)
