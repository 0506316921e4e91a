"""What a site's tables mean: `mapping.toml` as Structs, checked whole; a row turned into a Record is `rows.py`.

A `[table.<name>]` is named as its records are: `case` (the main row of a case), `case.<part>` (further fields of
the case in another table), `step`, `step.<name>`. The hall never sees a vendor's names, only these.
"""

import hashlib
from collections import Counter
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from agent.core import query
from agent.core.query import Dialect
from common.core import wire
from common.core.errors import ConfigError
from common.core.record import Case, RecordKind, Step
from common.core.state import CaseStatus, Procedure, StepKind
from common.core.text import is_file_name, one_line

CASE_FIELDS = tuple(
    name for name in Case.__struct_fields__ if name not in {"case_key", "promised_unit", "watched", "invalid"}
)
STEP_FIELDS = tuple(name for name in Step.__struct_fields__ if name not in {"case_key", "watched", "invalid"})
TIME_FIELDS = {
    "received_at", "accepted_at", "deadline", "finished_at", "started_at", "due_at", "recorded_at", "notified_at", "published_at",
    "complete_at", "asked_at", "doc_at",
}  # fmt: skip
PERSONAL_FIELDS = {"applicant", "phone", "responsible", "actor", "opinion"}
NUMBER_FIELDS = {"promised", "legal", "seq", "days", "staff", "quantity", "on_spot"}
_WORDS: dict[str, type[CaseStatus] | type[StepKind] | type[Procedure]] = {
    "status": CaseStatus, "kind": StepKind, "procedure": Procedure,
}  # fmt: skip
_COMPARED = (
    "由业务库按它自己的字符集比较和排序，不能另写；请改用别的字段作主键，或请厂商建一个转换了该字段的视图"
)
DIALECTS = {
    "sqlite": Dialect.SQLITE,
    "mysql": Dialect.MYSQL,
    "mariadb": Dialect.MYSQL,
    "postgresql": Dialect.POSTGRESQL,
    "kingbase": Dialect.KINGBASE,
    "sqlserver": Dialect.SQLSERVER,
    "oracle": Dialect.ORACLE,
    "dameng": Dialect.DAMENG,
    "access": Dialect.SQLITE,
    "folder": Dialect.SQLITE,
}
"""What each `source.type` is read in; files are read through an image in SQLite (agent/source/files.py)."""
IMAGES = {"access", "folder"}
"""Types that are read through an image: a key may be made for tables that have none."""
ROW_KEY = "_row"
"""The key that is made: digest of the whole row, and which of several equal rows it is."""


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown keys are errors; defaults do not enter the fingerprint, so a new option changes no digest."""


class SourceConfig(_Part, frozen=True):
    """`[source]`: one database, read with SELECT alone."""

    type: Literal[
        "sqlite",
        "mysql",
        "mariadb",
        "postgresql",
        "kingbase",
        "sqlserver",
        "oracle",
        "dameng",
        "access",
        "folder",
    ]
    path: str = ""
    """SQLite or Access file, or folder of exported files; beside the mapping if relative."""
    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    password_file: str = ""
    """Name of a file in `capture.secrets_dir`; the secret itself is never in the mapping."""
    charset: str = ""
    """Of text columns that the driver gives as bytes; a column may say otherwise. Empty: utf-8. Of an exported text
    file or an old Access file: of its whole text. Empty: found out, GB18030 for Access."""
    timezone: str = "Asia/Shanghai"

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.type]


class Field(_Part, frozen=True):
    """Where a canonical field comes from: `col` of the source, or the same `const` in every row."""

    col: str = ""
    const: str = ""
    type: Literal["", "datetime", "date", "unix", "workdays", "days"] = ""
    """`date` drops the time of day; `unix`: seconds (from 10^11 on milliseconds) since 1970 UTC; `workdays`, `days`
    are the unit of `promised`."""
    enum: dict[str, str] = {}
    """Value in the source (as text) -> canonical value. A value not listed rejects the row, unless `other`."""
    other: str | None = None
    zero: Literal["invalid", "null"] = "invalid"
    """A zero date ('0000-00-00') is kept as invalid text, or is this vendor's way to say nothing."""
    charset: str = ""
    """The text as stored is in this charset, whatever the database believes (latin1 holding GBK: gb18030)."""
    lookup: str = ""
    """CSV beside the mapping, `source value,canonical value` per line."""
    privacy: Literal["", "name", "phone", "id_no", "address", "drop"] = ""
    """What the text is about; `drop`: only its digest leaves the box."""


