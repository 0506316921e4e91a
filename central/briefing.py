"""简报 of a period: drafted by the hall on the first working day after it, signed by a person, told to those who asked for it.

Counted first, in one picture, since that takes a while; then everything in one transaction: that the period has its briefing, its
draft, and the messages to those who may sign. So a hall killed anywhere leaves it whole or not begun, the next look begins it again,
and of two halls that look at once one finds it taken.
"""

import asyncio
from contextlib import suppress
from datetime import date
from typing import Any
from urllib.parse import parse_qs

import structlog
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import drafting, telling
from central.core import briefing, period
from central.core.briefing import Every
from central.core.compose import Facts
from central.core.document import Kind
from central.core.document_forms import FORMS
from central.core.figure import Dimension
from central.core.ladder import Level
from central.core.message import Matter
from central.core.recipient import named
from central.core.saved_view import Listing, kept
from central.core.scope import EVERYTHING
from central.correction_paper import SYSTEM, Desk, issuer_named
from central.drafting import Draft
from central.statistics import answer, asked_of, cells, heading
from central.store import audit, briefings, documents, messages, recipients, trail
from central.store.engine import Store
from central.world import World
from common.clock import Clock
from common.core.errors import RejectedError, UnavailableError, UsageError
from common.core.instant import start_of_day

log = structlog.get_logger()

