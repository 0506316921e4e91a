"""Red lights of a served hall carried to their end by real requests of real accounts, and what each side's pages say."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central import correction_check, correction_clock, document, judge
from central.core.access import Role
from central.paper.press import Press
from central.store import corrections, documents, scope, sessions
from central.store import tables as t
from central.store.engine import Store
from central.web.guard import COOKIE, digest
from central.world import Moment
from common.clock import Clock
from common.core.instant import DAY, HOUR, from_us, start_of_day
from tests.browser import browser
from tests.integration import city, city_cases, serving
from tests.integration.city_cases import ZONE, Filed
from tests.integration.serving import OPERATIONS, FridayClock, Served, Window, text_of
from tests.papers import ISSUER

pytestmark = pytest.mark.asyncio(loop_scope="module")
SITE = "s12"
PEOPLE = {
    "jian1": Role.SUPERVISOR,
    "jian2": Role.SUPERVISOR,
    "ling1": Role.CHIEF,
    "ling2": Role.CHIEF,
    "zhang": Role.HEAD,
    "chuang": Role.CLERK,
    "bieren": Role.HEAD,
    "zijia": Role.CHIEF,
    "kan": Role.LEADER,
}
REASON = "窗口人员休假期间没有安排替岗"


class Ahead(FridayClock):
    """Days may be put on."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0

    def office(self, mono: int | None = None) -> int:
        return super().office(mono) + self.ahead


async def fill(store: Store, clock: Clock) -> None:
    async with store.write() as conn:
        await city.fill(conn, clock.office(), clock.wall(), cases_a_day=12)
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
        fixed = {"password": "!", "must_change": False, "disabled": False, "created_wall": 0}
        await conn.execute(
            insert(t.user), [{"name": name, "role": role} | fixed for name, role in PEOPLE.items()]
        )
        await _past(conn, clock)
        for name, site in (("zhang", SITE), ("chuang", SITE), ("bieren", "s03")):
            await scope.give(conn, name, [site], [])
        await scope.settle(conn, "zijia", SITE)


OLD = "s02"
"""A site whose box began to look twelve days ago."""


