"""A complaint's whole way in Chromium: a citizen's phone, the officer's, the unit's and the supervisor's browsers, and who never learns who it was."""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from msgspec import Struct
from pdfminer.high_level import extract_text
from sqlalchemy import func, select

from central import dispatch, document
from central.config import CentralConfig
from central.core.access import Role
from central.core.complaint import TOPICS
from central.dispatch import Post
from central.paper.press import Press
from central.store import complaint_tables as ct
from central.store import documents
from central.store import tables as t
from central.web.page import HALL
from common.core.instant import DAY
from common.mqtt import MqttConfig
from tests.browser import browsers
from tests.desk import DESK_SIZE, PHONE_SIZE, Desk
from tests.integration import dooring, serving
from tests.integration.dooring import Outside
from tests.integration.serving import OPERATIONS, Served
from tests.integration.test_complaints import (
    CODE,
    NAME,
    NUMBER,
    ORG,
    PHONE,
    PNG,
    SECRET,
    SITE,
    Clockwork,
    Sent,
    belong,
    each_was_told_once,
    everything,
    got,
    told_of,
    window,
)
from tests.papers import ISSUER

pytestmark = [pytest.mark.service, pytest.mark.slow]
STAFF = (Role.COMPLAINTS, Role.CLERK, Role.SUPERVISOR, Role.CHIEF)
BRIEF = "反映窗口三次退件，没有书面理由"
EVERY = """Promise.all(%s.map(path => fetch(path).then(answer => answer.text().then(text => [path, answer.status, text]))))"""


_BUTTON = 'form:has(input[value="{}"]) button'


async def act(desk: Desk, number: int, event: str, **fields: str) -> str:
    """One act of the hall on its page of the complaint."""
    await desk.open(f"/hall/complaints/{number}")
    return await desk.press(_BUTTON.format(event), **fields)


class Scene(Struct):
    """Everybody at work."""

    hall: Served
    outside: Outside
    post: Post
    citizen: Desk
    officer: Desk
    unit: Desk
    higher: Desk
    chief: Desk

    async def publish(self) -> None:
        """What waits goes out: to the door and to inboxes."""
        await self.outside.publish()
        await self.post.look_once()
        await self.hall.app[HALL].wall.look_once()

    async def later(self, days: int) -> None:
        clock = self.hall.clock
        assert isinstance(clock, Clockwork)
        clock.ahead = days * DAY
        await self.publish()

    async def follow(self, sent: Sent) -> str:
        """What the complainant reads now."""
        await self.publish()
        self.outside.forget()
        await self.citizen.open("/p/complain/follow")
        return await self.citizen.press("main .button.first", number=sent.number, code=sent.code)


async def test_a_complaint_goes_its_whole_way_in_browsers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hall").mkdir()
    async with serving.serve(tmp_path / "hall", Clockwork(), cases_a_day=1) as hall:
        async with hall.store.write() as conn:
            await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
            await belong(conn)
        async with dooring.opened(hall, tmp_path) as outside, browsers(tmp_path / "profile", 5) as pages:
            desks = []
            for name, page in zip(("citizen", "officer", "unit", "higher", "chief"), pages, strict=True):
                phone = name in {"citizen", "unit"}
                await page.size(*(PHONE_SIZE if phone else DESK_SIZE))
                desks.append(
                    Desk(page, name, outside.url if name == "citizen" else hall.url, name == "citizen")
                )
            config = CentralConfig(mqtt=MqttConfig(host="x"))
            post = await dispatch.opened(hall.store, outside.world, hall.clock, config, OPERATIONS)
            scene = Scene(hall, outside, post, *desks)
            for desk, role in zip(desks[1:], STAFF, strict=True):
                for cookie, value in (await hall.session(role)).items():
                    await desk.page.cookie(cookie, value, hall.url)
            sent = await handed_in(scene, tmp_path / "窗口.png")
            number = await to_the_unit(scene, sent)
            await urged_and_extended(scene, sent, number)
            await answered_and_not_solved(scene, sent, number)
            await one_level_higher_and_closed(scene, sent, number)
            each_was_told_once(await told_of(hall), sent)
            await nobody_at_the_unit_learns_who_it_was(scene, sent, number)
    logged = "".join(capsys.readouterr())
    assert "complaint.received" in logged
    assert not [secret for secret in hidden(sent) if secret in logged]


