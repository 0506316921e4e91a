"""What every page of the door shares: its parts, what is published now, links, rendering."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from importlib.resources import files
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct, field

from central.core import wording
from central.core.blank import Blank
from central.core.bulletin import Bulletin
from central.core.guide import Guide, Law
from central.core.law_text import Edition
from central.core.published import Head
from central.door import links, seal
from central.door import store as rows
from central.door.config import DoorConfig
from central.door.limits import Budget, Limits
from central.door.store import Beat, Name
from central.store.engine import Store
from common.clock import Clock
from common.core.instant import DAY, MINUTE, SECOND, local_date
from common.core.proxied import asker

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FRESH = 5 * SECOND
AGED = 10 * MINUTE
"""Of the hall's last word, before a page says that it is old."""
COOKIE = "mc_form"
STYLE = "/p/static/door.css"


class Named(Struct, frozen=True):
    """A guide with the letters it is found by."""

    guide: Guide
    letters: str


class Shown(Struct, frozen=True):
    """What is published, as of a look at the tables (monotonic time)."""

    looked_mono: int
    beat: Beat
    workdays: tuple[date, ...]
    guides: dict[str, Named]
    laws: dict[str, tuple[Law, str]]
    releases: tuple[Head, ...]
    blanks: tuple[Blank, ...]
    bulletins: tuple[Bulletin, ...]
    editions: dict[str, tuple[Edition, ...]]


class Door(Struct):
    """The parts a handler works with."""

    store: Store
    config: DoorConfig
    clock: Clock
    zone: ZoneInfo
    key: bytes
    templates: Environment
    style: bytes
    limits: Limits
    is_export: bool = False
    """Pages are written as files: nothing on them asks for an answer."""
    shown: Shown | None = None
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> Shown:
        """What is published, at most five seconds old, or as old as the one look takes that somebody has begun: a crowd reads the tables once.

        Raises UnavailableError, HTTPServiceUnavailable before the first word.
        """
        held = self.shown
        is_fresh = held is not None and self.clock.mono() - held.looked_mono < FRESH
        if held is not None and (is_fresh or self.looking.locked()):
            return held
        async with self.looking:
            shown = self.shown
            if shown is None or shown is held:
                shown = self.shown = await self._read()
            return shown

    async def _read(self) -> Shown:
        async with self.store.read() as conn:
            beat = await rows.beat(conn)
            days = await rows.said(conn, Name.WORKDAYS)
            guides, laws = await rows.guides(conn), await rows.laws(conn)
            releases = await rows.releases(conn)
            blanks, bulletins = await rows.blanks(conn), await rows.bulletins(conn)
            editions: dict[str, tuple[Edition, ...]] = {}
            for row in await rows.editions(conn):
                one = msgspec.json.decode(row.body, type=Edition)
                editions[row.law] = (*editions.get(row.law, ()), one)
        if beat is None:
            raise web.HTTPServiceUnavailable(text="网站正在准备，请过几分钟再来。")
        return Shown(
            self.clock.mono(),
            beat,
            msgspec.json.decode(days or b"[]", type=tuple[date, ...]),
            {row.code: Named(msgspec.json.decode(row.body, type=Guide), row.initials) for row in guides},
            {row.name: (msgspec.json.decode(row.body, type=Law), row.initials) for row in laws},
            tuple(msgspec.json.decode(head, type=Head) for head in releases),
            tuple(msgspec.json.decode(body, type=Blank) for body in blanks),
            tuple(msgspec.json.decode(body, type=Bulletin) for body in bulletins),
            editions,
        )

    def now_at(self, shown: Shown) -> int:
        """Office time, carried on from the hall's last word."""
        return shown.beat.at + max(0, self.clock.wall() - shown.beat.wall)

    def today(self, shown: Shown) -> date:
        return local_date(self.now_at(shown), self.zone)


DOOR = web.AppKey("door", Door)


