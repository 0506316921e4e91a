"""A new policy of the hall is on trial: what worked before must work again, or it is taken back.

Theory. A setting that cuts a box off cannot be taken back from afar; so the box does it by itself. Asked for is only
what had worked shortly before: a source that was away already does not condemn a policy.
"""

from enum import StrEnum

from msgspec import Struct

from common.core.instant import MINUTE
from common.core.message import Policy

TRIAL = 5 * MINUTE
RECENT = 2 * MINUTE
SLOWEST_BULK = 1024
MOST_LINGER_MS = 2000


class Verdict(StrEnum):
    """Of a trial."""

    WAIT = "wait"
    KEEP = "keep"
    BACK = "back"


class Trial(Struct, frozen=True):
    """Times are monotonic; `acked`, `passed`: whether this had worked shortly before it began."""

    began_mono: int
    acked: bool
    passed: bool


def begin(now_mono: int, ack_mono: int | None, pass_mono: int | None) -> Trial:
    recent = now_mono - RECENT
    return Trial(
        now_mono,
        ack_mono is not None and ack_mono >= recent,
        pass_mono is not None and pass_mono >= recent,
    )


def verdict(trial: Trial, now_mono: int, ack_mono: int | None, pass_mono: int | None) -> Verdict:
    again = all(
        not before or (now is not None and now > trial.began_mono)
        for before, now in ((trial.acked, ack_mono), (trial.passed, pass_mono))
    )
    if now_mono - trial.began_mono < TRIAL:
        proven = again and (trial.acked or trial.passed)
        return Verdict.KEEP if proven else Verdict.WAIT
    return Verdict.KEEP if again else Verdict.BACK


def fault(policy: Policy, site: str) -> str:
    """Why it cannot be tried at all, in Chinese; or empty."""
    rules = (
        (policy.site != site, f"属于站点 {policy.site}"),
        (
            policy.bulk_bytes_per_sec != 0 and policy.bulk_bytes_per_sec < SLOWEST_BULK,
            f"bulk_bytes_per_sec 应为 0 或至少 {SLOWEST_BULK}",
        ),
        (not 0 <= policy.linger_ms <= MOST_LINGER_MS, f"linger_ms 应在 0 至 {MOST_LINGER_MS} 之间"),
    )
    return next((why for wrong, why in rules if wrong), "")
