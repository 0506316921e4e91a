"""A seeded sample of the fault drill (`make soak WHAT=drill`): named rightly on both sides, then well again by itself."""

import pytest

from common.core.checks import CHECKS
from common.core.state import Health
from tests import drill
from tests.drill_faults import DOWN
from tests.journey.together import together

SAMPLE, SEED = 5, 1116
"""Of the line, the certificate, the box, the hall and the source: none that takes a server of its own or minutes to be noticed."""


def test_the_drill_has_faults_enough_and_names_them_by_the_catalogue() -> None:
    assert len(drill.FAULTS) >= 38
    for item in drill.FAULTS.values():
        assert item.box | item.hall <= set(CHECKS)
        assert item.site in ([], DOWN.split()) or {Health(word) for word in item.site}
        assert item.box | item.hall | set(item.site) - {"ok"}, "something must be seen of it"


@pytest.mark.service
@together
async def test_a_sample_of_faults_is_named_rightly_on_both_sides() -> None:
    found = await drill.run(SAMPLE, SEED)
    assert [item.name for item in found if item.wrong] == [], [item.wrong for item in found]
    assert len(found) == SAMPLE
