"""Cases proposed for a complaint and linked with it, over both databases: by number, telephone, item and day; and what the telephone keeps to itself."""

from typing import Any

import pytest
from sqlalchemy import Row, select, text

from central import complaint, linking
from central.complaint import Bench
from central.core import asked
from central.core.complaint import TOPICS
from central.core.linked import By
from central.core.scope import EVERYTHING, Scope
from central.judge import World
from central.linking import Proposal
from central.store import complaints, linkable
from central.store import tables as t
from central.store.engine import Store
from central.world import Moment
from common.core.errors import UsageError
from common.core.state import CaseStatus
from tests.contract.test_store import ZONE, at, sent, store, world
from tests.sender import case

__all__ = ["store", "world"]
PHONE = "13912345678"
NOW = at("2026-03-18T10:00")
SECRET = b"k" * 32


def filed(key: str, day: str, phone: str | None = None, org: str = "市场监管所", **more: Any) -> Any:
    told = {"item_code": "SX1", "item_name": "食品经营许可", "status": CaseStatus.ACCEPTED, "org": org}
    return case(key, accepted_at=day, phone=phone, applicant="欧阳明珠", **told | more)


async def cases(store: Store, world: World) -> None:
    drafts = [
        filed("near", "2026-03-10"),
        filed("far", "2026-02-02"),
        filed("mine", "2026-01-05", f"+86 {PHONE}", item_code="SX9", item_name="别的事项"),
        filed("both", "2026-03-11", PHONE, org="住建所"),
        filed("other", "2026-03-10", "13800000000", item_code="SX9", item_name="别的事项"),
    ]
    await sent(store, world, drafts, now=NOW)


async def taken(
    store: Store, world: World, said: str = "", case_no: str = "", phone: str = PHONE
) -> Row[Any]:
    bench = Bench(Moment(NOW, NOW), ZONE, world.calendar, SECRET)
    one = asked.Complaint(
        number="T202603-ABCDEF", code="7K3M-9QRT", topic=TOPICS[0], unit="市场监管所", name="欧阳明珠",
        phone=phone, case_no=case_no, text=said or "3月10日去办食品经营许可证，窗口三次退件",
    )  # fmt: skip
    async with store.write() as conn:
        number = await complaint.take(conn, one, [], bench)
        assert number is not None
        row = await complaints.one(conn, EVERYTHING, number)
    assert row is not None
    return row


async def offered(
    store: Store, row: Row[Any], phone: str = "", reached: Scope = EVERYTHING
) -> list[Proposal]:
    async with store.read() as conn:
        return await linking.proposals(conn, row, reached, ZONE, phone)


def ways(found: list[Proposal]) -> dict[str, tuple[By, ...]]:
    return {one.case.case_key: one.bys for one in found}


async def test_by_item_and_day_and_by_telephone_only_where_it_is_given(store: Store, world: World) -> None:
    await cases(store, world)
    row = await taken(store, world)
    assert ways(await offered(store, row)) == {"near": (By.ITEM,), "both": (By.ITEM,)}
    assert next(one.case.case_key for one in await offered(store, row)) == "near", "the same unit first"
    found = await offered(store, row, PHONE)
    assert ways(found) == {"both": (By.ITEM, By.PHONE), "near": (By.ITEM,), "mine": (By.PHONE,)}
    assert found[0].case.case_key == "both", "two ways before one"
    assert "申请人电话相同" in found[0].why
    assert ways(await offered(store, row, "139")) == {"near": (By.ITEM,), "both": (By.ITEM,)}
    assert not {"applicant", "phone_index", "name_index"} & set(found[0].case._mapping)


async def test_by_number_and_by_the_last_week_where_no_day_is_named(store: Store, world: World) -> None:
    await cases(store, world)
    row = await taken(store, world, "办食品经营许可，窗口三次退件，没有理由", case_no="SLfar")
    assert ways(await offered(store, row)) == {"far": (By.NUMBER,), "both": (By.ITEM,)}
    none = await taken_again(store, row, text="窗口三次退件，没有书面理由")
    assert ways(await offered(store, none)) == {"far": (By.NUMBER,)}
    wide = await taken_again(store, none, case_no="ＳＬ　far")
    assert ways(await offered(store, wide)) == {"far": (By.NUMBER,)}, "as a Chinese keyboard writes it"


async def taken_again(store: Store, row: Row[Any], **other: str) -> Row[Any]:
    """The same with another text, another number."""
    async with store.write() as conn:
        await complaints.set_standing(conn, row.id, dict(other))
        found = await complaints.one(conn, EVERYTHING, row.id)
    assert found is not None
    return found


async def test_nothing_beyond_what_the_asker_reaches(store: Store, world: World) -> None:
    await cases(store, world)
    row = await taken(store, world)
    bound = Scope(None, frozenset({"住建所"}))
    assert ways(await offered(store, row, PHONE, bound)) == {"both": (By.ITEM, By.PHONE)}
    assert await offered(store, row, PHONE, Scope(frozenset({"s09"}), None)) == []


async def test_a_link_is_one_of_those_offered_and_a_line_of_the_audit(store: Store, world: World) -> None:
    await cases(store, world)
    row = await taken(store, world)
    async with store.write() as conn:
        plain = await linking.proposals(conn, row, EVERYTHING, ZONE)
        with pytest.raises(UsageError, match="不在建议之列"):
            await linking.link(conn, row, ("s01", "mine"), plain, "officer", NOW)
        full = await linking.proposals(conn, row, EVERYTHING, ZONE, PHONE)
        await linking.link(conn, row, ("s01", "mine"), full, "officer", NOW)
    hidden, seen = await shown(store, row, sees=False), await shown(store, row, sees=True)
    assert (hidden, seen and seen.case_key) == (None, "mine"), "the telephone alone says who complained"
    async with store.write() as conn:
        await linking.link(conn, row, ("s01", "near"), full, "officer", NOW)
    found = await shown(store, row, sees=False)
    assert found is not None
    assert (found.case_key, found.site_name) == ("near", "云溪镇")
    async with store.write() as conn:
        await linking.unlink(conn, row, "officer", NOW)
    assert await shown(store, row, sees=True) is None
    async with store.read() as conn:
        line = t.audit_line.c
        query = select(line.who, line.why).where(line.act == "complaint.link").order_by(line.id)
        said = [tuple(one) for one in await conn.execute(query)]
        entries = await complaints.events(conn, row.id)
    assert said == [
        ("officer", "云溪镇 SLmine：申请人电话相同；单位相同"),
        ("officer", "云溪镇 SLnear：事项、日期相近；单位相同"),
        ("officer", "取消关联"),
    ]
    assert [entry.event for entry in entries] == ["receive"], "the complainant reads the events"


async def shown(store: Store, row: Row[Any], *, sees: bool) -> Row[Any] | None:
    async with store.read() as conn:
        now = await complaints.one(conn, EVERYTHING, row.id)
        assert now is not None
        return await linking.shown(conn, now, EVERYTHING, sees=sees)


async def test_the_telephone_is_found_by_its_index(store: Store, world: World) -> None:
    await cases(store, world)
    async with store.read() as conn:
        assert [one.case_key for one in await linkable.by_phone(conn, EVERYTHING, PHONE, 9)] == [
            "both",
            "mine",
        ]
        if conn.dialect.name == "sqlite":
            query = "EXPLAIN QUERY PLAN SELECT site FROM \"case\" WHERE deleted IS 0 AND phone_index = x'00' ORDER BY filed_at DESC"
            plan = " ".join(str(line) for line in await conn.execute(text(query)))
            assert "ix_case_phone_index" in plan
