"""现场: one camera live on its page, and many of them on a wall. What is seen is masked at the site already.

Who looks on is written down before the first byte, and how long it was at the end. A picture without masking needs a reason,
and the right to see it; it is granted for a few minutes, to that login alone.
"""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from aiohttp import hdrs, web
from msgspec import Struct

from central.core import wording
from central.core.access import Permission, allows
from central.core.camera import sort_of
from central.core.hall import SiteFacts
from central.relay import CLOSE_SECS, Camera, Relay
from central.store import cameras, scope, sessions, stills, trail
from central.web import evidence
from central.web.guard import HEADERS
from central.web.page import HALL, USER, Route, User, facts_of, reached_sites, render
from common.core.camera import View
from common.core.errors import UnavailableError
from common.core.instant import DAY, MINUTE, SECOND
from common.core.live import Frame, Kind, Shown, packed
from common.core.state import Link

log = structlog.get_logger()

RELAY = web.AppKey("relay", Relay)
GRANTS = web.AppKey("grants", dict[str, "Grant"])
GRANTED = 10 * MINUTE
LONGEST = 30 * MINUTE
"""Of one look: then a person says again that somebody is there."""
SURE_EVERY = 20 * SECOND
"""So often it is asked whether the session and its rights still are."""
SIDES = (2, 3, 4)
TURNS = (20, 60, 180)
"""Seconds until the wall shows the next cameras."""
NONE = "没有这台摄像机，请从摄像列表进入。"
ENDED = 4000
"""Codes of a WebSocket's end: the look was long enough; the grant is over."""
NOT_GRANTED = 4001
FULL = 4002
"""Too many look on already; the state that was sent before says what of."""
_CUT_OFF = {Link.OFFLINE, Link.STOPPED, Link.NEVER, Link.RETIRED}


class Grant(Struct, frozen=True):
    """A login may see one camera as it is, for the reason that it gave."""

    token: bytes
    camera: Camera
    until_mono: int


class Tile(Struct, frozen=True):
    """A camera on the wall."""

    stream: str
    page: str
    name: str
    place: str


async def _found(request: web.Request) -> tuple[SiteFacts, str, cameras.Camera]:
    """The camera of the address. Raises HTTPNotFound for one that the account does not reach."""
    site_id, camera_id = request.match_info["site"], request.match_info["camera"]
    site = next((item for item in reached_sites(request) if item.id == site_id), None)
    found = None
    if site is not None:
        async with request.app[HALL].store.read() as conn:
            said = await cameras.since(conn, facts_of(request).now_at - DAY, site_id, camera_id)
        found = said.get(site_id, {}).get(camera_id)
    if site is None or found is None or not found.view or found.view[-1].view is View.REMOVED:
        raise web.HTTPNotFound(text=NONE)
    return site, camera_id, found


def _address(site: str, camera: str) -> str:
    return f"/hall/cameras/{quote(site, safe='')}/{quote(camera, safe='')}"


def _page(request: web.Request, template: str, **values: Any) -> web.Response:
    """A page whose script plays what comes over a WebSocket of this hall."""
    response = render(request, template, **values)
    policy = HEADERS["Content-Security-Policy"]
    sockets = f"connect-src 'self' ws://{request.host} wss://{request.host}; media-src blob:"
    response.headers["Content-Security-Policy"] = f"{policy}; {sockets}"
    return response


async def show_live(request: web.Request) -> web.Response:
    return await _live_page(request, "")


