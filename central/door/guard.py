"""Before any page: the right name, not too often, a body that comes in time; after it: headers, and words for every failure."""

import asyncio
import secrets
from typing import Literal
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from central.door.limits import PAGES
from central.door.page import DOOR, Handler, render, spend
from common.core.errors import UnavailableError, words
from common.core.text import is_whole

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all browsers say of our own forms that they come from nowhere
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
BODY_SECS = 60.0
"""Within which what is posted has arrived."""
SMALL_POST, LARGE_POST = 64 * 1024, 16 * 1024 * 1024
"""A phone's photograph is read although it is larger than what is taken: its sender is told so on the page that holds the rest of the complaint."""
LARGE = {"/p/complain/files"}
NO_ROOM = "现在收不下文件。可以先不附文件提交，或过一会儿再试。"
UNREADABLE = ValueError, LookupError, RuntimeError, BadHttpMessage
"""What aiohttp raises for a body that is no form: broken multipart, bad bytes, unknown charset, heads of parts without end."""
log = structlog.get_logger()

TITLES = {
    400: "这个请求不完整",
    403: "没有提交",
    404: "没有找到这一页",
    405: "没有找到这一页",
    413: "提交的内容太大",
    429: "请过一会儿再试",
    503: "网站暂时不能用",
}
TEXTS = {
    404: "网址可能输错了，或这一页已经撤下。请从首页重新找。",
    405: "网址可能输错了，或这一页已经撤下。请从首页重新找。",
    413: "每个文件最多 3 MB，文字最多 2000 字。请减少后再提交。",
    503: "请过几分钟再来。已经提交的内容不会丢。",
}


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Headers on every answer; every failure is a page, with the way to help."""
    try:
        response = await _foreseen(request, handler)
    except web.HTTPRedirection as answer:
        answer.headers.update(HEADERS)
        raise
    except web.HTTPException as refusal:
        said = refusal.text or ""
        response = await _page(request, refusal.status, "" if said.isascii() else said)
        if isinstance(refusal, web.HTTPMethodNotAllowed):
            response.headers[hdrs.ALLOW] = refusal.headers[hdrs.ALLOW]  # RFC 9110, 15.5.6
    except UnavailableError:
        response = await _page(request, 503, "")
    response.headers.update(HEADERS)
    return response


async def _foreseen(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What nobody foresaw is logged with the number that the page shows, and is an answer like the others."""
    try:
        return await handler(request)
    except (web.HTTPException, UnavailableError, ConnectionResetError, web.GracefulExit):
        raise
    except Exception as error:
        number = secrets.token_hex(3).upper()
        log.exception("door.failed", path=request.path, number=number)
        raise web.HTTPInternalServerError(
            text=f"没有办成，请再试一次。还不行，请打电话告诉工作人员错误号 {number}。"
        ) from error


async def _page(request: web.Request, status: int, text: str) -> web.Response:
    head = TITLES.get(status, "这一页没有打开")
    return await render(request, "message.html", status=status, head=head, text=text or TEXTS.get(status, ""))


@web.middleware
async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises what refuses the request, before its handler is asked."""
    door = request.app[DOOR]
    if _split(f"//{request.host}", "hostname") not in door.config.hosts:
        raise web.HTTPBadRequest(text="这个网址不对。请从政府网站的链接进入。")
    spend(request, PAGES)
    if request.method != hdrs.METH_POST:
        return await handler(request)
    _must_come_from_us(request)
    if hdrs.CONTENT_ENCODING in request.headers:  # no browser packs a form, and nothing is unpacked here
        raise web.HTTPBadRequest(text="提交的内容读不懂。")
    large = request.clone(client_max_size=LARGE_POST if request.path in LARGE else SMALL_POST)
    try:
        async with asyncio.timeout(BODY_SECS):
            await _read_form(large)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="内容传得太慢，没有收全。请换个网络再试。") from error
    except ConnectionError:
        raise
    except OSError as error:  # the disk on which files lie until they are read
        log.error("door.full", reason=words(error), hint="请检查公众网页的磁盘空间")
        raise web.HTTPServiceUnavailable(text=NO_ROOM) from error
    except UNREADABLE as error:
        raise web.HTTPBadRequest(text="提交的内容读不懂。") from error
    try:
        return await handler(large)
    finally:
        for field in (await large.post()).values():
            if isinstance(field, web.FileField):
                field.file.close()


def _split(address: str, part: Literal["hostname", "netloc"]) -> str:
    """A part of an address; empty of what is none, such as `[`."""
    try:
        return getattr(urlsplit(address), part) or ""
    except ValueError:
        return ""


async def _read_form(request: web.Request) -> None:
    """aiohttp keeps what it has read. Raises ValueError or LookupError if that is no form."""
    form = await request.post()
    if not all(is_whole(value) for value in form.values() if isinstance(value, str)):
        raise ValueError("half of a surrogate pair")


def _must_come_from_us(request: web.Request) -> None:
    """The browser's own word: an old one that says neither is stopped by the form's token where something is changed."""
    origin = request.headers.get(hdrs.ORIGIN)
    elsewhere = origin is not None and _split(origin, "netloc") != request.host
    if elsewhere or request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise web.HTTPForbidden(text="提交不是从本网站的页面来的。请从首页进入。")
