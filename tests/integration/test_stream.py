"""The stream: the whole first, then numbered changes that add up to a fresh look; old data never passes for new."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import delete, update

from central.core.access import Role
from central.store import tables as t
from central.web import live
from central.web.page import HALL
from common.core.instant import MINUTE
from tests import services
from tests.integration import city, serving
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def listening(window: Window) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The messages of one stream."""
    async with window.session.get(window.hall.url + "/api/v1/stream?topics=hall") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"

        async def messages() -> AsyncIterator[dict[str, Any]]:
            while block := await answer.content.readuntil(b"\n\n"):
                yield msgspec.json.decode(block.removeprefix(b"data: "))

        yield messages()


async def test_changes_on_top_of_the_whole_are_the_state_of_the_hall(hall: Served, window: Window) -> None:
    wall = hall.app[HALL].wall
    async with listening(window) as messages, asyncio.timeout(10):
        state = await anext(messages)
        assert state["full"]
        assert state["build"] == wall.build
        seq = state["seq"]
        async with hall.store.write() as conn:
            await conn.execute(
                update(t.ingest_cursor).where(t.ingest_cursor.c.site == "s09").values(city.held(900))
            )
        while state["s"]["s09"]["percent"] != "54%":
            message = await anext(messages)
            seq += 1
            assert message["seq"] == seq
            if message.get("full"):
                state = message
            for section in set(wall.state) & set(message):
                for row, fields in message[section].items():
                    state[section][row] |= fields
        assert state["s"]["s09"]["note"].startswith("余 192 条")
        assert {section: state[section] for section in wall.state} == wall.state
        async with asyncio.timeout(6):  # a window calls ten seconds of silence stale
            await anext(messages)


async def test_a_picture_that_is_old_says_how_old(hall: Served) -> None:
    wall = hall.app[HALL].wall
    assert wall.facts is not None
    fresh = wall.facts
    wall.facts = replace(fresh, now_wall=fresh.now_wall - MINUTE)
    whole = msgspec.json.decode(wall.snapshot().removeprefix(b"data: "))
    wall.facts = fresh
    assert 60_000 <= whole["age"] < 75_000
    again = msgspec.json.decode(wall.snapshot().removeprefix(b"data: "))
    assert 0 <= again["age"] < 15_000


async def test_a_fifth_stream_of_one_login_is_refused(window: Window) -> None:
    session, url = window.session, window.hall.url + "/api/v1/stream"
    opened = [await session.get(url) for _ in range(4)]
    for answer in opened:
        await answer.content.readuntil(b"\n\n")
    async with session.get(url) as fifth:
        assert fifth.status == 429
        assert (await fifth.json())["detail"] == "请关闭多余的窗口"
    for answer in opened:
        answer.close()


async def test_a_stream_ends_with_the_session_it_was_opened_in(
    hall: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withdrawn screen, a disabled account, an ended session: nothing new is told to a window that stays open."""
    monkeypatch.setattr(live, "ASK_SECS", 0.5)
    mine = t.user.c.name == Role.WALL.value
    for ending in (
        delete(t.session).where(t.session.c.user == Role.WALL.value),
        update(t.user).where(mine).values(disabled=True),
    ):
        async with (
            aiohttp.ClientSession(cookies=await hall.session(Role.WALL)) as session,
            listening(Window(hall, session)) as messages,
            asyncio.timeout(30),
        ):
            await anext(messages)
            await anext(messages)
            async with hall.store.write() as conn:
                await conn.execute(ending)
            async for _ in messages:  # until it ends
                pass
    async with hall.store.write() as conn:
        await conn.execute(update(t.user).where(mine).values(disabled=False))


@pytest.mark.service
async def test_a_database_that_is_away_is_said_in_words_and_comes_back_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with services.postgresql(durable=False) as server:
        folder = tmp_path_factory.mktemp("away")
        async with serving.serve(folder, serving.FridayClock(), server=server, cases_a_day=2) as hall:
            cookies = await hall.session(Role.SUPERVISOR)
            async with aiohttp.ClientSession(cookies=cookies) as session:
                window = Window(hall, session)
                assert (await window.get("/hall/queue"))[0] == 200
                await asyncio.to_thread(server.kill)
                status, html = await window.get("/hall/queue")
                assert status == 503
                assert "数据库暂时不可用 数据没有丢失" in text_of(html)
                await asyncio.to_thread(server.start)
                assert (await window.get("/hall/queue"))[0] == 200


async def test_a_producer_that_ends_by_a_fault_of_ours_is_not_left_unseen(tmp_path: Path) -> None:
    """A cursor that no version of this program could have written: no figure of the wall can be made of it."""
    async with serving.serve(tmp_path, serving.FridayClock(), cases_a_day=1) as hall:
        async with hall.store.write() as conn:
            await conn.execute(update(t.ingest_cursor).values(ranges=b"?"))
        with pytest.raises(msgspec.DecodeError):
            async with asyncio.timeout(10):
                await hall.app[HALL].wall.ended()
