"""Which complaints may be about the same: a suggestion to the person who accepts one, never a decision (supervision.md 3.11). Pure."""

import unicodedata
from collections.abc import Iterable

from msgspec import Struct

ALIKE = 0.4
"""Ours: so much of the pairs of characters of both texts is common to them."""


class Brief(Struct, frozen=True):
    """Of a complaint what is compared."""

    id: int
    number: str
    topic: str
    unit: str
    case_no: str
    text: str


class Similar(Struct, frozen=True):
    """`why`: for people."""

    brief: Brief
    why: str


def similar(one: Brief, others: Iterable[Brief]) -> list[Similar]:
    """Of the same case first, then by how much the texts have in common."""
    pairs = _pairs(one.text)
    found: list[tuple[float, int, Similar]] = []
    for other in others:
        if other.id == one.id:
            continue
        common = _common(pairs, _pairs(other.text))
        same_unit = _plain(one.unit) == _plain(other.unit)
        if one.case_no and _plain(one.case_no) == _plain(other.case_no):
            found.append((2.0, -other.id, Similar(other, "同一办件编号")))
        elif common >= ALIKE:
            found.append((common, -other.id, Similar(other, f"文字有 {common:.0%} 相同")))
        elif same_unit and one.topic == other.topic and common >= ALIKE / 2:
            found.append((common, -other.id, Similar(other, "同一单位、同一类事，文字相近")))
    return [line for *_, line in sorted(found, key=lambda each: each[:2], reverse=True)]


def _plain(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isalnum()).upper()


def _pairs(text: str) -> frozenset[str]:
    plain = _plain(text)
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))


def _common(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
