"""The box's signature under its chain (PROTOCOL.md section 7)."""

from common.core import crypto
from common.core.record import Checkpoint

EVERY_RECORDS = 1_000
EVERY_SECS = 600


def signed(
    sign_secret: bytes, site: str, epoch: bytes, seq: int, chain: bytes, at_wall: int, *, former: bool = False
) -> Checkpoint:
    """State that the chain value of `epoch` at `seq` is `chain`. `sign_secret`: the box's raw Ed25519 key.

    `former`: the record will lie in a later epoch of the box.
    """
    message = _message(site, epoch, seq, chain, at_wall)
    signature = crypto.sign(sign_secret, message)
    return Checkpoint(seq, chain, at_wall, signature, epoch if former else b"")


def is_signed_by(sign_key: bytes, site: str, epoch: bytes, checkpoint: Checkpoint) -> bool:
    """Whether the box with the raw public key `sign_key` made it; `epoch`: the one in which it lies."""
    message = _message(site, checkpoint.epoch or epoch, checkpoint.seq, checkpoint.chain, checkpoint.at_wall)
    return crypto.verify(sign_key, message, checkpoint.signature)


def _message(site: str, epoch: bytes, seq: int, chain: bytes, at_wall: int) -> bytes:
    numbers = seq.to_bytes(8, "big") + at_wall.to_bytes(8, "big", signed=True)
    return b"|".join((b"MC1 checkpoint", site.encode(), epoch)) + numbers + chain
