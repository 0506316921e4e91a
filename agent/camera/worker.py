"""The process that watches the cameras: one thread for each, so that a dead one delays no other.

Started by `agent/watch.py` and ended by it, by the end of its input, by a thread that hangs or by its own size; the kernel
is told to take it first when memory runs out. What it knows it says at once, so nothing is lost with it.
"""

import os
import random
import resource
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from agent.camera import picture, seats, talk
from agent.camera.base import Camera, LineError, Stream
from agent.camera.file import FileCamera
from agent.camera.picture import Eye
from agent.camera.rtsp import RtspCamera
from agent.camera.talk import Given, Hours, Learn, Learned, Look, Sat, Setup, Up, Vacant
from agent.core import scene, votes
from agent.core.scene import Features
from agent.core.votes import Standing, Watch
from common.clock import Clock
from common.core import backoff
from common.core.camera import View
from common.core.instant import SECOND

STUCK_SECS = 60.0
"""A thread that has not moved for so long hangs in a library: only the end of the process frees it."""
HUNG = 70
OVERGROWN = 71
_BASE_MB, _CAMERA_MB = 150, 30
_TRIES = 3
"""A camera that does not answer is unreachable after so many."""
_REFUSED_SECS = 60.0
"""After a refused password: some cameras lock the account."""
_SAY_EVERY = 20 * SECOND
_SKEW_SECS = 30.0
_CLOCK_EVERY = 3600 * SECOND


