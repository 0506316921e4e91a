"""What a browser fetches and shows of wall and console, on a processor four times slower, over 10 Mbit/s (interface.md 2.3).

The budgets of bytes and elements are checked by every `make test` as well; here they stand as figures.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.figure import Figure, line, percentile
from tests.browser import Page, browser

WALL_KB, CONSOLE_KB, ELEMENTS, PAINT_MS = 60.0, 120.0, 1_500.0, 1_000.0
SLOWER, BYTES_A_SEC, DELAY_MS = 4, 10_000_000 / 8, 20
CONSOLE = ("/hall/sites", "/hall/queue", "/hall/cases", "/hall/corrections")
_KB = """(performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
  .reduce((sum, one) => sum + one.transferSize, 0)) / 1000"""
_ELEMENTS = "document.querySelectorAll('*').length"
_PAINTED = """new Promise(done => {
  const seen = () => performance.getEntriesByName('first-contentful-paint')[0];
  const look = () => seen() ? done(seen().startTime) : setTimeout(look, 20);
  look();
})"""


async def measure(url: str, cookie: tuple[str, str], engine: str, times: int) -> AsyncIterator[Figure]:
    """Of the hall at `url`, as who has the cookie; nothing is in the browser's cache."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # a browser ends slowly
        async with browser(Path(folder)) as page:
            await page.size(1920, 1080)
            await page.cookie(*cookie, url)
            await page.call("Network.enable")
            await page.call("Network.setCacheDisabled", cacheDisabled=True)
            for path in ("/hall", *CONSOLE):
                await page.open(url + path)
                limit = WALL_KB if path == "/hall" else CONSOLE_KB
                size = ("limit", limit)
                yield line(f"weight_{engine} {path}", await page.ask(_KB), "kB", size, 1)
                if path == "/hall":
                    yield line(
                        f"elements_{engine} {path}", await page.ask(_ELEMENTS), "", ("limit", ELEMENTS), 1
                    )
            await _slow_down(page)
            for path in ("/hall", *CONSOLE):
                spent = [await _painted(page, url + path) for _ in range(max(times, 2))]
                yield line(
                    f"first_paint_p95_{engine} {path}",
                    percentile(spent, 95),
                    "ms",
                    ("limit", PAINT_MS),
                    len(spent),
                )


async def _slow_down(page: Page) -> None:
    await page.call("Emulation.setCPUThrottlingRate", rate=SLOWER)
    line_of = {"downloadThroughput": BYTES_A_SEC, "uploadThroughput": BYTES_A_SEC, "latency": DELAY_MS}
    await page.call("Network.emulateNetworkConditions", offline=False, **line_of)


async def _painted(page: Page, address: str) -> float:
    """Milliseconds from the request to the first content that is seen."""
    await page.open(address)
    return float(await page.ask(_PAINTED))
