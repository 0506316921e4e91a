"""Cameras for hours within minutes, a fault after the other, in one process: what has grown by the end.

`python -m tests.camera.enduring HOURS SEED` prints one JSON line; `make soak WHAT=camera COUNT=24` runs it. Time goes
`PACE` times as fast as it does, and a recording is read as fast as it can be: a key frame in 8 ms is one in two seconds. Beside
the recording stand a camera whose RTSP is cut, garbled or refused, and the events of one that answers all that it should not and
forgets its subscriptions: after each time an alarm must be heard again.
"""

import itertools
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from agent.camera.device import Device as Asked
from agent.camera.ears import OnvifEars
from agent.camera.file import FileCamera
from agent.camera.talk import Given, Look, Up
from agent.camera.watch import WORKER_ENV
from agent.camera.watcher import Post, Watcher
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import View
from tests.camera import clips, onvif_device
from tests.camera.clips import Hall

PACE = 250
PATIENCE_SECS = 60.0
"""Real: a fault that is not told by then is unnoticed, and so is an end."""
LEAST_FAULTS = 11
"""However slow the machine is."""
QUIET_FRAMES = 25
"""Between two faults."""
MOST_MB, MOST_HANDLES, MOST_THREADS = 5.0, 4, 4
_SAMPLE_SECS = 0.25
_FORGETS = ("forget=1", "reboot=1970", "skew=0&forget=1")
_EVENT_FAULTS: tuple[onvif_device.Fault, ...] = ("", "garbage", "", "html", "huge", "", "busy")


class Endured(Struct, frozen=True):
    """`forgotten`: times that the camera ended its subscriptions; `unheard`: of them, after which an alarm was not heard. `grown_mb`,
    `grown_handles`, `grown_threads`: the last quarter's median less the first one's, after every fault has been once."""

    faults: int
    unnoticed: int
    forgotten: int
    unheard: int
    frames: int
    opened: int
    subscribed: int
    grown_mb: float
    grown_handles: int
    grown_threads: int
    rss_mb: float

    @property
    def is_grown(self) -> bool:
        return (
            self.grown_mb > MOST_MB or self.grown_handles > MOST_HANDLES or self.grown_threads > MOST_THREADS
        )


class _Fast(Clock):
    """The same instant for every thread, `PACE` times as far from the first."""

    def __init__(self) -> None:
        super().__init__()
        self._wall, self._mono = super().wall(), super().mono()

    def mono(self) -> int:
        return self._mono + PACE * (super().mono() - self._mono)

    def wall(self) -> int:
        return self._wall + self.mono() - self._mono

    def office(self, mono: int | None = None) -> int:
        return self.wall() - (0 if mono is None else self.mono() - mono)


class _Ear(Post):
    """What each watcher said last."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: dict[str, Look] = {}

    def say(self, said: Up) -> None:
        if isinstance(said, Look):
            self.looks[said.camera] = said

    def stands(self, name: str, *, is_fault: bool) -> bool:
        look = self.looks.get(name)
        return look is not None and (look.view.view.is_fault if is_fault else look.view.view is View.OK)


class _Cutter:
    """An RTSP port that closes, babbles, or hangs up in the middle of an answer."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.taken = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for answer in itertools.cycle(
            (b"", b"\0\1\2<<<" * 200, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n", b"RTSP/1.0 503 Busy\r\n\r\n")
        ):
            taken, _ = self._server.accept()
            self.taken += 1
            with taken, suppress(OSError):
                taken.settimeout(1)
                taken.sendall(answer)


def _given(name: str, kind: str, address: str) -> Given:
    standing = Standing(View.UNKNOWN, 0)
    return Given(name, kind, address, "", "", clips.CLOCK_BOX, [], standing, standing)


def _faults(folder: Path, seed: int) -> list[Path]:
    """Recordings of one hall; the first is in order."""
    hall = Hall(seed)
    usual = clips.record(folder / "usual.mkv", hall, clips.usual, 14, fps=2)
    whole = usual.read_bytes()
    (folder / "text.mkv").write_text("no video " * 1000)
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 200])
    covered = clips.record(folder / "covered.mkv", hall, clips.FAULTS["60 % covered"][1], 14, fps=2)
    black = clips.record(folder / "black.mkv", hall, clips.FAULTS["black"][1], 14, fps=2)
    return [usual, covered, black, folder / "text.mkv", folder / "cut.mkv", folder / "gone.mkv"]