async def _past(conn: AsyncConnection, clock: Clock) -> None:
    """Over before that and late; the same, but once seen open; late, and open to this day."""
    now_at, now_wall = clock.office(), clock.wall()
    begun = start_of_day(from_us(now_at, ZONE).date(), ZONE) - 40 * DAY
    filed = [
        Filed(
            site=OLD,
            key=f"old{place}",
            item=("食品经营许可（新办）", 20, 5),
            applicant="王秀英",
            accepted=begun + 9 * HOUR,
            finished=finished,
            due=begun + 9 * DAY,
        )
        for place, finished in enumerate((begun + 20 * DAY, begun + 20 * DAY, None))
    ]
    await city_cases.add_facts(conn, filed, now_at, now_wall, first_seq=90_000)
    seen = msgspec.structs.replace(filed[1], finished=None)
    body = city_cases.bodies(seen, now_at)[0]
    row = city_cases._record_row(seen, 0, body, 0, 91_000, now_at, now_wall)
    await conn.execute(insert(t.record), [row])
    world = await judge.load_world(conn, ZONE)
    keys = {one.key for one in filed}
    await judge.judge_cases(conn, OLD, keys, world, Moment(now_at, now_wall), ())


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)],
)
async def hall(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    folder = tmp_path_factory.mktemp("corrections")
    async with serving.serve(folder, Ahead(), server=server, fill=fill) as served:
        await look(served)
        yield served


async def look(hall: Served) -> None:
    """What the running hall does every two seconds."""
    async with hall.store.write() as conn:
        world = await judge.load_world(conn, ZONE)
    await correction_clock.look_once(hall.store, world, hall.clock, OPERATIONS, set())


@asynccontextmanager
async def logged_in(hall: Served, name: str) -> AsyncIterator[Window]:
    async with hall.store.write() as conn:
        await sessions.end(conn, digest(name))
        await sessions.begin(conn, digest(name), name, "token", hall.clock.wall())
    async with aiohttp.ClientSession(cookies={COOKIE: name}) as session:
        yield Window(hall, session)


def forms(html: str) -> list[dict[str, str]]:
    """The hidden fields of each form of the page, with its address."""
    found = []
    for action, inside in re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', html, re.DOTALL):
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', inside)
        found.append({"action": unescape(action)} | dict(hidden))
    return found


async def do(hall: Served, name: str, number: int, event: str, **words: str) -> tuple[int, str]:
    """Open the page, send its form. -> status and words of the answer; 0 where the page does not offer it."""
    unit = PEOPLE[name] in {Role.HEAD, Role.CLERK}
    async with logged_in(hall, name) as own:
        page = f"/{'unit' if unit else 'hall'}/corrections/{number}"
        status, html = await own.get(page)
        assert status == 200, (name, event, status)
        offered = event in re.findall(r'name="event" value="(\w+)"', html)
        entries = re.search(r'name="entries" value="(\d+)"', html)
        issuer = re.search(r'name="issuer" value="(\w+)"', html)
        async with hall.store.read() as conn:
            newest = await conn.scalar(select(t.correction.c.entries).where(t.correction.c.id == number))
        form = {"csrf": "token", "event": event, "entries": entries[1] if entries else str(newest), **words}
        form |= {"issuer": issuer[1]} if issuer and event == "draft" else {}
        url = f"{hall.url}{page}/act"
        async with own.session.post(url, data=form, allow_redirects=False) as answer:
            said = text_of(await answer.text())
            assert (answer.status == 303) <= offered, (name, event, "done and not offered")
            return answer.status, said


async def done(hall: Served, name: str, number: int, event: str, **words: str) -> None:
    status, said = await do(hall, name, number, event, **words)
    assert status == 303, (name, event, status, said)


async def refused(hall: Served, name: str, number: int, event: str, why: str) -> None:
    status, said = await do(hall, name, number, event, reason=REASON)
    assert status == 409, (name, event, status)
    assert why in said


async def sign(hall: Served, name: str, number: int) -> None:
    """Every document that waits on the page."""
    async with logged_in(hall, name) as own:
        while True:
            html = (await own.get(f"/hall/corrections/{number}"))[1]
            form: Any = next((form for form in forms(html) if form["action"].endswith("/sign")), None)
            if form is None:
                return
            answer = await own.post(form.pop("action"), **form)
            assert answer.status == 303


async def red_of(hall: Served, site: str) -> list[int]:
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.id).where(one.site == site, one.is_red, one.state == "raised").order_by(one.id)
        return list(await conn.scalars(query))


async def test_every_red_light_of_the_city_has_one_correction(hall: Served) -> None:
    async with hall.store.read() as conn:
        told = (await conn.execute(select(t.outbox).where(t.outbox.c.event == "red"))).all()
        lit = (
            await conn.execute(select(t.correction_light).where(t.correction_light.c.event == "red"))
        ).all()
        waits = (await conn.execute(select(t.outbox).where(t.outbox.c.done_wall.is_(None)))).all()
    assert len(told) == len(lit) > 2
    assert waits == []


async def test_what_was_over_before_its_site_was_watched_is_counted_and_asks_nobody(hall: Served) -> None:
    """A completion that was dated back is none of those: the case was seen open."""
    async with hall.store.read() as conn:
        light = t.correction_light.c
        query = select(light.case_key, light.correction).where(light.site == OLD, light.event == "red")
        found = {row.case_key: row.correction for row in await conn.execute(query)}
        report = await correction_check.check_all(conn)
        messages = select(t.message.c.id).where(t.message.c.case_key == "old0")
        assert (await conn.scalars(messages)).all() == []
    assert found["old0"] == corrections.BEFORE
    assert all(found[key] > 0 for key in ("old1", "old2"))
    assert report.faults == []
    async with logged_in(hall, "jian1") as own:
        said = text_of((await own.get("/hall/corrections"))[1])
        assert re.search(r"另有 \d+ 个红灯的办件在站点接入前已经办结", said)
        assert "站点接入前已经办结" in text_of((await own.get(f"/hall/cases/{OLD}/old0"))[1])
        assert "站点接入前已经办结" not in text_of((await own.get(f"/hall/cases/{OLD}/old1"))[1])


