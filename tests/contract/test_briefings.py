"""Briefings over both databases: one for each period whatever dies when, signed by a person, told to those who asked for it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from central import briefing, drafted, drafting
from central.briefing import Plan
from central.core.access import Role
from central.core.briefing import USUAL, USUAL_NAME, Every
from central.core.compose import Facts
from central.core.document import Kind, decoded
from central.correction_paper import Desk
from central.judge import World
from central.store import audit, briefings, documents, drafts, scope
from central.store import tables as t
from central.store.engine import Store
from central.store.message_tables import message
from common.core.errors import RejectedError, UsageError
from common.core.state import CaseStatus
from tests.contract.posting import office, people, rows
from tests.contract.test_law import Driven
from tests.contract.test_store import at, sent, store, world
from tests.correcting import desk, raised
from tests.papers import ISSUER
from tests.sender import case, passed

__all__ = ["store", "world"]
PLANNED, BEFORE, DUE = at("2026-03-18T10:00"), at("2026-03-31T23:59"), at("2026-04-01T00:00")
MONTH = Plan(name=USUAL_NAME, every=Every.MONTH, query=USUAL)
TOLD = message.c.level == "briefing"


@pytest.fixture(autouse=True)
async def issuer(store: Store) -> None:
    async with store.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
    await people(store)


async def planned(store: Store, world: World, plan: Plan = MONTH, *readers: str) -> int:
    async with store.write() as conn:
        number = await briefing.make(conn, plan, "jian", desk(Driven(PLANNED), world.calendar))
        for name in readers:
            await briefings.subscribe(conn, number, name, wanted=True)
    return number


async def looked(store: Store, world: World, now: int) -> int:
    return await briefing.look_once(store, desk(Driven(now), world.calendar))


async def waiting(store: Store) -> list[Any]:
    async with store.read() as conn:
        return list(await drafts.waiting(conn))


async def number_of(store: Store, table: Any) -> int:
    async with store.read() as conn:
        return int(await conn.scalar(select(func.count()).select_from(table)) or 0)


async def test_a_month_is_drafted_on_its_day_signed_by_a_person_and_told_to_who_asked(
    store: Store, world: World
) -> None:
    new: dict[str, Any] = {"accepted_at": "2026-03-12"}
    done = new | {"status": CaseStatus.DONE, "finished_at": "2026-03-16"}
    cases = [case("1", **new), case("2", **new), case("3", **done)]
    await sent(store, world, [*cases, passed(DUE)], now=DUE)
    await raised(store, desk(Driven(PLANNED), world.calendar))
    await planned(store, world, MONTH, "jian", "chuang")
    assert await looked(store, world, BEFORE) == 0
    assert await looked(store, world, DUE) == 1
    assert await looked(store, world, DUE) == 0
    (row,) = await waiting(store)
    assert (row.kind, row.drafter, row.period) == ("briefing", "系统", "2026-03")
    (call,) = await rows(store, TOLD)
    assert (call.person, call.text) == (
        "ling", "【明察】2026年3月行政审批电子监察情况的简报已拟成。请登录明察签发。",
    )  # fmt: skip
    signing = desk(Driven(at("2026-04-01T09:00")), world.calendar)
    async with store.read() as conn:
        await audit.freeze(conn)
        said = await drafted.today(conn, row, signing)
    assert said.figures is not None
    assert said.figures.rows[-1][:3] == ("合计", "3", "1")
    assert said.result == "期间新立纠错1件，其中0件已经办结。各站点数据齐全"
    with pytest.raises(RejectedError, match="签发须由监察领导办理"):
        async with store.write() as conn:
            await drafting.sign(conn, row.id, 0, "jian", Role.SUPERVISOR, said, signing)
    async with store.write() as conn:
        signed, code = await drafting.sign(conn, row.id, 0, "ling", Role.CHIEF, said, signing)
        await briefing.tell(conn, signed.subject, code, signing)
        (past,) = await briefings.listed(conn, 10)
        paper = decoded((await documents.find(conn, code)).paper)  # type: ignore[union-attr]
    assert (past.period, past.code, past.number_text) == ("2026-03", code, "云监简〔2026〕1号")
    assert "".join(paper.title) == "关于2026年3月行政审批电子监察情况的简报"
    heard = {one.person for one in await rows(store, TOLD, message.c.event == f"document/{code}")}
    assert heard == {"jian"}, "who reaches one site alone is not told of the whole city"
    await office(store, world, signing.clock).look_once()
    inbox = await rows(store, TOLD, message.c.channel == "inbox")
    assert {row.state for row in inbox} == {"delivered"}, "it is of no site, so nothing holds it back"


class _DeadError(Exception):
    """The hall is killed."""


async def _dies(store: Store, plan: Any, said: Facts, at_work: Desk) -> None:
    """After everything has been written, before it is kept."""
    async with store.write() as conn:
        assert await briefing.keep(conn, plan, "2026-03", said, at_work)
        raise _DeadError


async def test_a_hall_that_dies_before_it_has_kept_a_draft_drafts_it_once_at_the_next_look(
    store: Store, world: World
) -> None:
    await planned(store, world)
    at_work = desk(Driven(DUE), world.calendar)
    async with store.read() as conn:
        (plan,) = await briefings.plans(conn)
        said = await briefing.facts(conn, plan, "2026-03", at_work)
    with pytest.raises(_DeadError):
        await _dies(store, plan, said, at_work)
    assert await number_of(store, t.briefing) == await number_of(store, t.document_draft) == 0
    assert await rows(store, TOLD) == []
    assert sorted(await asyncio.gather(*(looked(store, world, DUE) for _ in range(3)))) == [0, 0, 1]
    assert await number_of(store, t.briefing) == await number_of(store, t.document_draft) == 1
    async with store.write() as conn:
        assert not await briefing.keep(conn, plan, "2026-03", said, at_work), "who comes later finds it taken"
    (row,) = await waiting(store)
    async with store.write() as conn:
        await drafting.drop(conn, row.id, "ling", "另行核对", at_work)
    assert await looked(store, world, at("2026-04-02T09:00")) == 0, (
        "thrown away by a person: not drafted again"
    )
    assert await looked(store, world, at("2026-05-06T09:00")) == 1


async def test_a_view_of_a_quarter_has_its_own_table_and_one_that_is_ended_is_drafted_no_more(
    store: Store, world: World
) -> None:
    view = Plan(
        name="按部门看快慢",
        every=Every.QUARTER,
        query="period=2020-01&by=org&by=month&f=mean_days&f=p90_days",
    )
    await sent(store, world, [case("1"), passed(DUE)], now=DUE)
    ended, _ = await planned(store, world), await planned(store, world, view)
    async with store.write() as conn:
        await briefing.end(conn, ended, "jian", desk(Driven(PLANNED), world.calendar))
    assert await looked(store, world, DUE) == 1
    (row,) = await waiting(store)
    figures = drafting.facts_of(row).figures
    assert row.period == "2026-Q1"
    assert figures is not None
    assert figures.head[:2] == ("部门", "月份")
    with pytest.raises(UsageError, match="已经停止"):
        async with store.write() as conn:
            await briefing.end(conn, ended, "jian", desk(Driven(PLANNED), world.calendar))


async def test_what_cannot_be_drafted_says_why_and_is_drafted_when_it_is_mended(
    store: Store, world: World
) -> None:
    wide = Plan(
        name="太宽",
        every=Every.MONTH,
        query="by=site&versus=year" + "".join(f"&f={one}" for one in ("filed", "decided", "on_time")),
    )
    with pytest.raises(UsageError, match="至多 8 列，这个查询有 10 列"):
        await planned(store, world, wide)
    with pytest.raises(UsageError, match="不按责任人列"):
        await planned(store, world, Plan(name="按人", every=Every.MONTH, query="by=person&f=filed"))
    number = await planned(store, world)
    async with store.write() as conn:
        held = await drafting.leave(
            conn,
            drafting.Draft(
                kind=Kind.BRIEFING, subject=f"briefing/{number}/2026-03", issuer="jcj",
                facts=await briefing.facts(conn, await briefings.plan(conn, number), "2026-03",  # type: ignore[arg-type]
                                           desk(Driven(DUE), world.calendar)),
            ),
            "somebody", desk(Driven(DUE), world.calendar),
        )  # fmt: skip
    assert await looked(store, world, DUE) == 0
    async with store.read() as conn:
        (row,) = await briefings.plans(conn)
    assert "已经有一份草稿待签" in row.fault
    async with store.write() as conn:
        await drafting.drop(conn, held, "ling", "另行核对", desk(Driven(DUE), world.calendar))
    assert await looked(store, world, DUE) == 1
    async with store.read() as conn:
        (row,) = await briefings.plans(conn)
    assert row.fault == ""


async def test_somebody_who_is_given_one_site_alone_is_told_no_more(store: Store, world: World) -> None:
    number = await planned(store, world, MONTH, "jian", "ling")
    async with store.write() as conn:
        await scope.give(conn, "ling", ["s01"], [])
        await briefings.subscribe(conn, number, "jian", wanted=False)
        assert await briefings.read_by(conn, "jian") == set()
    await looked(store, world, DUE)
    assert await rows(store, TOLD) == []
