"""Whether one record stands in what its box has signed: the short way of `mingcha verify`, between the two signatures around it.

The longer way follows the whole epoch and explains gaps, dead letters and lost numbers; where one of these lies between the
two signatures this one says that it cannot tell.
"""

from collections.abc import Sequence
from enum import StrEnum

from common.core import crypto
from common.core.checkpoint import is_signed_by
from common.core.record import Checkpoint


class Vouched(StrEnum):
    """What can be said of it."""

    SIGNED = "signed"
    WAITING = "waiting"  # the box has not signed beyond it yet
    UNCLEAR = "unclear"  # numbers between the two signatures are not here
    BROKEN = "broken"  # what is here is not what the box signed

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    Vouched.SIGNED: "在站点签过名的记录链上",
    Vouched.WAITING: "站点还没有签到这一号，十分钟左右后再看",
    Vouched.UNCLEAR: "前后有缺号，这里判断不了，请运维人员执行 mingcha verify",
    Vouched.BROKEN: "与站点签名的记录链不符，请运维人员立即执行 mingcha verify",
}


def vouched(
    site: str,
    epoch: bytes,
    sign_key: bytes,
    before: Checkpoint | None,
    after: Checkpoint | None,
    raws: Sequence[tuple[int, bytes]],
) -> Vouched:
    """`before`, `after`: the nearest checkpoints of the epoch; None before: it begins with number 1. `raws`: (number, bytes in
    the chain) of what is here between what they sign, in order."""
    if after is None:
        return Vouched.WAITING
    seq = 0 if before is None else before.seq
    chain = crypto.chain_start(site, epoch, sign_key) if before is None else before.chain
    for number, raw in raws:
        if number != seq + 1:
            return Vouched.UNCLEAR
        seq, chain = number, crypto.chain_next(chain, number, raw)
    if seq != after.seq:
        return Vouched.UNCLEAR
    signed = all(is_signed_by(sign_key, site, epoch, one) for one in (before, after) if one is not None)
    return Vouched.SIGNED if signed and chain == after.chain else Vouched.BROKEN
