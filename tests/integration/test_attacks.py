"""What a hostile client writes around a request: Host and headers; names of files stand in `test_letters.py`. Nothing fails, nothing of it leads anywhere."""

import asyncio

import pytest

from central.core.access import Role
from tests.integration.serving import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTS = (b"evil.example", b"evil.example:99999", b"[::", b"evil example", b'evil"><script>', b"", b"evil\xff", b"x" * 7000, b"evil/a", b"u@evil", b"127.0.0.1:0:0", b"evil,a")  # fmt: skip
HEADERS = (
    b"X-A: " + b"a" * 9000,
    b"\r\n".join(b"X-%d: a" % n for n in range(3000)),
    b"Cookie: " + b"; ".join(b"c%d=evil" % n for n in range(900)),
    b"Cookie: mc_session=" + b"a" * 7900,
    b"X-Forwarded-For: " + b"1," * 2000,
    b"X-Forwarded-For: <script>evil, \xff\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript",
    b"Accept-Encoding: br;q=x, gzip;q=9, \xff",
    b'Range: bytes=0-,1-,2-\r\nIf-None-Match: "x\r\nIf-Modified-Since: evil',
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"X-A: b\r\n evil",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"X-HTTP-Method-Override: DELETE\r\nX-Original-URL: /hall/admin/people\r\nX-Rewrite-URL: /hall/admin/people",
)  # fmt: skip


async def asked(hall: Served, lines: bytes) -> tuple[int, bytes]:
    """Status of the answer and all of it. `lines`: the request without its last empty line."""
    host, port = hall.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(lines + b"\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(20):
        said = await reader.read()
    writer.close()
    return int(said.split(b" ", 2)[1]), said


async def cookie_of(hall: Served, role: Role) -> bytes:
    return b"; ".join(f"{name}={value}".encode() for name, value in (await hall.session(role)).items())


async def test_a_host_that_is_none_leads_nowhere(hall: Served) -> None:
    cookie = await cookie_of(hall, Role.SUPERVISOR)
    for host in HOSTS:
        for path in (b"/", b"/hall/", b"/hall/queue", b"/login", b"/nowhere"):
            for own in (b"", b"\r\nCookie: " + cookie):
                status, said = await asked(hall, b"GET " + path + b" HTTP/1.1\r\nHost: " + host + own)
                assert (status < 500, b"evil" in said) == (True, False), (host, path, said[:300])


async def test_a_form_from_a_host_that_is_none_is_not_filled_again(hall: Served) -> None:
    cookie, body = await cookie_of(hall, Role.SUPERVISOR), b"csrf=token&theme=x&back=//evil.example"
    for host in HOSTS:
        came = b"\r\nReferer: http://" + host + b"/hall/queue\r\nOrigin: http://" + host
        kind = b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d" % len(body)
        head = b"POST /theme HTTP/1.1\r\nHost: " + host + came + b"\r\nCookie: " + cookie + kind
        status, said = await asked(hall, head + b"\r\nConnection: close\r\n\r\n" + body)
        assert status == 400, (host, said[:300])
        assert b"Location: //evil" not in said


async def test_odd_headers_are_refused_or_without_effect(hall: Served) -> None:
    cookie = await cookie_of(hall, Role.SUPERVISOR)
    for header in HEADERS:
        for own in (b"", b"\r\nCookie: " + cookie):
            lines = b"GET /hall/queue HTTP/1.1\r\nHost: x\r\n" + header + own
            status, said = await asked(hall, lines)
            assert (status in {200, 303, 400}, b"<script>evil" in said) == (True, False), header[:40]
