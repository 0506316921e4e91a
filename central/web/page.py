"""What every page shares: the hall's parts, the signed-in user, routes with their permission, rendering."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from central.config import CentralConfig
from central.core import band, wording
from central.core.access import Permission, Role, allows
from central.core.hall import Facts, SiteFacts
from central.core.menu import menu
from central.core.scope import EVERYTHING, Scope
from central.store.engine import Store
from central.web.live import Wall, clocks
from common.clock import Clock
from common.core.instant import from_us
from common.core.proxied import asker
from common.core.state import Light, Link

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class User(Struct, frozen=True):
    """Who asks, and how far that account reaches. `token` is the digest under which the session is kept; `home`: offices
    and site the person belongs to, of which nothing is judged;
    `unread`: what the inbox holds for it.
    """

    name: str
    role: Role
    scope: Scope
    csrf: str
    must_change: bool
    lacks_factor: bool
    token: bytes
    home: frozenset[str]
    unread: int


class Back(Struct, frozen=True):
    """A way on from the page of a fault: the words of the link, and where it leads inside the hall."""

    words: str
    path: str


class Asset(Struct, frozen=True):
    """A static file, read once at start."""

    body: bytes
    kind: str


class Hall(Struct, frozen=True):
    """The parts a handler works with."""

    store: Store
    config: CentralConfig
    clock: Clock
    zone: ZoneInfo
    wall: Wall
    templates: Environment
    assets: dict[str, Asset]
    build: str
    sign_key: bytes
    factor_key: bytes
    sign_secret: bytes


class Answer(Struct, frozen=True):
    """One answer of an address for programs. `kind`: what its body is, as a type; of a stream, what each message is."""

    status: int
    words: str
    kind: Any
    media: str = "application/json"


class Parameter(Struct, frozen=True):
    """What may stand in an address's query: one of `values`, else a text of this `pattern`. `most`: so often; 1: once."""

    name: str
    words: str
    values: tuple[str, ...] = ()
    pattern: str = ""
    most: int = 1


class Api(Struct, frozen=True):
    """How an address for programs is described."""

    summary: str
    answers: tuple[Answer, ...]
    query: tuple[Parameter, ...] = ()


class Route(Struct, frozen=True):
    """A page: nobody can register one without saying who may see it, nor one for programs without saying what it answers."""

    method: str
    path: str
    handler: Handler
    permission: Permission
    largest: int = 0  # bytes of a post, where it may be larger than most
    api: Api | None = None


HALL = web.AppKey("hall", Hall)
PERMISSIONS = web.AppKey("permissions", dict[web.AbstractRoute, Permission])
DESCRIBED = web.AppKey("described", list[Route])
LARGEST = web.AppKey("largest", dict[web.AbstractRoute, int])
TURNS = web.AppKey("turns", WeakValueDictionary[bytes, asyncio.Lock])
"""Of each session that is sending a form: one at a time."""
USER = web.RequestKey("user", User)
TYPED = web.RequestKey("typed", list[str])
"""What was written in a form that was not taken."""
BACK = web.RequestKey("back", Back)
"""Where the page of a fault leads, if anybody knows better than to the overview."""

KINDS = {"css": "text/css", "js": "text/javascript", "woff2": "font/woff2", "svg": "image/svg+xml"}


def register(app: web.Application, routes: list[Route]) -> None:
    """Add `routes` and keep each one's permission where the guard finds it."""
    for route in routes:
        added = app.router.add_route(route.method, route.path, route.handler)
        app[PERMISSIONS][added] = route.permission
        assert route.api is not None or not route.path.startswith("/api/"), route.path
        if route.api is not None:
            app[DESCRIBED].append(route)
        if route.largest:
            app[LARGEST][added] = route.largest


def load_assets() -> dict[str, Asset]:
    """Every file of `static/` that a browser may ask for."""
    folder = files("central.web") / "static"
    found = {}
    for entry in folder.iterdir():
        kind = KINDS.get(entry.name.rpartition(".")[2])
        if kind:
            found[entry.name] = Asset(entry.read_bytes(), kind)
    return found


def build_id(assets: dict[str, Asset]) -> str:
    """Changes with any static file or template: open walls reload when they see another."""
    digest = hashlib.blake2b(digest_size=6)
    for name in sorted(assets):
        digest.update(assets[name].body)
    for entry in sorted((files("central.web") / "templates").iterdir(), key=lambda item: item.name):
        digest.update(entry.read_bytes())
    return digest.hexdigest()


def load_templates() -> Environment:
    """The templates with the words they read; a misspelt name is an error, not an empty place."""
    env = Environment(
        loader=PackageLoader("central.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(Light=Light, Link=Link, Permission=Permission, allows=allows)
    env.globals.update(band_runs=band.drawn, wording=wording)
    env.filters["inpath"] = lambda text: quote(text, safe="")
    return env


def facts_of(request: web.Request) -> Facts:
    """The newest look at the tables; the first one is done before the first page."""
    facts = request.app[HALL].wall.facts
    assert facts is not None
    return facts


def reached_sites(request: web.Request) -> list[SiteFacts]:
    """The sites that the asking account reaches, in the order of the wall."""
    scope = request[USER].scope
    return [item for item in facts_of(request).sites if scope.has_site(item.id)]


def must_reach_all(request: web.Request, what: str) -> None:
    """`what` holds for the whole city: raises HTTPForbidden where the asking account reaches a part of it alone."""
    if request[USER].scope != EVERYTHING:
        raise web.HTTPForbidden(text=f"{what}涉及全市，由能查看全市的人办理。您的账号只及一部分站点或机构。")


def number_of(text: str) -> int | None:
    """A row's number as a form sends it; None for what cannot be one: longer ones fit no column, and the longest no `int`."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def address_of(request: web.Request) -> str:
    """Where the request came from, behind our own proxy too: what audit and sessions show, and what must wait."""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    return asker(request.remote or "", forwarded, request.app[HALL].config.web.proxies)


def render(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """A template inside the frame: user, token against forged posts, theme, counts of the menu, clocks."""
    hall = request.app[HALL]
    user = request.get(USER)
    frame = {
        "user": user,
        "menu": menu(user.role, request.path) if user else None,
        "path": request.path,
        "address": request.path_qs,
        "build": hall.build,
        "theme": "dark" if request.cookies.get("mc_theme") == "dark" else "light",
        "state": hall.wall.state,
    }
    text = hall.templates.get_template(template).render(
        frame | _times(facts_of(request), hall.clock) | values
    )
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.enable_compression()
    return response


def _times(facts: Facts, clock: Clock) -> dict[str, object]:
    """The times of a page: what its script reckons from, and what it shows until the script runs."""
    local = from_us(facts.now_at, facts.zone)
    offset = local.utcoffset() or timedelta()
    instants = clocks(facts) | {
        "age": (clock.wall() - facts.now_wall) // 1000,
        "offset": int(offset.total_seconds() * 1000),
    }

    def age(ms: str) -> str:
        return wording.span(facts.now_wall - int(ms) * 1000) if ms else ""

    return {"instants": instants, "clock": f"{local:%H:%M:%S}", "age": age}
