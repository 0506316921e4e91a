"""What programs may ask: every answer is described, and is as it is described."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import insert

from central.core.access import Role
from central.store import law
from central.store import tables as t
from central.store.engine import Store
from central.web.app import make_app
from central.web.live import PER_LOGIN
from central.web.page import DESCRIBED, HALL, register
from common.clock import Clock
from tests import asking, conforming, schema
from tests.asking import Asked
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
        async with hall.store.write() as conn:
            await law.calendar(conn)
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
    assert whole["openapi"] == "3.2.0"
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
            assert schema.faults(*schema.of_answer(content[media], body), whole) == [], (path, status)
            seen.add((path, status))
    served.app[HALL].wall.open[Role.CHIEF.value] = PER_LOGIN
    status, media, body = await asked(served, "/api/v1/stream", Role.CHIEF)
    content = whole["paths"]["/api/v1/stream"]["get"]["responses"][str(status)]["content"]
    assert (status, schema.faults(*schema.of_answer(content[media], body), whole)) == (429, [])
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


async def test_whatever_is_asked_of_what_is_described_the_answer_is_described(served: Served) -> None:
    """Issue 7, 5: no failure, nothing that the description does not say. `make soak WHAT=api` goes on."""
    found = await asking.run(served, 150, 7)
    assert found.wrong == ""
    assert {status for _, status in found.seen} >= {200, 400, 401, 403, 405}
    assert {path for path, status in found.seen if status == 200} == {path for path, _ in found.seen}


@pytest.mark.service
@pytest.mark.skipif(not conforming.INSTALLED.exists(), reason="`make test` installs schemathesis")
async def test_schemathesis_finds_every_answer_as_it_is_described(served: Served, tmp_path: Path) -> None:
    """Issue 7, 5, by a tool of others: methods, parameters, log-in left out, bodies, headers. `make soak WHAT=api` goes on."""
    judged = await conforming.run(served, tmp_path, Role.WALL.value, 5, 1)
    assert judged.wrong == ""
    assert judged.asked > 30


async def test_a_method_that_is_not_there_is_told_which_is(served: Served) -> None:
    """RFC 9110, 15.5.6: 405 names what is allowed."""
    async with aiohttp.ClientSession() as session:
        for path in ("/api/v1/overview", "/login"):
            async with session.delete(served.url + path) as answer:
                assert answer.status == 405
                assert "GET" in answer.headers["Allow"], path


@pytest.mark.parametrize(
    "cookie", [b"\xff\xfe", "节点".encode(), b'"\\777"', b"a=b; mc_session", b"=" * 4_000]
)
async def test_a_cookie_of_any_bytes_is_no_session_and_no_failure(served: Served, cookie: bytes) -> None:
    head, body = await raw(served, b"GET /api/v1/overview", b"Cookie: mc_session=" + cookie)
    assert head.startswith(b"HTTP/1.1 401 ")
    assert json.loads(body)["error"] == "请先登录"


async def test_a_browser_that_calls_itself_by_any_bytes_logs_in(served: Served) -> None:
    form = urlencode({"name": Role.CHIEF.value, "password": serving.PASSWORD}).encode()
    head, _ = await raw(
        served, b"POST /login", b"User-Agent: \xff\r\nContent-Type: application/x-www-form-urlencoded", form
    )
    assert head.startswith(b"HTTP/1.1 303 ")
    assert b"Location: /login" not in head


async def raw(served: Served, line: bytes, headers: bytes, body: bytes = b"") -> tuple[bytes, bytes]:
    """-> (head, body) of the answer, past a client that would refuse to send such bytes."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    fixed = b"Host: x\r\nConnection: close\r\nContent-Length: " + str(len(body)).encode()
    writer.write(line + b" HTTP/1.1\r\n" + fixed + b"\r\n" + headers + b"\r\n\r\n" + body)
    head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, answer


async def test_a_broken_database_is_answered_as_described(tmp_path: Path) -> None:
    """A table that is gone: it may come back, 503. A column that is gone: nobody knows, 500, with a number; and no page ends it."""
    async with serving.serve(tmp_path, Clock(), fill=fill) as hall, aiohttp.ClientSession() as session:
        cookies, whole = await hall.session(Role.SUPERVISOR), await description(hall)
        for broken, status, paths in (
            ("ALTER TABLE record RENAME TO gone", 503, ["/api/v1/overview"]),
            ("ALTER TABLE session RENAME COLUMN seen_wall TO gone", 500, sorted(whole["paths"])),
        ):
            with closing(sqlite3.connect(tmp_path / "central.db")) as db:
                db.execute(broken)
            for path in paths:
                one = Asked("GET", path, (), {}, None)
                assert await asking.answered(session, hall.url, whole, one, cookies) == (status, ""), path
        async with session.get(hall.url + "/api/v1/overview", cookies=cookies) as answer:
            said = json.loads(await answer.read())
        assert (said["error"], len(said["detail"])) == ("这一页没有打开", 6)
