"""A complaint from a phone to the officer, the unit, the reply, "not solved", one level up and closed; and who never learns who complained."""

import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import aiohttp
import pytest
import pytest_asyncio
from msgspec import Struct
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central import dispatch, document
from central.config import CentralConfig
from central.core.access import Role
from central.core.complaint import TOPICS
from central.door import case
from central.door import tables as p
from central.door.limits import COMPLAINTS, UPLOADS
from central.door.limits import NUMBER as NUMBER_LIMIT
from central.door.page import DOOR
from central.paper.press import Press
from central.store import complaint_tables as ct
from central.store import documents, sessions, trail
from central.store import tables as t
from central.web.guard import COOKIE, digest
from central.web.page import HALL
from common.core.instant import DAY
from common.mqtt import MqttConfig
from tests import planted
from tests.files import pdf
from tests.full import full
from tests.integration import dooring, serving
from tests.integration.dooring import Outside
from tests.integration.serving import OPERATIONS, FridayClock, Served, Window, text_of
from tests.journey.test_disk import small_disk
from tests.papers import ISSUER

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAME, PHONE, SECRET = "欧阳明珠", "13912345678", "我家住青云巷"
STATE, TOKEN, PROOF, ENTRIES = (
    re.compile(rf'name="{name}" value="([^"]*)"') for name in ("state", "token", "proof", "entries")
)
NUMBER, CODE = re.compile(r"T\d{6}-[0-9A-Z]{6}"), re.compile(r"查询码 ([0-9A-Z]{4}-[0-9A-Z]{4})")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 500
SITE, ORG = "s02", "便民服务中心"


class Clockwork(FridayClock):
    """Days pass when the test says so."""

    ahead = 0

    def office(self, mono: int | None = None) -> int:
        return super().office(mono) + self.ahead


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("hall"), Clockwork(), cases_a_day=2) as served:
        async with served.store.write() as conn:
            await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
            await belong(conn)
        yield served


async def belong(conn: AsyncConnection) -> None:
    """Clerk and head are the unit's."""
    for role in (Role.CLERK, Role.HEAD):
        await conn.execute(insert(t.user_site).values(user=role.value, site=SITE))
        await conn.execute(insert(t.user_org).values(user=role.value, org=ORG))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(hall: Served, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    async with dooring.opened(hall, tmp_path_factory.mktemp("door")) as found:
        yield found


@asynccontextmanager
async def window(hall: Served, role: Role) -> AsyncIterator[Window]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies=await hall.session(role), cookie_jar=jar) as session:
        yield Window(hall, session)


def got(pattern: re.Pattern[str], html: str) -> str:
    found = pattern.search(html)
    assert found, html
    return found[1] if pattern.groups else found[0]


class Sent(Struct, frozen=True):
    """A complaint that was handed in."""

    number: str
    code: str
    last: dict[str, str]


async def on(outside: Outside, html: str, at: int, **fields: str) -> tuple[int, str]:
    """The next step of the form in `html`."""
    outside.forget()
    carried = {"state": got(STATE, html), "token": got(TOKEN, html), "at": str(at), "go": "next"}
    return await outside.post("/p/complain/files" if at == 4 else "/p/complain", carried | fields)


async def attach(outside: Outside, html: str, body: bytes, name: str = "窗口.png") -> tuple[int, str]:
    form = aiohttp.FormData(quote_fields=False)  # as browsers write names
    for field, value in (
        ("state", got(STATE, html)),
        ("token", got(TOKEN, html)),
        ("at", "4"),
        ("go", "add"),
    ):
        form.add_field(field, value)
    form.add_field("file", BytesIO(body), filename=name, content_type="image/png")
    return await outside.post("/p/complain/files", form)


async def send(
    outside: Outside, *, files: tuple[bytes, ...] = (), named: bool = True, publish: str = ""
) -> Sent:
    _, html = await outside.get("/p/complain")
    said = f"{SECRET}，本人{NAME}电话{PHONE}，窗口三次退件，没有书面理由。"
    _, html = await on(outside, html, 1, topic=TOPICS[0], unit="石桥镇便民服务中心")
    _, html = await on(outside, html, 2, text=said)
    _, html = await on(
        outside, html, 3, named="yes" if named else "no", name=NAME, phone=PHONE, publish=publish
    )
    for body in files:
        status, html = await attach(outside, html, body)
        assert status == 200
    _, html = await on(outside, html, 4)
    for words in (NAME if named else "不留", SECRET, "窗口.png" if files else "没有"):
        assert words in html
    last = {"state": got(STATE, html), "token": got(TOKEN, html), "at": "5", "go": "send"}
    status, html = await outside.post("/p/complain", last)
    assert status == 200, text_of(html)
    return Sent(got(NUMBER, html), got(CODE, text_of(html)), last)


async def follow(outside: Outside, sent: Sent) -> tuple[int, str]:
    outside.forget()
    return await outside.post("/p/complain/follow", {"number": sent.number.lower(), "code": sent.code})


