"""A red light to its closing, and another through appeal to withdrawal, by five people in Chromium."""

from pathlib import Path

import pytest

from central import correction_check, document
from central.paper.press import Press
from central.store import scope
from tests import carried
from tests.browser import browsers
from tests.integration import serving
from tests.integration.serving import OPERATIONS
from tests.integration.test_corrections import Ahead, fill, look, red_of

pytestmark = [pytest.mark.service, pytest.mark.slow]
PEOPLE = ("jian1", "jian2", "ling1", "ling2", "zhang")
SITE = "s18"


async def test_red_lights_are_carried_to_their_end_in_browsers(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    async with serving.serve(tmp_path / "hall", Ahead(), fill=fill) as hall:
        await look(hall)
        async with hall.store.write() as conn:
            await scope.give(conn, "zhang", [SITE], [])
        first, second = (await red_of(hall, SITE))[:2]
        async with browsers(tmp_path / "profile", 5) as pages:
            people = await carried.five(pages, hall.url)
            for page, name in zip(pages, PEOPLE, strict=True):
                for cookie, value in (await hall.session_of(name)).items():
                    await page.cookie(cookie, value, hall.url)
            said = await carried.closed(people, first)
            assert ("已销号，现在没有要办的事。" in said, "云监销〔2026〕1号" in said) == (True, True)
            said = await carried.withdrawn(people, second)
            assert ("已撤销，现在没有要办的事。" in said, "云监申〔2026〕1号" in said) == (True, True)
            assert not await carried.has_its_papers(people.unit, first)
            await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
            for desk in (people.unit, people.chief):
                assert await carried.has_its_papers(desk, first)
                assert await carried.has_its_papers(desk, second)
        async with hall.store.read() as conn:
            report = await correction_check.check_all(conn)
    assert report.faults == []
