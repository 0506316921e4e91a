"""The boxes of all sites as those see them who keep them: who, how old, how far behind, when last well."""

from typing import Any

from msgspec import Struct
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t
from common.core.act import Act
from common.core.rollout import Rollout
from common.core.state import DoctorVerdict, Outcome


class Examined(Struct, frozen=True):
    """The newest answer of a box's doctor to the hall."""

    at_wall: int
    verdict: DoctorVerdict


class Ring(Struct, frozen=True):
    """A box's place in the newest rollout: `wave` from 1."""

    wave: int
    release: str
    standing: Rollout
    why: str


async def rings(conn: AsyncConnection) -> dict[str, Ring]:
    """Site -> its place; a site that is not in the newest rollout is not there."""
    newest = select(t.rollout.c.id).order_by(t.rollout.c.created_wall.desc()).limit(1)
    rows = await conn.execute(select(t.upgrade).where(t.upgrade.c.rollout == newest.scalar_subquery()))
    return {row.site: Ring(row.wave + 1, row.release, Rollout(row.standing), row.why) for row in rows}


async def listed(conn: AsyncConnection) -> list[Row[Any]]:
    """Every site in the order of the wall: its newest box, that box's newest certificate, its status, its open token."""
    boxes = (
        select(t.box.c.site, func.max(t.box.c.generation).label("generation"))
        .group_by(t.box.c.site)
        .subquery()
    )
    leaves = (
        select(
            t.certificate.c.site,
            t.certificate.c.generation,
            func.max(t.certificate.c.ends_wall).label("ends_wall"),
        )
        .group_by(t.certificate.c.site, t.certificate.c.generation)
        .subquery()
    )
    tokens = (
        select(t.enrol_token.c.site, func.max(t.enrol_token.c.expires_wall).label("token_wall"))
        .where(t.enrol_token.c.claimed_key == b"", t.enrol_token.c.voided_wall.is_(None))
        .group_by(t.enrol_token.c.site)
        .subquery()
    )
    newest = (t.box.c.site == boxes.c.site) & (t.box.c.generation == boxes.c.generation)
    own_leaf = (leaves.c.site == t.box.c.site) & (leaves.c.generation == t.box.c.generation)
    query = (
        select(
            t.site,
            t.box.c.generation,
            t.box.c.state,
            t.box.c.machine,
            t.box.c.created_wall,
            leaves.c.ends_wall,
            t.site_status.c.online,
            t.site_status.c.heard_wall,
            t.site_status.c.receipt_wall,
            t.site_status.c.behind_wall,
            tokens.c.token_wall,
        )
        .select_from(t.site)
        .outerjoin(boxes, boxes.c.site == t.site.c.id)
        .outerjoin(t.box, newest)
        .outerjoin(leaves, own_leaf)
        .outerjoin(t.site_status, t.site_status.c.site == t.site.c.id)
        .outerjoin(tokens, tokens.c.site == t.site.c.id)
        .order_by(t.site.c.position)
    )
    return list(await conn.execute(query))


async def examined(conn: AsyncConnection) -> dict[str, Examined]:
    """Site -> its last doctor; a site whose box was never asked, or whose answer is no verdict, is not there."""
    command = t.command
    mine = command.c.act == Act.DOCTOR.value, command.c.outcome == Outcome.DONE.value
    newest = select(command.c.site, func.max(command.c.ended_wall).label("at")).where(*mine)
    latest = newest.group_by(command.c.site).subquery()
    same = (command.c.site == latest.c.site) & (command.c.ended_wall == latest.c.at)
    rows = await conn.execute(select(command).join(latest, same).where(*mine))
    found = {}
    for row in rows:
        word = row.detail.partition(" ")[0]
        if word in list(DoctorVerdict):
            found[row.site] = Examined(row.ended_wall, DoctorVerdict(word))
    return found
