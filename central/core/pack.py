"""The figures that the rules of the law leave to policy, in versions. Pure."""

from collections.abc import Sequence

from msgspec import Struct


class Pack(Struct, frozen=True):
    """One version of the figures that the rules leave to policy; days are working days."""

    version: int = 1
    receipt_days: int = 1  # 不予受理 is said at once, and that is by then
    publish_days: int = 7  # a decision to grant is public (ours)
    check_days: int = 5  # 行政许可法 55
    reason_length: int = 10  # characters below which a reason is none (ours)
    review_days: int = 20  # 行政许可法 43
    hearing_notice_days: int = 7  # 行政许可法 48, in calendar days: the longer count would accuse more
    hearing_days: int = 20  # 行政许可法 47
    consult_days: int = 5  # 行政许可法 30 names none (ours), where the office has promised none
    accept_days: int = 5  # 行政许可法 32
    renewal_days: int = 30  # 行政许可法 50, in working days: the shorter count would accuse more
    entry_days: int = 1  # evidence of a case that the system does not have (ours)


PACK = Pack()
"""The release's own. Others are put into force by `mingcha rules set`, after `mingcha rules try`."""


def in_force(packs: Sequence[tuple[int, Pack]], ended_at: int | None) -> Pack:
    """By which figures a case is asked: decided, by those of its end; else by the newest. `packs`: (since when, figures), oldest first."""
    begun = [pack for since, pack in packs if ended_at is None or since <= ended_at]
    return begun[-1] if begun else PACK
