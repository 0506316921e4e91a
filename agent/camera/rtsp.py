"""A camera known by its RTSP address alone: TCP, one standing connection."""

import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit, urlunsplit

from agent.camera.base import OPEN_SECS, KeyFrame, LineError, Mute, Stream
from agent.camera.media import Media
from common.core.camera import View
from common.core.errors import words

_OPTIONS = {"rtsp_transport": "tcp", "probesize": "200000", "analyzeduration": "300000"}
"""Not `nobuffer`: it throws away what was analysed, and with it the key frame that a camera sends first; the next is seconds away."""
_HASTY = _OPTIONS | {"probesize": "32", "analyzeduration": "1"}
"""For people: nothing is waited for that the pictures themselves say."""
_PORT = 554


class RtspCamera:
    """`url` without account; user and password apart. `live_url`: the stream for people, empty: the same."""

    def __init__(self, url: str, user: str, password: str, live_url: str = "") -> None:
        self._url = url
        self._live_url = live_url or url
        self._account = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        self._media: Media | None = None

    def open(self) -> Stream:
        self.close()
        self._media = self._opened(self._url)
        return self._media.stream

    def whole(self) -> Media:
        return self._opened(self._live_url, is_whole=True)

    def _opened(self, url: str, *, is_whole: bool = False) -> Media:
        parts = urlsplit(url)
        _reach(parts.hostname or "", parts.port or _PORT)
        address = urlunsplit(parts._replace(netloc=self._account + parts.netloc))
        return Media(address, _HASTY if is_whole else _OPTIONS, is_whole=is_whole)

    def frames(self) -> Iterator[KeyFrame]:
        assert self._media is not None
        yield from self._media.frames()
        raise LineError(View.STALLED, "摄像机结束了码流")

    def skew(self, *, again: bool) -> float | None:  # noqa: ARG002
        return None

    def ears(self) -> Mute:
        return Mute()

    def close(self) -> None:
        if self._media is not None:
            self._media.close()
            self._media = None


def _reach(host: str, port: int) -> None:
    """FFmpeg says the same of a silent host and of a silent camera: the first is asked here. Raises LineError."""
    try:
        socket.create_connection((host, port), OPEN_SECS).close()
    except TimeoutError:
        raise LineError(View.UNREACHABLE, f"{host}:{port} {OPEN_SECS:.0f} 秒没有应答") from None
    except OSError as error:
        raise LineError(View.UNREACHABLE, f"{host}:{port} {words(error)}") from None
