"""A compatibility sheet says what its box has signed, whatever an editor does to the ends of its lines, and nothing else."""

import pytest

from common.core import conformity, crypto
from tests.sender import SIGN_SECRET

LINES = [
    "核对单 mysql spxt@10.3.1.5:3306",
    "✓ 办件 翻页：6 行",
    "– 会话设置：没有",
    "✕ 有不合约定的项目，暂不能采集",
]
KEY = crypto.sign_public(SIGN_SECRET)


def sheet() -> str:
    return "\n".join((*LINES, conformity.signed(SIGN_SECRET, "s01", 2, LINES), ""))


def test_a_signed_sheet_is_read_with_whose_it_is() -> None:
    read = conformity.read(sheet())
    assert read is not None
    assert (read.site, read.generation, list(read.lines)) == ("s01", 2, LINES)
    assert conformity.is_signed_by(KEY, read)


@pytest.mark.parametrize(
    "kept",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text + "\n\n",
        lambda text: text.replace("6 行", "6 行  ").rstrip(),
    ],
)
def test_what_an_editor_or_mail_does_to_it_is_no_change(kept: object) -> None:
    read = conformity.read(kept(sheet()))  # type: ignore[operator]
    assert read is not None
    assert conformity.is_signed_by(KEY, read)


@pytest.mark.parametrize(
    ("old", "new"),
    [("6 行", "7 行"), ("✕", "✓"), ("– 会话设置：没有\n", ""), ("s01.2", "s01.1"), ("s01.2", "s02.2"), ("✓ 办件", "\n✓ 办件")],
)  # fmt: skip
def test_any_other_change_is_found(old: str, new: str) -> None:
    assert old in sheet()
    read = conformity.read(sheet().replace(old, new))
    assert read is not None
    assert not conformity.is_signed_by(KEY, read)


def test_another_box_and_what_is_signed_for_another_purpose_do_not_pass() -> None:
    read = conformity.read(sheet())
    assert read is not None
    assert not conformity.is_signed_by(crypto.sign_public(bytes(32)), read)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "核对单", "\n".join((*LINES, "! 没有签名：本机还没有登记")), "签名 s01.1 abc", f"签名 s01.0 {'A' * 86}=="],
)  # fmt: skip
def test_what_is_not_signed_is_no_sheet(text: str) -> None:
    assert conformity.read(text) is None
