"""Cameras of one network that fell silent together."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.segment import FEWEST, TOGETHER_US, Silent, together


def silent(*hosts: str, step: int = 0) -> list[Silent]:
    return [Silent(f"c{place}", host, place * step) for place, host in enumerate(hosts)]


def test_three_of_one_network_at_once_are_one_cause() -> None:
    own = [f"192.168.1.{number}" for number in (11, 12, 13)]
    assert together(silent(*own, "10.0.0.9")) == [("192.168.1.0/24", ["c0", "c1", "c2"])]
    assert together(silent(*own[:2], "192.168.2.13")) == []
    assert together(silent(*own, step=TOGETHER_US)) != []
    assert together(silent(*own, step=TOGETHER_US + 1)) == []
    assert together(silent("camera-a", "camera-b", "camera-c")) == [], "where names lie, nobody knows"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10 * TOGETHER_US)), max_size=20))
def test_nobody_is_named_twice_and_no_group_is_small(found: list[tuple[int, int]]) -> None:
    cameras = [Silent(f"c{place}", f"10.0.{net}.7", at) for place, (net, at) in enumerate(found)]
    groups = together(cameras)
    names = [name for _, group in groups for name in group]
    assert len(names) == len(set(names))
    assert all(len(group) >= FEWEST for _, group in groups)
