"""A recording as a camera, for demonstrations and tests: played again and again."""

import time
from collections.abc import Iterator
from pathlib import Path

from agent.camera.base import KeyFrame, LineError, Mute, Stream
from agent.camera.media import Media
from common.core.camera import View


class FileCamera:
    """At the recording's own pace, or as fast as it is read."""

    def __init__(self, path: Path, *, is_paced: bool = True) -> None:
        self._path = path
        self._is_paced = is_paced
        self._media: Media | None = None

    def open(self) -> Stream:
        self.close()
        if not self._path.exists():
            raise LineError(View.UNREACHABLE, f"没有文件 {self._path}")
        self._media = Media(str(self._path), {})
        return self._media.stream

    def frames(self) -> Iterator[KeyFrame]:
        while self._media is not None:
            shown = 0
            for frame in self._media.frames():
                if self._is_paced:
                    time.sleep(max(0.0, frame.gap_secs))
                shown += 1
                yield frame
            if not shown:
                raise LineError(View.NO_VIDEO, "文件里没有关键帧")
            self.open()

    def whole(self) -> Media:
        if not self._path.exists():
            raise LineError(View.UNREACHABLE, f"没有文件 {self._path}")
        return Media(str(self._path), {}, is_whole=True)

    def skew(self, *, again: bool) -> float | None:  # noqa: ARG002
        return None

    def ears(self) -> Mute:
        return Mute()

    def close(self) -> None:
        if self._media is not None:
            self._media.close()
            self._media = None
