"""Every fault and every harmless change on rendered clips: two seeds here, twenty by `python -m tests.camera.table`."""

import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from agent.camera import talk
from agent.camera.base import Stream
from agent.camera.picture import Eye
from agent.camera.rtsp import RtspCamera
from agent.camera.talk import Given
from agent.camera.watcher import Post, Watcher
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import View
from common.core.instant import HOUR, SECOND
from tests.camera import clips, onvif_device, rude, seats, table
from tests.camera.onvif_device import PASSWORD, USER, Device
from tests.camera.servers import RtspServer

DAILY = (
    "clerk",
    "clerk, people pass",
    "clerk, lights x0.6",
    "clerk behind a monitor",
    "clerk, a customer before",
    "clerk, a light not learned",
    "empty, people pass",
    "empty, lights x0.6",
    "coat on the chair",
    "lens covered",
)
"""Of the scenes of `python -m tests.camera.seats`, which takes all of them over more halls."""


def test_faults_are_found_and_named_and_nothing_else_is_one() -> None:
    """C1, C2."""
    said = table.run(2)
    recall, named, precision = table.figures(said)
    assert recall >= 0.95, said
    assert named >= 0.9, said
    assert precision == 1.0, said


def test_a_quiet_night_without_a_clock_in_the_picture_is_no_picture_that_stands_still() -> None:
    camera = table.Watched(clips.Hall(2))
    camera.eye = Eye([])
    camera.show(clips.HARMLESS["clerk comes and goes"], table.LEARNED)
    assert not [view for view in camera.show(clips.night, 20) if view.is_fault]
    repeated = clips.night(camera.hall, camera.at)
    assert camera.show(lambda *_: repeated, 15)[-1] is View.FROZEN


