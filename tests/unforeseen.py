"""A hall with a mistake that only the records of one case of site s02 meet: `python -m tests.unforeseen central ...` runs `central ...`."""

import runpy
import sys
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from central import receive
from central.ingest import Outcome, ingest_batches
from central.opening import Opened

CASE = b"SL00003"


async def mistaken(conn: AsyncConnection, batches: list[Opened], *rest: Any) -> Outcome:
    if any(item.header.site == "s02" and CASE in raw for item in batches for raw in item.raws):
        raise ZeroDivisionError
    return await ingest_batches(conn, batches, *rest)


setattr(receive, "ingest_batches", mistaken)  # noqa: B010  as the module itself has it
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