async def act(hall: Served, role: Role, number: int, event: str, **fields: str) -> int:
    async with window(hall, role) as pane:
        _, html = await pane.get(f"/hall/complaints/{number}")
        form = {
            "csrf": "token",
            "event": event,
            "entries": got(ENTRIES, html) if ENTRIES.search(html) else "",
        }
        return (await pane.post(f"/hall/complaints/{number}/act", None, **form | fields)).status


async def everything(pane: Window, path: str) -> tuple[int, str]:
    """Status and all that is in the answer, also inside a workbook."""
    async with pane.session.get(pane.hall.url + path, allow_redirects=False) as answer:
        body = await answer.read()
    if body.startswith(b"PK"):
        with ZipFile(BytesIO(body)) as book:
            body = b"".join(book.read(name) for name in book.namelist())
    return answer.status, body.decode("utf-8", "replace")


async def row_of(hall: Served, sent: Sent) -> int:
    async with hall.store.read() as conn:
        found = await conn.scalar(select(ct.complaint.c.id).where(ct.complaint.c.number == sent.number))
    assert found is not None
    return int(found)


async def test_the_journey_of_a_complaint(hall: Served, outside: Outside) -> None:
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    sent = await send(outside, files=(PNG,))
    assert "已经收到" in text_of((await follow(outside, sent))[1])
    again = await outside.post("/p/complain", sent.last)
    assert sent.number in again[1], "the same form sent twice is one"
    await outside.publish()
    status, html = await follow(outside, sent)
    assert (status, "已收到，正在决定是否受理" in html, "6月19日（周五）" in html) == (200, True, True)
    number = await row_of(hall, sent)
    # the officer accepts, and may not tell the unit who it was
    assert await act(hall, Role.SUPERVISOR, number, "accept") == 409
    assert await act(hall, Role.COMPLAINTS, number, "accept") == 303
    place = {"site": SITE, "org": ORG}
    assert await act(hall, Role.COMPLAINTS, number, "assign", text=f"群众{NAME}反映退件", **place) == 409
    assert await act(hall, Role.COMPLAINTS, number, "assign", text=f"来电 {PHONE} 反映", **place) == 409
    assert (
        await act(hall, Role.COMPLAINTS, number, "assign", text="反映窗口三次退件，没有书面理由", **place)
        == 303
    )
    await _on_paper(hall, number, "投诉受理通知书", "云监诉受〔2026〕1号")
    # the complainant asks to hurry, and is told of an extension with its reason
    await outside.publish()
    _, html = await follow(outside, sent)
    hurry = {"proof": got(PROOF, html), "token": got(TOKEN, html)}
    for _ in range(2):
        assert (await outside.post("/p/complain/urge", hurry))[0] == 200
    await outside.publish()
    assert (await outside.post("/p/complain/urge", {"proof": "x", "token": hurry["token"]}))[0] == 403
    assert await act(hall, Role.COMPLAINTS, number, "extend", text="须向住建部门调取档案") == 303
    assert await act(hall, Role.COMPLAINTS, number, "extend", text="再延一次") == 409
    await outside.publish()
    _, html = await follow(outside, sent)
    assert ("延长 10 个工作日：须向住建部门调取档案" in html, html.count("您催办了一次")) == (True, 1)
    # the unit answers
    async with window(hall, Role.CLERK) as pane:
        _, html = await pane.get("/unit/complaints")
        assert "反映窗口三次退件" in html
        form = {"csrf": "token", "entries": got(ENTRIES, html), "text": "已查，确有退件，已向窗口重申"}
        assert (await pane.post(f"/unit/complaints/{number}", None, **form)).status == 303
        assert (await pane.post(f"/unit/complaints/{number}", None, **form)).status == 409
    await outside.publish()
    assert "已报告办理结果" in (await follow(outside, sent))[1]
    # a reply that solves nothing
    assert await act(hall, Role.COMPLAINTS, number, "reply", text="窗口已经改正，请您再去办理。") == 303
    await outside.publish()
    _, html = await follow(outside, sent)
    assert "窗口已经改正" in html
    verdict = {"proof": got(PROOF, html), "token": got(TOKEN, html), "solved": "no"}
    assert (await outside.post("/p/complain/judge", verdict))[0] == 400, "it needs a word why"
    for _ in range(2):
        assert (await outside.post("/p/complain/judge", verdict | {"reason": f"{NAME}又去，还是退件"}))[
            0
        ] == 200
    await outside.publish()
    _, html = await follow(outside, sent)
    assert ("交上一级重新办理" in html, "第 2 级" in html) == (True, True)
    assert "以前的答复" in html
    assert "窗口已经改正，请您再去办理。" in html, "what solved nothing is still there to be read"
    # one level up: another post, and the limit passes
    async with window(hall, Role.SUPERVISOR) as pane:
        words = text_of((await pane.get(f"/hall/complaints/{number}"))[1])
        assert "上一级的答复 窗口已经改正" in words, "it is not the answer of this level"
        assert "上一级的单位报告 已查，确有退件" in words
    assert await act(hall, Role.COMPLAINTS, number, "reply", text="再次答复") == 409
    clock.ahead = 30 * DAY
    await outside.publish()
    assert "曾经超过期限" in (await follow(outside, sent))[1]
    await hall.app[HALL].wall.look_once()
    async with window(hall, Role.SUPERVISOR) as pane:
        queue = text_of((await pane.get("/hall/queue?kind=complaint"))[1])
        assert ("到期的投诉" in queue, sent.number in queue, "已逾期" in queue) == (True, True, True)
        assert f'href="/hall/complaints/{number}"' in (await pane.get("/hall/queue"))[1]
    assert await act(hall, Role.SUPERVISOR, number, "reply", text="已责成退还材料并当场受理。") == 303
    async with window(hall, Role.COMPLAINTS) as pane:
        words = text_of((await pane.get(f"/hall/complaints/{number}"))[1])
        assert "投诉答复书 待签发" in words
        assert "投诉答复书 还没有出具" in words, "two replies, and one waits at a time"
    await outside.publish()
    _, html = await follow(outside, sent)
    yes = {"proof": got(PROOF, html), "token": got(TOKEN, html), "solved": "yes"}
    assert (await outside.post("/p/complain/judge", yes))[0] == 200
    await outside.publish()
    _, html = await follow(outside, sent)
    assert ("已办结" in html, "曾经超过期限" in html) == (True, True)
    words = text_of(html)
    assert words.count("窗口已经改正") == words.count("已责成退还材料") == 1, "the last one is no earlier one"
    clock.ahead = 0
    async with hall.store.read() as conn:
        one = ct.complaint_event.c
        told = list(await conn.scalars(select(one.event).where(one.complaint == number).order_by(one.number)))
        assert await conn.scalar(select(func.count()).select_from(ct.complaint)) == 1
        assert await conn.scalar(select(func.count()).select_from(ct.complaint_file)) == 1
    assert told == [
        "receive",
        "accept",
        "assign",
        "urge",
        "extend",
        "answer",
        "reply",
        "unsolved",
        "lapse",
        "reply",
        "solved",
    ]
    async with outside.press.public.read() as conn:
        for table in (p.inbox, p.upload):
            assert await conn.scalar(select(func.count()).select_from(table)) == 0
    each_was_told_once(await told_of(hall), sent)


