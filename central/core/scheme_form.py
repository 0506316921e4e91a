"""A score scheme as the fields of a form, and back: everything that is wrong is found at once, each at its field. Pure.

A field's name is its place: `shrink`, `indicators-0-formula`, `groups-township`. A row whose fields are all empty is no row, so
that one is taken out by ticking `…-drop` or by emptying it, and added in the empty ones at the end.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from central.core.scheme import MOST_ROWS, Extra, Fault, Grade, Indicator, Scheme, faults, plain
from common.core.state import SiteKind

_EXTRA = ("id", "name", "formula", "most", "needs", "words")
SECTIONS: dict[str, tuple[str, ...]] = {
    "indicators": ("id", "name", "weight", "formula", "of", "min_of", "words"),
    "penalties": _EXTRA,
    "bonuses": _EXTRA,
    "grades": ("name", "least"),
}
"""Section -> the fields of each of its rows, in the order of the page."""
WORDS = {
    "id": "编号", "name": "名称", "weight": "权重", "formula": "公式", "of": "基数（计数项）", "min_of": "最少基数",
    "words": "算法说明（随结果公布）", "most": "上限", "needs": "条件", "least": "起分",
}  # fmt: skip
SPARE = 1
"""Empty rows that each section offers."""
_PLACE = re.compile(r"(indicators|penalties|bonuses|grades)-([0-9]{1,2})-([a-z_]{1,8})")
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_WHOLE = re.compile(r"[0-9]{1,6}")
_NEED = re.compile(r"([A-Za-z_0-9]{1,40})\s*(?:≥|>=|\s)\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_PART = re.compile(r"[、，,；;]")


class Filled(Struct, frozen=True):
    """What a form says. `cells`: its fields, rows numbered without gaps; `wrong`: none, the scheme may be drafted."""

    scheme: Scheme
    cells: dict[str, str]
    wrong: list[Fault]


def cells_of(scheme: Scheme) -> dict[str, str]:
    """Every field as it is written."""
    found = {
        "name": scheme.name, "since": scheme.since, "shrink": _text(scheme.shrink), "min_cases": str(scheme.min_cases),
        "most": _text(scheme.most),
    }  # fmt: skip
    found |= {f"groups-{kind.value}": scheme.groups.get(kind.value, "") for kind in SiteKind}
    for section, fields in SECTIONS.items():
        for number, row in enumerate(getattr(scheme, section)):
            found |= {f"{section}-{number}-{field}": _text(getattr(row, field)) for field in fields}
    return found


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "、".join(f"{name} ≥ {_text(least)}" for name, least in sorted(value.items()))
    return plain(value) if isinstance(value, Decimal) else str(value)


def read(form: Mapping[str, str], version: int) -> Filled:
    """The scheme that the form says, as far as it can be read, and everything that is wrong with it."""
    return _Reader(form).filled(version)


class _Reader:
    def __init__(self, form: Mapping[str, str]) -> None:
        self._cells = {name: form.get(name, "").replace("\0", "").strip() for name in _PLAIN}
        for section, fields in SECTIONS.items():
            for number, row in enumerate(_rows(form, section, fields)):
                self._cells |= {f"{section}-{number}-{field}": text for field, text in row.items()}
        self._wrong: list[Fault] = []

    def filled(self, version: int) -> Filled:
        scheme = Scheme(
            name=self._cells["name"],
            version=version,
            indicators=[
                Indicator(
                    self._at(place, "id"), self._at(place, "name"), self._number(f"{place}-weight"),
                    self._at(place, "formula"), self._at(place, "of"), self._at(place, "words"),
                    self._whole(f"{place}-min_of"),
                )
                for place in self._places("indicators")
            ],
            penalties=self._extras("penalties"),
            bonuses=self._extras("bonuses"),
            grades=[Grade(self._at(place, "name"), self._number(f"{place}-least")) for place in self._places("grades")],
            groups={kind.value: said for kind in SiteKind if (said := self._cells[f"groups-{kind.value}"])},
            shrink=self._number("shrink"),
            min_cases=self._whole("min_cases"),
            most=self._number("most"),
            since=self._cells["since"],
        )  # fmt: skip
        unread = {fault.field for fault in self._wrong}
        if any(name.endswith("-weight") for name in unread):
            unread.add("weights")
        if any(name.startswith("grades-") for name in unread):
            unread.add("grades")
        if not scheme.since:
            self._wrong.append(Fault("since", "没有写生效月份", "写成 2026-08"))
        rest = [fault for fault in faults(scheme) if fault.field not in unread]
        return Filled(scheme, self._cells, [*self._wrong, *rest])

    def _places(self, section: str) -> list[str]:
        first = SECTIONS[section][0]
        return [name.rpartition("-")[0] for name in self._cells if _is_of(name, section, first)]

    def _at(self, place: str, field: str) -> str:
        return self._cells[f"{place}-{field}"]

    def _extras(self, section: str) -> list[Extra]:
        return [
            Extra(
                self._at(place, "id"), self._at(place, "name"), self._at(place, "formula"), self._number(f"{place}-most"),
                self._at(place, "words"), self._needs(f"{place}-needs"),
            )
            for place in self._places(section)
        ]  # fmt: skip

    def _number(self, field: str) -> Decimal:
        if _NUMBER.fullmatch(self._cells[field]):
            return Decimal(self._cells[field])
        self._wrong.append(Fault(field, f"“{self._cells[field]}”不是数字", "写成 10 或 2.5"))
        return Decimal(1)

    def _whole(self, field: str) -> int:
        if _WHOLE.fullmatch(self._cells[field]):
            return int(self._cells[field])
        self._wrong.append(Fault(field, f"“{self._cells[field]}”不是整数", "写成 5"))
        return 1

    def _needs(self, field: str) -> dict[str, Decimal]:
        parts = [part.strip() for part in _PART.split(self._cells[field]) if part.strip()]
        found = [_NEED.fullmatch(part) for part in parts]
        if not all(found):
            self._wrong.append(
                Fault(field, f"看不懂条件“{self._cells[field]}”", "写成  data ≥ 90 ，用、分隔")
            )
            return {}
        return {one[1]: Decimal(one[2]) for one in found if one}


_PLAIN = ("name", "since", "shrink", "min_cases", "most", *(f"groups-{kind.value}" for kind in SiteKind))


def _is_of(name: str, section: str, field: str) -> bool:
    found = _PLACE.fullmatch(name)
    return found is not None and (found[1], found[3]) == (section, field)


def _rows(form: Mapping[str, str], section: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows that say something, in their order."""
    numbers = {int(found[2]) for name in form if (found := _PLACE.fullmatch(name)) and found[1] == section}
    rows = []
    for number in sorted(numbers)[: MOST_ROWS + SPARE + 1]:
        row = {
            field: form.get(f"{section}-{number}-{field}", "").replace("\0", "").strip() for field in fields
        }
        if any(row.values()) and f"{section}-{number}-drop" not in form:
            rows.append(row)
    return rows
