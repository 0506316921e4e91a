"""The item catalogue as a sheet of cells: one row an item, every fault named by its cell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from central.core.item import (
    EXTENSION_DAYS,
    FREE,
    JOINT_EXTENSION_DAYS,
    Item,
    ItemKind,
    Person,
    RouteStep,
    pinned,
)
from common.core.errors import UsageError
from common.core.state import Procedure

Cell = str | int | float | bool | date | datetime | None
LONGEST_DAYS = 1_000
_BROKEN = {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}
_DIGITS = 9
_SHOWN = 40
"""Of a cell that is wrong, so many characters are told."""


class _CellError(ValueError):
    """What is wrong with a cell, for people."""


def _text(value: Cell) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a number typed into a cell of text
    return "" if value is None else str(value).strip()


def _days(value: Cell) -> int | None:
    text = _text(value)
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS or int(text) > LONGEST_DAYS:
        raise _CellError(f"应为 0 至 {LONGEST_DAYS} 的整数（工作日），现为“{text[:_SHOWN]}”")
    return int(text)


def _day(value: Cell) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not _text(value):
        return None
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        raise _CellError(f"应为日期，如 2026-07-01，现为“{_text(value)[:_SHOWN]}”") from None


def _yes(value: Cell) -> bool:
    text = _text(value)
    if text not in {"", "是", "否"}:
        raise _CellError(f"应为 是 或 否，现为“{text}”")
    return text == "是"


def _kind(value: Cell) -> ItemKind:
    found = {kind.word: kind for kind in ItemKind}.get(_text(value))
    if found is None:
        raise _CellError(f"应为 {'、'.join(kind.word for kind in ItemKind)} 之一，现为“{_text(value)}”")
    return found


def _list(value: Cell) -> list[str]:
    text = _text(value).replace(";", "；").replace("\n", "；")
    return [part.strip() for part in text.split("；") if part.strip()]


def _procedures(value: Cell) -> list[Procedure]:
    known = {one.word: one for one in Procedure if one is not Procedure.OTHER}
    words = [word for part in _list(value) for word in part.replace("，", "、").split("、")]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise _CellError(f"不是行政许可法第四十五条所列：{'、'.join(unknown)}（可用：{'、'.join(known)}）")
    return [known[word] for word in words]


def _route(value: Cell) -> list[RouteStep]:
    found = []
    for part in _list(value):
        name, _, days = part.replace("：", ":").partition(":")
        optional = name.strip().endswith("?") or name.strip().endswith("？")
        found.append(RouteStep(name.strip().rstrip("?？").strip(), _days(days), optional))
    _told_apart("环节", [step.name for step in found])
    return found


def _told_apart(what: str, names: Sequence[str]) -> None:
    """What an act is found by has a name, and each its own: of two alike nobody knows which one was meant."""
    if "" in names:
        raise _CellError(f"有一个{what}没有名称")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _CellError(f"{what}“{twice[0][:_SHOWN]}”写了两次")


def _fees(value: Cell) -> dict[str, str]:
    if _text(value) == FREE:
        return {FREE: "0"}
    found = []
    for part in _list(value):
        name, _, amount = part.partition("=")
        whole, _, cents = amount.strip().partition(".")
        is_money = amount.isascii() and whole.isdecimal() and (cents or "0").isdecimal() and len(cents) <= 2
        if not name.strip() or not is_money:
            raise _CellError(f"应写成 名称=金额（元，至多两位小数）或 不收费，现为“{part[:_SHOWN]}”")
        found.append((name.strip(), amount.strip()))
    _told_apart("收费", [name for name, _ in found])
    return dict(found)


def _persons(value: Cell) -> list[Person]:
    found = []
    for part in _list(value):
        name, _, phone = part.partition(" ")
        if phone.strip() and not phone.strip().replace("-", "").isdecimal():
            raise _CellError(f"应写成 姓名 电话，现为“{part}”")
        found.append(Person(name, phone.strip()))
    return found


class Column(msgspec.Struct, frozen=True):
    """A column: its heading, the field it fills, how a cell is read and written."""

    title: str
    field: str
    read: Callable[[Cell], Any]
    write: Callable[[Any], Cell] = lambda value: value
    needed: bool = False


def _join(parts: Sequence[str]) -> str:
    return "；".join(parts)


COLUMNS = [
    Column("事项编码", "code", _text, needed=True),
    Column("事项名称", "name", _text, needed=True),
    Column("办件类型", "kind", _kind, lambda kind: kind.word, needed=True),
    Column("法定时限", "legal_days", _days, needed=True),
    Column("承诺时限", "promised_days", _days),
    Column("延期上限", "extension_days", _days),
    Column("送达时限", "delivery_days", _days),
    Column("收件即计", "receipt_counts", _yes, lambda value: "是" if value else "否"),
    Column("特别程序", "procedures", _procedures, lambda value: "、".join(one.word for one in value)),
    Column(
        "办理环节",
        "route",
        _route,
        lambda value: _join(
            [
                one.name + ("？" if one.optional else "") + (f"：{one.days}" if one.days else "")
                for one in value
            ]
        ),
    ),
    Column("申请材料", "materials", _list, _join),
    Column(
        "收费",
        "fees",
        _fees,
        lambda value: (
            FREE if value == {FREE: "0"} else _join([f"{name}={amount}" for name, amount in value.items()])
        ),
    ),
    Column("依据", "basis", _text),
    Column("条件", "conditions", _text),
    Column("数量", "quantity", _text),
    Column("程序", "procedure", _text),
    Column("示范文本", "sample", _text),
    Column("公示日期", "published_on", _day),
    Column(
        "责任人", "persons", _persons, lambda value: _join([f"{p.name} {p.phone}".strip() for p in value])
    ),
    Column("生效日期", "valid_from", _day),
    Column("预警提前", "lead_days", _days),
    Column("有权决定的人", "deciders", _list, _join),
]


_BY_FIELD = {column.field: column for column in COLUMNS}
Fault = tuple[Column, str]


def letter(place: int) -> str:
    """The name of a column: 0 is A."""
    return chr(ord("A") + place)


def cells(items: Sequence[Item]) -> list[list[Cell]]:
    """The sheet, heading first."""
    rows: list[list[Cell]] = [[column.title for column in COLUMNS]]
    for item in items:
        values = [(column, getattr(item, column.field)) for column in COLUMNS]
        rows.append([None if value is None else column.write(value) for column, value in values])
    return rows


def items_of(rows: Sequence[Sequence[Cell]]) -> list[Item]:
    """The items of a sheet. Raises UsageError with every fault by its cell; nothing is guessed."""
    if not rows or [_text(cell) for cell in rows[0][: len(COLUMNS)]] != [one.title for one in COLUMNS]:
        titles = "、".join(f"{letter(place)} {one.title}" for place, one in enumerate(COLUMNS))
        raise _broken([f"第 1 行：表头应为 {titles}"])
    found: list[Item] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(_text(cell) for cell in row):
            continue
        fields, bad = _row(number, row)
        faults += bad
        code = str(fields.get("code", ""))
        if code and code in seen:
            faults.append(f"A{number}：事项编码 {code} 与第 {seen[code]} 行重复")
        seen.setdefault(code, number)
        if not bad:
            item = Item(**fields)
            faults += [_at(number, *fault) for fault in _odd(item)]
            found.append(item)
    if faults:
        raise _broken(faults)
    return found


def item_of(form: Mapping[str, Cell]) -> Item:
    """The item that a form of named fields gives. Raises UsageError with every fault by the name of its field."""
    fields, bad = _fields([form.get(column.field) for column in COLUMNS])
    if not bad:
        item = Item(**fields)
        bad = _odd(item)
        if not bad:
            return item
    lines = "\n".join(f"{column.title}：{words}" for column, words in bad)
    raise UsageError(f"有 {len(bad)} 处要改：\n{lines}", hint="请逐处改正后再提交；没有写入任何内容")


def _row(number: int, row: Sequence[Cell]) -> tuple[dict[str, Any], list[str]]:
    fields, bad = _fields(row)
    faults = [_at(number, *fault) for fault in bad]
    extra = [cell for cell in row[len(COLUMNS) :] if _text(cell)]
    if extra:
        faults.append(f"{letter(len(COLUMNS))}{number}：表外的内容“{_text(extra[0])[:20]}”")
    return fields, faults


def _at(number: int, column: Column, words: str) -> str:
    return f"{letter(COLUMNS.index(column))}{number}（{column.title}）：{words}"


def _fields(row: Sequence[Cell]) -> tuple[dict[str, Any], list[Fault]]:
    fields: dict[str, Any] = {}
    faults = []
    for place, column in enumerate(COLUMNS):
        cell = row[place] if place < len(row) else None
        if _text(cell) in _BROKEN:
            faults.append((column, f"公式出错，现为“{_text(cell)}”"))
            continue
        try:
            value = column.read(cell)
        except _CellError as error:
            faults.append((column, str(error)))
            continue
        if column.needed and value in {None, ""}:
            faults.append((column, "不能空着"))
        elif value is not None:
            fields[column.field] = value
    if fields.get("kind") is ItemKind.JOINT:
        fields.setdefault("extension_days", JOINT_EXTENSION_DAYS)
    return fields, faults


def _odd(item: Item) -> list[Fault]:
    """What two fields say against each other, or against the law."""
    faults = []
    if item.legal_days == 0:
        faults.append((_BY_FIELD["legal_days"], "不能是 0"))
    if item.lead_days == 0:
        faults.append((_BY_FIELD["lead_days"], "不能是 0；空着为时限的一成，至少 1 日"))
    if item.promised_days is not None and item.promised_days > item.legal_days:
        faults.append((_BY_FIELD["promised_days"], f"{item.promised_days} 长于法定时限 {item.legal_days}"))
    if item.kind is ItemKind.ON_THE_SPOT and item.promised_days:
        faults.append((_BY_FIELD["promised_days"], "即办件当日办结，应为 0 或空"))
    if item.kind is not ItemKind.ON_THE_SPOT and item.promised_days == 0:
        faults.append((_BY_FIELD["promised_days"], "当日办结的是即办件；没有承诺的空着"))
    most = JOINT_EXTENSION_DAYS if item.kind is ItemKind.JOINT else EXTENSION_DAYS
    if item.extension_days > most:
        faults.append((_BY_FIELD["extension_days"], f"行政许可法第四十二条至多 {most} 个工作日"))
    return faults


def _broken(faults: list[str]) -> UsageError:
    lines = "\n".join(f"  {fault}" for fault in faults)
    return UsageError(
        f"事项清单有 {len(faults)} 处错误：\n{lines}", hint="请在表格里逐格改正后重新导入；没有写入任何内容"
    )


def renewed(
    catalogue: Mapping[str, Sequence[Item]], given: Sequence[Item], today: date
) -> list[tuple[Item, str]]:
    """The versions to add, each with what it changes; an item that says the same is left.

    A change begins tomorrow, or later where it says so: what was accepted today was accepted under what was published
    today. Raises UsageError where a known item would change its past.
    """
    found, faults = [], []
    for item in given:
        versions = catalogue.get(item.code, ())
        now = replaced(item, versions, today)
        if now is None:
            found.append((replace(item, version=1), "新事项"))
            continue
        begins = _begins(item, versions, today)
        if not differences(now, item):
            continue
        if begins <= today:
            first = today + timedelta(days=1)
            faults.append(
                f"{item.code}（生效日期）：{begins} 已到或已过；改动最早从明天 {first} 起，不影响已受理的办件"
            )
            continue
        new = replace(item, version=max(one.version for one in versions) + 1, valid_from=begins)
        said = [f"{one.title} {one.before or '空'} → {one.after or '空'}" for one in differences(now, new)]
        found.append((new, "；".join(said)))
    if faults:
        raise _broken(faults)
    return found


def _begins(item: Item, versions: Sequence[Item], today: date) -> date:
    """When a change of a known item is to begin: the day of a version that runs already is that from which it was copied."""
    stated = item.valid_from
    is_copied = stated is not None and stated <= today and stated in {one.valid_from for one in versions}
    return today + timedelta(days=1) if stated is None or is_copied else stated


def replaced(item: Item, versions: Sequence[Item], today: date) -> Item | None:
    """The version whose place `item` takes if it is put into force `today`; None: the item is new."""
    return pinned(versions, max(_begins(item, versions, today), today + timedelta(days=1)))


def to_change(versions: Sequence[Item], today: date) -> Item | None:
    """The version from which a change is written: what is in force when it can begin at the earliest."""
    return pinned(versions, today + timedelta(days=1))


class Difference(msgspec.Struct, frozen=True):
    """A field that two versions of an item say differently, as in a cell; empty: not said."""

    title: str
    before: str
    after: str


def differences(before: Item | None, after: Item) -> list[Difference]:
    """What `after` says differently, in the order of the sheet, but for when it begins. `before` None: a new item."""
    found = []
    for column in COLUMNS:
        old, new = (None if item is None else getattr(item, column.field) for item in (before, after))
        shown = [written(column, value) for value in (old, new)]
        if column.field != "valid_from" and old != new and shown[0] != shown[1]:
            found.append(Difference(column.title, *shown))
    return found


def written(column: Column, value: Any) -> str:
    """The text of a cell; empty where nothing is said."""
    return "" if value in (None, "", [], {}) else str(column.write(value))
