"""Every fault and every harmless change on rendered clips: two seeds here, twenty by `python -m tests.camera.table`."""

from tests.camera import table


def test_faults_are_found_and_named_and_nothing_else_is_one() -> None:
    """C1, C2."""
    said = table.run(2)
    recall, named, precision = table.figures(said)
    assert recall >= 0.95, said
    assert named >= 0.9, said
    assert precision == 1.0, said
