"""A sample of the doctors' faults (`make soak WHAT=doctor` strikes all): the one cause is named, alone, in five seconds."""

import asyncio
import os
import signal

import pytest

from common.core.checks import CHECKS
from tests import doctoring, faults
from tests.doctoring import Fault, Stage
from tests.faults.altered import Struck
from tests.journey.scene import until
from tests.services import MariaDb

SAMPLE = 12
assert faults, "it fills FAULTS"


def test_there_are_forty_faults_and_more_and_each_names_a_check_of_the_catalogue() -> None:
    assert len(doctoring.FAULTS) >= 40
    assert {item.check for item in doctoring.FAULTS.values()} <= set(CHECKS)


@pytest.mark.service
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the network from a process")
async def test_the_doctors_name_the_one_cause_of_each_fault_in_five_seconds(mariadb: MariaDb) -> None:
    found = await doctoring.run([item for item in doctoring.FAULTS.values() if item.sampled], mariadb)
    assert {item.fault.name: item.wrong for item in found if item.wrong} == {}
    assert len(found) >= SAMPLE


async def ends_unasked(stage: Stage) -> Struck:
    os.kill(stage.place.agent.pid, signal.SIGTERM)
    await until("it ends", stage.place.agent.has_ended)
    yield


async def not_to_be_mended(stage: Stage) -> Struck:
    await asyncio.to_thread(stage.place.agent.kill)
    yield
    raise RuntimeError("it stays as it is")


async def stands_still(stage: Stage) -> Struck:
    await asyncio.Event().wait()
    yield


@pytest.mark.service
async def test_a_run_of_faults_starts_again_what_ended_and_goes_on_behind_one_that_cannot_be_mended(
    mariadb: MariaDb,
) -> None:
    again, broken = (Fault("", "E-SYS-01", one, False, False) for one in (ends_unasked, not_to_be_mended))
    found = await doctoring.run([again, broken, again], mariadb)
    assert [item.ended for item in found] == [("Agent",), (), ("Agent",)]
    assert (found[0].wrong, found[2].wrong) == ("", "")
    assert "it stays as it is" in found[1].wrong
    async with doctoring.staged(mariadb) as stage:
        hung, is_well = await doctoring.struck(stage, Fault("", "E-SYS-01", stands_still, False, False), 0.5)
    assert not is_well
    assert "stood still" in hung.wrong
    assert "test_doctor_faults.py" in hung.wrong
