"""Yesterday's copy is put in place of today's file, on the box or in the hall: found out, and read again."""

import asyncio
import json
import shutil
import signal
from pathlib import Path

import pytest

from provisioning.core.identity import Box
from tests.journey.scene import FIRST, Place, Site, command, ended, events, finds, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service

SECOND = Box("s02", 1)


def data(site: Site) -> Path:
    return site.agent.folder / "data"


def put_back(copy: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


async def later_than_a_copy(place: Place) -> None:
    """Every box is stopped with a copy of its data beside it; since then the hall has taken more from it."""
    for site in place.sites:
        site.office.receive(10)
    await place.settled()
    await asyncio.gather(*(ended(site.agent, signal.SIGTERM) for site in place.sites))
    for site in place.sites:
        shutil.copytree(data(site), data(site).with_name("copy"))
    await place.start()
    for site in place.sites:
        site.office.execute('UPDATE "办件" SET "申请人"=\'改名\' WHERE "编号"=\'SL00002\'')
        site.office.receive(10)
    await place.settled()
    await asyncio.gather(*(ended(site.agent, signal.SIGTERM) for site in place.sites))
    for site in place.sites:
        put_back(data(site).with_name("copy"), data(site))
        # The copy knows this row as it was before; the hall does not.
        site.office.execute('UPDATE "办件" SET "申请人"=\'王小明SL00002\' WHERE "编号"=\'SL00002\'')


@together
async def test_a_copy_of_the_boxs_data_is_a_fork_and_overwrites_nothing() -> None:
    """s01's copy comes back behind the hall; s02's has gone on alone, past all that the hall has."""
    async with scene([FIRST, SECOND]) as place:
        await later_than_a_copy(place)
        behind, ahead = place.sites
        await place.stop(place.hall)
        ahead.office.receive(60)
        await place.start(ahead.agent)
        await until("the copy has gone on alone", lambda: ahead.agent.waiting() > 120)
        await place.start(place.hall, behind.agent)
        codes = (await ended(behind.agent), await ended(ahead.agent))
        assert codes == (70, 70)
        for site in place.sites:
            assert "本机缓存来自旧备份或克隆" in site.agent.log
            assert list(data(site).glob("buffer-*.kept-*"))
        assert {line["code"] for line in events(place.hall, "hello.refused")} == {"fork"}
        await place.start()
        await place.settled()
        assert await place.twice() == []
        assert (await finds(place.agent)).code == 0
        await accepted(place)


async def accepted(place: Place) -> None:
    """The alarms stay until somebody has looked into them; who did, and why, stays for ever."""
    where = "--config", str(place.hall.config)
    hall = await finds(place.hall, "E-HALL-14")
    assert "编号分叉" in hall.detail("E-HALL-14")
    _, out, _ = await command("mingcha", "alarm", "list", "--json", *where)
    forks = [item for item in json.loads(out) if item["kind"] == "fork"]
    assert {item["site"] for item in forks} == {"s01", "s02"}
    for item in json.loads(out):
        assert (
            await command("mingcha", "alarm", "accept", str(item["id"]), "--why", "换机前的备份", *where)
        )[0] == 0
    assert await command("mingcha", "alarm", "list", *where) == (0, "✓ 没有未处理的告警\n", "")
    code, _, err = await command("mingcha", "alarm", "accept", str(forks[0]["id"]), "--why", "再来", *where)
    assert code
    assert "没有未处理的告警" in err
    assert "已由" in (await command("mingcha", "alarm", "list", "--all", *where))[1]
    await finds(place.hall)


@together
async def test_a_hall_set_back_to_an_old_backup_is_told_all_of_it_again() -> None:
    """Since the backup s01 went on, and s02 began a new buffer besides."""
    async with scene([FIRST, SECOND]) as place:
        await place.settled()
        await ended(place.hall, signal.SIGTERM)
        backup = place.hall.folder / "backup"
        shutil.copytree(place.hall.folder / "data", backup)
        await place.start(place.hall)
        await more_arrives(place)
        second = place.sites[1]
        await ended(second.agent, signal.SIGTERM)
        (data(second) / "buffer.db").unlink()
        await place.start(second.agent)
        await more_arrives(place)
        await until("the boxes have forgotten it", lambda: all(s.agent.waiting() <= 1 for s in place.sites))
        await asyncio.to_thread(place.hall.kill)
        put_back(backup, place.hall.folder / "data")
        await place.start(place.hall)
        await place.settled()
        for site in place.sites:
            assert events(site.agent, "history.requested")
        assert {line["site"] for line in events(place.hall, "site.gap")} == {"s01", "s02"}
        assert (await finds(place.hall)).code in {0, 1}


async def more_arrives(place: Place) -> None:
    for site in place.sites:
        site.office.receive(5)
        site.office.execute('UPDATE "办件" SET "状态"=9 WHERE "编号"=\'SL00001\'')
    await place.settled()
