"""Changes of the score scheme: one person drafts, another puts it into force from a month on. Audited."""

from datetime import date
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


async def add(conn: AsyncConnection, wanted: Scheme, who: str, why: str, wall: int, today: date) -> int:
    """-> the draft's number; audited. `today`: in the legal zone.

    Raises UsageError where it is no lawful scheme, changes nothing, begins in a month that is over, or another one waits.
    """
    checked(wanted)
    now = await scores.scheme(conn)
    _must_begin_later(wanted, now, today)
    if not difference(now, wanted):
        raise UsageError("与最新一版相同，没有要改的", hint="见  mingcha score scheme --json")
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
        raise UsageError("已有一份方案待审定", hint="请先审定或撤回那一份，见“评分方案”页") from error
    await trail.note(conn, wall, who, "scheme.draft", f"第 {number} 份", why)
    return int(number or 0)


def _must_begin_later(wanted: Scheme, now: Scheme, today: date) -> None:
    """Nobody is scored by what was not yet known when the month was over."""
    least = max(f"{today:%Y-%m}", now.since)
    if wanted.since < least:
        said = f"生效月份 {wanted.since}" if wanted.since else "没有写明生效月份，或它"
        raise UsageError(f"{said}早于 {least}", hint=f"since 写 {least} 或以后的月份")


async def waiting(conn: AsyncConnection) -> Row[Any] | None:
    """The draft that nobody has decided; there is at most one."""
    mine = scheme_draft.c.state == DraftState.WAITING.value
    return (await conn.execute(select(scheme_draft).where(mine))).first()


async def one(conn: AsyncConnection, number: int) -> Row[Any] | None:
    """A draft, whatever became of it."""
    return (await conn.execute(select(scheme_draft).where(scheme_draft.c.id == number))).first()


async def decide(
    conn: AsyncConnection, number: int, to: DraftState, who: str, why: str, wall: int, today: date
) -> Scheme:
    """`who` approves, refuses or withdraws that waiting draft. -> the newest scheme from now on; audited.

    Raises UsageError where it does not wait, it is not theirs to decide, there is a newer version than it was written
    against, or its month is over.
    """
    row, now = await one(conn, number), await scores.scheme(conn)
    if row is None or row.state != DraftState.WAITING.value:
        raise UsageError("没有这份待审定的方案，或已由他人办过", hint="请回到“评分方案”页")
    if not is_theirs(row.who, who, to):
        own = "自己起草的由另一人审定" if row.who == who else "只有起草人可以撤回"
        raise UsageError(own, hint="请由另一位审核人办理")
    mine = scheme_draft.c.id == row.id, scheme_draft.c.state == DraftState.WAITING.value
    values = {"state": to.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    if not (await conn.execute(update(scheme_draft).where(*mine).values(**values))).rowcount:
        raise UsageError("没有这份待审定的方案，或已由他人办过", hint="请回到“评分方案”页")
    await trail.note(conn, wall, who, f"scheme.{to.value}", f"第 {row.id} 份", why)
    if to is not DraftState.APPROVED:
        return now
    if row.base != now.version:
        raise UsageError("起草之后方案又有了新的版本", hint="请撤回，按最新一版重新起草")
    _must_begin_later(content(row), now, today)
    made = msgspec.structs.replace(content(row), version=now.version + 1)
    line = {"version": made.version, "content": msgspec.json.encode(made).decode(), "who": row.who}
    reason = f"{row.why}（{who} 审定：{why}）"
    await conn.execute(insert(score_scheme).values(**line, why=reason, made_wall=wall))
    return made
