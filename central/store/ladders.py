"""The ladder of messages as policy: one person drafts a change, another puts it into force. Audited; nothing is overwritten."""

from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import ladder
from central.core.item_draft import DraftState, is_theirs
from central.core.ladder import LADDER, Ladder
from central.store import trail
from central.store.tables import ladder_draft
from common.core.errors import UsageError

_ONE = ladder_draft.c


async def current(conn: AsyncConnection) -> tuple[int, Ladder]:
    """Number and content of what was approved last; 0 is the ladder that the hall comes with."""
    query = select(ladder_draft).where(_ONE.state == DraftState.APPROVED.value)
    row = (await conn.execute(query.order_by(_ONE.decided_wall.desc(), _ONE.id.desc()).limit(1))).first()
    return (int(row.id), content(row)) if row is not None else (0, LADDER)


def content(row: Row[Any]) -> Ladder:
    """What a draft proposes."""
    return msgspec.json.decode(row.content, type=Ladder)


async def add(conn: AsyncConnection, wanted: Ladder, who: str, why: str, wall: int) -> int:
    """-> the draft's number. Raises UsageError where it is no lawful ladder, changes nothing, or another one waits."""
    ladder.check(wanted)
    base, now = await current(conn)
    if not ladder.difference(now, wanted):
        raise UsageError("与现行阶梯相同，没有要改的", hint="现行阶梯见  mingcha ladder show --json")
    values = {
        "base": base,
        "content": msgspec.json.encode(wanted, order="deterministic"),
        "state": DraftState.WAITING.value,
        "who": who,
        "why": why,
        "made_wall": wall,
    }
    try:
        async with conn.begin_nested():
            number = await conn.scalar(insert(ladder_draft).values(**values).returning(_ONE.id))
    except IntegrityError as error:
        raise UsageError("已有一份阶梯待审定", hint="见  mingcha ladder show") from error
    await trail.note(conn, wall, who, "ladder.draft", f"第 {number} 份", why)
    return int(number or 0)


async def waiting(conn: AsyncConnection) -> Row[Any] | None:
    """The draft that nobody has decided; there is at most one."""
    return (await conn.execute(select(ladder_draft).where(_ONE.state == DraftState.WAITING.value))).first()


async def decide(conn: AsyncConnection, to: DraftState, who: str, why: str, wall: int) -> int:
    """`who` approves, refuses or withdraws the waiting draft. -> its number.

    Raises UsageError where nothing waits, it is not theirs to decide, or the ladder has changed since.
    """
    row = await waiting(conn)
    if row is None:
        raise UsageError("没有待审定的阶梯", hint="起草用  mingcha ladder draft")
    if not is_theirs(row.who, who, to):
        own = "自己起草的由另一人审定" if row.who == who else "只有起草人可以撤回"
        raise UsageError(own, hint="请由另一人办理")
    if to is DraftState.APPROVED and row.base != (await current(conn))[0]:
        raise UsageError("起草之后阶梯又有了新的版本", hint="请撤回，按现行版重新起草")
    values = {"state": to.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    mine = _ONE.id == row.id, _ONE.state == DraftState.WAITING.value
    if not (await conn.execute(update(ladder_draft).where(*mine).values(**values))).rowcount:
        raise UsageError("没有待审定的阶梯", hint="可能已由他人办过")
    await trail.note(conn, wall, who, f"ladder.{to.value}", f"第 {row.id} 份", why)
    return int(row.id)
