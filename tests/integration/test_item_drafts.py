"""A change of the item catalogue: drafted by one person, shown as differences, put into force by another."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import aiohttp
import pytest
from msgspec.structs import replace

from central.core.access import Role
from central.core.item import Item
from central.core.item_draft import DraftState, is_theirs
from central.store import item_drafts, items, trail
from common.core.errors import UsageError
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW = {
    "code": "SX-9",
    "name": "烟花爆竹零售许可",
    "kind": "承诺件",
    "legal_days": "20",
    "promised_days": "5",
    "extension_days": "10",
    "receipt_counts": "否",
    "materials": "申请书；<script>alert(1)</script>",
    "why": "新增的事项",
}


@asynccontextmanager
async def window(hall: Served, role: Role) -> AsyncIterator[Window]:
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        yield Window(hall, session)


async def propose(one: Window, **changed: str) -> tuple[int, str]:
    """-> status, and the address of the draft or the page with what is wrong."""
    url, form = one.hall.url + "/hall/items-drafts", NEW | {"csrf": "token"} | changed
    async with one.session.post(url, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def test_a_change_waits_for_another_person(hall: Served) -> None:
    async with window(hall, Role.CENTRE) as centre, window(hall, Role.REVIEWER) as reviewer:
        status, page = await propose(centre, promised_days="25", extension_days="x", why="新增的事项")
        assert status == 400
        words = text_of(page)
        assert "延期上限：应为 0 至 1000 的整数（工作日），现为“x”" in words
        assert 'value="25"' in page, "what was typed is kept"
        assert "申请书；&lt;script&gt;" in page
        assert (await propose(centre, why=" "))[0] == 400
        assert "承诺时限：25 长于法定时限 20" in text_of((await propose(centre, promised_days="25"))[1])

        status, draft = await propose(centre)
        assert status == 303
        assert "已有一份改动待审定" in text_of((await propose(reviewer))[1])
        assert (await centre.post(f"{draft}/approve", csrf="token", why="同意的")).status == 403
        assert "自己起草的改动由另一人审定" in text_of((await centre.get(draft))[1])
        assert "SX-9" not in (await centre.get("/hall/items"))[1].partition("<table")[2]
        assert "烟花爆竹零售许可" in text_of((await reviewer.get("/hall/items"))[1])
        assert (await reviewer.post(f"{draft}/approve", csrf="token", why="")).status == 400
        assert (await reviewer.post(f"{draft}/withdraw", csrf="token", why="不是我的")).status == 400
        assert (await reviewer.post(f"{draft}/approve", csrf="token", why="材料齐全")).status == 303
        assert (await reviewer.post(f"{draft}/refuse", csrf="token", why="又不同意")).status == 400

        words = text_of((await reviewer.get("/hall/items/SX-9"))[1])
        assert "centre：新增的事项（reviewer 审定：材料齐全）" in words
        assert (await reviewer.get("/hall/items-drafts/new?code=nothing"))[0] == 404
        status, form = await reviewer.get("/hall/items-drafts/new?code=SX-9")
        assert (status, 'value="5"' in form) == (200, True)
        assert "与现行版相同" in text_of((await propose(reviewer, known="SX-9"))[1])
        status, change = await propose(
            reviewer, known="SX-9", code="SX-8", promised_days="3", why="提速到三天"
        )
        assert status == 303
        shown = text_of((await centre.get(change))[1])
        assert "承诺时限 5 3" in shown
        assert "材料" not in shown.partition("改了什么")[2]
        assert (await reviewer.post(f"{change}/approve", csrf="token", why="自己同意")).status == 400
        assert (await reviewer.post(f"{change}/withdraw", csrf="token", why="再想一想")).status == 303

    async with hall.store.read() as conn:
        versions = (await items.catalogue(conn))["SX-9"]
        lines = await trail.listed(conn, trail.Wanted(), 20)
    assert [(item.version, item.promised_days) for item in versions] == [(1, 5)]
    assert [line.act for line in lines if line.act.startswith("item.")] == [
        "item.withdrawn",
        "item.draft",
        "item.approved",
        "item.draft",
    ]


async def test_what_was_drafted_on_an_old_version_is_not_put_into_force(hall: Served) -> None:
    today = date(2026, 6, 12)
    async with hall.store.write() as conn:
        now = Item("SX-7", "林木采伐许可", 20, 10)
        await items.add(conn, [now], "root", "首次导入", 1)
        with pytest.raises(UsageError, match="最早从明天"):
            await item_drafts.add(conn, replace(now, basis="x", valid_from=today), today, "a", "当日", 1)
        number = await item_drafts.add(conn, replace(now, basis="新的依据"), today, "a", "依据变了", 1)
        early = replace(now, basis="x", valid_from=date(2026, 6, 11))
        with pytest.raises(UsageError, match="已过"):
            await item_drafts.add(conn, early, today, "a", "更早", 1)
        newer = replace(now, version=now.version + 1, quantity="不限", valid_from=today)
        await items.add(conn, [newer], "root", "导入", 2)
    with pytest.raises(UsageError, match="又有了新的版本"):
        async with hall.store.write() as conn:
            await item_drafts.decide(conn, number, DraftState.APPROVED, today, "b", "同意", 3)
    async with hall.store.write() as conn:
        row = await item_drafts.one(conn, number)
        assert row is not None
        assert row.state == "waiting"
        await item_drafts.decide(conn, number, DraftState.REFUSED, today, "b", "请按现行版", 4)


async def test_who_may_decide_what() -> None:
    said = {(who, to): is_theirs("anna", who, to) for who in ("anna", "berta") for to in list(DraftState)[1:]}
    assert [place for place, may in said.items() if may] == [
        ("anna", DraftState.WITHDRAWN),
        ("berta", DraftState.APPROVED),
        ("berta", DraftState.REFUSED),
    ]
