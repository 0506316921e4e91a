"""Commands to boxes and the settings wished of them: what was asked, by whom, why, and what became of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.wish import judged
from central.store import pages
from central.store.tables import command, policy
from common.core.camera import Rect
from common.core.message import Drawn, Policy
from common.core.record import Result
from common.core.state import Outcome

_drawn = msgspec.msgpack.Decoder(list[Drawn])
_NOTHING = {"bulk_bytes_per_sec": 0, "linger_ms": 0, "cameras": msgspec.msgpack.encode([])}
_PARTS = tuple(_NOTHING)
WAITING = command.c.ended_wall.is_(None)


async def add(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """`row`: id, site, act, args (JSON), who, why, issued_wall, expires_wall, and `subject` where the act wants one."""
    await conn.execute(
        insert(command).values(**{"subject": "", **row}, outcome=Outcome.WAITING.value, detail="")
    )


async def is_asked(conn: AsyncConnection, row: dict[str, Any]) -> bool:
    """Whether the same person's same command waits already: a form that was sent twice."""
    mine = [command.c[name] == row[name] for name in ("site", "act", "subject", "args", "who")]
    found = await conn.execute(select(command.c.why).where(*mine, WAITING))
    return row["why"] in found.scalars().all()


async def waiting(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Of all sites, oldest first."""
    return (await conn.execute(select(command).where(WAITING).order_by(command.c.issued_wall))).all()


async def settle(conn: AsyncConnection, site: str, result: Result, now_wall: int) -> None:
    """What the box says became of it; the first word counts, and of its own commands alone."""
    mine = command.c.id == result.command, command.c.site == site, WAITING
    said = {"outcome": result.outcome.value, "detail": result.detail, "ended_wall": now_wall}
    await conn.execute(update(command).where(*mine).values(**said))


async def expire(conn: AsyncConnection, before_wall: int, now_wall: int) -> int:
    """Those that ran out before `before_wall` and of which no box has said anything. -> how many."""
    over = command.c.expires_wall < before_wall, WAITING
    said = {"outcome": Outcome.EXPIRED.value, "detail": "站点没有应答", "ended_wall": now_wall}
    return (await conn.execute(update(command).where(*over).values(**said))).rowcount


async def listed(conn: AsyncConnection, site: str, limit: int) -> Sequence[Row[Any]]:
    """Newest first, of one site or of all."""
    query = select(command).order_by(command.c.issued_wall.desc()).limit(limit)
    return (await conn.execute(query.where(command.c.site == site) if site else query)).all()


async def of(conn: AsyncConnection, site: str, act: str, subject: str, limit: int) -> Sequence[Row[Any]]:
    """Newest first: what was asked of this subject."""
    mine = command.c.site == site, command.c.act == act, command.c.subject == subject
    query = select(command).where(*mine).order_by(command.c.issued_wall.desc()).limit(limit)
    return (await conn.execute(query)).all()


async def find(conn: AsyncConnection, number: str) -> Row[Any] | None:
    return (await conn.execute(select(command).where(command.c.id == number))).first()


async def wish(conn: AsyncConnection, row: dict[str, Any]) -> int:
    """Set a site's policy anew; `row`: site, who, why, set_wall, and what is to be different from the newest one. -> its version.

    Numbered above all that the site's box has met: this table may be a restored one.
    """
    before = (await wished(conn)).get(row["site"])
    kept = {name: getattr(before, name) for name in _PARTS} if before is not None else _NOTHING
    newest = select(func.coalesce(func.max(policy.c.version), 0)).where(policy.c.site == row["site"])
    beat = (await pages.heartbeats(conn, row["site"])).get(row["site"])
    version = max(int(await conn.scalar(newest) or 0), judged(beat)) + 1
    await conn.execute(insert(policy).values(**{**kept, **row}, version=version))
    return version


async def wish_again(conn: AsyncConnection, site: str, why: str, now_wall: int) -> int:
    """The newest policy of `site` once more, under a number that its box takes. -> its version."""
    row = (await wished(conn))[site]
    return await wish(conn, {"site": site, "who": row.who, "why": why, "set_wall": now_wall})


async def draw(conn: AsyncConnection, site: str, drawn: Drawn, who: str, why: str, now_wall: int) -> int:
    """Set what is drawn of one camera anew. -> the policy's version."""
    before = (await wished(conn)).get(site)
    others = [item for item in cameras_of(before) if item.camera != drawn.camera]
    kept = [*others, drawn] if drawn.zones or drawn.seats else others
    row = {"site": site, "cameras": msgspec.msgpack.encode(kept), "who": who, "why": why}
    return await wish(conn, {**row, "set_wall": now_wall})


def cameras_of(row: Row[Any] | None) -> list[Drawn]:
    """What is drawn by this policy; None: there is none."""
    return [] if row is None else _drawn.decode(row.cameras)


async def ever_drawn(conn: AsyncConnection, site: str, camera: str) -> set[tuple[str, Rect]]:
    """Seats of `camera` as any policy of `site` has drawn them: id and region."""
    rows = await conn.execute(select(policy.c.cameras).where(policy.c.site == site))
    return {
        (seat.id, seat.box)
        for row in rows
        for item in cameras_of(row)
        if item.camera == camera
        for seat in item.seats
    }


def policy_of(row: Row[Any]) -> Policy:
    """As it goes to the box."""
    return Policy(row.site, row.version, row.bulk_bytes_per_sec, row.linger_ms, cameras_of(row))


async def wished(conn: AsyncConnection) -> dict[str, Row[Any]]:
    """Site -> its newest policy."""
    newest = (
        select(policy.c.site, func.max(policy.c.version).label("version")).group_by(policy.c.site).subquery()
    )
    same = and_(policy.c.site == newest.c.site, policy.c.version == newest.c.version)
    return {row.site: row for row in await conn.execute(select(policy).join(newest, same))}
