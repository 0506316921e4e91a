"""Seals over both databases: two persons, one in force, and what has been issued keeps what it was issued with."""

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from central import document, seal
from central.core import seal as rules
from central.core.access import Role
from central.core.document import Paper, decoded
from central.paper import press
from central.seal import Picture, Who
from central.store import documents, seals, trail
from central.store import tables as t
from central.store.engine import Store
from common.core.errors import RejectedError, UsageError
from tests.contract.issuing import ZONE, order
from tests.contract.test_documents import NOW, drawn, issued, store, url
from tests.papers import ISSUER, SECRET, seal_picture

__all__ = ["store", "url"]
BODY = seal_picture(300)
JIAN, LING, OTHER = (
    Who("jian", Role.SUPERVISOR, "启用新印章"),
    Who("ling", Role.CHIEF),
    Who("ling2", Role.CHIEF),
)


def given(issuer: str = "jcj", body: bytes = BODY, *, wide: int = 42, is_drawn: bool = True) -> Picture:
    return Picture(issuer=issuer, body=body, millimetres=wide, is_drawn=is_drawn)


async def put_up(store: Store, who: Who = JIAN, body: bytes = BODY) -> int:
    async with store.write() as conn:
        return await seal.upload(conn, given(body=body), who, NOW)


async def confirmed(store: Store, number: int, who: Who = LING) -> None:
    async with store.write() as conn:
        await seal.confirm(conn, number, who, NOW)


async def paper_of(store: Store, subject: str) -> Paper:
    code = await issued(store, subject)
    async with store.read() as conn:
        row = await documents.find(conn, code)
    assert row is not None
    return decoded(row.paper)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (given(wide=37), "直径须为"),
        (given(wide=51), "直径须为"),
        (given(body=b"\x89PNG\r\n\x1a\n" + bytes(rules.MOST_BYTES)), "超过 256 kB"),
        (given(body=b"\xff\xd8\xff" + bytes(99)), "不是 PNG"),
        (given(body=BODY[:20]), "不是 PNG"),
        (given(body=seal_picture(200)), "须为正方形，边长 300"),
        (given(body=seal_picture(300, 330)), "须为正方形"),
        (given(is_drawn=False), "图片损坏"),
        (given(issuer="nobody"), "没有这个发文机关"),
    ],
)
async def test_a_picture_is_judged_before_it_is_kept(store: Store, picture: Picture, said: str) -> None:
    async with store.write() as conn:
        with pytest.raises(UsageError, match=said):
            await seal.upload(conn, picture, JIAN, NOW)
        assert await documents.body(conn, bytes(32)) is None
    async with store.read() as conn:
        assert await seals.listed(conn) == []


def test_the_typesetter_judges_what_it_can_draw() -> None:
    assert press.can_draw(BODY)
    assert not press.can_draw(BODY[:400])
    assert not press.can_draw(b"\x89PNG\r\n\x1a\n" + bytes(60))


async def test_a_seal_is_in_force_when_another_person_has_confirmed_it(store: Store) -> None:
    assert (await paper_of(store, "case/1")).seal is None
    for role in set(Role) - {Role.SUPERVISOR, Role.CHIEF}:
        with pytest.raises(RejectedError, match="由监察员或监察领导上传"):
            await put_up(store, Who("x", role, "启用新印章"))
    with pytest.raises(UsageError, match="写明原因"):
        await put_up(store, Who("jian", Role.SUPERVISOR))
    number = await put_up(store, replace(LING, why="启用新印章"))
    with pytest.raises(RejectedError, match="待确认"):
        await put_up(store)
    for who, why in ((LING, "不能自己确认"), (JIAN, "由监察领导确认")):
        with pytest.raises(RejectedError, match=why):
            await confirmed(store, number, who)
    assert (await paper_of(store, "case/2")).seal is None, "one that waits is on no paper"
    await confirmed(store, number, OTHER)
    with pytest.raises(RejectedError, match="已经有人办理"):
        await confirmed(store, number, OTHER)
    borne = (await paper_of(store, "case/3")).seal
    assert borne is not None
    assert borne.millimetres == 42
    other = replace(ISSUER, id="other", name="云州市政务局", mark="云政")
    async with store.write() as conn:
        await documents.set_issuer(conn, other, "w", "设置", 0)
        code = await document.issue(conn, replace(order("case/4"), issuer="other"), SECRET, NOW, ZONE)
        row = await documents.find(conn, code)
        assert row is not None
        assert decoded(row.paper).seal is None, "another organ's documents bear none"


async def test_a_new_seal_takes_the_place_of_the_old_one_and_an_ended_one_is_on_no_paper(
    store: Store,
) -> None:
    first = await put_up(store)
    await confirmed(store, first)
    old = (await paper_of(store, "case/1")).seal
    second = await put_up(store, body=seal_picture(310))
    assert (await paper_of(store, "case/2")).seal == old
    await confirmed(store, second)
    new = (await paper_of(store, "case/3")).seal
    assert new not in {None, old}
    async with store.write() as conn:
        with pytest.raises(RejectedError, match="停用印章须由监察领导"):
            await seal.end(conn, second, replace(JIAN, why="遗失了印章"), NOW)
        with pytest.raises(UsageError, match="写明原因"):
            await seal.end(conn, second, LING, NOW)
        await seal.end(conn, second, replace(LING, why="遗失了印章"), NOW)
    assert (await paper_of(store, "case/4")).seal is None
    third = await put_up(store)
    async with store.write() as conn:
        await seal.end(conn, third, replace(JIAN, why="传错了图片"), NOW)
    async with store.read() as conn:
        rows = await seals.listed(conn)
        for act, number, who in (
            ("upload", first, "jian"),
            ("confirm", second, "ling"),
            ("end", third, "jian"),
        ):
            (line,) = await trail.about(conn, f"seal.{act}", f"jcj 印章 {number}", 9)
            assert line.who == who
    assert [(row.ended_why, row.ended_by) for row in rows] == [
        ("传错了图片", "jian"),
        ("遗失了印章", "ling"),
        ("由新的印章替代", "ling"),
    ]


async def test_files_are_made_with_the_very_picture_or_not_at_all(store: Store) -> None:
    await confirmed(store, await put_up(store))
    await issued(store, "case/1")
    seen: list[bytes | None] = []

    def drawing(paper: Paper, picture: bytes | None) -> tuple[bytes, bytes, bool]:
        seen.append(picture)
        return drawn(paper)

    async with store.write() as conn:
        await conn.execute(update(t.document_file).values(digest=bytes(32)))
    assert await document.finish_all(store, drawing, SECRET) == 0
    assert seen == []
    async with store.write() as conn:
        await documents.keep_bodies(conn, [BODY])
    assert await document.finish_all(store, drawing, SECRET) == 1
    assert seen == [BODY]
