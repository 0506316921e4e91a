"""The disk is full, on the box or in the hall: nobody ends, nothing is lost, and with room again it goes on by itself."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.journey.scene import Report, command, events, finds, scene, until
from tests.journey.together import together

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system to fill"),
]

MIB = 1024 * 1024


class Disk:
    """A small file system of its own under `folder`, with what was there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """To the last byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (MIB, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        self._filler.unlink()


@asynccontextmanager
async def small_disk(folder: Path, mib: int) -> AsyncIterator[Disk]:
    folder.mkdir(exist_ok=True)
    before = folder.with_name("before")
    shutil.copytree(folder, before)
    await asyncio.to_thread(mount, folder, mib)
    try:
        shutil.copytree(before, folder, dirs_exist_ok=True)
        yield Disk(folder)
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "-l", str(folder)], check=True)


def mount(folder: Path, mib: int) -> None:
    what = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    done = subprocess.run(what, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.decode()}")


@together
async def test_a_box_with_a_full_disk_waits_and_goes_on_when_there_is_room() -> None:
    async with scene(start=False) as place, small_disk(place.agent.folder / "data", 48) as disk:
        await place.start()
        await place.settled()
        ballast = disk.folder / "ballast"
        assert ballast.exists()
        disk.fill()
        place.office.receive(200)
        await until("the ballast is given up", lambda: not ballast.exists())
        disk.fill()
        place.office.receive(200)

        async def stands() -> Report | None:
            """It warns of a disk that is nearly full before a write has failed."""
            found = await finds(place.agent, "E-SYS-04")
            return found if found.code == 3 else None

        box = await until("the doctor says that nothing can be written", stands)
        assert "写不进" in box.detail("E-SYS-04")
        await asyncio.sleep(3)
        assert 1 <= len(events(place.agent, "buffer.full")) <= 2
        pid = place.agent.pid
        changing = asyncio.create_task(
            command("mingcha-agent", "key", "change", "--config", str(place.agent.config))
        )
        await until("the key cannot be changed yet", lambda: events(place.agent, "key.unfinished"))
        disk.free()
        await asyncio.wait_for(place.settled(), 15)
        assert (await changing)[0] == 0
        status = place.agent.status()
        assert status is not None
        assert status.pid == pid
        assert events(place.agent, "buffer.recovered")
        await until("the ballast is there again", ballast.exists)
        assert await place.twice() == []
        await place.stop(place.agent)


@together
async def test_a_box_that_is_started_on_a_full_disk_waits_for_room() -> None:
    async with scene(start=False) as place, small_disk(place.agent.folder / "data", 16) as disk:
        disk.fill()
        starting = asyncio.create_task(place.start(place.agent))
        await until("it waits", lambda: events(place.agent, "buffer.full"))
        box = await finds(place.agent, "E-SYS-04")
        assert (box.code, box.checks["E-SYS-01"]["status"]) == (3, "skip")
        assert "磁盘已满" in box.detail("E-SYS-04")
        assert not starting.done()
        disk.free()
        await starting
        assert len(events(place.agent, "buffer.full")) == len(events(place.agent, "buffer.recovered")) == 1
        await place.settled()
        await place.stop(place.agent)


@together
async def test_a_disk_that_goes_from_under_a_running_box_costs_nothing() -> None:
    """What is mounted instead is another, empty one: to go on writing to the files that went would lose it all."""
    async with scene(start=False) as place:
        async with small_disk(place.agent.folder / "data", 48):
            await place.start(place.agent)
            await place.settled()
            await place.stop(place.hall)
            place.office.receive(40)
            await until("the rows wait", lambda: place.agent.waiting() > 80)
        place.office.receive(40)
        await until("the box has noticed", lambda: events(place.agent, "buffer.reopened"))
        await place.start(place.hall)
        await place.settled()
        assert "已不在原处" in str(events(place.agent, "buffer.reopened")[0]["reason"])
        await place.stop(place.agent)
        place.office.receive(20)
        await place.start(place.agent)
        await place.settled()
        assert await place.twice() == []


@together
async def test_a_hall_with_a_full_disk_acknowledges_nothing_until_there_is_room() -> None:
    async with scene(start=False) as place:
        await place.stop(place.hall)
        async with small_disk(place.hall.folder / "data", 8) as disk:
            await place.start(place.hall, place.agent)
            await place.settled()
            disk.fill()
            place.office.receive(100)
            await until("the hall has said so", lambda: events(place.hall, "store.unavailable"))
            hall = await finds(place.hall, "E-HALL-01")
            assert hall.code == 3
            assert "full" in hall.detail("E-HALL-01")
            await until("the box collects on", lambda: place.agent.waiting() >= 200)
            disk.free()
            await place.settled()
            assert len(events(place.hall, "store.unavailable")) == 1
            assert len(events(place.hall, "store.recovered")) == 1
            assert await place.twice() == []
            await place.stop(place.hall)
