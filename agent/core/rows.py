"""A source row -> its key, its digest, its Record. Pure; a row that has no meaning raises RejectedError.

Times become canonical text (`common.core.instant`): a naive one gets the offset of the source's zone, a date
stays a date, an impossible one becomes None with its raw text in `invalid`. Nothing is guessed and nothing is
computed here: deadlines are the hall's.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from agent.core.digest import BYTES, encode, plain, row_digest
from agent.core.mapping import NUMBER_FIELDS, TIME_FIELDS, Field, Table
from agent.core.written import canonical, parse_time, time_of, whole
from common.core import mask
from common.core.errors import RejectedError
from common.core.instant import DAY, parse_when
from common.core.record import Case, Op, Record, RecordKind, Statement, Step, encode_body, kind_of
from common.core.state import CaseStatus, Procedure, StepKind
from common.core.text import sound
from common.core.wire import LONGEST_KEY, LONGEST_TEXT

MAX_RECORD = 192 * 1024
"""Bytes of a row's record: it must fit a batch alone, however badly it compresses."""


class Stamp(Struct, frozen=True):
    """When a page was captured, by the three clocks."""

    at: int
    wall: int
    mono: int


class Item(Struct, frozen=True, dict=True):
    """A row that was read: who it is and whether it changed, before it is mapped."""

    key: str
    digest: bytes
    row: Sequence[Any]
    names: tuple[str, ...]

    @cached_property
    def values(self) -> dict[str, Any]:
        """By column; most rows did not change and are never asked for one."""
        return dict(zip(self.names, self.row, strict=True))


def key_of(row: Sequence[Any], table: Table) -> str:
    """Key of `row`, in the order of `table.names`. Raises RejectedError where it cannot be one."""
    return key_text([row[place] for place in table.key_places], table.source.charset)


def read(row: Sequence[Any], table: Table, digest_key: bytes) -> Item:
    """`row` in the order of `table.names`. Raises RejectedError where the key or a type is unusable."""
    try:
        digest = row_digest(digest_key, table.fingerprint, row[: len(table.content)])
    except RejectedError as error:
        raise _of_column(row, table) from error
    return Item(key_of(row, table), digest, row, table.names)


def _of_column(row: Sequence[Any], table: Table) -> RejectedError:
    """Which column it is that has a type without an encoding."""
    for name, value in zip(table.content, row, strict=False):
        try:
            encode(value)
        except RejectedError as error:
            return RejectedError(str(error).replace("字段的", f"字段 {name} 的"), hint=error.hint)
    raise AssertionError(table.name)


def key_text(values: Sequence[Any], charset: str = "") -> str:
    """A key as text that may travel; of several columns, or with a character that may not, a JSON array.

    There every such character is escaped, so that two keys never become one and the row is found again by its key.
    Raises RejectedError for a null or lost characters inside.
    """
    return _joined(_key_texts(values, charset))


def _key_texts(values: Sequence[Any], charset: str) -> list[str]:
    try:
        texts = [_key_part(value, charset) for value in values]
    except UnicodeDecodeError as error:
        raise RejectedError("主键的文字不合字符集", hint="请核对 mapping.toml 的 source.charset") from error
    if any(text is None for text in texts):
        raise RejectedError("主键为空", hint="请在 mapping.toml 的 key 换用非空且唯一的字段")
    return [str(text) for text in texts]


def _key_part(value: Any, charset: str) -> str | None:
    """A number is itself however many zeros it is written with: 2.50 and 2.5 are one key."""
    text = _raw_text(value, charset, "strict")
    is_fraction = isinstance(value, Decimal) and text is not None and "." in text
    return text.rstrip("0") if text is not None and is_fraction else text


def _joined(texts: list[str]) -> str:
    key = texts[0] if len(texts) == 1 else msgspec.json.encode(texts).decode()
    if not all(text.isprintable() or text == sound(text) for text in texts):
        key = json.dumps(texts)
    if len(key) > LONGEST_KEY:
        raise RejectedError(
            f"主键 {len(key):,} 字，超过 {LONGEST_KEY} 字", hint="请把 key 换成较短的唯一字段"
        )
    return key


