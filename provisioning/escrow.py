"""A box's master key for the hall's keeping: sealed here for a key that only root of the hall has (`safekeeping.py`).

For the day on which the box cannot open its own: another board, another TPM, `credential.secret` lost. Without it the buffer
is set aside and read again from the source; what the source has changed since then is what this saves.
"""

from pathlib import Path

from common import sealed
from common.config import read_secret, read_toml
from common.core import crypto
from common.core.errors import ConfigError
from provisioning.core.messages import Escrow, escrow_of
from provisioning.files import write_file

KEY = "escrow.pub"
"""In the box's folder of identity: the hall's public key, as it was told at enrolment. The door cannot name another later."""
_DONE = "escrowed"


def owed(pki: Path, config: Path) -> Escrow | None:
    """What the hall has not been given yet; None where it has, or the box knows no escrow key, or cannot open its own."""
    if not (pki / KEY).exists():
        return None
    found = read_toml(config)
    place = found.get("identity", {}).get("master_key")
    if not place:
        return None
    try:
        master = sealed.read(config.parent / place, "缓存主密钥")
    except ConfigError:
        return None  # the doctor says it (E-ID-07)
    key = crypto.key_id(master)
    if _mark(pki).exists() and _mark(pki).read_text("ascii") == key:
        return None
    public = read_secret(pki / KEY, "市中心的托管公钥")
    return Escrow(key, crypto.seal_batch(public, escrow_of(str(found["site"])), master))


def given(pki: Path, escrow: Escrow) -> None:
    """The hall has it."""
    write_file(_mark(pki), escrow.key.encode(), 0o640)


def _mark(pki: Path) -> Path:
    return pki / _DONE
