"""Box, broker, hall and camera as real processes, and a supervisor who may look: for tests and for the benchmark."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from msgspec import Struct
from sqlalchemy import insert

from central.core.access import Role
from central.store import sessions
from central.store import tables as t
from central.web.guard import COOKIE, digest
from common.clock import Clock
from tests.camera.onvif_device import PASSWORD, USER
from tests.camera.servers import RtspServer
from tests.journey.scene import Place, scene
from tests.server import HOST, free_port
from tests.shaper import Shaper

PAGE = "/hall/cameras/s01/c1/live"
LIVE = "document.querySelector('.film').classList.contains('film-live')"
FPS = 10
"""Of the test camera."""
COOKIES = {COOKIE: "of-the-supervisor"}


class Seen(Struct):
    """Everything that runs. `camera`: may be replaced by one that is started again on the same port."""

    place: Place
    camera: RtspServer
    clip: Path
    line: Shaper


def configure(place: Place, address: str, media_port: int, line_port: int) -> None:
    """The camera in the box's file; in the hall's the port for boxes, which they reach by the line. `address`: its lines of it."""
    (place.agent.folder / "camera").write_text(PASSWORD + "\n", "ascii")
    text = place.agent.config.read_text("utf-8")
    text = text.replace("[capture]\n", f'[capture]\nnight = ""\nsecrets_dir = "{place.agent.folder}"\n')
    camera = f'[[camera]]\nid = "c1"\nname = "大厅东"\n{address}'
    camera += f'user = "{USER}"\npassword_file = "camera"\nclock_box = [0.0, 0.0, 0.34, 0.1]\n'
    place.agent.config.write_text(text + camera, "utf-8")
    text = place.hall.config.read_text("utf-8")
    media = f'[live]\naddress = "wss://{HOST}:{line_port}"\nhost = "{HOST}"\nport = {media_port}\n'
    place.hall.config.write_text(text + media, "utf-8")


@asynccontextmanager
async def running(clip: Path, address: str = "") -> AsyncIterator[Seen]:
    """`clip`: what the camera plays; `address`: the lines of another one in the box's file."""
    camera, media_port = await asyncio.to_thread(RtspServer, clip), free_port()
    line = Shaper(media_port, 1e6, 0.005)
    await line.open()
    async with scene(start=False) as place:
        seen = Seen(place, camera, clip, line)
        try:
            own = f'type = "rtsp"\naddress = "rtsp://{HOST}:{camera.port}/main"\n'
            configure(place, address or own, media_port, line.port)
            await place.stop(place.hall)
            await place.start(place.hall)
            await log_in(place)
            await place.start()
            yield seen
        finally:
            seen.camera.stop()
            await line.cut()


async def log_in(place: Place) -> None:
    store, now = await place.hall.store(), Clock().wall()
    user = {"name": "supervisor", "role": Role.SUPERVISOR, "password": "x", "must_change": False}
    try:
        async with store.write() as conn:
            await conn.execute(insert(t.user), [user | {"disabled": False, "created_wall": now}])
            await sessions.begin(conn, digest(COOKIES[COOKIE]), "supervisor", "token", now)
    finally:
        await store.close()


async def answered(place: Place) -> bool:
    async with (
        aiohttp.ClientSession(cookies=COOKIES) as session,
        session.get(place.hall.url + PAGE, allow_redirects=False) as answer,
    ):
        return answer.status == 200
