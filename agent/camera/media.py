"""Packets of one RTSP connection or one file -> decoded key frames, by PyAV (FFmpeg).

Only key packets are decoded: a tenth of the cost of all. `cv2.VideoCapture` cannot skip, waits 30 s for a silent peer
and serialises every open of a process (cameras.md, traps 2 and 4).
"""

import functools
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av
import av.error
import cv2
import numpy as np

from agent.camera import picture
from agent.camera.base import KEYLESS_SECS, OPEN_SECS, SILENT_SECS, KeyFrame, LineError, Stream
from agent.camera.picture import MOST_WIDE, Colour, Grey
from common.core.camera import View

av.logging.set_level(av.logging.PANIC)

ODD = (av.error.FFmpegError, cv2.error, OSError, ValueError, TypeError, ArithmeticError, LookupError)
"""What a camera that sends something odd does to the libraries where nobody expects it: it is that camera's fault alone."""
UNFIT = "站点不能处理这路画面"
_CODECS = {"h264", "hevc", "mjpeg", "mpeg4"}
MOST_PIXELS = 36_000_000
"""Of a picture: 7680 x 4320 is the largest that any camera has, and takes 170 MB to decode."""
_MOST_GOP = 8 * 1024 * 1024
"""Bytes that are kept between two key frames, for a clip."""


class Media:
    """One open stream. `address` may hold a password: it appears in no error."""

    def __init__(self, address: str, options: dict[str, str], *, is_whole: bool = False) -> None:
        """`is_whole`: every frame is wanted, by `packets`, not the key frames alone. Raises LineError."""
        due = time.monotonic() + OPEN_SECS
        try:
            self._container: Any = av.open(address, options=options, timeout=(OPEN_SECS, SILENT_SECS))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if time.monotonic() >= due:  # FFmpeg calls an interrupted question invalid data
                raise LineError(View.UNREACHABLE, f"{OPEN_SECS:.0f} 秒没有应答") from None
            raise _translated(error) from None
        try:
            self.stream = self._described()
            self._video.codec_context.skip_frame = "DEFAULT" if is_whole else "NONKEY"
            self._video.codec_context.thread_count = 1
            self._video.codec_context.options = {"max_pixels": str(MOST_PIXELS)}  # it may grow in its midst
            self._video.codec_context.flags |= (
                0x80000  # AV_CODEC_FLAG_LOW_DELAY: the frame comes with its packet
            )
        except BaseException:
            self.close()
            raise

    def _described(self) -> Stream:
        if not self._container.streams.video:
            raise LineError(View.NO_VIDEO, "只有声音，没有视频")
        self._video = self._container.streams.video[0]
        codec = self._video.codec_context
        if codec is None or codec.name not in _CODECS:
            raise LineError(View.NO_VIDEO, f"不认识的视频编码：{codec.name if codec else '未知'}")
        if codec.width * codec.height > MOST_PIXELS:
            raise LineError(View.NO_VIDEO, f"画面太大：{codec.width}×{codec.height}")
        audio = self._container.streams.audio
        sound = audio[0].codec_context.name if audio and audio[0].codec_context else ""
        return Stream(codec.name, codec.width, codec.height, sound, head=codec.extradata or b"")

    def frames(self) -> Iterator[KeyFrame]:
        """Raises LineError; ends where the stream does."""
        size = corrupt = 0
        before: float | None = None
        gop: list[Any] = []
        heard = keyed = time.monotonic()
        try:
            for packet in self._container.demux():
                now = time.monotonic()
                if now - heard > SILENT_SECS:  # sound alone goes on
                    raise LineError(View.STALLED, f"{SILENT_SECS:.0f} 秒没有画面数据")
                if now - keyed > KEYLESS_SECS:
                    raise LineError(View.NO_VIDEO, f"{KEYLESS_SECS:.0f} 秒没有可解码的关键帧")
                if packet.size == 0 or packet.stream.index != self._video.index:
                    continue
                heard, size, corrupt = now, size + packet.size, corrupt + bool(packet.is_corrupt)
                frames = self._decoded(packet) if packet.is_keyframe and not packet.is_corrupt else []
                for frame in frames:
                    at = frame.time or 0.0
                    gap_secs = 0.0 if before is None else at - before
                    if not 0 <= gap_secs <= KEYLESS_SECS:  # its clock was put right
                        gap_secs = 0.0
                    colour = functools.partial(colour_of, frame, MOST_WIDE)
                    yield KeyFrame(
                        grey_of(frame), colour, size, corrupt, gap_secs, gop, frame.width, frame.height
                    )
                    before, size, corrupt, gop = at, 0, 0, []
                    heard = keyed = time.monotonic()  # whoever takes the frames may take his time
                if size < _MOST_GOP and not packet.is_corrupt:
                    gop.append(packet)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _translated(error, is_open=True) from None

    def packets(self) -> Iterator[Any]:
        """Picture and sound as they come, of PyAV. Raises LineError; ends where the stream does."""
        heard = time.monotonic()
        try:
            for packet in self._container.demux():
                now = time.monotonic()
                if now - heard > SILENT_SECS:
                    raise LineError(View.STALLED, f"{SILENT_SECS:.0f} 秒没有画面数据")
                if packet.size and not packet.is_corrupt:
                    heard = now if packet.stream.index == self._video.index else heard
                    yield packet
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _translated(error, is_open=True) from None

    @property
    def video(self) -> Any:
        """The stream of the picture, of PyAV."""
        return self._video

    @property
    def audio(self) -> Any:
        """The stream of the sound; None: there is none."""
        return next(iter(self._container.streams.audio), None)

    def _decoded(self, packet: Any) -> list[Any]:
        """Nothing for a packet that cannot be decoded: without any for long, `frames` says so."""
        with suppress(av.error.InvalidDataError):
            return list(self._video.decode(packet))
        return []

    def close(self) -> None:
        with suppress(av.error.FFmpegError, OSError):
            self._container.close()


