"""`mingcha central backup | restore`: everything that makes this hall this hall, in one file that only its password opens.

CA, keys, configuration, mappings and a consistent copy of the database, as an SQLite file whatever the hall runs on. Boxes
notice nothing of a restored hall: same CA, same pins, same keys; what it took in after the backup it asks for again. Releases
are not in it: the medium has them.
"""

import asyncio
import getpass
import io
import json
import os
import re
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from central.store import trail, whole
from central.store.engine import within
from common.cli import say
from common.clock import Clock
from common.core.errors import ConfigError, RejectedError, UnavailableError, UsageError, words
from provisioning.files import PRIVATE, belong, write_file
from provisioning.settings import Hall, database_url

_MAGIC = b"MCBACKUP1\n"
_SALT_BYTES, _PREFIX_BYTES, _TAG_BYTES = 16, 7, 16
_PIECE = 1 << 20
SHORTEST = 12
"""Characters of the password: the file leaves the hall."""
_DATABASE = "central.db"
_CONFIG = "config/"
DATABASE = "MINGCHA_DATABASE"
"""Environment variable: `database` of the restored hall. Never an argument: there is a password in it."""


def backup(hall: Hall, file: Path, password: str) -> None:
    """Write `file` anew, whole, and read it back. Raises ConfigError, UsageError, UnavailableError."""
    if len(password) < SHORTEST:
        raise UsageError(f"备份密码至少 {SHORTEST} 个字符", hint="请写一句话；忘记了，备份就打不开")
    if not file.parent.is_dir():
        raise UsageError(f"没有目录 {file.parent}", hint="请核对路径，U 盘是否已经挂载；目录须已存在")
    now, who = Clock().wall(), getpass.getuser()
    with tempfile.TemporaryDirectory(dir=file.parent) as place:
        copy = Path(place) / _DATABASE
        if hall.database_url.startswith("sqlite"):
            _copy(hall.data / _DATABASE, copy)
        else:
            asyncio.run(whole.pour(hall.database_url, _sqlite(copy)))
        part = Path(place) / "backup"
        with part.open("xb") as raw:
            os.fchmod(raw.fileno(), PRIVATE)
            sealed = _Sealed(raw, password)
            with tarfile.open(fileobj=sealed, mode="w|gz") as tar:
                tar.add(copy, _DATABASE)
                for path in _files(hall.folder):
                    tar.add(path, _CONFIG + path.relative_to(hall.folder).as_posix(), recursive=False)
            sealed.finish()
            raw.flush()
            os.fsync(raw.fileno())
        count = sum(1 for _ in _members(part, password))
        part.replace(file)

    asyncio.run(
        within(hall.database_url, lambda conn: trail.note(conn, now, who, "central.backup", file.name, ""))
    )
    say(
        f"✓ 已备份并读回核对：{file}，{count} 个文件，{file.stat().st_size / 1e6:.1f} MB。请与密码分开保管，勿放在本机"
    )


def restore(file: Path, config: Path, password: str, database: str = "") -> None:
    """Into a machine that is no hall yet. `central.toml` comes last: cut off anywhere, it is done again.

    `database`: what its `database` is to be from now on; empty: as it was. Raises ConfigError where there is a hall, or a
    database that holds something, RejectedError for a wrong password or a damaged file, UnavailableError.
    """
    if config.exists():
        raise ConfigError(
            f"本机已是市中心：{config}",
            hint="已恢复过的，直接执行介质上的  sh install.sh  ；要从头再来，先移走 /etc/mingcha 与数据目录",
        )
    folder, last = config.parent, b""
    with tempfile.TemporaryDirectory(dir=_folder_of(folder / "x")) as place:
        copy = Path(place) / _DATABASE
        try:
            for member, content in _members(file, password):
                if member.name == _DATABASE:
                    with copy.open("wb") as target:
                        shutil.copyfileobj(content, target, _PIECE)
                elif member.name == _CONFIG + config.name:
                    last = content.read()
                elif ".." not in Path(member.name).parts:
                    name = member.name.removeprefix(_CONFIG)
                    write_file(folder / name, content.read(), member.mode & 0o7777)
        except (OSError, tarfile.TarError, EOFError) as error:
            said = words(error) if isinstance(error, OSError) else "内容不完整"
            raise RejectedError(f"备份读不出：{file}（{said}）", hint="请换一份备份") from error
        if not last or not copy.exists():
            missing = _DATABASE if last else config.name
            raise RejectedError(f"备份不完整：{file} 里没有 {missing}", hint="请换一份备份")
        last = _on(last, database)
        url = database_url(tomllib.loads(last.decode()), folder)
        if url.startswith("sqlite"):
            _place_database(copy, last, folder)
        else:
            _fill_database(copy, url)
    write_file(config, last)
    say(f"✓ 配置、密钥与数据库已恢复到 {folder}")


