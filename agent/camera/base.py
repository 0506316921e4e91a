"""The seam to a camera. Blocking, for a thread of its own; every call has a hard limit of its own.

An adapter translates every error of its library at its edge into `LineError`, which names the first cause, and lets no
password into a text (FFmpeg and PyAV put the whole address into theirs). A camera that has failed may be opened again.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from agent.camera.picture import Colour, Grey
from common.core.camera import View
from common.core.errors import UnavailableError

if TYPE_CHECKING:
    from agent.camera.media import Media

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
    head: bytes = b""  # what its decoder must know beforehand


class KeyFrame(Struct, frozen=True):
    """One decoded key frame, of its true size, which a stream that was opened in haste does not know yet. `bytes`: of the packets since the one before, `gap_secs` of media time between the two.
    `colour`: makes the picture for people of it, at most 1280 wide; asked for only where a still is wanted. `gop`: PyAV's packets
    from the key frame before up to this one, so much of them as `media.py` keeps."""

    grey: Grey
    colour: Callable[[], Colour]
    bytes: int
    corrupt: int
    gap_secs: float
    gop: list[Any]
    wide: int
    high: int


class Heard(Struct, frozen=True):
    """What a camera itself said last, in office time; 0: never. `trouble`: why it is not listened to; empty: it is, or has
    nothing to say."""

    tamper_at: int = 0
    motion_at: int = 0
    trouble: str = ""


class Ears(Protocol):
    """Listens to one camera's own events, in a thread of its own. `may_listen`: the camera has let the watching thread in, so a
    wrong password is not tried twice over."""

    may_listen: bool
    heard: Heard

    def is_witness(self, mono: int) -> bool:
        """Whether the camera says that somebody tampers with it, lately enough to count."""

    def run(self) -> None:
        """For ever, or until `leave`."""

    def leave(self) -> None:
        """By another thread: give up what is held at the camera."""


class Mute:
    """Ears for a camera that has no events."""

    heard = Heard()

    def __init__(self) -> None:
        self.may_listen = False

    def is_witness(self, mono: int) -> bool:  # noqa: ARG002
        return False

    def run(self) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        """Nothing is held."""


def leave(ears: Sequence[Ears], within_secs: float) -> None:
    """Give up what is held at all cameras, all at once."""
    ways = [threading.Thread(target=item.leave, daemon=True) for item in ears]
    for way in ways:
        way.start()
    due = time.monotonic() + within_secs
    for way in ways:
        way.join(max(0.0, due - time.monotonic()))


class Camera(Protocol):
    """One camera; `open`, then `frames` until it raises or is closed."""

    def open(self) -> Stream:
        """Connect. Raises LineError within `OPEN_SECS` of each step."""

    def frames(self) -> Iterator[KeyFrame]:
        """Key frames for ever. Raises LineError at latest `KEYLESS_SECS` after the last one; ends with a file."""

    def whole(self) -> "Media":
        """The stream that people see, every frame of it, by another connection; whoever asked closes it. Raises LineError."""

    def skew(self, *, again: bool) -> float | None:
        """Seconds by which the camera's clock is ahead of this box's, as at the last opening or asked `again`; None: it
        has none to ask for. Raises LineError."""

    def ears(self) -> Ears:
        """For its own events."""

    def close(self) -> None:
        """Idempotent."""
