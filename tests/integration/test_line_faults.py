"""The stream in a real browser: a line that loses, repeats or exchanges messages, and a computer whose own clock is wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import update

from central.core import wording
from central.core.access import Role
from central.store import tables as t
from central.web.guard import COOKIE
from central.web.page import HALL
from common.core.instant import HOUR, SECOND
from tests import bound
from tests.browser import Page, browser
from tests.integration import city, serving
from tests.integration.serving import Served

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.service]
HEALS_SECS = 30
"""Half of the minute in which everybody gets the whole anyhow."""
WRONG_CLOCK = """(() => {
  const True = Date;
  window.Date = class extends True {
    constructor(...given) { if (given.length) { super(...given); } else { super(True.now() + %d); } }
    static now() { return True.now() + %d; }
  };
})()"""
AGES = """Array.from(document.querySelectorAll('[data-heard]')).filter(node => Number(node.dataset.heard))
  .map(node => [Number(node.dataset.heard), node.textContent, node.dataset.after || ''])"""


class Line:
    """What lies between hall and browser. `fault`: what it does to the next message in which a site changes, once."""

    def __init__(self, whole: Callable[[], AsyncIterator[bytes]]) -> None:
        self._whole = whole
        self.fault, self.opened = "", 0

    async def messages(self) -> AsyncIterator[bytes]:
        self.opened += 1
        held = b""
        async for message in self._whole():
            told = msgspec.json.decode(message.removeprefix(b"data: "))
            fault = self.fault if "s" in told and not told.get("full") else ""
            if fault:
                self.fault = ""
            if fault == "exchanged":
                held = message
                continue
            if fault != "lost":
                yield message
            if fault == "repeated":
                yield message
            if held:
                yield held
            held = b""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Served, Line]]:
    async with serving.serve(tmp_path_factory.mktemp("line"), serving.FridayClock(), cases_a_day=12) as hall:
        wall = hall.app[HALL].wall
        line = Line(wall.messages)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wall, "messages", line.messages)
            yield hall, line


@pytest_asyncio.fixture(loop_scope="module")
async def page(shown: tuple[Served, Line], tmp_path: Path) -> AsyncIterator[Page]:
    """A browser of its own, a supervisor logged in."""
    hall, _ = shown
    async with browser(tmp_path / "profile") as tab:
        await tab.cookie(COOKIE, (await hall.session(Role.SUPERVISOR))[COOKIE], hall.url)
        await tab.size(1920, 1080)
        yield tab


async def renamed(hall: Served, name: str) -> None:
    async with hall.store.write() as conn:
        await conn.execute(update(t.site).where(t.site.c.id == "s02").values(name=name))


async def as_the_server_has_it(page: Page, hall: Served) -> None:
    """Wait until every bound value of the page is what the state says."""
    async with asyncio.timeout(HEALS_SECS):
        while True:
            number, wrong = bound.faults(
                await page.ask("document.documentElement.outerHTML"), hall.app[HALL].wall.state
            )
            assert number > 300
            if not wrong:
                return
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("fault", ["lost", "repeated", "exchanged"])
async def test_a_gap_in_the_numbers_is_healed_by_a_new_whole_in_the_same_page(
    shown: tuple[Served, Line], page: Page, fault: str
) -> None:
    hall, line = shown
    await page.open(hall.url + "/hall")
    await as_the_server_has_it(page, hall)
    await page.ask("document.mark = 1")
    opened, line.fault = line.opened, fault
    await renamed(hall, "石桥一")
    async with asyncio.timeout(HEALS_SECS):
        while line.fault:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    if fault == "exchanged":  # the next one must come before the one that is held
        await renamed(hall, "石桥二")
    async with asyncio.timeout(HEALS_SECS):
        while line.opened == opened:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await as_the_server_has_it(page, hall)
    await page.until("document.querySelector('.veil').hidden", HEALS_SECS)
    assert await page.ask("document.mark === 1 && document.documentElement.className === ''")


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_computer_whose_clock_is_an_hour_off_shows_the_right_ages(
    shown: tuple[Served, Line], page: Page, hours: int
) -> None:
    hall, _ = shown
    wrong_ms = hours * HOUR // 1000
    async with hall.store.write() as conn:
        await city.hear(conn, hall.clock.wall())  # of a site that is not heard the tile says other things
    await page.call("Page.addScriptToEvaluateOnNewDocument", source=WRONG_CLOCK % (wrong_ms, wrong_ms))
    await page.open(hall.url + "/hall")
    here = await page.ask("Date.now()")
    assert abs(here - hall.clock.wall() // 1000 - wrong_ms) < HOUR // 2000
    await page.ask("mingcha.told.push(() => { document.told = 1; })")
    await page.until("document.told === 1", HEALS_SECS)
    before = hall.clock.wall()
    ages = await page.ask(AGES)
    after = hall.clock.wall()
    assert len(ages) > 10
    for heard, text, behind in ages:
        right = {
            wording.span(at - heard * 1000) + behind
            for at in range(before - 10 * SECOND, after + 10 * SECOND, SECOND // 2)
        }
        assert text in right, (heard, text)
    told_at = await page.ask("document.getElementById('clock').textContent")
    office = {
        wording.second(hall.clock.office() + n * SECOND, hall.app[HALL].zone)[-8:] for n in range(-20, 3)
    }
    assert told_at in office
    assert await page.ask("document.querySelector('.veil').hidden")
