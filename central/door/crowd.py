"""More requests than can be answered: whoever comes too late is told so at once, which costs a fraction of a page.

A crowd waits in the sockets, where nobody can count it; what can be seen is how long the loop has been answering without coming back
to them. Without a limit each of a thousand requests a second was answered, half a minute late.
"""

import asyncio
from html import escape

from aiohttp import hdrs, web
from msgspec import Struct

from central.door.guard import HEADERS
from central.door.page import DOOR, Door, Handler
from common.core.instant import SECOND

TURN = SECOND
"""So long the requests of one turn of the loop are answered; the others of it are refused."""
AGAIN_SECS = 60
TEXT = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>现在访问的人太多</title></head>
<body><main><h1>现在访问的人太多</h1><p role="alert">这一次没有办成。请过一分钟刷新这一页；刚才填写的内容，刷新时会再交一次。</p>
<p>急事请打 <a href="tel:{line}">{line}</a>，或到最近的便民服务中心。</p></main></body></html>
"""


class Turn(Struct):
    """One turn of the event loop. `began`: when its first request was taken up (monotonic)."""

    began: int | None = None

    def has_room(self, now_mono: int) -> bool:
        if self.began is None:
            self.began = now_mono
            asyncio.get_running_loop().call_soon(self.end)
        return now_mono - self.began <= TURN

    def end(self) -> None:
        self.began = None


TURNS = web.AppKey("turn", Turn)


@web.middleware
async def shed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Before anything else is done for a request; the proxy in front still hears that the door lives."""
    door = request.app[DOOR]
    if request.app[TURNS].has_room(door.clock.mono()) or request.path == "/healthz":
        return await handler(request)
    return _busy(door)


def _busy(door: Door) -> web.Response:
    text = TEXT.format(line=escape(door.config.helpline))
    response = web.Response(text=text, status=503, content_type="text/html", charset="utf-8")
    response.headers.update(HEADERS)
    response.headers[hdrs.RETRY_AFTER] = str(AGAIN_SECS)
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response
