"""More people at the door than it can answer: those who come too late in a turn hear so at once, the others are served."""

import asyncio
import base64
import hashlib
import os
import socket
from collections import Counter
from pathlib import Path

import pytest

from central.door import crowd
from central.door.page import DOOR
from tests import axe
from tests.browser import browser
from tests.integration import dooring, serving
from tests.integration.serving import FridayClock

SHOTS = os.environ.get("MINGCHA_SHOTS", "")
"""A folder for pictures of the page, to be looked at."""
ASK = "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def begun(port: int, method: str, path: str) -> socket.socket:
    """A connection with its request, before the door's loop has turned again."""
    line = socket.create_connection(("127.0.0.1", port))
    line.sendall(ASK.format(method=method, path=path).encode())
    line.setblocking(False)
    return line


async def said(line: socket.socket) -> str:
    loop, text = asyncio.get_running_loop(), b""
    async with asyncio.timeout(60):
        while part := await loop.sock_recv(line, 65536):
            text += part
    line.close()
    return text.decode("utf-8", "replace")


async def test_a_crowd_is_refused_early_and_the_next_who_comes_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        serving.serve(tmp_path, FridayClock(), cases_a_day=1) as hall,
        dooring.opened(hall, tmp_path) as outside,
    ):
        port = int(outside.url.rpartition(":")[2])
        await outside.get("/p/")
        monkeypatch.setattr(crowd, "TURN", 0)
        asks = [("GET", "/p/guides"), ("POST", "/p/case"), ("GET", "/healthz")]
        lines = [begun(port, *asks[number % 3]) for number in range(60)]
        answers = [await said(line) for line in lines]
        counts = Counter(answer.split()[1] for answer in answers)
        assert counts["503"] >= 20, counts
        late = next(answer for answer in answers if answer.split()[1] == "503")
        assert "现在访问的人太多" in late
        for part in ("Retry-After: 60", "Content-Security-Policy", "Cache-Control: no-store", "12345"):
            assert part in late
        style = late.partition("<style>")[2].partition("</style>")[0]
        assert "font-size:23px" in style, "大字版, whoever asks"
        known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{known}';" in late
        assert ("'self'" in late.partition("style-src")[2].partition(";")[0], "stylesheet" in late) == (
            False,
            False,
        )
        assert {answer.split()[1] for answer in answers[2::3]} == {"200"}, "a proxy takes it for dead"
        monkeypatch.undo()
        assert (await outside.get("/p/guides"))[0] == 200


@pytest.mark.service
@pytest.mark.slow
async def test_the_refusal_is_read_on_the_narrowest_phone_without_any_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hall").mkdir()
    async with (
        serving.serve(tmp_path / "hall", FridayClock(), cases_a_day=1) as hall,
        dooring.opened(hall, tmp_path) as outside,
        browser(tmp_path / "profile") as page,
    ):
        await outside.app[DOOR].store.close()
        monkeypatch.setattr(crowd, "TURN", -1)
        for width in (320, 390, 1280):
            await page.size(width, 700)
            await page.open(f"{outside.url}/p/guides")
            assert "现在访问的人太多" in await page.ask("document.body.innerText")
            assert await page.ask("document.documentElement.scrollWidth <= innerWidth"), width
            assert await page.ask("parseFloat(getComputedStyle(document.querySelector('p')).fontSize)") >= 23
            assert await page.ask("document.querySelector('a').getBoundingClientRect().height >= 44")
            assert await axe.barriers(page) == [], width
            if SHOTS:
                await page.photograph(Path(SHOTS) / f"crowd-{width}.png")
