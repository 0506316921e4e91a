"""Leaf pages read without SQLite, against SQLite: the same rows, whatever their size, and never an exception."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.pages import _LINKED, PAGE_BYTES, cells, row

SIZES = (0, 1, 28, 57, 58, 170, 485, 4050, 4054, 4055, 4056, 4061, 8000, 8176, 40_000, 200_000)


def reader(image: bytes) -> Callable[[int], bytes]:
    return lambda number: image[(number - 1) * PAGE_BYTES : number * PAGE_BYTES]


def found(image: bytes) -> dict[int, bytes]:
    read = reader(image)
    pages = [read(number) for number in range(1, len(image) // PAGE_BYTES + 1)]
    rows = [row(read, page, at) for page in pages for at in cells(page)]
    return dict(item for item in rows if item is not None)


def written(path: Path, rows: dict[int, bytes]) -> bytes:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE other(a TEXT, b INTEGER)")
        db.execute("CREATE TABLE outbox(seq INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        db.executemany("INSERT INTO other VALUES(?, ?)", [("text", 5)] * 300)
        db.executemany("INSERT INTO outbox VALUES(?, ?)", rows.items())
    return path.read_bytes()


@pytest.mark.parametrize("first", [1, 127, 128, 1 << 21, 1 << 40])
def test_rows_of_every_size_are_found_where_sqlite_put_them(tmp_path: Path, first: int) -> None:
    chance = random.Random(first)
    rows = {first + n: chance.randbytes(SIZES[n % len(SIZES)]) for n in range(400)}
    image = written(tmp_path / "a.db", rows)
    assert found(image) == rows


def test_without_header_and_inner_pages_the_rest_is_found_all_the_same(tmp_path: Path) -> None:
    rows = {n: random.Random(n).randbytes(170) for n in range(1, 60_000)}
    image = bytearray(written(tmp_path / "a.db", rows))
    inner = [at for at in range(PAGE_BYTES, len(image), PAGE_BYTES) if image[at] == 5]
    assert len(inner) > 2
    for at in (0, *inner):
        image[at : at + PAGE_BYTES] = bytes(PAGE_BYTES)
    assert found(bytes(image)) == rows


@given(st.binary(min_size=PAGE_BYTES - 8, max_size=PAGE_BYTES - 8), st.integers(0, 2**16 - 1))
def test_garbage_in_the_shape_of_a_leaf_page_harms_nobody(junk: bytes, count: int) -> None:
    page = b"\x0d\0\0" + count.to_bytes(2, "big") + b"\0\0\0" + junk
    read = reader(page)
    for at in cells(page):
        row(read, page, at)


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    image = bytearray(written(tmp_path / "a.db", {1: bytes(200_000)}))
    last = len(image) - PAGE_BYTES
    linked = [at for at in range(PAGE_BYTES, len(image), PAGE_BYTES) if image[at : at + 2] == b"\0\0"]
    for at in linked:
        image[at : at + 4] = (linked[0] // PAGE_BYTES + 1).to_bytes(4, "big")
    assert last in linked
    assert set(found(bytes(image))) <= {1}


def test_a_length_without_measure_is_not_followed() -> None:
    size, key = b"\xff" * 9, b"\x01"
    page = bytearray(PAGE_BYTES)
    page[100 : 100 + 10] = size + key
    assert row(lambda number: (5).to_bytes(4, "big") + bytes(_LINKED), bytes(page), 100) is None
