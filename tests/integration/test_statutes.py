"""法规 in the console: entered by one person, read through and released by another, and only then at the door."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select

from central.core.access import Role
from central.store import tables as t
from tests.integration import dooring, serving
from tests.integration.dooring import Outside
from tests.integration.serving import FridayClock, Served, Window, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
LAW, NUMBER = "食品经营试验办法", "市政府令 7 号"
WORDS = "第一章 总则\n第一条 为了试验，制定本办法。\n" + "\n".join(
    f"第{number}条 <b>饮水点</b>经营，应当取得许可。{'每一条都有很多字。' * 20}" for number in range(2, 60)
)
FORM = {"csrf": "token", "name": f"《{LAW}》", "number": NUMBER, "effective": "2020-01-01"} | {
    "repealed": "",
    "since": "2020-01-01",
    "text": WORDS,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("hall"), FridayClock(), cases_a_day=1) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(hall: Served, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    async with dooring.opened(hall, tmp_path_factory.mktemp("door")) as found:
        yield found


async def ask(
    hall: Served, role: Role, path: str, form: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """-> status, the way it leads to, words."""
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        pane = Window(hall, session)
        if form is None:
            status, html = await pane.get(path)
            return status, "", text_of(html)
        async with session.post(hall.url + path, data=form, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), text_of(await answer.text())


async def test_a_law_is_entered_by_one_released_by_another_and_read_at_the_door(
    hall: Served, outside: Outside
) -> None:
    for wrong, why in (
        ({"effective": "昨天"}, "请填写施行日期"),
        ({"repealed": "2019-01-01"}, "废止日期早于施行日期"),
        ({"text": "没有条文"}, "没有“第一条”"),
        ({"text": WORDS.replace("第3条", "第2条")}, "没有接着前一条"),
    ):
        status, _, words = await ask(hall, Role.PUBLISHER, "/hall/statutes", FORM | wrong)
        assert (status, why in words) == (400, True), wrong
    assert (await ask(hall, Role.SUPERVISOR, "/hall/statutes", FORM))[0] == 403
    status, page, _ = await ask(hall, Role.PUBLISHER, "/hall/statutes", FORM)
    assert status == 303
    assert (await ask(hall, Role.PUBLISHER, "/hall/statutes", FORM))[1] == page, "sent twice is once"
    await outside.publish()
    assert (await outside.get(f"/p/laws/{LAW}"))[0] == 404, "nobody has looked at it"
    release = {"csrf": "token", "why": "与政府公报核对无误"}
    assert (await ask(hall, Role.PUBLISHER, f"{page}/release", release))[0] == 403
    _, _, words = await ask(hall, Role.RELEASER, page)
    for said in ("59 条，到第59条，自 2020-01-01 起施行", "还没有公布过", "第 1 页，共 2 页", "第一章 总则"):
        assert said in words
    assert "第59条" in (await ask(hall, Role.RELEASER, f"{page}?page=9"))[2]
    assert (await ask(hall, Role.RELEASER, f"{page}/release", release))[:2] == (303, page)
    assert (await ask(hall, Role.RELEASER, f"{page}/refuse", release))[0] == 409
    await outside.publish()
    status, html = await outside.get(f"/p/laws/{LAW}")
    words = text_of(html)
    assert (status, "现行有效" in words, NUMBER in words, "2020-01-01 起的文本" in words) == (
        200,
        True,
        True,
        True,
    )
    assert "&lt;b&gt;饮水点" in (await outside.get(f"/p/laws/{LAW}/2"))[1]


async def test_a_correction_says_what_it_replaces_and_a_refused_one_changes_nothing(
    hall: Served, outside: Outside
) -> None:
    old = FORM | {"name": "旧办法", "text": "", "since": ""}
    for form, to in (
        (old, "release"),
        (old | {"repealed": "2026-06-01"}, "refuse"),
        (old | {"repealed": "2026-06-12"}, "release"),
    ):
        page = (await ask(hall, Role.PUBLISHER, "/hall/statutes", form))[1]
        words = (await ask(hall, Role.RELEASER, page))[2]
        assert ("现在公布的是 没有废止" in words) is bool(form["repealed"])
        assert (await ask(hall, Role.RELEASER, f"{page}/{to}", {"csrf": "token", "why": "核对无误"}))[
            0
        ] == 303
    await outside.publish()
    html = (await outside.get("/p/laws/旧办法"))[1]
    assert ("已废止" in html, "2026-06-12" in html) == (True, True)
    async with hall.store.read() as conn:
        acts = list(await conn.scalars(select(t.audit_line.c.act).order_by(t.audit_line.c.id)))
    told = [act for act in acts if act.startswith("statute.")][-6:]
    released, refused = ["statute.draft", "statute.released"], ["statute.draft", "statute.refused"]
    assert told == [*released, *refused, *released]
