"""The stream: the whole first, then numbered changes that add up to a fresh look; old data never passes for new."""

import asyncio
import itertools
import random
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
from central.core.hall import Facts, State
from central.store import tables as t
from central.web import live
from central.web.live import LOOK_SECS, Wall
from central.web.page import HALL
from common.clock import Clock
from common.core.instant import MINUTE, SECOND
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
        await catches_up(hall, 900)
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


class Moved(Clock):
    """Stands still until the test moves it; to read the tables takes `takes_secs` by it, as its wall time is asked there."""

    def __init__(self) -> None:
        super().__init__()
        self.at, self.takes_secs = city.FRIDAY, 0.0

    def mono(self) -> int:
        return self.at

    def wall(self) -> int:
        self.at += int(self.takes_secs * SECOND / 2)  # office time asks too
        return self.at


class Noted(Wall):
    """Keeps the instant, in seconds of its clock, at which it tells each message."""

    def __init__(self, hall: Served, clock: Clock) -> None:
        super().__init__(hall.store, clock, hall.app[HALL].zone)
        self.hall, self.told = hall, list[float]()

    def _tell(self, delta: State) -> None:
        before = self.seq
        super()._tell(delta)
        if self.seq > before:
            self.told.append(self._clock.mono_secs())

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in itertools.pairwise(self.told)]


async def catches_up(hall: Served, left: int) -> None:
    """Something that is seen on the wall is otherwise than before."""
    async with hall.store.write() as conn:
        mine = t.ingest_cursor.c.site == "s09"
        await conn.execute(update(t.ingest_cursor).where(mine).values(city.held(left)))


@pytest.mark.parametrize("is_busy", [False, True])
async def test_a_message_comes_in_every_five_seconds_and_never_two_in_one(
    hall: Served, is_busy: bool
) -> None:
    """By a clock that the test moves: five minutes of looks that take up to 0.4 s each."""
    chance, clock = random.Random(7), Moved()
    wall, ends_at = Noted(hall, clock), clock.at + 5 * MINUTE
    looks = 0
    while clock.at < ends_at:
        if is_busy:
            await catches_up(hall, 400 + looks)
        clock.takes_secs = chance.random() * 0.4
        await wall.look_once()
        looks += 1
        clock.at += int(LOOK_SECS * SECOND)
    assert min(wall.gaps) >= 1
    assert max(wall.gaps) <= 5
    assert len(wall.told) == looks if is_busy else 60 <= len(wall.told) <= 5 * 60 / 3.5


class Sluggish(Noted):
    """A hall whose every other look takes most of a second, and finds something new each time."""

    async def _read(self) -> Facts:
        await catches_up(self.hall, 300 + self.seq)
        facts = await super()._read()
        await asyncio.sleep(0.8 * (self.seq % 2))
        return facts


@pytest.mark.slow
async def test_a_quick_look_after_a_slow_one_tells_nothing_before_its_second(hall: Served) -> None:
    """The producer as it runs; a loaded machine makes gaps longer alone."""
    wall = Sluggish(hall, serving.FridayClock())
    running = asyncio.create_task(wall.run())
    async with asyncio.timeout(60):
        while len(wall.told) < 6:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running])
    assert min(wall.gaps) >= 0.999, "a timer may be a tick early"


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
