"""Corrections to try, and a process that issues their orders until it is killed: `python -m tests.correcting URL`."""

import asyncio
import sys
from datetime import date
from typing import Any

from sqlalchemy import select

from central import correction
from central.core.access import Role
from central.core.calendar import Calendar
from central.core.correction import Actor, Event
from central.core.document import Kind
from central.core.snapshot import Snapshot
from central.correction import Light
from central.correction_paper import Desk, Words
from central.store import law
from central.store import tables as t
from central.store.engine import Store, open_store
from common.clock import Clock
from tests.contract.issuing import ZONE
from tests.papers import SECRET

UNIT = "云溪镇便民服务中心"
SNAPSHOT = Snapshot(
    site_name="云溪镇",
    unit=UNIT,
    item="食品经营许可",
    case_no="SL1",
    subject="statute",
    is_red=True,
    matter="超过法定时限",
    rule="L42-1",
    rule_version=1,
    articles=("行政许可法 42",),
    demand="法定时限内决定",
    liability=("行政许可法 74",),
    calendar_version=1,
    received=date(2026, 3, 2),
    accepted=date(2026, 3, 3),
    budget="法定时限5个工作日",
    due=date(2026, 3, 10),
    state="仍未办结",
    why="超过法定时限",
)
DRAFTER, REVIEWER = Actor("s1", Role.SUPERVISOR), Actor("s2", Role.SUPERVISOR)
SIGNER, OTHER = Actor("c1", Role.CHIEF), Actor("c2", Role.CHIEF)
HEAD = Actor("head", Role.HEAD, UNIT)
Move = tuple[Event, Actor | None]
TO_SIGN: list[Move] = [(Event.DRAFT, DRAFTER), (Event.REVIEW, REVIEWER)]
WORDS = Words(reason="核实后如此办理", measures=("立即办结该件", "完善替岗制度"), issuer="jcj")


def desk(clock: Clock, calendar: Calendar) -> Desk:
    return Desk(clock, ZONE, calendar, SECRET)


async def raised(store: Store, at: Desk, key: str = "k1", found: Snapshot = SNAPSHOT) -> int:
    async with store.write() as conn:
        light = Light("s01", key, found.subject, 1, "red" if found.is_red else "yellow")
        number = await correction.raise_for(conn, light, None, found, found.why, at)
    assert number is not None
    return number


async def moved(store: Store, number: int, at: Desk, *moves: Move, words: Words = WORDS) -> None:
    for event, actor in moves:
        async with store.write() as conn:
            await correction.act(conn, await correction.held(conn, number), event, actor, words, at)


async def signed(
    store: Store, number: int, kind: Kind, actor: Actor, at: Desk, *, cycle: int = 1, issuer: str = ""
) -> None:
    async with store.write() as conn:
        held = await correction.held(conn, number)
        await correction.sign(conn, held, (kind, cycle), actor, issuer, at)


async def row_of(store: Store, number: int) -> Any:
    async with store.read() as conn:
        return (await conn.execute(select(t.correction).where(t.correction.c.id == number))).one()


async def _main(url: str) -> None:
    store = await open_store(url)
    async with store.read() as conn:
        at = desk(Clock(), await law.calendar(conn))
        ready = await conn.scalars(
            select(t.correction.c.id).where(t.correction.c.state == "reviewed").order_by(t.correction.c.id)
        )
        numbers = list(ready)
    for number in numbers:
        await moved(store, number, at, (Event.ISSUE, SIGNER))
        print(number, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
