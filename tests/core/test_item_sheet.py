"""The item catalogue in a sheet: out and in again unchanged, every fault by its cell, and no running case touched."""

from datetime import date

import pytest
from msgspec.structs import replace

from central.core import sheet
from central.core.item import Item, ItemKind, Person, RouteStep, pinned
from central.core.sheet import COLUMNS, Cell
from common.core.errors import UsageError
from common.core.state import Procedure

WHOLE = Item(
    "SX1",
    "食品经营许可",
    20,
    5,
    valid_from=date(2026, 3, 1),
    kind=ItemKind.PROMISED,
    extension_days=10,
    delivery_days=10,
    lead_days=3,
    receipt_counts=True,
    procedures=[Procedure.INSPECTION, Procedure.HEARING],
    route=[RouteStep("受理", 1), RouteStep("审查", 3), RouteStep("听证", None, optional=True)],
    materials=["申请书", "营业执照"],
    fees={"工本费": "10.50"},
    basis="食品安全法",
    published_on=date(2026, 2, 1),
    persons=[Person("张三", "13800000000")],
)
HEAD: list[Cell] = [column.title for column in COLUMNS]


def row(**given: Cell) -> list[Cell]:
    """A sound row with some cells otherwise, by heading."""
    sound: dict[str, Cell] = {
        "事项编码": "SX1",
        "事项名称": "许可",
        "办件类型": "承诺件",
        "法定时限": 20,
        "延期上限": 10,
    }
    return [(sound | given).get(column.title) for column in COLUMNS]


def test_what_is_written_is_read_again() -> None:
    assert sheet.items_of(sheet.cells([WHOLE])) == [WHOLE]
    assert sheet.items_of([HEAD]) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"事项编码": None}, "A2（事项编码）：不能空着"),
        ({"办件类型": "急件"}, "C2（办件类型）：应为 即办件、承诺件、联办件、上报件 之一，现为“急件”"),
        ({"法定时限": "二十"}, "D2（法定时限）：应为 0 至 1000 的整数（工作日），现为“二十”"),
        ({"法定时限": 0}, "D2（法定时限）：不能是 0"),
        ({"承诺时限": 21}, "E2（承诺时限）：21 长于法定时限 20"),
        ({"承诺时限": -1}, "E2（承诺时限）：应为 0 至 1000"),
        ({"承诺时限": "9" * 5_000}, "E2（承诺时限）：应为 0 至 1000 的整数（工作日），现为“9999999999"),
        ({"承诺时限": "５"}, "E2（承诺时限）：应为 0 至 1000"),
        ({"承诺时限": True}, "E2（承诺时限）：应为 0 至 1000"),
        ({"依据": "#REF!"}, "M2（依据）：公式出错"),
        ({"承诺时限": 0}, "E2（承诺时限）：当日办结的是即办件"),
        ({"延期上限": 15}, "F2（延期上限）：行政许可法第四十二条至多 10 个工作日"),
        ({"收件即计": "yes"}, "H2（收件即计）：应为 是 或 否"),
        ({"特别程序": "检验、公示"}, "I2（特别程序）：不是行政许可法第四十五条所列：公示"),
        ({"收费": "工本费10"}, "L2（收费）：应写成 名称=金额（元"),
        ({"收费": "工本费=１２"}, "L2（收费）：应写成 名称=金额（元，至多两位小数）"),
        ({"收费": "工本费=1.005"}, "L2（收费）：应写成 名称=金额（元，至多两位小数）"),
        ({"收费": "工本费=5；工本费=8"}, "L2（收费）：收费“工本费”写了两次"),
        ({"办理环节": "初审；复核；初审"}, "J2（办理环节）：环节“初审”写了两次"),
        ({"办理环节": "初审；：3"}, "J2（办理环节）：有一个环节没有名称"),
        ({"预警提前": 0}, "U2（预警提前）：不能是 0"),
        ({"责任人": "张三 一三八"}, "S2（责任人）：应写成 姓名 电话"),
        ({"生效日期": "明天"}, "T2（生效日期）：应为日期"),
        ({"办件类型": "即办件", "承诺时限": 3}, "E2（承诺时限）：即办件当日办结"),
    ],
)
def test_a_fault_is_told_by_its_cell(given: dict[str, Cell], said: str) -> None:
    with pytest.raises(UsageError) as error:
        sheet.items_of([HEAD, row(**given)])
    assert said in str(error.value)


