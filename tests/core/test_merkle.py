"""The tree of RFC 6962 over pages of rows: its published vectors, and that any other row makes another root."""

import hashlib
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.merkle import PAGE_ROWS, Rows, Tree
from common.core.record import Root

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""Inputs and roots of the reference tests of Certificate Transparency."""
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
ROWS = st.lists(st.tuples(st.text(max_size=3), st.integers(1, 5), st.binary(max_size=2)), max_size=12)


@pytest.mark.parametrize("count", ROOTS)
def test_the_tree_is_that_of_rfc_6962(count: int) -> None:
    """P-ROOT-01"""
    tree = Tree()
    for leaf in LEAVES[:count]:
        tree.add(bytes.fromhex(leaf))
    assert tree.root().hex() == ROOTS[count]


def recursive(leaves: Sequence[bytes]) -> bytes:
    """As the RFC defines it."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0] if leaves else b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + recursive(leaves[:half]) + recursive(leaves[half:])).digest()


@given(st.lists(st.binary(max_size=3), max_size=40))
def test_leaf_by_leaf_it_comes_to_what_the_definition_says(leaves: list[bytes]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == recursive(leaves)


def over(rows: Sequence[tuple[str, int, bytes]]) -> Root:
    found = Rows()
    for row in rows:
        found.add(*row)
    return found.root()


@given(ROWS, ROWS)
def test_two_have_the_same_root_where_they_have_the_same_rows_and_nowhere_else(
    one: list[tuple[str, int, bytes]], other: list[tuple[str, int, bytes]]
) -> None:
    assert (over(one) == over(other)) == (one == other)


def test_a_page_is_a_leaf() -> None:
    """P-ROOT-01"""
    rows = [(f"{number:05}", 1, b"d") for number in range(PAGE_ROWS + 1)]
    pages = [msgspec.msgpack.encode(rows[:PAGE_ROWS]), msgspec.msgpack.encode(rows[PAGE_ROWS:])]
    assert over(rows) == Root(PAGE_ROWS + 1, recursive(pages))
    assert over([]) == Root(0, hashlib.sha256(b"").digest())
