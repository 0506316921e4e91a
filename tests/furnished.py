"""A hall with one real thing for every page: each is made by the forms of the hall and of the public door, as its people would."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from sqlalchemy import func, insert, select

from central import correction_clock, document, judge, publishing, scoring
from central.core.access import Role
from central.core.measure import MEASURES
from central.core.message import Channel
from central.core.release import ReleaseState
from central.core.scheme import MINGCHA_100
from central.core.scheme_form import cells_of
from central.core.scope import EVERYTHING
from central.core.score import Level
from central.dispatch import Post
from central.notify.channels import Channels
from central.notify.inbox import Inbox
from central.paper.press import Press
from central.scoring import Sender
from central.store import (
    consult_tables,
    posted_tables,
    publications,
    rating_tables,
    scope,
    scores,
    telling,
)
from central.store import tables as t
from central.web import item_drafts
from common.core import crypto
from common.core.errors import RejectedError
from common.core.instant import DAY
from tests.contract.posting import Scripted
from tests.files import office, pdf
from tests.integration import city, dooring, test_camera_pages, test_complaints, test_excerpts, test_social
from tests.integration.city_cases import ZONE
from tests.integration.dooring import Outside
from tests.integration.serving import OPERATIONS, Served, Window, text_of
from tests.integration.test_corrections import forms
from tests.integration.test_scores import scored
from tests.papers import seal_picture

SITE, CAMERA, NUMBER = "s03", "c1", "370220260604021007"
REASON = "窗口人员休假期间没有安排替岗"
OTHERS = {"supervisor2": Role.SUPERVISOR, "chief2": Role.CHIEF}
"""Second ones of a role, where one person may not do both acts."""
Places = dict[str, str]
"""A route's address as it is written -> the same about something that is there."""


async def send(hall: Served, who: str, path: str, see: str = "", **form: object) -> str:
    """Post what the page `see` holds ready for that address, and `form`; -> where it leads. A refusal fails here."""
    async with aiohttp.ClientSession(cookies=await hall.session_of(who)) as session:
        html = (await Window(hall, session).get(see))[1] if see else ""
        ready = next((one for one in forms(html) if one["action"] == path), {})
        data = aiohttp.FormData({"csrf": "token"}, quote_fields=False)
        for field, value in (ready | form).items():
            if isinstance(value, bytes):
                data.add_field(field, value, filename=f"{field}.bin", content_type="application/pdf")
            elif field not in {"csrf", "action"}:
                data.add_field(field, str(value))
        async with session.post(hall.url + path, data=data, allow_redirects=False) as answer:
            assert answer.status == 303, (who, path, answer.status, text_of(await answer.text()))
            return answer.headers["Location"]


async def seen(hall: Served, who: str, path: str, pattern: str) -> str:
    """What the first group of `pattern` finds on a page."""
    async with aiohttp.ClientSession(cookies=await hall.session_of(who)) as session:
        html = (await Window(hall, session).get(path))[1]
    found = re.search(pattern, html)
    assert found, (who, path, pattern, text_of(html))
    return found[1]


async def all_of(hall: Served, outside: Outside) -> Places:
    """Fill the hall; -> what there is to look at."""
    async with hall.store.write() as conn:
        fixed = {"password": "!", "must_change": False, "disabled": False, "created_wall": 0}
        people = [{"name": name, "role": role} | fixed for name, role in OTHERS.items()]
        await conn.execute(insert(t.user), people)
        await scope.give(conn, "clerk", [test_complaints.SITE], [])
    places = _standing()
    places |= await _cameras(hall)
    places |= await _results(hall)
    places |= await _drafts(hall)
    places |= await _corrected(hall)
    places |= await _written(hall)
    places |= await _from_the_door(hall, outside)
    places |= await _messages(hall)
    await outside.publish()
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    return places


def _standing() -> Places:
    """What the city has of itself."""
    return {
        "/hall/sites/{site}": f"/hall/sites/{SITE}",
        "/hall/sites/{site}/doctor": f"/hall/sites/{SITE}/doctor",
        "/hall/items/{code}": "/hall/items/SP-00",
        "/hall/rules/{rule}": "/hall/rules/L42-P",
        "/hall/admin/people/{name}": "/hall/admin/people/supervisor",
        "/hall/cases/{no}": f"/hall/cases/{NUMBER}",
    }


