"""The small messages beside batches: hello, welcome, ack, heartbeat, state, orders. Arrays; new fields go last.

Hello, welcome, ack, filed, command, policy, watch and dial are signed (Ed25519): a subscriber does not learn from the broker
who published, and a broker must not be able to make a box forget.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Struct

from common.core import crypto, wire
from common.core.camera import Rect
from common.core.wire import Int32, Int64, Said, Word

Digest = bytes
"""A heartbeat has a field of that name."""
PROTOCOL = 1
_LARGEST = 1e15


class Hello(Struct, array_like=True, frozen=True):
    """A box introduces its epoch. Repeated until welcomed."""

    site: Word
    generation: Int32
    epoch: bytes
    connection: Word  # random per connection; the will carries the same
    version: Word
    newest: Int64  # highest number given, 0 if none
    head_hash: bytes  # chain value at `newest`
    at_wall: Int64
    differs_at: Int64 = 0  # the box's chain value there is not the one that a welcome named; 0: nowhere


class Welcome(Struct, array_like=True, frozen=True):
    """What the hall holds of the epoch. `refused` is empty or a code (`superseded`, `retired`, `fork`, ...)."""

    epoch: bytes
    connection: Word
    upto: Int64
    ranges: list[tuple[Int64, Int64]]
    wire_key: bytes
    credit_bytes: Int64
    now_wall: Int64
    now_at: Int64
    refused: Word = ""
    draining: bool = False  # another box has taken over: deliver the backlog, on the bulk lane
    asked_wall: Int64 = 0  # `at_wall` of the hello that this answers
    upto_hash: bytes = b""  # chain value at `upto`; empty: not known


class Nack(Struct, array_like=True, frozen=True):
    """Numbers `first..last` were not taken; permanent ones are kept aside by both sides."""

    first: Int64
    last: Int64
    code: Word
    permanent: bool


class Ack(Struct, array_like=True, frozen=True):
    """A statement of state after the hall's commit; may be repeated, reordered, merged freely."""

    epoch: bytes
    upto: Int64
    ranges: list[tuple[Int64, Int64]]
    nacks: list[Nack]
    credit_bytes: Int64
    now_wall: Int64
    asked_wall: Int64 = 0  # `created_wall` of a batch that this answers; 0: not said
    upto_hash: bytes = b""  # chain value at `upto`; empty: not known


class Heartbeat(Struct, array_like=True, frozen=True):
    """Lag and health figures of a box, from its tables. Ages are seconds of monotonic or wall time."""

    connection: Word
    epoch: bytes
    newest: Int64
    upto: Int64
    rows: Int64  # records waiting
    bytes: Int64
    oldest_unsent_age_s: float
    capture_ok_age_s: float | None  # None: never since start
    source_fault: Said  # empty, or the Chinese sentence the doctor prints
    quarantined: Int64
    ack_rtt_ms: float | None
    disk_percent: float
    state: Word  # upload machine's state word
    at_wall: Int64
    version: Word
    buffer_percent: float = 0.0  # of the room the box's buffer may take
    agent_fault: Said = ""  # empty, or why the box itself does not collect, in Chinese
    offset_ms: float | None = None  # the hall's clock less the box's; None: not compared yet
    offset_err_ms: float = 0.0
    agent_notice: Said = ""  # empty, or what is wrong with it although it collects
    policy_version: Int64 = 0  # in force; 0: none
    policy_fault: Said = ""  # empty, or why a newer one is not, in Chinese
    lacking: Int64 = -1  # numbers the hall does not hold, as it has told the box; -1: not said
    policy_seen: Int64 = 0  # the highest number of a policy that was taken, or taken back; 0: none
    policy_digest: Digest = b""  # `identity` of that policy; empty: none


class State(Struct, array_like=True, frozen=True):
    """Birth and will, retained. A will whose connection is not the newest is ignored."""

    connection: Word
    online: bool
    epoch: bytes
    version: Word


class Command(Struct, array_like=True, frozen=True):
    """Something a box is to do once, before `expires_wall` of the hall's clock."""

    id: Word  # 32 hexadecimal digits, random
    site: Word
    act: Word  # common.core.act.Act; one that is unknown is refused
    args: dict[str, Int64]
    issued_wall: Int64
    expires_wall: Int64
    generation: Int32  # of the box that is meant: one that it replaced may still listen
    why: Said = ""  # shown where the command has a lasting effect
    subject: Word = ""  # what of the site is meant: a camera's id


