"""A sample of the doctors' faults (`make soak WHAT=doctor` strikes all): the one cause is named, alone, in five seconds."""

import os

import pytest

from common.core.checks import CHECKS
from tests import doctor_faults, doctoring, machine_faults
from tests.services import MariaDb

SAMPLE = 12
assert doctor_faults, "it fills FAULTS"
assert machine_faults, "it too"


def test_there_are_forty_faults_and_more_and_each_names_a_check_of_the_catalogue() -> None:
    assert len(doctoring.FAULTS) >= 40
    assert {item.check for item in doctoring.FAULTS.values()} <= set(CHECKS)


@pytest.mark.service
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the network from a process")
async def test_the_doctors_name_the_one_cause_of_each_fault_in_five_seconds(mariadb: MariaDb) -> None:
    names = [name for name, item in doctoring.FAULTS.items() if item.sampled]
    found = await doctoring.run(names, mariadb)
    assert {item.fault.name: item.wrong for item in found if item.wrong} == {}
    assert len(found) >= SAMPLE