async def _live_page(request: web.Request, grant: str) -> web.Response:
    site, camera_id, found = await _found(request)
    facts, hall = facts_of(request), request.app[HALL]
    newest = None
    if allows(request[USER].role, Permission.VIEW_STILL):
        async with hall.store.read() as conn:
            newest = await stills.newest_shown(conn, site.id, camera_id)
    now = found.view[-1]
    return _page(
        request,
        "live.html",
        site=site.id,
        camera=camera_id,
        name=found.name or camera_id,
        word=now.view.word,
        sort=sort_of(now.view),
        is_open=request.app[RELAY].is_open,
        is_cut_off=hall.wall.state["s"][site.id]["link"] in _CUT_OFF,
        stream=f"{_address(site.id, camera_id)}/stream",
        grant=grant,
        newest=None if newest is None or grant else evidence.shown(newest, "", facts),
        age="" if newest is None else wording.span(facts.now_at - newest.taken_at),
        minutes=LONGEST // MINUTE,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def reveal(request: web.Request) -> web.Response:
    """The page with the picture as it is, for a reason: written down before anything of it is granted."""
    why = str((await request.post()).get("why", "")).strip()
    if not evidence.SHORTEST <= len(why) <= evidence.LONGEST:
        raise web.HTTPBadRequest(text=f"请写明原因，{evidence.SHORTEST} 至 {evidence.LONGEST} 个字。")
    site, camera_id, _ = await _found(request)
    hall, user = request.app[HALL], request[USER]
    async with hall.store.write() as conn:
        await trail.note(conn, hall.clock.wall(), user.name, "live.reveal", f"{site.id}/{camera_id}", why)
    now, grants = hall.clock.mono(), request.app[GRANTS]
    for key in [key for key, item in grants.items() if item.until_mono < now]:
        del grants[key]
    key = secrets.token_urlsafe(16)
    grants[key] = Grant(user.token, Camera(site.id, camera_id, plain=True), now + GRANTED)
    return await _live_page(request, key)


async def show_wall(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        found = await cameras.since(conn, facts.now_at - DAY)
    tiles = [
        Tile(
            f"{_address(site.id, name)}/stream",
            _address(site.id, name) + "/live",
            item.name or name,
            site.name,
        )
        for site in reached_sites(request)
        for name, item in sorted(found.get(site.id, {}).items())
        if item.view and item.view[-1].view is not View.REMOVED
    ]
    return _page(
        request,
        "video_wall.html",
        tiles=tiles,
        minutes=LONGEST // MINUTE,
        side=_chosen(request, "side", SIDES),
        sides=SIDES,
        turn=_chosen(request, "turn", TURNS),
        turns=TURNS,
        is_open=request.app[RELAY].is_open,
    )


def _chosen(request: web.Request, name: str, among: Sequence[int]) -> int:
    said = request.query.get(name, "")
    return next((value for value in among if str(value) == said), among[0])


# the stream ---------------------------------------------------------------------------------------------------


async def stream(request: web.Request) -> web.StreamResponse:
    """What a page's script asks for: a WebSocket, over which frames of `common.core.live` come until somebody goes."""
    relay, user = request.app[RELAY], request[USER]
    site, camera_id, _ = await _found(request)
    if not relay.is_open:
        raise web.HTTPConflict(text="市中心没有设置现场画面（central.toml 的 [live]）。")
    origin = request.headers.get(hdrs.ORIGIN, "")
    if origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="请从本系统自己的页面查看现场。")
    if why := relay.full(user.name, site.id):
        return await _refused(request, why)
    relay.looks[user.name, site.id] += 1
    try:
        return await _look(request, Camera(site.id, camera_id))
    finally:
        relay.looks[user.name, site.id] -= 1


async def _refused(request: web.Request, why: str) -> web.WebSocketResponse:
    """A browser shows no page with a refusal of a WebSocket: the sentence comes by it."""
    socket = web.WebSocketResponse(compress=False, timeout=CLOSE_SECS)
    with suppress(ConnectionResetError):
        await socket.prepare(request)
        await socket.send_bytes(packed(Frame(Kind.STATE, 0, msgspec.json.encode(Shown(fault=why)))))
        await socket.close(code=FULL)
    return socket


async def _look(request: web.Request, camera: Camera) -> web.WebSocketResponse:
    """One look, from the line that says that it begins to the line that says how long it was."""
    user, hears = request[USER], request.query.get("sound") == "1"
    socket = web.WebSocketResponse(heartbeat=10.0, compress=False)
    until_mono = request.app[HALL].clock.mono() + LONGEST
    if key := request.query.get("grant", ""):
        camera = Camera(camera.site, camera.id, plain=True)
        grant = request.app[GRANTS].get(key)
        if grant is None or not _is_granted(request, grant, camera):
            await socket.prepare(request)
            await socket.close(code=NOT_GRANTED)
            return socket
        until_mono = min(until_mono, grant.until_mono)
    how = ("未遮挡" if camera.plain else "已遮挡") + ("，有声" if hears else "")
    hall, subject = request.app[HALL], f"{camera.site}/{camera.id}"
    async with hall.store.write() as conn:  # the line first: what is shown was written down
        await trail.note(conn, hall.clock.wall(), user.name, "live.begin", subject, how)
    began_mono = hall.clock.mono()
    try:
        await socket.prepare(request)
        await _show(request, socket, camera, until_mono, hears=hears)
    except ConnectionResetError:
        pass  # the window was closed
    finally:
        lasted = wording.span(hall.clock.mono() - began_mono)
        try:
            async with hall.store.write() as conn:
                await trail.note(
                    conn, hall.clock.wall(), user.name, "live.end", subject, f"看了 {lasted}，{how}"
                )
        except UnavailableError as error:
            log.error("live.unnoted", who=user.name, subject=subject, lasted=lasted, reason=str(error))
    return socket


def _is_granted(request: web.Request, grant: Grant, camera: Camera) -> bool:
    user = request[USER]
    return (
        (grant.token, grant.camera) == (user.token, camera)
        and request.app[HALL].clock.mono() < grant.until_mono
        and allows(user.role, Permission.UNMASK_LIVE)
    )


async def _show(
    request: web.Request, socket: web.WebSocketResponse, camera: Camera, until_mono: int, *, hears: bool
) -> None:
    """Until the viewer goes, the right to look ends, or it was long enough. May raise ConnectionResetError."""
    relay, clock, user = request.app[RELAY], request.app[HALL].clock, request[USER]
    sure_mono = clock.mono()
    said = ""
    viewer = relay.join(camera, hears=hears)
    gone = asyncio.create_task(_gone(socket))
    try:
        async for frame in relay.frames(camera, viewer):
            if gone.done():
                return
            if frame is not None:
                await socket.send_bytes(packed(frame))
                said = "" if frame.kind is Kind.STATE else said
            elif not relay.is_sending(camera) and said != (why := _missing(request, camera.site)):
                said = why
                await socket.send_bytes(packed(Frame(Kind.STATE, 0, msgspec.json.encode(Shown(fault=why)))))
            now = clock.mono()
            if now >= until_mono:
                await socket.close(code=NOT_GRANTED if camera.plain else ENDED)
            elif now - sure_mono > SURE_EVERY:
                sure_mono = now
                if not await _is_still(request, user, camera):
                    await socket.close(code=NOT_GRANTED)
    finally:
        gone.cancel()
        relay.leave(camera, viewer)


async def _gone(socket: web.WebSocketResponse) -> None:
    """Until the viewer has; a browser says nothing here, and its farewell is heard only by who listens."""
    async for _ in socket:
        pass


def _missing(request: web.Request, site: str) -> str:
    """Why nothing comes, as far as the hall knows."""
    tile = request.app[HALL].wall.state["s"][site]
    if tile["link"] in _CUT_OFF:
        return f"站点{tile['state']}"
    return "等站点送来画面"


async def _is_still(request: web.Request, user: User, camera: Camera) -> bool:
    """Whether the session still is, and its account may still see this camera so."""
    wanted = Permission.UNMASK_LIVE if camera.plain else Permission.VIEW_LIVE
    with suppress(UnavailableError):
        async with request.app[HALL].store.read() as conn:
            row = await sessions.find(conn, user.token)
            if row is None or not allows(sessions.role_of(row), wanted):
                return False
            return (await scope.of_user(conn, row.user, sessions.role_of(row))).has_site(camera.site)
    return False


_ONE = "/hall/cameras/{site}/{camera}"
ROUTES = [
    Route("GET", "/hall/cameras/wall", show_wall, Permission.VIEW_LIVE),
    Route("GET", _ONE + "/live", show_live, Permission.VIEW_LIVE),
    Route("POST", _ONE + "/live", reveal, Permission.UNMASK_LIVE),
    Route("GET", _ONE + "/stream", stream, Permission.VIEW_LIVE),
]
