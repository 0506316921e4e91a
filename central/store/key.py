"""The hall's data key: a file beside its other keys, named in the database's address; the database knows only its id.

A key is made with the database that it is for, never for one that has had another: who starts with a lost key's database
and a fresh file would write what the old backups cannot mend.
"""

import os
import secrets
from pathlib import Path

from sqlalchemy import URL, Connection, column, insert, inspect, make_url, select, table, update

from central.store.sealed import Ring
from common.address import KEY
from common.clock import Clock
from common.config import read_secret
from common.core.crypto import KEY_BYTES
from common.core.errors import ConfigError, words

WHAT = "市中心的数据密钥"
_KNOWN = table(
    "data_key", column("id"), column("made_wall"), column("index_wall")
)  # of `account_tables`: the door imports no table


def parted(url: str) -> tuple[URL, Path | None]:
    """Inverse of `address.with_key`: the address that a driver takes, and the key's file; None where it names none."""
    parsed = make_url(url)
    path = parsed.query.get(KEY)
    return parsed.difference_update_query([KEY]), Path(str(path)) if path else None


def former(path: Path) -> Path:
    """Keys that were replaced and still open what lies under them: 32 bytes each, the newest first."""
    return path.with_name(path.name + ".former")


def ring_of(path: Path, index: str = "") -> Ring:
    """`index`: as `Ring` has it. Raises ConfigError where the file cannot be read, or is none."""
    older = former(path)
    rest = read_secret(older, WHAT) if older.exists() else b""
    parts = [rest[at : at + KEY_BYTES] for at in range(0, len(rest), KEY_BYTES)]
    return Ring([read_secret(path, WHAT), *parts], index)


def checked(conn: Connection, path: Path) -> Ring:
    """The ring in `path`, which is made for a database that has had none. Raises ConfigError for another database's."""
    known = ids(conn)
    if not known and not path.exists():
        _make(path)
    index = index_of(conn)
    ring = ring_of(path, index)
    fault = fault_of(ring, known, index) if known else ""
    if fault:
        raise ConfigError(fault, hint="请从备份恢复数据密钥文件，不要新建：没有它，个人信息解不开")
    if ring.ids[0] not in known:
        now_wall = Clock().wall()
        index_wall = None if known else now_wall
        conn.execute(insert(_KNOWN).values(id=ring.ids[0], made_wall=now_wall, index_wall=index_wall))
    return ring


def index_of(conn: Connection) -> str:
    """Id of the key that the blind index of this database is under; empty where it has had no key."""
    if not inspect(conn).has_table(_KNOWN.name):
        return ""
    newest = _KNOWN.c.index_wall.is_not(None), _KNOWN.c.index_wall.desc()
    return str(conn.scalar(select(_KNOWN.c.id).where(newest[0]).order_by(newest[1]).limit(1)) or "")


def index_by(conn: Connection, key_id: str, now_wall: int) -> None:
    """From this transaction on the blind index is under that key."""
    conn.execute(update(_KNOWN).where(_KNOWN.c.id == key_id).values(index_wall=now_wall))


def ids(conn: Connection) -> set[str]:
    """Of the keys under which this database was ever written."""
    return set(conn.scalars(select(_KNOWN.c.id)))


def fault_of(ring: Ring, known: set[str], index: str) -> str:
    """What is wrong with `ring` for a database that knows the ids `known`, one of which is its `index`'s; empty: nothing."""
    if known.isdisjoint(ring.ids):
        return f"数据密钥 {ring.ids[0]} 不是这个数据库的（应为 {'、'.join(sorted(known))}）"
    if index and index not in ring.ids:
        return f"旧的数据密钥 {index} 不在 data.key.former 里，而库中还有内容在它之下"
    return ""


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "wb") as made:  # noqa: PTH123
            made.write(secrets.token_bytes(KEY_BYTES))
            made.flush()
            os.fsync(file)
    except OSError as error:
        raise ConfigError(
            f"没有{WHAT}，也写不了 {path}（{words(error)}）", hint="请以 root 执行  mingcha central init"
        ) from error