def hidden(sent: Sent) -> tuple[str, ...]:
    return (NAME, PHONE, SECRET, sent.code, sent.number, PHONE[-8:])


async def handed_in(scene: Scene, file: Path) -> Sent:
    """From the first page of the phone to the receipt."""
    me = scene.citizen
    file.write_bytes(PNG)
    await me.open("/p/")
    assert "第 1 步" in await me.press('main a[href^="/p/complain"]')
    assert "有 1 处需要改" in await me.press("main .button.first", topic=TOPICS[0])
    await me.press("main .button.first", unit="石桥镇便民服务中心")
    said = f"{SECRET}，本人{NAME}电话{PHONE}，窗口三次退件，没有书面理由。"
    await me.press("main .button.first", text=said)
    await me.press("main .button.first", named="yes", name=NAME, phone=PHONE)
    root = (await me.page.call("DOM.getDocument"))["root"]["nodeId"]
    field = await me.page.call("DOM.querySelector", nodeId=root, selector="#file")
    await me.page.call("DOM.setFileInputFiles", files=[str(file)], nodeId=field["nodeId"])
    assert file.name in await me.press('button[value="add"]')
    whole = await me.press("main .button.first")
    for words in (NAME, PHONE, SECRET, file.name):
        assert words in whole
    words = await me.press("main .button.first")
    sent = Sent(got(NUMBER, words), got(CODE, words), {})
    assert "最迟 6月19日" in words
    return sent


async def to_the_unit(scene: Scene, sent: Sent) -> int:
    """The officer is told, accepts, and may not tell the unit who it was."""
    assert "6月19日" in await scene.follow(sent)
    officer = scene.officer
    assert "新收到的投诉" in await officer.open("/hall/inbox")
    assert sent.number in await officer.open("/hall/complaints")
    shown = await officer.press('main a[href^="/hall/complaints/"]')
    assert sent.number in shown
    assert (NAME in shown, PHONE in shown) == (False, False)
    number = int((await officer.page.ask("location.pathname")).rpartition("/")[2])
    assert "已受理" in await act(officer, number, "accept")
    place = {"site": SITE, "org": ORG}
    refused = await act(officer, number, "assign", text=f"群众{NAME}反映退件", **place)
    assert "交办内容写出了投诉人的姓名或电话" in refused
    assert "单位办理中" in await act(officer, number, "assign", text=BRIEF, **place)
    await on_paper(scene, sent)
    return number


async def urged_and_extended(scene: Scene, sent: Sent, number: int) -> None:
    await scene.follow(sent)
    assert "已经催办" in await scene.citizen.press('form[action="/p/complain/urge"] button')
    await scene.publish()
    await act(scene.officer, number, "extend", text="须向住建部门调取档案")
    words = await scene.follow(sent)
    for said in ("延长 10 个工作日：须向住建部门调取档案", "您催办了一次", "7月17日"):
        assert said in words


async def answered_and_not_solved(scene: Scene, sent: Sent, number: int) -> None:
    """The unit reads the brief, and answers; what it did solves nothing."""
    read = await scene.unit.open("/unit/complaints")
    assert (BRIEF in read, "不告知投诉人" in read) == (True, True)
    told = await scene.unit.open("/hall/inbox")
    assert "群众投诉，交你单位办理" in told
    await scene.unit.open("/unit/complaints")
    answer = "已查，确有退件，已向窗口重申"
    assert answer in await scene.unit.press("form.work button.primary", text=answer)
    assert "已报告办理结果" in await scene.follow(sent)
    assert answer in await scene.officer.open(f"/hall/complaints/{number}")
    await act(scene.officer, number, "reply", text="窗口已经改正，请您再去办理。")
    await on_paper(scene, sent)
    assert "窗口已经改正" in await scene.follow(sent)
    judge = 'form[action="/p/complain/judge"] button'
    assert "请选择已解决或没解决" in await scene.citizen.press(judge)
    assert "哪里没解决，请写 4 至" in await scene.citizen.press(judge, solved="no")
    said = await scene.citizen.press(judge, reason=f"{NAME}又去，还是退件")
    assert "交上一级重新办理" in said
    assert "第 2 级" in await scene.follow(sent)


