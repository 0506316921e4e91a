"""A seeded sample of `make soak WHAT=tamper`: nothing that is done to the data goes unnoticed."""

from pathlib import Path

import pytest

from tests import tamper

pytestmark = pytest.mark.service


async def test_nothing_that_is_done_to_the_data_goes_unnoticed(tmp_path: Path) -> None:
    done = await tamper.run(tmp_path, 200, seed=2)
    assert done.unnoticed == []
    assert sum(done.trials.values()) == 200
    assert len(done.trials) > 20
