"""Red lights of the running demonstration, carried to their end in browsers by the accounts that it prints."""

import asyncio
import re
import sys
from pathlib import Path

from tests import carried
from tests.browser import browsers
from tests.carried import Five
from tests.desk import Desk
from tests.journey.test_demo import demonstration
from tests.real.chaos import say

PEOPLE = ("supervisor", "supervisor2", "chief", "chief2", "head")
PATIENCE_SECS = 900.0
"""Until two red lights wait for an order: some of the demonstration's days."""
LISTED = """[...document.querySelectorAll('main a[href^="/hall/corrections/"]')].map(one => one.pathname)"""
CHECKS = (("rebuild",), ("document", "verify"), ("audit", "verify"))


async def carried_in(folder: Path) -> int:
    """Start it in `folder`, carry two red lights, verify what its hall keeps. -> how many were carried. Raises AssertionError."""
    async with (
        demonstration(folder) as (port, said),
        browsers(folder.parent / f"{folder.name}-p", 5) as pages,
    ):
        password = re.search(r"密码都是\s+([\w-]+)）", said)
        assert password is not None
        people = await carried.five(pages, f"http://127.0.0.1:{port}")
        for desk, name in zip(_desks(people), PEOPLE, strict=True):
            await desk.open("/login")
            await desk.press('form[action="/login"] button', name=name, password=password[1])
        first, second = await _waiting(people)
        assert "已销号，现在没有要办的事。" in await carried.closed(people, first)
        assert "已撤销，现在没有要办的事。" in await carried.withdrawn(people, second)
        say(f"carried: {first} closed, {second} withdrawn")
        for number in (first, second):
            await _papers(people.unit, number)
        (config,) = folder.glob("*/hall/central.toml")
        for check in CHECKS:
            await _verified(check, config)
    return 2


def _desks(people: Five) -> tuple[Desk, ...]:
    return (people.drafter, people.reviewer, people.chief, people.other_chief, people.unit)


async def _papers(desk: Desk, number: int) -> None:
    """Its files are made within some seconds."""
    async with asyncio.timeout(PATIENCE_SECS):
        while not await carried.has_its_papers(desk, number):  # noqa: ASYNC110  a page is asked
            await asyncio.sleep(1)


async def _waiting(people: Five) -> tuple[int, int]:
    """Two corrections for which an order can be drafted."""
    async with asyncio.timeout(PATIENCE_SECS):
        while True:
            await people.drafter.open("/hall/corrections?stage=order")
            paths = await people.drafter.page.ask(LISTED)
            numbers = sorted({int(found) for path in paths if (found := path.rpartition("/")[2]).isdigit()})
            if len(numbers) > 1:
                return numbers[0], numbers[1]
            await asyncio.sleep(2)


async def _verified(check: tuple[str, ...], config: Path) -> None:
    program = str(Path(sys.executable).with_name("mingcha"))
    process = await asyncio.create_subprocess_exec(
        program, *check, "--config", str(config), stdout=asyncio.subprocess.PIPE
    )
    out = (await process.communicate())[0].decode()
    say(f"{' '.join(check)}: {out.strip()}")
    assert process.returncode == 0, check
