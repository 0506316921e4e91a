"""What the agent and its camera worker say to each other over two pipes: frames of msgpack, each behind its length.

The worker holds no key of the buffer and no credential of the database. It gets the cameras' passwords by this way alone:
they stand in no argument, no environment and no file of its own.
"""

from typing import BinaryIO

import msgspec
from msgspec import Struct

from agent.core.scene import MEASURE, Reference
from agent.core.seat import Empty, State
from agent.core.votes import Standing
from common.clock import ClockConfig
from common.core.camera import Mask

LENGTH = 4
MOST = 8 * 1024 * 1024
"""Of one frame: three references of every camera come in one."""


ENDS = {
    70: "一台摄像机使解码卡死",
    71: "内存超出限额",
    72: "没有听懂主程序的话",
    -9: "被杀死",
    -11: "解码程序崩溃",
    -6: "解码程序中止",
}
"""What the worker's exit code says."""


class Box(Struct, frozen=True):
    """A rectangle in shares of the picture, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


class Kept(Struct, frozen=True):
    """A reference as it is stored: figures, and the median picture as PNG. `measure`: by which the figures were taken
    (`scene.MEASURE`); 0: by a release that did not say."""

    figures: Reference
    png: bytes
    measure: int = 0

    @property
    def is_stale(self) -> bool:
        """Of another measure than this release's: to be learned anew."""
        return self.measure != MEASURE or self.figures.frames == 0


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
    zones: list[Box] = []
    mask: Mask = Mask.PEOPLE
    live_address: str = ""  # rtsp: of the stream that people see; empty: the one that is examined


class Setup(Struct, frozen=True, tag=True):
    """The first word of the agent."""

    cameras: list[Given]
    clock: ClockConfig = ClockConfig()
    model: str = ""  # file of the model that finds faces; empty: there is none
    model_sha256: str = ""


class Hours(Struct, frozen=True, tag=True):
    """Nobody works from now on, or somebody does: darkness is then no fault."""

    is_closed: bool


class Learn(Struct, frozen=True, tag=True):
    """The view of this camera is another one from now on."""

    camera: str


class Vacant(Struct, frozen=True, tag=True):
    """Nobody is at any seat of this camera now."""

    camera: str


class Clocked(Struct, frozen=True, tag=True):
    """Somebody has put this camera's clock right: it is to be looked at now."""

    camera: str


class Redraw(Struct, frozen=True, tag=True):
    """The regions of this camera are these from now on; one that stays where it was keeps what it has learned."""

    camera: str
    zones: list[Box]
    seats: dict[str, Box]


class Shoot(Struct, frozen=True, tag=True):
    """Take a still of the next key frame, or a clip around it. `number`: by which it is known again; `plain`: nothing is to be
    hidden."""

    camera: str
    number: str
    plain: bool = False
    clip: bool = False


class Film(Struct, frozen=True):
    """One camera that somebody is looking at. `url`: where its pictures go; `dial`: the first frame there; `kbps`: what picture
    and sound may take of the line; 0: nothing is sent, and `fault` or that there is no room is said."""

    camera: str
    url: str
    dial: bytes
    kbps: int
    plain: bool = False
    fault: str = ""


class Films(Struct, frozen=True, tag=True):
    """All that is to be sent live from now on. `offset`: microseconds by which the hall's clock is ahead; `ca`, `node`: files of
    the encrypted line, empty: a plain one; `is_held`: nothing goes out meanwhile, records do."""

    films: list[Film]
    offset: int
    ca: str = ""
    node: str = ""
    is_held: bool = False


class Shot(Struct, frozen=True, tag=True):
    """The still, or the clip of `millis`. `at_mono`: monotonic time of its first frame, which is the same to every process of one
    boot; `skew`: seconds by which the camera's clock was ahead when it was asked last; `fault`: why there is none."""

    camera: str
    number: str
    body: bytes
    wide: int
    high: int
    at_mono: int
    mask: Mask
    skew: float | None
    millis: int = 0
    fault: str = ""


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
    gop_least: float = 0.0  # of the last distances between key frames; 0: too few of one connection yet
    gop_most: float = 0.0
    kbps: float = 0.0
    references: int = 0
    skew: float | None = None
    figures: dict[str, float] = {}
    seats: dict[str, Sat] = {}
    mask: Mask = Mask.ALL  # what of a still would be hidden now
    tamper_at: int = (
        0  # when the camera's own alarm said last that somebody tampers with it; 0: never, or it has none
    )
    motion_at: int = 0  # when it said last that something moves
    profiles: int = 0  # streams that it offers; 0: it cannot be asked
    deaf: str = ""  # why its own events are not heard
    faces: str = ""  # why the model that finds faces cannot be used: then everything is hidden


class Learned(Struct, frozen=True, tag=True):
    """The references of a camera and of its seats as they are now; none after `Learn`."""

    camera: str
    patterns: list[Kept]
    empty: dict[str, list[Empty]] = {}
    boxes: dict[str, Box] = {}  # of the seats


Down = Setup | Hours | Learn | Vacant | Clocked | Redraw | Shoot | Films
Up = Look | Learned | Shot
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
