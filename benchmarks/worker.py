"""What the cameras' worker has in memory and costs as it runs: 1080p25 H.264 by RTSP with sound, key frames examined, and the packets
held that a clip of a finding would want (`Hours`: somebody works).

Beside it what the design allows 16 cameras (cameras.md C3). `runs` is the least number of key frames that any of the cameras came to:
where it is much below half the seconds, the machine was too busy and the figure is too small.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from agent.camera import talk
from agent.camera.talk import Given, Hours, Look, Setup
from agent.camera.watch import WORKER_ENV
from agent.core.votes import Standing
from benchmarks.camera import record
from benchmarks.figure import Figure, line
from common.core.camera import View

COUNTS = (8, 16)
SETTLE_SECS, SECONDS = 40, 40
ALLOWED_MB, ALLOWED_CPU = 450.0, 20.0
_FPS = 25


async def measure() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.h264"
        await asyncio.to_thread(record, clip)
        for count in COUNTS:
            frames, megabytes, cpu = await asyncio.to_thread(_watched, clip, count)
            yield line(f"worker_rss_{count}", megabytes, "MB", ("allowed for 16", ALLOWED_MB), frames)
            yield line(f"worker_cpu_{count}", cpu, "ms/camera-s", ("allowed", ALLOWED_CPU), frames)


def _watched(clip: Path, count: int) -> tuple[int, float, float]:
    """-> key frames of the camera that had the fewest, megabytes at most, milliseconds of CPU for each camera-second."""
    from tests.camera.onvif_device import PASSWORD, USER
    from tests.camera.servers import RtspServer

    server = RtspServer(clip, fps=_FPS)
    worker = subprocess.Popen(
        [sys.executable, "-m", "agent.camera.worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | WORKER_ENV,
    )  # fmt: skip
    assert worker.stdin is not None
    unknown, address = Standing(View.UNKNOWN, 0), f"rtsp://127.0.0.1:{server.port}/main"
    given = [
        Given(f"c{place}", "rtsp", address, USER, PASSWORD, None, [], unknown, unknown)
        for place in range(count)
    ]
    try:
        for said in (Setup(given), Hours(is_closed=False)):
            worker.stdin.write(talk.framed(said))
        worker.stdin.flush()
        frames: dict[str, int] = {}
        threading.Thread(target=_listen, args=(worker, frames), daemon=True).start()
        time.sleep(SETTLE_SECS)
        before, used = dict(frames), _cpu_ms(worker.pid)
        time.sleep(SECONDS)
        used = _cpu_ms(worker.pid) - used
        least = min(frames.get(item.id, 0) - before.get(item.id, 0) for item in given)
        return least, _peak_mb(worker.pid), used / SECONDS / count
    finally:
        worker.kill()
        worker.communicate()
        server.stop()


def _listen(worker: subprocess.Popen[bytes], frames: dict[str, int]) -> None:
    """Until it ends: what nobody reads would hold it up."""
    assert worker.stdout is not None
    while len(head := worker.stdout.read(talk.LENGTH)) == talk.LENGTH:
        said = talk.up_decoder.decode(worker.stdout.read(int.from_bytes(head, "big")))
        if isinstance(said, Look):
            frames[said.camera] = said.frames


def _peak_mb(pid: int) -> float:
    rows = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(row for row in rows if row.startswith("VmHWM")).split()[1]) / 1024


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
