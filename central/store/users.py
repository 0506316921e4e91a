"""Accounts of the hall, as the command line keeps them; sessions are `sessions.py`."""

import re
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.access import Role
from central.store.tables import session, user
from common.core.errors import UsageError

_NAME = re.compile(r"[\w.-]{1,40}")


async def add(conn: AsyncConnection, name: str, role: Role, hashed: str, now_wall: int) -> None:
    """A user who must change the password first. Raises UsageError if the name is taken, or nobody could type it."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"用户名 {name!r} 不能用", hint="用 1 至 40 个汉字、字母、数字或 . _ -，不含空格")
    if await conn.scalar(select(user.c.name).where(user.c.name == name)):
        raise UsageError(f"用户 {name} 已存在", hint=f"重设密码请用  mingcha user reset {name}")
    values = {"name": name, "role": role, "password": hashed, "must_change": True, "disabled": False}
    await conn.execute(insert(user).values(**values, created_wall=now_wall))


async def add_wall(conn: AsyncConnection, name: str, now_wall: int) -> None:
    """A screen: nobody knows a password of it. Raises UsageError as `add` does."""
    await add(conn, name, Role.WALL, "!", now_wall)
    await conn.execute(update(user).where(user.c.name == name).values(must_change=False))


async def everyone(conn: AsyncConnection) -> list[Row[Any]]:
    return list(await conn.execute(select(user).order_by(user.c.created_wall, user.c.name)))


async def one(conn: AsyncConnection, name: str) -> Row[Any]:
    """Raises UsageError for an unknown name."""
    row = (await conn.execute(select(user).where(user.c.name == name))).one_or_none()
    if row is None:
        raise UsageError(f"没有用户 {name}", hint="用  mingcha user list  查看全部用户")
    return row


async def reach_at(conn: AsyncConnection, name: str, phone: str, mail: str) -> None:
    """Where messages for `name` go; empty: nowhere. Raises UsageError for an unknown name."""
    await one(conn, name)
    await conn.execute(update(user).where(user.c.name == name).values(phone=phone, mail=mail))


async def ask(conn: AsyncConnection, name: str, role: Role) -> None:
    """From now on `name` is `role`, but logs in only when that was approved. Raises UsageError for an unknown name."""
    await _change(conn, name, role=role.value, pending=True)


async def approve(conn: AsyncConnection, name: str) -> None:
    """Raises UsageError where nothing waits."""
    if not (await one(conn, name)).pending:
        raise UsageError(f"用户 {name} 没有待授权的变更", hint="用  mingcha user list  查看全部用户")
    await _change(conn, name, pending=False)


async def keep_factor(conn: AsyncConnection, name: str, sealed: bytes, step: int) -> None:
    await conn.execute(update(user).where(user.c.name == name).values(factor=sealed, factor_step=step))


async def use_step(conn: AsyncConnection, name: str, step: int) -> bool:
    """Take the code of this time step, once: False where it, or a later one, was taken meanwhile."""
    free = user.c.name == name, user.c.factor_step < step
    return (await conn.execute(update(user).where(*free).values(factor_step=step))).rowcount == 1


async def forget_factor(conn: AsyncConnection, name: str) -> None:
    """The telephone is lost: out of every window, and the next log-in goes without. Raises UsageError for an unknown name."""
    await _change(conn, name, factor=None, factor_step=0)


async def reset(conn: AsyncConnection, name: str, hashed: str) -> None:
    """A new one-time password; the user's windows are logged out. Whoever is disabled stays so.

    Raises UsageError for an unknown name.
    """
    await _change(conn, name, password=hashed, must_change=True)


async def enable(conn: AsyncConnection, name: str) -> None:
    """May log in again. Raises UsageError for an unknown name."""
    await _change(conn, name, disabled=False)


async def disable(conn: AsyncConnection, name: str) -> None:
    """No more log-in, and out of every window now. Raises UsageError for an unknown name."""
    await _change(conn, name, disabled=True)


async def _change(conn: AsyncConnection, name: str, **values: object) -> None:
    await one(conn, name)
    await conn.execute(update(user).where(user.c.name == name).values(**values))
    await conn.execute(delete(session).where(session.c.user == name))
