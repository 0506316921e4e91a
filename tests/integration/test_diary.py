"""What a box writes of itself, through the real buffer: also what changed while that took nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agent import diary
from agent.core.quota import Level
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.means import Means
from agent.room import Room
from agent.sqlfile import BufferFullError
from common.core import record
from common.core.record import Event, Observation
from common.core.state import Observed
from tests.integration.test_collect import Box, Site
from tests.integration.test_remote import box_config, compared, write_keys
from tests.journey.scene import until


async def told(box: Box) -> list[tuple[str, str]]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [(body.name, body.detail) for body in bodies if isinstance(body, Event)]


@asynccontextmanager
async def keeping(box: Box, folder: Path) -> AsyncIterator[None]:
    """The diary is kept meanwhile."""
    config, clock = box_config(folder), compared()
    capture, link = box.collector._capture, LinkStatus(clock)
    means = Means(config, box.buffer, box.index, capture, box.state, clock, link, Keeper(config))
    running = asyncio.create_task(diary.run(means))
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_what_changes_while_the_buffer_takes_nothing_is_written_when_it_does_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-REC-09: and what has passed by then is told of as it stands."""
    monkeypatch.setattr("agent.diary.LOOK_SECS", 0.01)
    write_keys(tmp_path)
    async with Site(tmp_path).running() as box:
        state = box.state
        append, room, refused = box.buffer.append, asyncio.Event(), list[None]()

        async def appended(*args: Any, **given: Any) -> list[int]:
            if not room.is_set():
                refused.append(None)
                raise BufferFullError("no room")
            return await append(*args, **given)

        monkeypatch.setattr(box.buffer, "append", appended)

        async def in_vain() -> bool:
            return len(refused) > 3

        async def written() -> bool:
            return len(await told(box)) > 1

        async with keeping(box, tmp_path):
            state.source_fault, state.buffer_fault = "连不上", "缓存已满"
            await until("it has tried to write", in_vain)
            state.source_fault = "口令不对"
            refused.clear()
            await until("it has tried again", in_vain)
            room.set()
            await until("it is written", written)
            assert await told(box) == [("source.lost", "口令不对"), ("buffer.full", "缓存已满")]


async def test_notices_make_room_for_cases_and_how_many_were_left_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-OBS-05, over a restart: at 90 % of its room."""
    monkeypatch.setattr("agent.diary.LOOK_SECS", 0.01)
    write_keys(tmp_path)
    site = Site(tmp_path)
    seen = [Observation(code, "case", str(n), "") for n, code in enumerate(Observed)]
    async with site.running() as box:
        await box.round()
        used = (await box.buffer.figures()).bytes
        box.buffer._room = Room(int(used / 0.9))
        await box.collector._capture.observe(*seen, positions={"place": b"1"})
        assert (await box.buffer.positions())["place"] == b"1", "it is not seen again"
        with site.vendor() as db:
            site.insert(db, 8)
        assert len(await box.round()) == 2, "cases go on"
        await box.collector._capture.observe(*seen[-1:])
        assert box.buffer.level is Level.SHED
        async with keeping(box, tmp_path):
            await asyncio.sleep(0.1)
        assert await told(box) == [], "it would be told again and again"
    async with site.running() as box:

        async def written() -> list[tuple[str, str]]:
            return await told(box)

        async with keeping(box, tmp_path):
            await until("it is told", written)
            assert await told(box) == [("observations.shed", "3 项")]
        bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
        kept = [body.code for body in bodies if isinstance(body, Observation)]
        assert kept == ["source_restored", "bulk_edit", "clock_jump"]
