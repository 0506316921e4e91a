"""好差评 from the door to the office and the call-back, patterns marked and never dropped; 咨询 from the question to what all may read."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import func, insert, select, text, update

from central.core.access import Role
from central.door import tables as p
from central.door.limits import COMPLAINTS, RATINGS
from central.door.page import DOOR
from central.store import consult_tables as ct
from central.store import rating_tables as rt
from central.store import survey_tables as st
from central.store import tables as t
from common.core.instant import DAY
from tests import planted
from tests.integration import city_cases, dooring, serving
from tests.integration.city_cases import ITEMS, PHONE, Filed
from tests.integration.dooring import Outside
from tests.integration.serving import FridayClock, Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOKEN, ENTRIES = (re.compile(rf'name="{name}" value="([^"]*)"') for name in ("token", "entries"))
RATE = re.compile(r'href="/p/rate/([^"?]+)"')
MINE = "13800001111"


class Clockwork(FridayClock):
    """A Friday afternoon, from which the office's days go on when told."""

    ahead = 0

    def office(self, mono: int | None = None) -> int:
        return super().office(mono) + self.ahead


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("hall"), Clockwork(), cases_a_day=3) as served:
        await _add_ended(served)
        await dooring.fill_catalogue(served.store)
        yield served


async def _add_ended(hall: Served) -> None:
    """Three cases that were ended yesterday, with their facts."""
    now_at, now_wall = hall.clock.office(), hall.clock.wall()
    filed = [
        Filed(
            site="s02",
            key=f"20260609{number:05}",
            item=ITEMS[0],
            applicant="王秀英",
            accepted=now_at - 3 * DAY,
            finished=now_at - DAY,
            due=now_at + 5 * DAY,
        )
        for number in range(3)
    ]
    async with hall.store.write() as conn:
        await city_cases.add_facts(conn, filed, now_at, now_wall, first_seq=90_001)
        await city_cases._judge(conn, filed, now_at, now_wall)


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
    return found[1]


async def ended(hall: Served) -> list[tuple[str, str, str]]:
    """Their sites, keys and numbers."""
    one = t.case.c
    mine = select(one.site, one.case_key, one.case_no).where(one.case_key.startswith("20260609000"))
    async with hall.store.read() as conn:
        rows = (await conn.execute(mine.order_by(one.case_key))).all()
    return [(row.site, row.case_key, row.case_no) for row in rows]


async def token_of(outside: Outside, number: str) -> str:
    outside.forget()
    _, html = await outside.post("/p/case", {"number": number, "tail": PHONE[-4:]})
    return got(RATE, html)


async def rate(outside: Outside, code: str, level: int, **more: str) -> tuple[int, str]:
    outside.forget()
    status, html = await outside.get(f"/p/rate/{code}")
    if status != 200:
        return status, html
    return await outside.post(f"/p/rate/{code}", {"token": got(TOKEN, html), "level": str(level)} | more)


async def act(hall: Served, role: Role, path: str, see: str, **form: str) -> int:
    async with window(hall, role) as pane:
        _, html = await pane.get(see)
        found = ENTRIES.search(html)
        seen = {"csrf": "token", "entries": found[1] if found else ""}
        return (await pane.post(path, None, **seen | form)).status


async def number(hall: Served) -> int:
    async with hall.store.read() as conn:
        return int(await conn.scalar(select(func.max(rt.rating.c.id))) or 0)


async def reach(hall: Served, site: str, org: str) -> None:
    """Clerk and head belong to that office."""
    async with hall.store.write() as conn:
        for table, values in (("user_site", {"site": site}), ("user_org", {"org": org})):
            for user in ("clerk", "head"):
                await conn.execute(text(f"DELETE FROM {table} WHERE \"user\" = '{user}'"))
                await conn.execute(insert(t.metadata.tables[table]).values(user=user, **values))


