"""Logging in and out, and the first password that must be changed."""

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from sqlalchemy import Row

from central import factor, password
from central.core import password_rules, throttle
from central.core.access import Permission
from central.store import login_failures, sessions, trail, users
from central.web.guard import COOKIE, IDLE, digest
from central.web.page import HALL, USER, Route, address_of, render
from common.core.crypto import DamagedError

LONGEST_BROWSER = 200
UNKNOWN = "未知用户"
"""In log and audit, for a name that no account has."""
# Verified when the name is unknown, so that the answer takes as long as for a known one.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$dmZ0m9pSIlVxSIPzIeLmzPzrBd1jGfSITXuiHOyTSVA"
_NEVER_IN_ADDRESS = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
_ONE_SLASH = re.compile(r"/(?!/)")
log = structlog.get_logger()


async def show_login(request: web.Request) -> web.Response:
    if USER in request:
        raise web.HTTPSeeOther(_inside(request.query.get("next", "")))
    return render(request, "login.html", next=request.query.get("next", ""), name="", fault="")


async def log_in(request: web.Request) -> web.Response:
    """Name and password -> session cookie, or the question for the code, or the page again with one sentence."""
    form = await request.post()
    name, target = str(form.get("name", "")).strip(), str(form.get("next", ""))
    wait, tries = await _count(request, name)
    if wait:
        return _again(request, name, target, f"密码多次不对，请 {wait} 秒后再试。", 429)
    user = await _verified(request, name, str(form.get("password", "")))
    if user is None:
        await _refused(request, name, tries)
        return _again(request, name, target, "用户名或密码不对。", 401)
    if user.pending:
        return _again(request, name, target, "账号等待安全管理员授权，暂不能登录。", 401)
    if user.factor is not None:  # what was counted stays until the code was right too
        hall = request.app[HALL]
        ticket = factor.ticket(hall.factor_key, name, hall.clock.wall())
        return render(request, "code.html", ticket=ticket, next=target, fault="")
    return await _enter(request, name, "/password" if user.must_change else _inside(target))


async def prove(request: web.Request) -> web.Response:
    """The second factor after the password: ticket and code -> session cookie."""
    form, hall = await request.post(), request.app[HALL]
    ticket, target = str(form.get("ticket", "")), str(form.get("next", ""))
    name = factor.bearer(hall.factor_key, ticket, hall.clock.wall())
    if not name:
        return _again(request, "", target, "已过五分钟，请从密码重新开始。", 401)
    wait, tries = await _count(request, name)
    if wait:
        fault = f"多次不对，请 {wait} 秒后再试。"
        return render(request, "code.html", status=429, ticket=ticket, next=target, fault=fault)
    user = await _taken(request, name, str(form.get("code", "")))
    if user is None:
        await _refused(request, name, tries)
        fault = "口令不对，或已经用过。请等下一个再输入。"
        return render(request, "code.html", status=401, ticket=ticket, next=target, fault=fault)
    return await _enter(request, name, "/password" if user.must_change else _inside(target))


async def _count(request: web.Request, name: str) -> tuple[int, int]:
    """-> (seconds this name must wait from here, or 0: then the try is counted before its answer is known; tries so far)."""
    hall, who = request.app[HALL], login_failures.key(name, address_of(request))
    async with hall.store.write() as conn:
        return await login_failures.count(conn, who, hall.clock.wall())


async def _refused(request: web.Request, name: str, tries: int) -> None:
    """What was typed is kept only where it is the name of an account: people type passwords where the name belongs."""
    async with request.app[HALL].store.read() as conn:
        who = name if await sessions.find_user(conn, name) is not None else UNKNOWN
    log.warning("login.refused", user=who)
    if tries == throttle.FREE:
        await _noted(request, who, "login.refused", f"密码或动态口令连续错 {throttle.FREE} 次")


async def _taken(request: web.Request, name: str, code: str) -> "Row[Any] | None":
    """The user's row if the code is right, in time and not used yet; it is used now."""
    hall = request.app[HALL]
    async with hall.store.write() as conn:
        row = await sessions.find_user(conn, name)
        if row is None or row.disabled or row.pending or row.factor is None:
            return None
        try:
            secret = factor.opened(hall.factor_key, name, row.factor)
        except (
            DamagedError
        ):  # the hall has another operations key than when it was set up: nobody's code is right
            log.error("factor.unreadable", user=name, hint="请安全管理员取消此用户的动态口令，由本人重新启用")
            return None
        step = factor.step_of(secret, code.replace(" ", ""), row.factor_step, hall.clock.wall())
        return row if step is not None and await users.use_step(conn, name, step) else None


