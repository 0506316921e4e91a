"""The database of what is public, as door and hall open it, and the statements of the door."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, func, insert, inspect, make_url, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.complaint import Terms
from central.door import tables
from central.door.tables import SCHEMA, guide, inbox, law, meta, told, upload
from central.store.engine import Store, opened
from common.core.errors import UnavailableError

VERSION = 3
"""Of the published tables: the hall makes those of another version anew, the door waits for its own."""


class Name(StrEnum):
    """Rows of `meta`."""

    VERSION = "version"
    BEAT = "beat"
    WORKDAYS = "workdays"


class Beat(Struct, frozen=True):
    """What the hall says of itself every few seconds. `at` office time, `wall` wall time; `wire_key`: to which citizens' words
    are sealed; `terms`: of the complaints that are received now.
    """

    at: int
    wall: int
    wire_key: bytes
    terms: Terms = Terms()


async def open_as_door(url: str) -> Store:
    """Raises UnavailableError where the hall has not published yet, or in another version."""
    if url.startswith("sqlite"):
        path = Path(url.partition(":///")[2])
        if not path.exists():
            raise UnavailableError(f"还没有公开数据：{path} 不存在", hint=_HINT)
    return await opened(make_url(url), _must_be_ours, SCHEMA)


_HINT = "请在 central.toml 的 [public] 写 enabled = true 并启动市中心程序；已启动的，请检查目录是否一致"


def _must_be_ours(conn: Connection) -> None:
    known = inspect(conn).has_table(meta.name, schema=SCHEMA if conn.dialect.name != "sqlite" else None)
    found = (
        conn.execute(select(meta.c.body).where(meta.c.name == Name.VERSION.value)).scalar() if known else None
    )
    if found != str(VERSION).encode():
        raise UnavailableError("公开数据还没有建立，或与本程序的版本不同", hint=_HINT)


# read ---------------------------------------------------------------------------------------------------------


async def beat(conn: AsyncConnection) -> Beat | None:
    """The hall's last word; None before the first."""
    body = await said(conn, Name.BEAT)
    return msgspec.json.decode(body, type=Beat) if body else None


async def said(conn: AsyncConnection, name: Name) -> bytes | None:
    found: bytes | None = await conn.scalar(select(meta.c.body).where(meta.c.name == name.value))
    return found


async def guides(conn: AsyncConnection) -> Sequence[Row[Any]]:
    return (await conn.execute(select(guide).order_by(guide.c.code))).all()


async def laws(conn: AsyncConnection) -> Sequence[Row[Any]]:
    return (await conn.execute(select(law).order_by(law.c.initials, law.c.name))).all()


async def releases(conn: AsyncConnection) -> list[bytes]:
    """The heads, newest first."""
    one = tables.release.c
    return list(await conn.scalars(select(one.head).order_by(one.number.desc())))


async def answers(conn: AsyncConnection, limit: int) -> list[bytes]:
    """Newest first."""
    one = tables.answer.c
    return list(await conn.scalars(select(one.body).order_by(one.number.desc()).limit(limit)))


async def excerpts(conn: AsyncConnection, limit: int) -> list[bytes]:
    """Newest first."""
    one = tables.excerpt.c
    return list(await conn.scalars(select(one.body).order_by(one.number.desc()).limit(limit)))


async def polls(conn: AsyncConnection, limit: int) -> list[bytes]:
    """Newest first."""
    one = tables.poll.c
    return list(await conn.scalars(select(one.body).order_by(one.number.desc()).limit(limit)))


async def release(conn: AsyncConnection, number: int) -> bytes | None:
    """Empty: it was taken back; None: there is none."""
    one = tables.release.c
    body: bytes | None = await conn.scalar(select(one.body).where(one.number == number))
    return body


async def release_files(conn: AsyncConnection, number: int) -> list[str]:
    one = tables.release_file.c
    return list(await conn.scalars(select(one.name).where(one.release == number).order_by(one.name)))


async def release_file(conn: AsyncConnection, number: int, name: str) -> bytes | None:
    one = tables.release_file.c
    body: bytes | None = await conn.scalar(select(one.body).where(one.release == number, one.name == name))
    return body


