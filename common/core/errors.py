"""Four errors, told apart by who must act; each carries a hint in Chinese with the step that mends it."""

import errno


class MingchaError(Exception):
    """Anything we foresee. `hint` is one Chinese sentence: what to do, with the command where there is one."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(MingchaError):
    """The technician must act. The process stops at start with exit code 78 (sysexits EX_CONFIG)."""


class UsageError(MingchaError):
    """A command asks for what is not there, or in words that mean nothing: ask otherwise. Exit code 64 (EX_USAGE)."""


class UnavailableError(MingchaError):
    """Nobody must act yet: a peer is away. Retried with back-off while the data waits."""


class RejectedError(MingchaError):
    """A person must act, later: this one item is bad for good. It is quarantined; the rest goes on."""


_WORDS = {
    errno.ENOENT: "没有这个文件",
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许",
    errno.EEXIST: "已有这个文件",
    errno.EISDIR: "是一个目录",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.ENOSPC: "磁盘已满",
    errno.EROFS: "磁盘只读",
    errno.EIO: "磁盘读写出错",
    errno.EADDRINUSE: "已被别的程序占用",
    errno.EADDRNOTAVAIL: "本机没有这个地址",
    errno.ECONNREFUSED: "连接被拒绝",
    errno.ECONNRESET: "连接被对方切断",
    errno.EHOSTUNREACH: "主机不可达",
    errno.ENETUNREACH: "网络不可达",
    errno.ETIMEDOUT: "没有应答",
}


def words(error: OSError) -> str:
    """What the system says, in Chinese where we know it."""
    return _WORDS.get(error.errno or 0) or str(error.strerror or error)