_MESSAGES = (
    select(t.message.c.person, t.message.c.level, t.message.c.text)
    .where(t.message.c.level.in_(["complaint", "complained", "risen", "own"]), t.message.c.channel == "inbox")
    .order_by(t.message.c.id)
)


async def told_of(hall: Served) -> list[tuple[str, str, str]]:
    """Person, rung and text of every message of complaints."""
    async with hall.store.read() as conn:
        return [(row.person, row.level, row.text) for row in await conn.execute(_MESSAGES)]


def each_was_told_once(told: list[tuple[str, str, str]], sent: Sent) -> None:
    """Who had to do something, in the order in which it came; the unit without a number of it, and nobody's name to anybody."""
    what = [(person, level, text.partition("：")[2]) for person, level, text in told]
    officer, unit, higher = ("complaints",), ("clerk", "head"), ("chief", "newcomer", "supervisor")
    wanted = [
        (officer, "complained", "新收到的投诉，最后一日6月19日。请登录明察决定是否受理。"),
        (unit, "complaint", "群众投诉，交你单位办理，最后一日7月3日。请登录明察办理并报结果。"),
        (unit, "complaint", "投诉人催办，最后一日7月3日。请登录明察办理并报结果。"),
        (unit, "complaint", "投诉的办理期限已延长，最后一日7月17日。请登录明察办理并报结果。"),
        (officer, "complained", "单位已报投诉办理结果，最后一日7月17日。请登录明察答复。"),
        (officer, "complained", "已答复，须电话回访，最后一日6月15日。请登录明察回访。"),
        (higher, "risen", "投诉人说没解决，升至第 2 级，最后一日7月3日。请登录明察办理。"),
        (higher, "own", "投诉逾期未办。请登录明察办理。"),
        (officer, "complained", "已答复，须电话回访，最后一日7月14日。请登录明察回访。"),
    ]
    assert what == [(person, level, text) for people, level, text in wanted for person in people]
    everything = "".join(text for *_, text in told)
    assert not [secret for secret in (NAME, PHONE, SECRET, sent.code) if secret in everything]
    assert sent.number[-4:] not in "".join(text for _, level, text in told if level == "complaint")


