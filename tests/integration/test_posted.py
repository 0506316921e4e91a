"""表格 and 公告: written by one person, released by another, read at the door, in its files and its feed; taken back for all to see."""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from central.core.access import Role
from central.core.statute import Statute
from central.door import export
from central.door import tables as p
from central.door.app import make_export
from central.door.page import DOOR
from central.store import statutes
from central.store import tables as t
from common.core.instant import DAY, start_of_day
from tests.files import office, pdf
from tests.integration import dooring, serving
from tests.integration.city_cases import ZONE
from tests.integration.dooring import Outside
from tests.integration.serving import FridayClock, Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
ATOM = "{http://www.w3.org/2005/Atom}"
FORM, SAMPLE = office("word", "空白"), pdf(b"<< /Type /Page /Filled true >>")
TITLE, TEXT = "关于国庆放假的公告", "10月1日至7日放假。\n咨询电话 0771-5555123。<b>照常</b>网上办理。"


class Clockwork(FridayClock):
    """Days pass when the test says so."""

    ahead = 0

    def office(self, mono: int | None = None) -> int:
        return super().office(mono) + self.ahead


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("hall"), Clockwork(), cases_a_day=1) as served:
        await dooring.fill_catalogue(served.store)
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(hall: Served, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    async with dooring.opened(hall, tmp_path_factory.mktemp("door")) as found:
        yield found


@asynccontextmanager
async def window(hall: Served, role: Role) -> AsyncIterator[Window]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies=await hall.session(role), cookie_jar=jar) as session:
        yield Window(hall, session)