async def test_a_bad_rating_goes_to_the_office_and_is_called_back(hall: Served, outside: Outside) -> None:
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    site, key, case_no = (await ended(hall))[0]
    async with hall.store.read() as conn:
        org = await conn.scalar(select(t.case.c.org).where(t.case.c.site == site, t.case.c.case_key == key))
    await reach(hall, site, org or "")
    code = await token_of(outside, case_no)
    assert (await outside.post(f"/p/rate/{code}", {"level": "1"}))[0] == 403, "a form that is not ours"
    status, html = await rate(outside, code, 9)
    assert (status, "请选择一个等级" in html) == (400, True)
    status, html = await rate(outside, code, 1, text=f"等了两小时，电话{MINE}")
    assert (status, "15 个工作日内整改" in html) == (200, True)
    assert (await rate(outside, code, 5))[0] == 404, "it waits already"
    await outside.publish()
    await outside.publish()
    assert (await rate(outside, code, 5))[0] == 404, "it is used up"
    outside.forget()
    _, html = await outside.post("/p/case", {"number": case_no, "tail": PHONE[-4:]})
    assert not RATE.search(html)
    one = await number(hall)
    page = f"/hall/ratings/{one}"
    async with hall.store.read() as conn:
        row = (await conn.execute(select(rt.rating).where(rt.rating.c.id == one))).one()
    assert (row.site, row.case_key, row.level, MINE in row.text) == (site, key, 1, False)
    # the office sees what was said and not by whom
    async with window(hall, Role.CLERK) as pane:
        _, html = await pane.get("/unit/ratings")
        assert ("等了两小时" in html, MINE in html, case_no in html, PHONE in html) == (
            True,
            False,
            False,
            False,
        )
        assert (await pane.get(page))[0] == 403
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="content", text="先回访") == 409
    clock.ahead = 40 * DAY
    await outside.publish()
    assert (
        await act(hall, Role.CLERK, f"/unit/ratings/{one}", "/unit/ratings", text="已道歉，增开窗口") == 303
    )
    assert await act(hall, Role.SUPERVISOR, f"{page}/act", page, event="content", text="已改") == 403
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="again", text="仍要等两小时") == 303
    mend = f"/unit/ratings/{one}"
    assert await act(hall, Role.CLERK, mend, "/unit/ratings", text="改为预约办理") == 409, "one level higher"
    await _office_was_told(hall, (MINE, case_no[-4:], "王秀英", "等了两小时"))
    assert await act(hall, Role.HEAD, mend, "/unit/ratings", text="改为预约办理") == 303
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="unreached", text="响铃没有人接") == 303
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="unreached", text="再打没人接") == 409
    # the centre finds the telephone, for a reason that is written down
    async with window(hall, Role.CENTRE) as pane:
        assert PHONE not in (await pane.get(page))[1]
        why = {"csrf": "token", "reason": "电话回访", "why": "差评回访"}
        async with pane.session.post(f"{hall.url}{page}/person", data=why) as answer:
            assert PHONE in await answer.text()
        assert (await pane.post(f"{page}/person", csrf="token", reason="好奇", why="看看")).status == 400
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="content", text="本人说已改好") == 303
    async with window(hall, Role.CENTRE) as pane:
        _, html = await pane.get(page)
        assert ("已回访办结" in html, "曾经逾期" in html) == (True, True)
    clock.ahead = 0
    async with hall.store.read() as conn:
        line = rt.rating_event.c
        told = list(await conn.scalars(select(line.event).where(line.rating == one).order_by(line.number)))
        acts = set(
            await conn.scalars(select(t.audit_line.c.act).where(t.audit_line.c.subject == f"评价 {one}"))
        )
    assert told == ["rate", "lapse", "mend", "again", "mend", "unreached", "content"]
    assert acts == {"rating.act", "rating.reveal"}


async def _office_was_told(hall: Served, unsaid: tuple[str, ...]) -> None:
    """Of the rating and that it was not mended, in the words of the list and nobody's."""
    async with hall.store.write() as conn:
        mine = t.message.c.person_index == Role.HEAD.value, t.message.c.level == "rating"
        texts = list(await conn.scalars(select(t.message.c.text).where(*mine).order_by(t.message.c.id)))
        await conn.execute(update(t.message).where(*mine).values(state="delivered"))
    assert ["收到差评（非常不满意）" in texts[0], "须由部门负责人整改" in texts[1]] == [True, True]
    assert not [word for word in unsaid if word in "".join(texts)]
    async with window(hall, Role.HEAD) as pane:
        assert 'href="/unit/ratings"' in (await pane.get("/hall/inbox"))[1].partition("own-list")[2]


async def test_a_token_printed_at_the_window_is_the_one_of_the_case_query(
    hall: Served, outside: Outside
) -> None:
    site, key, case_no = (await ended(hall))[1]
    async with window(hall, Role.SUPERVISOR) as pane:
        form = {"csrf": "token", "site": site, "key": key}
        async with pane.session.post(f"{hall.url}/hall/ratings/ticket", data=form) as answer:
            html = await answer.text()
        assert await token_of(outside, case_no) in html
        assert (await pane.post("/hall/ratings/ticket", csrf="token", site=site, key="nothing")).status == 404
    async with hall.store.read() as conn:
        who = await conn.scalar(select(t.audit_line.c.who).where(t.audit_line.c.act == "rating.print"))
    assert who == "supervisor"