def to_body(item: Item, table: Table) -> Case | Step:
    """What a row says. Raises RejectedError naming the column, and its value where that is a code."""
    return to_case(item, table) if table.kind is RecordKind.CASE else to_step(item, table)


def to_record(item: Item, table: Table, version: int, stamp: Stamp, body: Case | Step) -> Record:
    """The draft (seq 0) of version `version` of a row. Raises RejectedError where it is too large."""
    made = _record(table, item.key, version, Op.PUT, item.digest, body, stamp, _source_time(item, table))
    size = len(bytes(made.body)) + len(made.key.encode())
    if size > MAX_RECORD:
        raise RejectedError(
            f"整行 {size // 1024} KB，超过 {MAX_RECORD // 1024} KB",
            hint="请在 mapping.toml 的 watched 去掉大字段",
        )
    return made


def to_deletion(table: Table, key: str, case_key: str, version: int, digest: bytes, stamp: Stamp) -> Record:
    """The row was seen before and is gone; the hall keeps its last content."""
    body = Case(case_key=case_key) if table.kind is RecordKind.CASE else Step(case_key=case_key)
    return _record(table, key, version, Op.DELETE, digest, body, stamp, None)


def _record(
    table: Table,
    key: str,
    version: int,
    op: Op,
    digest: bytes,
    body: Case | Step,
    stamp: Stamp,
    src_at: str | None,
) -> Record:
    return Record(
        seq=0,
        kind=table.kind,
        table=table.name,
        key=key,
        version=version,
        op=op,
        src_at=src_at,
        cap_at=stamp.at,
        cap_wall=stamp.wall,
        cap_mono=stamp.mono,
        digest=digest,
        body=encode_body(body),
    )


def statement(body: Statement, stamp: Stamp, key: str = "") -> Record:
    """The draft of a record that is no row: what the site says of itself."""
    return Record(
        seq=0,
        kind=kind_of(body),
        table="",
        key=key,
        version=1,
        op=Op.PUT,
        src_at=None,
        cap_at=stamp.at,
        cap_wall=stamp.wall,
        cap_mono=stamp.mono,
        digest=b"",
        body=encode_body(body),
    )


def ends(body: Case | Step, at: int) -> bool:
    """Whether a row says that its case has ended by office time `at`, to a day; some offices write 2099 for "open"."""
    if isinstance(body, Step):
        return False
    if body.finished_at is not None:
        return parse_when(body.finished_at, _UTC) <= at + 2 * DAY
    return body.status in _ENDED


_UTC = ZoneInfo("UTC")
_ENDED = {CaseStatus.DONE, CaseStatus.REFUSED_ACCEPTANCE, CaseStatus.WITHDRAWN}


def case_key(item: Item, table: Table) -> str:
    """The case a row belongs to; padding of CHAR columns does not count."""
    texts = _key_texts([item.values[name] for name in table.parent], table.source.charset)
    return _joined([texts[0].strip()] if len(texts) == 1 else texts)


def to_case(item: Item, table: Table) -> Case:
    reader = _Reader(item, table)
    fields = reader.fields()
    promised = table.fields.get("promised")
    if promised is not None and fields.get("promised") is not None:
        fields["promised_unit"] = promised.type or "workdays"
    status = fields.pop("status", None)
    return Case(
        case_key=case_key(item, table),
        **fields,
        status=None if status is None else _word(CaseStatus, status),
        watched=reader.watched(),
        invalid=reader.invalid,
    )


def to_step(item: Item, table: Table) -> Step:
    reader = _Reader(item, table)
    fields = reader.fields()
    kind, procedure = fields.pop("kind", None), fields.pop("procedure", None)
    return Step(
        case_key=case_key(item, table),
        **fields,
        procedure=None if procedure is None else _word(Procedure, procedure),
        kind=StepKind.OTHER if kind is None else _word(StepKind, kind),
        watched=reader.watched(),
        invalid=reader.invalid,
    )


_Word = TypeVar("_Word", CaseStatus, StepKind, Procedure)


def _word(kind: type[_Word], text: str) -> _Word:
    try:
        return kind(text)
    except ValueError as error:
        raise RejectedError(
            f"{mask.code(text)!r} 不是标准值（可用：{'、'.join(kind)}）", hint="请修改对照表或 enum"
        ) from error


