"""What faulty cameras cost the cases beside them: a row at the site -> the open wall, of a box without cameras, and of the same box
while eight of them misbehave at once and the process that watches them is killed every few seconds.

Mute, hung, garbage and endless over RTSP; a megabyte of SOAP, an answer without end, a wrong password and a clock ten years off
over ONVIF; and a ninth camera, a file, that is decoded meanwhile.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path

from benchmarks import latency, site
from benchmarks.figure import Figure, line, percentile
from tests import processes, services
from tests.camera import clips, onvif_device, rude
from tests.camera.onvif_device import PASSWORD, USER, Device

KILL_SECS = 10.0
_TEN_YEARS_SECS = -10 * 365 * 86400.0


async def measure() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        blocks = await asyncio.to_thread(_cameras, Path(folder), stack)
        plain, _ = await _latency(Path(folder), "")
        beside, ends = await _latency(Path(folder), blocks)
    for share in (50, 99):
        peer = "the same box without cameras", percentile(plain, share)
        yield line(f"row_to_wall_faulty_p{share}", percentile(beside, share), "ms", peer, len(beside))
    yield line("faulty_worker_ends", ends, "times", ("", 0.0), 1)


async def _latency(folder: Path, blocks: str) -> tuple[list[float], int]:
    """-> (milliseconds, how often the worker of the cameras has ended)."""
    async with services.mosquitto([latency.BOX]) as broker, processes.hall(broker, [latency.BOX]) as hall:
        await latency.add_user(hall)
        box = processes.Agent(broker, latency.BOX, site.MAPPING)
        text = box.config.read_text("utf-8")
        capture = f'[capture]\nnight = ""\nsecrets_dir = "{folder}"\n'
        box.config.write_text(text.replace("[capture]\n", capture) + blocks, "utf-8")
        site.create(box.folder / "office.db")
        site.insert(box.folder / "office.db", 1, 1)
        box.start()
        killing = asyncio.create_task(_kill(box))
        try:
            values = await latency.sample(hall, box)
            status = box.status()
        finally:
            killing.cancel()
            box.stop()
    return values, status.camera_ends if status else 0


async def _kill(box: processes.Agent) -> None:
    while True:
        await asyncio.sleep(KILL_SECS)
        status = box.status()
        with suppress(ProcessLookupError):
            if status is not None and status.camera_pid:
                os.kill(status.camera_pid, signal.SIGKILL)


def _cameras(folder: Path, stack: ExitStack) -> str:
    """-> blocks of agent.toml; what they name runs until `stack` is closed."""
    (folder / "right").write_text(PASSWORD, "ascii")
    (folder / "wrong").write_text("wrong", "ascii")
    clip = clips.record(folder / "usual.mkv", clips.Hall(1), clips.usual, 12, fps=4)
    ports = {manner: stack.enter_context(rude.running(manner)) for manner in rude.MANNERS}
    blocks = [f'type = "file"\npath = "{clip}"']
    blocks += [f'type = "rtsp"\naddress = "rtsp://127.0.0.1:{port}/main"' for port in ports.values()]
    devices = [(Device(), "right") for _ in range(4)]
    devices[0][0].fault, devices[1][0].fault = "huge", "endless"
    devices[2] = devices[2][0], "wrong"
    devices[3][0].skew = _TEN_YEARS_SECS
    for device, password in devices:
        device.stream = f"rtsp://192.0.2.7:{ports['mute']}/main"
        port = stack.enter_context(onvif_device.running(device))
        blocks.append(
            f'type = "onvif"\naddress = "127.0.0.1:{port}"\nuser = "{USER}"\npassword_file = "{password}"'
        )
    return "".join(f'[[camera]]\nid = "c{place}"\n{block}\n' for place, block in enumerate(blocks))
