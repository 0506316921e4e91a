"""What the running hall says of itself, for `mingcha doctor`."""

from msgspec import Struct
from msgspec.structs import replace

NOT_YET = "尚未连上消息服务"


class Broken(Struct, frozen=True):
    """Records of a site on which this program breaks: `first` to `last` of its box's numbers in `epoch` wait there."""

    epoch: bytes
    first: int
    last: int
    reason: str
    at_wall: int

    def without(self, epoch: bytes, first: int, last: int) -> "Broken | None":
        """What is left once these are taken in. A box sends a run in halves; in another epoch what it kept has new numbers."""
        if epoch != self.epoch:
            return None
        lo = max(self.first, last + 1) if first <= self.first else self.first
        hi = min(self.last, first - 1) if last >= self.last else self.last
        return replace(self, first=lo, last=hi) if lo <= hi else None


class Status(Struct, frozen=True, kw_only=True):
    """Times are wall time in microseconds; 0: never."""

    pid: int
    version: str
    started_wall: int
    broker_fault: str
    store_fault: str
    trail_fault: str = ""  # why the audit trail is signed no more
    commit_wall: int
    records: int
    broken: dict[str, Broken] = {}  # by site
    looked_wall: int  # when the pages' picture of the tables was taken
