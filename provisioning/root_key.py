"""`mingcha central root`: the root CA's key leaves the hall for two sticks (provisioning.md 3.5). Nothing daily needs it.

Who takes the hall then has an intermediate, which the root can replace without a visit to any box; not the root itself.
"""

import asyncio
import getpass
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import trail
from central.store.engine import within
from common.cli import say
from common.clock import Clock
from common.config import read_secret
from common.core.errors import RejectedError, UnavailableError, UsageError, words
from provisioning.files import write_file
from provisioning.settings import Hall

COPIES = 2
NAME = "mingcha-root.pem"
"""On a stick."""


def place(hall: Hall) -> Path:
    """Where the key lies in the hall, from `central init` until it is taken away."""
    return hall.folder / "ca" / "root.pem"


def take_away(hall: Hall, folders: tuple[Path, ...]) -> None:
    """Copy the key to each of `folders`, read every copy back, then remove it from the hall. May be cut anywhere and run again.

    Raises UsageError for places that are no disks of their own, UnavailableError for one that cannot be written,
    RejectedError for a copy that reads back otherwise: then the key stays.
    """
    key = place(hall)
    if not key.exists():
        say("✓ 根密钥不在本机")
        return
    raw = read_secret(key, "根密钥")
    _check_key(raw, read_secret(hall.folder / "ca" / "ca.pem", "根证书"))
    _check_places(key, folders)
    for folder in folders:
        copy = folder / NAME
        try:
            write_file(copy, raw)
            _forget_cached(copy)
            is_same = copy.read_bytes() == raw
        except OSError as error:
            raise UnavailableError(
                f"写不了 {copy}：{words(error)}", hint="请换一个 U 盘；根密钥还在本机"
            ) from error
        if not is_same:
            raise RejectedError(f"{copy} 读回的与写入的不同", hint="请换一个 U 盘；根密钥还在本机")
        say(f"＋ {copy}：已写入，读回核对无误")
    asyncio.run(within(hall.database_url, _note))
    with key.open("r+b") as file:
        file.write(bytes(len(raw)))
        file.flush()
        os.fsync(file.fileno())
    key.unlink()
    say("✓ 根密钥已不在本机：请把各份分开保管。以前的备份里还有它，请一并收好或销毁")


def _check_key(raw: bytes, root: bytes) -> None:
    """It is the one of the root that every box trusts; a wrong copy would be found in ten years."""
    try:
        key = serialization.load_pem_private_key(raw, None)
        is_ours = key.public_key() == x509.load_pem_x509_certificate(root).public_key()
    except ValueError:
        is_ours = False
    if not is_ours:
        raise RejectedError("root.pem 不是本市中心的根密钥", hint="请从备份恢复 /etc/mingcha/ca")


def _check_places(key: Path, folders: tuple[Path, ...]) -> None:
    if len(folders) < COPIES:
        raise UsageError(
            f"至少要写到 {COPIES} 个 U 盘上", hint="例：mingcha central root /media/usb1 /media/usb2"
        )
    disks = {key.stat().st_dev: "本机的磁盘"}
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"没有目录 {folder}", hint="请插上 U 盘并挂载，写挂载的目录")
        disk = folder.stat().st_dev
        if disk in disks:
            raise UsageError(
                f"{folder} 与{disks[disk]}是同一块盘", hint="请插上 U 盘并挂载，每份一个 U 盘，写挂载的目录"
            )
        disks[disk] = f" {folder} "


def _forget_cached(path: Path) -> None:
    """So that what is read next comes from the stick."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def _note(conn: AsyncConnection) -> None:
    await trail.note(conn, Clock().wall(), getpass.getuser(), "central.root", "", "")
