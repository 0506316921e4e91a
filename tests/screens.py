"""`make screens [ONLY=word]`: every page of the hall and of the public door photographed, for a person to look at.

By day, by night and without colours, 390, 1440, 1920 and 3840 px wide, into `.cache/screens/PAGE-THEME-WIDTH.png`. The city is
the tests' own, and each page about one thing shows a real one (`furnished.py`). How it looks is not judged here; an address of
the hall that answers anything but its page ends the run with 1, so that no picture is one of "没有找到".
"""

import argparse
import asyncio
import re
import sys
import tempfile
from itertools import product
from pathlib import Path

import aiohttp
from msgspec import Struct

from central.core.access import Permission, Role, allows
from central.store import documents
from central.store.engine import Store
from central.web.page import PERMISSIONS
from common.clock import Clock
from tests import furnished, gallery
from tests.browser import Page, browser
from tests.integration import city, dooring, serving
from tests.integration.serving import FridayClock, Served
from tests.integration.test_door_pages import PATHS as DOOR_PATHS
from tests.integration.test_door_pages import fill as fill_door
from tests.papers import ISSUER

FOLDER = Path(".cache/screens")
WIDTHS = {390: 844, 1440: 900, 1920: 1080, 3840: 2160}
THEMES = {"light": ("light", "none"), "dark": ("dark", "none"), "grey": ("light", "achromatopsia")}
"""Name -> theme, and what Chromium takes away."""
FIRST = [Role.SUPERVISOR, Role.CENTRE, *Role]
"""Who looks: the first that may."""
OTHERS = {
    "/unit": Role.HEAD,
    "/unit/documents/{code}": Role.HEAD,
    "/unit/documents/{code}.{form}": Role.HEAD,
    "/unit/documents/{code}/files/{digest}": Role.HEAD,
    "/unit/circulars/{code}.{form}": Role.HEAD,
    "/unit/corrections/{number}": Role.HEAD,
    "/unit/corrections/{number}/files/{digest}": Role.HEAD,
    "/unit/corrections/{number}/documents/{code}.{form}": Role.HEAD,
}
"""Who looks where the first that may is of another office."""
SCENES = ("/hall?scene=video&every=60", "/hall?scene=score,sites&every=60")
FILTERED = (
    "/hall/cases?state=all",
    "/hall/cases?no=nothing",
    "/hall/find?q=spjy",
    "/hall/corrections?stage=yellow",
    "/hall/rules/S-1",
)
"""Lists with something and with nothing in them, and the one rule that has clues."""
UNSEEN = ("/static/", "/api/", "/wall/", "/hall/screen/", "/healthz")
PRESS = """(() => { const form = document.querySelector('form[action="%s"]');
  for (const one of form.elements) { if (one.tagName === 'SELECT') one.selectedIndex = one.options.length - 1;
    if (one.matches('textarea, input:not([type])')) one.value = '%s'; }
  form.noValidate = true; window.before = 1; form.querySelector('button').click(); return 1; })()"""
"""Fill a form with those words and send it."""
WORDS, TOO_SHORT = "核实群众来电，按规定告知", "短"
AT_WORK = {
    Role.CHIEF: (
        "/hall/documents/drafts/{number}",
        "/hall/corrections/{number}",
        "/hall/documents/seals",
        "/hall/scores",
    ),
    Role.CENTRE: (
        "/hall/consults/{number}",
        "/hall/ratings/{number}",
        "/hall/ratings/windows",
        "/hall/items",
    ),
    Role.COMPLAINTS: ("/hall/complaints/{number}", "/hall/complaints"),
    Role.REVIEWER: ("/hall/items-drafts/{number}", "/hall/schemes/drafts/{number}"),
    Role.PUBLISHER: ("/hall/publications", "/hall/forms", "/hall/notices", "/hall/surveys"),
    Role.RELEASER: (
        "/hall/forms/{number}",
        "/hall/notices/{number}",
        "/hall/excerpts/{number}",
        "/hall/surveys/{number}",
        "/hall/consults/{number}",
    ),
    Role.SECURITY: ("/hall/admin/people/{name}",),
    Role.IT: ("/hall/sites/{site}",),
}
"""Who has something to do there, beside the first that may look."""


async def fill(store: Store, clock: Clock) -> None:
    async with store.write() as conn:
        await city.fill(conn, clock.office(), clock.wall(), cases_a_day=30)
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)


class Sight(Struct, frozen=True):
    """Who looks at which address, and what is written there into the form of which address. `other`: not the first that looks."""

    role: Role
    path: str
    form: str = ""
    words: str = ""
    other: bool = False

    @property
    def name(self) -> str:
        end = f"-{self.role.value}" * self.other + "-refused" * (self.words == TOO_SHORT)
        return named(self.form or self.path) + end