async def _cameras(hall: Served) -> Places:
    """Faults, an absence, a still, a clip."""
    await test_camera_pages.fill(hall)
    await test_camera_pages.sit(hall)
    await test_camera_pages.take(hall)
    async with hall.store.write() as conn:
        await scope.give(conn, "chief", [], [])
    one, still = f"/hall/cameras/{SITE}/{CAMERA}", test_camera_pages.place(1)
    return {
        "/hall/cameras/{site}/{camera}": one,
        "/hall/cameras/{site}/{camera}/live": f"{one}/live",
        "/hall/cameras/{site}/{camera}/regions": f"{one}/regions",
        "/hall/evidence/{site}/{epoch}/{seq}": still,
        "/hall/evidence/{site}/{epoch}/{seq}/picture": f"{still}/picture",
    }


async def _results(hall: Served) -> Places:
    """A month's result with an objection, final and public."""
    run = await scored(hall)
    async with hall.store.read() as conn:
        placed = await scores.placed(conn, EVERYTHING, run, Level.SITE)
    place, one = next((place, one) for place, one in placed if one.unit == ["s12"])
    (site, key, _), name = next(
        (case, name)
        for line in (*one.lines, *one.penalties)
        for name, cases in line.faults.items()
        for case in cases
        if MEASURES[name].fault
    )
    unit = f"/hall/scores/{run}/site/{place}"
    fault = {"site": site, "key": key, "measure": name, "why": "业务系统当日停机，附公告"}
    await send(hall, "head", f"{unit}/object", **fault)
    await send(hall, "chief", "/hall/objections/1/refuse", why="公告所载日期不符")
    boss = Sender("chief", "期满定稿", city.FRIDAY + 20 * DAY, hall.clock.wall())
    async with hall.store.write() as conn:
        final = await scoring.finish(conn, run, boss, ZONE)
        number = await publishing.draft(conn, final, "六月绩效公告", boss, merges=True)
        await publications.decide(conn, number, ReleaseState.RELEASED, "releaser", "核对无误", boss.wall)
    public = f"/hall/publications/{number}"
    return {
        "/hall/scores/{run}/{level}/{place}": unit,
        "/hall/objections/{number}": "/hall/objections/1",
        "/hall/publications/{number}": public,
        "/hall/publications/{number}/packet.zip": f"{public}/packet.zip",
        "/hall/publications/{number}/files/{name}": f"{public}/files/ranking.csv",
    }


async def _drafts(hall: Served) -> Places:
    """What waits for a second person: an item's change, a scheme, a form, an announcement, a survey; a saved view; a seal."""
    typed = item_drafts._cells(dooring.catalogue()[1]) | {"why": "提速到两天", "promised_days": "2"}
    item = await send(hall, "centre", "/hall/items-drafts", known="SP-01", **typed)
    cells = cells_of(MINGCHA_100) | {"indicators-1-weight": "24", "indicators-6-weight": "0.5", "indicators-7-weight": "11.5"}  # fmt: skip
    month = await seen(hall, "supervisor", "/hall/schemes/new", r'name="since"[^>]*value="([^"]+)"')
    scheme = await send(
        hall, "supervisor", "/hall/schemes", **cells | {"since": month, "why": "加重承诺时限"}
    )
    form = await send(
        hall, "publisher", "/hall/forms", item="SP-00|1", name="食品经营许可变更申请书", form=office("word"), sample=pdf()
    )  # fmt: skip
    words = "端午节放假一天，窗口不对外服务。网上办理照常，时限顺延。"
    notice = await send(hall, "publisher", "/hall/notices", title="关于端午节放假的公告", text=words)
    survey = {
        "title": "窗口服务大家谈",
        "intro": "不记名",
        "first": "2026-06-10",
        "last": "2026-06-30",
        "questions": "窗口的人耐心吗\n耐心\n不耐心\n\n还想说什么",
    }
    asked = await send(hall, "publisher", "/hall/surveys", **survey)
    law = {"name": "浙江省行政程序办法", "number": "", "effective": "2026-01-01", "repealed": ""}
    statute = await send(hall, "publisher", "/hall/statutes", "", **law, text="", since="")
    await send(
        hall, "supervisor", "/hall/views", list="cases", query="light=red", name="全市红灯", shared="1"
    )
    seal = {"issuer": "jcj", "millimetres": "42", "why": "启用新印章"}
    await send(hall, "supervisor", "/hall/documents/seals", "", **seal, file=seal_picture(300))
    picture = await seen(hall, "chief", "/hall/documents/seals", r'src="(/hall/documents/seals/\d+\.png)"')
    await send(hall, "supervisor", "/hall/statistics/briefings", view="usual", every="month", issuer="jcj")
    return {
        "/hall/items-drafts/{number}": item,
        "/hall/views/{number}": "/hall/views/1",
        "/hall/schemes/drafts/{number}": scheme,
        "/hall/forms/{number}": form,
        "/hall/forms/{number}/{part}": f"{form}/form",
        "/hall/notices/{number}": notice,
        "/hall/statutes/{number}": statute,
        "/hall/surveys/{number}": asked,
        "/hall/documents/seals/{number}.png": picture,
    }


