"""The one command dies at any moment: the same command always finishes it, and the site has one box."""

from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.install.kills import KILLS, STEPS, WHOLE_SECS, finish, killed
from tests.install.lab import Box, Lab, side_by_side
from tests.install.site import Site, cases
from tests.journey.scene import Office

pytestmark = pytest.mark.service

FEWEST = 5
"""Of ten steps: fetching, accounts, enrolment, units and the start all wait for others."""


def test_killed_at_every_step_and_at_random_moments(lab: Lab, bare: Path, warm: str) -> None:
    """Three boxes beside each other. At random: one while it fetches and unpacks, which takes most of its time; one after that."""
    stepped, fetching, unpacked = (Site(lab, name) for name in ("k01", "k11", "k12"))
    works = [
        partial(at_each_step, stepped, *stepped.box(bare)),
        partial(at_random, fetching, *fetching.box(bare), Random(1)),
        partial(at_random, unpacked, *unpacked.box(warm), Random(2)),
    ]
    side_by_side(*works)


def at_each_step(site: Site, box: Box, office: Office) -> None:
    """The quick ones may be over before the kill arrives; then the next is met."""
    struck = [step for step in STEPS if killed(box, site.command, step, 0.0)]
    assert len(struck) >= FEWEST, struck
    finish(site, box)
    box.until(lambda: site.acknowledged() == cases(office))


def at_random(site: Site, box: Box, office: Office, random: Random) -> None:
    for _ in range(KILLS):
        killed(box, site.command, "", random.random() * WHOLE_SECS)
    finish(site, box)
    box.until(lambda: site.acknowledged() == cases(office))
