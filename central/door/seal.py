"""Keys of the public door. What is told of one case opens only by its number and the half that goes with it.

Theory. `lookup` and the key of the content are two HMACs of (kind, number, secret half) under the door's key, so the published
table shows neither numbers nor telephones, nor who has a case: whoever takes the file learns nothing, and whoever takes the key
with it must try each number with ten thousand endings. The door's key is derived from the hall's operations key.
"""

import base64
import binascii
import hashlib
import hmac
import unicodedata
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from central.core.document import LETTERS
from common.core import crypto
from common.core.crypto import AT_REST, CHAIN_BYTES, DamagedError

T = TypeVar("T")
CASE, COMPLAINT, RATE, CONSULT = "case", "complaint", "rate", "consult"
TICKET_LETTERS, WINDOW_LETTERS = 16, 8
_ALIKE = str.maketrans("OIL", "011")
TAIL_DIGITS = 4


class Place(Struct, frozen=True):
    """Where something stands in `told`, and the key that opens it."""

    lookup: bytes
    key: bytes


def key_of(sign_secret: bytes) -> bytes:
    """The door's key. `sign_secret`: the hall's raw operations key."""
    return HKDF(hashes.SHA256(), CHAIN_BYTES, None, b"MC1 public door").derive(sign_secret)


def plain(number: str) -> str:
    """A number as people type it: full width or half, any case, with or without spaces."""
    return "".join(unicodedata.normalize("NFKC", number).split()).upper()


def tail_of(phone: str | None) -> str:
    """The last four digits of a telephone; empty where it has no seven digits."""
    digits = [char for char in unicodedata.normalize("NFKC", phone or "") if char in "0123456789"]
    return "".join(digits[-TAIL_DIGITS:]) if len(digits) >= 7 else ""


def place(door_key: bytes, kind: str, number: str, half: str) -> Place:
    """`half`: the last four digits of the phone, or the code of a complaint."""
    said = "|".join((kind, plain(number), plain(half))).encode()
    return Place(_mac(door_key, b"lookup|" + said), _mac(door_key, b"content|" + said))


def ref(door_key: bytes, kind: str, name: str) -> bytes:
    """Whose a row is, for the hall that replaces it: a keyed hash of the case's or the complaint's own name."""
    return _mac(door_key, f"ref|{kind}|{name}".encode())[:16]


def ticket(door_key: bytes, name: str) -> str:
    """The token by which `name` is rated, as people read it: nobody guesses it, and the hall finds the same one again."""
    value = int.from_bytes(_mac(door_key, f"ticket|{name}".encode())[:10], "big")
    return grouped("".join(LETTERS[value >> 5 * at & 31] for at in range(TICKET_LETTERS)))


def grouped(letters: str) -> str:
    """`7K3M-9QRT`: in fours, for reading out."""
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def letters_of(text: str) -> str:
    """A token or code as people type it: without signs, and with what they mistake put right."""
    return "".join(char for char in plain(text).translate(_ALIKE) if char in LETTERS)


def closed(at: Place, owner: bytes, nonce: bytes, said: bytes) -> bytes:
    """`nonce`: 12 fresh random bytes."""
    return crypto.seal(crypto.cipher(AT_REST, at.key), nonce, at.lookup + owner, said)


def opened(at: Place, owner: bytes, sealed: bytes) -> bytes | None:
    """None: it was sealed for somebody else."""
    try:
        return crypto.unseal(crypto.cipher(AT_REST, at.key), at.lookup + owner, sealed)
    except DamagedError:
        return None


def token(door_key: bytes, purpose: str, said: str) -> str:
    """A proof that we have said something, in hex: forms carry it. What a browser says we did may be any bytes."""
    return _mac(door_key, f"token|{purpose}|{said}".encode(errors="surrogateescape")).hex()[:40]


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, b"MC1 door|" + said, hashlib.sha256)


def carry(door_key: bytes, purpose: str, nonce: bytes, said: bytes) -> str:
    """What a form carries to its next step: nobody reads or changes it on the way. `nonce`: 12 fresh random bytes."""
    aead = crypto.cipher(AT_REST, _mac(door_key, b"carry"))
    return base64.urlsafe_b64encode(crypto.seal(aead, nonce, purpose.encode(), said)).decode()


def carried(door_key: bytes, purpose: str, text: str, kind: type[T]) -> T | None:
    """None: it is none of ours, of another purpose, or of a page that another version of the program made."""
    aead = crypto.cipher(AT_REST, _mac(door_key, b"carry"))
    try:
        plain = crypto.unseal(aead, purpose.encode(), base64.urlsafe_b64decode(text.encode()))
        return msgspec.json.decode(plain, type=kind)
    except (DamagedError, binascii.Error, UnicodeError, msgspec.MsgspecError):
        return None