class Post:
    """The way up: whole frames, whichever thread speaks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_closed = False
        """Nobody works at the site now."""

    def say(self, said: Up) -> None:
        with self._lock:
            sys.stdout.buffer.write(talk.framed(said))
            sys.stdout.buffer.flush()


class Watcher:
    """One camera, in its thread."""

    def __init__(self, given: Given, post: Post, clock: Clock) -> None:
        self.id = given.id
        self._post = post
        self._clock = clock
        self._camera = _camera(given, clock)
        patterns = []
        with suppress(ValueError):
            patterns = [picture.restored(item) for item in given.patterns]
        self._eye = Eye(patterns, given.clock_box)
        self._watch = Watch(given.view)
        self._skewed = given.clock
        self._detail = self._clock_detail = ""
        self._figures = Features(0, 0, 0, 0)
        self._stream = ""
        self._frames = self._opened = 0
        self._gop = self._kbps = 0.0
        self._skew: float | None = None
        self._asked_mono = 0
        self.turned_mono = clock.mono()
        self.must_learn = self.is_vacant = self._is_asked = False
        self._regions = seats.regions(given, clock.office())

    def run(self) -> None:
        """For ever."""
        failures, failed_at = 0, 0
        while True:
            try:
                self._follow(self._camera.open())
            except LineError as error:
                if self._stream:  # it worked until now
                    failures = 0
                failures, self._stream = failures + 1, ""
                failed_at = self._clock.office() if failures == 1 else failed_at
                self._fail(error, failures, failed_at)
                self._rest(error, failures)
            finally:
                self._camera.close()

    def accuse(self) -> None:
        """By another thread, when this one hangs and cannot speak for itself."""
        since_at = self._clock.office(self.turned_mono)
        self._move(votes.cut(self._watch, View.NO_VIDEO, since_at), "读取卡死，摄像进程已重启")

    def _follow(self, stream: Stream) -> None:
        self._opened += 1
        self._asked_mono = 0
        self._eye.interrupt()
        self._stream = f"{stream.codec} {stream.width}×{stream.height}" + (
            f"，声音 {stream.audio}" if stream.audio else ""
        )
        if stream.maker:
            self._stream += f"，{stream.maker}"
        for frame in self._camera.frames():
            self.turned_mono = self._clock.mono()
            if frame.gap_secs > 0:
                self._gop, self._kbps = frame.gap_secs, frame.bytes * 8 / 1000 / frame.gap_secs
            self._examine(frame.grey)
            self._ask_clock()

    def _examine(self, grey: picture.Grey) -> None:
        if self.must_learn:
            self.must_learn, self._is_asked = False, True
            self._eye.forget()
            for region in self._regions.values():
                region.forget()
            self._post.say(Learned(self.id, []))
            self._move(votes.cut(self._watch, View.LEARNING, self._clock.office()), "按命令重新学习")
        at, mono = self._clock.office(), self._clock.mono()
        if self._watch.standing.view in _LINE:
            self._move(votes.cut(self._watch, View.UNKNOWN, at), "画面恢复，正在判断")
        self._figures, pattern = self._eye.look(grey)
        reference = pattern.figures if pattern else None
        verdict = scene.judge(self._figures, reference, is_closed=self._post.is_closed)
        still = scene.is_still(self._figures, reference)
        self._move(votes.seen(self._watch, verdict, at, mono, is_still=still))
        if verdict.view in {View.OK, View.LEARNING} and not self._watch.standing.view.is_fault:
            self._learn(pattern)
        self._attend(
            grey, at, mono, is_sound=verdict.view is self._watch.standing.view is View.OK and not still
        )
        self._frames += 1
        self._say()

    def _learn(self, pattern: picture.Pattern | None) -> None:
        """The first reference is one of the open hours: at night a hall is lit by nobody, or in infrared. By command also then."""
        if pattern is None and self._post.is_closed and not self._is_asked:
            return
        if self._eye.learn(self._figures, pattern):
            self._say_learned()

    def _say_learned(self) -> None:
        empty = {name: region.known for name, region in self._regions.items()}
        self._post.say(Learned(self.id, [picture.kept(item) for item in self._eye.patterns], empty))

    def _attend(self, grey: picture.Grey, at: int, mono: int, *, is_sound: bool) -> None:
        if self.is_vacant:
            self.is_vacant = False
            for region in self._regions.values():
                region.learn()
        mean = self._figures.mean
        more = [item.look(grey, mean, at, mono, is_sound=is_sound) for item in self._regions.values()]
        if any(more):
            self._say_learned()

    def _fail(self, error: LineError, failures: int, failed_at: int) -> None:
        if error.view is not View.UNREACHABLE or failures >= _TRIES:
            self._move(votes.cut(self._watch, error.view, failed_at), error.detail)
            self._detail = error.detail
        self._say()

    def _rest(self, error: LineError, failures: int) -> None:
        secs = backoff.delay(failures - 1, random.random(), cap=60.0)  # noqa: S311
        if error.view is View.AUTH:
            secs = _REFUSED_SECS + secs
        due = self._clock.mono() + int(secs * SECOND)
        said_mono = self._clock.mono()
        while (now := self._clock.mono()) < due:
            self.turned_mono = now
            if now - said_mono > _SAY_EVERY:  # still there, and still so
                said_mono = now
                self._say()
            time.sleep(min(1.0, secs))
        self.turned_mono = self._clock.mono()

    def _ask_clock(self) -> None:
        """At every connection the adapter has asked already; in between once an hour."""
        now = self._clock.mono()
        is_due = now - self._asked_mono >= _CLOCK_EVERY
        if self._asked_mono and not is_due:
            return
        skew = self._camera.skew(again=bool(self._asked_mono))
        self._asked_mono = now
        if skew is None:
            return
        self._skew = skew
        view = View.CLOCK if abs(skew) > _SKEW_SECS else View.OK
        self._clock_detail = f"{'快' if skew > 0 else '慢'} {abs(skew):.0f} 秒" if view.is_fault else ""
        if view is not self._skewed.view:
            self._skewed = Standing(view, self._clock.office())
            self._say()

    def _move(self, watch: Watch, detail: str = "") -> None:
        before, self._watch = self._watch, watch
        if watch.standing != before.standing:
            self._detail = detail
            self._say()

    def _say(self) -> None:
        self._post.say(
            Look(
                camera=self.id,
                at_wall=self._clock.wall(),
                view=self._watch.standing,
                clock=self._skewed,
                detail=self._detail,
                clock_detail=self._clock_detail,
                frames=self._frames,
                opened=self._opened,
                stream=self._stream,
                gop_secs=round(self._gop, 2),
                kbps=round(self._kbps, 1),
                references=len(self._eye.patterns),
                skew=self._skew,
                figures=_shown(self._figures),
                seats={name: Sat(item.watch.state, item.detail) for name, item in self._regions.items()},
            )
        )


_LINE = {View.UNREACHABLE, View.AUTH, View.LIMIT, View.NO_VIDEO, View.STALLED}


def _shown(figures: Features) -> dict[str, float]:
    names = ("mean", "std", "sharp", "pdiff", "kept", "lost", "like", "inliers", "shift")
    return {name: round(float(getattr(figures, name) or 0.0), 3) for name in names}


def _camera(given: Given, clock: Clock) -> Camera:
    if given.type == "file":
        return FileCamera(Path(given.address))
    if given.type == "rtsp":
        return RtspCamera(given.address, given.user, given.password)
    from agent.camera.onvif import OnvifCamera  # 0.3 s and 20 MB that other kinds do without

    return OnvifCamera(given.address, given.user, given.password, clock)


def _listen(watchers: dict[str, Watcher], post: Post) -> None:
    """Ends the process when the agent has gone."""
    while (said := talk.next_down(sys.stdin.buffer)) is not None:
        if isinstance(said, Hours):
            post.is_closed = said.is_closed
        elif isinstance(said, Learn) and said.camera in watchers:
            watchers[said.camera].must_learn = True
        elif isinstance(said, Vacant) and said.camera in watchers:
            watchers[said.camera].is_vacant = True
    os._exit(0)


def main() -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("600", "ascii")
    with suppress(OSError):  # systemd's filter refuses it under the installed unit
        os.nice(5)
    setup, clock, post = talk.next_down(sys.stdin.buffer), Clock(), Post()
    if not isinstance(setup, Setup):
        return
    watchers = {given.id: Watcher(given, post, clock) for given in setup.cameras}
    for watcher in watchers.values():
        threading.Thread(target=watcher.run, name=watcher.id, daemon=True).start()
    threading.Thread(target=_listen, args=(watchers, post), daemon=True).start()
    most_mb = _BASE_MB + _CAMERA_MB * len(watchers)
    while True:
        time.sleep(1)
        stuck = [item for item in watchers.values() if clock.mono() - item.turned_mono > STUCK_SECS * SECOND]
        for item in stuck:
            item.accuse()
        if stuck:
            os._exit(HUNG)
        if _rss_mb() > most_mb:
            os._exit(OVERGROWN)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