def load_templates() -> Environment:
    """A misspelt name is an error, not an empty place."""
    env = Environment(
        loader=PackageLoader("central.door"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["inpath"] = lambda text: quote(text, safe="")
    return env


def load_style() -> bytes:
    return (files("central.door") / "static" / "door.css").read_bytes()


def address_of(request: web.Request) -> str:
    """Whose request it is: behind our own proxy, whom that names last."""
    return asker(
        request.remote or "", request.headers.getall("X-Forwarded-For", []), request.app[DOOR].config.proxies
    )


def refused(request: web.Request, budget: Budget, who: str = "") -> str:
    """Spends one. -> why not, for people; empty if there was one. `who`: empty for the address."""
    door = request.app[DOOR]
    if door.limits.allows(budget, who or address_of(request), door.clock.mono()):
        return ""
    return budget.said.format(helpline=door.config.helpline)


def spend(request: web.Request, budget: Budget, who: str = "") -> None:
    """Raises HTTPTooManyRequests where there is none. `who`: empty for the address."""
    why = refused(request, budget, who)
    if why:
        raise web.HTTPTooManyRequests(text=why)


def is_big(request: web.Request) -> bool:
    """大字版 stands in the address, of forms too: it needs no cookie, and a post that nobody reads is refused in its sender's type."""
    return request.query.get("big") == "1"


async def form_of(request: web.Request) -> dict[str, str]:
    """The texts of a post, trimmed, without what no database takes."""
    form = await request.post()
    return {
        name: value.replace("\0", "").replace("\r\n", "\n").strip()
        for name, value in form.items()
        if isinstance(value, str)
    }


# proof that a form is ours -------------------------------------------------------------------------------------


def token_of(request: web.Request) -> tuple[str, str]:
    """-> (the cookie that goes with the form, the token in it). The cookie says nothing of anybody."""
    cookie = request.cookies.get(COOKIE, "")
    if len(cookie) != 32 or not cookie.isalnum():
        cookie = secrets.token_hex(16)
    return cookie, seal.token(request.app[DOOR].key, "form", cookie)


def with_cookie(request: web.Request, response: web.Response, cookie: str) -> web.Response:
    secure = request.app[DOOR].config.secure_cookie
    response.set_cookie(COOKIE, cookie, path="/p", httponly=True, samesite="Strict", secure=secure)
    return response


def must_be_ours(request: web.Request, form: dict[str, str]) -> None:
    """Raises HTTPForbidden for a form that our pages did not make for this browser."""
    right = seal.token(request.app[DOOR].key, "form", request.cookies.get(COOKIE, ""))
    if not request.cookies.get(COOKIE) or not seal.same(form.get("token", ""), right):
        raise web.HTTPForbidden(text="这一页放得太久了，或浏览器不接受 Cookie。没有提交，请返回重新填写。")


# rendering -----------------------------------------------------------------------------------------------------


async def render(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """A template inside the frame: sizes, help line, age of the data."""
    door = request.app[DOOR]
    shown = door.shown
    big = is_big(request)
    frame = {
        "config": door.config,
        "big": big,
        "to": lambda path: f"{path}?big=1" if big else path,
        "to_file": lambda path: path,
        "style": f"{STYLE}?v={build_of(door.style)}",
        "live": not door.is_export,
        "other_size": _other_size(request, big=big),
        "aged": "",
        "updated": "",
    }
    if door.is_export:
        here = request.rel_url.raw_path
        to = partial(links.link, here)
        frame |= {"to": to, "to_file": to, "style": to(STYLE), "other_size": ""}
    if shown is not None:
        frame["updated"] = wording.moment(shown.beat.at, door.zone, shown.beat.at - DAY)
        if door.clock.wall() - shown.beat.wall > AGED:
            frame["aged"] = f"市中心暂时没有更新数据，以下是 {frame['updated']} 的情况。"
        if door.is_export:
            frame["aged"] = (
                f"网站暂时不能用。这里是 {frame['updated']} 保存的办事指南和评比结果；查进度、投诉请打 {door.config.helpline}。"
            )
    text = door.templates.get_template(template).render(frame | values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.enable_compression()
    return response


def build_of(style: bytes) -> str:
    return hashlib.blake2b(style, digest_size=6).hexdigest()


def _other_size(request: web.Request, *, big: bool) -> str:
    """The same page in the other size; of the answer to a post there is no address, and so no switch."""
    if request.method != "GET":
        return ""
    query = [(name, value) for name, value in request.query.items() if name != "big"]
    query += [] if big else [("big", "1")]
    return request.rel_url.raw_path + (f"?{urlencode(query)}" if query else "")
