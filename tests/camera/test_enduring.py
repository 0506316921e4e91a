"""Short form of `make soak WHAT=camera`: some minutes of cameras, every fault once and six more."""

from tests.camera import enduring


def test_faults_one_after_the_other_are_all_told_and_leave_nothing_behind() -> None:
    """C16"""
    found = enduring.run(0.1, 1)
    assert found.unnoticed == 0
    assert found.faults >= enduring.LEAST_FAULTS
    assert found.unheard == 0
    assert found.subscribed > found.forgotten > 0
    assert not found.is_grown, found