def test_an_item_that_is_free_says_so_and_one_that_says_nothing_is_not_free() -> None:
    free, open_ = sheet.items_of([HEAD, row(收费="不收费"), row(事项编码="SX2")])
    assert (free.fees, free.is_free, open_.is_free) == ({"不收费": "0"}, True, False)
    assert sheet.items_of(sheet.cells([free])) == [free]


def test_a_joint_item_may_be_extended_by_what_the_law_allows_it() -> None:
    """行政许可法 42: fifteen working days where several organs decide together; nobody has to know that by heart."""
    blank = row(办件类型="联办件", 法定时限=45, 延期上限=None)
    assert [item.extension_days for item in sheet.items_of([HEAD, blank])] == [15]
    assert [item.extension_days for item in sheet.items_of([HEAD, row(延期上限=None)])] == [10]


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(UsageError) as error:
        sheet.items_of([HEAD, row(法定时限="x", 收费="y"), row(), [*row(事项编码="SX2"), "备注"]])
    told = str(error.value)
    assert "有 3 处错误" in told or "有 4 处错误" in told
    for cell in ("D2", "L2", "A3：事项编码 SX1 与第 2 行重复", "W4：表外的内容“备注”"):
        assert cell in told
    with pytest.raises(UsageError, match="第 1 行：表头应为 A 事项编码"):
        sheet.items_of([["编码"], row()])


TODAY = date(2026, 6, 12)


TOMORROW = date(2026, 6, 13)
NEXT_YEAR = date(2027, 1, 1)


def test_a_change_of_a_known_item_begins_tomorrow_and_is_shown() -> None:
    """What was accepted this morning was accepted under what was published then."""
    shorter = sheet.items_of([HEAD, row(承诺时限=3)])
    old = Item("SX1", "许可", 20, 5, extension_days=10)
    known = {"SX1": (old,)}
    [(new, difference)] = sheet.renewed(known, shorter, TODAY)
    assert (new.version, new.valid_from, new.promised_days) == (2, TOMORROW, 3)
    assert pinned((old, new), TODAY) is old
    assert difference == "承诺时限 5 → 3"
    assert sheet.renewed({"SX1": (old, new)}, shorter, TODAY) == [], "the same sheet a second time"
    for day in ("2026-06-11", "2026-06-12"):
        with pytest.raises(UsageError, match="最早从明天 2026-06-13 起，不影响已受理的办件"):
            sheet.renewed(known, sheet.items_of([HEAD, row(承诺时限=3, 生效日期=day)]), TODAY)


def test_a_version_that_waits_for_its_day_is_not_brought_forward_by_another_change() -> None:
    """What is corrected of it begins on its day; what is changed before says all that differs from what is in force."""
    old = Item("SX1", "许可", 20, 5, extension_days=10, basis="a", valid_from=date(2026, 1, 1))
    waits = replace(old, promised_days=3, version=2, valid_from=NEXT_YEAR)
    known = {"SX1": (old, waits)}
    [(corrected, said)] = sheet.renewed(known, [replace(waits, promised_days=4)], TODAY)
    assert (corrected.valid_from, said) == (NEXT_YEAR, "承诺时限 3 → 4")
    for begins in (None, old.valid_from):
        [(new, said)] = sheet.renewed(known, [replace(old, basis="b", valid_from=begins)], TODAY)
        assert (new.version, new.valid_from, new.promised_days, said) == (3, TOMORROW, 5, "依据 a → b")
    assert sheet.to_change((old, waits), TODAY) is old
    assert sheet.to_change((old, waits), date(2026, 12, 31)) is waits
    assert sheet.renewed(known, [old, waits], TODAY) == []


def test_a_case_goes_by_the_version_of_its_day() -> None:
    old, new = Item("SX1", "许可", 20, 10), Item("SX1", "许可", 20, 3, version=2, valid_from=TODAY)
    corrected = Item("SX1", "许可", 20, 4, version=3, valid_from=TODAY)
    assert pinned((old, new, corrected), date(2026, 6, 11)) is old
    assert pinned((old, new, corrected), TODAY) is corrected
    assert pinned((new, corrected), date(2020, 1, 1)) is new
    assert pinned((), TODAY) is None
    assert pinned((old, new), None) is new
