"""What is wrong with a `mapping.toml` beyond the types of its keys: every fault at once, each with its key path. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from agent.core import query, written
from agent.core.mapping import (
    CASE_FIELDS,
    IMAGES,
    NUMBER_FIELDS,
    STEP_FIELDS,
    TIME_FIELDS,
    Field,
    SourceConfig,
    TableMapping,
)
from common.core import wire
from common.core.errors import ConfigError
from common.core.state import CaseStatus, Procedure, StepKind
from common.core.text import is_file_name, one_line

_WORDS: dict[str, type[CaseStatus] | type[StepKind] | type[Procedure]] = {
    "status": CaseStatus, "kind": StepKind, "procedure": Procedure,
}  # fmt: skip
_UTC = ZoneInfo("UTC")
_COMPARED = (
    "由业务库按它自己的字符集比较和排序，不能另写；请改用别的字段作主键，或请厂商建一个转换了该字段的视图"
)


def faults(data: dict[str, Any]) -> list[str]:
    """Every fault that types alone do not show, each with its key path; `data` is of the right types throughout."""
    tables = data.get("table", {})
    source = msgspec.convert(data["source"], SourceConfig) if "source" in data else None
    found = _source_faults(source) if source else []
    parents: dict[str, list[str]] = {}
    if "case" not in tables:
        found.append("table.case：缺少（办件主表）")
    for name, part in tables.items():
        root, _, rest = name.partition(".")
        odd = not name.isprintable() or len(name) > wire.LONGEST_WORD
        if root not in {"case", "step"} or (not rest and "." in name) or odd:
            found.append(f"table.{one_line(name)}：表名应为 case、case.<名>、step 或 step.<名>")
        else:
            table = msgspec.convert(part, TableMapping)
            is_file = source is not None and source.type in IMAGES
            found += [f"table.{name}.{fault}" for fault in _table_faults(name, table, is_file=is_file)]
            parents[name] = _parent(table) or table.key
    return found + _parent_faults(parents)


class Lookup(Struct, frozen=True):
    """A CSV file that a mapping names, and the canonical field that its values are for."""

    place: str
    file: str
    name: str
    field: Field


def lookups(data: dict[str, Any]) -> list[Lookup]:
    """Every one that `data`, of the right types throughout, names by a name that a file can have."""
    return [
        Lookup(f"table.{table}.columns.{name}.lookup", field.lookup, name, field)
        for table, part in data.get("table", {}).items()
        for name, field in _fields(msgspec.convert(part, TableMapping))
        if field.lookup and is_file_name(field.lookup)
    ]


def value_fault(name: str, field: Field, value: str) -> str:
    """Why `value` can be no canonical value of `field`, called `name`; empty: it can, or says nothing."""
    words = _WORDS.get(name)
    if not value:
        return ""
    if words is not None:
        return "" if value in set(words) else f"{value!r} 不在可用值内（{'、'.join(words)}）"
    if name in NUMBER_FIELDS:
        return "" if written.whole(value) is not None else f"{value!r} 不是整数"
    if name in TIME_FIELDS:
        return "" if written.time_of(value, field, _UTC) else f"{value!r} 不是时间"
    return ""


def _fields(table: TableMapping) -> Iterator[tuple[str, Field]]:
    for name, item in table.columns.items():
        yield name, Field(col=item) if isinstance(item, str) else item


def _parent(table: TableMapping) -> list[str]:
    return [table.parent] if isinstance(table.parent, str) else table.parent


def _parent_faults(parents: dict[str, list[str]]) -> list[str]:
    """A key of two columns is never equal to one of a single column: no step would find its case."""
    own = parents.get("case")
    return [
        f"table.{name}.parent：{len(given)} 个字段，与 case 的 {len(own)} 个（{'、'.join(map(one_line, own))}）对不上"
        for name, given in parents.items()
        if own and given and len(given) != len(own)
    ]


def _source_faults(source: SourceConfig) -> list[str]:
    is_file = source.type in {"sqlite", *IMAGES}
    needed = ["path"] if is_file else ["host", "database", "user", "password_file"]
    found = [f"source.{name}：缺少" for name in needed if not getattr(source, name)]
    found += _file_faults("source.path", source.path) + _file_faults(
        "source.password_file", source.password_file
    )
    named = {"host": source.host, "database": source.database, "user": source.user}
    found += [f"source.{name}：里有控制字符" for name, text in named.items() if not text.isprintable()]
    found += _zone_faults("source.timezone", source.timezone)
    return found + _charset_faults("source.charset", source.charset)


def _table_faults(name: str, table: TableMapping, *, is_file: bool) -> list[str]:
    root = name.partition(".")[0]
    found = [f"from：{fault}" for word in table.from_.split(".", 1) for fault in _name_faults(word)]
    if not table.key and table.cursor and not is_file:
        found.append("cursor：没有 key 的表整表读取、逐行比对，用不上；请去掉，或写上唯一的 key")
    if not table.parent and (name != "case" or not table.key):
        found.append("parent：缺少（指向办件的字段）")
    parent = _parent(table)
    cursor = table.cursor.columns if table.cursor else []
    named = {"key": table.key, "parent": parent, "watch": table.watch, "cursor": cursor, "lob": table.lob}
    for place, words in named.items():
        twice = [word for word, times in Counter(words).items() if times > 1]
        found += [f"{place}：{one_line(word)} 重复" for word in twice if place in {"key", "parent", "cursor"}]
        found += [f"{place}：{fault}" for word in words for fault in _name_faults(word)]
    found += _lob_faults(table, {"key": table.key, "parent": parent, "watch": table.watch, "cursor": cursor})
    found += _drop_faults(table, named)
    fields = CASE_FIELDS if root == "case" else STEP_FIELDS
    for field, item in table.columns.items():
        if field not in fields:
            found.append(f"columns.{field}：未知的字段（可用：{'、'.join(fields)}）")
            continue
        faults = _field_faults(field, Field(col=item) if isinstance(item, str) else item)
        if isinstance(item, Field) and item.charset:
            compared = [place for place in ("key", "parent", "cursor") if item.col in named[place]]
            faults += [f".charset：{item.col} 又是 {place}，{_COMPARED}" for place in compared]
        found += [f"columns.{field}{fault}" for fault in faults]
    return found


def _drop_faults(table: TableMapping, named: dict[str, list[str]]) -> list[str]:
    """What must not leave the box does so in no other way either: a key names the record, a cursor is its time."""
    dropped = {field.col for _, field in _fields(table) if field.privacy == "drop"}
    return [
        f'{place}：{word} 的内容不出本机（privacy = "drop"），{_LEAVES[place]}'
        for place, words in named.items()
        for word in words
        if word in dropped and place in _LEAVES
    ]


_LEAVES = {
    "watch": "不能留证",
    "key": "不能作主键：主键随每条记录送出",
    "parent": "不能指向办件：它随每条记录送出",
    "cursor": "不能作修改时间：它随每条记录送出",
}


def _lob_faults(table: TableMapping, others: dict[str, list[str]]) -> list[str]:
    """A column of which the length alone is read has no content for anything else."""
    mapped = {
        f"columns.{name}": [item if isinstance(item, str) else item.col]
        for name, item in table.columns.items()
    }
    uses = (others | mapped).items()
    return [
        f"lob：{word} 只取长度，不能又用于 {place}"
        for word in table.lob
        for place, used in uses
        if word in used
    ]


def _field_faults(name: str, field: Field) -> list[str]:
    found = [f".col：{fault}" for fault in _name_faults(field.col)] if field.col else []
    if bool(field.col) == bool(field.const):
        found.append("：应有 col 或 const 之一")
    given = [*field.enum.values(), field.other or "", field.const]
    found += [f"：{fault}" for word in given if (fault := value_fault(name, field, word))]
    if name in _WORDS and field.col and not field.enum and not field.lookup:
        found.append("：缺少 enum（源值与标准值的对照）")
    translated = [key for key, said in _TRANSLATES.items() if said(field)]
    if field.const and translated:
        found.append(f"：const 每行相同，不能与 {'、'.join(translated)} 同用")
    elif field.enum and field.lookup:
        found.append("：enum 与 lookup 只能写一个")
    elif translated == ["other"]:
        found.append(".other：只与 enum 或 lookup 同用")
    if field.type in {"datetime", "date", "unix"} and name not in TIME_FIELDS:
        found.append(".type：只用于时间字段")
    if field.type in {"workdays", "days"} and name not in NUMBER_FIELDS:
        found.append(".type：只用于期限字段")
    return found + _charset_faults(".charset", field.charset) + _file_faults(".lookup", field.lookup)


_TRANSLATES: dict[str, Callable[[Field], bool]] = {
    "enum": lambda field: bool(field.enum),
    "lookup": lambda field: bool(field.lookup),
    "other": lambda field: field.other is not None,
}


def _name_faults(name: str) -> list[str]:
    try:
        query.identifier(name)
    except ConfigError as error:
        return [str(error)]
    return []


def _file_faults(place: str, name: str) -> list[str]:
    return [] if is_file_name(name) else [f"{place}：路径里有控制字符"]


def _zone_faults(place: str, name: str) -> list[str]:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # no name, none that is known, a folder of the zones
        return [f"{place}：未知的时区 {one_line(name)!r}（如 Asia/Shanghai）"]
    return []


def _charset_faults(place: str, charset: str) -> list[str]:
    try:
        "受".encode(charset or "utf-8")
    except LookupError:
        return [f"{place}：未知的字符集 {charset!r}"]
    except UnicodeEncodeError:
        return [f"{place}：字符集 {charset!r} 容不下中文"]
    return []
