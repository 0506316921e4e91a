"""What an office is written without a correction, over both databases: the reason is read anew at the signature, one number each."""

from datetime import date
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update

from central import (
    answering,
    case_paper,
    correction_clock,
    correction_paper,
    document,
    document_check,
    drafted,
    drafting,
    holding,
    unit_paper,
)
from central.answering import By
from central.core import free
from central.core.access import Role
from central.core.compose import Facts
from central.core.document import Kind, decoded
from central.core.free import Change
from central.core.item import Item
from central.core.scope import EVERYTHING, Scope
from central.correction_paper import Desk
from central.judge import World
from central.store import documents, drafts, issued, items, messages, scope
from central.store import tables as t
from central.store.engine import Store
from central.unit_paper import Office, Words
from common.core import crypto
from common.core.errors import RejectedError, UsageError
from common.core.instant import DAY
from tests.contract.test_documents import drawn
from tests.contract.test_law import Driven
from tests.contract.test_store import NOW, at, sent, store, taken, world
from tests.correcting import desk
from tests.papers import ISSUER, SECRET
from tests.sender import case, passed

__all__ = ["store", "world"]
WORDS = Words(reason="替岗不到位，同类问题反复发生", measures=("完善替岗制度", "逐件核查"))


@pytest.fixture(autouse=True)
async def issuer(store: Store) -> None:
    async with store.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)


async def drafted_case(store: Store, key: str, kind: Kind, at_desk: Desk) -> int:
    async with store.write() as conn:
        return await case_paper.draft(conn, "s01", key, kind, "", "jian", at_desk)


async def said(store: Store, number: int, at_desk: Desk) -> Facts:
    async with store.read() as conn:
        row = await drafts.one(conn, number)
        assert row is not None
        return await drafted.today(conn, row, at_desk)


async def signed(store: Store, number: int, at_desk: Desk) -> str:
    facts = await said(store, number, at_desk)
    async with store.write() as conn:
        return (await drafting.sign(conn, number, 0, "ling", Role.CHIEF, facts, at_desk))[1]


async def test_a_letter_about_a_case_says_what_is_true_on_the_day_of_its_signature(
    store: Store, world: World
) -> None:
    async with store.write() as conn:
        listed = Item("SX2", "取水许可", 20, 10, receipt_counts=True)
        await items.add(conn, [listed], "w", "test", 0)
    facts: dict[str, Any] = {
        "item_code": "SX2",
        "item_name": "取水许可",
        "org": "水利局",
        "received_at": "2026-03-16T10:00",
    }
    sender = await sent(store, world, [case("1", **facts), passed(NOW)])
    table = desk(Driven(NOW), world.calendar)
    for kind in (Kind.DEEMED_ACCEPTED, Kind.DEEMED_RENEWED):
        with pytest.raises(UsageError, match="没有出具"):
            await drafted_case(store, "1", kind, table)
    number = await drafted_case(store, "1", Kind.ONE_TIME, table)
    with pytest.raises(RejectedError, match="已经有一份草稿待签"):
        await drafted_case(store, "1", Kind.ONE_TIME, table)
    async with store.write() as conn:
        with pytest.raises(RejectedError, match="拟稿的人不能自己签发"):
            await drafting.sign(conn, number, 0, "jian", Role.CHIEF, await said(store, number, table), table)
    code = await signed(store, number, table)
    async with store.read() as conn:
        row = await documents.find(conn, code)
    assert row is not None
    assert (row.number_text, row.site, row.org, row.signer) == ("云监告〔2026〕1号", "s01", "水利局", "ling")
    assert "请于2026年3月23日24时前作出处理" in str(decoded(row.paper).blocks)
    second = await drafted_case(store, "1", Kind.ONE_TIME, table)
    later = desk(Driven(at("2026-03-24T10:00")), world.calendar)
    with pytest.raises(
        UsageError, match="没有出具"
    ):  # the five days are over: what was drafted is true no more
        await said(store, second, later)
    sender.number(passed(later.clock.office()))
    await taken(store, world, sender.payload(sender.newest), now=later.clock.office())
    code = await signed(store, await drafted_case(store, "1", Kind.DEEMED_ACCEPTED, later), later)
    async with store.read() as conn:
        row = await documents.find(conn, code)
        assert row is not None
        assert "承诺时限10个工作日，应于2026年3月30日24时前办结" in str(decoded(row.paper).blocks)
        own, other = (Scope(None, frozenset({name})) for name in ("水利局", "民政局"))
        assert await issued.one(conn, own, code) is not None
        assert code in {one.code for one in await issued.to_office(conn, own, 9)}
        assert await issued.one(conn, other, code) is None
        assert await issued.to_office(conn, other, 9) == []
    assert await document.finish_all(store, drawn, SECRET) == 2
    async with store.read() as conn:
        assert await document_check.check_all(conn, crypto.sign_public(SECRET), 9) == (2, [])


