"""Saved views in the database: an account's own, and those that a supervisor shares with everybody."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.saved_view import MOST, Listing
from central.store import account_tables, trail
from central.store.metadata import metadata
from common.core.errors import UsageError

saved_view = Table(
    "saved_view",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("list", Text, nullable=False),  # central.core.saved_view.Listing
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),  # central.core.saved_view.kept
    Column("is_shared", Boolean, nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    UniqueConstraint("owner", "list", "name"),
)
_view = saved_view.c


class New(Struct, frozen=True, kw_only=True):
    """A view before it is kept."""

    owner: str
    listing: Listing
    name: str
    query: str
    is_shared: bool


async def seen_by(conn: AsyncConnection, who: str, listing: Listing | None = None) -> Sequence[Row[Any]]:
    """Those of `who`, then the others' shared ones; each in order of names."""
    query = select(saved_view).where(or_(_view.owner == who, _view.is_shared))
    if listing is not None:
        query = query.where(_view.list == listing.value)
    return (await conn.execute(query.order_by(_view.owner != who, _view.name, _view.id))).all()


async def one(conn: AsyncConnection, number: int, who: str) -> Row[Any]:
    """The view, if it is of `who` or shared. Raises UsageError."""
    query = select(saved_view).where(_view.id == number, or_(_view.owner == who, _view.is_shared))
    row = (await conn.execute(query)).first()
    if row is None:
        raise UsageError("没有这个常用查询", hint="它可能已删去，或不再共享。请从列表页进入")
    return row


async def keep(conn: AsyncConnection, new: New, now_wall: int) -> int:
    """-> its number. Raises UsageError for a name that is taken, and for one too many."""
    await conn.execute(  # who saves in two windows at once is counted in both
        select(account_tables.user.c.name).where(account_tables.user.c.name == new.owner).with_for_update()
    )
    own = _view.owner == new.owner, _view.list == new.listing.value
    names = set(await conn.scalars(select(_view.name).where(*own)))
    if new.name in names:
        raise UsageError(f"已有名为“{new.name}”的常用查询", hint="请换一个名字，或先删去旧的")
    if len(names) >= MOST:
        raise UsageError(f"一种列表最多保存 {MOST} 个常用查询", hint="请先删去不用的")
    values = {"list": new.listing.value, "made_wall": now_wall, "is_shared": False}
    fields = {"owner": new.owner, "name": new.name, "query": new.query}
    made = await conn.execute(insert(saved_view).values(**values, **fields).returning(_view.id))
    number = int(made.scalar_one())
    if new.is_shared:
        await share(conn, number, new.owner, now_wall, shared=True)
    return number


async def share(conn: AsyncConnection, number: int, who: str, now_wall: int, *, shared: bool) -> None:
    """Show it to everybody, or to its owner alone. Raises UsageError for one too many, and where there is none."""
    row = await one(conn, number, who)
    if bool(row.is_shared) is shared:
        return
    act = "view.share" if shared else "view.unshare"
    # first: whoever shares at the same time waits here, and is counted
    await trail.note(conn, now_wall, who, act, f"{row.list}/{number}", f"{row.name}（{row.query}）")
    await conn.execute(update(saved_view).where(_view.id == number).values(is_shared=shared))
    count = select(func.count()).where(_view.list == row.list, _view.is_shared)
    if shared and int(await conn.scalar(count) or 0) > MOST:
        raise UsageError(f"一种列表最多共享 {MOST} 个常用查询", hint="请先停止共享不用的")


async def drop(conn: AsyncConnection, number: int, who: str, now_wall: int) -> None:
    """Only its owner's. Raises UsageError."""
    row = await one(conn, number, who)
    if row.owner != who:
        raise UsageError("这是他人的常用查询", hint="请由保存的人删去")
    await share(conn, number, who, now_wall, shared=False)
    await conn.execute(delete(saved_view).where(_view.id == number))
