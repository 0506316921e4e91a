"""A hall with a mistake that only site s02 meets: `python -m tests.unforeseen central ...` runs `central ...`."""

import runpy
import sys
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from central import receive
from central.ingest import Outcome, ingest_batches
from central.opening import Opened


async def mistaken(conn: AsyncConnection, batches: list[Opened], *rest: Any) -> Outcome:
    if any(item.header.site == "s02" for item in batches):
        raise ZeroDivisionError
    return await ingest_batches(conn, batches, *rest)


setattr(receive, "ingest_batches", mistaken)  # noqa: B010  as the module itself has it
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
