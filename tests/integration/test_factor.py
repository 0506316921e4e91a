"""The codes of the second factor and the ticket between password and code."""

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central import factor
from common.core.crypto import DamagedError
from common.core.instant import MINUTE, SECOND
from tests.integration.serving import OPERATIONS

KEY = factor.key_of(OPERATIONS)
# RFC 6238, appendix B: SHA-1, the last six of the eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("secs", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_the_standard(secs: int, code: str) -> None:
    assert factor.step_of(RFC_SECRET, code, 0, secs * SECOND) == secs // 30


@given(st.integers(1, 4_000_000_000), st.integers(-4, 4))
def test_a_code_is_taken_one_step_around_now_and_once(secs: int, off: int) -> None:
    step = secs // 30 + off
    if step <= 0:
        return
    code = pyotp.TOTP(RFC_SECRET).generate_otp(step)
    found = factor.step_of(RFC_SECRET, code, 0, secs * SECOND)
    assert (found is not None) >= (abs(off) <= 1)
    if found is not None:
        assert factor.step_of(RFC_SECRET, code, secs // 30 + 1, secs * SECOND) is None


def test_a_secret_opens_for_its_name_alone_and_a_ticket_for_five_minutes() -> None:
    kept = factor.sealed(KEY, "wang", RFC_SECRET)
    assert factor.opened(KEY, "wang", kept) == RFC_SECRET
    with pytest.raises(DamagedError):
        factor.opened(KEY, "li", kept)
    ticket = factor.ticket(KEY, "王|敏", 0)
    assert factor.bearer(KEY, ticket, 5 * MINUTE - 1) == "王|敏"
    assert factor.bearer(KEY, ticket, 5 * MINUTE) == ""
    other = "B" if ticket[0] == "A" else "A"
    for forged in ("", "x", ticket[:-4], other + ticket[1:], factor.ticket(bytes(32), "chief", 0), "王"):
        assert factor.bearer(KEY, forged, 0) == ""
