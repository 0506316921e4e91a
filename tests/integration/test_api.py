"""What programs may ask: every answer is described, and is as it is described."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import insert

from central.core.access import Role
from central.store import tables as t
from central.store.engine import Store
from central.web.app import make_app
from central.web.live import PER_LOGIN
from central.web.page import DESCRIBED, HALL, register
from common.clock import Clock
from tests import schema
from tests.integration import city, serving
from tests.integration.serving import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def fill(store: Store, clock: Clock) -> None:
    """Two sites, of which one was heard."""
    async with store.write() as conn:
        row = {"kind": "township", "retired_wall": None}
        await conn.execute(
            insert(t.site),
            [
                row | {"id": site, "name": site, "position": place}
                for place, site in enumerate(("s01", "s02"))
            ],
        )
        await conn.execute(insert(t.site_status).values(city.status(0, clock.wall())))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(
        tmp_path_factory.mktemp("api"), Clock(), fill=fill, second_factor=(Role.IT,)
    ) as hall:
        yield hall


async def asked(hall: Served, path: str, role: Role | None) -> tuple[int, str, bytes]:
    """-> (status, media type, body; of a stream its first message)."""
    async with (
        aiohttp.ClientSession(cookies=await hall.session(role) if role else {}) as session,
        session.get(hall.url + path, allow_redirects=False) as answer,
    ):
        is_stream = answer.content_type == "text/event-stream"
        body = await (answer.content.readuntil(b"\n\n") if is_stream else answer.read())
        return answer.status, answer.content_type, body


async def description(hall: Served) -> dict[str, Any]:
    status, _, body = await asked(hall, "/api/v1/openapi.json", Role.SUPERVISOR)
    assert status == 200
    return dict(json.loads(body))


async def test_every_answer_of_every_address_is_as_it_is_described(served: Served) -> None:
    whole = await description(served)
    assert whole["openapi"] == "3.1.0"
    assert set(whole["paths"]) == {
        resource.canonical
        for resource in served.app.router.resources()
        if resource.canonical.startswith("/api/")
    }
    seen: set[tuple[str, int]] = set()
    for path, operations in whole["paths"].items():
        assert set(operations) == {"get"}
        for role, query in (
            (None, ""),
            (Role.SUPERVISOR, ""),
            (Role.IT, ""),
            (Role.WALL, ""),
            (Role.LEADER, "?topics=x"),
        ):
            status, media, body = await asked(served, path + query, role)
            content = operations["get"]["responses"][str(status)]["content"]
            assert list(content) == [media], (path, status)
            value = body.decode() if media == "text/event-stream" else json.loads(body)
            assert schema.faults(content[media]["schema"], value, whole) == [], (path, status)
            seen.add((path, status))
    served.app[HALL].wall.open[Role.CHIEF.value] = PER_LOGIN
    status, media, body = await asked(served, "/api/v1/stream", Role.CHIEF)
    content = whole["paths"]["/api/v1/stream"]["get"]["responses"][str(status)]["content"]
    assert (status, schema.faults(content[media]["schema"], json.loads(body), whole)) == (429, [])
    assert {status for _, status in seen} == {200, 400, 401, 403}, (
        "the second factor is wanting: 403, not a page"
    )


async def test_the_description_is_complete_and_its_references_lead_somewhere(served: Served) -> None:
    whole = await description(served)
    text = json.dumps(whole, ensure_ascii=False)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        assert reference.removeprefix("#/components/schemas/") in whole["components"]["schemas"], reference
    names = [operation["get"]["operationId"] for operation in whole["paths"].values()]
    assert len(set(names)) == len(names)
    assert "大屏" in text, "who may ask is said"


async def test_an_answer_that_is_otherwise_is_found(served: Served) -> None:
    """The checker itself: what is taken out, added or of another kind is a fault."""
    whole = await description(served)
    wanted = whole["paths"]["/api/v1/overview"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    body = json.loads((await asked(served, "/api/v1/overview", Role.WALL))[2])
    assert schema.faults(wanted, body, whole) == []
    changes: list[dict[str, Any]] = [{"now": "soon"}, {"sites": [{}]}, {"totals": None}, {"more": 1}]
    for change in changes:
        assert schema.faults(wanted, body | change, whole), change
    (first, *_) = body["sites"]
    for spoilt in ({"link": "blue"}, {"red": 1.5}, {"open": True}, {"id": None}):
        assert schema.faults(wanted, body | {"sites": [first | spoilt]}, whole), spoilt


async def test_no_address_for_programs_exists_without_its_description(served: Served) -> None:
    app = make_app(served.store, served.app[HALL].config, served.clock, serving.OPERATIONS)
    route = next(route for route in app[DESCRIBED] if route.path == "/api/v1/overview")
    with pytest.raises(AssertionError, match="/api/v1/more"):
        register(app, [replace(route, path="/api/v1/more", api=None)])