async def one_level_higher_and_closed(scene: Scene, sent: Sent, number: int) -> None:
    """Another post, whose day passes; its reply solves it."""
    await scene.later(30)
    assert "曾经超过期限" in await scene.follow(sent)
    queue = await scene.higher.open("/hall/queue?kind=complaint")
    assert ("到期的投诉" in queue, sent.number in queue, "已逾期" in queue) == (True, True, True)
    page = await scene.higher.open(f"/hall/complaints/{number}")
    assert ("曾经逾期" in page, NAME in page) == (True, False)
    assert "待评价" in await act(scene.higher, number, "reply", text="已责成退还材料并当场受理。")
    await on_paper(scene, sent)
    await scene.follow(sent)
    assert "办结" in await scene.citizen.press('form[action="/p/complain/judge"] button', solved="yes")
    words = await scene.follow(sent)
    assert ("已办结" in words, "曾经超过期限" in words) == (True, True)
    await scene.officer.open(f"/hall/complaints/{number}")
    assert "已办结" in await scene.officer.seen()
    async with scene.hall.store.read() as conn:
        one = ct.complaint_event.c
        told = list(await conn.scalars(select(one.event).where(one.complaint == number).order_by(one.number)))
        assert await conn.scalar(select(func.count()).select_from(ct.complaint_file)) == 1
    wanted = "receive accept assign urge extend answer reply unsolved lapse reply solved"
    assert told == wanted.split()


async def on_paper(scene: Scene, sent: Sent) -> None:
    """The act has left a draft, addressed to the number; another person signs it."""
    await scene.chief.open("/hall/documents")
    draft = await scene.chief.press('main a[href^="/hall/documents/drafts/"]')
    assert (f"投诉人（编号{sent.number}）" in draft, NAME in draft) == (True, False)
    signed = await scene.chief.press('form[action$="/sign"] button')
    assert ("〔2026〕" in signed, NAME in signed) == (True, False)
    await document.finish_all(scene.hall.store, Press(Path("nowhere")), OPERATIONS)


async def nobody_at_the_unit_learns_who_it_was(scene: Scene, sent: Sent, number: int) -> None:
    """Every page, export and document that clerk and head can reach, in a browser of the unit; their messages; what is written of it."""
    hall = scene.hall
    async with hall.store.read() as conn:
        codes = list(await conn.scalars(select(t.document.c.code)))
        rows = (await conn.execute(select(t.message))).all()
        messages = [str(tuple(row)) for row in rows if row.person in {Role.CLERK.value, Role.HEAD.value}]
        files = (await conn.execute(select(t.document.c.pdf, t.document.c.docx))).all()
        papers = [_read([await documents.body(conn, digest) or b"" for digest in row]) for row in files]
    assert len(papers) == 3
    paths = _paths(hall, number, codes)
    secrets = hidden(sent)
    seen: dict[str, tuple[int, str]] = {}
    for path, status, text in await scene.unit.page.ask(EVERY % sorted(paths)):
        seen[path] = status, text
    for role in (Role.CLERK, Role.HEAD):
        async with window(hall, role) as pane:
            for path in sorted(paths):
                seen[f"{role.value} {path}"] = await everything(pane, path)
    assert seen["/unit/complaints"][0] == 200
    assert {seen[path][0] for path in paths if path.startswith("/hall/complaints")} == {403}
    for path, (_, text) in seen.items():
        assert not [secret for secret in secrets if secret in text], path
    assert len(messages) > 4
    assert not [line for line in messages for secret in secrets if secret in line]
    for paper in papers:
        assert not [secret for secret in (NAME, PHONE, SECRET, sent.code) if secret in paper]
        assert paper.count(sent.number) >= 2, "in both files"


def _paths(hall: Served, number: int, codes: list[str]) -> set[str]:
    """Of all that can be read in the hall, with this complaint's own numbers."""
    found: set[str] = set()
    for route in hall.app.router.routes():
        if route.method == "GET" and route.resource is not None:
            path = route.resource.canonical.replace("{number}", str(number)).replace("{place}", "1")
            path = path.replace("{site}", SITE)
            found |= {path.replace("{code}", code).replace("{form}", "pdf") for code in codes}
    return found - {"/api/v1/stream"}


def _read(files: list[bytes]) -> str:
    """All the words of a document's two files."""
    pdf, docx = files
    with ZipFile(BytesIO(docx)) as book:
        parts = [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    return extract_text(BytesIO(pdf)) + "".join(parts)
