"""绩效, 统计 and 公布 in the console, from a provisional result to one that the public may see; by every role that has a part."""

import csv
import hashlib
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import pytest
from openpyxl import load_workbook
from sqlalchemy import func, insert, select, update

from central import scoring
from central.core import period
from central.core.access import Role
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING
from central.core.score import Level
from central.door import export
from central.door import tables as p
from central.door.app import make_export
from central.door.page import DOOR
from central.scoring import Sender
from central.store import audit, scores
from central.store import tables as t
from common.core.errors import UsageError
from common.core.instant import DAY, start_of_day
from tests.integration import city, dooring
from tests.integration.city_cases import ZONE
from tests.integration.dooring import Outside
from tests.integration.serving import Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
JULY = start_of_day(date(2026, 7, 3), ZONE)


@asynccontextmanager
async def _as(hall: Served, role: Role) -> AsyncIterator[Window]:
    cookies = await hall.session(role)
    async with aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Window(hall, session)


async def scored(hall: Served) -> int:
    """June of the city, as it stands in July: whole but for 青峪镇. The provisional run's number."""
    async with hall.store.write() as conn:
        behind = t.site_pass.c.site != "s04"
        await conn.execute(update(t.site_pass).where(behind).values(complete_until=JULY))
        await conn.execute(insert(t.user_site), [{"user": Role.HEAD.value, "site": "s12"}])
    async with hall.store.read() as conn:
        await audit.freeze(conn)
        taken = await scoring.provisional(conn, period.parse("2026-06"), MINGCHA_100, ZONE, JULY)
    async with hall.store.write() as conn:
        sender = Sender("supervisor", "六月评分", city.FRIDAY, hall.clock.wall())
        return (await scoring.keep_provisional(conn, taken, sender, ZONE))[0]


async def test_from_a_provisional_result_to_a_public_one(
    hall: Served, window: Window, tmp_path: Path
) -> None:
    run = await scored(hall)
    status, html = await window.get("/hall/scores")
    words = text_of(html)
    assert status == 200
    for said in ("绩效 · 2026 年 6 月", "初步结果，异议期到 2026-06-19 为止", "乡镇", "街道", "分厅", "怎样算的",
                 "数据不全（青峪镇），暂不排名", "法定时限合规（14 分）"):  # fmt: skip
        assert said in words
    async with hall.store.read() as conn:
        found = await scores.placed(conn, EVERYTHING, run, Level.SITE)
        place, one = next((place, one) for place, one in found if one.unit == ["s12"])
    faults = [(case, name) for line in one.lines for name, cases in line.faults.items() for case in cases]
    (site, key, _), name = faults[0]
    unit = f"/hall/scores/{run}/site/{place}"
    words = text_of((await window.get(unit))[1])
    assert one.name in words
    assert f"{one.total} 分" in words
    assert "提出异议" not in words, "a supervisor is no unit"
    form = {"csrf": "token", "site": site, "key": key, "measure": name, "why": "业务系统当日停机"}
    async with _as(hall, Role.HEAD) as head:
        assert "提出异议" in text_of((await head.get(unit))[1])
        other = next(place for place, one in found if one.unit == ["s11"])
        assert (await head.get(f"/hall/scores/{run}/site/{other}"))[0] == 404, "out of reach"
        assert (await head.post(f"/hall/scores/{run}/site/{other}/object", None, **form)).status == 404
        assert (await head.post(f"{unit}/object", None, **{**form, "key": "nobody"})).status == 404
        assert (await head.post(f"{unit}/object", None, **form)).status == 303
        assert (await head.post(f"{unit}/object", None, **form)).status == 400
        assert "异议待认定" in text_of((await head.get(unit))[1])
    async with _as(hall, Role.CHIEF) as chief:
        words = text_of((await chief.get("/hall/objections/1"))[1])
        assert "如果异议成立" in words
        assert "业务系统当日停机" in words
        assert re.search(r"东关街道|西城街道|南苑街道|北苑街道|新华街道", words)
        assert (await chief.post("/hall/objections/1/grant", csrf="token", why="停机属实")).status == 303
        assert (await chief.post("/hall/objections/1/grant", csrf="token", why="停机属实")).status == 400
    await _published(hall, run, tmp_path)