async def upload(
    hall: Served, item: str, form: bytes = FORM, sample: bytes = SAMPLE, name: str = "食品经营许可申请书"
) -> tuple[int, str, str]:
    """-> status, where it leads, what the page says."""
    sent = aiohttp.FormData()
    for field, value in (("csrf", "token"), ("item", item), ("name", name)):
        sent.add_field(field, value)
    for field, body in (("form", form), ("sample", sample)):
        sent.add_field(field, BytesIO(body), filename=f"{field}.exe", content_type="application/x-msdownload")
    url = f"{hall.url}/hall/forms"
    async with (
        window(hall, Role.PUBLISHER) as pane,
        pane.session.post(url, data=sent, allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers.get("Location", ""), text_of(await answer.text())


async def decide(hall: Served, role: Role, place: str, to: str, why: str = "核对无误") -> int:
    async with window(hall, role) as pane:
        return (await pane.post(f"{place}/{to}", csrf="token", why=why)).status


async def test_a_form_is_released_by_another_and_downloaded_with_its_sample(
    hall: Served, outside: Outside, tmp_path: Path
) -> None:
    for item, form, why in (
        ("SP-00|9", FORM, "请选择事项和版本"),
        ("nothing", FORM, "请选择事项和版本"),
        ("SP-00|1", b"MZ\x90", "空白表：不是 PDF"),
        ("SP-00|1", pdf(b"/JavaScript"), "空白表：PDF 里有脚本"),
    ):
        status, _, words = await upload(hall, item, form)
        assert (status, why in words) == (400, True)
    assert "电话或证件号码" in (await upload(hall, "SP-00|1", name="王 13912345678 申请书"))[2]
    status, place, _ = await upload(hall, "SP-00|1")
    assert status == 303
    await outside.publish()
    assert (await outside.get("/p/forms/1"))[0] == 404, "nobody has looked at it"
    assert await decide(hall, Role.PUBLISHER, place, "release") == 403
    async with window(hall, Role.RELEASER) as pane:
        words = text_of((await pane.get(place))[1])
        assert ("待审核" in words, hashlib.sha256(FORM).hexdigest() in words) == (True, True)
        async with pane.session.get(f"{hall.url}{place}/sample") as answer:
            assert await answer.read() == SAMPLE
    assert await decide(hall, Role.RELEASER, place, "release") == 303
    assert await decide(hall, Role.RELEASER, place, "refuse") == 409
    await outside.publish()
    link = "下载空白表：食品经营许可申请书（Word 文档，1 KB）"
    for path in ("/p/guides/SP-00", "/p/forms/1"):
        html = (await outside.get(path))[1]
        assert (link in html, "（PDF 文件，1 KB）" in html) == (True, True)
    assert "食品经营许可申请书" in (await outside.get("/p/forms"))[1]
    assert "找到 1 个事项" in text_of((await outside.get("/p/search?q=经营许可申请书"))[1])
    for name, body, mime in (
        ("1-form.docx", FORM, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("1-sample.pdf", SAMPLE, "application/pdf"),
    ):
        async with outside.session.get(f"{outside.url}/p/forms/files/{name}") as answer:
            assert await answer.read() == body
            assert answer.headers["Content-Type"] == mime
            assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for name in ("1-form.pdf", "2-form.docx", "1-other.pdf"):
        assert (await outside.get(f"/p/forms/files/{name}"))[0] == 404
    await _in_files(outside, tmp_path / "export")


async def _in_files(outside: Outside, place: Path) -> None:
    """What is shown while everything is down."""
    door = outside.app[DOOR]
    await export.write(make_export(door.store, door.config, outside.clock), place)
    assert (place / "forms/files/1-form.docx").read_bytes() == FORM
    assert 'href="files/1-form.docx"' in (place / "forms/1.html").read_text("utf-8")
    assert 'href="../forms/files/1-sample.pdf"' in (place / "guides/SP-00.html").read_text("utf-8")
    assert "没有查过什么" in (place / "access.html").read_text("utf-8")


async def test_a_form_expires_with_its_version_and_the_next_one_comes_with_the_new(
    hall: Served, outside: Outside
) -> None:
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    _, before, _ = await upload(hall, "SP-00|1", name="食品经营许可申请书旧版")
    _, place, _ = await upload(hall, "SP-00|2", SAMPLE, FORM, name="食品经营许可申请书新版")
    old, new = (one.rpartition("/")[2] for one in (before, place))
    for one in (before, place):
        assert await decide(hall, Role.RELEASER, one, "release") == 303
    await outside.publish()
    assert (await outside.get(f"/p/forms/{old}"))[0] == 200
    assert (await outside.get(f"/p/forms/{new}"))[0] == 404, "its version is not in force"
    async with window(hall, Role.PUBLISHER) as pane:
        assert "新版本生效后显示" in text_of((await pane.get("/hall/forms"))[1])
    clock.ahead = start_of_day(date(2026, 6, 19), ZONE) - FridayClock.office(clock) + DAY // 2
    await outside.publish()
    status, html = await outside.get(f"/p/forms/{old}")
    assert (status, "已随事项的版本过期" in html) == (404, True)
    assert (await outside.get(f"/p/forms/files/{old}-form.docx"))[0] == 404
    html = (await outside.get("/p/guides/SP-00"))[1]
    assert ("食品经营许可申请书新版（PDF" in html, f"{old}-form.docx" in html) == (True, False)
    async with window(hall, Role.PUBLISHER) as pane:
        assert "已随事项版本过期" in text_of((await pane.get("/hall/forms"))[1])
    assert await decide(hall, Role.RELEASER, place, "withdraw", "样本有误") == 303
    await outside.publish()
    assert (await outside.get(f"/p/forms/{new}"))[0] == 404
    clock.ahead = 0
    async with outside.press.public.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(p.blank_file)) == 2, "the first form's"
    async with hall.store.read() as conn:
        acts = select(t.audit_line.c.act).where(t.audit_line.c.act.startswith("blank."))
        assert set(await conn.scalars(acts)) == {"blank.draft", "blank.released", "blank.withdrawn"}
        assert await conn.scalar(select(func.count()).select_from(t.blank_file)) == 2, "each content once"


async def entries(outside: Outside) -> dict[str, ET.Element]:
    async with outside.session.get(f"{outside.url}/p/feed.xml") as answer:
        assert answer.headers["Content-Type"].startswith("application/atom+xml")
        feed = ET.fromstring(await answer.text())
    assert feed.findtext(f"{ATOM}id")
    return {one.findtext(f"{ATOM}id") or "": one for one in feed.findall(f"{ATOM}entry")}


async def test_an_announcement_is_released_read_subscribed_to_and_taken_back(
    hall: Served, outside: Outside, tmp_path: Path
) -> None:
    assert await entries(outside) == {}
    async with window(hall, Role.PUBLISHER) as pane:
        bad = {"csrf": "token", "title": TITLE, "text": f"{TEXT}找小王 13912345678"}
        async with pane.session.post(f"{hall.url}/hall/notices", data=bad) as answer:
            said = await answer.text()
        assert (answer.status, "个人的号码" in said, "国庆放假" in said) == (400, True, True)
        answer = await pane.post("/hall/notices", csrf="token", title=TITLE, text=TEXT + "\x0b")
        assert answer.status == 303
        place = answer.headers["Location"]
        assert (await pane.post(f"{place}/release", csrf="token", why="自己发布")).status == 403
    async with window(hall, Role.RELEASER) as pane:
        words = text_of((await pane.get(place))[1])
        assert ("咨询电话 0771-5555123" in words, "待审核" in words) == (True, True)
    await outside.publish()
    assert TITLE not in (await outside.get("/p/notices"))[1]
    assert await decide(hall, Role.RELEASER, place, "release") == 303
    await outside.publish()
    for path in ("/p/", "/p/notices", "/p/search?q=国庆", "/p/search?q=guoqing"):
        assert TITLE in (await outside.get(path))[1], path
    status, html = await outside.get("/p/notices/1")
    assert (status, "&lt;b&gt;照常" in html, "<b>照常" in html) == (200, True, False)
    async with outside.session.get(f"{outside.url}/p/notices/files/1.txt") as answer:
        body = await answer.read()
    digest = hashlib.sha256(body).hexdigest()
    assert (digest in html, body.decode().split("\n")[0]) == (True, TITLE)
    ((name, one),) = (await entries(outside)).items()
    assert name.startswith("tag:127.0.0.1,2026:notice/1")
    assert f"SHA-256 {digest}" in (one.findtext(f"{ATOM}content") or "")
    door = outside.app[DOOR]
    await export.write(make_export(door.store, door.config, outside.clock), tmp_path / "export")
    assert (tmp_path / "export/notices/files/1.txt").read_bytes() == body
    assert await decide(hall, Role.RELEASER, place, "withdraw", "日期有误，另行公告") == 303
    await outside.publish()
    status, html = await outside.get("/p/notices/1")
    assert (status, "日期有误，另行公告" in html, "咨询电话" in html) == (410, True, False)
    words = text_of((await outside.get("/p/notices"))[1])
    assert f"撤回：{TITLE}" in words
    assert f"公布：{TITLE}（已撤回）" in words
    assert TITLE not in (await outside.get("/p/"))[1]
    assert (await outside.get("/p/notices/files/1.txt"))[0] == 404
    gone = (await entries(outside))[name]
    assert gone.findtext(f"{ATOM}title") == f"已撤回：{TITLE}"
    assert "日期有误" in (gone.findtext(f"{ATOM}content") or "")
    assert (gone.findtext(f"{ATOM}updated") or "") >= (gone.findtext(f"{ATOM}published") or "")


async def test_help_and_accessibility_say_whom_to_call(outside: Outside) -> None:
    for path in ("/p/help", "/p/access"):
        status, html = await outside.get(path)
        assert (status, 'href="tel:12345"' in html) == (200, True)
    words = text_of((await outside.get("/p/access"))[1])
    for said in ("不能说已经达到", "没有查过什么", "读屏软件"):
        assert said in words
    assert 'href="/p/access"' in (await outside.get("/p/case"))[1], "from every page"


LAW = "中华人民共和国食品安全法"
"""That the city's items name; the words are made up."""
WORDS = """某市令第1号
第一章　总则
第一条　为了试验，制定本办法。
第二章 附则
第三十五条　从事<b>饮水点</b>经营，应当取得许可。
第四十条 自公布之日起施行。
"""


async def test_the_text_of_a_law_is_read_searched_and_linked_with_the_items_that_name_its_articles(
    hall: Served, outside: Outside, tmp_path: Path
) -> None:
    async with hall.store.write() as conn:
        await statutes.put(conn, Statute(name=LAW, number="", effective=date(2020, 1, 1)))
        for since, text in ((date(2020, 1, 1), WORDS), (date(2026, 8, 1), WORDS.replace("饮水点", "食堂"))):
            digest = hashlib.sha256(text.encode()).hexdigest()
            await statutes.add_text(conn, LAW, statutes.Words(since, digest, text))
    await outside.publish()
    status, html = await outside.get(f"/p/laws/{LAW}")
    words = text_of(html)
    assert status == 200
    for said in ("现行有效", "第一章 总则", "2020-01-01 起的文本", "修订后的文本 2026-08-01 起施行"):
        assert said in words
    assert "有全文" in (await outside.get("/p/laws"))[1]
    status, html = await outside.get(f"/p/laws/{LAW}/35")
    assert (status, 'id="a35"' in html, "&lt;b&gt;饮水点" in html, "<b>饮水点" in html) == (
        200,
        True,
        True,
        False,
    )
    words = text_of(html)
    assert ("以本条为依据：" in words, "食品经营许可（新办）" in words) == (True, True)
    assert "食堂" not in html, "that edition is not in force"
    assert f"/p/laws/{quote(LAW)}/0#a35" in (await outside.get("/p/guides/SP-00"))[1]
    for asked in ("饮水点", "yinshuidian", "ysd"):
        html = (await outside.get(f"/p/search?q={asked}"))[1]
        assert "第三十五条" in html, asked
    for asked in ("食堂", "ys", "%", "饮_点"):
        assert "第三十五条" not in (await outside.get(f"/p/search?q={quote(asked)}"))[1], asked
    assert (await outside.get("/p/laws/没有/1"))[0] == 404
    door = outside.app[DOOR]
    await export.write(make_export(door.store, door.config, outside.clock), tmp_path / "export")
    assert "饮水点" in (tmp_path / f"export/laws/{LAW}/0.html").read_text("utf-8")
    assert f'href="../laws/{quote(LAW)}/0.html#a35"' in (tmp_path / "export/guides/SP-00.html").read_text(
        "utf-8"
    )
