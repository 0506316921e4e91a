"""A process that issues documents until it is killed: `python -m tests.contract.issuing URL NAME`."""

import asyncio
import sys
from datetime import date
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from central import document
from central.core.access import Role
from central.core.document import Kind
from central.document import Order
from central.store.engine import open_store
from common.clock import Clock
from tests.papers import FACTS, SECRET

ZONE = ZoneInfo("Asia/Shanghai")


def order(subject: str, kind: Kind = Kind.PROPOSAL) -> Order:
    return Order(
        kind=kind,
        issuer="jcj",
        subject=subject,
        facts=FACTS,
        drafter="drafter",
        signer="signer",
        role=Role.CHIEF,
    )


async def _main(url: str, name: str) -> None:
    store = await open_store(url)
    place = 0
    while True:
        one = replace(order(f"{name}/{place}"), facts=replace(FACTS, answer_by=date.max))
        async with store.write() as conn:
            await document.issue(conn, one, SECRET, Clock(), ZONE)
        print(place, flush=True)
        place += 1


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
