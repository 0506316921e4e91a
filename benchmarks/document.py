"""From a red light's values to a signed PDF and its editable copy: each document another case, on SQLite.

`document_ready` is the work: number and frozen values in one transaction, both files made of them, signed, kept in a second.
`document_hall` is what a person waits: the same, until the running hall has looked, and made it. The limit is the design's. Per core: documents by the processor time of the process.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import Row

from benchmarks.figure import Figure, line, percentile
from central import document
from central.core.access import Role
from central.core.compose import Facts, compose
from central.core.document import Issuer, Kind, Paper
from central.core.document_forms import FORMS
from central.core.document_sample import COPIES, FACTS
from central.document import Order
from central.paper import docx
from central.paper.pdf import Typesetter
from central.paper.press import Press
from central.store import documents
from central.store.engine import Store, open_store
from common.clock import Clock
from tests.keyed import keyed

LIMIT_MS, PER_CORE = 2_000.0, 20.0
RUNS, HALL_RUNS = 100, 40
ZONE = ZoneInfo("Asia/Shanghai")
ISSUER = Issuer("jcj", "云州市监察局", "云州市监察局文件", "云监", "云州市监察局办公室", date(2020, 1, 1))
SECRET = bytes(32)
_ITEMS = (
    "食品经营许可（新办）",
    "特种设备使用登记",
    "户外广告设置审批",
    "公共场所卫生许可",
    "占用城市道路许可",
)


def _facts(place: int) -> Facts:
    item = _ITEMS[place % len(_ITEMS)]
    return replace(FACTS, item=item, case_no=f"SQ20260527-{place:04d}", answer_by=date.max)


async def measure() -> AsyncIterator[Figure]:
    press = Press(Path("nowhere"))
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(keyed(Path(folder) / "central.db"))
        try:
            async with store.write() as conn:
                await documents.set_issuer(conn, ISSUER, "bench", "bench", 0)
            first = await _ready(store, press, 0)
            began = time.process_time()
            times = [await _ready(store, press, place) for place in range(1, RUNS + 1)]
            per_core = RUNS / (time.process_time() - began)
            hall = asyncio.create_task(document.run(store, press, SECRET))
            waited = [await _made(store, RUNS + place) for place in range(1, HALL_RUNS + 1)]
            hall.cancel()
            with suppress(asyncio.CancelledError):
                await hall
        finally:
            await store.close()
    yield line("document_first", first, "ms", ("limit", LIMIT_MS), 1)
    yield line("document_ready_p95", percentile(times, 95), "ms", ("limit", LIMIT_MS), RUNS)
    yield line("document_hall_p95", percentile(waited, 95), "ms", ("limit", LIMIT_MS), HALL_RUNS)
    yield line("document_per_core", per_core, "/s", ("target", PER_CORE), RUNS)
    typesetter = Typesetter(None)
    papers = [_paper(place) for place in range(RUNS)]
    pdf = percentile([_ms(typesetter.set, paper) for paper in papers], 50)
    edited = percentile([_ms(docx.write, paper) for paper in papers], 50)
    yield line("document_docx", edited, "ms", ("its PDF by typst", pdf), RUNS)


async def _ready(store: Store, press: Press, place: int) -> float:
    began = time.perf_counter()
    row = await _find(store, await _issue(store, place))
    await document.finish(store, row, press, SECRET)
    return (time.perf_counter() - began) * 1e3


async def _made(store: Store, place: int) -> float:
    """By the running hall, signed at a moment that has nothing to do with its looks."""
    await asyncio.sleep(place * 0.137 % document.LOOK_SECS)
    began = time.perf_counter()
    code = await _issue(store, place)
    while (await _find(store, code)).pdf is None:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return (time.perf_counter() - began) * 1e3


async def _find(store: Store, code: str) -> Row[Any]:
    async with store.read() as conn:
        row = await documents.find(conn, code)
    assert row is not None
    return row


async def _issue(store: Store, place: int) -> str:
    order = Order(
        kind=Kind.ORDER,
        issuer=ISSUER.id,
        subject=f"case/{place}",
        facts=_facts(place),
        copies=COPIES,
        drafter="drafter",
        signer="signer",
        role=Role.CHIEF,
    )
    async with store.write() as conn:
        return await document.issue(conn, order, SECRET, Clock(), ZONE)


def _paper(place: int) -> Paper:
    return compose(FORMS[Kind.ORDER], _facts(place), ISSUER, 2026, place + 1, "code", COPIES)


def _ms(work: Callable[[Paper], bytes], paper: Paper) -> float:
    began = time.perf_counter()
    work(paper)
    return (time.perf_counter() - began) * 1e3
