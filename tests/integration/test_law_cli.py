"""Calendar and catalogue on the command line: nothing is written before --yes, and every fault is told at once."""

import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font

from central.core.item import Item
from central.core.sheet import cells
from central.sheet import read
from tests.journey.scene import command

pytestmark = pytest.mark.service

USAGE = 64
NOTICE = """year = 2027
source = "国办发明电〔2026〕9 号"
off = [2027-01-01, 2027-02-05, 2027-02-08, 2027-05-01, 2027-10-01, 2027-10-02, 2027-10-03]
work = [2027-02-20]
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "central.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    return str(path)


async def test_a_notice_is_checked_then_taken_in(config: str, tmp_path: Path) -> None:
    file = tmp_path / "2027.toml"
    file.write_text(
        NOTICE.replace("2027-10-03]", "2027-10-03, 2026-12-31]").replace("02-20", "02-22"), "utf-8"
    )
    take_in = ("calendar", "import", str(file), "--why", "通知", "--config", config)
    code, _, err = await command("mingcha", *take_in)
    assert code == USAGE
    assert "有 2 处不对" in err
    assert "off：2026-12-31 不在 2027 年" in err
    assert "work：2027-02-22 是周一至周五" in err
    file.write_text(NOTICE, "utf-8")
    code, out, err = await command("mingcha", *take_in)
    assert (code, err) == (0, "")
    assert "没有写入" in out
    code, out, _ = await command("mingcha", "calendar", "show", "--year", "2027", "--config", config)
    assert "2027 年的通知还没有导入" in out
    code, out, _ = await command("mingcha", *take_in, "--yes")
    assert "✓ 已写入第 2 版" in out
    code, out, _ = await command("mingcha", "calendar", "show", "--config", config)
    assert "第 2 版\t国办发明电〔2026〕9 号" in out
    assert "2027-02-20\t调休上班" in out
    code, out, _ = await command("mingcha", "calendar", "changes", "2", "--config", config)
    assert (code, out.strip()) == (0, "✓ 这一版没有移动过到期日")
    code, _, err = await command("mingcha", "calendar", "changes", "9", "--config", config)
    assert code == USAGE
    assert "没有第 9 版日历" in err


async def test_items_go_out_as_a_sheet_and_come_in_again(config: str, tmp_path: Path) -> None:
    file = tmp_path / "items.xlsx"
    code, out, err = await command("mingcha", "item", "export", str(file), "--config", config)
    assert (code, err) == (0, "")
    book = load_workbook(file)
    sheet = book.worksheets[0]
    for column, value in {"A": "SX1", "B": "食品经营许可", "C": "承诺件", "D": 20, "E": 25}.items():
        sheet[f"{column}2"] = value
    book.save(file)
    take_in = ("item", "import", str(file), "--why", "首次", "--config", config)
    code, _, err = await command("mingcha", *take_in)
    assert (code, "E2（承诺时限）：25 长于法定时限 20" in err) == (USAGE, True)
    sheet["E2"] = 5
    book.save(file)
    code, out, err = await command("mingcha", *take_in)
    assert (code, err, "没有写入" in out) == (0, "", True)
    code, out, _ = await command("mingcha", *take_in, "--yes")
    assert "✓ 已写入 1 个版本" in out
    code, out, _ = await command("mingcha", *take_in, "--yes")
    assert "与现行清单相同" in out
    code, out, _ = await command("mingcha", "item", "list", "--config", config)
    assert out.strip() == "SX1\t食品经营许可\t承诺件\t法定 20 个工作日，承诺 5 个工作日\t第 1 版"
    for broken in (b"no sheet", _garbled(file.read_bytes())):
        file.write_bytes(broken)
        code, _, err = await command("mingcha", *take_in)
        assert (code, "不是 .xlsx 电子表格" in err) == (USAGE, True)


async def test_the_text_of_a_registered_law_is_imported(config: str, tmp_path: Path) -> None:
    file = tmp_path / "办法.txt"
    file.write_bytes("第一条 甲。".encode("gbk"))
    take_in = (
        "statute",
        "import",
        "《饮水点办法》",
        str(file),
        "--from",
        "2026-01-01",
        "--why",
        "公布",
        "--config",
        config,
    )
    code, _, err = await command("mingcha", *take_in)
    assert (code, "不是 UTF-8" in err) == (USAGE, True)
    file.write_text("云州市令第9号\n第一条 甲。\n第二条 乙。\n", "utf-8")
    code, _, err = await command("mingcha", *take_in)
    assert (code, "还没有登记《饮水点办法》" in err) == (USAGE, True)
    register = ("statute", "set", "饮水点办法", "--from", "2026-01-01", "--why", "公布", "--config", config)
    assert (await command("mingcha", *register))[0] == 0
    code, out, _ = await command("mingcha", *take_in)
    assert (code, "第 1 份全文：2 条，到第二条" in out) == (0, True)


def _garbled(book: bytes) -> bytes:
    """The same archive, its sheet cut off in the middle."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    return out.getvalue()


def test_a_stray_mark_in_the_last_corner_is_no_million_rows(tmp_path: Path) -> None:
    file, book = tmp_path / "wide.xlsx", Workbook()
    for row in cells([Item("SX1", "许可")]):
        book.worksheets[0].append(row)
    book.worksheets[0]["XFD20000"].font = Font(bold=True)
    book.save(file)
    assert [item.code for item in read(file)] == ["SX1"]