async def test_an_office_that_does_not_answer_by_the_day_is_urged_once_and_the_hall_told(
    store: Store, world: World
) -> None:
    """Not before the day has passed, not of what is answered or void, once however often is looked; who answers in time is not urged."""
    own = {"name": "shui", "role": "head", "password": "!", "must_change": False, "disabled": False}
    async with store.write() as conn:
        await conn.execute(insert(t.user).values(**own, created_wall=0))
        await conn.execute(
            insert(t.user).values(**own | {"name": "jian", "role": "supervisor"}, created_wall=0)
        )
        await scope.give(conn, "shui", ["s01"], [])
        await items.add(conn, [Item("SX2", "取水许可", 20, 10, receipt_counts=True)], "w", "test", 0)
    facts: dict[str, Any] = {"item_code": "SX2", "item_name": "取水许可", "received_at": "2026-03-16T10:00"}
    rows = [case(key, **facts) for key in "1234"]
    await sent(store, world, [*rows, passed(NOW)])
    table = desk(Driven(NOW), world.calendar)
    codes = [
        await signed(store, await drafted_case(store, key, Kind.ONE_TIME, table), table) for key in "1234"
    ]
    await _answer(store, codes[1], table)
    async with store.write() as conn:
        assert await documents.spoil(conn, codes[2], "c2", "发错了单位", 5)
    later = Driven(at("2026-03-23T23:00"))
    assert await correction_clock.look_once(store, world, later, SECRET, set()) == 0, "the day is not over"
    later.now = at("2026-03-24T00:30")
    assert await correction_clock.look_once(store, world, later, SECRET, set()) == 2
    assert await correction_clock.look_once(store, world, later, SECRET, set()) == 0
    async with store.read() as conn:
        one = t.message.c
        query = (
            select(t.message).where(one.event.endswith("/overdue"), one.channel == "inbox").order_by(one.id)
        )
        told = list(await conn.execute(query))
        overdue = await issued.unanswered(conn, EVERYTHING, "2026-03-24", 9)
    assert {(row.event, row.person, row.level) for row in told} == {
        (f"document/{code}/overdue", name, "urging")
        for code in (codes[0], codes[3])
        for name in ("shui", "jian")
    }
    assert "逾期未答复，最后一日3月23日。请立即登录明察办理。" in told[0].text
    assert {row.code for row in overdue} == {codes[0], codes[3]}
    await _answer(store, codes[0], desk(later, world.calendar))
    async with store.read() as conn:
        stands = {row.event: await messages.standing(conn, row) for row in told}
        assert {event: holding.over(row, stands[event]) for row in told if (event := row.event)} == {
            f"document/{codes[0]}/overdue": "单位已答复，或文书已作废",
            f"document/{codes[3]}/overdue": "",
        }


async def _answer(store: Store, code: str, table: Desk) -> None:
    async with store.write() as conn:
        row = await documents.find(conn, code)
        assert row is not None
        said = correction_paper.Words(reason="已经一次告知补正")
        await answering.give(conn, row, 0, said, By("shui", Role.HEAD), table)


async def test_what_an_item_lacks_is_read_anew_at_the_signature(store: Store, world: World) -> None:
    full = Item(
        "SX3", "林木采伐许可", 20, 10, basis="b", conditions="c", quantity="q", procedure="p",
        materials=["m"], published_on=date.fromisoformat("2026-01-01"),
    )  # fmt: skip
    async with store.write() as conn:
        await items.add(conn, [full], "w", "test", 0)
    await sent(store, world, [case("1", item_code="SX3", accepted_at="2026-03-12"), passed(NOW)])
    table = desk(Driven(NOW), world.calendar)
    async with store.write() as conn:
        (office,) = await unit_paper.handlers(conn, "SX3", table)
        assert office == Office("s01", "云溪镇")
        number = await unit_paper.draft_display(conn, "SX3", office, "", "jian", table)
    facts = await said(store, number, table)
    assert (facts.missing, str(facts.answer_by)) == (("示范文本",), "2026-03-25")
    monday = desk(Driven(at("2026-03-23T10:00")), world.calendar)
    assert str((await said(store, number, monday)).answer_by) == "2026-03-30", "from the day of the signature"
    async with store.write() as conn:
        mended = msgspec.structs.replace(
            full, sample="s", version=2, valid_from=date.fromisoformat("2026-03-20")
        )
        await items.add(conn, [mended], "w", "补齐", NOW)
    with pytest.raises(UsageError, match="没有公示缺项"):
        await said(store, number, monday)


