"""Pixels of a picture, as its head says."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import dossier, picture

SIZES = st.integers(1, 65_535)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0"


def jpeg(width: int, height: int, *before: bytes, frame: int = 0xC0) -> bytes:
    """`before`: the contents of segments ahead of the frame's; a thumbnail may be in one of them."""
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in before)
    head = struct.pack(">BBHBHHB", 0xFF, frame, 17, 8, height, width, 3)
    return b"\xff\xd8" + segments + b"\xff" * 2 + head + bytes(9)


@given(SIZES, SIZES, st.sampled_from([0xC0, 0xC1, 0xC2, 0xCF]), st.lists(st.binary(max_size=80), max_size=3))
def test_the_pixels_are_those_of_the_picture_and_not_of_one_inside(
    width: int, height: int, frame: int, before: list[bytes]
) -> None:
    assert picture.pixels(png(width, height)) == width * height
    assert picture.pixels(jpeg(width, height, jpeg(9, 9), *before, frame=frame)) == width * height


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b""]), st.binary(max_size=200))
def test_whatever_follows_its_head_is_read_to_an_end(head: bytes, rest: bytes) -> None:
    assert picture.pixels(head + rest) >= 0


@pytest.mark.parametrize("bomb", [png(40_000, 40_000), jpeg(65_535, 65_535)])
def test_a_small_file_that_unpacks_to_gigabytes_is_not_taken(bomb: bytes) -> None:
    assert "像素" in dossier.sent_fault(bomb)
    assert dossier.sent_fault(png(12_000, 9_000)) == "", "a telephone's largest"
    assert dossier.sent_fault(jpeg(4_000, 3_000)) == ""
