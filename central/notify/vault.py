"""The channels' secrets 口令: in the database, sealed under a key of the hall's operations key, as second factors are."""

import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from common.core import crypto
from common.core.crypto import AT_REST, NONCE_BYTES, DamagedError
from common.core.errors import ConfigError

NAMES = ("sms", "receipt", "modem", "mail", "chat")
"""What has a secret: the gateway, the address of its receipts, the card's PIN, the mail account, the group's address."""


def sealed(sign_secret: bytes, name: str, text: str) -> bytes:
    """`sign_secret`: the hall's raw operations key."""
    return crypto.seal(_cipher(sign_secret), secrets.token_bytes(NONCE_BYTES), _context(name), text.encode())


def opened(sign_secret: bytes, name: str, kept: bytes | None) -> str:
    """Empty where none is kept. Raises ConfigError where it was sealed under another key of the hall."""
    if kept is None:
        return ""
    try:
        return crypto.unseal(_cipher(sign_secret), _context(name), kept).decode()
    except DamagedError as error:
        raise ConfigError(
            f"通道 {name} 的口令打不开：操作密钥换过", hint=f"请重新写入  mingcha message secret {name}"
        ) from error


def _cipher(sign_secret: bytes) -> crypto.Aead:
    key = HKDF(hashes.SHA256(), 32, None, b"MC1 channel secret").derive(sign_secret)
    return crypto.cipher(AT_REST, key)


def _context(name: str) -> bytes:
    return b"channel|" + name.encode()
