"""A scheme as a form: what is written is read back, and everything that is wrong is said at once, each at its field."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import scheme, scheme_form
from central.core.scheme import MINGCHA_100, Scheme

PRESENT = replace(MINGCHA_100, since="2026-08")
CELLS = scheme_form.cells_of(PRESENT)
HOSTILE = [
    "__import__('os').system('id')",
    "rate.__class__",
    "promise_late / promise_of",
    "promise_late / 0",
    "2 ^ 99",
    "2 ^ promise_of",
    "((" * 99 + "1" + "))" * 99,
    "min(1," * 60 + "1" + ")" * 60,
    "-" * 399,
    "rate(1, promise_of)",
    "salary + 1",
    "promise_late > 1",
    "lambda: 1",
    "９ * 9",
    "1e9",
    "",
    "'; DROP TABLE score_scheme; --",
    "<script>alert(1)</script>",
]


def read(**changed: str) -> scheme_form.Filled:
    return scheme_form.read({**CELLS, **{name.replace("__", "-"): text for name, text in changed.items()}}, 1)


def test_the_default_scheme_is_read_as_it_is_written() -> None:
    filled = scheme_form.read(CELLS, PRESENT.version)
    assert (filled.scheme, filled.wrong) == (PRESENT, [])
    assert scheme_form.cells_of(filled.scheme) == CELLS == filled.cells


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_formula_is_refused_at_its_field_and_kept_as_typed(text: str) -> None:
    filled = read(indicators__1__formula=text, bonuses__0__formula=text)
    assert [fault.field for fault in filled.wrong] == ["indicators-1-formula", "bonuses-0-formula"]
    assert filled.cells["indicators-1-formula"] == text


def test_every_fault_is_said_at_once_and_once() -> None:
    filled = read(
        indicators__0__weight="x", indicators__0__id="a b", indicators__1__of="salary", indicators__2__min_of="-1",
        penalties__0__most="NaN", bonuses__0__needs="data 很高", grades__0__least="九十", since="", shrink="1e9", min_cases="5.5",
    )  # fmt: skip
    fields = [fault.field for fault in filled.wrong]
    assert len(set(fields)) == len(fields)
    assert set(fields) == {
        "indicators-0-weight", "indicators-0-id", "indicators-1-of", "indicators-2-min_of", "penalties-0-most",
        "bonuses-0-needs", "grades-0-least", "since", "shrink", "min_cases",
    }  # fmt: skip


def test_a_row_is_added_in_the_empty_one_and_taken_out_by_its_tick() -> None:
    added = {"id": "seat", "name": "在岗", "formula": "100", "most": "1", "words": "每期一分", "needs": ""}
    more = read(**{f"bonuses__1__{name}": text for name, text in added.items()})
    assert (more.wrong, more.scheme.bonuses[1].most) == ([], Decimal(1))
    less = read(penalties__0__drop="1")
    assert (less.wrong, less.scheme.penalties) == ([], MINGCHA_100.penalties[1:])
    assert less.cells["penalties-0-id"] == "yellow_row"
    gone = read(indicators__0__drop="1")
    assert [fault.field for fault in gone.wrong] == ["weights"]
    assert gone.cells["indicators-0-id"] == "promise", "rows are numbered without gaps"


def _rows(chosen: dict[str, Any]) -> Scheme:
    rows = [
        replace(row, weight=weight) for row, weight in zip(MINGCHA_100.indicators, chosen["w"], strict=True)
    ]
    return replace(PRESENT, indicators=rows, shrink=chosen["shrink"], min_cases=chosen["least"])


_chosen = st.fixed_dictionaries({
    "w": st.lists(st.decimals("0.01", 100, places=2), min_size=10, max_size=10),
    "shrink": st.decimals(0, 2000, places=1),
    "least": st.integers(0, 2000),
})  # fmt: skip


@given(_chosen.map(_rows))
@settings(max_examples=40)
def test_a_form_finds_what_is_wrong_with_the_scheme_it_says(wanted: Scheme) -> None:
    filled = scheme_form.read(scheme_form.cells_of(wanted), 1)
    assert filled.scheme == wanted
    assert [fault.field for fault in filled.wrong] == [fault.field for fault in scheme.faults(wanted)]


@given(
    st.dictionaries(st.sampled_from([*CELLS, "indicators-99-id", "grades-7-name", "x"]), st.text(max_size=30))
)
@settings(max_examples=60)
def test_whatever_is_posted_is_read_without_an_error(form: dict[str, str]) -> None:
    for base in ({}, CELLS):
        filled = scheme_form.read({**base, **form}, 1)
        assert filled.wrong or scheme.checked(filled.scheme)