async def _corrected(hall: Served) -> Places:
    """A red light whose order was signed, received and explained with a file."""
    async with hall.store.write() as conn:
        world = await judge.load_world(conn, ZONE)
    await correction_clock.look_once(hall.store, world, hall.clock, OPERATIONS, set())
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.id, one.site, one.case_key).where(one.is_red, one.site == "s12").order_by(one.id)
        row = (await conn.execute(query)).first()
    assert row is not None
    place, mine = f"/hall/corrections/{row.id}", f"/unit/corrections/{row.id}"
    for who, event, words in (
        ("supervisor", "draft", {"issuer": "jcj", "copies": "市政务服务中心"}),
        ("supervisor2", "review", {}),
        ("chief", "issue", {}),
        ("head", "receive", {}),
        ("head", "explain", {"reason": REASON, "file": pdf()}),
    ):
        at = mine if who == "head" else place
        entries = await seen(hall, who, at, r'name="entries" value="(\d+)"')
        await send(hall, who, f"{at}/act", "", event=event, entries=entries, **words)
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    file = await seen(hall, "supervisor", place, r'href="(/hall/corrections/\d+/files/\w+)"')
    paper = await seen(hall, "supervisor", place, r'href="(/hall/corrections/\d+/documents/[^"]+\.pdf)"')
    code = paper.rpartition("/")[2].removesuffix(".pdf")
    return {
        "/hall/cases/{site}/{key}": f"/hall/cases/{row.site}/{row.case_key}",
        "/hall/corrections/{number}": place,
        "/unit/corrections/{number}": mine,
        "/hall/corrections/{number}/files/{digest}": file,
        "/unit/corrections/{number}/files/{digest}": file.replace("/hall/", "/unit/"),
        "/hall/corrections/{number}/documents/{code}.{form}": paper,
        "/unit/corrections/{number}/documents/{code}.{form}": paper.replace("/hall/", "/unit/"),
        "/hall/documents/{code}": f"/hall/documents/{code}",
        "/hall/documents/{code}.{form}": f"/hall/documents/{code}.pdf",
        "/p/verify/{code}": f"/p/verify/{code}",
    }


async def _written(hall: Served) -> Places:
    """A letter that its office has answered, a circular, and one that waits for a signature."""
    for period in ("2026-05", "2026-04"):
        words = {"reason": "按时率总体平稳。", "measures": "逐件核查红灯\n完善替岗制度"}
        draft = await send(hall, "supervisor", "/hall/documents/circular", period=period, **words)
        if period == "2026-05":
            circular = await send(hall, "chief", f"{draft}/sign")
    item = "/hall/items/SP-05"
    office_key = await seen(
        hall, "supervisor", item, r'(?s)action="/hall/documents/item".*?value="([^"]*s03[^"]*)"'
    )
    letter = await send(
        hall, "supervisor", "/hall/documents/item", code="SP-05", office=office_key, issuer="jcj"
    )
    async with hall.store.write() as conn:
        await conn.execute(insert(t.user_site).values(user=Role.HEAD.value, site=SITE))
    issued = await send(hall, "chief", f"{letter}/sign")
    own = issued.replace("/hall/", "/unit/")
    await send(hall, "head", f"{own}/answer", seen="0", reason="已在大厅公示栏补齐，附照片", file=pdf())
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    file = await seen(hall, "supervisor", issued, r'href="(/hall/documents/[^"]+/files/\w+)"')
    code = circular.rpartition("/")[2]
    return {
        "/hall/documents/drafts/{number}": draft,
        "/unit/documents/{code}": own,
        "/unit/documents/{code}.{form}": f"{own}.pdf",
        "/hall/documents/{code}/files/{digest}": file,
        "/unit/documents/{code}/files/{digest}": file.replace("/hall/", "/unit/"),
        "/unit/circulars/{code}.{form}": f"/unit/circulars/{code}.pdf",
    }


