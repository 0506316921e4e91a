"""Behind a reverse proxy: whose address counts, and the example that is shipped, run by nginx itself."""

import asyncio
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select

from central.core.access import Role
from central.store import login_failures
from central.store import tables as t
from central.web.guard import COOKIE
from tests.integration import serving
from tests.integration.serving import PASSWORD, Served, Window
from tests.server import free_port

EXAMPLE = Path(__file__).parents[2] / "docs" / "nginx.conf"
HOST = "hall.example.gov.cn"


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


def _adapted(hall: Served, folder: Path, port: int) -> str:
    """The example with this test's places in place of its own; nothing else is changed."""
    text = EXAMPLE.read_text("utf-8")
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("http://127.0.0.1:8080", hall.url)
    text = re.sub(r"/etc/nginx/mingcha/\w+\.(pem|key)", rf"{folder}/\1", text)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}}\n"
        f"http {{ access_log off;\n{paths}{text}}}\n"
    )


@asynccontextmanager
async def nginx(hall: Served, folder: Path) -> AsyncIterator[int]:
    """-> the port on which the shipped example answers for `hall`."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    await _certificate(folder)
    port = free_port()
    (folder / "conf").write_text(_adapted(hall, folder, port), "utf-8")
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
    async with behind(tmp_path) as (hall, window), nginx(hall, tmp_path) as port:
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
