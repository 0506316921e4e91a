"""A vendor's schema for the probe: tables and columns with the value each holds, and what each of them truly is.

`Col.field` names the canonical field a column is; the truth is derived from it. Rows are the demonstration's cases.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any

from msgspec import Struct

from common.core.state import CaseStatus, StepKind
from provisioning.demo import city, life, sheet
from provisioning.demo.hours import ZONE, Hours
from provisioning.demo.sheet import Entry, Sheet

Value = Callable[[Sheet, Any], Any]


class Col(Struct, frozen=True):
    """`value(sheet, entry)`; `enum`: value in the source -> canonical word."""

    name: str
    type: str
    value: Value
    field: str = ""
    comment: str = ""
    enum: dict[str, str] | None = None


class Tab(Struct, frozen=True):
    """`role`: case, case.x, step; empty for a table that has nothing to do with cases. `rows`: case, step or rows
    of its own. `parent`: of the table's columns; `cursor`: the column of the last change."""

    name: str
    role: str
    cols: tuple[Col, ...]
    key: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    cursor: str = ""
    comment: str = ""
    rows: list[tuple[Any, ...]] | None = None
    primary: bool = True
    """Whether the database knows the key."""
    when: Value = lambda s, e: True
    """Whether a case has a row here yet."""


class Schema(Struct, frozen=True):
    """One vendor. `charset`: of the text as it is stored."""

    name: str
    tables: tuple[Tab, ...]
    charset: str = "utf-8"


class Truth(Struct, frozen=True):
    """What a right draft says of one table."""

    from_: str
    key: tuple[str, ...]
    parent: tuple[str, ...]
    cursor: str
    columns: dict[str, tuple[str, dict[str, str]]]


def truth(schema: Schema) -> dict[str, Truth]:
    return {
        tab.role: Truth(
            tab.name,
            tab.key,
            tab.parent,
            tab.cursor,
            {col.field: (col.name, col.enum or {}) for col in tab.cols if col.field},
        )
        for tab in schema.tables
        if tab.role
    }


@cache
def sheets(site: int = 0, days: int = 22) -> tuple[Sheet, ...]:
    """Cases of about `days` working days, some still open."""
    hours = Hours(lambda day: day.weekday() < 5)
    worked = hours.workdays(date(2026, 3, 2), date(2026, 6, 30))[:days]
    now = hours.at(worked[-1], 20_000)
    made = [one for day in worked for one in life.lives(city.SITES[site], day, hours, 7)]
    return tuple(sheet.as_of(one, now) for one in made if one.stages[0].started_at <= now)


def rows_of(tab: Tab, cases: tuple[Sheet, ...]) -> list[tuple[Any, ...]]:
    if tab.rows is not None:
        return tab.rows
    if tab.role == "step":
        return [tuple(col.value(s, e) for col in tab.cols) for s in cases for e in s.entries]
    return [tuple(col.value(s, None) for col in tab.cols) for s in cases if tab.when(s, None)]


# what columns hold ---------------------------------------------------------------------------------------------


def at(
    get: Callable[[Sheet, Entry], datetime | None], pattern: str = "%Y-%m-%d %H:%M:%S", none: Any = None
) -> Value:
    """A time as text of the pattern; `unix`: as seconds."""

    def value(s: Sheet, e: Entry) -> Any:
        moment = get(s, e)
        if moment is None:
            return none
        return int(moment.timestamp()) if pattern == "unix" else f"{moment.astimezone(ZONE):{pattern}}"

    return value


def coded(words: dict[Any, Any], get: Callable[[Sheet, Entry], Any]) -> Value:
    return lambda s, e: words.get(get(s, e))


def turned(words: dict[Any, Any]) -> dict[str, str]:
    """Codes by canonical value -> canonical value by code. `other` where a kind has no word of its own."""
    return {str(code): str(word) for word, code in words.items()}


NUMBER: Value = lambda s, e: int(s.life.number[4:])  # noqa: E731
NO: Value = lambda s, e: s.life.number  # noqa: E731
RECEIVED = lambda s, e: s.received_at  # noqa: E731
ACCEPTED = lambda s, e: s.accepted_at  # noqa: E731
FINISHED = lambda s, e: s.finished_at  # noqa: E731
UPDATED = lambda s, e: e.updated_at if e else s.updated_at  # noqa: E731
BEGAN = lambda s, e: e.stage.started_at  # noqa: E731
ENDED = lambda s, e: e.finished_at  # noqa: E731
STATUS = lambda s, e: s.status  # noqa: E731
KIND = lambda s, e: e.stage.kind  # noqa: E731
OUTCOME = lambda s, e: s.outcome  # noqa: E731
APPLICANT: Value = lambda s, e: s.life.applicant  # noqa: E731
PHONE: Value = lambda s, e: s.life.phone  # noqa: E731
ITEM: Value = lambda s, e: s.life.item.code  # noqa: E731
ITEM_NAME: Value = lambda s, e: s.life.item.name  # noqa: E731
CHANNEL: Value = lambda s, e: s.life.channel  # noqa: E731
ORG: Value = lambda s, e: e.stage.org if e else s.life.org  # noqa: E731
RESPONSIBLE: Value = lambda s, e: s.life.responsible  # noqa: E731
PROMISED: Value = lambda s, e: s.life.item.promised_days  # noqa: E731
LEGAL: Value = lambda s, e: s.life.item.legal_days  # noqa: E731
SEQ: Value = lambda s, e: e.seq  # noqa: E731
STEP_ID: Value = lambda s, e: int(s.life.number[4:]) * 100 + e.seq  # noqa: E731
STEP_NAME: Value = lambda s, e: e.stage.name  # noqa: E731
ACTOR: Value = lambda s, e: e.stage.actor  # noqa: E731
OPINION: Value = lambda s, e: e.stage.opinion if e.finished_at else None  # noqa: E731


def ID_NO(s: Sheet, e: Any) -> str:  # noqa: N802
    """18 characters in the shape of an identity number."""
    tail = int(s.life.phone[-4:])
    return f"379902{1950 + tail % 50}0{1 + tail % 9}1{tail % 9}{tail % 1000:03}X"


def FIXED(value: Any) -> Value:  # noqa: N802
    return lambda s, e: value


S, K = CaseStatus, StepKind
