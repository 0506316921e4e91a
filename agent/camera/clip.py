"""A short clip around a moment: what a camera sent before and after it, hidden frame by frame by the same veil as a still, and
coded again as one MP4 (H.264, no sound) that is one message of the media lane. By PyAV, cv2 and numpy, in the worker alone.

Packets are kept as they came and decoded only for a clip. It begins and ends at a key frame that was judged; where the
veil fails at any of its frames there is no clip.
"""

import io
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import av
import av.error
import cv2
import numpy as np
from msgspec import Struct

from agent.camera import media
from agent.camera.base import Stream
from agent.camera.picture import Colour, Pattern
from agent.camera.veil import Veil
from common.core.camera import Mask
from common.core.errors import UnavailableError
from common.core.instant import SECOND

BEFORE_SECS, AFTER_SECS = 6.0, 6.0
MOST_SECS = 20.0
"""A camera with rare key frames begins earlier and ends later, never more than so long."""
MOST_WIDE = 640
MOST_BYTES = 112 * 1024
"""Of a clip: with its seal it is one message of a broker (sync.md 3.2)."""
_FPS = 5
_RING_BYTES = 12 * 1024 * 1024
_BURST = 30 * 1024
"""Bytes of the first picture at most; the rest is for the changes."""
_HEAD = 12 * 1024
"""Bytes of MP4 around the pictures."""
_FEWEST = 3
"""Frames; less is a still."""
_LEAST_KBPS = 24
_TURN_SECS = 30.0
_ENCODER = "libx264"


class ClipError(UnavailableError):
    """There is no clip; the text says why."""


class Gop(Struct, frozen=True):
    """What came from one judged key frame up to the next, at monotonic times. `is_known`: at both of them the view was the learned
    one in a known light; `pattern`: what it was compared with."""

    packets: list[Any]
    from_mono: int
    to_mono: int
    bytes: int
    pattern: Pattern | None
    is_known: bool


class Clip(Struct, frozen=True):
    """As it may leave the worker."""

    mp4: bytes
    wide: int
    high: int
    millis: int
    from_mono: int
    mask: Mask


class Ring:
    """The last seconds of one camera, as they came: those before a clip that may be wanted now, and all since one that is."""

    def __init__(self) -> None:
        self._gops: deque[Gop] = deque()
        self._bytes = 0
        self._key_mono = 0
        self._is_known = False

    def forget(self) -> None:
        """The next packet does not follow the last one."""
        self._gops.clear()
        self._bytes = self._key_mono = 0

    def judged(
        self,
        gop: list[Any],
        mono: int,
        pattern: Pattern | None,
        *,
        is_known: bool,
        wanted_mono: int | None = None,
    ) -> None:
        """A key frame at `mono`, and what came before it since the last one. `wanted_mono`: since then a clip waits for what follows;
        None: none does."""
        if self._key_mono and gop:
            size = sum(packet.size for packet in gop)
            both = is_known and self._is_known
            self._gops.append(Gop(gop, self._key_mono, mono, size, pattern, both))
            self._bytes += size
        self._key_mono, self._is_known = mono, is_known
        begin_mono = (mono if wanted_mono is None else wanted_mono) - int(BEFORE_SECS * SECOND)
        oldest_mono = mono - int(MOST_SECS * SECOND)
        while (gops := self._gops) and (
            gops[0].to_mono <= begin_mono or gops[0].from_mono < oldest_mono or self._bytes > _RING_BYTES
        ):
            self._bytes -= gops.popleft().bytes

    def since(self, mono: int) -> list[Gop]:
        """From the key frame before `mono` on."""
        return [item for item in self._gops if item.to_mono > mono]