class Cursor(_Part, frozen=True):
    """Columns that rise when a row is written; the first that is set counts."""

    columns: list[str]
    overlap_secs: Annotated[int, Meta(ge=0)] | Literal["auto"] = "auto"
    """Read again behind the highest value seen: late commits, slow clocks. `auto`: by how late rows were (lateness.py)."""


class TableMapping(_Part, frozen=True, rename={"from_": "from", "columns": "columns"}):
    """One source table or view."""

    from_: str
    key: list[str] = []
    """Unique and never null; one column or several. Empty, of a file alone: a key is made (ROW_KEY)."""
    columns: dict[str, str | Field] = {}
    parent: str | list[str] = []
    """Column(s) that hold the case's key. In `case` itself: the key, unless others refer to another column."""
    cursor: Cursor | None = None
    watch: list[str] = []
    """Further columns inside the digest, kept as evidence."""
    lob: list[str] = []
    """Columns with scans and the like: their length alone is read, is inside the digest and kept as evidence."""


class Mapping(_Part, frozen=True):
    """The whole of `mapping.toml`."""

    version: int
    source: SourceConfig
    table: dict[str, TableMapping]


class Table(Struct, frozen=True, dict=True):
    """A TableMapping made ready: which columns are read, in which order, and what each is for."""

    name: str
    mapping: TableMapping
    source: SourceConfig
    lookups: dict[str, dict[str, str]] = {}
    """Content of the CSV files, by file name."""

    @property
    def kind(self) -> RecordKind:
        return RecordKind(self.name.split(".")[0])

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(self.mapping.key) or (ROW_KEY,)

    @cached_property
    def parent(self) -> tuple[str, ...]:
        parent = self.mapping.parent
        return ((parent,) if isinstance(parent, str) else tuple(parent)) or self.key

    @cached_property
    def cursors(self) -> tuple[str, ...]:
        return tuple(self.mapping.cursor.columns) if self.mapping.cursor else ()

    @cached_property
    def fields(self) -> dict[str, Field]:
        return {
            name: Field(col=item) if isinstance(item, str) else item
            for name, item in self.mapping.columns.items()
        }

    @cached_property
    def personal(self) -> frozenset[str]:
        """Columns of which no value may stand in a reason, a log or a doctor's words."""
        fields = self.fields.items()
        return frozenset(field.col for name, field in fields if field.privacy or name in PERSONAL_FIELDS)

    @cached_property
    def content(self) -> tuple[str, ...]:
        """Columns inside the digest, sorted: key, parent, mapped and watched ones, and of LOBs the lengths."""
        mapped = {field.col for field in self.fields.values() if field.col}
        return tuple(sorted({*self.key, *self.parent, *mapped, *self.mapping.watch, *self.mapping.lob}))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every column read, in the order of a row's values."""
        return (*self.content, *(name for name in dict.fromkeys(self.cursors) if name not in self.content))

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """Where in a row the columns of its key are."""
        return tuple(self.names.index(name) for name in self.key)

    @cached_property
    def fingerprint(self) -> bytes:
        """Changes when the meaning of a row changes, and only then: rows are then sent anew."""
        used = {name: self.lookups[name] for name in {f.lookup for f in self.fields.values()} if name}
        meaning = [
            self.mapping.from_,
            self.mapping.key,
            list(self.parent),
            {name: self.fields[name] for name in sorted(self.fields)},
            sorted(self.mapping.watch),
            self.source.charset,
            self.source.timezone,
            used,
            *([sorted(self.mapping.lob)] if self.mapping.lob else []),  # what has none reads on as before
        ]
        return hashlib.blake2b(msgspec.json.encode(meaning, order="sorted"), digest_size=8).digest()

    @cached_property
    def select(self) -> query.Table:
        """What `query` builds SELECTs from. Text with a charset of its own is read as stored."""
        raw = {field.col for field in self.fields.values() if field.charset}
        lob = self.mapping.lob
        columns = tuple(query.Column(name, name in raw, name in lob) for name in self.names)
        return query.Table(self.source.dialect, self.mapping.from_, columns, self.key)