async def test_a_crowd_that_is_none_is_marked_kept_and_set_aside_by_a_person(
    hall: Served, outside: Outside
) -> None:
    async with window(hall, Role.CENTRE) as pane:
        for name, status in (("3 号", 303), ("3 号", 400), ("", 400)):
            form = {"csrf": "token", "site": "s02", "name": name, "org": ""}
            assert (await pane.post("/hall/ratings/windows", None, **form)).status == status
    async with hall.store.read() as conn:
        code = await conn.scalar(select(rt.rating_window.c.code))
    assert (await outside.get(f"/p/rate/{code}"))[0] == 404, "the door does not know it yet"
    await outside.publish()
    before = await number(hall)
    for browser in range(6):
        outside.session.cookie_jar.clear()
        assert (await rate(outside, str(code), 5, text="非常好非常好"))[0] == 200, browser
    assert "一天一次" in (await rate(outside, str(code).lower().replace("-", ""), 5))[1]
    outside.session.cookie_jar.clear()
    status, html = await rate(outside, str(code), 2, phone=MINE)
    assert (status, "没有留电话" in html) == (200, False)
    await outside.publish()
    assert await number(hall) == before + 7, "none is dropped"
    async with hall.store.read() as conn:
        rows = (await conn.execute(select(rt.rating).where(rt.rating.c.id > before))).all()
        assert await planted.found(conn, [MINE, PHONE]) == []
    assert {row.flags for row in rows} == {"alike,burst,one_source", "burst,one_source"}
    path = f"/hall/ratings/{before + 1}"
    assert await act(hall, Role.SUPERVISOR, f"{path}/act", path, event="aside", text="同一人刷评") == 403
    assert await act(hall, Role.CENTRE, f"{path}/act", path, event="aside", text="同一人刷评") == 303
    async with window(hall, Role.CENTRE) as pane:
        for choice, words in (("flagged", "异常"), ("aside", "不计入"), ("all", "非常满意"), ("", "不满意")):
            status, html = await pane.get(f"/hall/ratings?show={choice}")
            assert (status, words in text_of(html)) == (200, True)
            named = re.findall(r'<a class="cover"[^>]*>(.*?)</a>', html)
            assert len(set(named)) == len(named) > 0, "read aloud, each leads to one place"
        assert str(code) in (await pane.get("/hall/ratings/windows/print"))[1]
        assert (await pane.post("/hall/ratings/windows/close", csrf="token", code=str(code))).status == 303
    await outside.publish()
    assert (await rate(outside, str(code), 5))[0] == 404
    async with outside.press.public.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(p.inbox)) == 0


async def test_a_door_that_makes_ratings_up_is_not_believed(hall: Served, outside: Outside) -> None:
    """What names no case, no window, no level, or a case twice, changes nothing and is said in the log."""
    from central import rating
    from central.complaint import Bench
    from central.core import asked
    from central.world import Moment

    site, key, _ = (await ended(hall))[2]
    bench = Bench(
        Moment(hall.clock.office(), hall.clock.wall()), outside.world.zone, outside.world.calendar, outside.press.sign_secret
    )  # fmt: skip
    before = await number(hall)
    async with hall.store.write() as conn:
        for said in (
            asked.Rating(site="s99", key="x", level=5),
            asked.Rating(site=site, window="没有", level=5),
            asked.Rating(site=site, key=key, level=6),
        ):
            assert await rating.take(conn, "made-up", said, bench) is None
        assert await rating.take(conn, "one", asked.Rating(site=site, key=key, level=4), bench) == before + 1
        assert await rating.take(conn, "two", asked.Rating(site=site, key=key, level=1), bench) is None


async def test_what_may_not_be_sent_now_is_there_to_be_sent_later(hall: Served, outside: Outside) -> None:
    """A rating and a question of an address that has sent too much."""
    door = outside.app[DOOR]
    await outside.publish()
    code = await token_of(outside, (await ended(hall))[1][2])
    _, page = await outside.get(f"/p/rate/{code}")
    _, asked_page = await outside.get("/p/consult/ask")
    rated = {"token": got(TOKEN, page), "level": "2", "text": "等了两小时"}
    question = {
        "token": got(TOKEN, asked_page),
        "state": got(STATE, asked_page),
        "item": "SP-00",
        "text": "没有房产证能办吗？",
    }
    for budget, path, form in ((RATINGS, f"/p/rate/{code}", rated), (COMPLAINTS, "/p/consult/ask", question)):
        outside.forget()
        while door.limits.allows(budget, "127.0.0.1", door.clock.mono()):
            pass
        status, html = await outside.post(path, form)
        assert (status, "今天提交的太多了" in html, form["text"] in html) == (429, True, True), path
        assert ('value="2" checked' in html) is ("level" in form)
    assert (await outside.get(f"/p/rate/{code}"))[0] == 200, "it is not used up"


