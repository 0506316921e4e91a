"""A real Chromium, headless, driven over its own debugging protocol: open a page, ask it, photograph it."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "about:blank",
]


_LEFT = "Inspected target navigated or closed"
CALL_SECS = 90.0
"""An answer of the browser that is later than this does not come."""


class Page:
    """One open tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol -> its result."""
        self._number += 1
        await self._socket.send_str(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(await self._socket.receive_str(timeout=CALL_SECS))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])

    async def size(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def cookie(self, name: str, value: str, url: str) -> None:
        await self.call("Network.setCookie", name=name, value=value, url=url)

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def ask(self, script: str) -> Any:
        """The value of a JavaScript expression (JSON)."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, script: str, secs: float = 60) -> None:
        """Wait until the expression is true. A page that leaves while it is asked answers nothing, and the next one is asked."""
        async with asyncio.timeout(secs):
            while not await self._holds(script):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _holds(self, script: str) -> bool:
        try:
            return bool(await self.ask(script))
        except AssertionError as error:
            if _LEFT not in str(error):
                raise
            return False

    async def photograph(self, path: Path, *, whole: bool = False) -> None:
        """What the window shows; `whole`: down to the end of the page."""
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Page]:
    """A browser with one tab; its profile is the given, new folder. Stopped by its own process at the end."""
    async with _started(profile) as port, aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json") as answer:
            tabs = await answer.json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        async with _tab(session, address) as page:
            yield page


@asynccontextmanager
async def browsers(profile: Path, number: int) -> AsyncIterator[list[Page]]:
    """So many people's browsers in one process: each has cookies and a tab of its own."""
    async with _started(profile) as port, aiohttp.ClientSession() as session, AsyncExitStack() as stack:
        async with session.get(f"http://127.0.0.1:{port}/json/version") as answer:
            address = (await answer.json())["webSocketDebuggerUrl"]
        whole = Page(await stack.enter_async_context(session.ws_connect(address)))
        pages = []
        for _ in range(number):
            one = await whole.call("Target.createBrowserContext")
            tab = await whole.call("Target.createTarget", url="about:blank", **one)
            address = f"ws://127.0.0.1:{port}/devtools/page/{tab['targetId']}"
            pages.append(await stack.enter_async_context(_tab(session, address)))
        yield pages


@asynccontextmanager
async def _tab(session: aiohttp.ClientSession, address: str) -> AsyncIterator[Page]:
    async with session.ws_connect(address, max_msg_size=0) as socket:
        page = Page(socket)
        await page.call("Page.enable")
        await page.call("Network.enable")
        yield page


@asynccontextmanager
async def _started(profile: Path) -> AsyncIterator[int]:
    """-> its port."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is needed"
    process = await asyncio.create_subprocess_exec(
        chromium,
        *FLAGS[:-1],
        f"--user-data-dir={profile}",
        FLAGS[-1],
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield await _port(profile)
    finally:
        process.terminate()
        await process.wait()


async def _port(profile: Path) -> int:
    """The port Chromium chose, which it writes into its profile."""
    note = profile / "DevToolsActivePort"
    async with asyncio.timeout(60):
        while not (await asyncio.to_thread(note.exists) and (lines := note.read_text().split())):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return int(lines[0])
