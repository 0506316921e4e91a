"""More people at the door than it can answer: those who come too late in a turn hear so at once, the others are served."""

import asyncio
import socket
from collections import Counter
from pathlib import Path

import pytest

from central.door import crowd
from tests.integration import dooring, serving
from tests.integration.serving import FridayClock

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
        assert {answer.split()[1] for answer in answers[2::3]} == {"200"}, "a proxy takes it for dead"
        monkeypatch.undo()
        assert (await outside.get("/p/guides"))[0] == 200
