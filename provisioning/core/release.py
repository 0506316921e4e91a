"""A signed release: what a manifest says, who signed it, and whether a box may take it (provisioning.md 3.7, 3.8).

The release key is kept offline, where releases are made. A hall hands releases on, and cannot make one. Beside it goes the
public half of a second key, kept elsewhere: when the first is lost or stolen, the next release is signed with the second, and
names the keys that count from then on. Keys are kept as bytes, one behind the other.
"""

import msgspec
from msgspec import Struct

from common.core import crypto
from common.core.errors import RejectedError

_MANIFEST = b"mingcha.release/1\0"


class Manifest(Struct, frozen=True):
    """`sha256` is of the archive `file`, `sums` of the tree's list of hashes. `made_wall`: when it was made, UTC."""

    version: str
    release: str
    arch: str
    file: str
    sha256: str
    size: int
    sums: str
    made_wall: int
    buffer_format: int
    """Of the buffer that it writes."""
    keys: list[bytes] = []
    """By which releases are known from this one on, each 32 bytes; empty: by the same as before."""


class Signed(Struct, frozen=True):
    """A value as bytes, and the signature over them."""

    value: bytes
    signature: bytes


def sealed(manifest: Manifest, release_secret: bytes) -> bytes:
    """-> the file that goes with the archive."""
    value = msgspec.json.encode(manifest)
    return msgspec.json.encode(Signed(value, crypto.sign(release_secret, _MANIFEST + value)))


def opened(raw: bytes, release_keys: bytes) -> Manifest:
    """Raises RejectedError for what none of these keys has signed."""
    size = crypto.KEY_BYTES
    keys = [release_keys[at : at + size] for at in range(0, len(release_keys), size)]
    try:
        signed = msgspec.json.decode(raw, type=Signed)
        if not any(crypto.verify(key, _MANIFEST + signed.value, signed.signature) for key in keys):
            raise RejectedError("发行包的签名不对", hint="只用发行方给的介质；疑似被改动，请向发行方核实")
        return msgspec.json.decode(signed.value, type=Manifest)
    except msgspec.MsgspecError as error:
        raise RejectedError("发行包的说明读不出", hint="请重新取得发行介质") from error


def numbers(version: str) -> tuple[int, ...]:
    """`0.10.2` -> (0, 10, 2): versions in their order. What is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))
