"""`make screens [ONLY=word]`: every page of the hall and of the public door photographed, for a person to look at.

By day, by night and without colours, 390, 1440, 1920 and 3840 px wide, into `.cache/screens/PAGE-THEME-WIDTH.png`. The city is
the tests' own: red lights with their corrections, cameras, a result that is public. Nothing is judged here.
"""

import argparse
import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

from sqlalchemy import select

from central import correction_clock, judge, publishing, scoring
from central.core.access import Role, allows
from central.core.release import ReleaseState
from central.scoring import Sender
from central.store import documents, publications
from central.store import tables as t
from central.store.engine import Store
from common.clock import Clock
from common.core.instant import DAY
from tests import gallery
from tests.browser import Page, browser
from tests.integration import city, dooring, serving
from tests.integration.city_cases import ZONE
from tests.integration.serving import OPERATIONS, FridayClock, Served
from tests.integration.test_camera_pages import fill as fill_cameras
from tests.integration.test_door_pages import PATHS as DOOR_PATHS
from tests.integration.test_door_pages import fill as fill_door
from tests.integration.test_pages import routes
from tests.integration.test_scores import scored
from tests.papers import ISSUER

FOLDER = Path(".cache/screens")
WIDTHS = {390: 844, 1440: 900, 1920: 1080, 3840: 2160}
THEMES = {"light": ("light", "none"), "dark": ("dark", "none"), "grey": ("light", "achromatopsia")}
"""Name -> theme, and what Chromium takes away."""
FIRST = [Role.SUPERVISOR, Role.CENTRE, *Role]
"""Who looks: the first that may."""
SCENES = ("/hall?scene=video&every=60", "/hall?scene=score,sites&every=60")


async def fill(store: Store, clock: Clock) -> None:
    async with store.write() as conn:
        await city.fill(conn, clock.office(), clock.wall(), cases_a_day=30)
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)


async def happen(hall: Served) -> None:
    """Corrections of the red lights, what cameras said, and a result of the month that is public."""
    async with hall.store.write() as conn:
        world = await judge.load_world(conn, ZONE)
    await correction_clock.look_once(hall.store, world, hall.clock, OPERATIONS, set())
    await fill_cameras(hall)
    run = await scored(hall)
    boss = Sender("chief", "期满定稿", city.FRIDAY + 20 * DAY, hall.clock.wall())
    async with hall.store.write() as conn:
        final = await scoring.finish(conn, run, boss, ZONE)
        number = await publishing.draft(conn, final, "六月绩效公告", boss, merges=True)
        await publications.decide(conn, number, ReleaseState.RELEASED, "releaser", "核对无误", boss.wall)


async def pages(hall: Served) -> AsyncIterator[tuple[Role, str]]:
    """Who looks at which address: each of the hall's pages once, with something on it where there is something."""
    red = select(t.clock.c.site, t.clock.c.case_key).where(t.clock.c.light == "red").limit(1)
    async with hall.store.read() as conn:
        case = (await conn.execute(red)).one()
    for method, path, permission in routes(hall):
        if method == "GET" and not path.startswith(("/static/", "/api/", "/wall/", "/healthz")):
            role = next(role for role in FIRST if allows(role, permission))
            yield role, path.replace("/s09/x", f"/{case.site}/{case.case_key}")
    for path in SCENES:
        yield Role.WALL, path


async def shoot(page: Page, address: str, name: str) -> int:
    """-> how many pictures; a download has none."""
    await page.open(address)
    if await page.ask("document.contentType") != "text/html":
        return 0
    is_wall = await page.ask("document.querySelector('.wall') !== null")
    taken = 0
    for (theme, (wanted, without)), (width, height) in product(THEMES.items(), WIDTHS.items()):
        if is_wall and theme == "light":
            continue
        await page.size(width, height)
        await page.call("Emulation.setEmulatedVisionDeficiency", type=without)
        if not is_wall:
            await page.ask(f"document.documentElement.dataset.theme = '{wanted}'")
        await page.ask(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        )
        await page.photograph(FOLDER / f"{name}-{theme}-{width}.png", whole=not is_wall or width < 1100)
        taken += 1
    return taken


def named(path: str) -> str:
    return re.sub(r"[^\w]+", "-", path).strip("-") or "root"


async def run(only: str) -> int:
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        async with gallery.served() as address, browser(Path(folder) / "gallery") as page:
            if only in gallery.PATH:
                taken += await shoot(page, address, named(gallery.PATH))
        if only == gallery.PATH:
            return taken
        place = serving.serve(Path(folder), FridayClock(), fill=fill)
        async with place as hall, browser(Path(folder) / "profile") as page:
            await fill_door(hall)
            await happen(hall)
            async for role, path in pages(hall):
                if only in path:
                    async with hall.store.write() as conn:
                        await city.hear(conn, hall.clock.wall())  # the last page is not long after the first
                    for name, value in (await hall.session(role)).items():
                        await page.cookie(name, value, hall.url)
                    taken += await shoot(page, hall.url + path, named(path))
            async with dooring.opened(hall, Path(folder)) as outside:
                await outside.publish()
                for path in DOOR_PATHS:
                    if only in path:
                        taken += await shoot(page, outside.url + path, named(path))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.screens", description=__doc__)
    parser.add_argument("--only", default="", help="part of an address")
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"{asyncio.run(run(parser.parse_args().only))} pictures in {FOLDER}")


if __name__ == "__main__":
    main()
