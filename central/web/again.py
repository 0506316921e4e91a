"""What was typed is not lost when it is refused: the page of the form comes again with it, under the status of the refusal.

Central, for every form of every page: a handler only says why (`web.HTTPBadRequest(text=…)`). Where the page is not to be had,
or has no such form any more, the words stand on the page of the fault, to be copied, which leads back to what the form was about.
"""

import re
from html import unescape

from aiohttp import hdrs, web
from yarl import URL

from central.core.again import HOME, Typed, filled
from central.web.page import BACK, PERMISSIONS, TYPED, Back, Handler
from common.core.errors import UnavailableError

REFUSALS = (web.HTTPBadRequest, web.HTTPForbidden, web.HTTPConflict)
SECRET = frozenset({"csrf", "code"})
"""Never shown again, beside whatever is called a password."""
SHORTEST = 4
"""What is shorter is typed again faster than it is copied."""
_TITLE = re.compile(r"<title>(?:\(\d+\) )?(.*?) · 明察</title>", re.DOTALL)


def home_of(request: web.Request) -> str:
    """The page from which a form of ours was sent; empty: nobody knows, or it was another's."""
    try:
        came = URL(request.headers.get(hdrs.REFERER, ""))
        is_ours = came.host is not None and came.host == URL(f"//{request.host}").host
    except ValueError:
        return ""
    told = request.query.get(HOME, came.raw_path_qs)
    return told if is_ours and told.startswith("/") and not told.startswith("//") else ""


async def blank_of(request: web.Request) -> web.Request | None:
    """Before its body is read: the same request as one for the page of its form."""
    home = home_of(request)
    return await _page_at(request, home) if home else None


async def _page_at(request: web.Request, path: str) -> web.Request | None:
    """The same request as one for the page at this address, if it is one of a person's pages."""
    blank = request.clone(method=hdrs.METH_GET, rel_url=URL(path, encoded=True))
    found = await request.app.router.resolve(blank)
    if found.http_exception is not None or found.route not in request.app[PERMISSIONS]:
        return None
    if blank.path.startswith("/api/") or blank.path.endswith("/stream"):  # an answer without an end
        return None
    found.add_app(request.app)
    blank._match_info = found  # noqa: SLF001 - aiohttp has no other way to a second address
    return blank


async def answered(
    request: web.Request, handler: Handler, blank: web.Request | None, let_in: Handler
) -> web.StreamResponse:
    """The answer to a post. `let_in`: opens `blank` if the asker may."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except REFUSALS as refusal:
        words, typed = refusal.text or "", await _typed(request)
        request[TYPED] = await written(request)
        if blank is None or words.isascii():  # a form from nowhere; aiohttp's own words
            raise
        page = await _opened(blank, let_in)
        html = (
            filled(page.text or "", blank.path_qs, request.path, typed, words) if page is not None else None
        )
        if page is None or html is None:
            request[BACK] = await _back(blank, page, let_in)
            raise
        page.text = html
        page.set_status(refusal.status)
        return page
    except Exception:
        request[TYPED] = await written(request)
        if blank is not None:
            request[BACK] = Back("回到原来的页面", blank.path_qs)
        raise


async def _back(blank: web.Request, page: web.Response | None, let_in: Handler) -> Back:
    """To the page of the form; is it gone, to the nearest above it that the asker may see: from a draft to the list of drafts."""
    path = blank.path_qs
    while page is None and (path := path.partition("?")[0].rpartition("/")[0]):
        above = await _page_at(blank, path)
        page = await _opened(above, let_in) if above is not None else None
    title = _TITLE.search(page.text or "") if page is not None else None
    return Back(f"回到“{unescape(title[1]).strip()}”", path) if title else Back("回到总览", "/hall")


async def _opened(blank: web.Request, let_in: Handler) -> web.Response | None:
    try:
        page = await let_in(blank)
    except (web.HTTPException, UnavailableError):
        return None
    if not isinstance(page, web.Response) or page.content_type != "text/html" or page.text is None:
        return None
    return page


async def _typed(request: web.Request) -> Typed:
    try:
        form = await request.post()
    except (ValueError, LookupError, web.HTTPException):  # it cannot be read, which is why it is refused
        return {}
    return {
        name: [value for value in form.getall(name) if isinstance(value, str)]
        for name in form
        if name not in SECRET and "password" not in name
    }


async def written(request: web.Request) -> list[str]:
    """What a person has written, as against what a form carries by itself."""
    sent = [text.strip() for values in (await _typed(request)).values() for text in values]
    return [text for text in sent if len(text) >= SHORTEST and not text.isascii()]
