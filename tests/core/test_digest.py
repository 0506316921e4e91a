"""The canonical encoding is frozen: a change here would make every site send every row again."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.digest import encode, row_digest
from common.core.errors import RejectedError

GOLDEN: list[tuple[Any, bytes]] = [
    (None, b"N\0\0\0\0"),
    ("", b"S\0\0\0\0"),
    ("受理", b"S\0\0\0\x06\xe5\x8f\x97\xe7\x90\x86"),
    ("受理".encode("gbk"), b"B\0\0\0\x04\xca\xdc\xc0\xed"),
    (b"\x01", b"B\0\0\0\x01\x01"),
    (True, b"I\0\0\0\x011"),
    (-12, b"I\0\0\0\x03-12"),
    (1e22, b"F\0\0\0\x051e+22"),
    (0.1, b"F\0\0\0\x030.1"),
    (Decimal("12.50"), b"D\0\0\0\x0512.50"),
    (Decimal("1E+3"), b"D\0\0\0\x041000"),
    (Decimal("-0.00"), b"D\0\0\0\x040.00"),
    (date(2026, 6, 1), b"d\0\0\0\x0a2026-06-01"),
    (datetime(2026, 6, 1, 8, 30), b"T\0\0\0\x132026-06-01T08:30:00"),  # noqa: DTZ001
    (datetime(2026, 6, 1, 8, 30, tzinfo=UTC), b"T\0\0\0\x192026-06-01T08:30:00+00:00"),
    (time(8, 30), b"t\0\0\0\x0808:30:00"),
    (timedelta(hours=-12, minutes=-30), b"u\0\0\0\x0c-45000000000"),
    (UUID(int=7), b"S\0\0\0\x2400000000-0000-0000-0000-000000000007"),
]


@pytest.mark.parametrize(("value", "expected"), GOLDEN)
def test_each_type_has_one_frozen_encoding(value: Any, expected: bytes) -> None:
    assert encode(value) == expected


def test_the_digest_of_a_row_is_frozen() -> None:
    digest = row_digest(b"k" * 32, b"m" * 8, ["SL1", None, 7, "受理".encode("gbk")])
    assert digest.hex() == "1c8bcd93f1fc84f635eae646a185500a"


def test_a_type_without_an_encoding_rejects_the_row() -> None:
    with pytest.raises(RejectedError, match="list"):
        encode([1])


values = st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.decimals(allow_nan=False), st.dates())


@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_different_rows_never_encode_alike(left: list[Any], right: list[Any]) -> None:
    same = len(left) == len(right) and all(_alike(a, b) for a, b in zip(left, right, strict=True))
    assert (b"".join(map(encode, left)) == b"".join(map(encode, right))) == same


def _alike(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, Decimal):
        return format(a if a else abs(a), "f") == format(b if b else abs(b), "f")
    return bool(a == b)


def test_another_key_or_mapping_gives_another_digest() -> None:
    one = row_digest(b"k" * 32, b"m", ["a"])
    assert len({one, row_digest(b"l" * 32, b"m", ["a"]), row_digest(b"k" * 32, b"n", ["a"])}) == 3