def patterns(hall: Served) -> list[tuple[str, Permission]]:
    """What a person opens, as it is written: without streams, style sheets and what is for programs."""
    found = []
    for route, permission in hall.app[PERMISSIONS].items():
        assert route.resource is not None
        path = route.resource.canonical
        if route.method == "GET" and not path.startswith(UNSEEN) and not path.endswith("/stream"):
            found.append((path, permission))
    return found


def pages(hall: Served, places: furnished.Places) -> list[Sight]:
    """Each of the hall's pages once, about something that is there; those at which somebody works also as who does; refusals."""
    found = []
    for pattern, permission in patterns(hall):
        role = OTHERS.get(pattern) or next(role for role in FIRST if allows(role, permission))
        found.append(Sight(role, places.get(pattern, pattern)))
    found += [Sight(role, places.get(one, one), other=True) for role, some in AT_WORK.items() for one in some]
    case, complaint, rating = (
        places[one]
        for one in ("/hall/cases/{site}/{key}", "/hall/complaints/{number}", "/hall/ratings/{number}")
    )
    found += [Sight(Role.WALL, path) for path in SCENES]
    found += [Sight(Role.SUPERVISOR, path) for path in FILTERED]
    reveal, site = case.replace("/hall/cases/", "/hall/reveal/"), f"/hall/sites/{furnished.SITE}"
    for role, path, form, words in (
        (Role.SUPERVISOR, case, reveal, WORDS),
        (Role.COMPLAINTS, complaint, f"{complaint}/person", WORDS),
        (Role.CENTRE, rating, f"{rating}/person", WORDS),
        (Role.SUPERVISOR, case, reveal, TOO_SHORT),
        (Role.COMPLAINTS, complaint, f"{complaint}/act", TOO_SHORT),
        (Role.PUBLISHER, "/hall/notices", "/hall/notices", TOO_SHORT),
        (Role.IT, site, f"{site}/maintenance", TOO_SHORT),
    ):
        found.append(Sight(role, path, form=form, words=words))
    return found


async def status(hall: Served, path: str, cookies: dict[str, str]) -> tuple[int, str]:
    """What an address answers, and of which kind; where it leads on is where the page is."""
    async with aiohttp.ClientSession(cookies=cookies) as session, session.get(hall.url + path) as answer:
        return answer.status, answer.content_type


async def show(page: Page, hall: Served, sight: Sight) -> None:
    """Open it, and write there what is to be written; who looks is logged in already."""
    await page.open(hall.url + sight.path)
    if sight.form:
        await page.ask(PRESS % (sight.form, sight.words))
        await page.until("!window.before && document.readyState === 'complete'")


async def shoot(page: Page, name: str, widths: list[int]) -> int:
    """What is open. -> how many pictures."""
    is_wall = await page.ask("document.querySelector('.wall') !== null")
    taken = 0
    for (theme, (wanted, without)), width in product(THEMES.items(), widths):
        if is_wall and theme == "light":
            continue
        await page.size(width, WIDTHS[width])
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


async def run(only: str, widths: list[int]) -> tuple[int, list[str]]:
    """-> how many pictures, and what was no page."""
    taken, wrong = 0, list[str]()
    with tempfile.TemporaryDirectory() as folder:
        async with gallery.served() as address, browser(Path(folder) / "gallery") as page:
            if only in gallery.PATH:
                await page.open(address)
                taken += await shoot(page, named(gallery.PATH), widths)
        if only == gallery.PATH:
            return taken, wrong
        place = serving.serve(Path(folder), FridayClock(), fill=fill)
        async with place as hall, browser(Path(folder) / "profile") as page:
            await fill_door(hall)
            async with dooring.opened(hall, Path(folder)) as outside:
                places = await furnished.all_of(hall, outside)
                for sight in pages(hall, places):
                    if only not in sight.path + sight.form:
                        continue
                    async with hall.store.write() as conn:
                        await city.hear(conn, hall.clock.wall())  # the last page is not long after the first
                    cookies = await hall.session(sight.role)
                    code, kind = await status(hall, sight.path, cookies)
                    if code != 200:
                        wrong.append(f"{code} {sight.role.value} {sight.path}")
                    if kind != "text/html":
                        continue
                    for name, value in cookies.items():
                        await page.cookie(name, value, hall.url)
                    await show(page, hall, sight)
                    taken += await shoot(page, sight.name, widths)
                for path in DOOR_PATHS:
                    if only in path:
                        await page.open(outside.url + path)
                        taken += await shoot(page, named(path), widths)
    return taken, wrong


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.screens", description=__doc__)
    parser.add_argument("--only", default="", help="part of an address")
    parser.add_argument("--widths", type=int, nargs="+", choices=WIDTHS, default=list(WIDTHS))
    FOLDER.mkdir(parents=True, exist_ok=True)
    said = parser.parse_args()
    taken, wrong = asyncio.run(run(said.only, said.widths))
    print(f"{taken} pictures in {FOLDER}", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
