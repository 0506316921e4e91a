"""Requests made at random of the hall's own description of its addresses for programs, each answer held against it.

A request that ends otherwise is shrunk to the least one that does. The same seed asks the same.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from msgspec import Struct, field

from central.core.access import Role
from central.web.guard import COOKIE
from tests import schema
from tests.integration.serving import Served

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHERS = ("x", "topics[]", "Topics", "cursor", "limit", "__proto__", "")
HEADERS = (
    "Accept", "Accept-Language", "If-None-Match", "If-Modified-Since", "Last-Event-ID", "Origin", "Range", "Referer",
    "User-Agent", "X-Forwarded-For", "X-HTTP-Method-Override",
)  # fmt: skip
MAY = (Role.WALL.value, Role.SUPERVISOR.value)
LOGINS = (*MAY, None, "nobody", Role.IT.value, "newcomer")
"""Sessions of these accounts, none, and one that is not there."""


class Asked(Struct, frozen=True):
    """One request."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    login: str | None


class Found(Struct):
    """`seen`: (address, status) -> how often. `wrong`: the least request that was answered otherwise than described, and how."""

    seen: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: str = ""


def requests(whole: Mapping[str, Any]) -> st.SearchStrategy[Asked]:
    """Of every operation that `whole` describes: its parameters well and badly filled, twice or never, with others beside them."""

    def of(path: str) -> st.SearchStrategy[Asked]:
        names = [one["name"] for one in whole["paths"][path]["get"]["parameters"]]
        known = st.tuples(st.sampled_from(names), _value()) if names else st.nothing()
        other = st.tuples(st.sampled_from(OTHERS), _value())
        query = st.lists(st.one_of(known, known, other), max_size=4).map(tuple)
        visible = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.strip)
        headers = st.dictionaries(st.sampled_from(HEADERS), visible, max_size=3)
        usual = st.builds(Asked, st.just("GET"), st.just(path), query, headers, st.sampled_from(MAY))
        refused = st.builds(Asked, st.just("GET"), st.just(path), query, headers, st.sampled_from(LOGINS))
        odd = st.builds(
            Asked, st.sampled_from(METHODS), st.just(path), query, headers, st.sampled_from(LOGINS)
        )
        return st.one_of(usual, usual.map(_turned), refused, odd)

    return st.sampled_from(sorted(whole["paths"])).flatmap(of)


def _turned(one: Asked) -> Asked:
    return msgspec.structs.replace(one, query=one.query[::-1])


def _value() -> st.SearchStrategy[str]:
    odd = st.sampled_from(("hall", "", "\0", "hall\r\nX: y", "hall,hall", "%ff", "../..", "'--", "９" * 300))
    return st.one_of(odd, st.text(st.characters(codec="utf-8"), max_size=40))


async def run(hall: Served, count: int, start: int) -> Found:
    """Ask `count` times; `start`: the seed. Raises nothing for an answer that is wrong: it is `Found.wrong`."""
    loop, found = asyncio.get_running_loop(), Found()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        cookies = {login: await _cookies(hall, login) for login in LOGINS}
        async with session.get(f"{hall.url}/api/v1/openapi.json", cookies=cookies[Role.WALL.value]) as answer:
            whole = dict(json.loads(await answer.read()))

        async def ask(one: Asked) -> str:
            status, fault = await answered(session, hall.url, whole, one, cookies[one.login])
            found.seen[one.path, status] += 1
            return f"status {status}" if status >= 500 else fault  # described, and for a broken hall

        @seed(start)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(requests(whole))
        def is_as_described(one: Asked) -> None:
            fault = asyncio.run_coroutine_threadsafe(ask(one), loop).result(60)
            assert not fault, f"{one}: {fault}"

        try:
            await asyncio.to_thread(is_as_described)
        except AssertionError as error:
            found.wrong = str(error)
    return found


async def _cookies(hall: Served, login: str | None) -> dict[str, str]:
    if login is None:
        return {}
    return {COOKIE: "x" * 43} if login == "nobody" else await hall.session_of(login)


async def answered(
    session: aiohttp.ClientSession, url: str, whole: Mapping[str, Any], one: Asked, cookies: Mapping[str, str]
) -> tuple[int, str]:
    """-> (status, what is otherwise than described; empty: nothing). Of a stream the first message is read."""
    async with session.request(
        one.method,
        url + one.path,
        params=one.query,
        headers=one.headers,
        cookies=cookies,
        allow_redirects=False,
    ) as answer:
        operation = whole["paths"][one.path].get(one.method.lower())
        if operation is None:
            responses = whole["components"]["responses"]
            described = responses["MethodNotAllowed"] if answer.status == 405 else None
        else:
            described = operation["responses"].get(str(answer.status))
        if described is None:
            return answer.status, f"status {answer.status} is not described"
        content = described["content"].get(answer.content_type)
        if content is None:
            return answer.status, f"{answer.content_type} is not described for {answer.status}"
        if one.method == "HEAD":
            return answer.status, ""
        if answer.content_type == "text/event-stream":
            body = await answer.content.readuntil(b"\n\n")
        else:
            body = await answer.read()
    return answer.status, "; ".join(schema.faults(*schema.of_answer(content, body), whole))