async def test_a_red_light_is_carried_to_its_closing_by_four_roles(hall: Served) -> None:
    number = (await red_of(hall, SITE))[0]
    async with logged_in(hall, "jian1") as own:
        words = text_of((await own.get("/hall/corrections"))[1])
        assert "轮到您" in words
        assert "监察员拟稿" in words
        words = text_of((await own.get(f"/hall/corrections/{number}"))[1])
        assert "督办通知书 预览" in words.replace("督办通知书预览", "督办通知书 预览")
        assert "（签发时编号）" in words
    async with logged_in(hall, "zhang") as own:
        assert (await own.get(f"/unit/corrections/{number}"))[0] == 404, "nobody is told before it is issued"
        assert "现在没有须由本单位办理的督办" in text_of((await own.get("/unit"))[1])
        assert (await own.get(f"/hall/corrections/{number}"))[0] == 403
    await done(hall, "jian1", number, "draft", copies="市政务服务中心")
    await refused(hall, "jian1", number, "review", "拟稿的人不能自己审核")
    await refused(hall, "zijia", number, "review", "不能办理本单位的纠错")
    await done(hall, "jian2", number, "review")
    await refused(hall, "jian2", number, "issue", "签发须由监察领导办理")
    await refused(hall, "zijia", number, "issue", "不能办理本单位的纠错")
    await done(hall, "ling1", number, "issue")
    async with logged_in(hall, "bieren") as own:
        assert (await own.get(f"/unit/corrections/{number}"))[0] == 404
        assert (
            await own.post(f"/unit/corrections/{number}/act", csrf="token", event="receive")
        ).status == 404
    async with logged_in(hall, "zhang") as own:
        assert "责任单位签收" in text_of((await own.get("/unit"))[1])
        words = text_of((await own.get(f"/unit/corrections/{number}"))[1])
        assert "云监督〔2026〕1号" in words
        assert "jian1" not in words, "the unit is not told who drafted"
        assert (await own.post(f"/unit/corrections/{number}/act", event="receive")).status == 403
        stale = await own.post(f"/unit/corrections/{number}/act", csrf="token", event="receive", entries="1")
        assert stale.status == 409
    await done(hall, "chuang", number, "receive")
    async with logged_in(hall, "jian1") as own:
        words = text_of((await own.get("/hall/documents?text=督〔2026〕1号"))[1])
        assert "chuang 签收" in words
        assert "云监督〔2026〕1号" in words
    status, said = await do(hall, "zhang", number, "explain", reason="好")
    assert (status, "4 至 2000 个字" in said) == (409, True)
    await _explained_with_a_file(hall, number)
    await refused(hall, "jian1", number, "uphold", "须由监察领导办理")
    async with logged_in(hall, "ling1") as own:
        words = text_of((await own.get(f"/hall/corrections/{number}"))[1])
        assert REASON in words
        assert "13800000017" not in words
    await done(hall, "ling1", number, "uphold", reason=REASON, measures="立即办结该件\n完善替岗制度")
    await done(hall, "zhang", number, "rectify", reason="已经办结并建立替岗制度")
    await done(hall, "jian1", number, "account", reason=REASON, measures="对责任人员批评教育")
    await done(hall, "jian2", number, "confirm", reason="已到现场核实")
    await sign(hall, "ling2", number)
    await refused(hall, "ling1", number, "close", "签发的人不能自己销号")
    await done(hall, "ling2", number, "close", reason="该件已经办结，造成超期的原因已经消除")
    await _closed(hall, number)


