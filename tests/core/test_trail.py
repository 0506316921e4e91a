"""The audit trail: whatever is done to a line that was signed shows, and an honest trail shows nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core.trail import START, Check, Line, Seal, chained, code, sealed
from common.core import crypto

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
KEY = crypto.sign_public(SECRET)
texts = st.text(max_size=8)
fields = st.tuples(st.integers(0, 10**16), texts, texts, texts, texts)
trails = st.lists(fields, min_size=1, max_size=8)


def written(entries: list[tuple[Any, ...]]) -> list[Line]:
    lines, chain = [], START
    for number, entry in enumerate(entries, 1):
        chain = chained(chain, number, *entry)
        lines.append(Line(number, entry[0], entry[1], entry[2], entry[3], entry[4], chain))
    return lines


def seals_of(lines: list[Line], *numbers: int, secret: bytes = SECRET) -> list[Seal]:
    return [sealed(secret, number, lines[number - 1].chain, 7) for number in numbers]


def checked(lines: list[Line], seals: list[Seal], *kept: tuple[int, str]) -> Check:
    check = Check(KEY, seals, kept)
    for line in lines:  # page by page, however small
        check.feed([line])
    check.finish()
    return check


@given(trails, st.data())
def test_an_honest_trail_is_sound(entries: list[tuple[Any, ...]], data: st.DataObject) -> None:
    lines = written(entries)
    signed = data.draw(st.sets(st.integers(1, len(lines))))
    check = checked(lines, seals_of(lines, *signed), (len(lines), code(lines[-1].chain)))
    assert check.faults == []
    assert (check.newest, check.signed, check.chain) == (len(lines), max(signed, default=0), lines[-1].chain)


@given(trails, st.data())
def test_a_line_that_was_changed_shows_though_nothing_was_signed(
    entries: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    lines = written(entries)
    place = data.draw(st.integers(0, len(lines) - 1))
    name = data.draw(st.sampled_from(["at_wall", "who", "act", "subject", "why", "chain"]))
    now = {"at_wall": lines[place].at_wall + 1, "chain": bytes(32)}.get(name, getattr(lines[place], name))
    other = now if name in {"at_wall", "chain"} else f"{now}x"
    lines[place] = replace(lines[place], **{name: other})
    assert checked(lines, []).faults


@given(trails, st.data())
def test_a_trail_that_somebody_reckoned_anew_is_not_what_was_signed(
    entries: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    lines = written(entries)
    seals = seals_of(lines, len(lines))
    place = data.draw(st.integers(0, len(lines) - 1))
    at, who, *rest = entries[place]
    forged = written([*entries[:place], (at, who + "x", *rest), *entries[place + 1 :]])
    assert checked(forged, []).faults == []
    (fault,) = checked(forged, seals).faults
    assert (fault.line, "签过" in fault.what) == (len(lines), True)
    (fault,) = checked(forged, [], (len(lines), code(lines[-1].chain))).faults
    assert "记下的" in fault.what


@given(trails, st.data())
def test_lines_that_are_gone_show_wherever_they_stood(
    entries: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    lines = written(entries)
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first, len(lines) - 1))
    rest = lines[:first] + lines[last + 1 :]
    assert checked(rest, seals_of(lines, len(lines))).faults
    if last == len(lines) - 1:
        assert checked(rest, [], (len(lines), code(lines[-1].chain))).faults


ENTRIES = [
    (1, "anna", "login", "", ""),
    (2, "anna", "dead.show", "s01", "核对"),
    (3, "bao", "policy.set", "s02", ""),
]


def _inserted(lines: list[Line]) -> list[Line]:
    return [*lines[:1], replace(lines[1], who="x"), *(replace(line, id=line.id + 1) for line in lines[1:])]


def _swapped(lines: list[Line]) -> list[Line]:
    return [lines[0], replace(lines[2], id=2), replace(lines[1], id=3)]


def _twice(lines: list[Line]) -> list[Line]:
    return [*lines, lines[-1]]


@pytest.mark.parametrize("done", [_inserted, _swapped, _twice])
def test_lines_put_in_or_elsewhere_show(done: Callable[[list[Line]], list[Line]]) -> None:
    assert checked(done(written(ENTRIES)), []).faults


@pytest.mark.parametrize(
    "seal",
    [
        sealed(OTHER, 2, written(ENTRIES)[1].chain, 7),
        replace(sealed(SECRET, 2, written(ENTRIES)[1].chain, 7), at_wall=8),
        replace(sealed(SECRET, 1, written(ENTRIES)[0].chain, 7), upto=2),
        sealed(SECRET, 4, bytes(32), 7),
        sealed(SECRET, 0, START, 7),
        sealed(SECRET, -1, START, 7),
    ],
)
def test_a_signature_that_is_not_the_halls_or_of_no_line_is_a_fault(seal: Seal) -> None:
    assert len(checked(written(ENTRIES), [seal]).faults) == 1


def test_one_change_is_one_fault_and_where_it_is() -> None:
    lines = written(ENTRIES)
    lines[1] = replace(lines[1], why="没有看")
    (fault,) = checked(lines, []).faults
    assert fault.line == 2
    assert checked(lines[:1], []).newest == 1
    assert checked([], []).faults == []
