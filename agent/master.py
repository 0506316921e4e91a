"""The box's master key: what the data keys of the buffer are wrapped with.

From a systemd credential where the unit passes one, else from its file. After a change the old one lies beside it until
every label is wrapped anew, so that nothing pauses and a change that is cut off is finished by the next start. Where the
key is lost a stand-in beside the buffer takes its place: the box goes on, and says so until the key is back.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import structlog
from msgspec import Struct

from agent.files import sync
from common import sealed
from common.core import crypto
from common.core.errors import ConfigError, words

log = structlog.get_logger()

WHAT = "缓存主密钥"
STANDS_IN = "缓存主密钥丢失，暂用临时密钥"


class Master(Struct, frozen=True):
    """The keys, the one to wrap with first. `stands_in`: the true one is lost."""

    keys: list[bytes]
    stands_in: bool = False

    @property
    def id(self) -> str:
        """Of the one to wrap with; says nothing of the key."""
        return crypto.key_id(self.keys[0])


def former(path: Path) -> Path:
    """Where the key lies that was changed."""
    return path.with_name(f"{path.name}.old")


def stand_in(buffer: Path) -> Path:
    return buffer.with_name("stand-in.key")


def load(path: Path, buffer: Path) -> Master:
    """The key at `path` and what else may open something. Raises ConfigError where there is none, nor a stand-in.

    The key first: a change that goes on meanwhile puts it in its place last, and then the one before is there already.
    """
    try:
        current, fault = _read(path), None
    except ConfigError as error:
        current, fault = b"", error
    spare = [_read(file) for file in (former(sealed.place(path)), stand_in(buffer)) if file.exists()]
    if fault is None:
        return Master([current, *spare])
    if not stand_in(buffer).exists():
        raise fault
    return Master([spare[-1], *spare[:-1]], stands_in=True)


def load_or_begin(path: Path, buffer: Path) -> Master:
    """As `load`; but where `buffer` shows that there was a key and it is lost, a stand-in is made.

    What the lost key had sealed is set aside by whoever opens the buffer, and read again from the source.
    Raises ConfigError where there never was one.
    """
    try:
        found = load(path, buffer)
    except ConfigError:
        if not buffer.exists():
            raise
        write(stand_in(buffer), os.urandom(crypto.KEY_BYTES))
        found = load(path, buffer)
    if found.stands_in:
        log.error("key.lost", key=str(path), hint="暂用临时密钥；找回原密钥放回原处，或重新登记本站点")
    return found


def change(path: Path, wrapped_by: str) -> None:
    """Put a new key in the place of the one at `path`; the running agent wraps everything anew within seconds.

    `wrapped_by`: id of the key that it says it uses. Raises ConfigError where the last change is not finished, or the
    key is systemd's.
    """
    if sealed.place(path) != path or sealed.is_sealed(path):
        raise ConfigError(
            "主密钥由 systemd 凭据提供",
            hint="请用 systemd-creds 生成新凭据，原来的以 master.key.old 为名一并传入，再重启服务",
        )
    current = _read(path)
    if former(path).exists() and wrapped_by != crypto.key_id(current):
        raise ConfigError(
            "上一次更换还没有完成", hint="请启动采集程序：systemctl start mingcha-agent，然后再试"
        )
    write(former(path), current, like=path)
    write(path, os.urandom(crypto.KEY_BYTES), like=path)


def finish(path: Path, buffer: Path, key: bytes) -> None:
    """Nothing is wrapped by another key than `key` any more. Where that one is the former already, another change has begun
    meanwhile, and it stays. The service may not be allowed to delete the old one: then it stays for `mingcha-agent key`.
    """
    for file in (former(path), stand_in(buffer)):
        with suppress(OSError):
            if file.exists() and not _holds(file, key):
                file.unlink(missing_ok=True)


def _holds(file: Path, key: bytes) -> bool:
    with suppress(ConfigError):
        return _read(file) == key
    return False


def _read(path: Path) -> bytes:
    key = sealed.read(path, WHAT)
    if len(key) != crypto.KEY_BYTES:
        raise ConfigError(
            f"{WHAT} {path} 应为 {crypto.KEY_BYTES} 字节，现为 {len(key)} 字节",
            hint="请重新登记本站点，或从备份恢复该文件",
        )
    return key


def write(path: Path, key: bytes, like: Path | None = None) -> None:
    """Whole or not at all, on the disk when this returns; with the owner of `like`. Raises ConfigError."""
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        if like is not None:
            shutil.chown(part, like.stat().st_uid, like.stat().st_gid)
        part.replace(path)
        sync(path.parent)
    except OSError as error:
        raise ConfigError(
            f"写不了{WHAT}：{path}（{words(error)}）", hint=f"请检查 {path.parent} 的属主与权限"
        ) from error
