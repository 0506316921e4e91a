"""The stills of the wall: masked ones alone, on screens alone, with their age; the screen's line in the audit comes first."""

from pathlib import Path

import aiohttp
import cv2
import numpy as np
import pytest
from msgspec.structs import replace
from sqlalchemy import delete, func, select, update

from agent.camera import picture
from central.core.access import Role
from central.store import cameras, scope, stills, trail
from central.store import tables as t
from central.web.guard import COOKIE
from central.web.page import HALL
from common.core import media
from common.core.camera import Aspect, Mask, Occasion, View
from common.core.instant import DAY, HOUR, MINUTE
from common.core.record import CameraState, Record, Still
from tests.browser import browser
from tests.integration import city
from tests.integration.city_cases import site_id
from tests.integration.serving import Served, Window, text_of
from tests.sender import draft

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = city.FRIDAY
EPOCH = b"w" * 8
WALL = "/hall?scene=video"
CLIP = b"....ftyp a clip"


def jpeg(shade: int) -> bytes:
    """A counter under a lamp, as a camera shows it, in a colour that no still on the wall may have."""
    made = np.full((360, 640, 3), (shade, 120, 200), np.uint8)
    cv2.rectangle(made, (60, 180), (580, 340), (40, 60, 90), -1)
    cv2.circle(made, (320, 90), 40, (220, 240, 250), -1)
    return picture.jpeg(made)


async def film(hall: Served, sites: int = 1, each: int = 1) -> None:
    """Cameras of the first so many sites; of each an older masked still, a newest masked one, a later one that is not masked, and
    a later clip."""
    await hall_forgets(hall)
    said = list[tuple[bytes, str, Record, Still]]()
    states = list[tuple[bytes, str, Record, CameraState]]()
    bodies = []
    for place in range(sites):
        for number in range(each):
            site, camera = site_id(place), f"c{number + 1}"
            body = CameraState(camera, Aspect.VIEW, View.OK, NOW - DAY, name=f"{number + 1} 号窗口上方")
            states.append((EPOCH, site, replace(draft(body, at=NOW), seq=len(states) + 1), body))
            for at, mask, millis, blob in (
                (NOW - 5 * HOUR, Mask.ALL, 0, jpeg(10 + place)),
                (NOW - (5 if place % 2 else 125) * MINUTE, Mask.PEOPLE, 0, jpeg(40 + place * 5 + number)),
                (NOW - MINUTE, Mask.NONE, 0, jpeg(200)),
                (NOW - MINUTE, Mask.ALL, 9000, CLIP),
            ):
                still = Still(
                    camera,
                    media.digest(blob),
                    len(blob),
                    at,
                    mask,
                    Occasion.ORDER,
                    "",
                    0,
                    at,
                    640,
                    360,
                    millis,
                )
                said.append((EPOCH, site, replace(draft(still, at=at), seq=len(said) + 1), still))
                bodies.append((site, still.sha256, blob))
    async with hall.store.write() as conn:
        await cameras.add(conn, states)
        await stills.add(conn, said)
        for site, sha256, blob in bodies:
            if not await stills.is_held(conn, site, sha256):
                await stills.hold(conn, site, sha256, blob, hall.clock.wall())


async def hall_forgets(hall: Served) -> None:
    async with hall.store.write() as conn:
        for table in (t.still, t.still_picture, t.camera_state):
            await conn.execute(delete(table))


async def screen(hall: Served, role: Role = Role.WALL, name: str = "") -> Window:
    return Window(hall, aiohttp.ClientSession(cookies=await hall.session_of(name or role.value)))


async def lines(hall: Served) -> int:
    async with hall.store.read() as conn:
        row = t.audit_line
        return int(await conn.scalar(select(func.count()).where(row.c.act == "still.screen")) or 0)


async def a_day_passes(hall: Served) -> None:
    """Since every line of a screen."""
    async with hall.store.write() as conn:
        row = t.audit_line.c
        old = update(t.audit_line).where(row.act == "still.screen").values(at_wall=row.at_wall - 26 * HOUR)
        await conn.execute(old)


def address(seq: int) -> str:
    return f"/hall/screen/{site_id(0)}/{EPOCH.hex()}/{seq}"