async def _explained_with_a_file(hall: Served, number: int) -> None:
    """What is no picture and no PDF is refused by its first bytes; the rest is kept by its hash, for both sides."""
    async with hall.store.read() as conn:
        entries = await conn.scalar(select(t.correction.c.entries).where(t.correction.c.id == number))
    async with logged_in(hall, "zhang") as own:
        for name, body, status in (
            ("停机.pdf", b"MZ no pdf at all", 409),
            ("大.png", b"\x89PNG\r\n\x1a\n" + bytes(3 * 1024 * 1024), 409),
            ("../../停机公告.pdf", b"%PDF-1.7 notice" + bytes(200_000), 303),
        ):
            form = aiohttp.FormData(quote_fields=False)
            said = {"csrf": "token", "event": "explain", "entries": str(entries)}
            for field, text in (said | {"reason": f"{REASON}。联系 13800000017"}).items():
                form.add_field(field, text)
            form.add_field("file", BytesIO(body), filename=name)
            url = f"{hall.url}/unit/corrections/{number}/act"
            async with own.session.post(url, data=form, allow_redirects=False) as answer:
                assert answer.status == status, name
        html = (await own.get(f"/unit/corrections/{number}"))[1]
        assert (await own.post("/unit/acknowledge", csrf="token", reason="x" * 100_000)).status == 413
    (path,) = re.findall(r'href="/unit(/corrections/\d+/files/[0-9a-f]{64})">附件 停机公告.pdf', html)
    for who, side, status in (("zhang", "unit", 200), ("ling1", "hall", 200), ("bieren", "unit", 404)):
        async with logged_in(hall, who) as own, own.session.get(f"{hall.url}/{side}{path}") as answer:
            assert answer.status == status, who
            if status == 200:
                assert (answer.content_type, (await answer.read())[:5]) == ("application/pdf", b"%PDF-")


async def _closed(hall: Served, number: int) -> None:
    """Its documents can be read by both sides, its acts are in the audit, its dossier proves itself."""
    async with hall.store.read() as conn:
        kinds = [row.kind for row in await documents.of_subject(conn, f"correction/{number}")]
        codes = [row.code for row in await documents.of_subject(conn, f"correction/{number}")]
        acts = (await conn.execute(select(t.audit_line).where(t.audit_line.c.act == "correction.act"))).all()
        report = await correction_check.check_all(conn)
    assert sorted(kinds) == ["accountability", "closing", "order", "rectification"]
    mine = [(line.who, line.subject) for line in acts if line.subject.startswith(f"{number} ")]
    assert (mine[0], mine[-1]) == (("jian1", f"{number} 拟稿"), ("ling2", f"{number} 销号"))
    assert len(mine) == 11
    assert report.faults == []
    path = f"corrections/{number}/documents/{codes[0]}.pdf"
    async with logged_in(hall, "zhang") as own:
        assert (await own.get(f"/unit/{path}"))[0] == 404, "its files are not made yet"
        await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
        async with own.session.get(f"{hall.url}/unit/{path}") as answer:
            assert (answer.status, (await answer.read())[:5]) == (200, b"%PDF-")
        words = text_of((await own.get("/unit"))[1])
        assert "最近办结" in words
    async with logged_in(hall, "kan") as own:
        assert (await own.head(f"/hall/{path}")).status == 200
        words = text_of((await own.get(f"/hall/corrections/{number}"))[1])
        assert "已销号，现在没有要办的事。" in words
        assert (
            await own.post(f"/hall/corrections/{number}/act", csrf="token", event="withdraw")
        ).status == 403
        assert (await own.get(f"/hall/corrections/{number + 1}/documents/{codes[0]}.pdf"))[0] == 404
    async with logged_in(hall, "bieren") as own:
        assert (await own.get(f"/unit/{path}"))[0] == 404


