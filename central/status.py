"""What the running hall says of itself, for `mingcha doctor`."""

from msgspec import Struct

NOT_YET = "尚未连上消息服务"


class Broken(Struct, frozen=True):
    """Records of a site on which this program breaks: `first` to `last` of its box's numbers wait there."""

    first: int
    last: int
    reason: str
    at_wall: int


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
