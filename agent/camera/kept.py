"""What is remembered of the cameras over a restart: references and what was told last, in one sealed file.

A reference is a picture of the hall, without the people who moved through it; it never lies on the disk in clear.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.camera.talk import Kept
from agent.core.seat import Empty
from agent.core.votes import Standing
from common.core import crypto
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


class _File(Struct, array_like=True, frozen=True):
    alg: str
    wrapped: bytes
    sealed: bytes


def load(path: Path, keks: Sequence[bytes]) -> dict[str, Camera]:
    """Empty where there is none, and where no key opens it: then everything is learned anew."""
    try:
        file = msgspec.msgpack.decode(path.read_bytes(), type=_File)
        for kek in keks:
            try:
                key = crypto.unwrap(kek, file.wrapped)
            except DamagedError:
                continue
            plain = crypto.unseal(crypto.cipher(file.alg, key), _CONTEXT, file.sealed)
            return msgspec.msgpack.decode(plain, type=dict[str, Camera])
    except (OSError, msgspec.MsgspecError, DamagedError):
        return {}
    return {}


def save(path: Path, cameras: dict[str, Camera], kek: bytes, alg: str) -> None:
    """Under a new key each time; whole or not at all. Raises OSError."""
    key = os.urandom(crypto.key_bytes(alg))
    nonce = os.urandom(crypto.NONCE_BYTES)
    sealed = crypto.seal(crypto.cipher(alg, key), nonce, _CONTEXT, msgspec.msgpack.encode(cameras))
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_bytes(msgspec.msgpack.encode(_File(alg, crypto.wrap(kek, key), sealed)))
    part.replace(path)