async def test_red_lights_of_one_unit_and_day_share_an_order_and_are_answered_one_by_one(
    hall: Served,
) -> None:
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.id, one.entries).where(one.site == OLD, one.state == "raised").order_by(one.id)
        first, second = (await conn.execute(query)).all()[:2]
        other = await conn.scalar(select(one.id).where(one.site == "s18", one.state == "raised").limit(1))
    assert other is not None
    async with logged_in(hall, "jian1") as own:
        html = (await own.get("/hall/corrections"))[1]
        assert "盏红灯可合用一份督办通知书" in html
        (issuer,) = set(re.findall(r'name="issuer" value="(\w+)"', html))

        async def ask(*numbers: tuple[int, int]) -> int:
            form = [("csrf", "token"), ("issuer", issuer), *(("number", f"{n}:{e}") for n, e in numbers)]
            url = f"{hall.url}/hall/corrections/batch"
            async with own.session.post(url, data=form, allow_redirects=False) as answer:
                return answer.status

        assert await ask((first.id, first.entries)) == 409, "one alone is no batch"
        assert await ask((first.id, first.entries), (other, 1)) == 409, "another unit's"
        assert await ask((first.id, first.entries), (second.id, second.entries + 1)) == 409, "stale"
        assert await ask((first.id, first.entries), (second.id, second.entries)) == 303
        assert await ask((first.id, first.entries), (second.id, second.entries)) == 409, "once"
        words = text_of((await own.get(f"/hall/corrections/{second.id}"))[1])
        assert f"并案：与 {first.id} 号 合用一份督办通知书" in words
        assert "等2件办件" in words
    await done(hall, "jian2", second.id, "review")
    await done(hall, "ling1", first.id, "send_back", reason="事实不清，请核对")
    async with hall.store.read() as conn:
        query = select(one.state, one.batch, one.entries).where(one.id.in_([first.id, second.id]))
        rows = (await conn.execute(query)).all()
    assert {(row.state, row.batch) for row in rows} == {("raised", 0)}
    async with logged_in(hall, "jian1") as own:
        form = [
            ("csrf", "token"),
            ("issuer", issuer),
            *(("number", f"{n}:{rows[0].entries}") for n in (first.id, second.id)),
        ]
        async with own.session.post(
            f"{hall.url}/hall/corrections/batch", data=form, allow_redirects=False
        ) as answer:
            assert answer.status == 303
    await done(hall, "jian2", first.id, "review")
    await done(hall, "ling1", second.id, "issue")
    async with hall.store.read() as conn:
        papers = [await documents.of_correction(conn, number) for number in (first.id, second.id)]
        told = select(t.message.c.event).where(
            t.message.c.correction.in_([first.id, second.id]), t.message.c.level == "order"
        )
        events = set(await conn.scalars(told))
        report = await correction_check.check_all(conn)
    assert papers[0][0].code == papers[1][0].code
    assert [len(found) for found in papers] == [1, 1]
    assert len(events) <= 1, "the unit is told once"
    assert report.faults == []
    async with hall.store.write() as conn:
        await scope.give(conn, "bieren", ["s03", OLD], [])
    await done(hall, "bieren", first.id, "receive")
    async with logged_in(hall, "jian1") as own:
        assert "bieren 签收" not in text_of((await own.get("/hall/documents?kind=order"))[1])
    await done(hall, "bieren", second.id, "receive")
    async with logged_in(hall, "jian1") as own:
        assert "bieren 签收" in text_of((await own.get("/hall/documents?kind=order"))[1])
        html = (await own.get(f"/hall/corrections/{first.id}"))[1]
        (path,) = set(re.findall(r'href="(/hall/corrections/\d+/documents/[^"]+\.pdf)"', html)) or {""}
        assert path == "", "its files are made in half a minute"
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    async with logged_in(hall, "bieren") as own:
        code = papers[0][0].code
        assert (await own.head(f"/unit/corrections/{second.id}/documents/{code}.pdf")).status == 200
    await done(hall, "bieren", first.id, "explain", reason=REASON)
    async with hall.store.read() as conn:
        states = list(
            await conn.scalars(select(one.state).where(one.id.in_([first.id, second.id])).order_by(one.id))
        )
    assert states == ["explained", "served"]


