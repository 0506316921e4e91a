"""What was typed is not lost when it is refused: the page of the form comes again with it, under the status of the refusal.

Central, for every form of every page: a handler only says why (`web.HTTPBadRequest(text=…)`). Where the page is not to be had,
the words stand on the page of the fault, to be copied.
"""

from aiohttp import hdrs, web
from yarl import URL

from central.core.again import HOME, Typed, filled
from central.web.page import PERMISSIONS, TYPED, Handler
from common.core.errors import UnavailableError

REFUSALS = (web.HTTPBadRequest, web.HTTPForbidden, web.HTTPConflict)
SECRET = frozenset({"csrf", "code"})
"""Never shown again, beside whatever is called a password."""
SHORTEST = 4
"""What is shorter is typed again faster than it is copied."""


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
    if not home:
        return None
    blank = request.clone(method=hdrs.METH_GET, rel_url=URL(home, encoded=True))
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
        again = await _page(blank, let_in, request.path, typed, words)
        if again is None:
            raise
        again.set_status(refusal.status)
        return again
    except Exception:
        request[TYPED] = await written(request)
        raise


async def _page(
    blank: web.Request, let_in: Handler, path: str, typed: Typed, words: str
) -> web.Response | None:
    try:
        page = await let_in(blank)
    except (web.HTTPException, UnavailableError):
        return None
    if not isinstance(page, web.Response) or page.content_type != "text/html" or page.text is None:
        return None
    html = filled(page.text, blank.path_qs, path, typed, words)
    if html is None:
        return None
    page.text = html
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
