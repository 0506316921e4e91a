"""Every fault of a camera's line and clock, time after time, at a moment that chance names: what was told of each, and whether it ended.

`python -m tests.camera.lines [times [seed [fault ...]]]` prints one line for each fault, which `benchmarks/RESULTS.md` quotes. An ONVIF
device and an RTSP server of their own, a camera's clock ten times as fast as ours; the tests have each of these faults once.
"""

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from agent.camera import talk
from agent.camera.talk import Given
from agent.camera.watcher import Post, Watcher
from agent.core.votes import Standing
from common.core.camera import View
from tests.camera import clips, onvif_device
from tests.camera.onvif_device import PASSWORD, USER, Device
from tests.camera.servers import RtspServer
from tests.camera.test_faults import Hurried

PATIENCE_SECS = 120.0
"""Ours: nothing of a line takes so long to be told, on however full a machine."""


class Heard(Post):
    """Every change of the view and of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[View] = []
        self.clocks: list[View] = []

    def say(self, said: talk.Up) -> None:
        if isinstance(said, talk.Look):
            for kept, now in ((self.views, said.view.view), (self.clocks, said.clock.view)):
                if kept[-1:] != [now]:
                    kept.append(now)


class Line:
    """A camera, what it hangs on, and who watches it."""

    def __init__(self, folder: Path, device: Device, port: int, seed: int) -> None:
        self.chance, self.device = random.Random(seed), device
        self.clip = clips.record(folder / "usual.h264", clips.Hall(seed), clips.usual, 14)
        self.server = RtspServer(self.clip, fps=40)
        device.stream = f"rtsp://192.0.2.7:{self.server.port}/main"
        self.post, unknown = Heard(), Standing(View.UNKNOWN, 0)
        given = Given(
            "c1", "onvif", f"127.0.0.1:{port}", USER, PASSWORD, clips.CLOCK_BOX, [], unknown, unknown
        )
        self.watcher = Watcher(given, self.post, Hurried())
        threading.Thread(target=self.watcher.run, daemon=True).start()

    def cut(self) -> None:
        """The stream ends, and can be had again."""
        self.server.stop()
        self.server = RtspServer(self.clip, self.server.port, fps=40)

    def wrong(self, fault: View) -> None:
        if fault is View.UNREACHABLE:
            self.server.stop()
        elif fault is View.STALLED:
            self.server.say("stall 1")
        elif fault is View.CLOCK:
            self.device.skew = self.chance.choice((-1, 1)) * 10 ** self.chance.uniform(1.6, 8)
            self.watcher.is_clocked = True
        else:
            self.device.password = "another" if fault is View.AUTH else PASSWORD
            self.device.fault = {View.LIMIT: "busy", View.NO_VIDEO: "no profiles"}.get(fault, "")  # type: ignore[assignment]
            self.cut()

    def mend(self, fault: View) -> None:
        self.device.password, self.device.fault, self.device.skew = PASSWORD, "", 0.0
        self.watcher.is_clocked = True
        if fault is View.UNREACHABLE:
            self.server = RtspServer(self.clip, self.server.port, fps=40)
        elif fault is View.STALLED:
            self.server.say("stall 0")


def waits(what: Callable[[], bool]) -> float | None:
    """-> after how many of our seconds; None: never."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECS:
        if what():
            return time.monotonic() - began
        time.sleep(0.05)
    return None


def run(fault: View, times: int, seed: int) -> str:
    """-> the line of this fault."""
    told, ended, took, first = 0, 0, list[float](), Counter[View]()
    with tempfile.TemporaryDirectory() as name, onvif_device.running(device := Device()) as port:
        line = Line(Path(name), device, port, seed)
        try:
            for _ in range(times):
                waits(lambda: line.post.views[-1:] == [View.OK] and line.post.clocks[-1:] == [View.OK])
                time.sleep(line.chance.uniform(0, 2))
                views = line.post.clocks if fault is View.CLOCK else line.post.views
                before = len(views)
                line.wrong(fault)
                secs = waits(lambda: fault in views[before:])  # noqa: B023
                told += secs is not None
                took += [secs] if secs is not None else []
                first[next((view for view in views[before:] if view.is_fault), View.OK)] += 1
                line.mend(fault)
                ended += waits(lambda: views[-1] is View.OK) is not None  # noqa: B023
        finally:
            line.server.stop()
    others = "、".join(f"{view} {count}" for view, count in first.most_common())
    return f"{fault:12} told {told} of {times}, ended {ended}; after at most {max(took, default=0):.0f} s; first said: {others}"


LINE = (View.UNREACHABLE, View.STALLED, View.AUTH, View.LIMIT, View.NO_VIDEO, View.CLOCK)

if __name__ == "__main__":
    times, seed, *names = [*sys.argv[1:], *("20", "1")[len(sys.argv) - 1 :]]
    for fault in [View(name) for name in names] or LINE:
        print(run(fault, int(times), int(seed)), flush=True)