class Bench:
    """Where clips are made: one at a time in the whole worker, so that a crowd of them takes no memory from the cameras."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self.since = 0.0
        """`time.monotonic` since which one is being made; 0: none is."""

    def make(self, gops: Sequence[Gop], stream: Stream, veil: Veil, *, plain: bool) -> Clip:
        """Blocks for seconds. Raises ClipError."""
        if not self._free.acquire(timeout=_TURN_SECS):
            raise ClipError("别的短片还没有做完")
        self.since = time.monotonic()
        try:
            return _made(gops, stream, veil, plain=plain)
        finally:
            self.since = 0.0
            self._free.release()


def _made(gops: Sequence[Gop], stream: Stream, veil: Veil, *, plain: bool) -> Clip:
    if not gops:
        raise ClipError("其间没有足够的画面")
    if _ENCODER not in av.codecs_available:
        raise ClipError("这台机器没有 H.264 编码器")
    is_known = all(item.is_known for item in gops)
    mask = Mask.NONE if plain else veil.mask(is_sound=is_known)
    try:
        shown = _hidden(gops, stream, veil, mask, plain=plain, is_known=is_known)
        return _coded(shown, gops, mask)
    except ClipError:
        raise
    except (av.error.FFmpegError, OSError, ValueError, cv2.error) as error:
        raise ClipError(f"画面处理不了（{type(error).__name__}）") from None


def _hidden(
    gops: Sequence[Gop], stream: Stream, veil: Veil, mask: Mask, *, plain: bool, is_known: bool
) -> Iterator[tuple[int, Colour]]:
    """(frame's number at `_FPS`, the picture as it may be shown)."""
    last = -1
    for gop, mono, frame in _decoded(gops, stream):
        number = ((mono - gops[0].from_mono) * _FPS + SECOND // 10) // SECOND  # a time that was rounded down
        if number <= last:
            continue
        last = number
        veil.look(media.grey_of(frame), gop.pattern, mono)
        shown, hidden = veil.over(media.colour_of(frame, MOST_WIDE), is_sound=is_known, plain=plain)
        if hidden is not mask:
            raise ClipError("有一帧画面遮挡不了")
        yield number, shown


def _decoded(gops: Sequence[Gop], stream: Stream) -> Iterator[tuple[Gop, int, Any]]:
    """Each frame with its monotonic time, reckoned from that of its key frame."""
    codec: Any = av.CodecContext.create(stream.codec, "r")
    codec.thread_count = 1
    if stream.head:
        codec.extradata = stream.head
    for gop in gops:
        began: float | None = None
        for packet in gop.packets:
            for frame in _frames(codec, packet):
                at = frame.time or 0.0
                began = at if began is None else began
                yield gop, min(gop.from_mono + int(max(0.0, at - began) * SECOND), gop.to_mono), frame


def _frames(codec: Any, packet: Any) -> list[Any]:
    """None for a packet that cannot be decoded: the picture before it stays."""
    try:
        return list(codec.decode(packet))
    except av.error.InvalidDataError:
        return []


def _coded(shown: Iterator[tuple[int, Colour]], gops: Sequence[Gop], mask: Mask) -> Clip:
    secs = (gops[-1].to_mono - gops[0].from_mono) / SECOND
    kbps = max(_LEAST_KBPS, int((MOST_BYTES - _BURST - _HEAD) * 8 / 1000 / secs))
    body, numbers, wide, high = io.BytesIO(), list[int](), 0, 0
    with av.open(body, "w", format="mp4", options={"moov_size": str(_HEAD)}) as container:
        stream: Any = container.add_stream(_ENCODER, rate=_FPS)
        stream.codec_context.thread_count = 1
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "crf": "26",
            "maxrate": f"{kbps}k",
            "bufsize": f"{_BURST * 8 // 1000}k",
            "g": str(int(MOST_SECS * _FPS)),
            "bf": "0",
        }
        for number, picture in shown:
            if not numbers:
                high, wide = picture.shape[:2]
                stream.width, stream.height = wide, high
            elif picture.shape[:2] != (high, wide):
                raise ClipError("其间画面尺寸变了")
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
            numbers.append(number)
        if len(numbers) < _FEWEST:
            raise ClipError("其间没有足够的画面")
        container.mux(stream.encode())
    mp4 = body.getvalue()
    if len(mp4) > MOST_BYTES:
        raise ClipError(f"短片太大（{len(mp4) // 1024} kB）")
    millis = (numbers[-1] + 1 - numbers[0]) * 1000 // _FPS
    return Clip(mp4, wide, high, millis, gops[0].from_mono, mask)
