"""`make demo` as a newcomer uses it: it gets ready, cases arrive, lights change, Ctrl-C leaves nothing, and again."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import common
from tests.journey.scene import until
from tests.server import free_port

pytestmark = pytest.mark.service
READY_SECS = 400.0
CHILDREN = 21
"""Hall, public door, broker, and the agents of 18 sites."""
PATIENCE_SECS = 300.0
Overview = dict[str, Any]


def command(port: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "provisioning", "demo", "--port", str(port), *options]


@asynccontextmanager
async def demonstration(folder: Path, *options: str) -> AsyncIterator[tuple[int, str]]:
    """The command, ready. -> (port, what it printed). Ends with Ctrl-C, and leaves nothing behind."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *command(port, *options),
        cwd=Path(common.__file__).parent.parent,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(READY_SECS):
            while "停止：" not in said:
                line = await process.stdout.readline()
                assert line, f"it ended before it was ready: {said}"
                said += line.decode()
        yield port, said
    finally:
        process.send_signal(signal.SIGINT)
        rest = await process.stdout.read()
        code = await process.wait()
    assert code == 0
    assert "没有留下任何东西" in rest.decode()
    assert list(folder.iterdir()) == []
    assert living(folder) == []


def living(folder: Path) -> list[str]:
    """Command lines of processes that were started for `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
        if str(folder) in line:
            found.append(line)
    return found


async def overview(session: aiohttp.ClientSession, port: int) -> Overview:
    async with session.get(f"http://127.0.0.1:{port}/api/v1/overview") as answer:
        assert answer.status == 200
        found: Overview = await answer.json()
        return found


async def moves(port: int) -> None:
    """Cases arrive, records arrive, and some light changes."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        first = await overview(session, port)
        assert len(first["sites"]) == 18
        later = first
        async with asyncio.timeout(PATIENCE_SECS):
            while not _moved(first, later):
                await asyncio.sleep(1)
                later = await overview(session, port)


def _moved(before: Overview, after: Overview) -> bool:
    lights = [[(site["yellow"], site["red"]) for site in seen["sites"]] for seen in (before, after)]
    totals = before["totals"], after["totals"]
    return (
        lights[0] != lights[1]
        and totals[0]["cases"] < totals[1]["cases"]
        and totals[0]["records"] < totals[1]["records"]
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the broker's own account may go too, unlike pytest's folders."""
    with tempfile.TemporaryDirectory(prefix="demo-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


async def test_the_demonstration_gets_ready_moves_and_leaves_nothing_twice_with_either_broker(
    folder: Path,
) -> None:
    async with demonstration(folder) as (port, said):
        assert f"http://127.0.0.1:{port}/" in said
        assert "Mosquitto" in said
        await moves(port)
        await the_door_is_open(said)
        await another_is_told(port)
    async with demonstration(folder, "--embedded") as (
        port,
        said,
    ):  # again, and without a broker of the machine
        assert "程序内的演示用消息服务" in said
        await moves(port)


async def the_door_is_open(said: str) -> None:
    """What the catalogue displays, anybody may read at the second address."""
    found = re.search(r"公众网页：\s+(http://127\.0\.0\.1:\d+/p/)", said)
    assert found is not None
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE_SECS):
        while True:
            async with session.get(f"{found[1]}guides/SX0201") as answer:
                text = await answer.text()
            if answer.status == 200:
                break
            await asyncio.sleep(1)
    assert "食品经营许可" in text
    assert "《食品安全法》" in text


async def another_is_told(port: int) -> None:
    """A second one on the same port says so, and how to go on."""
    process = await asyncio.create_subprocess_exec(
        *command(port),
        cwd=Path(common.__file__).parent.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode != 0
    assert f"make demo PORT={port + 1}" in said.decode()


async def test_a_launcher_that_is_killed_leaves_nobody_behind(folder: Path) -> None:
    """Mosquitto neither, which a root would let change its user, and that hides the end of its parent from it."""
    process = await asyncio.create_subprocess_exec(
        *command(free_port()),
        cwd=Path(common.__file__).parent.parent,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
    )
    await until("all of them are there", lambda: len(living(folder)) >= CHILDREN, READY_SECS)
    process.kill()
    await process.wait()
    await until("all of them are gone", lambda: not living(folder), 20)
