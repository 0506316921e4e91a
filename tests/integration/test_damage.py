"""A sample of `make soak WHAT=damage`: whatever is damaged on a box's disk, the hall ends as the source is."""

from pathlib import Path

import pytest

from tests import damage

pytestmark = pytest.mark.service  # half a minute


async def test_no_damage_to_a_boxs_files_makes_the_hall_say_what_is_not_so(tmp_path: Path) -> None:
    done = await damage.run(tmp_path, count=10, seed=5)
    assert done.wrong == []
    assert done.median_lost <= 1
    assert len(done.by_name()) >= 6
