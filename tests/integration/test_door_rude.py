"""Rude bodies and readers at the public door: heads of parts without end, what is packed, answers that nobody takes."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from aiohttp import web

from central.door import app as door_app
from tests.integration import dooring, serving
from tests.integration.dooring import Outside
from tests.integration.serving import FridayClock

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    folder = tmp_path_factory.mktemp("hall")
    async with (
        serving.serve(folder, FridayClock(), cases_a_day=1) as hall,
        dooring.opened(hall, tmp_path_factory.mktemp("door")) as found,
    ):
        yield found


def parts(*heads: bytes) -> bytes:
    return b"".join(b"--B\r\n" + head + b"\r\n\r\nx\r\n" for head in heads) + b"--B--\r\n"


FIELD = b'Content-Disposition: form-data; name="%s"'
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"


@pytest.mark.parametrize(
    ("kind", "body", "more"),
    [
        (MULTIPART, parts(FIELD % (b"n" * 20_000)), {}),
        (MULTIPART, parts(b"\r\n".join([b"X-A: y"] * 5_000)), {}),
        (MULTIPART, parts(FIELD % b"_charset_") + parts(b"no head"), {}),
        (MULTIPART, parts(FIELD % b"_charset_").replace(b"x\r\n", b"x" * 40 + b"\r\n"), {}),
        (FORM, zlib.compress(bytes(50_000_000)), {"Content-Encoding": "deflate"}),
        (FORM, gzip.compress(b"number=1&tail=1234", mtime=0), {"Content-Encoding": "gzip"}),
    ],
)
async def test_a_body_that_is_no_form_is_the_senders_fault_and_nothing_is_unpacked(
    outside: Outside, kind: str, body: bytes, more: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    url, headers = f"{outside.url}/p/complain/files", {"Content-Type": kind} | more
    async with outside.session.post(url, data=body, headers=headers) as answer:
        assert (answer.status, "提交的内容读不懂" in await answer.text()) == (400, True)
    assert "door.failed" not in "".join(capsys.readouterr())


async def test_whoever_takes_nothing_of_an_answer_is_cut_off_and_who_takes_it_slowly_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = bytes(40_000_000)  # more than both sides of a line hold

    async def send(_: web.Request) -> web.Response:
        return web.Response(body=whole)

    monkeypatch.setattr(door_app, "STALLED_SECS", 0.3)
    app = web.Application(middlewares=[door_app._spoke])
    app[door_app.SILENT] = set()
    app.router.add_get("/", send)
    runner = door_app.make_runner(app)
    await runner.setup()
    server = await door_app.listen(runner, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(60), AsyncExitStack() as stack:
            readers = []
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
                stack.callback(writer.close)
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                readers.append(reader)
            assert runner.server is not None
            got = 0
            while part := await readers[0].read(400_000):
                got += len(part)
                if got < 4_000_000:
                    await asyncio.sleep(0.01)
            assert got > len(whole)
            while runner.server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        server.close()
        await runner.cleanup()
