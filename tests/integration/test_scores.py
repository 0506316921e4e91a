"""绩效, 统计 and 公布 in the console, from a provisional result to one that the public may see; by every role that has a part."""

import csv
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from urllib.parse import quote, unquote, urlencode
from zipfile import ZipFile

import aiohttp
import pytest
from openpyxl import load_workbook
from sqlalchemy import func, insert, select, update

from central import briefing, insight, scoring, statistics
from central.core import period
from central.core.access import Role
from central.core.measure import MEASURES
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING, Scope
from central.core.score import Level
from central.correction_paper import Desk
from central.door import export
from central.door import tables as p
from central.door.app import make_export
from central.door.page import DOOR
from central.scoring import Sender
from central.statistics import asked_of
from central.store import audit, documents, law, scores
from central.store import tables as t
from common.core.errors import UsageError
from common.core.instant import DAY, HOUR, MINUTE, SECOND, start_of_day
from tests.contract.test_law import Driven
from tests.integration import city, dooring
from tests.integration.city_cases import ZONE
from tests.integration.dooring import Outside
from tests.integration.serving import OPERATIONS, Served, Window, text_of
from tests.papers import ISSUER

pytestmark = pytest.mark.asyncio(loop_scope="module")
JULY = start_of_day(date(2026, 7, 3), ZONE)


NAMES = ("东关街道", "西城街道", "南苑街道", "北苑街道", "新华街道")


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
    (site, key, no), name = faults[0]
    unit = f"/hall/scores/{run}/site/{place}"
    words = text_of((await window.get(unit))[1])
    assert one.name in words
    assert f"{one.total} 分" in words
    assert "在承诺时限内办结的比率 × 100" in words, "in words"
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
        assert f"{one.name} {no} {MEASURES[name].name}" in text_of(
            (await head.get(f"/hall/scores?run={run}"))[1]
        )
        words = text_of((await head.get("/hall/objections/1"))[1])
        assert one.name in words
        assert not re.search("|".join(name for name in NAMES if name != one.name), words), (
            "nor who else would move"
        )
    offices = Scope(None, frozenset({"别的单位"}))
    async with hall.store.read() as conn:
        row = await scores.objection_of(conn, 1)
        assert not await scores.is_reached(conn, offices, row), "of another office of the site"
    async with _as(hall, Role.CHIEF) as chief:
        words = text_of((await chief.get("/hall/objections/1"))[1])
        assert "如果异议成立" in words
        assert "业务系统当日停机" in words
        assert re.search("|".join(NAMES), words)
        assert not re.search(r"(\S+) → \1\s", words), "what stays is no change"
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
        assert "还没有公布过评比结果" in text_of((await publisher.get("/hall?scene=score"))[1]), (
            "a draft is not public"
        )
    async with _as(hall, Role.RELEASER) as releaser:
        words = text_of((await releaser.get(one))[1])
        assert "六月绩效公告" in words
        assert (await releaser.get(f"{one}/packet.zip"))[0] == 409, (
            "nothing goes to the press before it is released"
        )
        assert "怎样复算" in words
        assert (await releaser.post(f"{one}/release", csrf="token", why="核对无误")).status == 303
        words = text_of((await releaser.get("/hall?scene=score"))[1])
        assert ("六月绩效公告，已公布" in words, "2026 年 6 月评比" in words) == (True, True)
        assert re.search(r"同类之间排名 1 \S+ [0-9.]+ ", words), words
        status, body = await releaser.get(f"{one}/files/counts.json")
        assert (status, '"units"' in body, '"city"' in body) == (200, True, False)
        assert (await releaser.get(f"{one}/files/secrets"))[0] == 404
        assert "新闻资料包" in (await releaser.get(one))[1]
        await _packed(releaser, one, body)
        await dooring.fill_catalogue(hall.store)
        async with dooring.opened(hall, folder) as outside:
            await _shown(outside, folder, body)
            assert (await releaser.post(f"{one}/withdraw", csrf="token", why="数据更正")).status == 303
            await outside.publish()
            await _taken_back(outside)
        assert (await releaser.get(f"{one}/packet.zip"))[0] == 409
        assert "撤回：数据更正" in text_of((await releaser.get("/hall/publications"))[1])
        assert "还没有公布过评比结果" in text_of((await releaser.get("/hall?scene=score"))[1])


