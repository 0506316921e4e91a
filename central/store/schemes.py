"""Changes of the score scheme: one person drafts, another puts it into force, as with the catalogue. Audited."""

from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.item_draft import DraftState, is_theirs
from central.core.scheme import Scheme, checked, difference
from central.store import scores, trail
from central.store.score_tables import scheme_draft, score_scheme
from common.core.errors import UsageError

_decode = msgspec.json.Decoder(Scheme).decode


def content(row: Row[Any]) -> Scheme:
    """What a draft proposes."""
    return _decode(row.content)


async def add(conn: AsyncConnection, wanted: Scheme, who: str, why: str, wall: int) -> int:
    """-> the draft's number. Raises UsageError where it is no lawful scheme, changes nothing, or another one waits."""
    checked(wanted)
    now = await scores.scheme(conn)
    if not difference(now, wanted):
        raise UsageError("与现行方案相同，没有要改的", hint="现行方案见  mingcha score scheme --json")
    values = {
        "base": now.version,
        "content": msgspec.json.encode(wanted).decode(),
        "state": DraftState.WAITING.value,
        "who": who,
        "why": why,
        "made_wall": wall,
    }
    try:
        async with conn.begin_nested():
            number = await conn.scalar(insert(scheme_draft).values(**values).returning(scheme_draft.c.id))
    except IntegrityError as error:
        raise UsageError("已有一份方案待审定", hint="见  mingcha score scheme-drafts") from error
    await trail.note(conn, wall, who, "scheme.draft", f"第 {number} 份", why)
    return int(number or 0)


async def waiting(conn: AsyncConnection) -> Row[Any] | None:
    """The draft that nobody has decided; there is at most one."""
    mine = scheme_draft.c.state == DraftState.WAITING.value
    return (await conn.execute(select(scheme_draft).where(mine))).first()


async def decide(conn: AsyncConnection, to: DraftState, who: str, why: str, wall: int) -> Scheme:
    """`who` approves, refuses or withdraws the waiting draft. -> the scheme in force from now on.

    Raises UsageError where nothing waits, it is not theirs to decide, or the scheme has changed since.
    """
    row, now = await waiting(conn), await scores.scheme(conn)
    if row is None:
        raise UsageError("没有待审定的方案", hint="起草用  mingcha score scheme-draft")
    if not is_theirs(row.who, who, to):
        own = "自己起草的由另一人审定" if row.who == who else "只有起草人可以撤回"
        raise UsageError(own, hint="请由另一位审核人办理")
    mine = scheme_draft.c.id == row.id, scheme_draft.c.state == DraftState.WAITING.value
    values = {"state": to.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    if not (await conn.execute(update(scheme_draft).where(*mine).values(**values))).rowcount:
        raise UsageError("没有待审定的方案", hint="可能已由他人办过")
    await trail.note(conn, wall, who, f"scheme.{to.value}", f"第 {row.id} 份", why)
    if to is not DraftState.APPROVED:
        return now
    if row.base != now.version:
        raise UsageError("起草之后方案又有了新的版本", hint="请撤回，按现行版重新起草")
    made = msgspec.structs.replace(content(row), version=now.version + 1)
    line = {"version": made.version, "content": msgspec.json.encode(made).decode(), "who": row.who}
    reason = f"{row.why}（{who} 审定：{why}）"
    await conn.execute(insert(score_scheme).values(**line, why=reason, made_wall=wall))
    return made
