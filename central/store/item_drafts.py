"""Changes of the item catalogue that wait for a second person, and what was decided."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.item import Item
from central.core.item_draft import DraftState, is_theirs
from central.core.sheet import renewed, replaced
from central.store import items, trail
from central.store.law_tables import item_draft
from common.core.errors import UsageError


async def add(conn: AsyncConnection, item: Item, today: date, who: str, why: str, wall: int) -> int:
    """`who` proposes that the entry says this from its day on. -> the draft's number; audited.

    Raises UsageError where it changes nothing, begins before tomorrow, or another change of the entry waits.
    """
    catalogue = await items.catalogue(conn)
    if not renewed(catalogue, [item], today):
        raise UsageError("与现行版相同，没有要改的", hint="请改动至少一项再提交")
    base = len(catalogue.get(item.code, ()))
    values = {
        "code": item.code,
        "base": base,
        "content": msgspec.json.encode(item).decode(),
        "state": DraftState.WAITING.value,
        "who": who,
        "why": why,
        "made_wall": wall,
    }
    try:
        async with conn.begin_nested():
            number = await conn.scalar(insert(item_draft).values(**values).returning(item_draft.c.id))
    except IntegrityError as error:
        raise UsageError(
            f"{item.code} 已有一份改动待审定", hint="请先审定或撤回那一份，见“事项清单”页"
        ) from error
    assert number is not None
    await trail.note(conn, wall, who, "item.draft", f"{item.code} 第 {number} 份", why)
    return int(number)


async def waiting(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """The drafts that nobody has decided, oldest first."""
    mine = item_draft.c.state == DraftState.WAITING.value
    return (await conn.execute(select(item_draft).where(mine).order_by(item_draft.c.id))).all()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    return (await conn.execute(select(item_draft).where(item_draft.c.id == number))).first()


def content(row: Row[Any]) -> Item:
    """What a draft proposes."""
    return items.decode(row)


async def before(conn: AsyncConnection, row: Row[Any], today: date) -> Item | None:
    """The version whose place a draft takes, or took on the day `today` of its decision; None: the entry is new."""
    versions = (await items.catalogue(conn)).get(row.code, ())
    return replaced(content(row), versions[: row.base], today)


async def decide(
    conn: AsyncConnection, number: int, to: DraftState, today: date, who: str, why: str, wall: int
) -> None:
    """`who` approves, refuses or withdraws a waiting draft; an approved one is a version from then on. Audited.

    Raises UsageError where it is not theirs to decide, nothing waits, or the entry has changed since.
    """
    row = await one(conn, number)
    if row is None or row.state != DraftState.WAITING.value:
        raise UsageError("没有这份待审定的改动，或已由他人办过", hint="请回到“事项清单”页")
    if not is_theirs(row.who, who, to):
        own = "自己起草的改动由另一人审定" if row.who == who else "只有起草人可以撤回"
        raise UsageError(own, hint="可把本页地址发给另一位审核人")
    mine = item_draft.c.id == number, item_draft.c.state == DraftState.WAITING.value
    values = {"state": to.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    if not (await conn.execute(update(item_draft).where(*mine).values(**values))).rowcount:
        raise UsageError("没有这份待审定的改动，或已由他人办过", hint="请回到“事项清单”页")
    if to is DraftState.APPROVED:
        catalogue = await items.catalogue(conn)
        if len(catalogue.get(row.code, ())) != row.base:
            raise UsageError("起草之后这个事项又有了新的版本", hint="请撤回，按现行版重新起草")
        added = [new for new, _ in renewed(catalogue, [content(row)], today)]
        await items.add(conn, added, row.who, f"{row.why}（{who} 审定：{why}）", wall)
    await trail.note(conn, wall, who, f"item.{to.value}", f"{row.code} 第 {number} 份", why)