async def test_a_proposal_counts_what_stands_of_its_period(store: Store, world: World) -> None:
    """Of a rule that clocks keep by their red lights, of another by what was found; a withdrawn light counts no more."""
    late: dict[str, Any] = {
        "accepted_at": "2026-01-12",
        "promised": 3,
        "legal": 20,
        "item_name": "食品经营许可",
    }
    drafts_of = [case(str(n), **late) for n in range(3)] + [
        case("x", complete_at="2026-01-12", accepted_at="2026-01-26", finished_at="2026-01-27")
    ]
    await sent(store, world, [*drafts_of, passed(NOW)])
    table = desk(Driven(NOW), world.calendar)
    office = Office("s01", "云溪镇")
    async with store.write() as conn:
        assert await unit_paper.breakers(conn, "L42-P", table) == [office]
        facts = await unit_paper.proposal_facts(conn, "L42-P", "2026-01", office, WORDS, table)
        assert facts.figures is not None
        assert facts.figures.rows == (("食品经营许可", "3"), ("合计", "3"))
        gone = {"site": "s01", "case_key": "0", "clock": "promise", "cycle": 1, "reason": "r"}
        gone |= {"proposed_at": NOW, "proposed_wall": NOW, "state": "withdrawn"}
        nobody = dict.fromkeys(("decided_by", "decided_why", "decided_wall"))
        await conn.execute(insert(t.withdrawal).values(**gone, **nobody))
        facts = await unit_paper.proposal_facts(conn, "L42-P", "2026-01", office, WORDS, table)
        assert facts.figures is not None
        assert facts.figures.rows[-1] == ("合计", "2")
        for name, why in (("2026-03", "还没有结束"), ("2025-12", "没有违反"), ("x", "看不懂期间")):
            with pytest.raises(UsageError, match=why):
                await unit_paper.proposal_facts(conn, "L42-P", name, office, WORDS, table)
        with pytest.raises(UsageError, match="须写明情况"):
            await unit_paper.proposal_facts(conn, "L42-P", "2026-01", office, Words(), table)
        await conn.execute(update(t.ruling).values(found_at=NOW - 30 * DAY))
        found = (await conn.execute(select(t.ruling.c.rule).where(t.ruling.c.light == "red"))).all()
        assert [row.rule for row in found] == ["L32-4"]
        number = await unit_paper.draft_proposal(conn, "L32-4", "2026-02", office, WORDS, "", "jian", table)
    code = await signed(store, number, table)
    async with store.read() as conn:
        row = await documents.find(conn, code)
    assert row is not None
    words = str(decoded(row.paper).blocks)
    assert row.number_text == "云监建〔2026〕1号"
    assert "2026年2月你单位存在未做到“材料齐全的应当受理”的情形" in words
    assert "请你单位于2026年4月9日24时前" in words


async def test_the_free_paragraphs_of_a_draft_are_changed_before_somebody_else_signs(
    store: Store, world: World
) -> None:
    late: dict[str, Any] = {
        "accepted_at": "2026-01-12",
        "promised": 3,
        "legal": 20,
        "item_name": "食品经营许可",
    }
    listed = Item("SX2", "取水许可", 20, 10, receipt_counts=True)
    async with store.write() as conn:
        await items.add(conn, [listed], "w", "test", 0)
    silent = case("2", item_code="SX2", received_at="2026-03-16T10:00")
    await sent(store, world, [case("1", **late), silent, passed(NOW)])
    table, office = desk(Driven(NOW), world.calendar), Office("s01", "云溪镇")
    fixed = await drafted_case(store, "2", Kind.ONE_TIME, table)
    async with store.write() as conn:
        number = await unit_paper.draft_proposal(conn, "L42-P", "2026-01", office, WORDS, "", "jian", table)
        other = free.tidy("替岗不到位。", ("完善替岗制度。", "", "逐件核查"))
        for at_draft, said_, who, role, why in (
            (fixed, other, "jian", Role.SUPERVISOR, "没有可以改写的段落"),
            (number, free.tidy(WORDS.reason, WORDS.measures), "jian", Role.SUPERVISOR, "没有改动"),
            (number, free.tidy("短", ("x",)), "jian", Role.SUPERVISOR, "须写明情况"),
            (number, free.tidy("替岗不到位", ()), "jian", Role.SUPERVISOR, "一行一条"),
            (number, free.tidy("替岗不到位", ("x" * 201,)), "jian", Role.SUPERVISOR, "最多 200 个字"),
            (number, other, "ling", Role.CHIEF, "拟稿须由监察员"),
            (99, other, "jian", Role.SUPERVISOR, "已经签发或作废"),
        ):
            with pytest.raises((RejectedError, UsageError), match=why):
                await drafting.edit(conn, at_draft, said_, who, role, table)
        assert await drafting.edits(conn, number) == []
        await drafting.edit(conn, number, other, "jian2", Role.SUPERVISOR, table)
        ((row, changed),) = await drafting.edits(conn, number)
        assert (row.who, row.number) == ("jian2", 1)
        assert changed == [Change("理由", WORDS.reason, "替岗不到位")]
    facts = await said(store, number, table)
    assert (facts.reason, facts.figures is not None) == ("替岗不到位", True)
    async with store.write() as conn:
        for seen, who, why in ((0, "ling", "刚刚有人改动过"), (1, "jian2", "改动过草稿的人")):
            with pytest.raises(RejectedError, match=why):
                await drafting.sign(conn, number, seen, who, Role.CHIEF, facts, table)
        _, code = await drafting.sign(conn, number, 1, "ling", Role.CHIEF, facts, table)
        paper = await documents.find(conn, code)
        assert paper is not None
        assert "替岗不到位。上述情形" in str(decoded(paper.paper).blocks)
        with pytest.raises(RejectedError, match="已经签发或作废"):
            await drafting.edit(conn, number, other, "jian", Role.SUPERVISOR, table)