async def test_an_appeal_stops_the_clock_and_another_chief_grants_it(hall: Served) -> None:
    async with hall.store.read() as conn:
        site = await conn.scalar(
            select(t.correction.c.site)
            .where(t.correction.c.is_red, t.correction.c.state == "raised")
            .limit(1)
        )
    assert site is not None
    number = (await red_of(hall, site))[0]
    async with hall.store.write() as conn:
        await scope.give(conn, "bieren", [site], [])
    await done(hall, "jian1", number, "draft")
    await done(hall, "ling2", number, "send_back", reason="请补充抄送单位")
    await done(hall, "jian2", number, "draft", copies="市政务服务中心")
    await done(hall, "jian1", number, "review")
    await done(hall, "ling1", number, "issue")
    await done(hall, "bieren", number, "receive")
    async with hall.store.read() as conn:
        before = await conn.scalar(select(t.correction.c.due_day).where(t.correction.c.id == number))
    await done(hall, "bieren", number, "appeal", reason="当日系统停机，有停机公告")
    async with hall.store.read() as conn:
        during = await conn.scalar(select(t.correction.c.due_day).where(t.correction.c.id == number))
    assert before is not None
    assert during is not None
    await refused(hall, "ling1", number, "grant", "签发的人不能自己支持申诉")
    await done(hall, "ling2", number, "grant", reason="停机属实，超期不是该单位造成")
    async with logged_in(hall, "bieren") as own:
        words = text_of((await own.get(f"/unit/corrections/{number}"))[1])
    assert "已撤销" in words
    assert "云监申〔2026〕1号" in words
    async with logged_in(hall, "jian1") as own:
        words = text_of((await own.get("/hall/corrections?stage=closed"))[1])
    assert "已撤销" in words, "nothing is deleted"
    await refused(hall, "ling2", number, "withdraw", "已撤销时不能撤销")
    async with hall.store.read() as conn:
        assert (await correction_check.check_all(conn)).faults == []


async def test_yellow_lights_are_acknowledged_together_with_one_reason(hall: Served) -> None:
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.site, one.id).where(one.is_red.is_(False), one.state == "notified")
        found = (await conn.execute(query.order_by(one.site))).all()
    site = max({row.site for row in found}, key=lambda name: sum(row.site == name for row in found))
    async with hall.store.write() as conn:
        await scope.give(conn, "chuang", [site], [])
    async with logged_in(hall, "chuang") as own:
        html = (await own.get("/unit"))[1]
        picked = re.findall(r'name="number" value="([\d:]+)"', html)
        assert len(picked) == sum(row.site == site for row in found)
        url = f"{hall.url}/unit/acknowledge"
        for form, status in (
            ({"csrf": "token", "reason": "今天办结"}, 400),
            ({"csrf": "token", "reason": "好", "number": picked}, 400),
            ({"reason": "今天办结", "number": picked}, 403),
            ({"csrf": "token", "reason": "今天办结", "number": [*picked, "999999:1", "x:1"]}, 303),
        ):
            data = aiohttp.FormData()
            for name, value in form.items():
                for text in value if isinstance(value, list) else [value]:
                    data.add_field(name, text)
            async with own.session.post(url, data=data, allow_redirects=False) as answer:
                assert answer.status == status, form
        assert 'name="number"' not in (await own.get("/unit"))[1]
    async with hall.store.read() as conn:
        rows = (
            await conn.execute(select(t.correction_event).where(t.correction_event.c.event == "acknowledge"))
        ).all()
    assert {row.reason for row in rows} == {"今天办结"}
    assert len(rows) == len(picked)
    assert {row.who for row in rows} == {"chuang"}


