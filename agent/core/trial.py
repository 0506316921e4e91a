"""A new policy of the hall is on trial: what worked before must work again, or it is taken back.

Theory. A setting that cuts a box off cannot be taken back from afar; so the box does it by itself. Asked for is only
what had worked shortly before: a source that was away already does not condemn a policy.
"""

from enum import StrEnum

from msgspec import Struct

from common.core.instant import MINUTE

TRIAL = 5 * MINUTE
RECENT = 2 * MINUTE


class Verdict(StrEnum):
    """Of a trial."""

    WAIT = "wait"
    KEEP = "keep"
    BACK = "back"


class Worked(Struct, frozen=True):
    """Monotonic times; None: never. What is needed is told apart from what happened by chance."""

    ack: int | None = None
    """Of the newest receipt."""
    asked: int | None = None
    """When that was sent which the newest receipt answers."""
    sent: int | None = None
    """Of the newest batch."""
    clean: int | None = None
    """Of the newest clean round."""


class Trial(Struct, frozen=True):
    """`acked`, `passed`: whether this had worked shortly before it began, at `began_mono`."""

    began_mono: int
    acked: bool
    passed: bool


def begin(now_mono: int, worked: Worked) -> Trial:
    recent = now_mono - RECENT
    return Trial(
        now_mono,
        worked.ack is not None and worked.ack >= recent,
        worked.clean is not None and worked.clean >= recent,
    )


def verdict(trial: Trial, now_mono: int, worked: Worked) -> Verdict:
    """A receipt is asked for only of what was sent since: on a quiet day nothing is."""
    proven = not trial.acked or _after(worked.asked, trial), not trial.passed or _after(worked.clean, trial)
    if now_mono - trial.began_mono < TRIAL:
        return Verdict.KEEP if all(proven) and (trial.acked or trial.passed) else Verdict.WAIT
    excused = not _after(worked.sent, trial)
    return Verdict.KEEP if (proven[0] or excused) and proven[1] else Verdict.BACK


def _after(mono: int | None, trial: Trial) -> bool:
    return mono is not None and mono > trial.began_mono
