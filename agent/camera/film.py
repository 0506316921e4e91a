"""One camera as it is sent live: opened anew for people, its frames masked or, where nothing is to be hidden, untouched.

A film ends when it is stopped, and begins again by itself after every failure: each time with its initialisation, so that
whoever looks on begins anew too. Nothing of it is kept.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import av.error
import msgspec
from msgspec import Struct

from agent.camera.base import Camera, LineError
from agent.camera.media import ODD, UNFIT
from agent.camera.shown import Made, Painter, Sight
from agent.camera.sound import BITS, Piece, Voice
from agent.core import fragment
from agent.core.fragment import SOUND, VIDEO, VIDEO_SCALE, Cutter, Picture
from common.clock import Clock
from common.core import backoff
from common.core.camera import Mask, View
from common.core.instant import SECOND
from common.core.live import Frame, Kind, Shown

_LATE = 0.5
"""Seconds by which sound may be off the picture before it is set right."""
_LEAST_KBPS = 64
_MS = 1000
_REFUSED_SECS = 60.0
"""After a refused password: some cameras lock the account, and the examination asks too."""
_GAP = 0.04
"""Seconds from the last frame of a file to its first again."""
_BACK, _LEAP = 0.5, 10.0
"""Seconds by which the time of a stream may go back or ahead from one frame to the next: reordered frames, a pause. A camera whose own
clock was put right jumps farther, and the rest of the stream would be of no length, or of hours."""
_METER_SECS = 4.0
"""So long untouched packets are counted before they are held against the share of the line: a group of pictures at least."""
_OVER = 1.2
"""A camera's rate sways by so much."""


class Order(Struct, frozen=True):
    """What is wanted. `kbps`: the share of the line at the beginning; `offset`: microseconds by which the hall's clock is ahead;
    `is_paced`: a file, which is read no faster than it was taken, again and again."""

    kbps: int
    offset: int
    plain: bool
    is_paced: bool


