"""One's own account: where one is logged in, and the second factor."""

from aiohttp import web

from central import factor
from central.core import wording
from central.core.access import Permission
from central.store import sessions, trail, users
from central.web.page import HALL, USER, Route, address_of, facts_of, render

_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))


async def show_account(request: web.Request) -> web.Response:
    user = request[USER]
    async with request.app[HALL].store.read() as conn:
        row = await users.one(conn, user.name)
    return render(
        request, "account.html", windows=await windows(request, user.name), has_factor=row.factor is not None
    )


async def windows(request: web.Request, name: str) -> list[dict[str, object]]:
    """Where `name` is logged in, the newest use first; `id` says which, and opens nothing."""
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = await sessions.of_user(conn, name)
    return [
        {
            "id": row.token.hex(),
            "address": row.address or "不明",
            "browser": next((word for mark, word in _BROWSERS if mark in row.browser), "其他浏览器"),
            "since": wording.full(row.created_wall, facts.zone, facts.now_wall),
            "seen": wording.ago(facts.now_wall - row.seen_wall),
            "mine": row.token == request[USER].token,
        }
        for row in rows
    ]


async def end_window(request: web.Request) -> web.Response:
    """One of one's own windows, or all others."""
    user, form, hall = request[USER], await request.post(), request.app[HALL]
    which = str(form.get("id", ""))
    async with hall.store.write() as conn:
        if which == "others":
            await sessions.end_others(conn, user.name, user.token)
        else:
            await sessions.end_of(conn, user.name, bytes_of(which))
    raise web.HTTPSeeOther("/account")


def bytes_of(token: str) -> bytes:
    """Nonsense is the token of no session."""
    try:
        return bytes.fromhex(token)
    except ValueError:
        return b""


async def show_factor(request: web.Request) -> web.Response:
    return _offer(request, factor.new_secret(), "", 200)


def _offer(request: web.Request, secret: str, fault: str, status: int) -> web.Response:
    return render(
        request,
        "factor.html",
        status=status,
        secret=secret,
        spelled=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=factor.picture(secret, request[USER].name),
        fault=fault,
    )


async def set_factor(request: web.Request) -> web.Response:
    """The app shows the right code -> the secret is kept, sealed. One that is in use is only lifted by another person."""
    user, form, hall = request[USER], await request.post(), request.app[HALL]
    secret, code = str(form.get("secret", "")), str(form.get("code", "")).replace(" ", "")
    if not _is_secret(secret):
        raise web.HTTPBadRequest(text="提交的内容不完整。请返回上一页，刷新后再试。")
    now_wall = hall.clock.wall()
    step = factor.step_of(secret, code, 0, now_wall)
    if step is None:
        return _offer(request, secret, "口令不对。请核对手机的时间，输入当前显示的六位数字。", 400)
    async with hall.store.write() as conn:
        if (await users.one(conn, user.name)).factor is not None:
            raise web.HTTPBadRequest(text="动态口令已经启用。要换手机，请安全管理员先取消。")
        await users.keep_factor(conn, user.name, factor.sealed(hall.factor_key, user.name, secret), step)
        await trail.note(conn, now_wall, user.name, "factor.set", address_of(request), "")
        await sessions.end_others(conn, user.name, user.token)
    raise web.HTTPSeeOther("/account")


def _is_secret(text: str) -> bool:
    return len(text) == 32 and all(letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for letter in text)


ROUTES = [
    Route("GET", "/account", show_account, Permission.ACCOUNT),
    Route("POST", "/account/windows", end_window, Permission.ACCOUNT),
    Route("GET", "/account/factor", show_factor, Permission.ACCOUNT),
    Route("POST", "/account/factor", set_factor, Permission.ACCOUNT),
]