async def test_a_complaint_is_called_back_by_another_person(hall: Served, outside: Outside) -> None:
    """By the next working day, three tries; what is not solved by telephone goes one level up as on the page."""
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    sent = await send(outside)
    await outside.publish()
    number = await row_of(hall, sent)
    await _second_officer(hall)
    assert await act(hall, Role.COMPLAINTS, number, "accept") == 303
    assert await act(hall, Role.COMPLAINTS, number, "reply", text="窗口已经改正，请您再去办理。") == 303
    await outside.publish()
    assert "我们也会给您打电话回访" in (await follow(outside, sent))[1]
    said = f"本人{NAME}（{PHONE}）说又去了一次，还是退件"
    assert await act(hall, Role.COMPLAINTS, number, "heard_unsolved", text=said) == 409, "who has answered"
    assert await act(hall, Role.SUPERVISOR, number, "heard_solved", text="已解决了") == 409, "no telephone"
    clock.ahead = 4 * DAY
    await outside.publish()
    assert "没有按时给您打回访电话" in (await follow(outside, sent))[1]
    assert await _as_second(hall, number, "unreached", "响铃没有人接") == 303
    assert await _as_second(hall, number, "unreached", "又打一次") == 409, "one counts a day"
    assert await _as_second(hall, number, "heard_unsolved", said) == 303
    await outside.publish()
    _, html = await follow(outside, sent)
    for words in ("给您打回访电话，没有打通", "电话回访：您说没解决，交上一级重新办理", "第 2 级"):
        assert words in html
    clock.ahead = 0
    async with hall.store.read() as conn:
        one = ct.complaint_event.c
        query = select(one.event, one.reason).where(one.complaint == number).order_by(one.number)
        told = [(row.event, row.reason) for row in await conn.execute(query)]
    assert [event for event, _ in told] == [
        "receive",
        "accept",
        "reply",
        "call_lapse",
        "unreached",
        "heard_unsolved",
    ]
    assert (NAME in told[-1][1], PHONE in told[-1][1]) == (False, False)


async def _second_officer(hall: Served) -> None:
    async with hall.store.write() as conn:
        row = (await conn.execute(select(t.user).where(t.user.c.name == Role.COMPLAINTS.value))).one()
        await conn.execute(insert(t.user).values(**dict(row._mapping) | {"name": "complaints2"}))


async def _as_second(hall: Served, number: int, event: str, words: str) -> int:
    async with hall.store.write() as conn:
        await sessions.begin(conn, digest("second"), "complaints2", "token", hall.clock.wall())
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies={COOKIE: "second"}, cookie_jar=jar) as session:
        pane = Window(hall, session)
        html = (await pane.get(f"/hall/complaints/{number}"))[1]
        form = {"csrf": "token", "event": event, "entries": got(ENTRIES, html), "text": words}
        status = (await pane.post(f"/hall/complaints/{number}/act", None, **form)).status
    async with hall.store.write() as conn:
        await sessions.end(conn, digest("second"))
    return status


async def _on_paper(hall: Served, number: int, kind: str, name: str) -> None:
    """The act has left a draft; somebody else signs it, and nobody's name is in it."""
    async with window(hall, Role.COMPLAINTS) as pane:
        assert f"{kind} 待签发" in text_of((await pane.get(f"/hall/complaints/{number}"))[1])
        assert (
            await pane.post(f"/hall/complaints/{number}/draft", csrf="token", kind="complaint_reply")
        ).status == 409
    async with window(hall, Role.CHIEF) as pane:
        html = (await pane.get("/hall/documents"))[1]
        (draft,) = re.findall(r'href="(/hall/documents/drafts/\d+)"', html)
        shown = text_of((await pane.get(draft))[1])
        assert NAME not in shown
        assert "投诉人（编号T" in shown
        assert (await pane.post(f"{draft}/sign", csrf="token")).status == 303
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    async with window(hall, Role.COMPLAINTS) as pane:
        html = (await pane.get(f"/hall/complaints/{number}"))[1]
        assert name in html
        (path,) = re.findall(r'href="(/hall/complaints/\d+/documents/[^"]+\.pdf)"', html)
        async with pane.session.get(hall.url + path) as answer:
            assert (await answer.read())[:5] == b"%PDF-"
        assert (await pane.get(path.replace(f"/{number}/", f"/{number + 1}/")))[0] == 404