# consultations -------------------------------------------------------------------------------------------------

STATE = re.compile(r'name="state" value="([^"]*)"')
RECEIPT = re.compile(r"编号 (Z\d{6}-[0-9A-Z]{6}) 查询码 ([0-9A-Z]{4}-[0-9A-Z]{4})")


async def consult(outside: Outside, question: str, item: str = "") -> tuple[str, str]:
    """-> number and code."""
    outside.forget()
    _, html = await outside.get(f"/p/consult/ask?item={item}")
    assert f'value="{item}" selected' in html or not item
    form = {"token": got(TOKEN, html), "state": got(STATE, html), "item": item}
    status, wrong = await outside.post("/p/consult/ask", form | {"text": "短"})
    assert (status, "现在 1 个字" in wrong) == (400, True)
    assert (await outside.post("/p/consult/ask", form | {"text": question, "state": "x"}))[0] == 403
    receipts = {RECEIPT.search(text_of((await outside.post("/p/consult/ask", form | {"text": question}))[1])) for _ in range(2)}  # fmt: skip
    told = {found.groups() for found in receipts if found}
    assert len(told) == 1, "the same form sent twice is one question"
    number, code = told.pop()
    return number, code


async def answer_of(outside: Outside, number: str, code: str) -> tuple[int, str]:
    outside.forget()
    return await outside.post("/p/consult/follow", {"number": number, "code": code})


async def test_a_question_is_answered_and_published_by_two_persons(hall: Served, outside: Outside) -> None:
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    number, code = await consult(outside, f"没有房产证能办吗？我电话{MINE}", "SP-00")
    assert "已经收到" in text_of((await answer_of(outside, number, code))[1])
    await outside.publish()
    assert "最迟 6月17日（周三） 答复" in text_of((await answer_of(outside, number, code))[1])
    wrong, unknown = [await answer_of(outside, n, "0000-0000") for n in (number, "Z260612-000000")]
    assert wrong[0] == unknown[0] == 404
    assert wrong[1].replace(number, "Z260612-000000") == unknown[1]
    async with hall.store.read() as conn:
        one = await conn.scalar(select(ct.consult.c.id).where(ct.consult.c.number == number))
        lines = [str(row) for row in await conn.execute(select(ct.consult))]
    assert not [line for line in lines if MINE in line]
    page = f"/hall/consults/{one}"
    async with window(hall, Role.CENTRE) as pane:
        for path in (page, "/hall/consults"):
            words = text_of((await pane.get(path))[1])
            assert ("食品经营许可（新办）" in words, "6月17日 周三" in words) == (True, True), path
    clock.ahead = 6 * DAY
    await outside.publish()
    assert "曾经超过期限" in (await answer_of(outside, number, code))[1]
    said = "可以，租赁合同或村委会证明也行。"
    assert await act(hall, Role.RELEASER, f"{page}/act", page, event="answer", text=said) == 403
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="answer", text="短") == 409
    assert await act(hall, Role.CENTRE, f"{page}/act", page, event="answer", text=said) == 303
    await outside.publish()
    assert said in text_of((await answer_of(outside, number, code))[1])
    assert said not in text_of((await outside.get("/p/consult"))[1])
    # what anybody reads is drafted by one and released by another
    draft = {"event": "draft", "text": said}
    who = {"question": f"没有房产证能办吗？电话{MINE}"}
    assert await act(hall, Role.CENTRE, f"{page}/act", page, **draft, **who) == 409, "it speaks of somebody"
    assert (
        await act(hall, Role.CENTRE, f"{page}/act", page, **draft, question="没有房产证能办食品许可吗？")
        == 303
    )
    assert await act(hall, Role.CENTRE, f"{page}/release", page, event="release", text="同意公布") == 403
    await outside.publish()
    assert "没有房产证" not in (await outside.get("/p/consult"))[1]
    assert await act(hall, Role.RELEASER, f"{page}/release", page, event="release", text="同意公布") == 303
    await outside.publish()
    html = text_of((await outside.get("/p/consult?q=房产证"))[1])
    assert ("找到 1 条" in html, said in html, "食品经营许可" in html) == (True, True, True)
    assert "找到 0 条" in text_of((await outside.get("/p/consult?q=林木"))[1])
    for asked, is_found in (("房产证", True), ("林木", False), ("", False)):
        html = (await outside.get(f"/p/search?q={quote(asked)}"))[1]
        assert ("没有房产证能办食品许可吗" in html) is is_found, asked
    assert await act(hall, Role.RELEASER, f"{page}/release", page, event="withdraw", text="政策已变") == 303
    await outside.publish()
    assert "没有房产证" not in (await outside.get("/p/consult"))[1]
    assert said in text_of((await answer_of(outside, number, code))[1]), "whoever asked keeps the answer"
    clock.ahead = 0
    async with hall.store.read() as conn:
        line = ct.consult_event.c
        told = list(await conn.scalars(select(line.event).where(line.consult == one).order_by(line.number)))
    assert told == ["ask", "lapse", "answer", "draft", "release", "withdraw"]


