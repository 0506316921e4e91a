"""Live pictures on their way from a box by the hall to a browser: how a frame looks, how long a wish holds (PROTOCOL.md 17).

The hall says what somebody is looking at, again and again; what it has not said for `LEASE` nobody is looking at. So a lost
word ends a stream and never keeps one.
"""

from enum import StrEnum

from msgspec import Struct

from common.core.camera import Mask
from common.core.instant import MINUTE, SECOND

LEASE = 12 * SECOND
SAY_EVERY = 4 * SECOND
"""A wish is repeated: two may be lost."""
LONGEST_LEASE = MINUTE
"""Of whatever a hall says, by its own clock."""
TICKET_BYTES = 16
MOST_FRAME = 4 * 1024 * 1024
HEADER = 9


class Kind(StrEnum):
    """What a frame holds."""

    STATE = "S"  # `Shown` as JSON
    PICTURE = "I"  # initialisation of the picture alone
    SOUND = "J"  # initialisation of picture and sound; follows `PICTURE` where there is sound
    KEY = "K"  # fragment that begins with a key frame
    MORE = "F"  # any other fragment of the picture
    AUDIO = "A"  # fragment of the sound


class Shown(Struct, frozen=True):
    """What is to be seen: what of it is hidden, and why nothing or something wrong is to be seen (in Chinese, empty: nothing
    is known against it). `codec`, `sound`: of the streams as a browser names them; empty: none."""

    mask: Mask = Mask.ALL
    codec: str = ""
    sound: str = ""
    fault: str = ""
    wide: int = 0
    high: int = 0


class Frame(Struct, frozen=True):
    """`at`: milliseconds; on the way to the hall the moment of the picture by the hall's clock, on the way to a browser its age."""

    kind: Kind
    at: int
    payload: bytes


def packed(frame: Frame) -> bytes:
    """Kind, eight bytes of time, payload."""
    return frame.kind.value.encode() + max(0, frame.at).to_bytes(8, "big") + frame.payload


def unpacked(raw: bytes) -> Frame:
    """Raises ValueError for what is none."""
    if len(raw) < HEADER:
        raise ValueError("a frame without its header")
    return Frame(Kind(raw[:1].decode("ascii")), int.from_bytes(raw[1:HEADER], "big"), raw[HEADER:])