async def _packed(releaser: Window, one: str, counts: str) -> None:
    """The press has the same files in one."""
    async with releaser.session.get(f"{releaser.hall.url}{one}/packet.zip") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="2026-06.zip"'
        with ZipFile(io.BytesIO(await answer.read())) as packed:
            assert packed.read("2026-06/counts.json").decode() == counts
            assert "2026-06/recompute.py" in packed.namelist()


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
    assert table[-1][:2] == ["合计", str(decided)], "no comma in a number that a program reads"
    async with window.session.get(f"{hall.url}/hall/statistics.xlsx?{ask}") as answer:
        sheet = load_workbook(io.BytesIO(await answer.read())).active
    total = list(sheet.rows)[-1]
    assert [(cell.value, cell.data_type) for cell in total][:2] == [("合计", "s"), (decided, "n")]
    assert [cell.number_format for cell in total if cell.data_type == "n"][:2] == ["#,##0", "#,##0"]
    async with window.session.get(f"{hall.url}/hall/statistics.pdf?{ask}") as answer:
        body = await answer.read()
        assert (answer.status, answer.content_type, body[:5]) == (200, "application/pdf", b"%PDF-")
    assert "2026 年 6 月统计（按站点类别）".encode() in body, "its metadata stands in the open"
    plain = ask.replace("&by=&", "&")
    status, text = await window.get(f"/api/v1/statistics?{plain}")
    told = json.loads(text)
    assert (status, told["total"]["values"][0], told["versus"]) == (200, str(decided), "2026-05")
    assert [[*row["place"], row["values"][0]] for row in told["rows"]] == [
        line[:2] for line in table[-1 - len(told["rows"]) : -1]
    ], "what the file says"
    assert told["figures"][1]["definition"] == "承诺时限到结的之中没有计为承诺超时的"
    await _by_person(hall, window)
    await _viewed(hall, window)
    status, html = await window.get("/hall/statistics?period=2026-06&by=day&f=decided&f=red&versus=before")
    assert '<td class="nowrap">2026-06-' in html, "a day is not broken at its hyphen"
    drawn = re.findall(r'<li title="(2026-06-[0-9]{2}) ', html)
    assert drawn == sorted(drawn), "from left to right"
    assert ('class="bars"' in html, "浅色是 2026 年 5 月" in text_of(html)) == (False, True)
    for wrong in ("period=2026-13", "by=salary", "f=salary", "versus=later"):
        status, html = await window.get(f"/hall/statistics?{wrong}")
        assert (status, 'role="alert"' in html) == (400, True)
        assert (await window.get(f"/hall/statistics.csv?{wrong}"))[0] == 400
        status, text = await window.get(f"/api/v1/statistics?{wrong}")
        assert (status, json.loads(text)["error"]) == (400, "这个请求不完整")


async def _by_person(hall: Served, window: Window) -> None:
    """Persons are told inside, to those who may see cases; files of them to those who may export cases; no briefing names them."""
    ask = "period=2026-06&by=person&by=channel&f=decided&f=fee_yuan"
    words = text_of((await window.get(f"/hall/statistics?{ask}"))[1])
    assert "业务系统不记岗位" in words
    assert (await window.get(f"/hall/statistics.csv?{ask}"))[0] == 200
    async with _as(hall, Role.LEADER) as leader:
        status, html = await leader.get(f"/hall/statistics?{ask}")
        assert (status, "导出 CSV" in text_of(html)) == (200, False)
        for path in (
            "/hall/statistics.csv",
            "/hall/statistics.xlsx",
            "/hall/statistics.pdf",
            "/api/v1/statistics",
        ):
            assert (await leader.get(f"{path}?{ask}"))[0] == 400, path
    status, html = await window.get("/hall/statistics?by=rule&by=light&f=lit&f=decided")
    assert (status, "按灯、按时限与规则分时，指标只选“亮灯”" in text_of(html)) == (400, True)
    assert (await window.get("/hall/statistics?by=rule&by=light&f=lit"))[0] == 200


