"""Figures of the rules that somebody has put into force: versions, only ever added to, beside the release's own."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Integer, Row, Table, Text, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.pack import PACK, Pack
from central.store import anew, trail
from central.store.metadata import metadata
from central.store.sealed import SealedText
from common.core.errors import UsageError

rule_pack = Table(
    "rule_pack",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("figures", Text, nullable=False),  # JSON of central.core.ruling.Pack
    Column("who", Text, nullable=False),
    Column("why", SealedText("rule_pack.why"), nullable=False),
    Column("made_at", BigInteger, nullable=False),  # office time from which it is in force
    Column("made_wall", BigInteger, nullable=False),
)


async def newest(conn: AsyncConnection) -> int:
    """The number of the version in force."""
    found: int | None = await conn.scalar(select(func.max(rule_pack.c.version)))
    return PACK.version if found is None else found


async def every(conn: AsyncConnection) -> list[tuple[int, Pack]]:
    """Since when each has been in force, oldest first; the release's own ever since."""
    return [(0, PACK), *((row.made_at, _decode(row)) for row in reversed(await history(conn)))]


async def history(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """What was put into force by whom, newest first."""
    return (await conn.execute(select(rule_pack).order_by(rule_pack.c.version.desc()))).all()


def _decode(row: Row[Any]) -> Pack:
    return msgspec.json.decode(row.figures, type=Pack)


async def add(
    conn: AsyncConnection, figures: dict[str, int], who: str, why: str, at: int, wall: int
) -> tuple[Pack, Pack]:
    """Put the present figures with these instead into force, from `at` on: open cases are judged anew, decided ones stay by
    the figures of their day. -> (before, now). Raises UsageError where nothing differs.
    """
    before = (await every(conn))[-1][1]
    now = msgspec.structs.replace(before, version=before.version, **figures)
    if now == before:
        raise UsageError("参数与现行的相同", hint="现行参数见  mingcha rules history")
    now = msgspec.structs.replace(now, version=await newest(conn) + 1)
    text = msgspec.json.encode(now).decode()
    line = {"version": now.version, "figures": text, "who": who, "why": why, "made_at": at, "made_wall": wall}
    await conn.execute(insert(rule_pack).values(line))
    await anew.mark(conn)
    said = "，".join(f"{name}={value}" for name, value in figures.items())
    await trail.note(conn, wall, who, "rules.set", f"第 {now.version} 版：{said}", why)
    return before, now
