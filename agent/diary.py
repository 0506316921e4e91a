"""Looks once a second how the box stands, and writes what changed."""

import asyncio
from contextlib import suppress

from agent.beat import said
from agent.core import diary
from agent.core.diary import Standing
from agent.means import Means
from agent.sqlfile import BufferFullError

LOOK_SECS = 1.0


async def run(means: Means) -> None:
    """Runs until cancelled. What changes while the buffer takes nothing is written when it does again."""
    written = Standing()
    while True:
        now = _standing(means)
        with suppress(BufferFullError):
            events = diary.told(written, now)
            if events:
                await means.capture.note(*events)
            written = now
        await asyncio.sleep(LOOK_SECS)


def _standing(means: Means) -> Standing:
    link, collecting = means.status, means.collecting
    return Standing(
        line=link.state,
        line_fault=said(link.fault),
        refused=said(link.refused),
        source_fault=said(collecting.source_fault),
        paused=said(collecting.paused),
        full=said(collecting.buffer_fault),
        key=means.keeper.wrapped_by,
        stands_in=means.keeper.master.stands_in,
        policy=means.keeping.version,
    )