async def test_who_watches_tells_officer_and_unit_to_make_haste(hall: Served, outside: Outside) -> None:
    """The unit reads the words and never who complained; the complainant reads that it was done; once a day."""
    sent = await send(outside)
    await outside.publish()
    number = await row_of(hall, sent)
    before = len(await told_of(hall))
    said, clock = "请今天之内决定是否受理", hall.clock
    assert isinstance(clock, Clockwork)
    assert await act(hall, Role.SUPERVISOR, number, "supervise", text="快办") == 409, "words of some length"
    assert await act(hall, Role.SUPERVISOR, number, "supervise", text=f"{NAME}的投诉请快办") == 409
    assert await act(hall, Role.COMPLAINTS, number, "supervise", text=said) == 409, "who works it"
    for role in (Role.CLERK, Role.LEADER):
        assert await act(hall, role, number, "supervise", text=said) == 403
    assert await act(hall, Role.SUPERVISOR, number, "supervise", text=said) == 303
    assert await act(hall, Role.CHIEF, number, "supervise", text="再督办一次") == 409, "once a day"
    await act(hall, Role.COMPLAINTS, number, "accept")
    brief, words, later = "反映退件没有书面理由", "请三日内查明并报结果<b>", "单位已报，请即答复"
    await act(hall, Role.COMPLAINTS, number, "assign", text=brief, site=SITE, org=ORG)
    clock.ahead = 3 * DAY
    try:
        assert await act(hall, Role.CHIEF, number, "supervise", text=words) == 303
        async with window(hall, Role.CHIEF) as pane:
            html = (await pane.get(f"/hall/complaints/{number}"))[1]
            shown = text_of(html)
            assert ("督办 2 次：6月12日、6月15日" in shown, words in shown) == (True, True)
            assert 'value="supervise"' not in html, "not today again"
            listed = (await pane.get("/hall/complaints"))[1]
            assert "轮到您" not in listed, "to watch is nobody's turn"
        async with window(hall, Role.CLERK) as pane:
            form = {"csrf": "token", "entries": got(ENTRIES, (await pane.get("/unit/complaints"))[1])}
            report = await pane.post(f"/unit/complaints/{number}", None, **form, text="已查，确有退件")
            assert report.status == 303
        clock.ahead = 4 * DAY
        assert await act(hall, Role.CHIEF, number, "supervise", text=later) == 303
        await outside.publish()
        told = (await follow(outside, sent))[1]
        config = CentralConfig(mqtt=MqttConfig(host="x"))
        await (await dispatch.opened(hall.store, outside.world, clock, config, OPERATIONS)).look_once()
    finally:
        clock.ahead = 0
    assert ("监察人员督办，要求抓紧办理" in told, said in told, "三日内查明" in told) == (True, False, False)
    for role in (Role.CLERK, Role.HEAD):
        async with window(hall, role) as pane:
            html = (await pane.get("/unit/complaints"))[1]
            assert f"6月15日督办：{words}" in text_of(html)
            assert (said in html, later in html) == (False, False), "what was said to the officer"
            inbox = (await pane.get("/hall/inbox"))[1]
            assert ("监察人员督办" in inbox, 'href="/unit/complaints"' in inbox) == (True, True)
        for secret in (NAME, PHONE, SECRET, sent.number, sent.code):
            assert secret not in html + inbox
    what = [(person, text.partition("：")[2]) for person, _, text in (await told_of(hall))[before:]]
    assert [line for line in what if "督办" in line[1] and line[0] != "complaints2"] == [
        ("complaints", "监察人员督办，最后一日6月19日。请登录明察办理。"),
        ("clerk", "监察人员督办，最后一日7月3日。请登录明察办理并报结果。"),
        ("head", "监察人员督办，最后一日7月3日。请登录明察办理并报结果。"),
        ("complaints", "监察人员督办，最后一日7月3日。请登录明察办理。"),
    ]
    async with hall.store.read() as conn:
        noted = await trail.about(conn, "complaint.act", sent.number, 9)
    assert [(line.who, line.why) for line in noted if line.why == "督办"] == [
        ("chief", "督办"),
        ("chief", "督办"),
        ("supervisor", "督办"),
    ]


async def test_a_second_complaint_of_the_same_is_suggested_to_who_accepts(
    hall: Served, outside: Outside
) -> None:
    first, second = await send(outside), await send(outside)
    await outside.publish()
    async with window(hall, Role.COMPLAINTS) as pane:
        _, html = await pane.get(f"/hall/complaints/{await row_of(hall, second)}")
    assert ("可能重复" in html, first.number in html) == (True, True)


async def test_who_complained_is_on_no_page_that_the_unit_reaches(hall: Served, outside: Outside) -> None:
    sent = await send(outside, files=(PNG,))
    await outside.publish()
    number = await row_of(hall, sent)
    await act(hall, Role.COMPLAINTS, number, "accept")
    await act(hall, Role.COMPLAINTS, number, "assign", text="反映退件没有书面理由", site=SITE, org=ORG)
    secrets = (NAME, PHONE, SECRET, sent.code, sent.number, PHONE[-8:])
    paths = {
        route.resource.canonical.replace("{number}", str(number))
        .replace("{place}", "1")
        .replace("{site}", SITE)
        for route in hall.app.router.routes()
        if route.method == "GET" and route.resource is not None
    } - {"/api/v1/stream"}
    assert f"/hall/complaints/{number}" in paths
    for role in (Role.CLERK, Role.HEAD):
        async with window(hall, role) as pane:
            seen = {path: await everything(pane, path) for path in sorted(paths)}
            assert seen["/unit/complaints"][0] == 200
            assert seen[f"/hall/complaints/{number}"][0] == 403
            assert seen[f"/hall/complaints/{number}/files/1"][0] == 403
            assert (
                await pane.post(
                    f"/hall/complaints/{number}/person", csrf="token", reason="依法查询", why="想知道"
                )
            ).status == 403
            for path, (_, html) in seen.items():
                assert not [secret for secret in secrets if secret in html], (role, path)
            assert "反映退件没有书面理由" in seen["/unit/complaints"][1]
    async with window(hall, Role.SUPERVISOR) as pane:
        for path in ("/hall/complaints", f"/hall/complaints/{number}"):
            status, html = await pane.get(path)
            assert status == 200
            assert not [secret for secret in (NAME, PHONE, sent.code) if secret in html]
        assert (await pane.get(f"/hall/complaints/{number}/files/1"))[0] == 403


