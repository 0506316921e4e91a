"""More requests than can be answered: whoever comes too late is told so at once, which costs a fraction of a page.

A crowd waits in the sockets, where nobody can count it; what can be seen is how long the loop has been answering without coming back
to them. Without a limit each of a thousand requests a second was answered, half a minute late.
"""

import asyncio
import base64
import hashlib
from html import escape

from aiohttp import hdrs, web
from msgspec import Struct

from central.door.guard import HEADERS
from central.door.page import DOOR, Door, Handler
from common.core.instant import SECOND

TURN = SECOND
"""So long the requests of one turn of the loop are answered; the others of it are refused."""
AGAIN_SECS = 60
STYLE = (
    "html{font-size:23px;-webkit-text-size-adjust:100%}"
    "body{margin:0;background:#fff;color:#16202e;line-height:1.6;overflow-wrap:anywhere;font-family:'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    "main{max-width:42rem;margin:0 auto;padding:1rem}h1{font-size:1.3rem;line-height:1.35}"
    "a{color:#0b57a4;font-weight:600;display:inline-block;min-height:44px}"
)
"""In the page, for the style sheet is a request of its own, which is refused like the others. Always 大字版: of a post the address does not
say which size its sender reads, and nothing else is looked at here.
"""
_POLICY = "Content-Security-Policy"
_SHA = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
OWN_HEADERS = HEADERS | {_POLICY: HEADERS[_POLICY].replace("style-src 'self'", f"style-src 'sha256-{_SHA}'")}
"""This style and no other (CSP 3, 8.3)."""
TEXT = """<!doctype html>
<html lang="zh-CN" class="big"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>现在访问的人太多</title><style>{style}</style></head>
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
    text = TEXT.format(style=STYLE, line=escape(door.config.helpline))
    response = web.Response(text=text, status=503, content_type="text/html", charset="utf-8")
    response.headers.update(OWN_HEADERS)
    response.headers[hdrs.RETRY_AFTER] = str(AGAIN_SECS)
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response
