"""One sealed file beside the buffer: under a data key of its own, which the master key wraps, bound to what it is for.

What lies in it is a picture of the hall, or was made of one; it never lies on the disk in clear.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from common.core import crypto
from common.core.crypto import DamagedError


class _File(Struct, array_like=True, frozen=True):
    alg: str
    wrapped: bytes
    sealed: bytes


def read(path: Path, keks: Sequence[bytes], context: bytes) -> bytes:
    """Raises OSError, DamagedError where no key opens it."""
    try:
        file = msgspec.msgpack.decode(path.read_bytes(), type=_File)
    except msgspec.MsgspecError as error:
        raise DamagedError(str(error)) from error
    for kek in keks:
        try:
            key = crypto.unwrap(kek, file.wrapped)
        except DamagedError:
            continue
        return crypto.unseal(crypto.cipher(file.alg, key), context, file.sealed)
    raise DamagedError("no key opens this file")


def write(path: Path, plain: bytes, kek: bytes, alg: str, context: bytes) -> None:
    """Under a new key each time; whole or not at all. Raises OSError."""
    key = os.urandom(crypto.key_bytes(alg))
    sealed = crypto.seal(crypto.cipher(alg, key), os.urandom(crypto.NONCE_BYTES), context, plain)
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_bytes(msgspec.msgpack.encode(_File(alg, crypto.wrap(kek, key), sealed)))
    part.replace(path)
