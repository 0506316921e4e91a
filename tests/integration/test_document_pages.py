"""Anybody may ask whether a document is genuine, and learns nothing that stands only inside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import update

from central import document
from central.core.document import Kind
from central.core.throttle import PER_MINUTE
from central.paper.press import Press
from central.store import documents
from central.store import tables as t
from central.web.verify_document import LOOKS
from common.core.instant import DAY, local_date
from tests.contract.issuing import ZONE, order
from tests.integration import city, serving
from tests.integration.serving import OPERATIONS, FridayClock, Served, Window, nothing, text_of
from tests.papers import FACTS, ISSUER

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAME = "欧阳某某"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("documents")
    async with serving.serve(folder, FridayClock(), fill=nothing) as served:
        async with served.store.write() as conn:
            await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
        yield served


async def issued(hall: Served, subject: str, kind: Kind = Kind.ORDER) -> str:
    facts = replace(FACTS, addressee=NAME, answer_by=local_date(city.FRIDAY + 5 * DAY, ZONE))
    one = replace(order(subject, kind), facts=facts)
    async with hall.store.write() as conn:
        return await document.issue(conn, one, OPERATIONS, hall.clock, ZONE)


async def test_a_genuine_document_is_told_by_its_code_and_a_stranger_learns_no_more(
    hall: Served, stranger: Window
) -> None:
    code = await issued(hall, "case/1")
    status, html = await stranger.get(f"/p/verify/{code}")
    assert (status, "文件正在生成" in html) == (200, True)
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    status, html = await stranger.get(f"/p/verify/{code.lower()}")
    text = text_of(html)
    assert status == 200
    for words in ("核对相符", "督办通知书", "云监督〔2026〕1号", "云州市监察局", "超过承诺时限办理"):
        assert words in text
    async with hall.store.read() as conn:
        row = await documents.find(conn, code)
    assert row is not None
    assert row.pdf.hex() in text
    for secret in (NAME, FACTS.case_no, "drafter", "signer"):
        assert secret is not None
        assert secret not in html


async def test_a_document_to_a_citizen_does_not_tell_to_whom_or_about_what(
    hall: Served, stranger: Window
) -> None:
    code = await issued(hall, "complaint/1", Kind.COMPLAINT_REPLY)
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    status, html = await stranger.get(f"/p/verify/{code}")
    assert (status, "投诉答复书" in html) == (200, True)
    for secret in (NAME, "标题", str(FACTS.case_no), str(FACTS.reason)):
        assert secret not in html


async def test_spoiled_and_changed_ones_are_told(hall: Served, stranger: Window) -> None:
    spoiled, changed = await issued(hall, "case/2"), await issued(hall, "case/3")
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    async with hall.store.write() as conn:
        await documents.spoil(conn, spoiled, "w", "写错", hall.clock.wall())
        row = await documents.find(conn, changed)
        assert row is not None
        other = row.paper.replace("石桥".encode(), "云溪".encode()).replace(
            NAME.encode(), "别人某某".encode()
        )
        await conn.execute(update(t.document).where(t.document.c.code == changed).values(paper=other))
    assert "作废，不再有效" in text_of((await stranger.get(f"/p/verify/{spoiled}"))[1])
    text = text_of((await stranger.get(f"/p/verify/{changed}"))[1])
    assert "签名不符" in text
    assert "核对相符" not in text


async def test_a_code_typed_in_leads_on_and_what_is_no_code_is_told(hall: Served, stranger: Window) -> None:
    code = await issued(hall, "case/1")
    answer = await stranger.head(f"/p/verify?code={code.lower().replace('-', '%20')}")
    assert (answer.status, answer.headers["Location"]) == (303, f"/p/verify/{code}")
    status, html = await stranger.get("/p/verify?code=12%3Cb%3E")
    assert (status, "16 位" in text_of(html), "<b>" in html.partition("value=")[2][:20]) == (200, True, False)
    unknown = [
        await stranger.get(f"/p/verify/{one}") for one in ("0000-0000-0000-0000", "x", "%3Cb%3E", "1" * 300)
    ]
    assert {status for status, _ in unknown} == {404}
    assert len({text_of(html) for _, html in unknown}) == 1
    assert (await stranger.get("/p/verify"))[0] == 200


async def test_one_address_may_look_so_often_and_no_more(hall: Served, stranger: Window) -> None:
    hall.app[LOOKS].clear()
    found = [(await stranger.get("/p/verify/0000-0000-0000-0000"))[0] for _ in range(PER_MINUTE + 3)]
    assert found[:PER_MINUTE] == [404] * PER_MINUTE
    assert 429 in found[PER_MINUTE:]
    hall.app[LOOKS].clear()
