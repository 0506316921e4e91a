"""What pages and commands say of findings: both versions, nobody's name or number, and who explained what."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import insert, select

from central import judge
from central.core.access import Role
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import tables as t
from central.store.engine import Store
from central.welcome import introduce
from common.clock import Clock
from common.core import record
from common.core.instant import DAY, HOUR, MINUTE, from_us
from common.core.record import Case, Observation, Op, Record, Step
from common.core.state import CaseStatus
from tests.browser import browser
from tests.integration import city, serving
from tests.integration.city_cases import ZONE
from tests.integration.serving import Served, Window, text_of
from tests.sender import SECRETS, SIGN_KEY, Sender, draft

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = "s12"
PHONE, NAME = "13800000017", "欧阳慕白"


def text(at: int) -> str:
    return from_us(at, ZONE).isoformat()


def _row(body: Case | Step, number: int, at: int, **fields: Any) -> Record:
    table = "case" if isinstance(body, Case) else "step"
    made = draft(body, key=body.case_key + table, table=table, version=number, at=at)
    return replace(made, same_until=at - MINUTE if number > 1 else None, **fields)


def drafts(now: int) -> list[Record]:
    """One row of every code, with names and numbers in every free text, and two observations."""
    opened = now - 9 * DAY
    whose = {"applicant": NAME, "phone": PHONE, "item_name": "食品经营许可", "responsible": "李静"}

    def case(key: str, **fields: Any) -> Case:
        said = {"accepted_at": text(opened), "status": CaseStatus.ACCEPTED, **whose, **fields}
        return Case(case_key=key, case_no=f"2026{key}", **said)

    done = {"finished_at": text(now - 5 * DAY), "status": CaseStatus.DONE}
    due = {"deadline": text(now - 3 * DAY)}
    note = {"BZ": f"{NAME}来电 {PHONE}"}
    pairs = [
        (case("f1", **due), case("f1", **due, **done, outcome=f"{NAME}已领证，电话 {PHONE}")),
        (case("f2", **done), case("f2", **{**done, "finished_at": text(now - 6 * DAY)})),
        (case("f3", deadline=text(now - 2 * DAY)), case("f3", deadline=text(now + 9 * DAY))),
        (case("f5"), case("f5", watched=note, phone="13800000018")),
        (case("f6", **done), case("f6", status=CaseStatus.IN_PROGRESS)),
    ]
    made: list[Record] = []
    for before, after in pairs:
        first = opened if before.status is CaseStatus.ACCEPTED else now - 5 * DAY + MINUTE
        times = [opened - HOUR] * 2 if after.watched else [first, now - DAY]
        made += [_row(before, 1, first, src_at=text(times[0]))]
        made += [_row(after, 2, now - DAY, src_at=text(times[1]))]
    step = Step(case_key="f1", step_name="现场踏勘", actor="赵刚", opinion=f"{NAME} {PHONE} 符合条件")
    made += [_row(step, 1, opened), _row(Step(case_key="f1"), 2, now - DAY, op=Op.DELETE)]
    restored = Observation("source_restored", "case", "", '{"pages":4,"rows":812}')
    missing = Observation("number_missing", "case", "20260612017", "")
    return [*made, _seen(restored, now), _seen(missing, now)]


def _seen(body: Observation, at: int) -> Record:
    made = draft(Case(case_key=""), at=at)
    kind = record.RecordKind.OBSERVATION
    return replace(made, kind=kind, digest=b"", body=record.encode_body(body))


async def fill(store: Store, clock: Clock) -> None:
    now = Moment(clock.office(), clock.wall())
    sender = Sender(SITE, 7)
    sender.number(*drafts(now.at))
    box = {"site": SITE, "generation": 7, "sign_key": sender.sign_key, "state": "active", "created_wall": 0}
    async with store.write() as conn:
        await city.fill(conn, now.at, now.wall, cases_a_day=6)
        await conn.execute(insert(t.box), [box])
        world = await judge.load_world(conn, ZONE)
        await introduce(conn, SITE, sender.hello(), now.wall)
        await ingest_batches(conn, [open_batch(SITE, sender.payload(), SECRETS, SIGN_KEY)], world, now)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("findings")
    async with serving.serve(folder, serving.FridayClock(), fill=fill) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def window(hall: Served) -> Any:
    async with aiohttp.ClientSession(cookies=await hall.session(Role.SUPERVISOR)) as session:
        yield Window(hall, session)


async def test_the_list_shows_both_versions_and_when_each_was_seen(window: Window) -> None:
    words = text_of((await window.get("/hall/findings"))[1])
    assert "待核实的 · 共 8 项" in words
    for said in (
        "T1 倒填办结时间",
        "T2 已报时间被改",
        "T3 亮灯后延长时限",
        "T4 记录被删除",
        "T5 不留痕修改",
        "T6 状态回退或换人",
        "T7 批量或整库变动",
        "数据源重建：4 页，812 行",
        "前一版最后看到 6月11日 周四 14:31",
        "新版首次看到 6月11日 周四 14:32",
        "办结时间 – 6月7日 周日 14:32",
        "状态 已办结 办理中",
        "现场踏勘 （已删除）",
        "编号缺号",
        "第 1 条与第 2 条",
    ):
        assert said in words, said


@pytest.mark.parametrize("path", ["/hall/findings", "/hall/findings?state=all", f"/hall/cases/{SITE}/f1"])
async def test_no_page_of_findings_names_an_applicant_or_a_number(window: Window, path: str) -> None:
    status, html = await window.get(path)
    assert status == 200
    assert NAME not in html
    assert "欧阳" not in html.replace("欧*", "")
    assert PHONE not in html
    assert "13800000018" not in html
    assert "〔号码已遮挡〕" in html


async def test_a_list_can_be_restricted_and_odd_addresses_do_no_harm(window: Window) -> None:
    one = text_of((await window.get(f"/hall/findings?site={SITE}&code=t3"))[1])
    assert "共 1 项" in one
    assert "没有符合条件的疑点" in text_of((await window.get("/hall/findings?site=s01"))[1])
    for query in ("code=purple", "below=x", "below=99999999999999999999", "below=-1", "site=%00", "state=x"):
        assert (await window.get(f"/hall/findings?{query}"))[0] == 200
    assert "没有符合条件" in text_of((await window.get("/hall/findings?below=1"))[1])


async def test_case_and_site_page_lead_to_the_findings(hall: Served, window: Window) -> None:
    case = text_of((await window.get(f"/hall/cases/{SITE}/f1"))[1])
    assert "倒填办结时间" in case
    assert "记录被删除" in case
    html = (await window.get(f"/hall/sites/{SITE}"))[1]
    assert f"/hall/findings?site={SITE}&amp;code=t1" in html
    async with aiohttp.ClientSession(cookies=await hall.session(Role.CENTRE)) as session:
        html = (await Window(hall, session).get(f"/hall/sites/{SITE}"))[1]
    assert "倒填办结时间" not in html
    assert "/hall/findings" not in html


async def test_a_supervisor_says_what_it_was_and_that_is_audited(hall: Served, window: Window) -> None:
    async with hall.store.read() as conn:
        number = await conn.scalar(select(t.finding.c.id).where(t.finding.c.code == "t2"))
    path = f"/hall/findings/{number}"
    async with aiohttp.ClientSession(cookies=await hall.session(Role.LEADER)) as session:
        reader = Window(hall, session)
        assert path not in (await reader.get("/hall/findings"))[1]
        assert (await reader.post(path, why="系统升级补录", csrf="token")).status == 403
    for why, csrf, status in (
        ("系统升级补录", "", 403),
        ("好", "token", 400),
        ("系统升级补录", "token", 303),
    ):
        assert (await window.post(path, why=why, csrf=csrf, back="case")).status == status
    assert (await window.post(path, why="系统升级补录", csrf="token")).status == 404
    assert path not in (await window.get("/hall/findings"))[1]
    assert "系统升级补录" in text_of((await window.get("/hall/findings?state=all"))[1])
    async with hall.store.read() as conn:
        line = (await conn.execute(select(t.audit_line).order_by(t.audit_line.c.id.desc()))).first()
    assert line is not None
    assert (line.who, line.act, line.why) == ("supervisor", "finding.explain", "系统升级补录")


@pytest.mark.service
@pytest.mark.parametrize("width", [390, 1920])
@pytest.mark.parametrize("path", ["/hall/findings", f"/hall/cases/{SITE}/f1", f"/hall/sites/{SITE}"])
async def test_pages_with_findings_never_scroll_sideways(
    hall: Served, path: str, width: int, tmp_path: Path
) -> None:
    async with browser(tmp_path) as page:
        await page.size(width, 1000)
        for name, value in (await hall.session(Role.SUPERVISOR)).items():
            await page.cookie(name, value, hall.url)
        await page.open(hall.url + path)
        assert await page.ask("document.documentElement.scrollWidth") <= width
