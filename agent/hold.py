"""Two files beside the buffer: the lock that keeps a second agent out, and the ballast that a full disk gives up."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from common.core.errors import ConfigError

BALLAST_BYTES = 8 * 1024 * 1024


def hold(path: Path) -> IO[str]:
    """Take the lock for as long as the returned file is open. Raises ConfigError if another process has it."""
    try:
        file = path.open("a+")
    except OSError as error:
        raise ConfigError(
            f"数据目录不可写：{path.parent}（{error.strerror}）", hint="请检查目录权限与磁盘"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        pid = file.read().strip() or "未知"
        file.close()
        raise ConfigError(
            f"已有采集程序在使用缓存 {path.parent}（进程 {pid}）",
            hint="同一缓存只能由一个采集程序使用；请先停止另一个：systemctl stop mingcha-agent",
        ) from error
    with suppress(OSError):  # a full disk: then the message to a second agent names no process
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), str(os.getpid()).encode())
    return file


class Ballast:
    """Room that is given up when the disk is full, so that deleting what was acknowledged still works.

    SQLite needs space even to delete: without ballast 0 of 43 deletes worked on a full disk (sync.md 3.8).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self) -> None:
        """Make the ballast where there is four times its room."""
        if self._path.exists():
            return
        space = os.statvfs(self._path.parent)
        if space.f_bavail * space.f_frsize < 4 * BALLAST_BYTES:
            return
        with suppress(OSError), self._path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)

    def release(self) -> None:
        self._path.unlink(missing_ok=True)
