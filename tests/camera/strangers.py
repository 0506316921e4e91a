"""Cameras that others wrote: found, asked, examined, and seen live in Chromium.

`pip install --target FOLDER ipycam==1.3.0 aio-rtsp-toolkit==0.1.4 av imageio-ffmpeg`, then `python -m tests.camera.strangers FOLDER` prints one
JSON line. ipycam is an ONVIF device with WS-Discovery and an RTSP server of its own, aio-rtsp-toolkit an RTSP server of files. No part of
`make test`: a gigabyte of packages that nothing else needs. Root, or a free port 3702.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from agent.camera import discovery
from agent.camera.base import LineError
from agent.camera.onvif import OnvifCamera
from agent.camera.rtsp import RtspCamera
from common.clock import Clock
from tests.browser import browser
from tests.camera import clips
from tests.camera.onvif_device import PASSWORD, USER
from tests.camera.viewing import COOKIES, LIVE, PAGE, answered, running
from tests.journey.scene import until
from tests.server import HOST, free_port

_IPYCAM = """
import sys, time
import imageio_ffmpeg, numpy as np
from pathlib import Path
own = Path(sys.argv[5]); (own / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
from ipycam.camera import IPCamera
from ipycam.config import CameraConfig
made = CameraConfig(main_width=640, main_height=360, main_fps=10, sub_fps=10, main_bitrate="1M", hw_accel="cpu")
made.local_ip, made.onvif_port, made.web_port, made.rtsp_port = "127.0.0.1", *map(int, sys.argv[1:4])
made.set_credentials("monitor", sys.argv[4])
camera = IPCamera(config=made)
assert camera.start()
hall = np.random.default_rng(1).integers(0, 255, (45, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
number = 0
while True:
    frame = hall.copy()
    at = 100 + 7 * number % 400
    frame[150:250, at:at + 60] = (30, 40, 200)
    camera.stream(frame)
    number += 1
    time.sleep(0.1)
"""


@contextmanager
def process(folder: Path, own: Path, *words: str) -> Iterator[None]:
    env = os.environ | {"PYTHONPATH": str(folder), "PATH": f"{own}:{os.environ['PATH']}"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.Popen([sys.executable, *words], env=env, cwd=own, **quiet)  # type: ignore[call-overload]
    try:
        yield
    finally:
        started.kill()
        started.wait()


def opened(camera: OnvifCamera | RtspCamera, within_secs: float = 20.0) -> dict[str, Any]:
    """What it says of itself, and how many key frames came; or its fault. Tried until it has started."""
    due = time.monotonic() + within_secs
    while True:
        try:
            stream = camera.open()
            frames = camera.frames()
            count = sum(1 for _ in zip(range(3), frames, strict=False))
        except LineError as error:
            if error.view.value == "unreachable" and time.monotonic() < due:
                time.sleep(0.5)
                continue
            return {"fault": error.view.value}
        finally:
            camera.close()
        return {
            "maker": stream.maker,
            "codec": stream.codec,
            "size": [stream.width, stream.height],
            "keys": count,
        }


async def live(own: Path, address: str) -> float:
    """Seconds from the page's opening to the picture in Chromium."""
    clip = clips.record(own / "unused.h264", clips.Hall(1), clips.usual, 2)
    block = f'type = "onvif"\naddress = "{address}"\n'
    async with running(clip, block) as seen, browser(own / "profile") as page:
        for name, value in COOKIES.items():
            await page.cookie(name, value, seen.place.hall.url)
        await until("the camera is known", lambda: answered(seen.place), 120)
        began = time.monotonic()
        await page.open(seen.place.hall.url + PAGE)
        await page.until(LIVE, 60)
        return time.monotonic() - began


def film(path: Path, codec: str) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = clips.WIDE, clips.HIGH, "yuv420p"
        stream.options = {
            "preset": "ultrafast",
            "g": "10",
            "x265-params": "log-level=none:keyint=10",
            "bf": "0",
        }
        for at in range(80):
            frame = av.VideoFrame.from_ndarray(clips.usual(clips.Hall(1), at // 10), format="gray")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())


async def main(folder: Path) -> None:
    said: dict[str, Any] = {"what": "strangers"}
    with tempfile.TemporaryDirectory() as name:
        own, ports = Path(name), [free_port() for _ in range(3)]
        with process(folder, own, "-c", _IPYCAM, *map(str, ports), PASSWORD, name):
            address = f"{HOST}:{ports[0]}"
            said["ipycam"] = await asyncio.to_thread(opened, OnvifCamera(address, USER, PASSWORD, Clock()))
            said["wrong password"] = await asyncio.to_thread(
                opened, OnvifCamera(address, USER, "wrong", Clock())
            )
            found = await asyncio.to_thread(discovery.search, [discovery.network(f"{HOST}/32")])
            said["found"] = [f"{item.host}:{item.port}" == address for item in found.cameras]
            said["live_secs"] = round(await live(own, address), 2)
        port, shown = free_port(), own / "shown"
        shown.mkdir()
        for codec in ("libx264", "libx265"):
            film(shown / f"{codec}.mp4", codec)
        server = ("-m", "server_demo", "-d", str(shown), "-H", HOST, "-p", str(port), "-cp", str(free_port()))
        with process(folder, own, *server):
            for codec in ("libx264", "libx265", "none"):
                camera = RtspCamera(f"rtsp://{HOST}:{port}/{codec}.mp4", "", "")
                said[f"aio-rtsp-toolkit {codec}"] = await asyncio.to_thread(opened, camera)
    print(json.dumps(said, ensure_ascii=False))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve()))
