"""What programs may ask of the hall, described by OpenAPI 3.2 and made of the routes themselves: `/api/v1/openapi.json`."""

from typing import Any

import msgspec
from aiohttp import web

from central import __version__
from central.core.access import Permission, who_may
from central.web.guard import COOKIE, Fault
from central.web.page import DESCRIBED, Answer, Api, Parameter, Route

COOKIE_SCHEME = "session"
STREAM = "text/event-stream"


FAULTS = (
    Answer(401, "没有登录，或登录已过期", Fault),
    Answer(403, "角色不够，或须先在网页上修改密码、启用动态口令", Fault),
    Answer(500, "出错；detail 是错误号", Fault),
    Answer(503, "数据库暂时不可用，稍后再试", Fault),
)
"""What every address may answer beside its own answers."""
OTHERWISE = Answer(405, "只有 GET", Fault)
"""What every address answers to another method."""


def described(routes: list[Route]) -> dict[str, Any]:
    """Of those that say what they answer."""
    known = [(route, route.api) for route in routes if route.api is not None]
    kinds = {answer.kind for _, api in known for answer in (*api.answers, *FAULTS)}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route, api in known:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, api, of)
    return {
        "openapi": "3.2.0",
        "info": {
            "title": "明察 市中心",
            "version": __version__,
            "description": "供程序读取，只有 GET，其他方法的应答是 405。用网页登录所得的会话；一个账号看到的，与网页上相同。",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"MethodNotAllowed": _response(OTHERWISE, of)},
            "securitySchemes": {COOKIE_SCHEME: {"type": "apiKey", "in": "cookie", "name": COOKIE}},
        },
        "security": [{COOKIE_SCHEME: []}],
    }


def _operation(route: Route, api: Api, of: dict[type, dict[str, Any]]) -> dict[str, Any]:
    roles = "、".join(role.word for role in who_may(route.permission))
    return {
        "summary": api.summary,
        "description": f"需要“{route.permission.word}”的权限：{roles}。",
        "operationId": route.path.strip("/").replace("/", "_").replace(".", "_"),
        "parameters": [
            {
                "name": one.name,
                "in": "query",
                "required": False,
                "description": one.words,
                "schema": _asked(one),
            }
            for one in api.query
        ],
        "responses": {str(answer.status): _response(answer, of) for answer in (*api.answers, *FAULTS)},
    }


def _asked(one: Parameter) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    text |= {"enum": list(one.values)} if one.values else {"pattern": one.pattern}
    if one.most == 1:
        return text
    return {"type": "array", "items": text, "minItems": 1, "maxItems": one.most, "uniqueItems": True}


def _response(answer: Answer, of: dict[type, dict[str, Any]]) -> dict[str, Any]:
    schema = of[answer.kind]
    content: dict[str, Any] = {"schema": schema}
    if answer.media == STREAM:
        data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
        content = {"itemSchema": {"type": "object", "required": ["data"], "properties": {"data": data}}}
    return {"description": answer.words, "content": {answer.media: content}}


async def show_description(request: web.Request) -> web.Response:
    return web.json_response(described(request.app[DESCRIBED]))


ROUTES = [
    Route(
        "GET",
        "/api/v1/openapi.json",
        show_description,
        Permission.VIEW_WALL,
        api=Api("本说明", (Answer(200, "OpenAPI 3.2", dict[str, Any]),)),
    ),
]
