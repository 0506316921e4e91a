"""What forms of the public door carry, sealed, and what of it is believed."""

import msgspec
import pytest
from msgspec import Struct

from central.door import seal

KEY, NONCE = b"k" * 32, b"n" * 12


class Written(Struct):
    text: str
    begun: int


def carried(purpose: str, body: bytes) -> Written | None:
    return seal.carried(KEY, purpose, seal.carry(KEY, "draft", NONCE, body), Written)


def test_what_was_carried_comes_back_for_its_purpose_alone() -> None:
    body = msgspec.json.encode(Written("三次退件", 7))
    assert carried("draft", body) == Written("三次退件", 7)
    assert carried("consult", body) is None


@pytest.mark.parametrize("body", [b'{"text":"x"}', b'{"text":1,"begun":2}', b"no json"])
def test_a_page_that_another_version_made_is_out_of_date_and_no_fault(body: bytes) -> None:
    assert carried("draft", body) is None


@pytest.mark.parametrize("text", ["", "x", "中文", "AAAA" * 20])
def test_what_we_have_not_sealed_is_none_of_ours(text: str) -> None:
    assert seal.carried(KEY, "draft", text, Written) is None
