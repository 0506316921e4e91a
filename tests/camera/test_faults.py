"""Every fault and every harmless change on rendered clips: two seeds here, twenty by `python -m tests.camera.table`."""

from tests.camera import seats, table

DAILY = (
    "clerk",
    "clerk, people pass",
    "clerk, lights x0.6",
    "clerk behind a monitor",
    "clerk, a customer before",
    "clerk, a light not learned",
    "empty, people pass",
    "empty, lights x0.6",
    "coat on the chair",
    "lens covered",
)
"""Of the scenes of `python -m tests.camera.seats`, which takes all of them over more halls."""


def test_faults_are_found_and_named_and_nothing_else_is_one() -> None:
    """C1, C2."""
    said = table.run(2)
    recall, named, precision = table.figures(said)
    assert recall >= 0.95, said
    assert named >= 0.9, said
    assert precision == 1.0, said


def test_a_counter_is_said_to_be_attended_or_not_and_neither_without_a_sound_picture() -> None:
    """C11."""
    said = seats.run(1, 7 * 60 // seats.KEY_SECS, DAILY)
    assert len(said) == len(DAILY) * 5
    assert seats.wrong(said) == []
    assert said["coat on the chair", "as it is to be drawn"].keys() == {"unattended (object)"}, said
    assert all(said["clerk, a light not learned", region].keys() == {"unknown"} for region in seats.REGIONS)
