"""Behind a reverse proxy: whose address counts, and the example that is shipped, run by nginx itself."""

import asyncio
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from central.core.access import Role
from central.door.crowd import OWN_HEADERS, STYLE
from central.door.page import DOOR
from central.store import login_failures
from central.store import tables as t
from central.web.guard import COOKIE
from tests.integration import dooring, serving
from tests.integration.serving import PASSWORD, Served, Window
from tests.server import free_port

EXAMPLE = Path(__file__).parents[2] / "docs" / "nginx.conf"
HOST, DOOR_HOST = "hall.example.gov.cn", "spxt.example.gov.cn"
NOBODY = "http://127.0.0.1:9"
HUGE = bytes(18 * 1024 * 1024)


@asynccontextmanager
async def behind(folder: Path) -> AsyncIterator[tuple[Served, Window]]:
    """A hall whose proxy is this machine, and a window without log-in."""
    async with (
        serving.serve(folder, serving.FridayClock(), cases_a_day=1, proxies=["127.0.0.1"]) as hall,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        yield hall, Window(hall, session)


async def addresses(hall: Served) -> set[str]:
    async with hall.store.read() as conn:
        return set((await conn.execute(select(t.session.c.address))).scalars())


async def test_sessions_and_waiting_are_of_the_address_that_the_proxy_saw(tmp_path: Path) -> None:
    async with behind(tmp_path) as (hall, window):

        async def enter(word: str, come_from: str) -> int:
            said = {"X-Forwarded-For": f"10.9.9.9, {come_from}"}
            return (await window.post("/login", said, name="supervisor", password=word)).status

        assert await enter("wrong", "10.1.0.8") == 401
        assert await enter(PASSWORD, "10.1.0.9") == 303
        assert await addresses(hall) == {"10.1.0.9"}
        async with hall.store.read() as conn:
            waiting = (await conn.execute(select(login_failures.login_failure.c.who))).scalars().all()
        assert waiting == [login_failures.key("supervisor", "10.1.0.8")], (
            "another PC's log-in frees no guesser"
        )


async def _certificate(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", str(folder / "key"), "-out", str(folder / "pem"), "-days", "2", "-subj", f"/CN={HOST}"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


def _adapted(folder: Path, port: int, hall: str, door: str) -> str:
    """The example with this test's places in place of its own; nothing else is changed."""
    text = EXAMPLE.read_text("utf-8")
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("http://127.0.0.1:8080", hall)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{_plain(folder)};")
    text = text.replace("http://127.0.0.1:8090", door)
    text = re.sub(r"/etc/nginx/mingcha/\w+\.(pem|key)", rf"{folder}/\1", text)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}}\n"
        f"http {{ access_log off;\n{paths}{text}}}\n"
    )


def _plain(folder: Path) -> int:
    """The port in the place of 80."""
    note = folder / "plain"
    if not note.exists():
        note.write_text(str(free_port()))
    return int(note.read_text())


@asynccontextmanager
async def nginx(folder: Path, hall: str, door: str = NOBODY) -> AsyncIterator[int]:
    """-> the port on which the shipped example answers for the hall and the door at these addresses."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    await _certificate(folder)
    port = free_port()
    (folder / "conf").write_text(_adapted(folder, port, hall, door), "utf-8")
    process = await asyncio.create_subprocess_exec(
        program, "-e", str(folder / "error"), "-c", str(folder / "conf")
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    assert process.returncode is None, (folder / "error").read_text()
                    await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _protocol(port: int) -> str | None:
    """What a browser that speaks both is offered."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    trust.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=HOST)
    spoken: str | None = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    return spoken