# surveys -------------------------------------------------------------------------------------------------------


async def answered(outside: Outside, number: int, *chosen: str) -> tuple[int, str]:
    """Question after question, each with its own page."""
    outside.session.cookie_jar.clear()
    outside.forget()
    status, html = await outside.get(f"/p/surveys/{number}")
    for place, choice in enumerate(chosen):
        form = {"token": got(TOKEN, html), "state": got(STATE, html), "at": str(place)}
        status, html = await outside.post(
            f"/p/surveys/{number}", form | ({"answer": choice} if choice else {})
        )
        outside.forget()
    return status, html


async def test_a_survey_is_built_answered_and_its_results_shown_after_its_end(
    hall: Served, outside: Outside
) -> None:
    clock = hall.clock
    assert isinstance(clock, Clockwork)
    form = {
        "csrf": "token",
        "title": "办事环境大家谈",
        "first": "2026-06-10",
        "last": "2026-06-14",
        "intro": "",
    }
    form["questions"] = "窗口的人耐心吗\n耐心\n不耐心\n\n还想说什么"
    async with window(hall, Role.PUBLISHER) as pane:
        for wrong in ({"last": ""}, {"questions": "问\n甲"}, {"title": "找 13912345678"}):
            assert (await pane.post("/hall/surveys", None, **form | wrong)).status == 400
        page = (await pane.post("/hall/surveys", None, **form)).headers["Location"]
        assert (
            await pane.post(f"{page}/decide", csrf="token", event="release", why="同意发布")
        ).status == 403
    number = int(page.rpartition("/")[2])
    await outside.publish()
    assert (await outside.get(f"/p/surveys/{number}"))[0] == 404
    async with window(hall, Role.RELEASER) as pane:
        assert (await pane.post(f"{page}/decide", csrf="token", event="show", why="先看结果")).status == 409
        assert (
            await pane.post(f"{page}/decide", csrf="token", event="release", why="同意发布")
        ).status == 303
        await outside.publish()
        assert "共 2 题" in (await outside.get(f"/p/surveys/{number}"))[1]
        assert (await answered(outside, number, "没有的选项"))[0] == 400
        assert "一题也没有答" in (await answered(outside, number, "", ""))[1]
        for choice in ["耐心"] * 6 + ["不耐心"] * 2:
            status, html = await answered(outside, number, choice, f"多设座位，打我电话{MINE}")
            assert (status, "已收到" in html) == (200, True)
        await outside.publish()
        async with hall.store.read() as conn:
            bodies = list(await conn.scalars(select(st.survey_answer.c.body)))
        assert len(bodies) == 8
        assert not [body for body in bodies if MINE.encode() in body]
        assert "调查结束以后才显示结果" in (await pane.get(page))[1]
        clock.ahead = 4 * DAY
        await outside.publish()
        read = text_of((await pane.get(page))[1])
        assert (read.count("多设座位，打我电话"), MINE in read) == (8, False), (
            "what people wrote is read in the hall"
        )
        assert "结果还没有公布" in text_of((await outside.get(f"/p/surveys/{number}"))[1])
        assert (await pane.post(f"{page}/decide", csrf="token", event="show", why="同意公布")).status == 303
    await outside.publish()
    words = text_of((await outside.get(f"/p/surveys/{number}"))[1])
    for said in (
        "耐心 不公布",
        "不耐心 不公布",
        "8 份答了这一题",
        "共收到 8 份",
        "其中 8 份来自",
        "不足 30 份",
    ):
        assert said in words
    assert "多设座位" not in words
    clock.ahead = 0
