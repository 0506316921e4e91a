"""What a box writes of itself, through the real buffer: also what changed while that took nothing."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent import diary
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.means import Means
from agent.sqlfile import BufferFullError
from common.core import record
from common.core.record import Event
from tests.integration.test_collect import Box, Site
from tests.integration.test_remote import box_config, compared, write_keys
from tests.journey.scene import until


async def told(box: Box) -> list[tuple[str, str]]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [(body.name, body.detail) for body in bodies if isinstance(body, Event)]


async def test_what_changes_while_the_buffer_takes_nothing_is_written_when_it_does_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-REC-09: and what has passed by then is told of as it stands."""
    monkeypatch.setattr("agent.diary.LOOK_SECS", 0.01)
    write_keys(tmp_path)
    config, clock = box_config(tmp_path), compared()
    async with Site(tmp_path).running() as box:
        capture, state = box.collector._capture, box.state
        append, room, refused = box.buffer.append, asyncio.Event(), list[None]()

        async def appended(*args: Any, **given: Any) -> list[int]:
            if not room.is_set():
                refused.append(None)
                raise BufferFullError("no room")
            return await append(*args, **given)

        monkeypatch.setattr(box.buffer, "append", appended)
        link = LinkStatus(clock)
        means = Means(config, box.buffer, box.index, capture, state, clock, link, Keeper(config))
        running = asyncio.create_task(diary.run(means))

        async def in_vain() -> bool:
            return len(refused) > 3

        async def written() -> bool:
            return len(await told(box)) > 1

        state.source_fault, state.buffer_fault = "连不上", "缓存已满"
        await until("it has tried to write", in_vain)
        state.source_fault = "口令不对"
        refused.clear()
        await until("it has tried again", in_vain)
        room.set()
        await until("it is written", written)
        assert await told(box) == [("source.lost", "口令不对"), ("buffer.full", "缓存已满")]
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
