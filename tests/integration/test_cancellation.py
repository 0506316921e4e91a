"""Told to stop while something arrives: the stop wins, always.

`asyncio.wait_for` of Python 3.11 returns the result and forgets the cancellation when both come in one turn of the
loop. A loop that forgot its cancellation outlived its session: the agent crashed ("TaskGroup is shutting down") or
ignored SIGTERM. `asyncio.timeout` forgets nothing.
"""

import asyncio
from pathlib import Path

import pytest

from agent.core.mapping import SourceConfig
from agent.source.postgresql import PostgresqlSource

ROOT = Path(__file__).parents[2]


async def turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_cancelled_read_of_the_source_ends_although_the_rows_came() -> None:
    source = PostgresqlSource(SourceConfig("postgresql"), "")
    came = asyncio.Event()
    task = asyncio.create_task(source._limited(came.wait()))
    await turns()
    came.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("package", ["agent", "central", "common"])
def test_no_loop_of_the_product_can_forget_its_cancellation(package: str) -> None:
    found = [
        str(path)
        for path in (ROOT / package).rglob("*.py")
        if "asyncio.wait_for(" in path.read_text("utf-8") and path.name != "doctor.py"
    ]
    assert found == []
