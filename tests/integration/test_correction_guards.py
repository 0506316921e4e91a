"""Ways around the four eyes of a correction, tried by real requests: each is refused, and the page does not offer it."""

import re
from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import unquote

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select

from central import correction_check
from central.store import documents, scope
from central.store import tables as t
from tests.integration import serving
from tests.integration.serving import Served, text_of
from tests.integration.test_corrections import REASON, Ahead, done, fill, logged_in, look, refused, sign

pytestmark = pytest.mark.asyncio(loop_scope="module")
MEASURES = "立即办结该件\n完善替岗制度"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("guards"), Ahead(), fill=fill) as served:
        await look(served)
        yield served


async def issued(hall: Served) -> int:
    """A red light whose order has been signed by ling1, of a unit that zhang heads."""
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.id, one.site).where(one.is_red, one.state == "raised").order_by(one.id).limit(1)
        row = (await conn.execute(query)).one()
    async with hall.store.write() as conn:
        await scope.give(conn, "zhang", [row.site], [])
    await done(hall, "jian1", row.id, "draft")
    await done(hall, "jian2", row.id, "review")
    await done(hall, "ling1", row.id, "issue")
    return int(row.id)


async def void(hall: Served, name: str, code: str) -> tuple[int, str]:
    async with logged_in(hall, name) as own:
        url, form = f"{hall.url}/hall/documents/{code}/spoil", {"csrf": "token", "why": "写错了单位"}
        async with own.session.post(url, data=form, allow_redirects=False) as answer:
            return answer.status, text_of(await answer.text())


async def order_of(hall: Served, number: int) -> str:
    async with hall.store.read() as conn:
        return str((await documents.of_correction(conn, number))[0].code)


async def test_who_issued_does_not_end_it_by_withdrawal_either(hall: Served) -> None:
    number = await issued(hall)
    await refused(hall, "ling1", number, "withdraw", "签发的人不能自己撤销")
    await done(hall, "ling2", number, "withdraw", reason="灯已由人认定撤销")
    async with hall.store.read() as conn:
        assert (await correction_check.check_all(conn)).faults == []


async def test_an_order_is_void_only_when_nobody_is_held_to_it_any_more_and_not_by_its_own_unit(
    hall: Served,
) -> None:
    number = await issued(hall)
    code = await order_of(hall, number)
    async with hall.store.read() as conn:
        site = await conn.scalar(select(t.correction.c.site).where(t.correction.c.id == number))
    assert site is not None
    async with hall.store.write() as conn:
        await scope.settle(conn, "zijia", site)
    for who, why in (("ling2", f"纠错 {number} 号还在据这份文书办理"), ("zijia", "不能作废致本单位的文书")):
        status, said = await void(hall, who, code)
        assert (status, why in said) == (409, True), who
        async with logged_in(hall, who) as own:
            assert "作废这份文书" not in (await own.get(f"/hall/documents/{code}"))[1]
    await done(hall, "ling2", number, "withdraw", reason="单位写错")
    assert (await void(hall, "zijia", code))[0] == 409
    assert (await void(hall, "ling2", code))[0] == 303
    async with hall.store.read() as conn:
        assert (await correction_check.check_all(conn)).faults == []


async def test_nothing_is_closed_before_its_accountability_has_been_signed(hall: Served) -> None:
    number = await issued(hall)
    await done(hall, "zhang", number, "receive")
    await done(hall, "zhang", number, "explain", reason=REASON)
    await done(hall, "ling1", number, "uphold", reason=REASON, measures=MEASURES)
    await done(hall, "zhang", number, "rectify", reason="已经办结并建立替岗制度")
    await done(hall, "jian1", number, "account", reason=REASON, measures="对责任人员批评教育")
    await done(hall, "jian2", number, "confirm", reason="已到现场核实")
    await refused(hall, "ling2", number, "close", "责任追究建议书还没有签发")
    async with logged_in(hall, "ling2") as own:
        assert "责任追究建议书签发后才能销号" in text_of((await own.get(f"/hall/corrections/{number}"))[1])
    await sign(hall, "ling1", number)
    await done(hall, "ling2", number, "close", reason="该件已经办结，造成超期的原因已经消除")


async def test_what_calls_itself_something_else_is_handed_out_as_what_it_is(hall: Served) -> None:
    """A page of script behind the first bytes of a PDF would run on the PC of who opens it by its name."""
    number = await issued(hall)
    await done(hall, "zhang", number, "receive")
    async with logged_in(hall, "zhang") as own:
        page = f"/unit/corrections/{number}"
        entries = re.search(r'name="entries" value="(\d+)"', (await own.get(page))[1])
        assert entries is not None
        form = aiohttp.FormData(quote_fields=False)
        for field, text in (
            ("csrf", "token"),
            ("event", "explain"),
            ("entries", entries[1]),
            ("reason", REASON),
        ):
            form.add_field(field, text)
        form.add_field("file", BytesIO(b"%PDF-1.4 <script>alert(1)</script>"), filename="说明.hta")
        async with own.session.post(f"{hall.url}{page}/act", data=form, allow_redirects=False) as answer:
            assert answer.status == 303
    async with logged_in(hall, "ling1") as own:
        html = (await own.get(f"/hall/corrections/{number}"))[1]
        (path,) = set(re.findall(rf'href="(/hall/corrections/{number}/files/[0-9a-f]+)"', html))
        async with own.session.get(hall.url + path) as answer:
            assert answer.status == 200
            assert answer.content_type == "application/pdf"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert unquote(answer.headers["Content-Disposition"]).endswith("说明.hta.pdf")


async def test_the_office_sees_until_when_its_yellow_lights_are(hall: Served) -> None:
    one = t.correction.c
    async with hall.store.read() as conn:
        query = select(one.site, one.id).where(one.is_red.is_(False), one.state == "notified").limit(1)
        row = (await conn.execute(query)).one()
    async with hall.store.write() as conn:
        await scope.give(conn, "chuang", [row.site], [])
    async with logged_in(hall, "chuang") as own:
        html = (await own.get("/unit"))[1]
        assert f'href="/unit/corrections/{row.id}"' in html
        assert re.search(r"最后一日 \d+月\d+日 周", text_of(html))
        assert (await own.get(f"/unit/corrections/{row.id}"))[0] == 200