async def test_days_that_pass_urge_and_circulate_on_the_pages(hall: Served) -> None:
    number = next(iter(await _any_red(hall)))
    await done(hall, "jian1", number, "draft")
    await done(hall, "jian2", number, "review")
    await done(hall, "ling1", number, "issue")
    assert isinstance(hall.clock, Ahead)
    before = hall.clock.ahead
    hall.clock.ahead += 6 * DAY
    try:
        await look(hall)
        async with logged_in(hall, "ling2") as own:
            words = text_of((await own.get(f"/hall/corrections/{number}"))[1])
            assert "已升级 1 次" in words
            assert "催办通知书 待签发" in words
        await sign(hall, "ling2", number)
        async with logged_in(hall, "ling2") as own:
            words = text_of((await own.get(f"/hall/corrections/{number}"))[1])
        assert "云监催〔2026〕1号" in words
    finally:
        hall.clock.ahead = before


async def _any_red(hall: Served) -> list[int]:
    one = t.correction.c
    async with hall.store.read() as conn:
        return list(
            await conn.scalars(select(one.id).where(one.is_red, one.state == "raised").order_by(one.id))
        )


async def _post(hall: Served, name: str, path: str, **form: str) -> tuple[int, str, str]:
    """-> status, where it leads, words."""
    async with logged_in(hall, name) as own:
        url, sent = f"{hall.url}{path}", {"csrf": "token", **form}
        async with own.session.post(url, data=sent, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), text_of(await answer.text())


async def test_a_circular_of_a_month_is_drafted_signed_by_another_and_told_to_everybody(hall: Served) -> None:
    said = {"reason": "按时率总体平稳。", "measures": "逐件核查红灯\n完善替岗制度"}
    ask = "/hall/documents/circular"
    for name, wanted, words in (
        ("jian1", "2026-06", "还没有结束"),
        ("jian1", "上个月", "看不懂期间"),
        ("ling1", "2026-05", "由能查看全市的监察员拟稿"),
    ):
        status, _, text = await _post(hall, name, ask, period=wanted, **said)
        assert (status, words in text) == (400, True), (name, wanted, text)
    status, draft, _ = await _post(hall, "jian1", ask, period="2026-05", **said)
    assert status == 303
    assert "已经有一份" in (await _post(hall, "jian2", ask, period="2026-05", **said))[2]
    async with logged_in(hall, "ling1") as own:
        assert "2026-05" in text_of((await own.get("/hall/documents"))[1])
        words = text_of((await own.get(draft))[1])
    assert "关于2026年5月行政审批电子监察情况的通报" in words
    for counted in ("规则红灯（件）", "程序不规范（件）", "体外循环（件）", "体外线索（件）"):
        assert counted in words, counted
    assert "合计" in words
    assert (await _post(hall, "jian1", f"{draft}/sign"))[0] == 409
    status, place, _ = await _post(hall, "ling1", f"{draft}/sign")
    assert status == 303
    assert (await _post(hall, "ling1", f"{draft}/sign"))[0] == 409, "once"
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    async with logged_in(hall, "bieren") as own:
        html = (await own.get("/unit"))[1]
        (path,) = re.findall(r'href="(/unit/circulars/[^"]+\.pdf)"', html)
        async with own.session.get(hall.url + path) as answer:
            assert (await answer.read())[:5] == b"%PDF-"
    async with logged_in(hall, "kan") as own:
        words = text_of((await own.get("/hall/documents?kind=circular"))[1])
        assert "云监通〔2026〕1号" in words
        assert re.search(r"告知 \d+ 条", words)
        assert "没有符合条件的文书" in text_of((await own.get("/hall/documents?year=2025&state=making"))[1])
    assert "签发的人不能自己作废" in (await _post(hall, "ling1", f"{place}/spoil", why="数字有误"))[2]
    assert (await _post(hall, "ling2", f"{place}/spoil", why="数字有误"))[0] == 303
    async with logged_in(hall, "jian1") as own:
        assert "作废：数字有误" in text_of((await own.get(place))[1])
    async with logged_in(hall, "bieren") as own:
        assert "云监通〔2026〕1号" not in text_of((await own.get("/unit"))[1])
    await _thrown_away(hall, ask, said)