class _Reader:
    """Reads the canonical fields of one row, gathering the text of impossible dates."""

    def __init__(self, item: Item, table: Table) -> None:
        self._values = item.values
        self._table = table
        self._zone = ZoneInfo(table.source.timezone)
        self.invalid: dict[str, str] = {}

    def fields(self) -> dict[str, Any]:
        found = {
            name: self._one(name, field)
            for name, field in self._table.fields.items()
            if field.privacy != "drop"
        }
        return {
            name: value[:LONGEST_TEXT] if isinstance(value, str) else value for name, value in found.items()
        }

    def watched(self) -> dict[str, str]:
        texts = {
            name: text_of(self._values[name], self._table.source.charset)
            for name in self._table.mapping.watch
        }
        texts |= {
            name: f"长度 {self._values[name]}"
            for name in self._table.mapping.lob
            if self._values[name] is not None
        }
        return {name: text[:LONGEST_TEXT] for name, text in texts.items() if text is not None}

    def _one(self, name: str, field: Field) -> Any:
        charset = field.charset or self._table.source.charset
        value = field.const or self._values[field.col]
        if field.enum or field.lookup:
            value = self._translated(field, text_of(value, charset))
        if name in TIME_FIELDS:
            return self._when(name, field, value, charset)
        text = text_of(value, charset)
        if name in NUMBER_FIELDS:
            return self._whole(field, text)
        return text or None

    def _translated(self, field: Field, text: str | None) -> str | None:
        text = text.strip() if text is not None else None
        table = field.enum or self._table.lookups[field.lookup]
        if (text or "") in table:
            return table[text or ""]
        if text is None:
            return None
        if field.other is not None:
            return field.other
        raise RejectedError(
            f"{self._quoted(field, text)}没有对应的标准值",
            hint="请在 mapping.toml 的 enum 或对照表补上该值",
        )

    def _whole(self, field: Field, text: str | None) -> int | None:
        """A whole number; `20.00` and `20 个工作日` are 20."""
        if text is None or not text.strip():
            return None
        found = whole(text)
        if found is None:
            raise RejectedError(f"{self._quoted(field, text)}不是整数", hint="请核对 mapping.toml 或源数据")
        return found

    def _quoted(self, field: Field, text: str) -> str:
        """Which column, and its value only where that is a code: the reason is logged, and told to the hall."""
        if field.col in self._table.personal:
            return f"字段 {field.col} 的值（个人信息，不显示）"
        return f"字段 {field.col} 的值 {mask.code(text)!r} "

    def _when(self, name: str, field: Field, value: Any, charset: str) -> str | None:
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        if type(value) is datetime and value.tzinfo is None and field.type != "unix":
            return canonical(value.replace(fold=0), field, self._zone)  # what its text would become
        text = (text_of(value, charset) or "").strip()
        if not text or (field.zero == "null" and not text.strip("0-:/. T")):
            return None
        found = time_of(text, field, self._zone)
        if found is None:
            self.invalid[name] = text[:100]
        return found


def _source_time(item: Item, table: Table) -> str | None:
    """The first cursor column that is set, as canonical text where it is a time."""
    zone = ZoneInfo(table.source.timezone)
    for name in table.cursors:
        text = text_of(item.values[name], table.source.charset)
        if text:
            return parse_time(text, Field(), zone)
    return None


def text_of(value: Any, charset: str = "", errors: str = "replace") -> str | None:
    """A value as text that may travel. Bytes are decoded; a character that is lost, or that no text may hold, is
    U+FFFD: an odd character in an office's database must not make a dead letter of the row. `errors` as of `bytes.decode`.
    """
    text = _raw_text(value, charset, errors)
    return None if text is None else sound(text)


def _raw_text(value: Any, charset: str, errors: str) -> str | None:
    """Every character as the driver gave it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, BYTES):
        return bytes(value).decode(charset or "utf-8", errors)
    if isinstance(value, bool):
        return str(int(value))
    return _number_text(value) or str(value)


def _number_text(value: Any) -> str:
    """Whole numbers without a fraction, whatever type they came in; empty for what is no such number."""
    if isinstance(value, Decimal):
        return plain(value.to_integral_value()) if value == value.to_integral_value() else plain(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else ""
