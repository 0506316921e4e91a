"""What the running hall says of itself, for `mingcha doctor`."""

from msgspec import Struct

NOT_YET = "尚未连上消息服务"


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
    looked_wall: int  # when the pages' picture of the tables was taken
