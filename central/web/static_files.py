"""Style sheets, scripts and the digits' font, from memory; addressed with the build, so that a browser keeps them."""

from aiohttp import web

from central.core.access import Permission
from central.web.page import HALL, Route

LONG = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"


async def show_file(request: web.Request) -> web.Response:
    hall = request.app[HALL]
    asset = hall.assets.get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    response = web.Response(body=asset.body, content_type=asset.kind)
    response.headers["Cache-Control"] = LONG if request.query.get("v") == hall.build else SHORT
    if asset.kind.startswith("text/"):
        response.charset = "utf-8"
        response.enable_compression()
    return response


ROUTES = [Route("GET", "/static/{name}", show_file, Permission.PUBLIC)]
