"""Every page of the hall in Chromium, on a phone by day and on a desk by night: no sideways scroll, nothing serious for axe-core.

axe-core sees each page in one of the two, in turn: it is what the test costs, and the two differ in their colours alone.
WCAG 2.2 AA as far as a machine can tell it (interface.md 3.11).
"""

from pathlib import Path

import pytest
from sqlalchemy import select

from central.core.access import Role, allows
from central.store import tables as t
from tests import axe
from tests.browser import browser
from tests.integration import serving
from tests.integration.test_pages import routes

pytestmark = pytest.mark.service
FIRST = [Role.SUPERVISOR, Role.CENTRE, *Role]
"""Who looks: the first that may."""
SCREENS = {"light": (390, 844), "dark": (1440, 900)}


async def test_nobody_is_kept_out_of_a_page(tmp_path: Path) -> None:
    place = serving.serve(tmp_path, serving.FridayClock(), cases_a_day=5)
    async with place as hall, browser(tmp_path / "profile") as page:
        red = select(t.clock.c.site, t.clock.c.case_key).where(t.clock.c.light == "red").limit(1)
        async with hall.store.read() as conn:
            case = (await conn.execute(red)).one()
        found: dict[tuple[str, str, str], object] = {}
        seen = 0
        for number, (method, path, permission) in enumerate(routes(hall)):
            role = next(role for role in FIRST if allows(role, permission))
            if method != "GET" or path.startswith(("/static/", "/api/", "/hall/wall/")):
                continue
            where = hall.url + path.replace("/s09/x", f"/{case.site}/{case.case_key}")
            for name, value in (await hall.session(role)).items():
                await page.cookie(name, value, hall.url)
            for turn, (theme, (width, height)) in enumerate(SCREENS.items()):
                await page.size(width, height)
                await page.open(where)
                if await page.ask("document.contentType") != "text/html":
                    break
                await page.ask(f"document.documentElement.dataset.theme = '{theme}'")
                seen += 1
                if await page.ask("document.documentElement.scrollWidth > innerWidth"):
                    found[path, theme, "sideways"] = [width]
                if (number + turn) % 2:
                    continue
                if barriers := await axe.barriers(page):
                    found[path, theme, role] = barriers
        assert found == {}
        assert seen > 50
