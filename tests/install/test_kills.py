"""The one command dies at any moment: the same command always finishes it, and the site has one box."""

from pathlib import Path
from random import Random

import pytest

from tests.install.kills import KILLS, STEPS, WHOLE_SECS, finish, killed
from tests.install.lab import Lab
from tests.install.site import Site, cases

pytestmark = pytest.mark.service

FEWEST = 5
"""Of ten steps: fetching, accounts, enrolment, units and the start all wait for others."""


def test_killed_as_each_step_begins(lab: Lab, bare: Path) -> None:
    """The quick ones may be over before the kill arrives; then the next is met."""
    site = Site(lab, "k01")
    box, office = site.box(bare)
    struck = [step for step in STEPS if killed(box, site.command, step, 0.0)]
    assert len(struck) >= FEWEST, struck
    finish(site, box)
    box.until(lambda: site.acknowledged() == cases(office))


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments(lab: Lab, bare: Path, seed: int) -> None:
    random = Random(seed)
    site = Site(lab, f"k1{seed}")
    box, office = site.box(bare)
    for _ in range(KILLS):
        killed(box, site.command, "", random.random() * WHOLE_SECS)
    finish(site, box)
    box.until(lambda: site.acknowledged() == cases(office))