async def test_who_complained_is_shown_for_a_reason_and_each_look_is_in_the_audit(
    hall: Served, outside: Outside
) -> None:
    sent = await send(outside, files=(PNG,))
    await outside.publish()
    number = await row_of(hall, sent)
    async with window(hall, Role.COMPLAINTS) as pane:
        path = f"/hall/complaints/{number}"
        assert NAME not in (await pane.get(path))[1]
        assert (await pane.post(f"{path}/person", csrf="token", reason="好奇", why="看一看")).status == 400
        async with pane.session.post(
            hall.url + f"{path}/person", data={"csrf": "token", "reason": "依法查询", "why": "核实情况"}
        ) as answer:
            html = await answer.text()
        assert (NAME in html, PHONE in html, SECRET in html) == (True, True, True)
        async with pane.session.get(hall.url + f"{path}/files/1") as answer:
            assert (await answer.read(), answer.headers["Content-Disposition"].split(";")[0]) == (
                PNG,
                "attachment",
            )
        assert "核实情况" in (await pane.get(path))[1]
    async with hall.store.read() as conn:
        acts = list(
            await conn.scalars(select(t.audit_line.c.why).where(t.audit_line.c.act == "complaint.reveal"))
        )
    assert acts == ["依法查询：核实情况", "附件 1"]


async def test_a_case_is_linked_in_one_step_and_what_the_telephone_found_stays_with_the_officer(
    hall: Served, outside: Outside
) -> None:
    sent = await send(outside)
    await outside.publish()
    number = await row_of(hall, sent)
    async with hall.store.write() as conn:
        one = (await conn.execute(select(t.case).where(t.case.c.site == SITE).limit(1))).one()
        mine = t.case.c.site == SITE, t.case.c.case_key == one.case_key
        await conn.execute(update(t.case).where(*mine).values(phone_index=PHONE, org=ORG))
    path = f"/hall/complaints/{number}"
    form = {"csrf": "token", "site": SITE, "case_key": one.case_key}
    async with window(hall, Role.COMPLAINTS) as pane:
        assert one.case_no not in (await pane.get(path))[1]
        assert (await pane.post(f"{path}/case", **form)).status == 409, "before a look at the person"
        said = {"csrf": "token", "reason": "依法查询", "why": "查找办件"}
        async with pane.session.post(hall.url + f"{path}/person", data=said) as answer:
            html = await answer.text()
        assert (one.case_no in html, "申请人电话相同" in html) == (True, True)
        assert (await pane.post(f"{path}/case", **form)).status == 303
        html = (await pane.get(path))[1]
        assert ("关联办件" in html, one.case_no in html) == (True, True)
    async with window(hall, Role.SUPERVISOR) as pane:
        assert one.case_no not in (await pane.get(path))[1]
        assert (await pane.post(f"{path}/case", **form)).status == 409, "nor may a supervisor find it"
    await act(hall, Role.COMPLAINTS, number, "accept")
    await act(hall, Role.COMPLAINTS, number, "assign", text="反映退件没有书面理由", site=SITE, org=ORG)
    async with window(hall, Role.CLERK) as pane:
        assert "反映退件没有书面理由" in (await pane.get("/unit/complaints"))[1]
        pages = [(await pane.get(each))[1] for each in ("/unit/complaints", "/hall/inbox")]
        shown = (await pane.get(f"/hall/cases/{SITE}/{one.case_key}"))[1]
        assert one.case_no in shown
        assert not [html for html in (*pages, shown) if "关联" in html or sent.number in html]
        assert one.case_no not in "".join(pages)
        assert (await pane.post(f"{path}/case", **form)).status == 403
    await outside.publish()
    assert one.case_no not in (await follow(outside, sent))[1]
    async with window(hall, Role.COMPLAINTS) as pane:
        assert (await pane.post(f"{path}/case", csrf="token")).status == 303
        assert "关联办件" not in (await pane.get(path))[1]
    async with hall.store.read() as conn:
        query = select(t.audit_line.c.why).where(t.audit_line.c.act == "complaint.link")
        lines = list(await conn.scalars(query.order_by(t.audit_line.c.id)))
    assert ("申请人电话相同" in lines[0], lines[1]) == (True, "取消关联")


