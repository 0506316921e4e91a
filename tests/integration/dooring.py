"""A public door beside a served hall: what the hall publishes, and a person's browser on the door."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec import Struct
from sqlalchemy import update

from central import citizen_clock, public
from central.complaint import Bench
from central.config import CentralConfig, PublicConfig
from central.core.item import FREE, Item, ItemKind, Person, RouteStep
from central.door import seal
from central.door.app import listen, make_app, make_runner
from central.door.config import DoorConfig
from central.door.page import DOOR
from central.door.store import open_as_door
from central.store import items, telling
from central.store import tables as t
from central.store.engine import Store
from central.world import Moment, World, load_world
from common.clock import Clock
from common.core import crypto
from common.mqtt import MqttConfig
from tests.integration.city_cases import ITEMS, ZONE
from tests.integration.serving import OPERATIONS, Served

WIRE = bytes(range(100, 132))
"""The hall's raw private wire key."""
KEY = seal.key_of(OPERATIONS)


class Outside(Struct):
    """A door that stands open, and the hall's publisher."""

    url: str
    app: web.Application
    press: public.Press
    world: World
    clock: Clock
    session: aiohttp.ClientSession

    async def publish(self) -> int:
        """One look of the hall at everything, which the door sees at once."""
        self.press.beat_wall = self.press.guides_wall = 0
        done = await public.look_once(self.press, self.world, self.clock)
        now = Moment(self.clock.office(), self.clock.wall())
        bench = Bench(now, self.world.zone, self.world.calendar, OPERATIONS)
        if await citizen_clock.look_once(self.press.store, bench, self.press.heard, set()):
            done += await public.look_once(self.press, self.world, self.clock)
        self.app[DOOR].shown = None
        return done

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def post(
        self, path: str, form: dict[str, str] | aiohttp.FormData, **headers: str
    ) -> tuple[int, str]:
        url = self.url + path
        async with self.session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    def forget(self) -> None:
        """Nobody has asked for anything yet."""
        self.app[DOOR].limits._left.clear()


def catalogue() -> list[Item]:
    """The city's items: one is not displayed, and the first changes in a week."""
    made = [
        Item(
            code=f"SP-{place:02}",
            name=name,
            legal_days=legal,
            promised_days=promised,
            published_on=date(2026, 1, 1) if place != 5 else None,
            basis="《中华人民共和国食品安全法》第三十五条、第三十六条",
            materials=["身份证原件", "<b>申请表</b>"],
            fees={FREE: "0"} if place == 1 else {},
            persons=[Person("李静", "0771-5555123")],
            deciders=["欧阳定"],
            route=[RouteStep("受理", 1), RouteStep("决定", 3)],
        )
        for place, (name, legal, promised) in enumerate(ITEMS)
    ]
    first = made[0]
    changes = {"version": 2, "valid_from": date(2026, 6, 19), "promised_days": 6, "kind": ItemKind.JOINT}
    return [*made, Item(**{name: getattr(first, name) for name in Item.__struct_fields__} | changes)]


async def fill_catalogue(store: Store) -> None:
    async with store.write() as conn:
        await items.add(conn, catalogue(), "w", "测试", 0)
        for place, (name, _, _) in enumerate(ITEMS):
            coded = update(t.case).where(t.case.c.item_name == name).values(item_code=f"SP-{place:02}")
            await conn.execute(coded)
        await telling.mark_all(conn)


@asynccontextmanager
async def opened(hall: Served, folder: Path, hosts: Sequence[str] = ("127.0.0.1",)) -> AsyncIterator[Outside]:
    """The hall's public folder is `folder`/public; `hosts`: by which names the door is asked."""
    config = CentralConfig(
        mqtt=MqttConfig(host="x"), public=PublicConfig(enabled=True, folder=folder / "public")
    )
    published = await public.open_as_hall(config, hall.store, KEY)
    async with hall.store.write() as conn:
        world = await load_world(conn, ZONE)
        await telling.set_door(conn, is_open=True)
    mine = DoorConfig(hosts=list(hosts), folder=config.public.folder, secure_cookie=False)
    press = public.Press(hall.store, published, OPERATIONS, WIRE)
    await public.look_once(press, world, hall.clock)
    store = await open_as_door(mine.database_url)
    app = make_app(store, mine, hall.clock, mine.key_path.read_bytes())
    runner = make_runner(app)
    await runner.setup()
    server = await listen(runner, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            yield Outside(address, app, press, world, hall.clock, session)
    finally:
        server.close()
        await runner.cleanup()
        await store.close()
        await published.close()


WIRE_KEY = crypto.wire_public(WIRE)