async def _from_the_door(hall: Served, outside: Outside) -> Places:
    """Two complaints, one at its unit; a bad rating; a question with its answer drafted for all."""
    first = await test_complaints.send(outside, files=(test_complaints.PNG,))
    await test_complaints.send(outside, named=False)
    await outside.publish()
    number = await test_complaints.row_of(hall, first)
    page = f"/hall/complaints/{number}"
    given = {
        "site": test_complaints.SITE,
        "org": test_complaints.ORG,
        "text": "反映窗口三次退件，没有书面理由",
    }
    for event, words in (("accept", {}), ("assign", given)):
        entries = await seen(hall, "complaints", page, r'name="entries" value="(\d+)"')
        await send(hall, "complaints", f"{page}/act", event=event, entries=entries, **words)
    waiting = r'(?s)href="(/hall/documents/drafts/\d+)"(?:(?!drafts/).)*?投诉受理'
    draft = await seen(hall, "chief", "/hall/documents", waiting)
    code = (await send(hall, "chief", f"{draft}/sign")).rpartition("/")[2]
    published = await _published(hall, outside)
    ended = await _ended(hall, outside)
    rated = await test_social.rate(outside, await test_social.token_of(outside, ended), 1, text="等了两小时")
    assert rated[0] == 200
    await test_social.consult(outside, "没有房产证能办食品许可吗？", "SP-00")
    await outside.publish()
    asked = f"/hall/consults/{await _newest(hall, consult_tables.consult)}"
    said = {"text": "可以，租赁合同或村委会证明也行。"}
    for event, words in (("answer", said), ("draft", said | {"question": "没有房产证能办食品许可吗？"})):
        entries = await seen(hall, "centre", asked, r'name="entries" value="(\d+)"')
        await send(hall, "centre", f"{asked}/act", event=event, entries=entries, **words)
    rating = await _newest(hall, rating_tables.rating)
    return {
        "/hall/complaints/{number}": page,
        "/hall/complaints/{number}/files/{place}": f"{page}/files/1",
        "/hall/complaints/{number}/documents/{code}.{form}": f"{page}/documents/{code}.pdf",
        "/hall/consults/{number}": asked,
        "/hall/excerpts/{number}": published,
        "/hall/ratings/{number}": f"/hall/ratings/{rating}",
    }


async def _published(hall: Served, outside: Outside) -> str:
    """A closed complaint whose reply waits to be made public; its excerpt."""
    number = await test_excerpts.closed(hall, outside, publish="yes")
    asked, replied = test_excerpts.ASKED, test_excerpts.REPLIED
    await send(hall, "complaints", f"/hall/complaints/{number}/excerpt", text=asked, reply=replied)
    return f"/hall/excerpts/{await _newest(hall, posted_tables.excerpt)}"


async def _ended(hall: Served, outside: Outside) -> str:
    """The number of a case of the citizen whose telephone everybody in the city has, that ended just now."""
    await test_social._add_ended(hall)
    async with hall.store.write() as conn:
        mine = t.case.c.case_key.startswith("20260609000")
        await conn.execute(t.case.update().where(mine).values(item_code="SP-00"))
        await telling.mark_all(conn)
    await outside.publish()
    return (await test_social.ended(hall))[0][2]


async def _newest(hall: Served, table: Any) -> int:
    async with hall.store.read() as conn:
        return int(await conn.scalar(select(func.max(table.c.id))) or 0)


async def _messages(hall: Served) -> Places:
    """One that did not arrive, among those that did."""
    sms = Scripted()
    sms.script = [RejectedError("空号", hint="请核对号码")]
    async with hall.store.write() as conn:
        await conn.execute(t.user.update().where(t.user.c.name == "head").values(phone="13800000012"))
        world = await judge.load_world(conn, ZoneInfo("Asia/Shanghai"))
    channels: Channels = {Channel.INBOX: Inbox(), Channel.SMS: sms}
    post = Post(hall.store, world, hall.clock, channels, crypto.sign_public(OPERATIONS))
    for _ in range(2):
        await post.look_once()
    return {"/hall/messages/{number}": f"/hall/messages/{await _newest(hall, t.message)}"}


def unnamed(patterns: Iterable[str], places: Places) -> list[str]:
    """Addresses about one thing for which nothing was made."""
    return sorted(pattern for pattern in patterns if "{" in pattern and pattern not in places)