async def test_nothing_at_rest_tells_who_complained(hall: Served, outside: Outside) -> None:
    await send(outside, files=(PNG,))
    async with outside.press.public.read() as conn:
        rows = [*(await conn.execute(select(p.inbox))), *(await conn.execute(select(p.upload)))]
    assert len(rows) == 2
    await outside.publish()
    async with hall.store.read() as conn:
        assert await planted.found(conn, [NAME, PHONE]) == []
    for row in rows:
        said = "|".join(
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row
        )
        assert not [secret for secret in (NAME, PHONE) if secret in said], said[:200]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"<script>alert(1)</script>", "a.png"),
        (b"PK\x03\x04zip", "a.jpg"),
        (b"", "leer.png"),
        (b"MZ", "a.pdf"),
        (pdf(b"<< /OpenAction << /S /JavaScript /J#53 (app.alert(1)) >> >>"), "a.pdf"),
        (pdf(b"<< /Type /EmbeddedFile >> stream\nPK\x03\x04\nendstream"), "a.pdf"),
        (PNG + b"\0" * 3_200_000, "a.png"),
        (PNG + b"\0" * 12_000_000, "手机照片.png"),
    ],
)
async def test_a_file_is_what_its_bytes_say_and_not_too_large(
    outside: Outside, body: bytes, name: str
) -> None:
    _, html = await outside.get("/p/complain")
    _, html = await on(outside, html, 1, topic=TOPICS[0], unit="石桥镇")
    _, html = await on(outside, html, 2, text="窗口三次退件，没有书面理由。")
    _, html = await on(outside, html, 3, named="no")
    status, html = await attach(outside, html, body, name)
    assert status == 400
    assert "出错" in html
    assert "第 4 步" in html, "what was written before is still there"
    async with outside.press.public.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(p.upload)) == 0


async def test_a_disk_that_is_full_takes_no_file_and_keeps_what_was_typed(outside: Outside) -> None:
    _, html = await outside.get("/p/complain")
    _, html = await on(outside, html, 1, topic=TOPICS[0], unit="石桥镇")
    _, html = await on(outside, html, 2, text="窗口三次退件，没有书面理由。")
    _, html = await on(outside, html, 3, named="no")
    large = PNG + b"\1" * 2_000_000
    async with full(outside.app[DOOR].store):
        status, html = await attach(outside, html, large)
        assert (status, "现在收不下文件" in html) == (503, True)
    status, html = await attach(outside, html, large)
    assert (status, "窗口.png" in html) == (200, True)
    async with outside.press.public.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(p.upload)) == 1