async def _viewed(hall: Served, window: Window) -> None:
    """A saved view of the statistics, whose period moves with the calendar."""
    ask = urlencode([("period", "上月"), ("by", "kind"), ("f", "decided"), ("f", "red")])
    html = (await window.get(f"/hall/statistics?{ask}"))[1]
    assert "统计 · 2026 年 5 月" in text_of(html)
    assert "保存现在的条件" in text_of(html)
    form = {"csrf": "token", "list": "statistics", "name": "上月分类", "query": ask + "&person=x"}
    answer = await window.post("/hall/views", None, **form)
    assert (answer.status, answer.headers["Location"]) == (303, f"/hall/statistics?{ask}")
    html = (await window.get(f"/hall/statistics?{ask}"))[1]
    assert re.search(r'aria-current="true">上月分类', html)
    assert "统计" in text_of((await window.get("/hall/views"))[1])


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


async def test_odd_patterns_bottlenecks_and_the_forecast_lead_to_their_cases(
    hall: Served, window: Window
) -> None:
    first = start_of_day(date(2026, 6, 9), ZONE)
    async with hall.store.write() as conn:
        mine = t.case.c.site == "s02", t.case.c.finished_at.is_not(None), t.case.c.deleted.is_(False)
        keys = list(
            await conn.scalars(select(t.case.c.case_key).where(*mine).order_by(t.case.c.case_key).limit(6))
        )
        for place, key in enumerate(keys):
            at = first + 17 * HOUR + 55 * MINUTE + place * 20 * SECOND
            values = {
                "org": "扎堆所",
                "item_code": "无此码",
                "accepted_at": at - 30 * SECOND,
                "finished_at": at,
            }
            one = t.case.c.site == "s02", t.case.c.case_key == key
            await conn.execute(update(t.case).where(*one).values(**values))
        stepped = t.case.c.site == "s03", t.case.c.case_key == "2026060403202"  # one whose steps are there
        await conn.execute(update(t.case).where(*stepped).values(finished_at=first))
    status, html = await window.get("/hall/statistics/odd?period=2026-06")
    words = text_of(html)
    assert status == 200
    for said in (
        "只是线索",
        "扎堆所 2026-06-09 17:55–17:56 6 6 100%",
        "扎堆所 当期 6 6 100%",
        "不到 1 分钟",
        "数据不全",
    ):
        assert said in words
    assert f"/hall/cases/s02/{keys[0]}" in html
    ask = "period=2026-06&by=org&f=odd_minute&f=odd_crowd&f=decided"
    async with window.session.get(f"{hall.url}/hall/statistics.csv?{ask}") as answer:
        rows = {
            row[0]: row[1:]
            for row in csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig")))
            if row
        }
    assert rows["扎堆所"] == ["6", "6", "6"]
    status, html = await window.get("/hall/statistics/steps?period=2026-06")
    words = text_of(html)
    assert status == 200
    for said in ("环节用时 · 2026 年 6 月", "平均等待", "从上一环节结束", "看办件"):
        assert said in words
    async with hall.store.read() as conn:
        await audit.freeze(conn)
        lines = await insight.steps(conn, period.parse("2026-06"), ZONE, EVERYTHING)
        figures = ("step_of", "step_mean", "step_median", "step_p90", "step_wait")
        asked = asked_of("2026-06", ["item", "step"], figures, "")
        told = (await statistics.answer(conn, EVERYTHING, asked, ZONE, city.FRIDAY)).rows
    assert lines
    expected = {
        (one.item, one.step, *map(str, (one.number, one.mean, one.median, one.p90, one.wait)))
        for one in lines
    }
    assert {(*row.place, *map(str, row.values)) for row in told} == expected, (
        "the same by the step as a dimension"
    )
    item = re.search(r'<td class="c-what">([^<]+)</td>', html)
    assert item
    assert item[1] in text_of(
        (await window.get(f"/hall/statistics/steps?period=2026-06&item={quote(item[1])}"))[1]
    )
    status, html = await window.get("/hall/statistics/workload?site=s02")
    assert status == 200
    drawn = re.findall(r'<li title="(2026-[0-9-]+) ', html)
    assert drawn == sorted(drawn), "what was and what comes, from left to right"
    assert {"2026-06-11", "2026-06-15"} <= {*drawn}
    for said in ("办件量预测", "平均偏差", "最近 8 个同一星期几", "2026-06-15"):
        assert said in text_of(html)
    assert (await window.get("/hall/statistics/workload?site=nowhere"))[0] == 404
    for page in ("odd", "steps"):
        status, html = await window.get(f"/hall/statistics/{page}?period=2026-13")
        assert (status, 'role="alert"' in html) == (400, True)
    async with _as(hall, Role.HEAD) as head:
        assert "扎堆所" not in text_of((await head.get("/hall/statistics/odd?period=2026-06"))[1]), (
            "out of reach"
        )
        assert (await head.get("/hall/statistics/workload?site=s02"))[0] == 404


