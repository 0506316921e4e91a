"""Light and link of every pair, through the tables to wall, list and interface: neither ever colours the other."""

import re
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import insert

from central.core.access import Role
from central.store import tables as t
from central.store.engine import Store
from common.clock import Clock
from common.core import message
from common.core.instant import DAY, HOUR, SECOND
from common.core.state import Light, Link
from tests.integration import city, serving
from tests.integration.serving import Window

PAIRS = [(link, light) for link in Link for light in Light]


async def _fill(store: Store, clock: Clock) -> None:
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [_site(place, link, clock) for place, (link, _) in enumerate(PAIRS)]
        )
        heard = [(place, link) for place, (link, _) in enumerate(PAIRS) if link is not Link.NEVER]
        await conn.execute(
            insert(t.site_status), [_status(place, link, clock.wall()) for place, link in heard]
        )
        await conn.execute(
            insert(t.ingest_cursor), [_cursor(place, link, clock.wall()) for place, link in heard]
        )
        now_at = clock.office()
        await conn.execute(
            insert(t.maintenance),
            [
                city.upkeep(_id(place), now_at, now_at + HOUR)
                for place, (link, _) in enumerate(PAIRS)
                if link is Link.MAINTENANCE
            ],
        )
        rows = [_case(place, light, clock.office()) for place, (_, light) in enumerate(PAIRS)]
        await conn.execute(insert(t.case), rows)


def _id(place: int) -> str:
    link, light = PAIRS[place]
    return f"{link}-{light}"


def _site(place: int, link: Link, clock: Clock) -> dict[str, Any]:
    return {
        "id": _id(place),
        "name": _id(place),
        "kind": "branch",
        "position": place,
        "retired_wall": clock.wall() - DAY if link is Link.RETIRED else None,
    }


def _status(place: int, link: Link, now_wall: int) -> dict[str, Any]:
    silence = {Link.SLOW: 40 * SECOND, Link.OFFLINE: 2 * HOUR}.get(link, SECOND)
    like = {Link.CATCHUP: city.CATCHUP, Link.STOPPED: city.STOPPED}.get(link, 0)
    return {
        "site": _id(place),
        "online": True,
        "connection": "c",
        "since_wall": now_wall - DAY,
        "heard_wall": now_wall - silence,
        "heartbeat": message.encode(city.beat(like, now_wall - silence)),
    }


def _cursor(place: int, link: Link, now_wall: int) -> dict[str, Any]:
    return {
        "site": _id(place),
        "epoch": city.EPOCH,
        "epoch_no": 1,
        "generation": 1,
        **city.held(city.HELD if link is Link.CATCHUP else city.ROWS),
        "newest": city.ROWS,
        "gap_at": 0,
        "ver": 1,
        "opened_wall": now_wall,
        "updated_wall": now_wall,
    }


def _case(place: int, light: Light, now_at: int) -> dict[str, Any]:
    return {
        "site": _id(place),
        "case_key": "1",
        "item_name": "临时救助申请",
        "open": True,
        "deleted": False,
        "light": light,
        "due_at": now_at + HOUR,
        "filed_at": 0,
        "rev": 1,
    }


async def test_every_pair_of_link_and_light_shows_both_and_mixes_neither(tmp_path: Path) -> None:
    clock = serving.FridayClock()
    async with serving.serve(tmp_path, clock, fill=_fill) as hall:
        cookies = await hall.session(Role.SUPERVISOR)
        async with aiohttp.ClientSession(cookies=cookies) as session:
            window = Window(hall, session)
            wall, listed = (await window.get("/hall"))[1], (await window.get("/hall/sites"))[1]
            async with session.get(hall.url + "/api/v1/overview") as answer:
                told = {site["id"]: site for site in (await answer.json())["sites"]}
    for place, (link, light) in enumerate(PAIRS):
        name = _id(place)
        tile = re.search(
            rf'<a class="tile" href="/hall/sites/{name}" data-v="(\w+)" data-worst="(\w+)"', wall
        )
        assert tile is not None, name
        assert tile.groups() == (link, light)
        row = re.search(rf'<tr data-v="(\w+)" data-b="data-v=s/{name}/link">(.*?)</tr>', listed, re.DOTALL)
        assert row is not None, name
        assert row[1] == link
        assert f'class="c-lights" data-worst="{light}"' in row[2]
        assert f'href="#k-{link}"' in row[2]
        shown = set(re.findall(r'class="pill pill-(\w+)" data-n="1"', row[2]))
        assert shown == {light.value} & {"red", "yellow", "grey"}
        assert told[name]["link"] == link
        counts = {colour: told[name][colour] for colour in ("red", "yellow", "grey")}
        assert counts == {colour: int(colour == light) for colour in counts}
