"""提示函 about one case: which the facts of today give reason for, and the draft of one. What it says is in `core/case_paper.py`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import drafting
from central.core import case_paper, rules
from central.core.case_paper import Ground
from central.core.compose import Facts
from central.core.document import Kind, about
from central.core.ruling import Subject
from central.core.scope import EVERYTHING
from central.correction_paper import Desk
from central.drafting import Draft
from central.store import cases as rows
from central.store import items, opinions, packs, pages
from central.world import World
from common.core.errors import UsageError
from common.core.state import Light


async def facts(conn: AsyncConnection, site: str, key: str, kind: Kind, desk: Desk) -> Facts:
    """What it would say now. Raises UsageError where the case gives no reason for it, or none any more."""
    row, subject = await _found(conn, site, key, desk)
    ground = next((one for one in _grounds(subject, desk) if one.kind is kind), None)
    if ground is None:
        raise UsageError(
            f"该件现在没有出具{kind.word}的情形", hint="请在办件页核对时限与环节；已拟的草稿请作废"
        )
    named = row.org or row.site_name, row.item_name, row.case_no
    mark = await opinions.mark(conn, subject.pack.version)
    return case_paper.facts(ground, subject, named, desk.minute, mark)


async def draft(
    conn: AsyncConnection, site: str, key: str, kind: Kind, issuer: str, drafter: str, desk: Desk
) -> int:
    """-> number of the draft. Raises UsageError as `facts` does, RejectedError where one about the case waits already."""
    row, _ = await _found(conn, site, key, desk)
    one = Draft(
        kind=kind,
        subject=about("case", site, key),
        facts=await facts(conn, site, key, kind, desk),
        issuer=issuer,
        site=site,
        org=row.org,
    )
    return await drafting.leave(conn, one, drafter, desk)


def _grounds(subject: Subject, desk: Desk) -> Sequence[Ground]:
    return case_paper.grounds(subject, desk.clock.office())


async def _found(conn: AsyncConnection, site: str, key: str, desk: Desk) -> tuple[Row[Any], Subject]:
    row = await pages.one_case(conn, EVERYTHING, site, key)
    if row is None:
        raise UsageError("没有这个办件", hint="请从办件列表查找")
    now_at = desk.clock.office()
    state = (await rows.states(conn, site, [key], desk.zone, now_at))[key]
    world = World(desk.zone, desk.calendar, await items.catalogue(conn), packs=await packs.every(conn))
    item, until = world.item_of(state), await rows.complete_until(conn, site)
    pack = world.pack_of(state)
    told = rules.verdicts(state, item, desk.calendar, lambda *_: Light.NONE, until, now_at, desk.zone, pack)
    return row, Subject(state, item, told, desk.calendar, desk.zone, until, pack)