async def _enter(request: web.Request, name: str, target: str) -> web.Response:
    async with request.app[HALL].store.write() as conn:
        await login_failures.forget(conn, login_failures.key(name, address_of(request)))
    log.info("login.succeeded", user=name)
    await _noted(request, name, "login", "")
    answer = web.HTTPSeeOther(target)
    await _open_session(request, name, answer)
    raise answer


async def _noted(request: web.Request, name: str, act: str, why: str) -> None:
    hall = request.app[HALL]
    async with hall.store.write() as conn:
        await trail.note(conn, hall.clock.wall(), name, act, address_of(request), why)


def _again(request: web.Request, name: str, target: str, fault: str, status: int) -> web.Response:
    return render(request, "login.html", status=status, next=target, name=name, fault=fault)


async def _verified(request: web.Request, name: str, text: str) -> "Row[Any] | None":
    """The user's row if the password is right and the account is in use."""
    async with request.app[HALL].store.read() as conn:
        row = await sessions.find_user(conn, name)
    right = await password.verify_password(row.password if row else NOBODY, text)
    return row if row and right and not row.disabled else None


async def _open_session(request: web.Request, name: str, answer: web.Response) -> None:
    hall = request.app[HALL]
    cookie, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), hall.clock.wall()
    async with hall.store.write() as conn:
        await sessions.end_stale(conn, now - IDLE)
        await sessions.begin(
            conn,
            digest(cookie),
            name,
            csrf,
            now,
            address=address_of(request),
            browser=_readable(request.headers.get(hdrs.USER_AGENT, ""))[:LONGEST_BROWSER],
        )
    secure = hall.config.web.secure_cookie
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax", secure=secure, path="/")


def _readable(header: str) -> str:
    """A header may hold any bytes, of which aiohttp makes what no database takes."""
    return header.encode(errors="replace").decode()


def _inside(target: str) -> str:
    """Only an address of this system: a link must not send a fresh log-in elsewhere.

    Browsers, and the library that writes the header, leave tabs and line ends out before they look at the slashes;
    browsers take a backslash for a slash. Neither is let through, and what counts is the header as it will be written.
    """
    if _NEVER_IN_ADDRESS.search(target):
        return "/hall"
    try:
        written = urlsplit(web.HTTPSeeOther(target).headers["Location"])
    except ValueError:
        return "/hall"
    ours = not written.scheme and not written.netloc and _ONE_SLASH.match(written.path)
    return target if ours and _ONE_SLASH.match(target) else "/hall"


async def log_out(request: web.Request) -> web.Response:
    async with request.app[HALL].store.write() as conn:
        await sessions.end(conn, request[USER].token)
    answer = web.HTTPSeeOther("/login")
    answer.del_cookie(COOKIE, path="/")
    raise answer


async def show_password(request: web.Request) -> web.Response:
    return render(request, "password.html", faults=[])


async def change_password(request: web.Request) -> web.Response:
    """Old and new password -> changed, all other windows of the user logged out."""
    user, form = request[USER], await request.post()
    old, new, again = (str(form.get(field, "")) for field in ("old", "new", "again"))
    faults = password_rules.faults(user.name, old, new, again)
    if not faults and await _verified(request, user.name, old) is None:
        faults = ["现在的密码不对。"]
    if faults:
        return render(request, "password.html", status=400, faults=faults)
    hashed = await password.hash_password(new)
    async with request.app[HALL].store.write() as conn:
        await sessions.set_password(conn, user.name, hashed, must_change=False)
        await trail.note(conn, request.app[HALL].clock.wall(), user.name, "password", address_of(request), "")
        await sessions.end_others(conn, user.name, user.token)
    raise web.HTTPSeeOther("/hall")


async def set_theme(request: web.Request) -> web.Response:
    """Light or dark console, remembered by the browser."""
    form = await request.post()
    answer = web.HTTPSeeOther(_inside(str(form.get("back", ""))))
    theme = "dark" if form.get("theme") == "dark" else "light"
    answer.set_cookie("mc_theme", theme, max_age=365 * 86_400, samesite="Lax", path="/")
    raise answer


ROUTES = [
    Route("GET", "/login", show_login, Permission.PUBLIC),
    Route("POST", "/login", log_in, Permission.PUBLIC),
    Route("POST", "/login/code", prove, Permission.PUBLIC),
    Route("POST", "/logout", log_out, Permission.ACCOUNT),
    Route("GET", "/password", show_password, Permission.ACCOUNT),
    Route("POST", "/password", change_password, Permission.ACCOUNT),
    Route("POST", "/theme", set_theme, Permission.ACCOUNT),
]
