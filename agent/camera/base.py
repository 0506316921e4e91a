"""The seam to a camera. Blocking, for a thread of its own; every call has a hard limit of its own.

An adapter translates every error of its library at its edge into `LineError`, which names the first cause, and lets no
password into a text (FFmpeg and PyAV put the whole address into theirs). A camera that has failed may be opened again.
"""

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from agent.camera.picture import Grey
from common.core.camera import View
from common.core.errors import UnavailableError

OPEN_SECS = 5.0
SILENT_SECS = 5.0
"""So long without a packet, and the stream has stalled."""
KEYLESS_SECS = 20.0
"""So long without a key frame, and there is no video to examine."""


class LineError(UnavailableError):
    """No picture is to be had; `view` is the first cause."""

    def __init__(self, view: View, detail: str) -> None:
        super().__init__(f"{view.word}：{detail}", hint=view.remedy)
        self.view = view
        self.detail = detail


class Stream(Struct, frozen=True):
    """What a camera sends. `gop_secs`: between two key frames, 0: not known yet; `maker`: as it names itself."""

    codec: str
    width: int
    height: int
    audio: str = ""
    maker: str = ""
    profiles: int = 0


class KeyFrame(Struct, frozen=True):
    """One decoded key frame. `bytes`: of the packets since the one before, `gap_secs` of media time between the two."""

    grey: Grey
    bytes: int
    corrupt: int
    gap_secs: float


class Camera(Protocol):
    """One camera; `open`, then `frames` until it raises or is closed."""

    def open(self) -> Stream:
        """Connect. Raises LineError within `OPEN_SECS` of each step."""

    def frames(self) -> Iterator[KeyFrame]:
        """Key frames for ever. Raises LineError at latest `KEYLESS_SECS` after the last one; ends with a file."""

    def skew(self, *, again: bool) -> float | None:
        """Seconds by which the camera's clock is ahead of this box's, as at the last opening or asked `again`; None: it
        has none to ask for. Raises LineError."""

    def close(self) -> None:
        """Idempotent."""
