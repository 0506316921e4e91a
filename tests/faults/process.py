"""Faults of a box's disk, of the running program and of the clock."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, elsewhere
from tests.journey.scene import ended, until
from tests.journey.test_clock import shifted


@contextmanager
def disk(stage: Stage, options: str) -> Iterator[Path]:
    """The doctor looks at a copy of the box's data on a small file system."""
    place = stage.folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        with elsewhere(stage, place / "data"):
            yield place
            subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@fault("磁盘满", "E-SYS-04")
async def disk_full(stage: Stage) -> Struck:
    with disk(stage, "size=24m") as place:
        with (place / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        yield


@fault("磁盘只读", "E-SYS-04")
async def disk_read_only(stage: Stage) -> Struck:
    with disk(stage, "size=64m") as place:
        await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(place)], check=True)
        yield


@fault("文件数用尽", "E-SYS-04")
async def inodes_used_up(stage: Stage) -> Struck:
    with disk(stage, "size=64m,nr_inodes=64") as place:
        try:
            for number in range(64):
                (place / str(number)).touch()
        except OSError:
            yield
            return
        raise AssertionError("room for more files than there should be")


@fault("程序停止", "E-SYS-01", sampled=True)
async def stopped(stage: Stage) -> Struck:
    await ended(stage.place.agent, signal.SIGTERM)
    yield
    await stage.place.start(stage.place.agent)


@fault("程序死机", "E-SYS-01")
async def frozen(stage: Stage) -> Struck:
    stage.place.agent.freeze()
    yield
    stage.place.agent.thaw()
    await until("it speaks again", stage.place.agent.status)


@fault("程序反复中断", "E-SYS-02")
async def crash_loop(stage: Stage) -> Struck:
    for _ in range(4):
        await asyncio.to_thread(stage.place.agent.kill)
        await stage.place.start(stage.place.agent)
    yield
    await ended(stage.place.agent, signal.SIGTERM)
    await stage.place.start(stage.place.agent)


@fault("时钟快一天", "E-SYS-07")
async def clock_ahead(stage: Stage) -> Struck:
    agent = stage.place.agent
    await ended(agent, signal.SIGTERM)
    agent.env = shifted("+1d")
    await stage.place.start(agent)
    await stage.place.settled()
    yield
    await ended(agent, signal.SIGTERM)
    agent.env = {}
    await stage.place.start(agent)
    await stage.place.settled()