@pytest.mark.service
async def test_the_shipped_example_serves_pages_log_in_and_the_stream(tmp_path: Path) -> None:
    async with behind(tmp_path) as (hall, window), nginx(tmp_path, hall.url) as port:
        assert await _protocol(port) == "h2"
        url, insecure = f"https://127.0.0.1:{port}", aiohttp.TCPConnector(ssl=False)
        named = {"Host": f"{HOST}:{port}", "X-Forwarded-For": "10.9.9.9"}
        form = {"name": "supervisor", "password": PASSWORD}
        async with aiohttp.ClientSession(connector=insecure, headers=named) as session:
            origin = {"Origin": f"https://{HOST}:{port}"}
            async with session.post(
                f"{url}/login", data=form, headers=origin, allow_redirects=False
            ) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/hall")
                assert "max-age" in answer.headers["Strict-Transport-Security"]
        assert await addresses(hall) == {"127.0.0.1"}, "what the browser says of itself is not passed on"
        cookies = await hall.session(Role.SUPERVISOR)
        named["Cookie"] = f"{COOKIE}={cookies[COOKIE]}"
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False), headers=named) as session,
            asyncio.timeout(60),
            session.get(f"{url}/api/v1/stream") as stream,
        ):
            for _ in range(2):  # as they come: nothing is held back until a buffer is full
                assert (await stream.content.readuntil(b"\n\n")).startswith(b"data: ")
        assert (await window.get("/healthz"))[0] == 401


@asynccontextmanager
async def said(
    port: int, host: str, method: str, path: str, **more: Any
) -> AsyncIterator[tuple[int, str, Any]]:
    """Status, words and headers of an answer of the proxy to who asks for `host`."""
    line = aiohttp.TCPConnector(ssl=False)
    async with (
        aiohttp.ClientSession(connector=line, headers={"Host": f"{host}:{port}"}) as session,
        session.request(
            method, f"https://127.0.0.1:{port}{path}", allow_redirects=False, server_hostname=host, **more
        ) as answer,
    ):
        yield answer.status, await answer.text(), answer.headers


@pytest.mark.service
async def test_what_the_proxy_refuses_by_itself_is_a_page_of_ours(tmp_path: Path) -> None:
    asked = [
        (DOOR_HOST, "POST", "/p/complain/files", {"data": BytesIO(HUGE)}, 413, "文件太大"),
        (DOOR_HOST, "GET", "/p/", {}, 503, "网站暂时不能用"),
        (DOOR_HOST, "GET", "/hall", {}, 404, "没有找到这一页"),
        (DOOR_HOST, "GET", "/p/" + "x" * 40_000, {}, 404, "没有找到这一页"),
        (HOST, "POST", "/hall/forms", {"data": BytesIO(HUGE)}, 413, "提交的内容太大"),
        (HOST, "GET", "/hall", {}, 503, "市中心暂时连不上"),
    ]
    async with nginx(tmp_path, NOBODY) as port:
        for host, method, path, more, status, head in asked:
            async with said(port, host, method, path, **more) as (got, words, headers):
                where = host, path[:20]
                assert (got, f"<h1>{head}</h1>" in words) == (status, True), where
                assert headers["Content-Security-Policy"] == OWN_HEADERS["Content-Security-Policy"], where
                assert f"<style>{STYLE}</style>" in words, where
                assert ("Retry-After" in headers) is (status == 503), where
                assert ("12345" in words) is (host == DOOR_HOST), where


@pytest.mark.service
async def test_what_the_door_says_goes_through_the_proxy_unchanged(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    async with (
        serving.serve(tmp_path / "hall", serving.FridayClock(), cases_a_day=1) as hall,
        dooring.opened(hall, tmp_path, [DOOR_HOST]) as outside,
        nginx(tmp_path, hall.url, outside.url) as port,
    ):
        async with said(port, DOOR_HOST, "GET", "/") as (status, _, headers):
            assert (status, headers["Location"].endswith("/p/")) == (302, True)
        async with (
            aiohttp.ClientSession(headers={"Host": DOOR_HOST}) as session,
            session.get(f"http://127.0.0.1:{_plain(tmp_path)}/p/", allow_redirects=False) as answer,
        ):
            assert (answer.status, answer.headers["Location"]) == (301, f"https://{DOOR_HOST}/p/")
        async with said(port, DOOR_HOST, "GET", "/p/") as (status, words, _):
            assert (status, "查进度" in words) == (200, True)
        async with said(port, DOOR_HOST, "GET", "/p/nowhere") as (status, words, _):
            assert (status, "没有找到这一页" in words, STYLE in words) == (404, True, False)
        outside.app[DOOR].limits._left.clear()
        found = {}
        for _ in range(40):
            form = {"number": "1", "tail": "1234"}
            async with said(port, DOOR_HOST, "POST", "/p/case", data=form) as (status, words, _headers):
                found[status] = words
            if status == 429:
                break
        assert (set(found), "请过一会儿再试" in words, STYLE in words) == ({404, 429}, True, False)
