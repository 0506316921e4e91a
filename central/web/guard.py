"""Nothing reaches a handler unless its route's permission, the session and the form's token agree.

Every answer leaves with the security headers; every failure is a page in Chinese, with a number to read out by phone.
"""

import asyncio
import hashlib
import secrets
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage
from msgspec import Struct
from sqlalchemy import Row

from central.core.access import Permission, Role, allows, who_may
from central.core.scope import NOTHING
from central.store import messages, scope, sessions
from central.web.again import answered, blank_of, home_of, written
from central.web.page import BACK, HALL, LARGEST, PERMISSIONS, TURNS, TYPED, USER, Back, Handler, User, render
from common.core.errors import UnavailableError
from common.core.instant import HOUR, MINUTE
from common.core.mask import SPOILT
from common.core.text import is_whole, one_line

COOKIE = "mc_session"
WALL = "wall-"
"""How the token of a screen begins."""
IDLE = 12 * HOUR
LONGEST = 7 * 24 * HOUR
TOUCH_EVERY = 5 * MINUTE
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
FOR_PROGRAMS = ("/api/", "/healthz")
OPEN_IN_DEMO = {"/healthz", "/api/v1/overview"}
log = structlog.get_logger()


class Fault(Struct, frozen=True):
    """What a program gets in place of an answer. `detail`: what to do, or the number of a failure; may be empty."""

    error: str
    detail: str


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Failures become pages; what nobody foresaw is logged with the number that the page shows."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as refusal:
        said = refusal.text or ""
        page = _page(request, refusal.status, "" if said.isascii() else said)  # ours are Chinese
        if isinstance(refusal, web.HTTPMethodNotAllowed):
            page.headers[hdrs.ALLOW] = refusal.headers[hdrs.ALLOW]  # RFC 9110, 15.5.6
        return page
    except UnavailableError:
        return _page(request, 503, "数据没有丢失，站点照常采集。数据库恢复后刷新即可。")
    except (ConnectionResetError, web.GracefulExit):
        raise
    except msgspec.MsgspecError as error:  # what lies in the database is not what the hall has written there
        log.error("page.spoilt", path=request.path, reason=one_line(error), hint="请执行  mingcha verify")
        return _page(request, 500, SPOILT)
    except Exception:  # the loop runner of pages: one failed page must not end the hall
        number = secrets.token_hex(3).upper()
        log.exception("page.failed", path=request.path, number=number)
        return _page(request, 500, number)


TITLES = {
    400: "这个请求不完整",
    401: "请先登录",
    403: "您的角色不能打开这一页",
    404: "没有找到",
    405: "这一页不接受这种操作",
    409: "现在不能这样办理",
    413: "提交的内容太大",
    429: "请稍候再试",
    500: "这一页没有打开",
    503: "数据库暂时不可用",
}


STALE = "没有执行：页面已过期。请核对后再提交一次。"
ELSEWHERE = "没有执行。请从本系统自己的页面提交。"
NO_WALL = "这块大屏的授权已取消，或链接不完整。请运维人员在市中心执行  mingcha user wall  重新授权。"
_TITLES_OF = {NO_WALL: "大屏未授权", STALE: "页面已过期", ELSEWHERE: "提交不是从本系统的页面来的"}


def _page(request: web.Request, status: int, detail: str) -> web.Response:
    title = _TITLES_OF.get(detail) or TITLES.get(status, "这一页没有打开")
    if request.path.startswith(FOR_PROGRAMS):
        return web.Response(
            body=msgspec.json.encode(Fault(title, detail)), status=status, content_type="application/json"
        )
    if detail == SPOILT:
        title, detail = (
            SPOILT,
            "这一页所据的数据与写入时不同，没有采用。请运维人员执行  mingcha verify，并从备份恢复。",
        )
    elif status == 500:
        detail = f"数据没有丢失。请重试；如仍不行，请把错误号 {detail} 告诉运维人员。"
    typed, back = request.get(TYPED, []), request.get(BACK, Back("回到总览", "/hall"))
    return render(request, "error.html", status=status, title=title, detail=detail, typed=typed, back=back)


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Security headers on every answer; a stream, which has begun already, sets them itself."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        answer.headers.update(HEADERS)
        raise
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)  # a page may need one place more than the others
    return response


