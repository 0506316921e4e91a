"""投诉答复选登: with the complainant's consent, without who it was, by two persons, until it is taken back."""

import re
from datetime import date
from html import unescape

import msgspec
import pytest
from sqlalchemy import delete, insert, select

from central.core.access import Role
from central.core.consult import Answer
from central.core.excerpt import Excerpt
from central.door import tables as p
from central.store import linkable
from central.store import tables as t
from central.store.tables import audit_line
from tests.integration.dooring import Outside
from tests.integration.serving import Served, text_of
from tests.integration.test_complaints import (
    NAME,
    PHONE,
    PROOF,
    TOKEN,
    act,
    follow,
    got,
    hall,
    outside,
    row_of,
    send,
    window,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["hall", "outside"]
DAY = date(2026, 6, 1)
ASKED, REPLIED = "一次申请被退件三次，窗口没有书面说明理由。", "已责成窗口一次告知、书面说明，并当场受理。"


async def closed(hall: Served, outside: Outside, publish: str = "") -> int:
    """A complaint that was answered, and its complainant content."""
    sent = await send(outside, publish=publish)
    await outside.publish()
    number = await row_of(hall, sent)
    assert await act(hall, Role.COMPLAINTS, number, "accept") == 303
    assert await excerpt(hall, number, ASKED, REPLIED) == 409, "it is not closed"
    assert await act(hall, Role.COMPLAINTS, number, "reply", text=REPLIED) == 303
    await outside.publish()
    _, html = await follow(outside, sent)
    verdict = {"proof": got(PROOF, html), "token": got(TOKEN, html), "solved": "yes"}
    assert (await outside.post("/p/complain/judge", verdict))[0] == 200
    await outside.publish()
    return number


async def excerpt(hall: Served, number: int, text: str, reply: str) -> int:
    async with window(hall, Role.COMPLAINTS) as pane:
        path = f"/hall/complaints/{number}/excerpt"
        return (await pane.post(path, None, csrf="token", text=text, reply=reply)).status


async def decide(hall: Served, role: Role, number: int, to: str) -> int:
    async with window(hall, role) as pane:
        path = f"/hall/excerpts/{number}/{to}"
        return (await pane.post(path, None, csrf="token", why="核对无误，可以公布")).status


async def read(outside: Outside, words: str = "") -> str:
    await outside.publish()
    outside.forget()
    return text_of((await outside.get(f"/p/complain/replies?q={words}"))[1])


async def test_a_reply_is_published_with_consent_by_two_persons_and_taken_back(
    hall: Served, outside: Outside
) -> None:
    number = await closed(hall, outside, publish="yes")
    async with hall.store.write() as conn:
        case = (await conn.execute(select(t.case).where(t.case.c.applicant.is_not(None)).limit(1))).one()
        await linkable.link(conn, number, case.site, case.case_key, "number")
    for text, reply in (
        (f"{case.applicant}的申请被退件三次。", REPLIED),
        (ASKED, f"{case.case_no} 已当场受理。"),
        (f"{NAME}被退件三次，没有书面理由。", REPLIED),
        (ASKED, f"已电话告知 {PHONE}，当场受理。"),
        (ASKED, "请到石桥镇青云巷12号室补齐材料。"),
        ("太短", REPLIED),
    ):
        assert await excerpt(hall, number, text, reply) == 400, (text, reply)
    for _ in range(2):
        assert await excerpt(hall, number, ASKED, REPLIED) == 303, "the same form sent twice is one"
    assert await excerpt(hall, number, ASKED + "改一字", REPLIED) == 409, "one waits already"
    async with window(hall, Role.COMPLAINTS) as pane:
        assert "选登 1 待审核" in text_of((await pane.get(f"/hall/complaints/{number}"))[1])
    async with window(hall, Role.RELEASER) as pane:
        assert (await pane.get(f"/hall/complaints/{number}"))[0] == 403, "who releases sees the excerpt alone"
        assert ASKED in (await pane.get("/hall/excerpts"))[1]
        assert REPLIED in (await pane.get("/hall/excerpts/1"))[1]
    assert "还没有公布过" in await read(outside)
    assert await decide(hall, Role.PUBLISHER, 1, "release") == 403
    assert await decide(hall, Role.RELEASER, 1, "release") == 303
    words = await read(outside, "书面")
    assert (ASKED in words, REPLIED in words, "找到 1 件" in words) == (True, True, True)
    assert "不想再公布，请打" in words, "consent may be taken back (个人信息保护法 article 15)"
    assert "没有找到" in await read(outside, "别的事")
    assert "1 件投诉答复" in text_of((await outside.get("/p/search?q=书面说明"))[1])
    assert await decide(hall, Role.RELEASER, 1, "withdraw") == 303
    assert "还没有公布过" in await read(outside)
    async with outside.press.public.read() as conn:
        assert list(await conn.scalars(select(p.excerpt.c.number))) == []
    assert await excerpt(hall, number, ASKED, REPLIED) == 303, "put right, it is another one"
    assert await decide(hall, Role.RELEASER, 2, "refuse") == 303
    async with hall.store.read() as conn:
        acts = await conn.scalars(
            select(audit_line.c.act).where(audit_line.c.act.like("excerpt.%")).order_by(audit_line.c.id)
        )
        assert list(acts) == [
            f"excerpt.{act}" for act in ("draft", "released", "withdrawn", "draft", "refused")
        ]


async def test_what_nobody_has_agreed_to_is_not_published(hall: Served, outside: Outside) -> None:
    number = await closed(hall, outside)
    assert await excerpt(hall, number, ASKED, REPLIED) == 409
    async with window(hall, Role.COMPLAINTS) as pane:
        _, html = await pane.get(f"/hall/complaints/{number}")
    assert ("不同意公布" in html, "/excerpt" in html) == (True, False)


async def test_a_long_list_is_read_a_light_page_at_a_time(outside: Outside) -> None:
    """Of replies and of answers; all of them can be reached, and a search goes on with its words."""
    await outside.publish()
    texts = ["退件三次，没有书面理由。" * (160 if number % 9 == 0 else 12) for number in range(60)]
    replies = [
        Excerpt(number=n, topic="其他", text=f"{n}号：{text}", reply=REPLIED * 4, day=DAY)
        for n, text in enumerate(texts)
    ]
    answers = [
        Answer(number=n, item="", item_code="", question=f"{n}号：{text[:400]}", answer=text[:900], day=DAY)
        for n, text in enumerate(texts)
    ]
    async with outside.press.public.write() as conn:
        for table, said in ((p.excerpt, replies), (p.answer, answers)):
            rows = [{"number": one.number, "body": msgspec.json.encode(one)} for one in said]
            await conn.execute(insert(table), rows)
    try:
        for first in ("/p/complain/replies?q=书面&big=1", "/p/consult"):
            path, seen = first, list[str]()
            while path:
                outside.forget()
                status, html = await outside.get(path)
                assert (status, len(html.encode()) < 30_000) == (200, True), path
                seen += re.findall(r"(\d+)号：", html)
                after = re.search(r'href="([^"]+)">较早的', html)
                path = unescape(after[1]) if after else ""
            assert seen == [str(number) for number in reversed(range(60))]
        html = (await outside.get("/p/consult?n=99"))[1]
        assert ("较早的" in html, "较新的" in html) == (False, True)
    finally:
        async with outside.press.public.write() as conn:
            for table in (p.excerpt, p.answer):
                await conn.execute(delete(table))
