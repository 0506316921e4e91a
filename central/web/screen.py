"""The address a hall's screen is started with: it shows the wall, for as long as nobody takes it back."""

from aiohttp import web
from yarl import URL

from central.core.access import Permission, Role
from central.store import sessions
from central.web.guard import COOKIE, NO_WALL, WALL, digest
from central.web.page import HALL, Route

LASTS_SECS = 400 * 86_400  # the longest that browsers keep a cookie; every start of the screen begins it anew


async def open_wall(request: web.Request) -> web.Response:
    """The token becomes the cookie, so that it stands in no further address; what is shown in turn goes on standing there."""
    hall, token = request.app[HALL], request.match_info["token"]
    async with hall.store.read() as conn:
        row = await sessions.find(conn, digest(token)) if token.startswith(WALL) else None
    if row is None or sessions.role_of(row) is not Role.WALL:
        raise web.HTTPUnauthorized(text=NO_WALL)
    turns = {name: request.query[name] for name in ("scene", "every") if name in request.query}
    answer = web.HTTPSeeOther(URL("/hall").with_query(turns))
    secure = hall.config.web.secure_cookie
    answer.set_cookie(
        COOKIE, token, httponly=True, samesite="Lax", secure=secure, path="/", max_age=LASTS_SECS
    )
    raise answer


ROUTES = [Route("GET", "/wall/{token}", open_wall, Permission.PUBLIC)]