def grey_of(frame: Any) -> Grey:
    """As it is examined."""
    luma = frame.reformat(width=2 * picture.SIZE[0], height=2 * picture.SIZE[1], format="gray").to_ndarray()
    return picture.small(np.asarray(luma, np.uint8))


def colour_of(frame: Any, most_wide: int) -> Colour:
    wide = min(frame.width, most_wide) // 2 * 2
    high = max(2, frame.height * wide // frame.width // 2 * 2)
    return np.asarray(frame.reformat(width=wide, height=high, format="bgr24").to_ndarray(), np.uint8)


def _translated(error: Exception, *, is_open: bool = False) -> LineError:
    """Nothing of the error's own text is taken: it holds the address with its password."""
    if isinstance(error, LineError):
        return error
    for kinds, view, detail in _SAID:
        if isinstance(error, kinds):
            return LineError(view, detail)
    if isinstance(error, av.error.ExitError | TimeoutError):
        view, what = (View.STALLED, "没有数据") if is_open else (View.UNREACHABLE, "没有应答")
        return LineError(view, f"{SILENT_SECS:.0f} 秒{what}")
    if is_open:
        return LineError(View.STALLED, "连接中断")
    return LineError(View.UNREACHABLE, f"连不上（{type(error).__name__}）")


_SAID: tuple[tuple[tuple[type[Exception], ...], View, str], ...] = (
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        View.AUTH,
        "摄像机不接受这个账号或口令",
    ),
    ((av.error.HTTPNotFoundError,), View.NO_VIDEO, "摄像机上没有这个码流地址"),
    ((av.error.InvalidDataError, av.error.DecoderNotFoundError), View.NO_VIDEO, "收到的不是视频"),
    ((av.error.HTTPOtherClientError, av.error.HTTPServerError), View.LIMIT, "摄像机说忙"),
    ((ConnectionRefusedError,), View.UNREACHABLE, "连接被拒绝"),
)
"""What an error means, the special before the general."""
