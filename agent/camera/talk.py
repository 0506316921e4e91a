"""What the agent and its camera worker say to each other over two pipes: frames of msgpack, each behind its length.

The worker holds no key of the buffer and no credential of the database. It gets the cameras' passwords by this way alone:
they stand in no argument, no environment and no file of its own.
"""

from typing import BinaryIO

import msgspec
from msgspec import Struct

from agent.core.scene import Reference
from agent.core.seat import Empty, State
from agent.core.votes import Standing

LENGTH = 4
MOST = 8 * 1024 * 1024
"""Of one frame: three references of every camera come in one."""


class Box(Struct, frozen=True):
    """A rectangle in shares of the picture, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


class Kept(Struct, frozen=True):
    """A reference as it is stored: figures, and the median picture as PNG."""

    figures: Reference
    png: bytes


class Given(Struct, frozen=True):
    """One camera to be watched. `view`, `clock`: what was told of it last."""

    id: str
    type: str
    address: str
    user: str
    password: str
    clock_box: Box | None
    patterns: list[Kept]
    view: Standing
    clock: Standing
    seats: dict[str, Box] = {}
    empty: dict[str, list[Empty]] = {}
    sat: dict[str, State] = {}  # what was told of each seat last


class Setup(Struct, frozen=True, tag=True):
    """The first word of the agent."""

    cameras: list[Given]


class Hours(Struct, frozen=True, tag=True):
    """Nobody works from now on, or somebody does: darkness is then no fault."""

    is_closed: bool


class Learn(Struct, frozen=True, tag=True):
    """The view of this camera is another one from now on."""

    camera: str


class Vacant(Struct, frozen=True, tag=True):
    """Nobody is at any seat of this camera now."""

    camera: str


class Sat(Struct, frozen=True):
    """How one seat stands; `detail`: why nothing can be said of it."""

    state: State
    detail: str = ""


class Look(Struct, frozen=True, tag=True):
    """How a camera stands: after each key frame, each change, each try to reach it."""

    camera: str
    at_wall: int
    view: Standing
    clock: Standing
    detail: str = ""  # why the view is so
    clock_detail: str = ""
    frames: int = 0
    opened: int = 0  # times
    stream: str = ""  # what it sends; empty while nothing comes
    gop_secs: float = 0.0
    kbps: float = 0.0
    references: int = 0
    skew: float | None = None
    figures: dict[str, float] = {}
    seats: dict[str, Sat] = {}


class Learned(Struct, frozen=True, tag=True):
    """The references of a camera and of its seats as they are now; none after `Learn`."""

    camera: str
    patterns: list[Kept]
    empty: dict[str, list[Empty]] = {}


Down = Setup | Hours | Learn | Vacant
Up = Look | Learned
_encoder = msgspec.msgpack.Encoder()
down_decoder = msgspec.msgpack.Decoder(Down)
up_decoder = msgspec.msgpack.Decoder(Up)


def framed(said: Down | Up) -> bytes:
    raw = _encoder.encode(said)
    return len(raw).to_bytes(LENGTH, "big") + raw


def next_down(pipe: BinaryIO) -> Down | None:
    """Blocks; None when the agent has gone. Raises msgspec.DecodeError."""
    head = pipe.read(LENGTH)
    if len(head) < LENGTH:
        return None
    said: Down = down_decoder.decode(pipe.read(int.from_bytes(head, "big")))
    return said