def test_a_counter_is_said_to_be_attended_or_not_and_neither_without_a_sound_picture() -> None:
    """C11."""
    said = seats.run(1, 7 * 60 // seats.KEY_SECS, DAILY)
    assert len(said) == len(DAILY) * 5
    assert seats.wrong(said) == []
    assert said["coat on the chair", "as it is to be drawn"].keys() == {"unattended (object)"}, said
    assert all(said["clerk, a light not learned", region].keys() == {"unknown"} for region in seats.REGIONS)
    assert "unattended" not in said["empty, people pass", "as it is to be drawn"], "surer than it can be"
    assert said["empty, lights x0.6", "as it is to be drawn"].keys() == {"unattended"}


def test_a_clerk_in_a_region_that_was_drawn_too_wide_or_aside_is_seen() -> None:
    """By the parts that are least like the empty seat; the whole of such a region hardly changes."""
    said = seats.run(1, 3 * 60 // seats.KEY_SECS, ("clerk", "empty"), first=1)
    assert seats.wrong(said) == []


class Hurried(Clock):
    """Ten times as fast as everybody's."""

    def mono(self) -> int:
        return super().mono() * 10


class Heard(Post):
    """What the watcher has said of the view, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[View] = []

    def say(self, said: talk.Up) -> None:
        if isinstance(said, talk.Look) and self.views[-1:] != [said.view.view]:
            self.views.append(said.view.view)

    def waits(self, view: View) -> None:
        until = time.monotonic() + 120
        while self.views[-1:] != [view]:
            assert time.monotonic() < until, (view, self.views)
            time.sleep(0.05)


class Ending(RtspCamera):
    """Whoever opens it after its end is ended too."""

    is_over = False

    def open(self) -> Stream:
        if self.is_over:
            raise SystemExit
        return super().open()


class Passing(Clock):
    """Whoever sleeps by it has slept at once."""

    passed = 0

    def mono(self) -> int:
        return super().mono() + self.passed

    def sleep(self, secs: float) -> None:
        self.passed += int(secs * SECOND)


def test_a_wrong_password_is_not_told_so_often_that_a_camera_locks_the_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C15: in two hours, and not seven times in any half of one, which is what the cameras of the usual makers endure."""
    post, told = Heard(), list[int]()
    clock = Passing()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    unknown = Standing(View.UNKNOWN, 0)
    with onvif_device.running(device := Device()) as port:
        given = Given("c1", "onvif", f"127.0.0.1:{port}", USER, "wrong", None, [], unknown, unknown)
        watcher = Watcher(given, post, clock)
        opened = watcher._camera.open

        def counted() -> Stream:
            if clock.mono() > began + 2 * HOUR:
                raise SystemExit
            before = device.wrong
            try:
                return opened()
            finally:
                told.extend([clock.mono()] * (device.wrong - before))

        watcher._camera.open = counted  # type: ignore[method-assign]
        began = clock.mono()
        with suppress(SystemExit):
            watcher.run()
    assert post.views == [View.AUTH]
    assert len(told) >= 4
    assert all(sum(at <= other < at + HOUR // 2 for other in told) < 7 for at in told), told


class Ordered(Post):
    """Who has said what, in the order in which it was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, View, int]] = []

    def say(self, said: talk.Up) -> None:
        if isinstance(said, talk.Look):
            self.said.append((said.camera, said.view.view, said.frames))


def test_seven_cameras_that_swallow_everything_do_not_keep_the_eighth_waiting(tmp_path: Path) -> None:
    """C4: it has delivered a picture before any of them has so much as given up."""
    clip = clips.record(tmp_path / "usual.h264", clips.Hall(1), clips.usual, 4)
    post, unknown = Ordered(), Standing(View.UNKNOWN, 0)
    with ExitStack() as stack:
        ports = [stack.enter_context(rude.running("mute")) for _ in range(7)]
        given = [
            Given(f"m{port}", "rtsp", f"rtsp://127.0.0.1:{port}/main", "", "", None, [], unknown, unknown)
            for port in ports
        ]
        given.append(Given("good", "file", str(clip), "", "", None, [], unknown, unknown))
        for item in given:
            threading.Thread(target=Watcher(item, post, Clock()).run, daemon=True).start()
        until = time.monotonic() + 60
        while (
            len({name for name, view, frames in list(post.said) if frames or view.is_fault or name != "good"})
            < 8
        ):
            assert time.monotonic() < until, post.said
            time.sleep(0.05)
    first = next(place for place, (name, _, frames) in enumerate(post.said) if name == "good" and frames)
    assert not [name for name, _, _ in post.said[:first] if name != "good"]


OVER_RTSP = ("black", "dark x0.10", "bright x4", "blur 5", "lens covered", "moved 140 px", "frozen")


@pytest.mark.service
@pytest.mark.slow
def test_each_fault_of_a_picture_is_named_over_rtsp_and_ends(tmp_path: Path) -> None:
    """What a camera's line can have is in `test_cameras.py`, its clock with the ONVIF device."""
    hall = clips.Hall(3)
    files = {name: tmp_path / f"{number}.h264" for number, name in enumerate(("usual", *OVER_RTSP))}
    for name, path in files.items():
        clips.record(path, hall, clips.FAULTS[name][1] if name in OVER_RTSP else clips.usual, 14)
    server = RtspServer(files["usual"], fps=40)
    unknown = Standing(View.UNKNOWN, 0)
    address = f"rtsp://127.0.0.1:{server.port}/main"
    post = Heard()
    given = Given("c1", "rtsp", address, USER, PASSWORD, clips.CLOCK_BOX, [], unknown, unknown)
    watcher = Watcher(given, post, Hurried())
    watcher._camera = camera = Ending(address, USER, PASSWORD)

    def look() -> None:
        with suppress(SystemExit):
            watcher.run()

    looking = threading.Thread(target=look, daemon=True)
    try:
        looking.start()
        post.waits(View.OK)
        time.sleep(8)  # the whole reference
        for name in OVER_RTSP:
            server.say(f"clip {files[name]}")
            post.waits(View(clips.FAULTS[name][0]))
            server.say(f"clip {files['usual']}")
            post.waits(View.OK)
        said = list(post.views)
    finally:
        camera.is_over = True
        server.stop()
        looking.join(60)
    assert [view.value for view in said if view.is_fault] == [clips.FAULTS[name][0] for name in OVER_RTSP]
