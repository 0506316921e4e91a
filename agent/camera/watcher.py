"""One camera watched, in a thread of its own: opened, its key frames examined, what is found said at once."""

import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from agent.camera import clip, picture, seats, talk
from agent.camera.base import Camera, KeyFrame, LineError, Stream
from agent.camera.clip import Bench, ClipError, Gop, Ring
from agent.camera.faces import Finder
from agent.camera.file import FileCamera
from agent.camera.media import ODD, UNFIT
from agent.camera.picture import Eye
from agent.camera.rtsp import RtspCamera
from agent.camera.shown import Sight
from agent.camera.talk import (
    Given,
    Learned,
    Look,
    Redraw,
    Sat,
    Shoot,
    Shot,
    Up,
)
from agent.camera.veil import Cells, Veil
from agent.core import scene, votes
from agent.core.scene import Features
from agent.core.votes import Standing, Watch
from common.clock import Clock
from common.core import backoff
from common.core.camera import Mask, View
from common.core.instant import SECOND

_TRIES = 3
"""A camera that does not answer is unreachable after so many."""
_REFUSED_SECS = (60.0, 300.0, 1800.0)
"""After the first, second and each later refusal of the password in a row: some cameras lock the account, for half an hour after five
or seven wrong ones, and each try counts as up to two. A password that is saved anew starts this process anew."""
_SAY_EVERY = 20 * SECOND
_SKEW_SECS = 30.0
_CLOCK_EVERY = 3600 * SECOND
RELEARNS = "程序升级后画面的量法不同，正在重新学习"
_GAPS = 12
"""Distances between key frames by which it is seen whether they are even."""