LOOK_SECS = 30.0
MOST_CASES = 500_000


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be told. `query`: as a saved view keeps it. `issuer`: empty: the only one."""

    name: str
    every: Every
    query: str
    issuer: str = ""


async def make(conn: AsyncConnection, new: Plan, who: str, desk: Desk) -> int:
    """-> its number. Raises UsageError for a table that no page bears, and where nobody could issue it."""
    query = kept(Listing.STATISTICS, new.query)
    asked = _asked(query, briefing.current(new.every, desk.today).name)
    if Dimension.PERSON in asked.dimensions:
        raise UsageError("简报印发全市，不按责任人列", hint="请换一个不按责任人的查询")
    briefing.table(asked.dimensions, heading(asked), ())
    issuer = await issuer_named(conn, new.issuer, desk)
    values = {"name": new.name, "every": new.every.value, "query": query, "issuer": issuer.id, "who": who}
    same = new.name, new.every.value, query, issuer.id
    if any((one.name, one.every, one.query, one.issuer) == same for one in await briefings.plans(conn)):
        raise UsageError("这项简报已经有了", hint="见简报页的列表")
    wall = desk.clock.wall()
    number = await briefings.add(conn, values | {"since": str(desk.today), "made_wall": wall})
    await trail.note(conn, wall, who, "briefing.plan", f"简报 {number}", f"{new.every.word}：{new.name}")
    return number


async def end(conn: AsyncConnection, number: int, who: str, desk: Desk) -> None:
    """No more are drafted; what was stays. Raises UsageError."""
    wall = desk.clock.wall()
    if not await briefings.end(conn, number, who, wall):
        raise UsageError("没有这项简报，或已经停止", hint="请从简报页进入")
    await trail.note(conn, wall, who, "briefing.end", f"简报 {number}", "停止")


def _asked(query: str, name: str) -> Any:
    said = parse_qs(query)
    return asked_of(name, said.get("by", []), said.get("f", []), said.get("versus", [""])[0])


async def facts(conn: AsyncConnection, plan: Row[Any], name: str, desk: Desk) -> Facts:
    """What the briefing of a period says as of now. `conn` was frozen. Raises UsageError."""
    asked = _asked(plan.query, name)
    found = await answer(conn, EVERYTHING, asked, desk.zone, desk.clock.office(), MOST_CASES)
    rows = [cells(asked, row) for row in (*found.rows, found.total)]
    shown = briefing.table(asked.dimensions, heading(asked), rows)
    first, until = (start_of_day(day, desk.zone) for day in (asked.period.first, asked.period.until))
    told = briefing.said(*await briefings.corrections_of(conn, first, until), found.lacking)
    return briefing.facts(asked.period, plan.name, shown, told, desk.minute, desk.calendar.version)


async def today(conn: AsyncConnection, subject: str, name: str, desk: Desk) -> Facts:
    """The same, of a draft."""
    plan = await briefings.plan(conn, briefing.plan_of(subject))
    assert plan is not None, subject
    return await facts(conn, plan, name, desk)


async def look_once(store: Store, desk: Desk) -> int:
    """Draft what is due. -> how many. Raises UnavailableError."""
    drafted = 0
    async with store.read() as conn:
        plans = await briefings.plans(conn)
    for plan in plans:
        of = briefing.due(Every(plan.every), date.fromisoformat(plan.since), desk.today, desk.calendar)
        if of is None:
            continue
        try:
            drafted += await _draft(store, plan, of.name, desk)
        except (RejectedError, UsageError) as error:
            fault = f"{error}。{error.hint}"
            if fault == plan.fault:
                continue
            log.warning("briefing.failed", plan=plan.id, period=of.name, reason=str(error), hint=error.hint)
            async with store.write() as conn:
                await briefings.set_fault(conn, plan.id, fault)
    return drafted


async def _draft(store: Store, plan: Row[Any], name: str, desk: Desk) -> bool:
    async with store.read() as conn:
        await audit.freeze(conn)
        if await briefings.is_there(conn, plan.id, name):
            return False
        said = await facts(conn, plan, name, desk)
    async with store.write() as conn:
        return await keep(conn, plan, name, said, desk)


async def keep(conn: AsyncConnection, plan: Row[Any], name: str, said: Facts, desk: Desk) -> bool:
    """Leave the draft in the caller's transaction. -> False where the period has its own already. Raises as `drafting.leave` does."""
    if not await briefings.claim(conn, plan.id, name):
        return False
    subject = briefing.subject_of(plan.id, name)
    one = Draft(kind=Kind.BRIEFING, subject=subject, facts=said, period=name, issuer=plan.issuer)
    number = await drafting.leave(conn, one, SYSTEM, desk)
    await briefings.set_draft(conn, plan.id, name, number)
    await briefings.set_fault(conn, plan.id, "")
    known = await recipients.accounts(conn)
    signers = {one.name for one in known if one.role in FORMS[Kind.BRIEFING].signs}
    about = f"{period.parse(name).word.replace(' ', '')}{plan.name}的简报"
    matter = Matter(item=about, what="已拟成", ask="请登录明察签发。")
    await _tell(conn, f"briefing/{plan.id}/{name}", signers, matter, desk)
    log.info("briefing.drafted", plan=plan.id, period=name, draft=number)
    return True


async def tell(conn: AsyncConnection, subject: str, code: str, desk: Desk) -> None:
    """A briefing has been signed: everybody who asked for it hears of it once."""
    row = await documents.find(conn, code)
    assert row is not None, code
    readers = await briefings.readers(conn, briefing.plan_of(subject))
    matter = Matter(item=row.title, what=f"（{row.number_text}）已印发", ask="请登录明察查看。")
    await _tell(conn, f"document/{code}", readers, matter, desk)


async def _tell(conn: AsyncConnection, event: str, names: set[str], matter: Matter, desk: Desk) -> None:
    """Only those whose account still reaches the whole city, as the briefing does."""
    happening = telling.Happening(event=event, level=Level.BRIEFING, matter=matter)
    for one in named(names, await recipients.accounts(conn)):
        await messages.add(conn, telling.to_one(happening, one, desk.clock.office(), desk))


async def run(store: Store, world: World, clock: Clock, secret: bytes) -> None:
    """Look for ever."""
    while True:
        with suppress(UnavailableError):  # the writer of batches reports the database
            await look_once(store, Desk(clock, world.zone, world.calendar, secret))
        await asyncio.sleep(LOOK_SECS)