@web.middleware
async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Session, permission, forged-post token, first password: in this order, before any handler."""
    route = request.match_info.route
    permission = request.app[PERMISSIONS].get(route)
    if permission is None:  # aiohttp's own answers: unknown address, wrong method
        return await handler(request)
    user = await _user(request)
    if user is not None:
        request[USER] = user
    if permission is not Permission.PUBLIC and not _is_open(request):
        try:
            _admit(request, user, permission)
        except web.HTTPUnauthorized:
            home = home_of(request) if request.method == hdrs.METH_POST else ""
            if home:  # the log-in has ended while it was written
                request[TYPED] = await written(request)
                request[BACK] = Back("登录，再回到原来的页面", _log_in(home))
            raise
    if request.method != hdrs.METH_POST:
        return await handler(request)
    if user is None:
        await _read_form(request)
        await _refuse_forgery(request, None)
        return await handler(request)
    return await _post(request, handler, user)


async def _post(request: web.Request, handler: Handler, user: User) -> web.StreamResponse:
    """A form of somebody who is known, so that a large one may be taken. One after the other of each session: of two that a double
    click has sent at one instant the second finds what the first has written, in every database.
    """

    async def work(own: web.Request) -> web.StreamResponse:
        await _read_form(own)
        await _refuse_forgery(own, user)
        async with own.app[TURNS].setdefault(user.token, asyncio.Lock()):
            return await handler(own)

    async def let_in(blank: web.Request) -> web.StreamResponse:
        _admit(blank, user, blank.app[PERMISSIONS][blank.match_info.route])
        return await blank.match_info.handler(blank)

    blank, largest = await blank_of(request), request.app[LARGEST].get(request.match_info.route)
    if largest is None:
        return await answered(request, work, blank, let_in)
    large = request.clone(client_max_size=largest)
    try:
        return await answered(large, work, blank, let_in)
    finally:
        request[TYPED] = large.get(TYPED, [])
        if BACK in large:
            request[BACK] = large[BACK]
        with suppress(web.HTTPException, ValueError, LookupError):
            for field in (await large.post()).values():
                if isinstance(
                    field, web.FileField
                ):  # aiohttp closes those of the request that it has made, not of a copy
                    field.file.close()


def _is_open(request: web.Request) -> bool:
    return request.path in OPEN_IN_DEMO and request.app[HALL].clock.is_demo


def _admit(request: web.Request, user: User | None, permission: Permission) -> None:
    if user is None and request.cookies.get(COOKIE, "").startswith(WALL):
        raise web.HTTPUnauthorized(text=NO_WALL)  # a wall never shows a log-in page
    if user is None:
        if request.method == hdrs.METH_GET and not request.path.startswith(FOR_PROGRAMS):
            raise web.HTTPSeeOther(_log_in(request.rel_url.raw_path_qs))
        raise web.HTTPUnauthorized(text="登录已经结束，或还没有登录。")
    first = "/password" if user.must_change else "/account/factor" if user.lacks_factor else ""
    if first and permission is not Permission.ACCOUNT:
        if request.path.startswith(FOR_PROGRAMS):  # a program follows no way to a page
            raise web.HTTPForbidden(text=f"请先在网页 {first} 完成账号的设置。")
        raise web.HTTPSeeOther(first)
    if not allows(user.role, permission):
        may = "、".join(role.word for role in who_may(permission))
        raise web.HTTPForbidden(
            text=f"您的角色是{user.role.word}。这一页需要“{permission.word}”的权限，有此权限的是：{may}。"
            "如工作需要，请联系系统管理员。"
        )


def _log_in(then: str) -> str:
    return f"/login?next={quote(then, safe='/')}"


async def _user(request: web.Request) -> User | None:
    """The session's user; a session unused for half a day, or a week old, is over."""
    cookie = request.cookies.get(COOKIE, "")
    if not cookie:
        return None
    hall = request.app[HALL]
    token = digest(cookie)
    async with hall.store.read() as conn:
        row = await sessions.find(conn, token)
        reached = await scope.of_user(conn, row.user, sessions.role_of(row)) if row else NOTHING
        home = await scope.around(conn, row.home) if row else frozenset[str]()
        unread = await messages.unread(conn, row.user) if row else 0
    now = hall.clock.wall()
    if row is None:
        return None
    if _is_over(row, now):
        return None
    role = sessions.role_of(row)
    if now - row.seen_wall > TOUCH_EVERY:
        async with hall.store.write() as conn:
            await sessions.touch(conn, token, now)
    lacks_factor = bool(row.lacks_factor) and role in hall.config.web.second_factor
    return User(row.user, role, reached, row.csrf, bool(row.must_change), lacks_factor, token, home, unread)


def _is_over(row: "Row[Any]", now_wall: int) -> bool:
    aged = now_wall - row.seen_wall > IDLE or now_wall - row.created_wall > LONGEST
    return aged and sessions.role_of(row) is not Role.WALL


async def is_in(request: web.Request) -> bool:
    """Whether who asked is still logged in: what goes on for hours asks again. A database that is away ends nothing."""
    hall = request.app[HALL]
    try:
        async with hall.store.read() as conn:
            row = await sessions.find(conn, request[USER].token)
    except UnavailableError:
        return True
    return row is not None and not _is_over(row, hall.clock.wall())


def digest(cookie: str) -> bytes:
    """What the table keeps of a token: reading the table does not open a session. A header may hold any bytes."""
    return hashlib.sha256(cookie.encode(errors="surrogateescape")).digest()


async def _read_form(request: web.Request) -> None:
    """A body that is no form is the sender's fault; aiohttp keeps what it has read."""
    try:
        form = await request.post()
    except (
        ValueError,
        LookupError,
        RuntimeError,
        BadHttpMessage,
    ) as error:  # broken multipart, bad bytes, unknown charset
        raise web.HTTPBadRequest(text="提交的内容读不懂。") from error
    texts = (value for value in form.values() if isinstance(value, str))
    if any("\0" in text or not is_whole(text) for text in texts):  # no database has such a text
        raise web.HTTPBadRequest(text="提交的内容读不懂。")


async def _refuse_forgery(request: web.Request, user: User | None) -> None:
    """A post must come from our own page: its session's token, or before log-in the browser's own word."""
    if user is None:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text=ELSEWHERE)
        return
    form = await request.post()
    if not secrets.compare_digest(str(form.get("csrf", "")).encode(), user.csrf.encode()):
        raise web.HTTPForbidden(text=STALE)
