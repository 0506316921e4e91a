"""What a live view costs and how late it is: box, broker, hall, RTSP camera (640 x 360, 10 fps, G.711) and Chromium on one machine.

The first picture is that of the first look in the life of the camera worker, the next one that of a later look at a camera that
nobody looked at meanwhile. Latency is from the push of a frame at the camera to its pixels in the browser: the frames have one of sixteen greys each, and
the picture is masked, encoded, relayed and played as everywhere. CPU is the camera worker's, while somebody looks less while
nobody does; beside it the share of a core that the design allows (cameras.md C7).
"""

import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.figure import Figure, line, percentile

SECONDS = 20
STEPS, FIRST, STEP = 16, 16, 14
"""Greys, the darkest, from one to the next."""
ALLOWED_SECS, ALLOWED_CPU = 0.8, 150.0
_LOOK = """(() => { const v = document.querySelector('video'), c = document.createElement('canvas'), g = c.getContext('2d');
c.width = 16; c.height = 9; window.seen = []; let last = -1;
setInterval(() => { g.drawImage(v, 0, 0, 16, 9); const grey = g.getImageData(14, 7, 1, 1).data[1];
const step = Math.round((grey - %d) / %d); if (step !== last) { last = step; window.seen.push([step, performance.timeOrigin + performance.now()]); } }, 10); })()"""


async def measure() -> AsyncIterator[Figure]:
    from tests.browser import browser
    from tests.camera.viewing import COOKIES, FPS, LIVE, PAGE, answered, running
    from tests.journey.scene import events, until

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        clip = await asyncio.to_thread(_record, folder / "steps.h264")
        async with running(clip) as seen, browser(folder / "profile") as page:
            for name, value in COOKIES.items():
                await page.cookie(name, value, seen.place.hall.url)
            await until("the camera is known", lambda: answered(seen.place))
            idle = await _cpu(seen.place.agent.status())
            clock = asyncio.get_running_loop().time
            began = clock()
            await page.open(seen.place.hall.url + PAGE)
            await page.until(LIVE)
            yield line("live_first_picture", clock() - began, "s", ("allowed", 1.0), 1)
            await page.open("about:blank#")
            await until("nobody looks", lambda: events(seen.place.hall, "live.ended"))
            began = clock()
            await page.open(seen.place.hall.url + PAGE)
            await page.until(LIVE)
            yield line("live_next_picture", clock() - began, "s", ("allowed", 1.0), 1)
            await page.ask(_LOOK % (FIRST, STEP))
            busy = await _cpu(seen.place.agent.status())
            pushed = await asyncio.to_thread(seen.camera.began)
            late = _late(json.loads(await page.ask("JSON.stringify(window.seen)")), pushed, FPS)
    yield line("live_latency_p50", statistics.median(late), "s", ("allowed, p95", ALLOWED_SECS), len(late))
    yield line("live_latency_p95", percentile(late, 95), "s", ("allowed, p95", ALLOWED_SECS), len(late))
    yield line("live_worker_cpu", busy - idle, "ms/s", ("allowed", ALLOWED_CPU), SECONDS)


async def _cpu(status: object) -> float:
    """Milliseconds of CPU of the camera worker in a second, over `SECONDS`."""
    pid = getattr(status, "camera_pid", 0)
    before = _used(pid)
    await asyncio.sleep(SECONDS)
    return (_used(pid) - before) * 1000 / SECONDS


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _late(seen: list[tuple[int, float]], pushed: float, fps: int) -> list[float]:
    """Seconds from the push of each step to its sight; a round of steps is longer than anything that is still live."""
    round_secs = STEPS / fps
    return [(at / 1000 - pushed - step / fps) % round_secs for step, at in seen if 0 <= step < STEPS]


def _record(path: Path) -> Path:
    """Sixteen frames, each with a grey of its own in one corner."""
    import numpy as np

    from tests.camera import clips

    def step(hall: clips.Hall, at: int) -> clips.Grey:
        picture = clips.usual(hall, 0)
        picture[clips.HIGH * 3 // 5 :, clips.WIDE * 3 // 4 :] = FIRST + STEP * (at % STEPS)
        return np.asarray(picture, np.uint8)

    return clips.record(path, clips.Hall(1), step, STEPS, fps=1)
