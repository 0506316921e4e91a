"""A score run begun on the page: by whom, of what, in the background, once at a time; and what is left where it comes to nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from central import scoring
from central.core import period
from central.core.access import Role
from central.core.scheme import MINGCHA_100
from central.score_run import Runner, Told, Wanted
from central.scoring import Sender
from central.store import audit, scores
from central.store.score_tables import score_run
from central.store.trail import audit_line
from central.web.page import HALL
from common.core.errors import UsageError
from common.core.instant import DAY
from tests.integration.city_cases import ZONE
from tests.integration.serving import FridayClock, Served, Window, serve, text_of

pytestmark = pytest.mark.slow
PLACE = "/hall/scores/run"
BUTTON = f'action="{PLACE}"'
FORM = {"csrf": "token", "period": "2026-06", "why": "六月评分"}


class MovedClock(FridayClock):
    """The city of June, looked at three weeks later."""

    ahead = 0

    def office(self, mono: int | None = None) -> int:
        return super().office(mono) + self.ahead


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Served]:
    clock = MovedClock()
    async with serve(tmp_path, clock, cases_a_day=4) as served:
        clock.ahead = 21 * DAY
        wall = served.app[HALL].wall
        while wall.facts is None or wall.facts.now_at < clock.office() - DAY:  # noqa: ASYNC110  it looks once a second
            await asyncio.sleep(0.1)
        yield served


@asynccontextmanager
async def _as(hall: Served, role: Role) -> AsyncIterator[Window]:
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        yield Window(hall, session)


async def _over(window: Window) -> dict[str, Any]:
    told: dict[str, Any] = {"over": False}
    while not told["over"]:
        await asyncio.sleep(0.2)
        told = json.loads((await window.get("/hall/scores/running"))[1])
    return told


async def _lines(hall: Served) -> list[tuple[str, str, str]]:
    async with hall.store.read() as conn:
        query = select(audit_line.c.who, audit_line.c.act, audit_line.c.subject).where(
            audit_line.c.act.like("score.%")
        )
        return [tuple(row) for row in await conn.execute(query)]


async def test_a_month_is_scored_from_the_page_while_the_hall_goes_on(hall: Served) -> None:
    async with _as(hall, Role.SUPERVISOR) as window:
        words = text_of((await window.get("/hall/scores"))[1])
        assert "还没有评过分" in words
        assert "2026 年 6 月 2026 年 5 月" in words, "what is over is offered"
        assert "2026 年 7 月" not in words
        assert (await window.post(PLACE, None, **FORM)).status == 303
        again = await window.post(PLACE, None, **{**FORM, "period": "2026-04"})
        assert again.status == 400
        assert "supervisor 开始的评分还在进行（2026 年 6 月）" in await again.text()
        html = (await window.get("/hall/scores"))[1]
        assert ("progress.js" in html, BUTTON in html) == (True, False)
        told = await _over(window)
        assert told["done"] == told["total"] > 0
        html = (await window.get("/hall/scores"))[1]
        words = text_of(html)
        assert ("绩效 · 2026 年 6 月" in words, "初步结果，异议期到 2026-07-10 为止" in words) == (True, True)
        assert ("progress.js" in html, BUTTON in html) == (False, True)
    assert await _lines(hall) == [
        ("supervisor", "score.begin", "2026-06"),
        ("supervisor", "score.run", "2026-06 第 1 次"),
    ]
    async with hall.store.read() as conn:
        await audit.freeze(conn)
        here = await scoring.provisional(
            conn, period.parse("2026-06"), MINGCHA_100, ZONE, hall.clock.office()
        )
        assert (await scores.run(conn, 1)).digest == here.digest, "the other process says what this one says"


async def test_who_may_not_and_what_is_not_scored(hall: Served) -> None:
    async with _as(hall, Role.LEADER) as leader:
        assert (await leader.post(PLACE, None, **FORM)).status == 403
        assert BUTTON not in (await leader.get("/hall/scores"))[1]
    async with _as(hall, Role.CHIEF) as chief:
        assert (await chief.post(PLACE, None, **{**FORM, "csrf": "x"})).status == 403
        for wrong, words in (
            ({"period": "2026-07"}, "还没有结束"),
            ({"period": "May"}, "看不懂期间"),
            ({"why": "短"}, "请写明原因"),
        ):
            answer = await chief.post(PLACE, None, **{**FORM, **wrong})
            assert (answer.status, words in await answer.text()) == (400, True), words
        async with hall.store.write() as conn:
            row = {
                "period": "2026-06",
                "scheme": 1,
                "digest": "x",
                "is_final": True,
                "who": "w",
                "why": "y",
                "made_at": 1,
            }
            await conn.execute(score_run.insert(), [{**row, "made_wall": 1, "object_until": "2026-07-09"}])
        answer = await chief.post(PLACE, None, **FORM)
        assert "2026 年 6 月已有正式结果（第 1 次）" in await answer.text()
    assert await _lines(hall) == [], "what was refused has not begun"


async def test_a_run_that_is_cut_off_keeps_nothing_and_another_may_begin(hall: Served) -> None:
    sender = Sender("m", "六月评分", hall.clock.office(), hall.clock.wall())
    wanted = Wanted(hall.app[HALL].config.database_url, "Asia/Shanghai", "2026-06", sender)
    runner = Runner()
    runner.begin(wanted)
    with pytest.raises(UsageError, match="还在进行"):
        runner.begin(wanted)
    await runner.close()
    async with hall.store.read() as conn:
        assert await scores.runs(conn, 9) == []
    other = Runner()
    assert "中途结束" in (await _told(other, replace(wanted, zone="Nowhere"))).fault
    assert "还没有结束" in (await _told(other, replace(wanted, period="2026-07"))).fault
    assert (await _told(other, wanted)).number == 1


async def _told(runner: Runner, wanted: Wanted) -> Told:
    runner.begin(wanted)
    while runner.is_running:  # noqa: ASYNC110  another process is waited for
        await asyncio.sleep(0.1)
    assert runner.last is not None
    return runner.last.told
