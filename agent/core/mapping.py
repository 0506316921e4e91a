"""What a site's tables mean: `mapping.toml` as Structs; what is wrong with one is `mapping_faults.py`, a row turned into a Record `rows.py`.

A `[table.<name>]` is named as its records are: `case` (the main row of a case), `case.<part>` (further fields of
the case in another table), `step`, `step.<name>`. The hall never sees a vendor's names, only these.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from agent.core import query
from agent.core.query import Dialect
from common.core.record import Case, RecordKind, Step

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
"""Types of which every table is read through an image; elsewhere those without a key are (agent/source/whole.py)."""
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
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
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

    columns: Annotated[list[str], Meta(min_length=1)]
    overlap_secs: Annotated[int, Meta(ge=0)] | Literal["auto"] = "auto"
    """Read again behind the highest value seen: late commits, slow clocks. `auto`: by how late rows were (lateness.py)."""


class TableMapping(_Part, frozen=True, rename={"from_": "from", "columns": "columns"}):
    """One source table or view."""

    from_: str
    key: list[str] = []
    """Unique and never null; one column or several. Empty: the table has none, it is read as a whole and a key is made (ROW_KEY)."""
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

    version: Annotated[int, Meta(ge=1, le=1)]
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

    @property
    def is_keyless(self) -> bool:
        """Its rows are told apart by their content alone."""
        return not self.mapping.key

    @property
    def is_image(self) -> bool:
        """What is asked is answered by a copy of the table, so what it says holds for when that was made."""
        return self.is_keyless or self.source.type in IMAGES

    @property
    def is_whole(self) -> bool:
        """A table of a live database that is copied as a whole."""
        return self.is_keyless and self.source.type not in IMAGES

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
        if self.is_whole:
            plain = tuple(map(query.Column, self.names))
            return query.Table(Dialect.SQLITE, self.mapping.from_, plain, self.key)
        return query.Table(self.source.dialect, self.mapping.from_, self._read(self.names), self.key)

    @cached_property
    def copied(self) -> query.Table:
        """What a table that is read as a whole is copied by."""
        names = [name for name in self.names if name != ROW_KEY]
        return query.Table(self.source.dialect, self.mapping.from_, self._read(names), ())

    def _read(self, names: Sequence[str]) -> tuple[query.Column, ...]:
        raw = {field.col for field in self.fields.values() if field.charset}
        return tuple(query.Column(name, name in raw, name in self.mapping.lob) for name in names)


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
