"""Looks once a second how the box stands, and writes what changed; what was written last outlives a restart."""

import asyncio
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from agent.beat import said
from agent.capture import SHED
from agent.core import diary
from agent.core.diary import Standing
from agent.core.quota import SHEDDING
from agent.core.sync import Phase
from agent.means import Means
from agent.sqlfile import BufferFullError

LOOK_SECS = 1.0
_POSITION = "diary"
"""Under this name the buffer keeps the standing that was written last, in the transaction of its events."""


async def run(means: Means) -> None:
    """Runs until cancelled. What changes while the buffer takes nothing is written when it does again."""
    written = await _written(means)
    while True:
        now = await _standing(means, written)
        with suppress(BufferFullError):
            events = diary.told(written, now)
            if events:
                positions = {_POSITION: msgspec.msgpack.encode(now)}
                await means.capture.note(*events, positions=positions)
            written = now
        await asyncio.sleep(LOOK_SECS)


async def _written(means: Means) -> Standing:
    """The line of a process that has just begun is not up, and that is no news."""
    kept = (await means.buffer.positions()).get(_POSITION)
    try:
        before = msgspec.msgpack.decode(kept, type=Standing) if kept else Standing()
    except msgspec.MsgspecError:
        return Standing()
    return replace(before, line=Phase.OFFLINE)


async def _standing(means: Means, before: Standing) -> Standing:
    """Of the source nothing is known before the first round: it stands as it did."""
    link, collecting = means.status, means.collecting
    shed = int((await means.buffer.positions()).get(SHED, b"0"))
    is_known = collecting.rounds or collecting.fault or collecting.buffer_fault
    return Standing(
        line=link.state,
        line_fault=said(link.fault),
        refused=said(link.refused),
        source_fault=said(collecting.source_fault) if is_known else before.source_fault,
        paused=said(collecting.paused) if is_known else before.paused,
        full=said(collecting.buffer_fault) if is_known else before.full,
        key=means.keeper.wrapped_by,
        stands_in=means.keeper.master.stands_in,
        policy=means.keeping.version,
        shed=before.shed if means.buffer.level in SHEDDING else shed,
    )
