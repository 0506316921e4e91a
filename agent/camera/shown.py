"""The picture of a live view: masked as the stills are, and encoded anew as H.264, because untouched packets cannot be masked.

The encoder is libx264 as PyAV's wheels carry it (GPL 2 or later: docs/LICENCES.md). Where the box's wheel has none, there is
no masked picture, and therefore none at all.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from agent.camera import picture
from agent.camera.faces import Finder
from agent.camera.picture import Pattern
from agent.camera.talk import Box
from agent.camera.veil import Cells, Veil
from agent.core import fragment
from common.clock import Clock
from common.core.camera import Mask
from common.core.instant import SECOND

WIDE, FPS = 640, 12.5
_STALE = 10 * SECOND
"""What the examination saw longer ago says nothing of the picture now."""
_FACES_EVERY = 2 * SECOND // 5
"""So often faces are looked for; what was found stays hidden as what moved does, and whoever comes in between moves."""
_SKEWED = 0.02
"""By so much another shape of the picture is another view."""


class Sight(Struct, frozen=True):
    """What the camera's examination knows at this moment. `shape`: width by height of what it looks at; `said`: what is wrong with
    the view, in Chinese; `is_refused`: the camera does not take the password."""

    pattern: Pattern | None
    is_sound: bool
    busy: Cells | None
    mono: int
    zones: list[Box]
    seats: list[Box]
    clock: Box | None
    mask: Mask
    shape: float
    said: str
    finder: Finder | None = None
    is_refused: bool = False


class Made(Struct, frozen=True):
    """One access unit with start codes. `secs`: media time."""

    data: bytes
    is_key: bool
    secs: float
    mask: Mask
    shift_secs: float = 0.0  # by which it is shown later than decoded


class Painter:
    """Frames of one stream -> masked, encoded. `plain`: nothing is to be hidden."""

    def __init__(self, sight: Callable[[], Sight], clock: Clock, kbps: int, *, plain: bool = False) -> None:
        self._sight = sight
        self._clock = clock
        self._plain = plain
        self.kbps = kbps
        """May change between two frames."""
        self._made_kbps = 0
        self._veil: Veil | None = None
        self._drawn: tuple[list[Box], list[Box], Mask] | None = None
        self._encoder: Any = None
        self._due = 0.0
        self.size = (0, 0)
        self.must_key = False
        """The next picture is one with which a viewer can begin."""

    def painted(self, frame: Any, secs: float) -> Iterator[Made]:
        """`secs`: media time of the frame. Nothing of one that comes before its turn."""
        if secs < self._due - 0.5 / FPS and self._due - secs < 2:
            return
        self._due = max(self._due, secs - 1 / FPS) + 1 / FPS
        wide = min(WIDE, frame.width) // 2 * 2
        high = max(2, frame.height * wide // frame.width // 2 * 2)
        if self._encoder is None or (*self.size, self._made_kbps) != (wide, high, self.kbps):
            self.size, self._made_kbps = (wide, high), self.kbps
            self._encoder = _encoder(wide, high, self.kbps)  # its first frame is a key frame
        shown, mask = self._hidden(frame, wide, high)
        made = av.VideoFrame.from_ndarray(shown, format="bgr24").reformat(format="yuv420p")
        made.pts = round(secs * fragment.VIDEO_SCALE)
        made.time_base = self._encoder.time_base
        if self.must_key:
            self.must_key, made.pict_type = False, av.video.frame.PictureType.I
        for packet in self._encoder.encode(made):
            yield Made(bytes(packet), bool(packet.is_keyframe), secs, mask)

    def _hidden(self, frame: Any, wide: int, high: int) -> tuple[NDArray[np.uint8], Mask]:
        """Every look is the examination's and this stream's own together: what either found busy is hidden."""
        whole = np.asarray(frame.reformat(width=wide, height=high, format="bgr24").to_ndarray(), np.uint8)
        if self._plain:
            return whole, Mask.NONE
        sight, mono = self._sight(), self._clock.mono()
        is_same = abs(frame.width / frame.height - sight.shape) < _SKEWED * sight.shape
        is_lost = sight.mask is Mask.CAMERA and bool(sight.zones) and not is_same  # where the zones lie in it
        drawn = (sight.zones, sight.seats, Mask.ALL if is_lost else sight.mask)
        if self._veil is None or self._drawn != drawn:
            self._veil = Veil(*drawn[:2], sight.clock, drawn[2], sight.finder, _FACES_EVERY)
            self._drawn = drawn
        luma = frame.reformat(width=2 * picture.SIZE[0], height=2 * picture.SIZE[1], format="gray")
        self._veil.look(picture.small(np.asarray(luma.to_ndarray(), np.uint8)), sight.pattern, mono)
        is_sound = sight.is_sound and is_same and sight.busy is not None and mono - sight.mono < _STALE
        return self._veil.over(whole, is_sound=is_sound, also=sight.busy)


def _encoder(wide: int, high: int, kbps: int) -> Any:
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = wide, high, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, fragment.VIDEO_SCALE), Fraction(FPS)
    codec.bit_rate, codec.gop_size, codec.max_b_frames, codec.thread_count = kbps * 1000, round(FPS), 0, 1
    codec.options = {
        "preset": "ultrafast",
        "level": "3.1",  # else it follows the rate, and each change of that would begin a new stream for whoever looks on
        "tune": "zerolatency",
        "forced-idr": "1",
        "maxrate": f"{kbps}k",
        "bufsize": f"{kbps}k",
    }
    return codec
