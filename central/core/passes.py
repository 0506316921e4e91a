"""What a capture round says of completeness, by the hall's clock."""

from common.core.record import Pass


def begun_at(body: Pass, received_at: int) -> int | None:
    """-> since when, at the latest, the round ran; None: its box had not compared its clock, so it proves nothing.

    `received_at` and the answer: office time, in microseconds. A round that a clock ahead puts after its own arrival
    began, at the latest, when it arrived.
    """
    if body.clock_err < 0:
        return None
    return min(body.started_at - body.clock_err, received_at)
