"""What watching cameras costs: CPU for each second of each camera, and memory, for 1, 4 and 8 cameras at 1080p25 in one
process; beside it every picture decoded in the same run, by OpenCV's own way and by the library that we take the key frames with.
And what a clip costs, for each of its seconds.

From a file as fast as it is read: RTP and the network are not in it. One process for each measurement.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from agent.camera.watch import WORKER_ENV
from benchmarks.figure import Figure, line

COUNTS = (1, 4, 8)
SECONDS = 20
_OURS = """
import resource, sys, threading
from pathlib import Path
from agent.camera.file import FileCamera
from agent.camera.picture import Eye

def watch():
    camera, eye, shown = FileCamera(Path(sys.argv[1]), is_paced=False), Eye([]), 0
    camera.open()
    for frame in camera.frames():
        eye.learn(*eye.look(frame.grey))
        shown += 1
        if shown == int(sys.argv[3]) // 2:
            return

threads = [threading.Thread(target=watch) for _ in range(int(sys.argv[2]))]
"""
_CLIP = """
import sys, time
from pathlib import Path
from agent.camera.clip import Bench, Ring
from agent.camera.file import FileCamera
from agent.camera.picture import Eye
from agent.camera.veil import Veil
from common.core.camera import Mask
from common.core.instant import SECOND

camera, eye, ring, veil = FileCamera(Path(sys.argv[1]), is_paced=False), Eye([]), Ring(), Veil([], [], None, Mask.PEOPLE)
stream, mono = camera.open(), 0
for frame in camera.frames():
    figures, pattern = eye.look(frame.grey)
    eye.learn(figures, pattern)
    mono += 2 * SECOND
    veil.look(frame.grey, pattern, mono)
    if not frame.gop:
        ring.forget()  # the file begins again
    ring.judged(frame.gop, mono, pattern, is_known=True, wanted_mono=0)
    gops = ring.since(0)
    if mono > 80 * SECOND and len(gops) == 4:
        break
before = time.process_time()
made = Bench().make(gops, stream, veil.for_clip(), plain=False)
assert made.mask is Mask.PEOPLE
print((time.process_time() - before) * 1000_000 / made.millis, len(made.mp4) * 1000 / made.millis)
"""
_THEIRS = """
import resource, sys, threading
import cv2

def watch():
    shown = 0
    while shown < int(sys.argv[3]) * 25:
        stream = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
        while stream.read()[0] and shown < int(sys.argv[3]) * 25:
            shown += 1

threads = [threading.Thread(target=watch) for _ in range(int(sys.argv[2]))]
"""
_WHOLE = """
import resource, sys, threading
import av

def watch():
    shown, wanted = 0, int(sys.argv[3]) * 25
    while shown < wanted:
        with av.open(sys.argv[1]) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                shown += 1
                if shown == wanted:
                    break

threads = [threading.Thread(target=watch) for _ in range(int(sys.argv[2]))]
"""
_PEERS = {"cv2.VideoCapture, all decoded": _THEIRS, "PyAV, all decoded by one thread": _WHOLE}
_RUN = """
before = resource.getrusage(resource.RUSAGE_SELF)
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
after = resource.getrusage(resource.RUSAGE_SELF)
used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
peak = next(row for row in open("/proc/self/status") if row.startswith("VmHWM"))  # ru_maxrss is the parent's too
print(used * 1000 / int(sys.argv[2]) / int(sys.argv[3]), int(peak.split()[1]) / 1024)
"""


async def measure() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mkv"
        await asyncio.to_thread(record, clip)
        alone = 0.0, 0.0
        for count in COUNTS:
            ours = await asyncio.to_thread(_measured, _OURS, clip, count)
            for peer, script in _PEERS.items():
                theirs = await asyncio.to_thread(_measured, script, clip, count)
                yield line(f"camera_cpu_{count}", ours[0], "ms/camera-s", (peer, theirs[0]), SECONDS)
                yield line(f"camera_rss_{count}", ours[1], "MB", (peer, theirs[1]), 1)
            alone = ours if count == 1 else alone
        cpu, size = await asyncio.to_thread(_run, _CLIP, clip)
    yield line("clip_cpu", cpu, "ms/clip-s", ("the same second, key frames examined", alone[0]), 1)
    yield line("clip_size", size / 1024, "kB/clip-s", ("the camera's own", 4_000_000 / 8 / 1024), 1)


def _measured(script: str, clip: Path, count: int) -> tuple[float, float]:
    """-> milliseconds of CPU for each camera-second, megabytes at most."""
    return _run(script + _RUN, clip, str(count), str(SECONDS))


def _run(script: str, clip: Path, *more: str) -> tuple[float, float]:
    """-> the two numbers that it prints."""
    command = [sys.executable, "-c", script, str(clip), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | WORKER_ENV)
    first, second = done.stdout.split()
    return float(first), float(second)


def record(path: Path) -> None:
    """1080p25, 4 Mb/s, a key frame every two seconds, ten seconds."""
    import av
    import cv2
    import numpy as np

    from tests.camera.clips import Hall, usual

    hall = Hall(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1920, 1080, "yuv420p", 4_000_000
        stream.options = {
            "preset": "veryfast",
            "x264-params": "aud=1:repeat-headers=1:keyint=50:min-keyint=50:scenecut=0:bframes=0",
        }
        for at in range(250):
            picture = cv2.resize(usual(hall, at), (1920, 1080), interpolation=cv2.INTER_LINEAR)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="gray")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
