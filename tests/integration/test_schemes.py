"""评分方案 in the console: drafted in a form, tried on a past month, approved by another person who sees exactly what changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from sqlalchemy import Row, select

from central.core import scheme_form
from central.core.access import Role
from central.core.scheme import MINGCHA_100
from central.store import schemes, scores, trail
from central.store.score_tables import score_run
from central.web.page import HALL
from common.core.instant import local_date
from tests.integration.city_cases import ZONE
from tests.integration.serving import Served, Window, text_of
from tests.integration.test_scores import scored

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def _as(hall: Served, role: Role) -> AsyncIterator[Window]:
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        yield Window(hall, session)


def _today(hall: Served) -> date:
    facts = hall.app[HALL].wall.facts
    assert facts is not None
    return local_date(facts.now_at, ZONE)


async def _post(one: Window, path: str, cells: dict[str, str], **more: str) -> tuple[int, str]:
    url, form = one.hall.url + path, {**cells, "csrf": "token", "why": "加重时限", **more}
    async with one.session.post(url, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def test_a_scheme_is_drafted_tried_and_approved_by_another(hall: Served) -> None:
    await scored(hall)
    month = f"{_today(hall):%Y-%m}"
    cells = scheme_form.cells_of(MINGCHA_100) | {"since": month}
    heavier = cells | {
        "indicators-1-weight": "24",
        "indicators-6-weight": "0.5",
        "indicators-7-weight": "11.5",
    }
    async with _as(hall, Role.SUPERVISOR) as drafter, _as(hall, Role.REVIEWER) as reviewer:
        status, html = await drafter.get("/hall/schemes/new")
        assert (status, len(html.encode()) < 120_000) == (200, True)
        wrong = heavier | {
            "indicators-0-formula": "__import__('os')",
            "indicators-2-of": "salary",
            "shrink": "x",
        }
        status, html = await _post(drafter, "/hall/schemes", wrong, why="")
        words = text_of(html)
        assert status == 400
        assert "有 4 处要改" in words
        for said in ("不允许的字符", "“salary”不是计数项", "“x”不是数字", "没有写明改动的原因"):
            assert said in words
        assert "__import__(&#39;os&#39;)" in html, "what was typed is kept, as text"
        status, html = await _post(drafter, "/hall/schemes/try", heavier)
        words = text_of(html)
        assert status == 200
        assert "试算：以往期间会怎样" in words
        assert "2026 年 6 月" in words
        assert "承诺时限合规" in words.partition("试算")[2]
        assert "没有待审定" not in words
        assert "早于" in text_of((await _post(drafter, "/hall/schemes", heavier | {"since": "2020-01"}))[1])
        assert "没有要改的" in text_of((await _post(drafter, "/hall/schemes", cells))[1])
        status, draft = await _post(drafter, "/hall/schemes", heavier)
        assert status == 303
        shown = text_of((await reviewer.get(draft))[1])
        for said in ("指标 承诺时限合规 权重 10 24 +14", "由“14”改为“0.5”（−13.5）", "别的都不变", "试算"):
            assert said in shown
        assert "法定时限合规 权重" not in shown
        assert (await drafter.post(f"{draft}/approve", csrf="token", why="自己同意")).status == 403
        assert (await reviewer.post(f"{draft}/withdraw", csrf="token", why="不是我的")).status == 400
        assert (await reviewer.post(f"{draft}/approve", csrf="token", why="")).status == 400
        assert (await reviewer.post(f"{draft}/approve", csrf="token", why="同意加重")).status == 303
        assert (await reviewer.post(f"{draft}/refuse", csrf="token", why="又不同意")).status == 400
        words = text_of((await drafter.get("/hall/schemes?from=1&to=2"))[1])
        assert "第 1 版与第 2 版的差别" in words
        assert "reviewer 审定：同意加重" in words
        for wrong_page in ("/hall/schemes?from=9", "/hall/schemes?to=x", "/hall/schemes/drafts/99"):
            assert (await drafter.get(wrong_page))[0] == 404
    async with _as(hall, Role.HEAD) as head:
        assert (await head.get("/hall/schemes"))[0] == 403
    async with hall.store.read() as conn:
        made = await scores.scheme(conn)
        lines = [line.act for line in await trail.listed(conn, trail.Wanted(), 9)]
    assert (made.version, made.since, str(made.indicators[1].weight)) == (2, month, "24")
    assert {"scheme.draft", "scheme.approved"} <= set(lines)


async def test_one_draft_waits_at_a_time_until_it_is_refused_or_taken_back(hall: Served) -> None:
    today = _today(hall)
    async with hall.store.write() as conn:
        now = await scores.scheme(conn)
        wanted = replace(now, min_cases=9, since=f"{today:%Y-%m}")
        number = await schemes.add(conn, wanted, "a", "少数不排", 1, today)
    async with _as(hall, Role.REVIEWER) as reviewer, _as(hall, Role.SUPERVISOR) as drafter:
        page = f"/hall/schemes/drafts/{number}"
        assert "不能审定" not in text_of((await reviewer.get(page))[1])
        assert (await reviewer.post(f"{page}/refuse", csrf="token", why="不同意的")).status == 303
        status, draft = await _post(drafter, "/hall/schemes", scheme_form.cells_of(wanted))
        assert status == 303
        assert "待审定" in text_of((await drafter.get("/hall/schemes"))[1])
        assert (await drafter.post(f"{draft}/withdraw", csrf="token", why="再想一想")).status == 303
        assert "已有一份" not in text_of((await drafter.get("/hall/schemes"))[1])


async def test_a_provisional_result_is_made_final_on_its_page(hall: Served) -> None:
    async def first() -> Row[Any] | None:
        async with hall.store.read() as conn:
            return (await conn.execute(select(score_run))).first()

    if await first() is None:
        await scored(hall)
    run = await first()
    assert run is not None
    async with _as(hall, Role.CHIEF) as chief, _as(hall, Role.SUPERVISOR) as other:
        at = f"/hall/scores/{run.id}/final"
        assert (await other.post(at, csrf="token", why="我来定稿")).status == 403
        words = text_of((await chief.get("/hall/scores"))[1])
        is_early = _today(hall) <= date.fromisoformat(run.object_until)
        assert ("今天还不能定稿" in words) is is_early
        if is_early:
            assert (await chief.post(at, csrf="token", why="还太早了")).status == 400
            async with hall.store.write() as conn:
                past = str(_today(hall) - timedelta(days=1))
                await conn.execute(score_run.update().values(object_until=past))
        assert "定为正式结果" in text_of((await chief.get("/hall/scores"))[1])
        assert (await chief.post(at, csrf="token", why="异议期满")).status == 303
        words = text_of((await chief.get("/hall/scores"))[1])
        assert "正式结果" in words
        assert "定为正式结果" not in words
        assert (await chief.post(at, csrf="token", why="再定一次")).status == 400