class Filed(Struct, array_like=True, frozen=True):
    """What the hall did with a picture of the media lane: `held`, `unknown` (no record names it yet) or `refused`."""

    sha256: Digest
    code: Word


class Wanted(Struct, array_like=True, frozen=True):
    """One camera that somebody is looking at. `ticket`: 16 bytes by which the box's connection is known; `plain`: nothing is
    to be hidden."""

    camera: Word
    ticket: bytes
    plain: bool = False


MOST_DRAWN, MOST_CAMERAS = 16, 64


class Watch(Struct, array_like=True, frozen=True):
    """All that somebody is looking at now, until `until_wall` of the hall's clock. Repeated; what it does not name ends."""

    site: Word
    generation: Int32
    until_wall: Int64
    address: Word  # where the box dials: ws:// or wss://
    wanted: Annotated[list[Wanted], msgspec.Meta(max_length=MOST_CAMERAS)]


class Dial(Struct, array_like=True, frozen=True):
    """The first frame of a box on its media connection."""

    site: Word
    generation: Int32
    camera: Word
    ticket: bytes


class DrawnSeat(Struct, array_like=True, frozen=True):
    """The region in which somebody is to sit."""

    id: Word
    box: Rect
    name: Word = ""


class Drawn(Struct, array_like=True, frozen=True):
    """What was drawn on one camera's still at the hall. Zones come beside the box's own; a seat takes the place of the box's own
    of the same id."""

    camera: Word
    zones: Annotated[list[Rect], msgspec.Meta(max_length=MOST_DRAWN)]
    seats: Annotated[list[DrawnSeat], msgspec.Meta(max_length=MOST_DRAWN)]


class Policy(Struct, array_like=True, frozen=True):
    """What the hall wishes of a box's delivery and cameras; nothing of it stands in the box's own files."""

    site: Word
    version: Int64  # a higher one replaces a lower one
    bulk_bytes_per_sec: Int64 = 0  # of backlog; 0: as much as the line takes
    linger_ms: Int64 = 0  # how long a live row may wait for others to travel with
    cameras: Annotated[list[Drawn], msgspec.Meta(max_length=MOST_CAMERAS)] = []


class CentralState(Struct, array_like=True, frozen=True):
    """The hall is there, or was: another `instance` may hold less than the one before."""

    online: bool
    instance: Word
    wait_ms: Int64 = (
        0  # how long what arrives now waits for its commit, as the hall reckons; 0: not worth a word
    )


class Signed(Struct, array_like=True, frozen=True):
    """`body` is the MessagePack of one message above, exactly as signed."""

    body: bytes
    key: Word
    signature: bytes


_encoder = msgspec.msgpack.Encoder()
Message = TypeVar("Message", bound=Struct)


def encode(message: Struct) -> bytes:
    return _encoder.encode(message)


def decode(kind: type[Message], raw: bytes) -> Message:
    """Raises msgspec.DecodeError (a ValueError)."""
    value = wire.decode(msgspec.msgpack.Decoder(kind), raw)
    floats = (item for item in msgspec.structs.astuple(value) if isinstance(item, float))
    if not all(-_LARGEST < item < _LARGEST for item in floats):  # false for nan too
        raise msgspec.DecodeError("a number that is none, or beyond all measure")
    return value


def identity(policy: Policy) -> bytes:
    """What tells a policy from another of the same number: 16 bytes of its digest."""
    return _identity(_encoder.encode(policy))


def signed_identity(raw: bytes) -> bytes:
    """The same of a policy as it was signed, of which this version may not know every field. May raise ValueError."""
    return _identity(decode(Signed, raw).body)


def _identity(body: bytes) -> bytes:
    return crypto.record_hash(body)[:16]


def encode_signed(message: Struct, purpose: str, sign_secret: bytes) -> bytes:
    """`purpose` (the topic) is signed along, so that a message cannot be replayed as another kind."""
    body = _encoder.encode(message)
    signature = crypto.sign(sign_secret, purpose.encode() + b"\0" + body)
    return _encoder.encode(Signed(body, crypto.key_id(crypto.sign_public(sign_secret)), signature))


def decode_signed(kind: type[Message], purpose: str, sign_key: bytes, raw: bytes) -> Message:
    """Raises ValueError for a wrong signature or an undecodable message."""
    signed = decode(Signed, raw)
    if not crypto.verify(sign_key, purpose.encode() + b"\0" + signed.body, signed.signature):
        msg = f"signature of {purpose} by {signed.key} does not verify"
        raise ValueError(msg)
    return decode(kind, signed.body)
