"""The room that the buffer may take, and the error where it is used up."""

import shutil
from pathlib import Path

from msgspec import Struct

from agent.core import quota
from agent.epoch import SEGMENT_BYTES
from agent.sqlfile import BufferFullError


class QuotaError(BufferFullError):
    """The buffer has used what it was given; the disk has room."""


class Room(Struct, frozen=True):
    """At most `max_bytes`, and no more than this share of the file system; `segment_bytes`: of one segment.

    `slack_bytes`: how far a file may grow beyond it at the very most, so that one page of rows still fits.
    """

    max_bytes: int = 1 << 40
    share_percent: int = 100
    segment_bytes: int = SEGMENT_BYTES
    slack_bytes: int = 4 << 20

    def limit(self, folder: Path) -> int:
        """In bytes, for a buffer in `folder`."""
        return quota.limit(self.max_bytes, shutil.disk_usage(folder).total, self.share_percent)


AMPLE = Room()


def full(used: int, limit: int) -> QuotaError:
    """Reading the source must wait."""
    return QuotaError(
        f"缓存已用 {quota.percent(used, limit):.0f}%（上限 {limit >> 20} MB），停止读取数据源，位置不动",
        hint="积压送出后自动继续；请检查网络，或在 agent.toml 增大 buffer.max_mb",
    )