async def test_what_cannot_be_taken_now_is_not_lost(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much of one address, a box that nobody empties, a full disk: the page is there again, says so, and sends the same complaint later."""
    _, html = await outside.get("/p/complain")
    _, html = await on(outside, html, 1, topic=TOPICS[0], unit="石桥镇")
    _, html = await on(
        outside, html, 2, text="窗口三次退件，没有书面理由。" * 140
    )  # more than a page of the file has room for
    _, html = await on(outside, html, 3, named="no")
    door = outside.app[DOOR]
    outside.forget()
    while door.limits.allows(UPLOADS, "127.0.0.1", door.clock.mono()):
        pass
    status, said = await attach(outside, html, PNG)
    assert (status, "传的文件太多" in said, "第 4 步" in said) == (429, True, True)
    _, html = await on(outside, html, 4)
    last = {"state": got(STATE, html), "token": got(TOKEN, html), "at": "5", "go": "send"}

    def kept(answer: tuple[int, str], status: int, why: str) -> None:
        assert answer[0] == status
        said = text_of(answer[1])
        assert [words in said for words in ("没有提交", why, "窗口三次退件")] == [True] * 3

    outside.forget()
    while door.limits.allows(COMPLAINTS, "127.0.0.1", door.clock.mono()):
        pass
    kept(await outside.post("/p/complain", last), 429, "今天提交的太多了")
    outside.forget()
    with monkeypatch.context() as patch:
        patch.setattr(case, "MOST_WAITING", 0)
        kept(await outside.post("/p/complain", last), 503, "提交的人太多")
    async with full(door.store):
        kept(await outside.post("/p/complain", last), 503, "现在收不下")
    status, html = await outside.post("/p/complain", last)
    assert (status, "投诉已提交" in html) == (200, True)


async def test_a_form_that_is_sent_again_after_midnight_is_one_complaint(
    hall: Served, outside: Outside
) -> None:
    """Its number is of the day on which it was begun: taken from the box meanwhile it is not taken twice, and the number shown is the one that is answered."""
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    sent = await send(outside, named=False)
    await outside.publish()
    async with hall.store.read() as conn:
        before = await conn.scalar(select(func.count()).select_from(ct.complaint))
    clock.ahead = DAY
    try:
        await outside.publish()
        outside.forget()
        _, html = await outside.post("/p/complain", sent.last)
        await outside.publish()
    finally:
        clock.ahead = 0
    assert got(NUMBER, html) == sent.number
    async with hall.store.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(ct.complaint)) == before


async def test_a_second_verdict_on_one_answer_is_said_not_to_count(hall: Served, outside: Outside) -> None:
    """From a page that is still open: while the first one waits in the box, and when it has been taken."""
    sent = await send(outside, named=False)
    await outside.publish()
    number = await row_of(hall, sent)
    await act(hall, Role.COMPLAINTS, number, "accept")
    await act(hall, Role.COMPLAINTS, number, "reply", text="窗口已经改正，请您再去办理。")
    await outside.publish()
    _, html = await follow(outside, sent)
    form = {"proof": got(PROOF, html), "token": got(TOKEN, html)}
    _, html = await outside.post("/p/complain/judge", form | {"solved": "no", "reason": "又去还是退件"})
    assert "交上一级重新办理" in html
    for _ in range(2):
        _, html = await outside.post("/p/complain/judge", form | {"solved": "yes"})
        assert ("已经评价过" in html, "就此办结" in html) == (True, False)
        await outside.publish()
    assert "第 2 级" in text_of((await follow(outside, sent))[1])


@pytest.mark.service
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # what aiohttp could not write it does not close
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system to fill")
async def test_a_temporary_folder_that_is_full_is_said_and_harms_nobody(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is read a file lies there: where it cannot, its sender hears that and everybody else goes on."""
    _, html = await outside.get("/p/complain")
    async with small_disk(tmp_path / "tmp", 1):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        status, said = await attach(outside, html, PNG + b"\1" * 2_000_000)
        assert (status, "现在收不下文件" in said) == (503, True)
        assert (await outside.get("/p/guides"))[0] == 200
        monkeypatch.undo()


async def test_a_step_goes_back_and_a_forged_one_nowhere(outside: Outside) -> None:
    _, html = await outside.get("/p/complain")
    status, wrong = await on(outside, html, 1, topic="", unit="<b>")
    assert (status, "有 1 处需要改" in wrong, "&lt;b&gt;" in wrong) == (400, True, True)
    _, html = await on(outside, html, 1, topic=TOPICS[2], unit="石桥镇")
    _, html = await on(outside, html, 2, text="半句", go="1")
    assert f'value="{TOPICS[2]}" checked' in html
    outside.forget()
    form = {"state": got(STATE, html), "token": got(TOKEN, html), "at": "5", "go": "send"}
    status, html = await outside.post("/p/complain", form)
    assert (status, "半句" in html) == (400, True), "what is missing is asked for"
    for changed in ({"state": form["state"][:-9] + "AAAAAAAA="}, {"token": "0" * 40}, {"state": ""}):
        assert (await outside.post("/p/complain", form | changed))[0] == 403
    assert (await outside.post("/p/complain", form | {"at": "9"}))[0] == 400


async def test_a_code_may_be_tried_so_often_whether_its_number_exists_or_not(
    hall: Served, outside: Outside
) -> None:
    sent = await send(outside, named=False)
    await outside.publish()
    outside.forget()
    for number in (sent.number, "T260612-AAAAAA"):
        form = {"number": number, "code": "0000-0000"}
        tried = [(await outside.post("/p/complain/follow", form))[0] for _ in range(NUMBER_LIMIT.most + 1)]
        assert tried == [404] * NUMBER_LIMIT.most + [429]
    right = {"number": sent.number, "code": sent.code}
    assert (await outside.post("/p/complain/follow", right))[0] == 429, (
        "the right one too, so that it tells nothing"
    )


async def test_a_script_that_somebody_writes_is_text_on_every_page(hall: Served, outside: Outside) -> None:
    script = "<script>alert(1)</script>"
    _, html = await outside.get("/p/complain")
    _, html = await on(outside, html, 1, topic=TOPICS[0], unit=script, case_no=script)
    _, html = await on(outside, html, 2, text=f"窗口三次退件，没有书面理由。{script}")
    _, html = await on(outside, html, 3, named="yes", name="<b>王</b>", phone=PHONE)
    _, html = await on(outside, html, 4)
    pages = [html]
    last = {"state": got(STATE, html), "token": got(TOKEN, html), "at": "5", "go": "send"}
    _, html = await outside.post("/p/complain", last)
    sent = Sent(got(NUMBER, html), got(CODE, text_of(html)), last)
    await outside.publish()
    number = await row_of(hall, sent)
    await act(hall, Role.COMPLAINTS, number, "accept")
    await act(hall, Role.COMPLAINTS, number, "assign", text=f"反映退件{script}", site=SITE, org=ORG)
    await outside.publish()
    pages.append((await follow(outside, sent))[1])
    for role, path in (
        (Role.COMPLAINTS, f"/hall/complaints/{number}"),
        (Role.COMPLAINTS, "/hall/complaints"),
        (Role.CLERK, "/unit/complaints"),
    ):
        async with window(hall, role) as pane:
            pages.append((await pane.get(path))[1])
    assert [html for html in pages if script in html] == []
    assert sum("&lt;script&gt;" in html for html in pages) >= 4


async def test_a_wrong_code_and_an_unknown_number_are_one_answer(hall: Served, outside: Outside) -> None:
    sent = await send(outside, named=False)
    await outside.publish()
    other = Sent(f"{sent.number[:-1]}{'0' if sent.number[-1] != '0' else '1'}", sent.code, {})
    wrong = await follow(outside, Sent(sent.number, "0000-0000", {}))
    unknown = await follow(outside, other)
    assert wrong[0] == unknown[0] == 404
    assert wrong[1].replace(sent.number.lower(), other.number.lower()) == unknown[1]
