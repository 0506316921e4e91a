"""Who has examined the rules in force: entered by one person, confirmed by another, never changed. Audited."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Row, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import opinion
from central.core.opinion import MARK, Opinion
from central.core.pack import Pack
from central.store import packs, trail
from central.store.metadata import metadata
from central.store.sealed import SealedText
from common.core.errors import UsageError

rule_opinion = Table(
    "rule_opinion",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("digest", Text, nullable=False),  # of the text that was examined (central.core.opinion)
    Column("version", Integer, nullable=False),  # of the figures that were in force then
    Column("examiner", SealedText("rule_opinion.examiner"), nullable=False),
    Column("number", SealedText("rule_opinion.number"), nullable=False),
    Column("day", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_wall", BigInteger),
)


async def add(conn: AsyncConnection, wanted: Opinion, who: str, wall: int) -> int:
    """-> its number. Raises UsageError where it is not about the rules in force."""
    pack = (await packs.every(conn))[-1][1]
    if wanted.digest != opinion.digest(pack):
        raise UsageError("审核的不是现行规则", hint="现行规则与指纹见  mingcha rules text")
    values = {
        "digest": wanted.digest,
        "version": pack.version,
        "examiner": wanted.examiner,
        "number": wanted.number,
        "day": wanted.day,
        "who": who,
        "made_wall": wall,
    }
    number = await conn.scalar(insert(rule_opinion).values(**values).returning(rule_opinion.c.id))
    subject, said = f"第 {number} 份：{wanted.digest}", f"{wanted.examiner} {wanted.number} {wanted.day}"
    await trail.note(conn, wall, who, "rules.sign", subject, said)
    return int(number or 0)


async def confirm(conn: AsyncConnection, number: int, who: str, wall: int) -> Row[Any]:
    """`who` has seen the document too. Raises UsageError where there is nothing to confirm, or it is their own entry."""
    one = rule_opinion.c
    row = (await conn.execute(select(rule_opinion).where(one.id == number))).first()
    if row is None or row.confirmed_wall is not None:
        raise UsageError("没有这份待确认的审核意见", hint="见  mingcha rules history")
    if row.who == who:
        raise UsageError("登记的人不能自己确认", hint="请由另一人核对意见书后确认")
    waits = one.id == number, one.confirmed_wall.is_(None)
    values = {"confirmed_by": who, "confirmed_wall": wall}
    if not (await conn.execute(update(rule_opinion).where(*waits).values(**values))).rowcount:
        raise UsageError("没有这份待确认的审核意见", hint="可能已由他人确认")
    await trail.note(
        conn, wall, who, "rules.confirm", f"第 {number} 份：{row.digest}", f"{row.examiner} {row.number}"
    )
    return row


async def listed(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Newest first, confirmed or not."""
    return (await conn.execute(select(rule_opinion).order_by(rule_opinion.c.id.desc()))).all()


async def of_pack(conn: AsyncConnection, pack: Pack) -> Row[Any] | None:
    """The newest confirmed opinion on exactly these figures and this release's rules."""
    one, wanted = rule_opinion.c, opinion.digest(pack)
    query = select(rule_opinion).where(one.digest == wanted, one.confirmed_wall.is_not(None))
    return (await conn.execute(query.order_by(one.id.desc()).limit(1))).first()


async def mark(conn: AsyncConnection, version: int) -> str:
    """What a document that rests on this version of the figures says of it; empty where a lawyer has examined it."""
    pack = next((pack for _, pack in await packs.every(conn) if pack.version == version), None)
    return "" if pack is not None and await of_pack(conn, pack) is not None else MARK
