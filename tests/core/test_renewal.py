"""When a certificate is renewed, and for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.instant import DAY
from provisioning.core.enrolment import Refusal
from provisioning.core.identity import Box
from provisioning.core.renewal import Issued, Validity, is_due, refusal

LEAF = Validity(0, 30 * DAY)
FIRST, SECOND, NEXT = Issued("1", b"a"), Issued("2", b"b"), b"b"


@given(st.integers(0, 10**9))
def test_it_is_asked_for_at_two_thirds_of_its_life_each_box_at_a_time_of_its_own(seed: int) -> None:
    assert not is_due(LEAF, 17 * DAY - 1, seed)
    assert is_due(LEAF, 23 * DAY, seed)


def test_boxes_do_not_all_ask_at_once() -> None:
    firsts = {
        next(hour for hour in range(24 * 31) if is_due(LEAF, hour * DAY // 24, seed)) for seed in range(21)
    }
    assert len(firsts) == 21


@pytest.mark.parametrize("now", [31 * DAY, 3650 * DAY, -1, -3650 * DAY])
def test_long_after_it_and_with_a_clock_before_it_the_hall_is_asked(now: int) -> None:
    assert is_due(LEAF, now, 0)


@pytest.mark.parametrize(
    ("state", "shown", "newest", "now", "why"),
    [
        ("active", FIRST, FIRST, 20 * DAY, None),
        ("active", FIRST, FIRST, 400 * DAY, None),
        ("active", FIRST, FIRST, 14 * DAY, Refusal.NOT_DUE),
        ("active", FIRST, SECOND, 20 * DAY, None),  # the answer was lost: NEXT is SECOND's key
        ("active", FIRST, Issued("2", b"c"), 20 * DAY, Refusal.CLONED),
        ("draining", FIRST, FIRST, 20 * DAY, Refusal.SUPERSEDED),
        ("superseded", FIRST, FIRST, 20 * DAY, Refusal.SUPERSEDED),
        ("revoked", FIRST, FIRST, 20 * DAY, Refusal.REVOKED),
        ("retired", FIRST, SECOND, 20 * DAY, Refusal.RETIRED),
    ],
)
def test_who_gets_one(state: str, shown: Issued, newest: Issued, now: int, why: Refusal | None) -> None:
    assert refusal(Box("s01", 1, state), shown, newest, NEXT, LEAF, now) is why
