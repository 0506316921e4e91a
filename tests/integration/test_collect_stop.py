"""The loop of an agent, ended again and again at whatever moment: nothing is told as an error that is none."""

import asyncio
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from agent import collect
from common.clock import Clock
from tests.integration.test_collect import EAGER, Site

STOPS = 60


async def test_a_stop_at_any_moment_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = msgspec.structs.replace(EAGER, poll_secs=0.0001)
    async with Site(tmp_path).running(config) as box:
        for number in range(STOPS):
            loop = asyncio.create_task(collect.run(box.collector, config, box.state, Clock()))
            for _ in range(number):
                await asyncio.sleep(0)
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
            await asyncio.sleep(0.001)
    assert [entry.getMessage() for entry in caplog.records if entry.levelname in ("ERROR", "CRITICAL")] == []