def _until(what: Callable[[], bool]) -> bool:
    due = time.monotonic() + PATIENCE_SECS
    while not what():
        if time.monotonic() > due:
            return False
        time.sleep(0.02)
    return True


def _sample() -> tuple[float, int, int]:
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    handles = len(list(Path("/proc/self/fd").iterdir()))
    return int(rows["VmRSS"].split()[0]) / 1024, handles, int(rows["Threads"])


def endure(hours: float, seed: int) -> Endured:
    """For `hours` of the cameras' time."""
    chance, clock, post = random.Random(seed), _Fast(), _Ear()
    samples: list[tuple[float, int, int]] = []
    with tempfile.TemporaryDirectory() as name, onvif_device.running(device := onvif_device.Device()) as port:
        usual, *wrong = _faults(Path(name), seed)
        seen, cutter = Path(name) / "camera.mkv", _Cutter()
        seen.symlink_to(usual)
        watcher = Watcher(_given("c1", "file", str(seen)), post, clock)
        watcher._camera = FileCamera(seen, is_paced=False)
        cut = Watcher(_given("c2", "rtsp", f"rtsp://127.0.0.1:{cutter.port}/main"), post, clock)
        address = f"127.0.0.1:{port}"
        ears = OnvifEars(Asked(address, onvif_device.USER, onvif_device.PASSWORD, Clock()), clock)
        ears.may_listen = True

        def measure() -> None:
            while True:
                samples.append(_sample())
                time.sleep(_SAMPLE_SECS)

        for work in (watcher.run, cut.run, ears.run, measure):
            threading.Thread(target=work, daemon=True).start()
        unnoticed = int(not _until(partial(post.stands, "c1", is_fault=False)))
        events, faults, forgotten, unheard = itertools.cycle(_EVENT_FAULTS), 0, 0, 0

        def hears(kind: str) -> bool:
            """Whether an alarm is heard: raised once there is a subscription."""
            before = ears.heard.tamper_at, ears.heard.motion_at
            if not _until(lambda: device.subscriptions.alive > 0):
                return False
            device.order(f"ev={kind}")
            return _until(lambda: (ears.heard.tamper_at, ears.heard.motion_at) != before)

        def suffer(target: Path) -> None:
            nonlocal faults, unnoticed, forgotten, unheard
            device.event_fault = next(events)
            device.asked.clear()
            device._nonces.clear()
            if not device.event_fault:
                device.order(chance.choice(_FORGETS))
            faults += 1
            for shown, is_fault in ((target, True), (usual, False)):
                part = seen.with_suffix(".part")
                part.symlink_to(shown)
                part.replace(seen)
                unnoticed += not _until(partial(post.stands, "c1", is_fault=is_fault))
            so_far = post.looks["c1"].frames
            unnoticed += not _until(lambda: post.looks["c1"].frames >= so_far + QUIET_FRAMES)
            if not device.event_fault:
                forgotten += 1
                unheard += not hears(chance.choice(("tamper", "motion")))

        for target in wrong:  # whatever is loaded once, is loaded then
            suffer(target)
        samples.clear()
        due = time.monotonic() + hours * 3600 / PACE
        while time.monotonic() < due or faults < LEAST_FAULTS:
            suffer(chance.choice(wrong))
        quarter = len(samples) // 4
        before, after = samples[:quarter], samples[-quarter:]
        grown = [
            median(item[place] for item in after) - median(item[place] for item in before)
            for place in range(3)
        ]
        ears.leave()
    c1, c2 = post.looks["c1"], post.looks["c2"]
    return Endured(
        faults, unnoticed, forgotten, unheard, c1.frames, c1.opened + cutter.taken + c2.opened, device.subscriptions.made,
        round(grown[0], 1), int(grown[1]), int(grown[2]), round(samples[-1][0], 1),
    )  # fmt: skip


def run(hours: float, seed: int) -> Endured:
    """In a process of its own. Raises CalledProcessError."""
    line = [sys.executable, "-m", "tests.camera.enduring", str(hours), str(seed)]
    env, most = os.environ | WORKER_ENV, 300 + 2 * hours * 3600 / PACE
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, env=env, timeout=most)
    return msgspec.json.decode(done.stdout, type=Endured)


if __name__ == "__main__":
    print(json.dumps(msgspec.to_builtins(endure(float(sys.argv[1]), int(sys.argv[2])))), flush=True)
    # As the worker ends itself: an interpreter that ends stops threads inside a library, and one in C++ then aborts the process.
    os._exit(0)