class Film:
    """`camera`: makes one of its own, which the examination does not share; `send` is called in the film's own thread."""

    def __init__(
        self,
        camera: Callable[[], Camera],
        sight: Callable[[], Sight],
        order: Order,
        send: Callable[[Frame], None],
        clock: Clock,
    ) -> None:
        self.camera, self.sight, self.order, self.clock = camera, sight, order, clock
        self._send = send
        self.kbps = order.kbps
        """The share of the line, which another thread may change: who looks on loses nothing by that."""
        self._is_too_much = False
        self._end = threading.Event()
        self._take: _Take | None = None
        self._shown = Shown()
        self._thread = threading.Thread(target=self._run, name="film", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def from_key(self) -> None:
        """By another thread: somebody is to begin as soon as possible."""
        if self._take is not None:
            self._take.must_key = True

    def _run(self) -> None:
        failures = 0
        try:
            while not self._end.is_set():
                if self.sight().is_refused:  # each look would be one wrong password more
                    self._tell(Shown(fault=View.AUTH.word))
                    self._end.wait(1.0)
                    continue
                began_mono, rest_secs = self.clock.mono(), 0.0
                try:
                    if self._show():
                        continue
                    detail = "摄像机结束了码流"
                except LineError as error:
                    detail = str(error)
                    rest_secs = _REFUSED_SECS if error.view is View.AUTH else 0.0
                except ODD:
                    detail = UNFIT
                if self._end.is_set():
                    return
                failures = failures + 1 if self.clock.mono() - began_mono < 10 * SECOND else 1
                self._tell(Shown(fault=detail))
                self._end.wait(rest_secs + backoff.delay(failures - 1, random.random(), cap=10.0))  # noqa: S311
        finally:  # whatever it was: nothing more is shown, and that is said
            if not self._end.is_set():
                self._tell(Shown(fault=UNFIT))

    def _show(self) -> bool:
        """Until the stream ends. -> whether it is to be opened again in another way: what passed untouched is to be painted."""
        take = self._take = _Take(self, is_too_much=self._is_too_much)
        try:
            for kind, payload, wall in take.frames():
                if self._end.is_set():
                    return False
                if kind in {Kind.PICTURE, Kind.KEY, Kind.MORE}:
                    self._tell(take.shown(self.sight().said))
                self._send(self._framed(kind, payload, wall))
        finally:
            take.close()
        self._is_too_much = self._is_too_much or take.is_too_much
        return take.must_paint

    def _tell(self, shown: Shown) -> None:
        if shown != self._shown:
            self._shown = shown
            self._send(self._framed(Kind.STATE, msgspec.json.encode(shown), self.clock.wall()))

    def _framed(self, kind: Kind, payload: bytes, wall: int) -> Frame:
        return Frame(kind, (wall + self.order.offset) // _MS, payload)


class _Take:
    """From one opening of the camera to its end."""

    def __init__(self, film: Film, *, is_too_much: bool) -> None:
        """`is_too_much`: untouched it takes more of the line than it may. Raises LineError."""
        self._film, self._camera = film, film.camera()
        self._sight, self._order, self._clock = film.sight, film.order, film.clock
        self._media = self._camera.whole()
        self.must_key = self.must_paint = False
        self.is_too_much = is_too_much
        self._voice: Voice | None = None
        with suppress(ValueError, av.error.FFmpegError):  # a sound that nobody can play takes no picture away
            self._voice = Voice(self._media.audio) if self._media.audio is not None else None
        is_untouched = self._may_pass() and self._media.stream.codec == "h264" and not is_too_much
        self._painter: Painter | None = None
        if not is_untouched:
            self._painter = Painter(self._sight, self._clock, self._rate(), plain=self._order.plain)
        self._mask = Mask.ALL
        self._size = self._media.stream.width, self._media.stream.height
        self._bytes, self._meter_mono = 0, self._clock.mono()
        self._cutter, self._sound_cutter = Cutter(VIDEO), Cutter(SOUND)
        self._picture: Picture | None = None
        self._zero_secs = self._shift_secs = self._secs = 0.0
        self._heard: int | None = None
        """Samples of sound since the first frame of the picture."""
        self._began_mono = 0

    def _may_pass(self) -> bool:
        """Whether the camera's own packets may go out: nothing is to be hidden, or the camera has hidden it and no zone was drawn."""
        sight = self._sight()
        return self._order.plain or (sight.mask is Mask.CAMERA and not sight.zones)

    def _rate(self) -> int:
        """Kilobits a second of the picture, of the share that both have."""
        return max(_LEAST_KBPS, self._film.kbps - (BITS // 1000 if self._voice else 0))

    def close(self) -> None:
        self._media.close()

    def shown(self, said: str) -> Shown:
        """`said`: what the examination has against the view."""
        picture, voice = self._picture, self._voice
        return Shown(
            mask=self._mask,
            codec=picture.codec if picture else "",
            sound=voice.sound.codec if picture and voice else "",
            fault=said,
            wide=picture.wide if picture else 0,
            high=picture.high if picture else 0,
        )

    def frames(self) -> Iterator[tuple[Kind, bytes, int]]:
        """Kind, payload, wall time of this box at which it was taken. Raises LineError."""
        for packet in self._packets():
            if self._painter is None and self._must_paint(packet.size):
                self.must_paint = True
                return
            if packet.stream.type == "video":
                for made in self._made(packet):
                    yield from self._pictured(made)
            elif packet.stream.type == "audio" and self._voice is not None and self._picture is not None:
                for piece in self._voice.pieces(packet):
                    yield from self._sounded(piece)

    def _must_paint(self, size: int) -> bool:
        """Of untouched packets: whether they may not go on so. A zone was drawn, or they take more than their share."""
        self._bytes += size
        secs = (self._clock.mono() - self._meter_mono) / SECOND
        if secs >= _METER_SECS:
            self.is_too_much = self._bytes * 8 / 1000 / secs > _OVER * self._film.kbps
            self._bytes, self._meter_mono = 0, self._clock.mono()
        return self.is_too_much or not self._may_pass()

    def _packets(self) -> Iterator[Any]:
        while True:
            yield from self._media.packets()
            if not self._order.is_paced:
                return
            self._shift_secs = self._secs + _GAP
            self._media.close()
            self._media = self._camera.whole()

    def _time(self, secs: float | None) -> float:
        """Media time of a frame, which goes on where a file begins again, where a stream has none, and where a camera's clock was put
        right in its midst."""
        follows = self._secs + _GAP
        self._secs, before = follows if secs is None else secs + self._shift_secs, self._secs
        if not -_BACK <= self._secs - before <= _LEAP:
            self._shift_secs += follows - self._secs
            self._secs = follows
        if self._order.is_paced:
            self._began_mono = self._began_mono or self._clock.mono() - int(self._secs * SECOND)
            time.sleep(max(0.0, self._secs - (self._clock.mono() - self._began_mono) / SECOND))
        return self._secs

    def _made(self, packet: Any) -> Iterator[Made]:
        if self._painter is None:
            at = packet.dts if packet.dts is not None else packet.pts
            secs = self._time(None if at is None else float(at * packet.time_base))
            shift = (
                0.0
                if None in {packet.pts, packet.dts}
                else float((packet.pts - packet.dts) * packet.time_base)
            )
            mask = Mask.NONE if self._order.plain else Mask.CAMERA
            if packet.is_keyframe and 0 in self._size:  # opened in haste: a page must know it
                with suppress(av.error.InvalidDataError):
                    self._size = next(((one.width, one.height) for one in packet.decode()), self._size)
            yield Made(bytes(packet), bool(packet.is_keyframe), secs, mask, shift)
            return
        self._painter.kbps = self._rate()
        with suppress(av.error.InvalidDataError):
            for frame in packet.decode():
                secs = self._time(frame.time)
                self._painter.must_key, self.must_key = self._painter.must_key or self.must_key, False
                yield from self._painter.painted(frame, secs)

    def _pictured(self, made: Made) -> Iterator[tuple[Kind, bytes, int]]:
        wall = self._clock.wall()
        by_length = (
            self._painter is None and bytes(self._media.video.codec_context.extradata or b"")[:1] == b"\1"
        )
        parts = fragment.units_by_length(made.data) if by_length else fragment.units(made.data)
        sets = fragment.sets_of(parts)
        if self._painter is None and sets is None and made.is_key:  # said once, before the first picture
            head = bytes(self._media.video.codec_context.extradata or b"")
            sets = fragment.sets_in(head) if by_length else fragment.sets_of(fragment.units(head))
        if (
            made.is_key
            and sets is not None
            and (self._painter is not None or 0 not in self._size)
            and (self._picture is None or sets != (self._picture.sps, self._picture.pps))
        ):
            yield from self._begun(sets, made, wall)
        if self._picture is None:
            return
        self._mask = made.mask
        at = round((made.secs - self._zero_secs) * VIDEO_SCALE)
        shift = round(made.shift_secs * VIDEO_SCALE)
        cut = self._cutter.add(at, fragment.sample(parts), is_key=made.is_key, shift=shift, tag=wall)
        if cut is not None:
            yield (Kind.KEY if cut.is_key else Kind.MORE), cut.data, cut.tag

    def _begun(self, sets: tuple[bytes, bytes], made: Made, wall: int) -> Iterator[tuple[Kind, bytes, int]]:
        wide, high = self._painter.size if self._painter else self._size
        self._picture = Picture(*sets, wide, high)
        self._cutter, self._sound_cutter = Cutter(VIDEO), Cutter(SOUND)
        self._zero_secs, self._heard, self._mask = made.secs, None, made.mask
        yield Kind.PICTURE, fragment.initialisation(self._picture), wall
        if self._voice is not None:
            yield Kind.SOUND, fragment.initialisation(self._picture, self._voice.sound), wall

    def _sounded(self, piece: Piece) -> Iterator[tuple[Kind, bytes, int]]:
        """Sound begins with the picture, and counts its own samples from then on: cameras' time stamps of the two differ."""
        assert self._voice is not None
        rate = self._voice.sound.rate
        now = round((self._secs - self._zero_secs) * rate)
        if self._heard is None or abs(now - self._heard) > _LATE * rate:
            self._heard = now
        cut = self._sound_cutter.add(self._heard, piece.data, tag=self._clock.wall())
        self._heard += piece.samples
        if cut is not None:
            yield Kind.AUDIO, cut.data, cut.tag
