"""记事: what all sites' boxes have noted of themselves, in one list: by site, back in time, within reach, as text."""

import re
from html import unescape
from typing import Any

import aiohttp
import pytest
from sqlalchemy import insert

from central.core.access import Role
from central.store import scope
from central.store import tables as t
from common.core.happening import Happening
from common.core.instant import SECOND
from common.core.record import Event, Op, Record, RecordKind, encode_body, encode_record
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCRIPT = "<script>alert(1)</script>"
COUNT = 60
"""Notes of each of two sites; the page holds fifty."""


async def _noted(hall: Served) -> None:
    """Two sites note by turns, two notes at each instant; written anew by each test that needs them."""
    now_wall, rows = hall.clock.wall(), list[dict[str, Any]]()
    for site in ("s01", "s02"):
        for place in range(COUNT):
            at = now_wall - place // 2 * SECOND
            event = Event(Happening.LINK_LOST if place else SCRIPT, f"{site}第{place}条 {SCRIPT}")
            record = Record(
                seq=place + 1,
                kind=RecordKind.EVENT,
                table="",
                key="",
                version=0,
                op=Op.PUT,
                src_at=None,
                cap_at=at,
                cap_wall=at,
                cap_mono=0,
                digest=b"",
                body=encode_body(event),
            )
            told = {"cap_at": at, "cap_wall": at, "received_at": at, "received_wall": at, "lane": "live"}
            where = {
                "site": site,
                "epoch": b"n" * 8,
                "seq": place + 1,
                "kind": record.kind,
                "tbl": "",
                "key": "",
            }
            rows.append(told | where | {"version": 0, "digest": b"", "raw": encode_record(record)})
    async with hall.store.write() as conn:
        await conn.execute(t.record.delete().where(t.record.c.epoch == b"n" * 8))
        await conn.execute(insert(t.record), rows)


async def test_every_note_stands_on_one_page_once_whatever_shares_its_instant(
    hall: Served, window: Window
) -> None:
    await _noted(hall)
    path, seen, pages = "/hall/events", list[str](), 0
    while path:
        status, html = await window.get(path)
        assert status == 200
        assert "<script>alert" not in html
        seen += re.findall(r"s0[12]第\d+条", text_of(html))
        more = re.search(r'href="([^"]+)">更早的', html)
        path, pages = unescape(more[1]) if more else "", pages + 1
    assert sorted(seen) == sorted(f"{site}第{place}条" for site in ("s01", "s02") for place in range(COUNT))
    assert pages == 3
    assert {each[:3] for each in seen[:4]} == {"s01", "s02"}, "by time, not by site"


async def test_one_site_alone_and_nothing_out_of_reach(hall: Served, window: Window) -> None:
    await _noted(hall)
    words = text_of((await window.get("/hall/events?site=s02"))[1])
    assert "与市中心断开" in words
    assert "s01第" not in words
    for odd, answer in (("site=s99", 404), ("site=%00", 404), ("before=x", 400), ("before=" + "9" * 19, 400)):
        assert (await window.get(f"/hall/events?{odd}"))[0] == answer, odd
    async with hall.store.write() as conn:
        await scope.give(conn, Role.HEAD.value, ["s02"], [])
    async with aiohttp.ClientSession(cookies=await hall.session(Role.HEAD)) as session:
        own = Window(hall, session)
        assert "s01第" not in text_of((await own.get("/hall/events"))[1])
        assert (await own.get("/hall/events?site=s01"))[0] == 404
    async with hall.store.write() as conn:
        await scope.give(conn, Role.HEAD.value, [], [])