async def _thrown_away(hall: Served, ask: str, said: dict[str, str]) -> None:
    """A draft that is thrown away takes no number."""
    _, draft, _ = await _post(hall, "jian1", ask, period="2026-05", **said)
    assert (await _post(hall, "jian2", f"{draft}/refuse", why="另行核对"))[0] == 409
    assert (await _post(hall, "jian1", f"{draft}/refuse", why="另行核对"))[0] == 303
    async with logged_in(hall, "jian1") as own:
        assert "没有占用文号" in text_of((await own.get(draft))[1])
    _, draft, _ = await _post(hall, "jian1", ask, period="2026-05", **said)
    _, place, _ = await _post(hall, "ling1", f"{draft}/sign")
    async with logged_in(hall, "ling2") as own:
        assert "云监通〔2026〕2号" in text_of((await own.get(place))[1])


async def test_odd_addresses_and_forms_do_no_harm(hall: Served) -> None:
    async with logged_in(hall, "jian1") as own:
        for query in ("stage=x", "site=%00", "stage=appeal", "stage=yellow", "stage=order&site=s12"):
            assert (await own.get(f"/hall/corrections?{query}"))[0] == 200
        for path in ("/hall/corrections/999999", "/hall/corrections/1/documents/x.pdf"):
            assert (await own.get(path))[0] == 404
        odd: list[Any] = [{"event": "explode"}, {}, {"event": "draft", "entries": "x"}]
        for form in odd:
            answer = await own.post("/hall/corrections/1/act", csrf="token", **form)
            assert answer.status in {400, 409}
        odd = [{"kind": "x", "cycle": "1"}, {"kind": "urging", "cycle": "-1"}]
        for form in odd:
            answer = await own.post("/hall/corrections/1/sign", csrf="token", **form)
            assert answer.status == 400


async def _told(hall: Served) -> int:
    """A red light that its office has been told of, by an earlier test or now."""
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.id).where(one.is_red, one.state.in_(["closed", "issued", "served"])).limit(1)
        found: int | None = await conn.scalar(query)
    if found is not None:
        return found
    number = (await _any_red(hall))[0]
    for name, event in (("jian1", "draft"), ("jian2", "review"), ("ling1", "issue")):
        await done(hall, name, number, event)
    return number


@pytest.mark.service
@pytest.mark.parametrize("width", [390, 1920])
async def test_pages_never_scroll_sideways_and_have_room_for_a_finger(
    hall: Served, width: int, tmp_path: Path
) -> None:
    own = await _told(hall)
    number = (await _any_red(hall) or [own])[0]
    async with hall.store.write() as conn:
        site = await conn.scalar(select(t.correction.c.site).where(t.correction.c.id == own))
        assert site is not None
        await scope.give(conn, "zhang", [site], [])
    async with browser(tmp_path) as page:
        await page.size(width, 1000)
        for name, paths in (
            ("ling2", ("/hall/corrections", f"/hall/corrections/{number}", f"/hall/corrections/{own}")),
            ("zhang", ("/unit", f"/unit/corrections/{own}")),
        ):
            async with logged_in(hall, name):
                await page.cookie(COOKIE, name, hall.url)
                for path in paths:
                    await page.open(hall.url + path)
                    assert await page.ask("document.documentElement.scrollWidth") <= width, path
                    assert not await page.ask("document.body.matches('.plain-page')"), f"{path} was not shown"