async def _published(hall: Served, run: int, folder: Path) -> None:
    async with hall.store.write() as conn:
        boss = Sender("chief", "期满定稿", city.FRIDAY + 20 * DAY, hall.clock.wall())
        final = await scoring.finish(conn, run, boss, ZONE)
    asked = {"csrf": "token", "run": str(final), "title": "六月绩效公告", "why": "按季公布"}
    async with _as(hall, Role.PUBLISHER) as publisher:
        assert (await publisher.post("/hall/publications", None, **{**asked, "run": str(run)})).status == 400
        answer = await publisher.post("/hall/publications", None, **{**asked, "title": "经办人 13912345678"})
        assert (answer.status, "电话或证件号码" in await answer.text()) == (400, True)
        answer = await publisher.post("/hall/publications", None, **asked, merge="on")
        assert answer.status == 303, text_of(await answer.text())
        one = answer.headers["Location"]
        assert (await publisher.post(f"{one}/release", csrf="token", why="自己发布")).status == 403
    async with _as(hall, Role.RELEASER) as releaser:
        words = text_of((await releaser.get(one))[1])
        assert "六月绩效公告" in words
        assert "怎样复算" in words
        assert (await releaser.post(f"{one}/release", csrf="token", why="核对无误")).status == 303
        status, body = await releaser.get(f"{one}/files/counts.json")
        assert (status, '"city"' in body) == (200, True)
        assert (await releaser.get(f"{one}/files/secrets"))[0] == 404
        await dooring.fill_catalogue(hall.store)
        async with dooring.opened(hall, folder) as outside:
            await _shown(outside, folder, body)
            assert (await releaser.post(f"{one}/withdraw", csrf="token", why="数据更正")).status == 303
            await outside.publish()
            await _taken_back(outside)
        assert "撤回：数据更正" in text_of((await releaser.get("/hall/publications"))[1])


async def _shown(outside: Outside, folder: Path, counts: str) -> None:
    """What anybody reads of it, downloads, and finds in the files that are shown while everything is down."""
    assert "六月绩效公告" in text_of((await outside.get("/p/scores"))[1])
    assert "公布： 六月绩效公告" in text_of((await outside.get("/p/notices"))[1])
    status, html = await outside.get("/p/scores/2026-06")
    words = text_of(html)
    assert status == 200
    for said in ("乡镇", "街道", "分厅", "南苑街道", "法定时限合规（14 分）", "ranking.csv", "recompute.py"):
        assert said in words
    for path in ("/p/scores/2026-06", "/p/scores/2026-06/item", "/p/scores/2026-06/department"):
        assert len((await outside.get(path))[1].encode()) < 34_000, path
    assert "食品经营许可" in text_of((await outside.get("/p/scores/2026-06/item"))[1])
    assert "张敏" not in text_of((await outside.get("/p/scores/2026-06/person"))[1])
    async with outside.session.get(f"{outside.url}/p/scores/files/1/ranking.csv") as answer:
        table = await answer.read()
        assert answer.headers["Content-Disposition"] == 'attachment; filename="1-ranking.csv"'
    assert f"SHA-256 {hashlib.sha256(table).hexdigest()}" in words
    assert (await outside.get("/p/scores/files/1/counts.json"))[1] == counts
    for path in ("/p/scores/2026-05", "/p/scores/files/1/secrets", "/p/scores/files/2/ranking.csv"):
        assert (await outside.get(path))[0] == 404
    await _exported(outside, folder, table)


