"""投诉答复选登: with the complainant's consent, without who it was, by two persons, until it is taken back."""

import pytest
from sqlalchemy import select

from central.core.access import Role
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
