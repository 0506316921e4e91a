"""A PDF that somebody sends: what runs by itself is found wherever it is written, and no size or shape of it makes us slow."""

import zlib

import pytest

from central.core.pdf import fault
from tests.files import pdf

MOST = 1_000_000


def packed(objects: bytes) -> bytes:
    """A stream of objects."""
    return b"<< /Type /ObjStm /Filter /FlateDecode >> stream\n" + zlib.compress(objects) + b"\nendstream "


def test_a_page_and_a_picture_of_any_bytes_are_taken() -> None:
    picture = b"<< /Subtype /Image >> stream\n/JavaScript /Encrypt\nendstream"
    assert fault(pdf(), MOST) == ""
    assert fault(pdf(picture + packed(b"<< /Type /Page >>") * 3), MOST) == ""


@pytest.mark.parametrize(
    ("inside", "word"),
    [
        (b"<< /JS (x) >>", "脚本"),
        (b"<< /L#61unch >>", "脚本"),
        (packed(b"<< /EmbeddedFile >>"), "内嵌"),
        (packed(b"<< >>") + packed(b"<< /JavaScript >>"), "脚本"),
        (b"<< /Encrypt 3 0 R >>", "密码"),
        (b"<< /ObjStm >> stream\nno deflate\nendstream", "读不懂"),
    ],
)
def test_what_runs_by_itself_is_said(inside: bytes, word: str) -> None:
    assert word in fault(pdf(inside), MOST)


def test_many_streams_that_unpack_to_little_each_are_counted_together() -> None:
    assert "展开后太大" in fault(pdf(packed(bytes(MOST // 10)) * 12), MOST)


def test_what_lies_behind_the_most_that_is_unpacked_is_not_let_through() -> None:
    assert "展开后太大" in fault(pdf(packed(bytes(MOST) + b"/JavaScript")), MOST)


def test_beginnings_without_an_end_are_read_once() -> None:
    """Looked for from each of them anew, these take hours."""
    assert fault(pdf(b"stream\n" * 300_000), MOST) == ""