class Post:
    """The way up: whole frames, whichever thread speaks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bench = Bench()
        self.finder: Finder | None = None
        """Of faces, for all cameras."""
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
        self.ears = self._camera.ears()
        patterns = []
        with suppress(ValueError):
            patterns = [picture.restored(item, given.clock_box) for item in given.patterns]
        self._eye = Eye(patterns, given.clock_box)
        self._watch = Watch(given.view)
        self._skewed = given.clock
        self._detail = self._clock_detail = ""
        self._figures = Features(0, 0, 0, 0)
        self._stream, self._profiles = "", 0
        self._sent = Stream("", 0, 0)
        self._frames = self._opened = 0
        self._gop = self._kbps = 0.0
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._skew: float | None = None
        self._asked_mono = 0
        self.turned_mono = clock.mono()
        self.most_pixels = 0
        """Of its largest picture until now."""
        self.must_learn = self.is_vacant = self.is_clocked = self._is_asked = False
        self._refusals = 0
        self.wanted: list[Shoot] = []
        """Stills; the listening thread puts them there."""
        self._regions = seats.regions(given, clock.office())
        self._given = given
        self.redraw: Redraw | None = None
        """The newest; the listening thread puts it there."""
        self._drawn: Redraw | None = None
        """The one that the examination works by."""
        self._zones, self._seats = given.zones, list(given.seats.values())
        self._veil = self._drawn_veil()
        self._is_known = False
        self._ring = Ring()
        self._clips: list[tuple[Shoot, int]] = []
        """Wanted, and at which monotonic time: what comes after is waited for."""
        self._seen: tuple[picture.Pattern | None, bool, Cells | None, int] = (None, False, None, 0)
        self._shape = 0.0

    def run(self) -> None:
        """For ever."""
        failures, failed_at = 0, 0
        while True:
            try:
                self._follow(self._camera.open())
            except (LineError, *ODD) as odd:
                error = odd if isinstance(odd, LineError) else LineError(View.NO_VIDEO, UNFIT)
                if self._stream:  # it worked until now
                    failures = 0
                failures, self._stream = failures + 1, ""
                self.ears.may_listen = False
                failed_at = self._clock.office() if failures == 1 else failed_at
                self._fail(error, failures, failed_at)
                self._rest(error, failures)
            finally:
                self._camera.close()
                while self._clips:
                    self._post.say(_none(self.id, self._clips.pop()[0], self._clock, "其间画面中断"))

    def sight(self) -> Sight:
        """What is known of the view at this moment; by another thread, which sends it live."""
        pattern, is_known, busy, mono = self._seen
        redraw = self.redraw  # hidden at once, though the examination may have no picture for long
        view = self._watch.standing.view
        return Sight(
            pattern=pattern,
            is_sound=is_known,
            busy=busy,
            mono=mono,
            zones=redraw.zones if redraw else self._zones,
            seats=list(redraw.seats.values()) if redraw else self._seats,
            clock=self._given.clock_box,
            mask=self._given.mask,
            shape=self._shape,
            said=view.word if view.is_fault and view not in _LINE else "",
            finder=self._post.finder,
            is_refused=view is View.AUTH,
        )

    def accuse(self) -> None:
        """By another thread, when this one hangs and cannot speak for itself."""
        since_at = self._clock.office(self.turned_mono)
        self._move(votes.cut(self._watch, View.NO_VIDEO, since_at), "读取卡死，摄像进程已重启")

    def _follow(self, stream: Stream) -> None:
        self._opened += 1
        self._refusals = 0
        self._asked_mono = 0
        self.ears.may_listen = True
        self._profiles = stream.profiles
        self._eye.interrupt()
        self._veil.forget()
        self._ring.forget()
        self._gaps.clear()
        self._name(stream)
        for frame in self._camera.frames():
            self.turned_mono = self._clock.mono()
            if (frame.wide, frame.high) != (self._sent.width, self._sent.height):
                self._name(replace(self._sent, width=frame.wide, height=frame.high))
            if frame.gap_secs > 0:
                self._gop, self._kbps = frame.gap_secs, frame.bytes * 8 / 1000 / frame.gap_secs
                self._gaps.append(frame.gap_secs)
            self._examine(frame)
            self._ask_clock()

    def _name(self, stream: Stream) -> None:
        self._sent = stream
        self._shape = stream.width / max(1, stream.height)
        self.most_pixels = max(self.most_pixels, stream.width * stream.height)
        self._stream = f"{stream.codec} {stream.width}×{stream.height}" + (
            f"，声音 {stream.audio}" if stream.audio else ""
        )
        if stream.maker:
            self._stream += f"，{stream.maker}"

    def _examine(self, frame: KeyFrame) -> None:
        grey = frame.grey
        if self.must_learn:
            self.must_learn, self._is_asked = False, True
            self._eye.forget()
            for region in self._regions.values():
                region.forget()
            self._post.say(Learned(self.id, []))
            self._move(votes.cut(self._watch, View.LEARNING, self._clock.office()), "按命令重新学习")
        at, mono = self._clock.office(), self._clock.mono()
        redraw = self.redraw
        if redraw is not None and redraw is not self._drawn:
            self._draw(redraw, at)
        if self._watch.standing.view in _LINE:
            self._move(votes.cut(self._watch, View.JUDGING, at), "画面恢复")
        self._figures, pattern = self._eye.look(grey)
        reference = pattern.figures if pattern else None
        verdict = scene.judge(self._figures, reference, is_closed=self._post.is_closed)
        still = scene.is_still(self._figures, reference)
        alarm = self.ears.is_witness(mono)
        watch = votes.seen(self._watch, verdict, at, mono, is_still=still, is_witnessed=alarm)
        if is_stale := scene.is_stale(reference):
            watch = votes.unsure(self._watch, watch, at)
        self._move(watch, RELEARNS if is_stale and watch.standing.view is View.LEARNING else "")
        if verdict.view in {View.OK, View.LEARNING} and not self._watch.standing.view.is_fault:
            self._learn(pattern)
        is_sound = verdict.view is self._watch.standing.view is View.OK and not still
        self._attend(grey, at, mono, is_sound=is_sound)
        self._veil.look(grey, pattern, mono)
        self._is_known = is_sound and reference is not None and scene.is_known(self._figures, reference)
        wanted_mono = min((at for _, at in self._clips), default=None)
        self._ring.judged(frame.gop, mono, pattern, is_known=self._is_known, wanted_mono=wanted_mono)
        self._seen = (pattern, self._is_known, self._veil.busy, mono)
        while self.wanted:
            wanted = self.wanted.pop(0)
            if wanted.clip:
                self._clips.append((wanted, mono))
            else:
                self._shoot(wanted, frame, mono)
        self._cut_clips(mono)
        self._frames += 1
        self._say()

    def _draw(self, said: Redraw, at: int) -> None:
        self._drawn = said
        self._zones, self._seats = said.zones, list(said.seats.values())
        self._veil = self._drawn_veil()
        self._regions = seats.redrawn(self._regions, said.seats, at)
        self._say_learned()

    def _drawn_veil(self) -> Veil:
        given = self._given
        return Veil(self._zones, self._seats, given.clock_box, given.mask, self._post.finder)

    def _learn(self, pattern: picture.Pattern | None) -> None:
        """The first reference is one of the open hours: at night a hall is lit by nobody, or in infrared. By command also then."""
        is_first = pattern is None or scene.is_stale(pattern.figures)
        if is_first and self._post.is_closed and not self._is_asked:
            return
        if self._eye.learn(self._figures, pattern):
            self._say_learned()

    def _say_learned(self) -> None:
        empty = {name: region.known for name, region in self._regions.items()}
        boxes = {name: region.box for name, region in self._regions.items()}
        patterns = [picture.kept(item) for item in self._eye.patterns]
        self._post.say(Learned(self.id, patterns, empty, boxes))

    def _attend(self, grey: picture.Grey, at: int, mono: int, *, is_sound: bool) -> None:
        if self.is_vacant:
            self.is_vacant = False
            for region in self._regions.values():
                region.learn()
        mean = self._figures.mean
        more = [item.look(grey, mean, at, mono, is_sound=is_sound) for item in self._regions.values()]
        if any(more):
            self._say_learned()

    def _shoot(self, wanted: Shoot, frame: KeyFrame, mono: int) -> None:
        shown, mask = self._veil.over(frame.colour(), is_sound=self._is_known, plain=wanted.plain)
        high, wide = shown.shape[:2]
        jpeg = picture.jpeg(shown)
        self._post.say(Shot(self.id, wanted.number, jpeg, wide, high, mono, mask, self._skew))

    def _cut_clips(self, mono: int) -> None:
        """Those whose time is over are made by a thread of their own: this one goes on looking."""
        before, after = int(clip.BEFORE_SECS * SECOND), int(clip.AFTER_SECS * SECOND)
        due = [(wanted, at) for wanted, at in self._clips if mono - at >= after]
        self._clips = [item for item in self._clips if item not in due]
        for wanted, at in due:
            gops, veil = self._ring.since(at - before), self._veil.for_clip()
            given = wanted, gops, self._sent, veil, self._skew
            threading.Thread(target=self._make, args=given, name=f"{self.id} clip", daemon=True).start()

    def _make(self, wanted: Shoot, gops: list[Gop], stream: Stream, veil: Veil, skew: float | None) -> None:
        try:
            made = self._post.bench.make(gops, stream, veil, plain=wanted.plain)
        except ClipError as error:
            self._post.say(_none(self.id, wanted, self._clock, str(error)))
            return
        size = made.wide, made.high, made.from_mono
        self._post.say(Shot(self.id, wanted.number, made.mp4, *size, made.mask, skew, made.millis))

    def _fail(self, error: LineError, failures: int, failed_at: int) -> None:
        if error.view is not View.UNREACHABLE or failures >= _TRIES:
            self._move(votes.cut(self._watch, error.view, failed_at), error.detail)
            self._detail = error.detail
        self._say()

    def _rest(self, error: LineError, failures: int) -> None:
        secs = backoff.delay(failures - 1, random.random(), cap=60.0)  # noqa: S311
        if error.view is View.AUTH:
            secs += _REFUSED_SECS[min(self._refusals, len(_REFUSED_SECS) - 1)]
            self._refusals += 1
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
        is_due = self.is_clocked or now - self._asked_mono >= _CLOCK_EVERY
        if self._asked_mono and not is_due:
            return
        self.is_clocked = False
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
        heard = self.ears.heard
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
                gop_least=round(min(self._gaps), 2) if len(self._gaps) == _GAPS else 0.0,
                gop_most=round(max(self._gaps), 2) if len(self._gaps) == _GAPS else 0.0,
                kbps=round(self._kbps, 1),
                references=len(self._eye.patterns),
                skew=self._skew,
                figures=_shown(self._figures),
                seats={name: Sat(item.watch.state, item.detail) for name, item in self._regions.items()},
                mask=self._veil.mask(is_sound=self._is_known),
                tamper_at=heard.tamper_at,
                motion_at=heard.motion_at,
                profiles=self._profiles,
                deaf=heard.trouble,
                faces=self._post.finder.fault if self._post.finder else "",
            )
        )


_LINE = {View.UNREACHABLE, View.AUTH, View.LIMIT, View.NO_VIDEO, View.STALLED}


def _none(camera: str, wanted: Shoot, clock: Clock, fault: str) -> Shot:
    """There is no clip, and why."""
    return Shot(camera, wanted.number, b"", 0, 0, clock.mono(), Mask.ALL, None, fault=fault)


def _shown(figures: Features) -> dict[str, float]:
    names = ("mean", "std", "sharp", "pdiff", "kept", "lost", "like", "inliers", "shift")
    return {name: round(float(getattr(figures, name) or 0.0), 3) for name in names}


def maker(given: Given, clock: Clock) -> Callable[[], Camera]:
    return lambda: _camera(given, clock)


def _camera(given: Given, clock: Clock) -> Camera:
    if given.type == "file":
        return FileCamera(Path(given.address))
    if given.type == "rtsp":
        return RtspCamera(given.address, given.user, given.password, given.live_address)
    from agent.camera.onvif import OnvifCamera  # 0.3 s and 20 MB that other kinds do without

    return OnvifCamera(given.address, given.user, given.password, clock)
