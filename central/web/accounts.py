"""用户: the system administrator asks for accounts, the security administrator authorises them (三员分立)."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from multidict import MultiDictProxy
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import password
from central.account import said
from central.core import wording
from central.core.access import PEOPLE, Permission, Role
from central.store import scope, sessions, trail, users
from central.web.account import windows
from central.web.page import HALL, USER, Handler, Route, facts_of, reached_sites, render
from common.core.errors import UsageError

Act = Callable[[AsyncConnection, str], Awaitable[object]]


async def show_accounts(request: web.Request) -> web.Response:
    return await _listed(request)


async def _listed(request: web.Request, *, secret: tuple[str, str] | None = None) -> web.Response:
    """`secret`: name and one-time password, shown this once."""
    facts, names = facts_of(request), dict(_sites(request))
    async with request.app[HALL].store.read() as conn:
        rows = [
            {
                "name": row.name,
                "reach": _reach(row, *await scope.given(conn, row.name), names),
                "state": _state(row),
                "factor": row.factor is not None,
                "pending": row.pending,
                "windows": len(await sessions.of_user(conn, row.name)),
            }
            for row in await users.everyone(conn)
        ]
        offices = list(await scope.tree(conn))
    return render(
        request,
        "accounts.html",
        rows=rows,
        roles=PEOPLE,
        sites=_sites(request),
        offices=offices,
        secret=secret,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _sites(request: web.Request) -> list[tuple[str, str]]:
    return [(item.id, item.name) for item in reached_sites(request)]


def _reach(row: Row[Any], sites: list[str], offices: list[str], names: dict[str, str]) -> str:
    return said(Role(row.role), [names.get(site, site) for site in sites], offices)


def _state(row: Row[Any]) -> str:
    if row.disabled:
        return "停用"
    return "待授权" if row.pending else "须改密码" if row.must_change else "在用"


async def show_one(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    async with request.app[HALL].store.read() as conn:
        row = await _known(conn, name)
        sites, offices = await scope.given(conn, name)
        tree = list(await scope.tree(conn))
    return render(
        request,
        "one_account.html",
        row=row,
        role=Role(row.role),
        standing=_state(row),
        words=_reach(row, sites, offices, dict(_sites(request))),
        given=(sites, offices),
        roles=PEOPLE,
        sites=_sites(request),
        offices=tree,
        windows=await windows(request, name),
        is_own=name == request[USER].name,
    )


async def _known(conn: AsyncConnection, name: str) -> Row[Any]:
    try:
        return await users.one(conn, name.replace("\0", ""))
    except UsageError as error:
        raise web.HTTPNotFound(text="没有这个用户。请从用户列表进入。") from error


async def create(request: web.Request) -> web.Response:
    """A new account; it waits for the security administrator, and its one-time password is shown this once."""
    form, hall, user = await request.post(), request.app[HALL], request[USER]
    name, role = str(form.get("name", "")).strip(), _role(str(form.get("role", "")))
    sites, offices = _chosen(form)
    secret = password.one_time()
    hashed, now_wall = await password.hash_password(secret), hall.clock.wall()
    try:
        async with hall.store.write() as conn:
            await users.add(conn, name, role, hashed, now_wall)
            await scope.give(conn, name, sites, offices)
            await users.ask(conn, name, role)
            await trail.note(conn, now_wall, user.name, "user.add", name, said(role, sites, offices))
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    return await _listed(request, secret=(name, secret))


def _role(text: str) -> Role:
    role = next((role for role in PEOPLE if role.value == text), None)
    if role is None:
        raise web.HTTPBadRequest(text="请选择角色。")
    return role


def _chosen(form: MultiDictProxy[Any]) -> tuple[list[str], list[str]]:
    sites, offices = ([str(text) for text in form.getall(name, [])] for name in ("site", "org"))
    return sites, offices


async def change(request: web.Request) -> web.Response:
    """Another role or reach; logged out, and waits to be authorised anew."""
    form = await request.post()
    role, (sites, offices) = _role(str(form.get("role", ""))), _chosen(form)

    async def act(conn: AsyncConnection, name: str) -> None:
        await scope.give(conn, name, sites, offices)
        await users.ask(conn, name, role)

    return await _do(request, "user.ask", act, said(role, sites, offices))


async def reset(request: web.Request) -> web.Response:
    """A new one-time password, shown this once."""
    name, secret = request.match_info["name"], password.one_time()
    hashed = await password.hash_password(secret)
    await _act(request, "user.reset", lambda conn, who: users.reset(conn, who, hashed), "")
    return await _listed(request, secret=(name, secret))


def _doing(word: str, act: Act) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await _do(request, word, act, "")

    return handler


async def _do(request: web.Request, word: str, act: Act, why: str) -> web.Response:
    name = await _act(request, word, act, why)
    raise web.HTTPSeeOther(f"/hall/admin/people/{quote(name, safe='')}")


async def _act(request: web.Request, word: str, act: Act, why: str) -> str:
    """Do it to somebody else and write it down. -> the name."""
    name, hall, user = request.match_info["name"].replace("\0", ""), request.app[HALL], request[USER]
    if name == user.name:
        raise web.HTTPBadRequest(text="不能处理自己的账号，请另一位管理员办理。")
    try:
        async with hall.store.write() as conn:
            await users.one(conn, name)
            await act(conn, name)
            await trail.note(conn, hall.clock.wall(), user.name, word, name, why)
    except UsageError as error:
        raise web.HTTPNotFound(text=f"{error}。请回到用户页刷新。") from error
    return name


_ONE = "/hall/admin/people/{name}"
ROUTES = [
    Route("GET", "/hall/admin/people", show_accounts, Permission.VIEW_ACCOUNT),
    Route("POST", "/hall/admin/people", create, Permission.MANAGE_ACCOUNT),
    Route("GET", _ONE, show_one, Permission.VIEW_ACCOUNT),
    Route("POST", f"{_ONE}/change", change, Permission.MANAGE_ACCOUNT),
    Route("POST", f"{_ONE}/reset", reset, Permission.MANAGE_ACCOUNT),
    Route("POST", f"{_ONE}/enable", _doing("user.enable", users.enable), Permission.MANAGE_ACCOUNT),
    Route("POST", f"{_ONE}/disable", _doing("user.disable", users.disable), Permission.MANAGE_ACCOUNT),
    Route("POST", f"{_ONE}/approve", _doing("user.approve", users.approve), Permission.APPROVE_ACCOUNT),
    Route("POST", f"{_ONE}/forget", _doing("user.forget", users.forget_factor), Permission.APPROVE_ACCOUNT),
    Route("POST", f"{_ONE}/logout", _doing("user.logout", sessions.end_of), Permission.APPROVE_ACCOUNT),
]
