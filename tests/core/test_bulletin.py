"""An announcement: what may be said in it, and what its checksum is of."""

import hashlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import bulletin, pinyin
from central.core.bulletin import Bulletin

TITLE, TEXT = "关于国庆放假的公告", "10月1日至7日放假，电话 0771-5555123，地址解放路12号。\n10月8日照常办理。"


@pytest.mark.parametrize(
    ("title", "text", "why"),
    [
        (TITLE, TEXT, ""),
        ("放假", TEXT, "标题须为"),
        (TITLE, "放假", "正文须为"),
        (TITLE, TEXT + "有事找小王 13912345678", "个人的号码"),
        ("13912345678 的公告", TEXT, "个人的号码"),
    ],
)
def test_an_office_says_its_own_line_and_nobodys_number(title: str, text: str, why: str) -> None:
    assert why in "；".join(bulletin.faults(title, text))
    assert bool(bulletin.faults(title, text)) is bool(why)


def test_the_checksum_is_of_the_file_that_anybody_may_download() -> None:
    body = bulletin.file_of(TITLE, TEXT)
    assert body.decode().splitlines()[0] == TITLE
    assert bulletin.digest_of(TITLE, TEXT) == hashlib.sha256(body).hexdigest()
    assert bulletin.paragraphs(f"\n{TEXT}\n\n") == TEXT.split("\n")


@given(st.text())
def test_what_cannot_be_printed_is_left_out(text: str) -> None:
    once = bulletin.clean(text)
    assert bulletin.clean(once) == once
    assert all(char == "\n" or char.isprintable() for char in once)


def test_the_newest_that_stand_come_first() -> None:
    def one(number: int, gone: bool) -> Bulletin:
        day = date(2026, 6, 1)
        return Bulletin(
            number=number, title="公告", day=day, wall=number, digest="", withdrawn=day if gone else None
        )

    found = bulletin.newest([one(n, n == 3) for n in range(1, 6)], 3)
    assert [each.number for each in found] == [5, 4, 2]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("国庆", [2]),
        ("国庆 公告", [2]),
        ("gqfj", [2]),
        ("guoqing fangjia", [2]),
        ("GQFJ", [2]),
        ("fangjia", [2, 1]),
        ("gq", []),
        ("国庆 春节", []),
        ("zqfj", []),
        (" ", []),
    ],
)
def test_an_announcement_is_found_by_characters_and_by_pinyin(wanted: str, expected: list[int]) -> None:
    """Two letters stand in too many titles; what was taken back is not found."""
    titles = {1: ("春节放假公告", False), 2: ("国庆放假公告", False), 3: ("中秋放假公告", True)}
    day = date(2026, 6, 1)
    ones = [
        Bulletin(
            number=number,
            title=title,
            day=day,
            wall=number,
            digest="",
            withdrawn=day if gone else None,
            letters=f"{pinyin.initials(title)} {pinyin.spelled(title)}",
        )
        for number, (title, gone) in titles.items()
    ]
    assert [one.number for one in bulletin.titled(ones, wanted)] == expected
