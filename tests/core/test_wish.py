"""What is wished of a box against what it reports: a number alone names no policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import wish
from central.core.wish import Standing
from common.core import message
from common.core.message import Heartbeat, Policy

WISHED = Policy("s01", 3, 4096, 20)
BEAT = Heartbeat("c1", b"epoch--1", 6, 2, 4, 1, 1.5, None, "", 0, None, 1.0, "steady", 1, "0.1.0")
OWN = message.identity(WISHED)
OTHER = message.identity(replace(WISHED, bulk_bytes_per_sec=8192))


@pytest.mark.parametrize(
    ("used", "seen", "digest", "standing", "said"),
    [
        (3, 3, OWN, Standing.USED, "站点在用第 3 版"),
        (2, 3, OWN, Standing.REFUSED, "与要求不符：站点没有采用，站点在用第 2 版"),
        (0, 2, OTHER, Standing.UNDER_WAY, "与要求不符：尚未送达，站点没有另作限制"),
        (3, 3, OTHER, Standing.PASSED, "与要求不符：站点在用第 3 版，不是这里记下的"),
        (3, 4, OTHER, Standing.PASSED, "与要求不符：站点在用第 3 版，不是这里记下的"),
        (5, 5, OTHER, Standing.PASSED, "与要求不符：站点在用第 5 版，不是这里记下的"),
        # an agent of before names no digest
        (3, 0, b"", Standing.USED, "站点在用第 3 版"),
        (2, 0, b"", Standing.UNDER_WAY, "与要求不符：尚未送达，站点在用第 2 版"),
        (4, 0, b"", Standing.PASSED, "与要求不符：站点在用第 4 版"),
    ],
)
def test_what_is_in_use_is_told_from_what_is_wished(
    used: int, seen: int, digest: bytes, standing: Standing, said: str
) -> None:
    """P-CFG-03"""
    beat = replace(BEAT, policy_version=used, policy_seen=seen, policy_digest=digest)
    assert wish.standing(WISHED, beat) is standing
    assert wish.words(WISHED, beat).startswith(said)


def test_a_box_that_has_said_nothing_is_not_said_to_use_it() -> None:
    assert wish.standing(WISHED, None) is Standing.UNKNOWN
    assert wish.words(WISHED, None) == "站点没有报告"


@given(used=st.integers(0, 2**62), seen=st.integers(0, 2**62))
def test_a_wish_numbered_above_what_was_judged_is_not_passed_over(used: int, seen: int) -> None:
    """P-CFG-03: whatever number a box claims, the hall can store the one above."""
    beat = replace(BEAT, policy_version=used, policy_seen=seen, policy_digest=OTHER)
    above = replace(WISHED, version=wish.judged(beat) + 1)
    assert above.version < 2**31
    assert wish.standing(above, beat) is Standing.UNDER_WAY


def test_the_identity_is_that_of_the_bytes_that_were_signed() -> None:
    """P-CFG-03"""
    raw = message.encode_signed(WISHED, "topic", b"s" * 32)
    assert message.signed_identity(raw) == OWN
    assert len({OWN, OTHER, message.identity(replace(WISHED, version=4))}) == 3