def _copy(database: Path, to: Path) -> None:
    """As it is at one moment, however busy."""
    database.open("rb").close()  # who has no right to it is told so by its name
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
    except sqlite3.OperationalError as error:
        said = "磁盘已满" if error.sqlite_errorcode == sqlite3.SQLITE_FULL else str(error)
        raise UnavailableError(
            f"数据库没有抄出来：{said}", hint=f"请检查 {to.parents[1]} 的剩余空间，与 {database} 所在的磁盘"
        ) from error


def ask_password() -> str:
    """From the terminal, not shown; else the first line of the standard input. Never an argument: others see those."""
    if sys.stdin.isatty():
        return getpass.getpass("备份密码（不显示）：")
    return sys.stdin.readline().rstrip("\r\n")


def _sqlite(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def _on(central: bytes, database: str) -> bytes:
    """The configuration with another `database`."""
    if not database:
        return central
    line = f"database = {json.dumps(database)}\n"
    rest = re.sub(r"(?m)^database *=.*\n", "", central.decode(), count=1)
    return f"{line}{rest}".encode()


def _fill_database(copy: Path, url: str) -> None:
    try:
        asyncio.run(whole.pour(_sqlite(copy), url))
    except UnavailableError as error:
        raise UnavailableError(
            str(error), hint=f"请先建好空的数据库；它换了地址，把新地址写在环境变量 {DATABASE} 里再恢复"
        ) from error


def _place_database(copy: Path, central: bytes, folder: Path) -> None:
    data = folder / str(tomllib.loads(central.decode()).get("data_dir", "data"))
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (f"{_DATABASE}-wal", f"{_DATABASE}-shm"):
        (data / name).unlink(missing_ok=True)
    part = data / f".{_DATABASE}.part"
    with copy.open("rb") as source, part.open("wb") as target:
        os.fchmod(target.fileno(), PRIVATE)
        belong(target.fileno(), data)
        shutil.copyfileobj(source, target, _PIECE)
        target.flush()
        os.fsync(target.fileno())
    part.replace(data / _DATABASE)


def _members(file: Path, password: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Every file in it, in order; the last piece is opened too, so that a shortened one is known."""
    with file.open("rb") as raw:
        opened = _Opened(raw, password)
        with tarfile.open(fileobj=opened, mode="r|gz") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    yield member, content
        opened.read()


def _files(folder: Path) -> Iterator[Path]:
    """What a hall cannot make again; sockets, locks and marks of what runs are not."""
    for path in sorted(folder.rglob("*")):
        if (
            path.is_file()
            and not path.name.startswith(".")
            and path.name != "acl.read"
            and "data" not in path.relative_to(folder).parts[:-1]
        ):
            yield path


def _folder_of(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.parent


# the sealed file: magic, salt, prefix, then pieces; each is numbered, and the last says that it is ---------------


def _key(password: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << 15, r=8, p=1).derive(password.encode()))


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


class _Sealed(io.RawIOBase):
    """What is written here lies in `raw` sealed; `finish` ends it."""

    def __init__(self, raw: BinaryIO, password: str) -> None:
        salt, self._prefix = os.urandom(_SALT_BYTES), os.urandom(_PREFIX_BYTES)
        self._raw, self._cipher, self._number = raw, _key(password, salt), 0
        self._waiting = bytearray()
        raw.write(_MAGIC + salt + self._prefix)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._waiting += piece
        while len(self._waiting) > _PIECE:
            self._put(bytes(self._waiting[:_PIECE]), is_last=False)
            del self._waiting[:_PIECE]
        return len(piece)

    def finish(self) -> None:
        self._put(bytes(self._waiting), is_last=True)

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, is_last=is_last)
        self._raw.write(self._cipher.encrypt(nonce, piece, _MAGIC))
        self._number += 1


class _Opened(io.RawIOBase):
    """What lies sealed in `raw`. Raises RejectedError for a wrong password, a damaged or shortened file."""

    def __init__(self, raw: BinaryIO, password: str) -> None:
        if raw.read(len(_MAGIC)) != _MAGIC:
            raise RejectedError("这不是市中心的备份文件", hint="请核对文件")
        salt, self._prefix = raw.read(_SALT_BYTES), raw.read(_PREFIX_BYTES)
        self._raw, self._cipher, self._number = raw, _key(password, salt), 0
        self._ready, self._next = b"", raw.read(_PIECE + _TAG_BYTES)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while self._next and (size < 0 or len(self._ready) < size):
            piece, self._next = self._next, self._raw.read(_PIECE + _TAG_BYTES)
            nonce = _nonce(self._prefix, self._number, is_last=not self._next)
            try:
                self._ready += self._cipher.decrypt(nonce, piece, _MAGIC)
            except InvalidTag as error:
                raise RejectedError(
                    "备份打不开：密码不对，或文件被改动、截短", hint="请核对密码；仍不行，换一份备份"
                ) from error
            self._number += 1
        found, self._ready = (self._ready, b"") if size < 0 else (self._ready[:size], self._ready[size:])
        return found