def flatten(data: dict[str, Any]) -> dict[str, Any]:
    """`[table.case.result]` as `table."case.result"`: a part is what has a `from` of its own."""
    tables = data.get("table")
    if not isinstance(tables, dict):
        return data
    flat: dict[str, Any] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            flat[name] = table
            continue
        parts = {key: item for key, item in table.items() if isinstance(item, dict) and "from" in item}
        rest = {key: item for key, item in table.items() if key not in parts}
        if rest or not parts:
            flat[name] = rest
        flat |= {f"{name}.{key}": item for key, item in parts.items()}
    return {**data, "table": flat}


def faults(data: dict[str, Any]) -> list[str]:
    """Every fault that types alone do not show, each with its key path; `data` is of the right types throughout."""
    tables = data.get("table", {})
    source = msgspec.convert(data["source"], SourceConfig) if "source" in data else None
    found = _source_faults(source) if source else []
    if "case" not in tables:
        found.append("table.case：缺少（办件主表）")
    for name, part in tables.items():
        root, _, rest = name.partition(".")
        odd = not name.isprintable() or len(name) > wire.LONGEST_WORD
        if root not in {"case", "step"} or (not rest and "." in name) or odd:
            found.append(f"table.{one_line(name)}：表名应为 case、case.<名>、step 或 step.<名>")
        else:
            table = msgspec.convert(part, TableMapping)
            keyless = source is not None and source.type in IMAGES
            found += [f"table.{name}.{fault}" for fault in _table_faults(name, table, keyless=keyless)]
    return found


def _source_faults(source: SourceConfig) -> list[str]:
    is_file = source.type in {"sqlite", *IMAGES}
    needed = ["path"] if is_file else ["host", "database", "user", "password_file"]
    found = [f"source.{name}：缺少" for name in needed if not getattr(source, name)]
    found += _file_faults("source.path", source.path) + _file_faults(
        "source.password_file", source.password_file
    )
    found += _zone_faults("source.timezone", source.timezone)
    return found + _charset_faults("source.charset", source.charset)


def _table_faults(name: str, table: TableMapping, *, keyless: bool) -> list[str]:
    root = name.partition(".")[0]
    found = [f"from：{fault}" for word in table.from_.split(".", 1) for fault in _name_faults(word)]
    if not table.key and not keyless:
        found.append("key：缺少")
    found += [f"key：{one_line(word)} 重复" for word, times in Counter(table.key).items() if times > 1]
    if not table.parent and (name != "case" or (keyless and not table.key)):
        found.append("parent：缺少（指向办件的字段）")
    parent = [table.parent] if isinstance(table.parent, str) else table.parent
    cursor = table.cursor.columns if table.cursor else []
    named = {"key": table.key, "parent": parent, "watch": table.watch, "cursor": cursor, "lob": table.lob}
    for place, words in named.items():
        found += [f"{place}：{fault}" for word in words for fault in _name_faults(word)]
    found += _lob_faults(table, {"key": table.key, "parent": parent, "watch": table.watch, "cursor": cursor})
    dropped = {
        item.col for item in table.columns.values() if isinstance(item, Field) and item.privacy == "drop"
    }
    found += [
        f'watch：{word} 的内容不出本机（privacy = "drop"），不能留证'
        for word in table.watch
        if word in dropped
    ]
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
    words = _WORDS.get(name)
    given = [*field.enum.values(), *([field.other] if field.other else []), *([field.const] if words else [])]
    if words is not None:
        found += [
            f"：{word!r} 不在可用值内（{'、'.join(words)}）"
            for word in given
            if word and word not in set(words)
        ]
        if field.col and not field.enum and not field.lookup:
            found.append("：缺少 enum（源值与标准值的对照）")
    if field.type in {"datetime", "date", "unix"} and name not in TIME_FIELDS:
        found.append(".type：只用于时间字段")
    if field.type in {"workdays", "days"} and name not in NUMBER_FIELDS:
        found.append(".type：只用于期限字段")
    return found + _charset_faults(".charset", field.charset) + _file_faults(".lookup", field.lookup)


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