async def test_a_briefing_is_planned_drafted_by_the_hall_signed_by_a_chief_and_told_to_who_asked(
    hall: Served,
) -> None:
    page, usual = "/hall/statistics/briefings", {"view": "usual", "every": "month"}
    async with _as(hall, Role.SUPERVISOR) as own:
        assert "还没有发文机关" in text_of(await _sent(own, page, usual, status=400))
        async with hall.store.write() as conn:
            await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
        for wrong, why in (({"view": "99"}, "没有这个常用查询"), ({"every": "day"}, "每月或每季")):
            assert why in text_of(await _sent(own, page, usual | wrong, status=400))
        await _sent(own, page, usual | {"issuer": "jcj"})
        assert "已经有了" in text_of(await _sent(own, page, usual | {"issuer": "jcj"}, status=400))
        words = text_of((await own.get(page))[1])
        assert "行政审批电子监察情况 每月 2026 年 6 月，7月1日起拟稿 已订阅" in words
    async with _as(hall, Role.LEADER) as leader:
        assert "安排一项简报" not in text_of((await leader.get(page))[1])
        await _sent(leader, page, usual, status=403)
        await _sent(leader, f"{page}/1/read")
        await _sent(leader, f"{page}/9/read", status=404)
    async with hall.store.read() as conn:
        calendar = await law.calendar(conn)
    at = Desk(Driven(JULY), ZONE, calendar, OPERATIONS)
    assert [await briefing.look_once(hall.store, at) for _ in range(2)] == [1, 0]
    async with _as(hall, Role.CHIEF) as chief:
        html = (await chief.get(page))[1]
        assert "2026 年 6 月 行政审批电子监察情况 草稿 待签发" in text_of(html)
        (draft,) = re.findall(r'href="(/hall/documents/drafts/\d+)"', html)
        words = text_of((await chief.get(draft))[1])
        for said in (
            "系统",
            "关于2026年6月行政审批电子监察情况的简报",
            "承诺按时率",
            "青峪镇",
            "站点的数据尚不完整",
        ):
            assert said in words, said
        await _sent(chief, f"{draft}/sign", {"edits": "0"})
        assert "云监简〔2026〕1号 已印发" in text_of((await chief.get(page))[1])
    async with hall.store.read() as conn:
        one = t.message.c
        told = await conn.scalars(
            select(one.person).where(one.level == "briefing", one.event.startswith("doc"))
        )
        assert set(told) == {Role.SUPERVISOR.value, Role.LEADER.value}
    async with _as(hall, Role.SUPERVISOR) as own:
        await _sent(own, f"{page}/1/leave")
        assert "未订阅" in text_of((await own.get(page))[1])
        await _sent(own, f"{page}/1/end")
        await _sent(own, f"{page}/1/end", status=400)
        assert "还没有安排简报" in text_of((await own.get(page))[1])


async def _sent(own: Window, path: str, form: dict[str, str] | None = None, *, status: int = 303) -> str:
    url = own.hall.url + path
    async with own.session.post(url, data={"csrf": "token"} | (form or {}), allow_redirects=False) as answer:
        text = await answer.text()
        assert answer.status == status, (path, form, text_of(text))
        return text
