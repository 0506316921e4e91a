"""Every page of the hall in Chromium, on a phone by day and on a desk by night: no sideways scroll, nothing serious for axe-core.

Each is about a thing that is there, and some come again with what was refused. axe-core sees each page in one of the two, in
turn: it is what the test costs, and the two differ in their colours alone. WCAG 2.2 AA as far as a machine can tell it
(interface.md 3.11).
"""

from pathlib import Path

import pytest

from tests import axe, furnished, screens
from tests.browser import browser
from tests.integration.serving import Served

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]
SCREENS = {"light": (390, 844), "dark": (1440, 900)}


async def test_nobody_is_kept_out_of_a_page(
    furnished_hall: tuple[Served, furnished.Places], tmp_path: Path
) -> None:
    hall, places = furnished_hall
    found: dict[tuple[str, str, str], object] = {}
    seen = set[str]()
    async with browser(tmp_path / "profile") as page:
        for number, sight in enumerate(screens.pages(hall, places)):
            cookies = await hall.session(sight.role)
            status, kind = await screens.status(hall, sight.path, cookies)
            assert status == 200, sight
            if kind != "text/html":
                continue
            for name, value in cookies.items():
                await page.cookie(name, value, hall.url)
            for turn, (theme, (width, height)) in enumerate(SCREENS.items()):
                await page.size(width, height)
                await screens.show(page, hall, sight)
                await page.ask(f"document.documentElement.dataset.theme = '{theme}'")
                seen.add(sight.name)
                where = (sight.name, theme, sight.role.value)
                if await page.ask("document.documentElement.scrollWidth > innerWidth"):
                    found[where] = "sideways"
                if (number + turn) % 2 == 0 and (barriers := await axe.barriers(page)):
                    found[where] = barriers
    assert found == {}
    assert len(seen) > 100
