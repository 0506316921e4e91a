"""The second factor 动态口令: six digits of an authenticator app (RFC 6238), with no line to the outside.

The secret lies in the database sealed with a key derived from the hall's operations key, bound to the account's name:
a copy of the database makes no codes. A code is taken once. Between password and code a ticket proves the password.
"""

import base64
import binascii
import hmac
import secrets

import pyotp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from common.core import crypto
from common.core.crypto import AT_REST, NONCE_BYTES, DamagedError
from common.core.instant import MINUTE, SECOND

STEP = 30 * SECOND
REACH = 1
"""Steps that a telephone's clock may be off, either way."""
TICKET_LASTS = 5 * MINUTE


def key_of(sign_secret: bytes) -> bytes:
    """The key under which secrets and tickets are sealed. `sign_secret`: the hall's raw operations key."""
    return HKDF(hashes.SHA256(), 32, None, b"MC1 second factor").derive(sign_secret)


def new_secret() -> str:
    """160 bits in base32, as authenticator apps take them."""
    return pyotp.random_base32()


def picture(secret: str, name: str) -> str:
    """An SVG of the QR code that an app reads."""
    import segno  # its tables take a tenth of the start of every program of the hall

    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="明察")
    return segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff")


def step_of(secret: str, code: str, used: int, now_wall: int) -> int | None:
    """The time step whose code this is, if it is near now and later than `used`; None: it will not do."""
    maker, now = pyotp.TOTP(secret), now_wall // STEP
    found = None
    for step in range(max(now - REACH, 0), now + REACH + 1):
        right = hmac.compare_digest(maker.generate_otp(step).encode(), code.encode())
        if right and step > used:
            found = step
    return found


def sealed(key: bytes, name: str, secret: str) -> bytes:
    return crypto.seal(
        crypto.cipher(AT_REST, key), secrets.token_bytes(NONCE_BYTES), _context(name), secret.encode()
    )


def opened(key: bytes, name: str, kept: bytes) -> str:
    """Raises DamagedError where it was sealed for another name, or under another key of the hall."""
    return crypto.unseal(crypto.cipher(AT_REST, key), _context(name), kept).decode()


def _context(name: str) -> bytes:
    return b"factor|" + name.encode()


def ticket(key: bytes, name: str, now_wall: int) -> str:
    """Says for five minutes that the password of `name` was right."""
    plain = f"{now_wall + TICKET_LASTS}|{name}".encode()
    whole = crypto.seal(crypto.cipher(AT_REST, key), secrets.token_bytes(NONCE_BYTES), b"ticket", plain)
    return base64.urlsafe_b64encode(whole).decode()


def bearer(key: bytes, text: str, now_wall: int) -> str:
    """Whose ticket it is; empty where it is none of ours, or over."""
    try:
        plain = crypto.unseal(crypto.cipher(AT_REST, key), b"ticket", base64.urlsafe_b64decode(text.encode()))
    except (DamagedError, binascii.Error, UnicodeError):
        return ""
    until, _, name = plain.decode().partition("|")
    return name if now_wall < int(until) else ""
