"""A lock file: one process at a time works in a folder."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from common.core.errors import ConfigError, words


def hold(path: Path, *, who: str, hint: str) -> IO[str]:
    """Take the lock for as long as the returned file is open.

    `who` names in Chinese what kind of program takes it. Raises ConfigError if another process has it, or the
    folder cannot be written.
    """
    try:
        file = path.open("a+")
    except OSError as error:
        raise ConfigError(
            f"数据目录不可写：{path.parent}（{words(error)}）", hint="请检查目录权限与磁盘"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        pid = file.read().strip() or "未知"
        file.close()
        raise ConfigError(f"已有{who}在使用 {path.parent}（进程 {pid}）", hint=hint) from error
    with suppress(OSError):  # a full disk: then the message to a second process names no first
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), str(os.getpid()).encode())
    return file
