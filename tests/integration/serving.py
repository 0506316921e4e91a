"""The hall's web server on a free port, over a real store that holds the test city; users of every role."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec import Struct
from sqlalchemy import insert

from central import password
from central.config import CentralConfig, IdentityConfig, NotifyConfig, WebConfig
from central.core.access import Role
from central.store import sessions
from central.store import tables as t
from central.store.engine import Store, open_store
from central.web.app import make_app
from central.web.guard import COOKIE, digest
from common.clock import Clock, ClockConfig
from common.mqtt import MqttConfig
from tests import halls
from tests.integration import city
from tests.services import PostgreSql

PASSWORD = "Xiao-Mai-2026"
FIRST_PASSWORD = "abcd-efgh-2345"
OPERATIONS = bytes(range(32))
"""The hall's operations key."""
Fill = Callable[[Store, Clock], Awaitable[None]]


async def nothing(_store: Store, _clock: Clock) -> None:
    """A hall on its first day."""


class FridayClock(Clock):
    """Office time goes on from a Friday afternoon, whatever day the test runs on; this is no demonstration."""

    def __init__(self) -> None:
        super().__init__()
        self._behind = self.wall() - city.FRIDAY

    def office(self, mono: int | None = None) -> int:
        return self.wall() - self._behind


def demo_clock(pace: float = 1.0) -> Clock:
    """The demonstration's clock, from the same afternoon on."""
    return Clock(
        ClockConfig(demo_office_at=city.FRIDAY, demo_start_wall=Clock().wall(), demo_pace=pace),
    )


class Served(Struct, frozen=True):
    """A running hall."""

    url: str
    store: Store
    clock: Clock
    app: web.Application

    async def session(self, role: Role, *, csrf: str = "token") -> dict[str, str]:
        """The cookies of a window in which the user of `role` is logged in."""
        return await self.session_of(role.value, csrf=csrf)

    async def session_of(self, name: str, *, csrf: str = "token") -> dict[str, str]:
        """The same of the user of this name."""
        cookie = f"cookie-of-{name}"
        async with self.store.write() as conn:
            await sessions.end(conn, digest(cookie))
            await sessions.begin(conn, digest(cookie), name, csrf, self.clock.wall())
        return {COOKIE: cookie}


class Window:
    """A browser's window without a browser: it keeps cookies and follows no redirect."""

    def __init__(self, hall: Served, session: aiohttp.ClientSession) -> None:
        self.hall, self.session = hall, session

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.hall.url + path, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def head(self, path: str) -> aiohttp.ClientResponse:
        """Status and headers, without reading on: a stream does not end."""
        async with self.session.get(self.hall.url + path, allow_redirects=False) as answer:
            return answer

    async def post(
        self, path: str, headers: Mapping[str, str] | None = None, **form: str
    ) -> aiohttp.ClientResponse:
        url = self.hall.url + path
        async with self.session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            await answer.read()
            return answer


def text_of(html: str) -> str:
    """What a person reads: no tags, no attributes, single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html.partition("<body")[2])).split())


_hashes: dict[str, str] = {}
"""Password -> its hash, which is made to cost a fifth of a second."""


async def hash_of(word: str) -> str:
    if word not in _hashes:
        _hashes[word] = await password.hash_password(word)
    return _hashes[word]


async def add_users(store: Store, now_wall: int) -> None:
    """One user per role, named like it, and one who must change the first password."""
    hashed, first = await hash_of(PASSWORD), await hash_of(FIRST_PASSWORD)
    rows = [(role.value, role, hashed, False) for role in Role]
    rows.append(("newcomer", Role.SUPERVISOR, first, True))
    names = ("name", "role", "password", "must_change")
    fixed = {"disabled": False, "created_wall": now_wall}
    async with store.write() as conn:
        await conn.execute(insert(t.user), [dict(zip(names, row, strict=True)) | fixed for row in rows])


@asynccontextmanager
async def serve(
    folder: Path,
    clock: Clock,
    *,
    server: PostgreSql | None = None,
    cases_a_day: int = 40,
    fill: Fill | None = None,
    second_factor: Sequence[Role] = (),
    notify: NotifyConfig | None = None,
    proxies: Sequence[str] = (),
) -> AsyncIterator[Served]:
    """Fill a new database (SQLite in `folder`, or on `server`), with the city if not said, and serve it."""
    address = await halls.empty(folder, server)
    store = await open_store(address)
    if fill is None:
        async with store.write() as conn:
            await city.fill(conn, clock.office(), clock.wall(), cases_a_day=cases_a_day)
    else:
        await fill(store, clock)
    await add_users(store, clock.wall())
    config = CentralConfig(
        mqtt=MqttConfig(host="127.0.0.1"),
        database="sqlite" if server is None else _plain(store),
        data_dir=folder,
        identity=IdentityConfig(data_key=folder / "data.key"),
        web=WebConfig(secure_cookie=False, second_factor=tuple(second_factor), proxies=tuple(proxies)),
        notify=notify or NotifyConfig(),
    )
    app = make_app(store, config, clock, OPERATIONS)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Served(f"http://127.0.0.1:{runner.addresses[0][1]}", store, clock, app)
    finally:
        await runner.cleanup()
        await store.close()


def _plain(store: Store) -> str:
    """The address of its server as a configuration has it."""
    return store.engine.url.render_as_string(hide_password=False).replace("+asyncpg", "")


async def _serve_for_ever(folder: Path) -> None:
    """Serve as a process of its own, and say where."""
    async with serve(folder, demo_clock()) as hall:
        cookies = await hall.session(Role.SUPERVISOR)
        print(hall.url, cookies[COOKIE], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_for_ever(Path(sys.argv[1])))
