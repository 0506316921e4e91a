"""A list as a file says what it is a list of and how whole, shows no person, and starts no formula."""

import csv
import io
from decimal import Decimal

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from central.core.access import Role
from central.core.spreadsheet import BOM, Cell, harmless
from central.export import as_csv, as_xlsx
from central.store import tables as t
from common.core.state import Light
from tests.integration import city_cases
from tests.integration.serving import Served, Window, text_of

EVIL = [
    '=HYPERLINK("http://evil")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "  =1",
    "＝1",
    "%0A",
    "|calc",
    "\x00=1",
    '"=1"',
    "'=1",
    "\u3000“＝1",
    "\u200b=1",
    "\u00a0+cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", EVIL)
def test_what_a_spreadsheet_would_reckon_stays_text(text: str) -> None:
    assert harmless(text).startswith("'")
    book = load_workbook(io.BytesIO(as_xlsx([text], ["a"], [[text]])))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}


@pytest.mark.parametrize("text", ["王;=1+1", "王\t=1+1", '王";=1+1;"', "王\r\n=1+1", "王,=1+1"])
@pytest.mark.parametrize("mark", ",;\t")
def test_whatever_parts_its_cells_no_text_becomes_a_second_one(text: str, mark: str) -> None:
    body = as_csv([], ["甲", "乙"], [["1", text]]).decode().removeprefix(BOM)
    cells = [cell for row in csv.reader(io.StringIO(body), delimiter=mark) for cell in row]
    assert not any(cell.lstrip().startswith("=") for cell in cells)


def test_our_own_numbers_are_numbers_and_a_change_in_percent_is_no_formula() -> None:
    row: list[Cell] = [Decimal(5007), Decimal("99.80"), Decimal("1E+3"), "+5.0%", "-3"]
    body = as_csv([], ["a"], [row]).decode().removeprefix(BOM)
    assert body.splitlines()[1] == "5007,99.80,1000,+5.0%,-3"
    cells = list(load_workbook(io.BytesIO(as_xlsx([], ["a"], [row]))).active.rows)[1]
    assert [(cell.value, cell.data_type) for cell in cells] == [
        (5007, "n"), (99.8, "n"), (1000, "n"), ("+5.0%", "s"), ("-3", "s")
    ]  # fmt: skip
    assert [cell.number_format for cell in cells[:3]] == ["#,##0", "#,##0.00", "#,##0"]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_no_text_breaks_a_row_or_a_file(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(as_csv(["说明"], ["甲", "乙"], rows).decode().removeprefix(BOM))))
    assert [len(line) for line in read] == [1, 2, *[2 for _ in rows]]
    load_workbook(io.BytesIO(as_xlsx(["说明"], ["甲", "乙"], rows)))


@pytest.mark.asyncio(loop_scope="module")
async def test_the_file_is_the_list_of_the_page_with_its_note_masked_and_audited(
    hall: Served, window: Window
) -> None:
    red = t.case.c.light == Light.RED, t.case.c.open
    async with hall.store.write() as conn:
        key = await conn.scalar(select(t.case.c.case_key).where(*red))
        await conn.execute(update(t.case).where(t.case.c.case_key == key).values(item_name=EVIL[0]))
        count = await conn.scalar(select(func.count()).where(*red))
    async with window.session.get(hall.url + "/hall/cases.csv?light=red") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="cases-')
        text = (await answer.read()).decode()
    assert text.startswith(BOM)
    lines = list(csv.reader(io.StringIO(text.removeprefix(BOM))))
    assert "红灯" in lines[0][0]
    assert f"共 {count} 件" in lines[0][0]
    assert "18 个站点中" in lines[1][0]
    assert len(lines) == 3 + (count or 0)
    assert any(line[3].startswith("'=HYPERLINK") for line in lines[3:])
    assert "秀英" not in text
    assert city_cases.PHONE not in text
    async with hall.store.read() as conn:
        line = (await conn.execute(select(t.audit_line).order_by(t.audit_line.c.id.desc()))).first()
    assert line is not None
    assert (line.who, line.act) == ("supervisor", "case.export")
    assert "红灯" in line.subject


@pytest.mark.asyncio(loop_scope="module")
async def test_a_person_is_shown_only_for_a_reason_and_the_look_stays_on_the_case(hall: Served) -> None:
    case, place = "/hall/cases/s03/2026060403202", "/hall/reveal/s03/2026060403202"
    good = {"csrf": "token", "reason": "核实疑点", "why": "电话核对办结时间"}
    async with aiohttp.ClientSession(cookies=await hall.session(Role.CHIEF)) as session:
        own = Window(hall, session)
        before = (await own.get(case))[1]
        assert "还没有人查看过" in before
        for reason, why in (("", ""), ("好奇", "想看看是谁"), ("核实疑点", "看")):
            assert (await own.post(place, csrf="token", reason=reason, why=why)).status == 400
        assert (await own.post(place, None, **good | {"csrf": ""})).status == 403
        assert (await own.post("/hall/reveal/s03/nothing", None, **good)).status == 404
        assert "还没有人查看过" in (await own.get(case))[1], "a look that showed nothing is none"
        answer = await own.post(place, None, **good)
        assert answer.headers["Cache-Control"] == "no-store"
        assert city_cases.PHONE in await answer.text()
        after = (await own.get(case))[1]
        assert city_cases.PHONE not in after
        assert "核实疑点：电话核对办结时间" in text_of(after)
    async with aiohttp.ClientSession(cookies=await hall.session(Role.LEADER)) as session:
        own = Window(hall, session)
        assert "电话核对" not in (await own.get(case))[1]
        assert (await own.post(place, None, **good)).status == 403
