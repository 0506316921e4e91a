"""When the box signs its chain: with the first records after a start, and then by number and by time."""

from agent.buffer import Buffer
from agent.core import rows
from agent.core.indexed import Former
from agent.core.rows import Stamp
from common.core import checkpoint
from common.core.instant import SECOND
from common.core.record import Record


class Signer:
    """Makes checkpoints of a buffer's chain with the box's signing key."""

    def __init__(self, buffer: Buffer, site: str, sign_secret: bytes) -> None:
        self._buffer = buffer
        self._site = site
        self._secret = sign_secret
        self._epoch = b""
        self._seq = 0
        self._mono = 0
        self._offered = b"", 0

    def due(self, more: int, stamp: Stamp, former: Former | None = None) -> list[Record]:
        """The checkpoints that must go before the next `more` records. Their numbers are not given yet.

        `former`: the epoch before this one, whose end nobody has signed yet.
        """
        found = [] if former is None else [self._signed(former, stamp, former=True)]
        newest, epoch = self._buffer.newest, self._buffer.epoch
        if newest and (epoch != self._epoch or self._is_due(newest, more, stamp.mono)):
            self._offered = epoch, newest
            found.append(self._signed(Former(epoch, newest, self._buffer.head), stamp, former=False))
        return found

    def taken(self, stamp: Stamp) -> None:
        """The buffer has committed what was due: only then does it count, because a full disk takes nothing."""
        if self._offered != (self._epoch, self._seq):
            (self._epoch, self._seq), self._mono = self._offered, stamp.mono

    def _signed(self, head: Former, stamp: Stamp, *, former: bool) -> Record:
        body = checkpoint.signed(
            self._secret, self._site, head.epoch, head.seq, head.chain, stamp.wall, former=former
        )
        return rows.statement(body, stamp)

    def _is_due(self, newest: int, more: int, mono: int) -> bool:
        many = newest + more - self._seq > checkpoint.EVERY_RECORDS
        return newest > self._seq and (many or mono - self._mono >= checkpoint.EVERY_SECS * SECOND)