async def test_a_screen_shows_the_newest_masked_still_with_its_age_after_one_line_a_day(hall: Served) -> None:
    await film(hall)
    await a_day_passes(hall)
    own = await screen(hall)
    before = await lines(hall)
    assert (await own.get(address(2)))[0] == 403, "no line of the audit yet"
    for _ in range(3):
        status, html = await own.get(WALL)
        assert status == 200
        assert f'<img src="{address(2)}"' in html
        async with own.session.get(hall.url + address(2)) as answer:
            assert (answer.status, answer.content_type) == (200, "image/jpeg")
            assert answer.headers["Cache-Control"] == "no-store"
            assert media.digest(await answer.read()) == media.digest(jpeg(40))
    assert await lines(hall) == before + 1
    assert "2 小时 5 分前 的图片" in text_of(html)
    assert 'data-old="1"' in html
    assert 'alt="1 号窗口上方 拍于 12:27，人员区域已遮挡"' in html
    assert "不是实时画面" in text_of(html)
    for seq in (1, 3, 4, 9):
        assert (await own.get(address(seq)))[0] == 404, "an older one, one that is not masked, a clip, none"
    async with hall.store.read() as conn:
        newest = await trail.newest_of(conn, "still.screen", "")
    assert newest is not None
    assert (newest.who, len(newest.subject)) == ("wall", 12)
    await a_day_passes(hall)
    assert (await own.get(address(2)))[0] == 403
    await own.get(WALL)
    assert await lines(hall) == before + 2
    async with own.session.get(hall.url + address(2)) as answer:
        assert answer.status == 200
    await own.session.close()


async def test_a_person_a_city_that_forbids_it_and_a_screen_of_other_sites_see_words_alone(
    hall: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await film(hall)
    for role in (Role.SUPERVISOR, Role.CHIEF, Role.CLERK):
        person = await screen(hall, role)
        assert "<img" not in (await person.get(WALL))[1]
        assert (await person.get(address(2)))[0] == 403
        await person.session.close()
    own = await screen(hall)
    assert "<img" in (await own.get(WALL))[1]
    async with hall.store.write() as conn:
        await scope.give(conn, Role.WALL.value, ["s12"], [])
    assert "<img" not in (await own.get(WALL))[1]
    assert (await own.get(address(2)))[0] == 404
    async with hall.store.write() as conn:
        await scope.give(conn, Role.WALL.value, [], [])
    config = hall.app[HALL].config
    before = await lines(hall)
    monkeypatch.setitem(
        hall.app._state,
        HALL,
        replace(hall.app[HALL], config=replace(config, stills=replace(config.stills, on_wall=False))),
    )
    html = (await own.get(WALL))[1]
    assert "<img" not in html
    assert "画面留在站点" in text_of(html)
    assert (await own.get(address(2)))[0] == 404
    assert await lines(hall) == before
    await own.session.close()


@pytest.mark.service
async def test_the_scene_of_stills_fits_the_screen_and_none_of_them_looks_live(
    hall: Served, tmp_path: Path
) -> None:
    for sites, each in ((18, 3), (4, 2)):
        await film(hall, sites, each)
        async with browser(tmp_path / f"profile{sites}") as tab:
            await tab.cookie(COOKIE, (await hall.session(Role.WALL))[COOKIE], hall.url)
            for width, height in ((1920, 1080), (3840, 2160)):
                await tab.size(width, height)
                await tab.open(hall.url + WALL + "&every=3600")
                await tab.until(
                    "document.images.length > 3 && Array.from(document.images).every(one => one.complete && one.naturalWidth)"
                )
                assert await tab.ask("document.images.length") == sites
                assert await tab.ask("document.querySelectorAll('*').length") <= 1_500
                assert await tab.ask(
                    "Array.from(document.images).every(one => getComputedStyle(one).filter.startsWith('grayscale(1)'))"
                )
                over = """Array.from(document.querySelectorAll('.view')).filter(box => Array.from(box.querySelectorAll('*'))
                  .some(one => one.getBoundingClientRect().bottom > box.getBoundingClientRect().bottom + 1)).length"""
                assert await tab.ask(over) == 0