async def blanks(conn: AsyncConnection) -> list[bytes]:
    return list(await conn.scalars(select(tables.blank.c.body).order_by(tables.blank.c.number)))


async def blank_file(conn: AsyncConnection, digest: str) -> bytes | None:
    one = tables.blank_file.c
    body: bytes | None = await conn.scalar(select(one.body).where(one.digest == digest))
    return body


async def bulletins(conn: AsyncConnection) -> list[bytes]:
    """The heads."""
    return list(await conn.scalars(select(tables.bulletin.c.head).order_by(tables.bulletin.c.number)))


async def bulletin_texts(conn: AsyncConnection, numbers: Sequence[int]) -> dict[int, str]:
    one = tables.bulletin.c
    found = await conn.execute(select(one.number, one.text).where(one.number.in_(numbers)))
    return {row.number: row.text for row in found}


async def editions(conn: AsyncConnection) -> Sequence[Row[Any]]:
    return (await conn.execute(select(tables.edition.c.law, tables.edition.c.body))).all()


async def articles(
    conn: AsyncConnection, law: str, version: int, first: int, before: int | None
) -> list[bytes]:
    """Those with numbers from `first` on, up to the one `before`."""
    one = tables.article.c
    query = select(one.body).where(one.law == law, one.version == version, one.number >= first)
    query = query if before is None else query.where(one.number < before)
    return list(await conn.scalars(query.order_by(one.place)))


async def articles_with(
    conn: AsyncConnection, words: Sequence[str], *, by_letters: bool, limit: int
) -> Sequence[Row[Any]]:
    """Those that hold every one of `words`, in the order of laws and articles."""
    one = tables.article.c
    where = one.letters if by_letters else one.text
    query = select(one.law, one.version, one.body).where(
        *(where.contains(word, autoescape=True) for word in words)
    )
    return (await conn.execute(query.order_by(one.law, one.version, one.place).limit(limit))).all()


async def found(conn: AsyncConnection, lookup: bytes) -> Sequence[Row[Any]]:
    """What stands at a place, sealed."""
    return (await conn.execute(select(told.c.ref, told.c.sealed).where(told.c.lookup == lookup))).all()


async def is_waiting(conn: AsyncConnection, lookup: bytes) -> bool:
    """Whether something was handed in under it that the hall has not fetched yet."""
    query = select(func.count()).select_from(inbox).where(inbox.c.lookup == lookup)
    return bool(await conn.scalar(query))


# handed in ----------------------------------------------------------------------------------------------------


async def hand_in(conn: AsyncConnection, row: dict[str, Any]) -> bool:
    """-> False where it was handed in before: the same form sent twice is one."""
    known = await conn.scalar(select(func.count()).select_from(inbox).where(inbox.c.id == row["id"]))
    if not known:
        await conn.execute(insert(inbox).values(**row))
    return not known


async def waiting(conn: AsyncConnection) -> int:
    return int(await conn.scalar(select(func.count()).select_from(inbox)) or 0)


async def uploads(conn: AsyncConnection, draft: str) -> dict[str, int]:
    """File -> bytes, of one complaint that is being written."""
    rows = await conn.execute(select(upload.c.id, upload.c.size).where(upload.c.draft == draft))
    return {row.id: row.size for row in rows}


async def uploaded(conn: AsyncConnection) -> int:
    """Bytes that lie there altogether."""
    return int(await conn.scalar(select(func.coalesce(func.sum(upload.c.size), 0))) or 0)


async def keep(conn: AsyncConnection, row: dict[str, Any]) -> None:
    await conn.execute(insert(upload).values(**row))


async def forget(conn: AsyncConnection, draft: str, name: str) -> None:
    await conn.execute(delete(upload).where(upload.c.draft == draft, upload.c.id == name))


async def forget_old(conn: AsyncConnection, before_wall: int, handed: Sequence[str]) -> None:
    """Files of complaints that were never sent. `handed`: drafts that wait in the box."""
    await conn.execute(
        delete(upload).where(upload.c.made_wall < before_wall, upload.c.draft.not_in(list(handed)))
    )


async def drafts_waiting(conn: AsyncConnection) -> list[str]:
    return list(await conn.scalars(select(inbox.c.id)))
