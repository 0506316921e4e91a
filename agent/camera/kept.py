"""What is remembered of the cameras over a restart: references and what was told last, in one sealed file.

A reference is a picture of the hall, without the people who moved through it; it never lies on the disk in clear.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from agent import vault
from agent.camera.talk import Box, Kept
from agent.core.seat import Empty
from agent.core.votes import Standing
from common.core.crypto import DamagedError
from common.core.record import SeatState

_CONTEXT = b"mingcha cameras 1"


class Camera(Struct, frozen=True):
    """One camera; `seen_at`: office time at which it was last looked at."""

    view: Standing
    clock: Standing
    seen_at: int
    patterns: list[Kept] = []
    empty: dict[str, list[Empty]] = {}
    seats: dict[str, SeatState] = {}  # as they were told last
    boxes: dict[str, Box] = {}  # of the regions whose empty pictures are kept


def load(path: Path, keks: Sequence[bytes]) -> dict[str, Camera]:
    """Empty where there is none, and where no key opens it: then everything is learned anew."""
    try:
        return msgspec.msgpack.decode(vault.read(path, keks, _CONTEXT), type=dict[str, Camera])
    except (OSError, msgspec.MsgspecError, DamagedError):
        return {}


def save(path: Path, cameras: dict[str, Camera], kek: bytes, alg: str) -> None:
    """Whole or not at all. Raises OSError."""
    vault.write(path, msgspec.msgpack.encode(cameras), kek, alg, _CONTEXT)
