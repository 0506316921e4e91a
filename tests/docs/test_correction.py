"""The page of the correction is the table of the correction."""

from central.core.correction import STEPS, State
from tests.docs import correction


def test_the_page_is_what_the_table_says_now() -> None:
    assert correction.PATH.read_text("utf-8") == correction.render(), "python -m tests.docs.correction"


def test_every_state_and_every_row_stands_in_it() -> None:
    page = correction.render()
    for state in State:
        assert f"{state.value}: {state.word}" in page
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count("|") == 8]
    assert len(rows) == len(STEPS) + 1
