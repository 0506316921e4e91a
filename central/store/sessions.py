"""Users and their sessions: statements as named functions. A session is found by the digest of its token."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.access import Role
from central.store import tables as t


async def find_user(conn: AsyncConnection, name: str) -> Row[Any] | None:
    return (await conn.execute(select(t.user).where(t.user.c.name == name))).one_or_none()


async def set_password(conn: AsyncConnection, name: str, hashed: str, *, must_change: bool) -> None:
    values = {"password": hashed, "must_change": must_change}
    await conn.execute(update(t.user).where(t.user.c.name == name).values(values))


async def begin(
    conn: AsyncConnection,
    token: bytes,
    user: str,
    csrf: str,
    now_wall: int,
    *,
    address: str = "",
    browser: str = "",
) -> None:
    """Keep a new session; `token` is the digest of what the browser holds."""
    values = {"token": token, "user": user, "csrf": csrf, "created_wall": now_wall, "seen_wall": now_wall}
    await conn.execute(insert(t.session).values(**values, address=address, browser=browser))


async def of_user(conn: AsyncConnection, user: str) -> Sequence[Row[Any]]:
    """Newest use first."""
    query = select(t.session).where(t.session.c.user == user)
    return (await conn.execute(query.order_by(t.session.c.seen_wall.desc()))).all()


async def end_of(conn: AsyncConnection, user: str, token: bytes | None = None) -> int:
    """End this session of `user`, or all. -> how many there were; a token of somebody else's ends nothing."""
    mine = t.session.c.user == user
    query = delete(t.session).where(mine if token is None else and_(mine, t.session.c.token == token))
    return int((await conn.execute(query)).rowcount)


async def find(conn: AsyncConnection, token: bytes) -> Row[Any] | None:
    """The session with its user's role; None if unknown, or the user is disabled or waits to be authorised."""
    query = (
        select(
            t.session,
            t.user.c.role,
            t.user.c.home,
            t.user.c.must_change,
            t.user.c.factor.is_(None).label("lacks_factor"),
        )
        .join(t.user, and_(t.user.c.name == t.session.c.user, t.user.c.disabled.is_(False)))
        .where(t.session.c.token == token, t.user.c.pending.is_(False))
    )
    return (await conn.execute(query)).one_or_none()


async def touch(conn: AsyncConnection, token: bytes, now_wall: int) -> None:
    await conn.execute(update(t.session).where(t.session.c.token == token).values(seen_wall=now_wall))


async def end(conn: AsyncConnection, token: bytes) -> None:
    await conn.execute(delete(t.session).where(t.session.c.token == token))


async def end_others(conn: AsyncConnection, user: str, token: bytes) -> None:
    """After a change of password only this window stays logged in."""
    others = and_(t.session.c.user == user, t.session.c.token != token)
    await conn.execute(delete(t.session).where(others))


async def end_stale(conn: AsyncConnection, before_wall: int) -> None:
    """Those of people; a wall that was dark over a holiday shows the hall again by itself."""
    walls = select(t.user.c.name).where(t.user.c.role == Role.WALL.value)
    stale = t.session.c.seen_wall < before_wall, t.session.c.user.not_in(walls)
    await conn.execute(delete(t.session).where(*stale))


def role_of(row: Row[Any]) -> Role:
    return Role(row.role)
