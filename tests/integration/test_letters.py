"""Papers without a correction by real requests: from the page of a case, an item and a rule to the page of the office, with a seal."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update

from central import document, judge
from central.core.access import Role
from central.core.correction import Actor, Event
from central.core.document import decoded
from central.core.item import Item
from central.correction_paper import Desk
from central.paper.press import Press
from central.store import documents, items, law, scope, trail
from central.store import tables as t
from central.store.engine import Store
from central.world import Moment
from common.clock import Clock
from common.core.instant import DAY, HOUR
from tests.correcting import Move, moved
from tests.files import pdf
from tests.integration import city, city_cases, serving
from tests.integration.city_cases import ZONE, Filed
from tests.integration.serving import OPERATIONS, FridayClock, Served, text_of
from tests.integration.test_corrections import logged_in, look
from tests.papers import ISSUER, seal_picture
from tests.readback import sheets

pytestmark = pytest.mark.asyncio(loop_scope="module")
PEOPLE = {
    "jian1": Role.SUPERVISOR,
    "jian2": Role.SUPERVISOR,
    "ling1": Role.CHIEF,
    "ling2": Role.CHIEF,
    "zhang": Role.HEAD,
    "bieren": Role.HEAD,
    "zijia": Role.CHIEF,
}
SITE, CODE, NAME = "s03", "SX/9", "取水许可"
NO_LOGINS = "s07"
NAMES = (
    "../../etc/passwd",
    "C:\\窗口\\公告.pdf",
    '"><script>alert(1)</script>.pdf',
    "a.pdf\r\nSet-Cookie: x=1",
    "年报\u202efdp.exe",
    "x" * 5000 + ".pdf",
    "…/.htaccess",
    "; filename*=UTF-8''evil.html",
    "=cmd|' /C calc'!A1.pdf",
)


async def fill(store: Store, clock: Clock) -> None:
    now_at, now_wall = clock.office(), clock.wall()
    async with store.write() as conn:
        await city.fill(conn, now_at, now_wall, cases_a_day=2)
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
        await items.add(conn, [Item(CODE, NAME, 20, 10, receipt_counts=True)], "w", "t", 0)
        fixed = {"password": "!", "must_change": False, "disabled": False, "created_wall": 0}
        await conn.execute(
            insert(t.user), [{"name": name, "role": role} | fixed for name, role in PEOPLE.items()]
        )
        await scope.give(conn, "zhang", [SITE], [])
        await scope.give(conn, "bieren", ["s05"], [])
        await scope.settle(conn, "zijia", SITE)
        filed = Filed(
            site=SITE,
            key="silent",
            item=(NAME, 20, 10),
            applicant="王秀英",
            accepted=now_at - DAY,
            due=now_at + DAY,
        )
        case = msgspec.structs.replace(
            city_cases.bodies(filed, now_at)[0],
            item_code=CODE,
            accepted_at=None,
            received_at=city_cases._text(now_at - 20 * HOUR),
        )
        row = city_cases._record_row(filed, 0, case, 0, 92_000, now_at, now_wall)
        await conn.execute(insert(t.record), [row])
        await conn.execute(insert(t.row_head), [city_cases._head_row(filed, 0, case, 1, now_at)])
        late = msgspec.structs.replace(
            filed,
            key="late",
            item=("食品经营许可（新办）", 20, 5),
            accepted=now_at - 40 * DAY,
            due=now_at - 30 * DAY,
        )
        await city_cases.add_facts(conn, [late], now_at, now_wall, first_seq=93_000)
        elsewhere = msgspec.structs.replace(late, site=NO_LOGINS)
        await city_cases.add_facts(conn, [elsewhere], now_at, now_wall, first_seq=94_000)
        world = await judge.load_world(conn, ZONE)
        await judge.judge_cases(conn, SITE, {"silent", "late"}, world, Moment(now_at, now_wall), ())
        await judge.judge_cases(conn, NO_LOGINS, {"late"}, world, Moment(now_at, now_wall), ())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("letters"), FridayClock(), fill=fill) as served:
        yield served


async def page(hall: Served, name: str, path: str) -> str:
    async with logged_in(hall, name) as own:
        status, html = await own.get(path)
    assert status == 200, (name, path, status, text_of(html))
    return html


async def post(hall: Served, name: str, path: str, **form: object) -> tuple[int, str, str]:
    """-> status, where it leads, words."""
    async with logged_in(hall, name) as own:
        data = aiohttp.FormData({"csrf": "token"})
        for field, value in form.items():
            if isinstance(value, bytes):
                data.add_field(field, value, filename="a.png", content_type="image/png")
            else:
                data.add_field(field, str(value))
        async with own.session.post(hall.url + path, data=data, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), text_of(await answer.text())


async def issued(hall: Served, draft: str) -> str:
    """Signed by another -> the address of the document."""
    assert (await post(hall, "jian1", f"{draft}/sign"))[0] == 409, "who drafted does not sign"
    status, place, words = await post(hall, "ling1", f"{draft}/sign")
    assert status == 303, words
    return place


async def test_a_letter_goes_from_the_page_of_its_case_to_the_page_of_its_office(hall: Served) -> None:
    case = f"/hall/cases/{SITE}/silent"
    html = await page(hall, "jian1", case)
    assert re.findall(r'name="kind" value="(\w+)"', html) == ["one_time"]
    assert "拟一次性告知提示函" not in text_of(await page(hall, "ling1", case)), "a chief signs"
    form = {"site": SITE, "key": "silent", "kind": "one_time"}
    for who, changes, said in (
        ("ling1", {}, "由能查看全市的监察员拟稿"),
        ("jian1", {"kind": "order"}, "请从办件页拟稿"),
        ("jian1", {"kind": "deemed_renewed"}, "没有出具视为准予延续提示函的情形"),
        ("jian1", {"key": "none"}, "没有这个办件"),
    ):
        status, _, words = await post(hall, who, "/hall/documents/case", **form | changes)
        assert (status, said in words) == (400, True), words
    status, draft, words = await post(hall, "jian1", "/hall/documents/case", **form)
    assert status == 303, words
    assert f"关于{NAME}一次性告知的提示函" in text_of(await page(hall, "ling1", draft))
    assert "待签发" in text_of(await page(hall, "ling1", case))
    to_us = "致本单位的文书"
    assert f"不能签发{to_us}" in text_of(await page(hall, "zijia", draft))
    status, _, words = await post(hall, "zijia", f"{draft}/sign")
    assert (status, f"不能签发{to_us}" in words) == (409, True)
    place = await issued(hall, draft)
    status, _, words = await post(hall, "zijia", f"{place}/spoil", why="不想回复")
    assert (status, f"不能作废{to_us}" in words) == (409, True)
    assert "作废这份文书" not in await page(hall, "zijia", place)
    assert "作废这份文书" in await page(hall, "ling2", place)
    assert "云监告〔2026〕1号" in text_of(await page(hall, "jian1", case))
    words = text_of(await page(hall, "jian1", place))
    assert re.search(r"告知 \d+ 条", words)
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    (own,) = re.findall(r'href="(/unit/documents/[^"]+)"', await page(hall, "zhang", "/unit"))
    (file,) = re.findall(rf'href="({own}\.pdf)"', await page(hall, "zhang", own))
    async with logged_in(hall, "zhang") as own, own.session.get(hall.url + file) as answer:
        assert (await answer.read())[:5] == b"%PDF-"
    async with logged_in(hall, "bieren") as own:
        assert (await own.get(file))[0] == 404
        assert "提示与建议" not in text_of((await own.get("/unit"))[1])


async def test_the_office_answers_on_its_page_and_the_hall_sees_it(hall: Served) -> None:
    """Words and attachments by the checks of an explanation; each look at an attachment in the audit; another office reaches nothing."""
    form = {"site": SITE, "key": "silent", "kind": "one_time"}
    _, draft, _ = await post(hall, "jian1", "/hall/documents/case", **form)
    place = await issued(hall, draft)
    own = place.replace("/hall/", "/unit/")
    assert "待答复" in text_of(await page(hall, "jian1", place))
    assert "须答复的文书" in text_of(await page(hall, "zhang", "/unit"))
    words = text_of(await page(hall, "zhang", own))
    assert re.search(r"请于2026年6月\d+日24时前作出处理，并将处理情况答复本机关", words)
    await _is_overdue_in_the_queue(hall, place)
    answer = {"seen": "0", "reason": "王秀英的材料已于今日一次告知补正"}
    for changes, said in (
        ({"reason": "好"}, "4 至 2000"),
        ({"file": b"GIF89a"}, "不是 PDF"),
        ({"seen": "1"}, "刚刚有人答复过"),
        ({"seen": "x"}, "刚刚有人答复过"),
    ):
        status, _, words = await post(hall, "zhang", f"{own}/answer", **answer | changes)
        assert (status, said in words) == (409, True), words
    assert (await post(hall, "bieren", f"{own}/answer", **answer))[0] == 404
    status, _, words = await post(
        hall, "jian1", f"{place}/answer", **answer, day="2026-06-12", file=b"%PDF-1.7"
    )
    assert (status, "有账号，由它自己答复" in words) == (409, True), words
    assert (await post(hall, "zhang", f"{own}/answer", **answer, file=b"%PDF-1.7 scan"))[0] == 303
    assert (await post(hall, "zhang", f"{own}/answer", seen="1", reason="申请人已补齐材料"))[0] == 303
    html = await page(hall, "jian1", place)
    assert "已答复" in text_of(html)
    assert "的材料已于今日一次告知补正" in text_of(html)
    assert "王秀英" not in html, "no name of an applicant on a page"
    assert "补充答复" in text_of(html)
    first, _, rest = (await page(hall, "zhang", "/unit")).partition("提示与建议")
    assert own in rest
    assert own not in first, "what is answered waits no more"
    number = re.findall(r"云监告〔2026〕\d+号", text_of(html))[0]
    assert number in text_of(await page(hall, "jian1", "/hall/documents?answer=answered"))
    assert number not in text_of(await page(hall, "jian1", "/hall/documents?answer=owed"))
    (file,) = re.findall(r'href="(/hall/documents/[^"]+/files/\w+)"', html)
    for who, address in (("jian1", file), ("zhang", file.replace("/hall/", "/unit/"))):
        async with logged_in(hall, who) as mine, mine.session.get(hall.url + address) as got:
            assert await got.read() == b"%PDF-1.7 scan"
    async with logged_in(hall, "bieren") as other:
        assert (await other.get(own))[0] == 404
        assert (await other.get(file.replace("/hall/", "/unit/")))[0] == 404
    async with hall.store.read() as conn:
        looks = await trail.about(conn, "document.show", f"{number} 答复附件", 9)
    assert {one.who for one in looks} == {"jian1", "zhang"}


async def _is_overdue_in_the_queue(hall: Served, place: str) -> None:
    """While nobody has answered by the day; of others nothing is asked."""
    code = place.rpartition("/")[2]
    one = t.document.c
    assert place not in await page(hall, "jian1", "/hall/queue")
    async with hall.store.write() as conn:
        last = await conn.scalar(select(one.answer_by).where(one.code == code))
        await conn.execute(update(t.document).where(one.code == code).values(answer_by="2026-06-08"))
    html = await page(hall, "jian1", "/hall/queue?kind=letter")
    assert ("逾期未答复的文书" in html, place in html, "6月8日 周一" in html) == (True, True, True)
    assert place not in await page(hall, "jian1", "/hall/queue?kind=letter&site=s05")
    async with hall.store.write() as conn:
        await conn.execute(update(t.document).where(one.code == code).values(answer_by=last))


async def test_an_office_without_logins_answers_on_paper(hall: Served) -> None:
    html = await page(hall, "jian1", "/hall/rules/L42-P")
    assert "没有办件" not in text_of(html), "its clocks hold cases"
    assert f"/hall/cases/{SITE}/late" in html
    offices = re.findall(r'<option value="([^"]+/[^"]*)">', html)
    office = next(one for one in offices if one.startswith(f"{NO_LOGINS}/"))
    form = {
        "rule": "L42-P",
        "office": office,
        "measures": "逐件核查",
        "reason": "替岗不到位",
        "period": "2026-05",
    }
    status, draft, words = await post(hall, "jian1", "/hall/documents/rule", **form)
    assert status == 303, words
    place = await issued(hall, draft)
    code = place.rpartition("/")[2]
    words = text_of(await page(hall, "jian1", place))
    assert "单位没有账号：收到纸质答复后登记" in words
    assert "登记纸质答复" not in text_of(await page(hall, "ling2", place)), "an officer enters it, no chief"
    entered = {"seen": "0", "reason": "来函称已采纳，替岗制度已印发", "day": "2026-06-12"}
    scan = b"%PDF-1.7 letter"
    for who, changes, said in (
        ("jian1", {}, "须附扫描件"),
        ("jian1", {"file": scan, "day": "x"}, "请填写纸质答复的日期"),
        ("jian1", {"file": scan, "day": "2026-06-11"}, "早于文书签发"),
        ("jian1", {"file": scan, "day": "2026-06-13"}, "在今天之后"),
        ("ling1", {"file": scan}, "由监察员登记"),
    ):
        status, _, words = await post(hall, who, f"{place}/answer", **entered | changes)
        assert (status, said in words) == (409, True), words
    assert (await post(hall, "jian1", f"{place}/answer", **entered, file=scan))[0] == 303
    words = text_of(await page(hall, "jian1", place))
    assert "6月12日 纸质答复（jian1 登记）" in words
    status, _, words = await post(hall, "ling2", f"/hall/documents/{code}/spoil", why="写错了单位")
    assert status == 303, words
    status, _, words = await post(hall, "jian1", f"{place}/answer", **entered | {"seen": "1"}, file=scan)
    assert (status, "已经作废" in words) == (409, True), words


async def test_what_an_item_lacks_and_what_a_rule_is_broken_by_become_papers(hall: Served) -> None:
    html = await page(hall, "jian1", f"/hall/items/{CODE}")
    assert "缺：依据、条件、数量、程序、材料目录、示范文本、公示日期" in text_of(html)
    (office,) = re.findall(r'name="office" value="([^"]+)"', html)
    ask = "/hall/documents/item"
    assert (await post(hall, "jian1", ask, code=CODE, office="s05/"))[0] == 400
    status, draft, words = await post(hall, "jian1", ask, code=CODE, office=office)
    assert status == 303, words
    assert (await post(hall, "jian1", ask, code=CODE, office=office))[0] == 409, "one waits at a time"
    place = await issued(hall, draft)
    words = text_of(await page(hall, "jian1", place))
    assert "云监公〔2026〕1号" in words
    assert "7．公示日期。" in words
    html = await page(hall, "jian1", "/hall/rules/L42-P")
    offices = re.findall(r'<option value="([^"]+/[^"]*)">', html)
    (office,) = [one for one in offices if one.startswith(f"{SITE}/")]
    form = {"rule": "L42-P", "office": office, "measures": "完善替岗制度\n逐件核查", "reason": "替岗不到位"}
    ask = "/hall/documents/rule"
    for changes, said in (
        ({"reason": "短"}, "须写明情况"),
        ({"period": "2026-06"}, "还没有结束"),
        ({"period": "2025-05"}, "没有违反规则 L42-P 的办件"),
        ({"office": ""}, "请选择主送单位"),
    ):
        status, _, words = await post(hall, "jian1", ask, **{"period": "2026-05"} | form | changes)
        assert (status, said in words) == (400, True), words
    status, draft, words = await post(hall, "jian1", ask, **form, period="2026-05")
    assert status == 303, words
    changed = {"reason": "替岗不到位，已核实", "measures": "完善替岗制度"}
    assert (await post(hall, "jian2", f"{draft}/edit", **changed))[0] == 303
    words = text_of(await page(hall, "ling1", draft))
    assert "jian2" in words
    assert "要求： 完善替岗制度；逐件核查 → 完善替岗制度" in words
    assert (await post(hall, "ling1", f"{draft}/sign"))[0] == 409, "the page that he signs from is older"
    (edits,) = re.findall(r'name="edits" value="(\d)"', await page(hall, "ling1", draft))
    status, place, words = await post(hall, "ling1", f"{draft}/sign", edits=edits)
    assert status == 303, words
    words = text_of(await page(hall, "jian1", place))
    assert "2026年5月你单位存在超过承诺时限办理的情形" in words
    assert "替岗不到位，已核实。上述情形" in words


async def test_a_seal_is_put_up_by_one_confirmed_by_another_and_stands_on_the_next_paper(
    hall: Served,
) -> None:
    at, body = "/hall/documents/seals", seal_picture(300)
    assert "没有使用中的印章：云州市监察局" in text_of(await page(hall, "jian1", at))
    form = {"issuer": "jcj", "millimetres": "42", "why": "启用新印章"}
    for changes, said in (
        ({"file": b"GIF89a"}, "不是 PNG"),
        ({"file": body[:600]}, "图片损坏"),
        ({"file": body, "millimetres": "x"}, "直径须为"),
        ({}, "不是 PNG"),
    ):
        status, _, words = await post(hall, "jian1", at, **form | changes)
        assert (status, said in words) == (400, True), words
    assert (await post(hall, "jian1", at, **form, file=body))[0] == 303
    (picture,) = re.findall(r'src="(/hall/documents/seals/\d+\.png)"', await page(hall, "ling1", at))
    one = picture.removesuffix(".png")
    async with logged_in(hall, "ling1") as own, own.session.get(hall.url + picture) as answer:
        assert await answer.read() == body
    assert (await post(hall, "jian1", f"{one}/confirm"))[0] == 409
    assert (await post(hall, "ling1", f"{one}/confirm"))[0] == 303
    assert "使用中" in text_of(await page(hall, "jian1", at))
    form = {"site": SITE, "key": "silent", "kind": "one_time"}
    _, draft, _ = await post(hall, "jian1", "/hall/documents/case", **form)
    place = await issued(hall, draft)
    assert "已加盖" in text_of(await page(hall, "jian1", place))
    await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
    async with hall.store.read() as conn:
        row = await documents.find(conn, place.rpartition("/")[2])
        assert row is not None
        pdf, docx = await documents.body(conn, row.pdf), await documents.body(conn, row.docx)
    assert pdf is not None
    assert docx is not None
    (seal,) = [one for sheet in sheets(pdf) for one in sheet.pictures]
    assert round(seal.right - seal.left) == 42
    assert decoded(row.paper).seal is not None
    assert (await post(hall, "ling2", f"{one}/refuse", why="印章已更换"))[0] == 303
    assert "已停用" in text_of(await page(hall, "jian1", at))


async def test_a_receipt_on_paper_is_entered_on_the_page_of_its_correction(hall: Served) -> None:
    await look(hall)
    one = t.correction.c
    async with hall.store.read() as conn:
        wanted = one.is_red, one.site.not_in([SITE, "s05"])
        number = await conn.scalar(select(one.id).where(*wanted).order_by(one.id).limit(1))
        at = Desk(hall.clock, ZONE, await law.calendar(conn), OPERATIONS)
    assert number is not None
    chief = Actor("ling1", Role.CHIEF)
    moves: list[Move] = [
        (Event.DRAFT, Actor("jian1", Role.SUPERVISOR)),
        (Event.REVIEW, Actor("jian2", Role.SUPERVISOR)),
    ]
    await moved(hall.store, number, at, *moves, (Event.ISSUE, chief))
    path = f"/hall/corrections/{number}"
    assert "登记纸质送达回证" not in text_of(await page(hall, "ling2", path)), (
        "an officer enters it, no chief"
    )
    html = await page(hall, "jian1", path)
    (entries,) = set(re.findall(r'name="entries" value="(\d+)"', html))
    form = {"event": "serve", "entries": entries, "day": str(at.today), "reason": "当面送达，经办人签收"}
    for changes, said in (
        ({}, "须附回证的扫描件"),
        ({"day": "x", "file": b"%PDF-1.7"}, "请填写回证上的签收日期"),
    ):
        status, _, words = await post(hall, "jian1", f"{path}/act", **form | changes)
        assert (status, said in words) == (409, True), words
    assert (await post(hall, "jian1", f"{path}/act", **form, file=b"%PDF-1.7 scan"))[0] == 303
    words = text_of(await page(hall, "jian1", path))
    assert "附件 a.png" in words
    assert "责令说明理由通知书 待签发" in words
    async with hall.store.read() as conn:
        (order,) = await documents.of_correction(conn, number)
    assert "纸质回证（jian1 登记）签收" in text_of(await page(hall, "jian1", f"/hall/documents/{order.code}"))


async def test_a_name_of_a_file_is_a_name_and_nothing_else(hall: Served) -> None:
    """What a hostile office calls its attachments."""
    form = {"site": SITE, "key": "silent", "kind": "one_time"}
    _, draft, _ = await post(hall, "jian1", "/hall/documents/case", **form)
    place = (await issued(hall, draft)).replace("/hall/", "/unit/")
    async with logged_in(hall, "zhang") as own:
        for number, name in enumerate(NAMES):
            html = (await own.get(place))[1]
            said = aiohttp.FormData(quote_fields=False)
            seen = re.findall(r'name="seen" value="(\d+)"', html)[0]
            for field, value in {"csrf": "token", "seen": seen, "reason": f"补充第 {number} 份材料"}.items():
                said.add_field(field, value)
            body = pdf() + b"%% %d" % number
            said.add_field("file", body, filename=name.replace("\r\n", "%0D%0A").replace('"', "%22"))
            url = f"{hall.url}{place}/answer"
            async with own.session.post(url, data=said, allow_redirects=False) as answer:
                assert answer.status == 303, (name, answer.status)
        html = (await own.get(place))[1]
        assert "<script>alert" not in html
        files = re.findall(rf'href="({place}/files/\w+)"', html)
        assert len(files) == len(NAMES)
        for file in files:
            async with own.session.get(hall.url + file) as answer:
                told = answer.headers["Content-Disposition"]
                assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w.~%-]+\.pdf", told), told
                assert len(told) < 900
                assert (answer.status, answer.content_type) == (200, "application/pdf")
                assert "%2F" not in told
                assert "Set-Cookie" not in answer.headers