async def _exported(outside: Outside, folder: Path, table: bytes) -> None:
    place = folder / ("deep" * 25) / "export"
    door = outside.app[DOOR]
    pages = make_export(door.store, door.config, outside.clock)
    place.mkdir(parents=True)
    (place / "ours.txt").write_text("x")
    with pytest.raises(UsageError):
        await export.write(pages, place)
    (place / "ours.txt").unlink()
    for _ in range(2):  # what was exported before is replaced
        number = await export.write(make_export(door.store, door.config, outside.clock), place)
    lines = (place / export.SUMS).read_text("utf-8").splitlines()
    assert len(lines) == number > 10
    for line in lines:
        digest, _, name = line.partition("  ")
        body = (place / name).read_bytes()
        assert hashlib.sha256(body).hexdigest() == digest
        if not name.endswith(".html"):
            continue
        html = body.decode()
        assert not re.search(r"<form|href=\"/|action=", html), name
        for target in re.findall(r'(?:href|src)="([^"#:]+)"', html):
            assert ((place / name).parent / unquote(target)).is_file(), (name, target)
    assert (place / "scores/files/1/ranking.csv").read_bytes() == table
    assert "网站暂时不能用" in (place / "index.html").read_text("utf-8")


async def _taken_back(outside: Outside) -> None:
    status, html = await outside.get("/p/scores/2026-06")
    assert (status, "数据更正" in html) == (404, True)
    assert "撤回：六月绩效公告" in text_of((await outside.get("/p/notices"))[1])
    assert "六月绩效公告" not in text_of((await outside.get("/p/scores"))[1])
    assert (await outside.get("/p/scores/files/1/ranking.csv"))[0] == 404
    async with outside.press.public.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(p.release_file)) == 0


async def test_statistics_are_shown_compared_and_exported(hall: Served, window: Window) -> None:
    ask = "period=2026-06&by=kind&by=&f=decided&f=on_time&f=median_days&versus=before"
    status, html = await window.get(f"/hall/statistics?{ask}")
    words = text_of(html)
    assert status == 200
    for said in (
        "统计 · 2026 年 6 月",
        "乡镇便民服务中心",
        "分厅",
        "指标的定义",
        "合计",
        "2026 年 5 月",
        "数据不全",
    ):
        assert said in words
    async with hall.store.read() as conn:
        rows = (await conn.execute(select(t.case.c.finished_at, t.case.c.deleted))).all()
    first, last = start_of_day(date(2026, 6, 1), ZONE), start_of_day(date(2026, 7, 1), ZONE)
    decided = sum(1 for row in rows if not row.deleted and first <= (row.finished_at or 0) < last)
    async with window.session.get(f"{hall.url}/hall/statistics.csv?{ask}") as answer:
        table = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert table[-1][:2] == ["合计", f"{decided:,}"]
    async with window.session.get(f"{hall.url}/hall/statistics.xlsx?{ask}") as answer:
        sheet = load_workbook(io.BytesIO(await answer.read())).active
    assert [cell.value for cell in list(sheet.rows)[-1]][:2] == ["合计", f"{decided:,}"]
    for wrong in ("period=2026-13", "by=salary", "f=salary", "versus=later"):
        status, html = await window.get(f"/hall/statistics?{wrong}")
        assert (status, 'role="alert"' in html) == (400, True)
        assert (await window.get(f"/hall/statistics.csv?{wrong}"))[0] == 400


async def test_an_office_name_is_no_formula_in_an_export(hall: Served, window: Window) -> None:
    async with hall.store.write() as conn:
        mine = t.case.c.site == "s01"
        await conn.execute(update(t.case).where(mine).values(org='=HYPERLINK("http://x")'))
    async with window.session.get(f"{hall.url}/hall/statistics.csv?by=org&f=filed") as answer:
        assert "'=HYPERLINK" in await answer.text()


async def test_whoever_may_not_see_scores_is_told_whom_to_ask(hall: Served) -> None:
    async with _as(hall, Role.IT) as own:
        assert (await own.get("/hall/scores"))[0] == 403
        assert (await own.get("/hall/statistics"))[0] == 403
        assert (await own.get("/hall/publications"))[0] == 403
