"""Seal and open bytes. Keys and nonces are passed in; algorithms are named by id so that each can be replaced.

At rest: AES-256-GCM per record (NIST SP 800-38D), or ChaCha20-Poly1305 (RFC 8439), or SM4-GCM (RFC 8998), each
with a 96-bit random nonce. On the wire: HPKE base mode
(RFC 9180) with X25519, HKDF-SHA256, AES-256-GCM. Signatures: Ed25519 (RFC 8032). Hash: SHA-256, BLAKE2b.
"""

import hashlib
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = 32
CHAIN_BYTES = 32
SIGNATURE_BYTES = 64
AT_REST = "A256GCM"
WIRE = "HPKE-X25519-A256GCM"
_WIRE_CHACHA = "HPKE-X25519-C20P1305"
WIRE_SM = "X25519-HKDF-SM3-SM4GCM"
_SUITES = {
    WIRE: hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM),
    _WIRE_CHACHA: hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305),
}
WIRE_ALGS = (*_SUITES, WIRE_SM)


class DamagedError(ValueError):
    """The bytes are not what was sealed: wrong key, wrong context, or a flipped bit."""


class Aead(Protocol):
    """Authenticated encryption under one key. `decrypt` raises InvalidTag or ValueError."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...


class Sm4Gcm:
    """SM4-GCM (GB/T 32907, RFC 8998), which the library has as cipher and mode only."""

    def __init__(self, key: bytes) -> None:
        self._key = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """-> ciphertext | tag."""
        coder = Cipher(self._key, modes.GCM(nonce)).encryptor()
        coder.authenticate_additional_data(associated_data or b"")
        return coder.update(data) + coder.finalize() + coder.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        coder = Cipher(self._key, modes.GCM(nonce, data[-TAG_BYTES:], TAG_BYTES)).decryptor()
        coder.authenticate_additional_data(associated_data or b"")
        return coder.update(data[:-TAG_BYTES]) + coder.finalize()


_AEADS: dict[str, tuple[type[AESGCM | ChaCha20Poly1305 | Sm4Gcm], int]] = {
    AT_REST: (AESGCM, 32),
    "C20P1305": (ChaCha20Poly1305, 32),
    "SM4GCM": (Sm4Gcm, 16),
}
"""Algorithms at rest by id, with the bytes of their key."""
AT_REST_ALGS = tuple(_AEADS)


class Profile(StrEnum):
    """A family of algorithms, at rest and on the wire."""

    AES = "aes"
    CHACHA = "chacha"
    SM = "sm"

    @property
    def at_rest(self) -> str:
        """An id of `AT_REST_ALGS`."""
        return {self.AES: AT_REST, self.CHACHA: "C20P1305", self.SM: "SM4GCM"}[self]

    @property
    def wire(self) -> str:
        """An id of `WIRE_ALGS`."""
        return {self.AES: WIRE, self.CHACHA: _WIRE_CHACHA, self.SM: WIRE_SM}[self]


def key_bytes(alg: str) -> int:
    """Length of a data key for an id of `AT_REST_ALGS`."""
    return _AEADS[alg][1]


def cipher(alg: str, key: bytes) -> Aead:
    """Raises DamagedError for an algorithm that is not known here, or a key of another length."""
    if alg not in _AEADS or len(key) != key_bytes(alg):
        raise DamagedError(f"no algorithm {alg} with {len(key)} bytes of key")
    return _AEADS[alg][0](key)


def seal(aead: Aead, nonce: bytes, context: bytes, plain: bytes) -> bytes:
    """-> nonce | ciphertext | tag. `nonce` is 12 fresh random bytes, `context` is authenticated with it."""
    return nonce + aead.encrypt(nonce, plain, context)


def unseal(aead: Aead, context: bytes, sealed: bytes) -> bytes:
    """Inverse of `seal`. Raises DamagedError."""
    try:
        return aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise DamagedError(str(error) or "authentication failed") from error


def wrap(kek: bytes, key: bytes) -> bytes:
    """Wrap a data key with a key-encryption key (RFC 3394)."""
    return aes_key_wrap(kek, key)


def unwrap(kek: bytes, wrapped: bytes) -> bytes:
    """Inverse of `wrap`. Raises DamagedError for another key-encryption key."""
    try:
        return aes_key_unwrap(kek, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise DamagedError(str(error) or "unwrap failed") from error


def record_context(site: str, epoch: bytes, seq: int, dek: int) -> bytes:
    """What a sealed record is bound to: moved to another site, epoch, number or key it does not open."""
    return f"{site}|{epoch.hex()}|{seq}|{dek}".encode()


def seal_batch(wire_key: bytes, header: bytes, plain: bytes, alg: str = WIRE) -> bytes:
    """Seal to the hall's raw X25519 public key by an id of `WIRE_ALGS`; opens only behind the same `header`."""
    if alg == WIRE_SM:
        return seal_sm(X25519PrivateKey.generate().private_bytes_raw(), wire_key, header, plain)
    return _SUITES[alg].encrypt(plain, X25519PublicKey.from_public_bytes(wire_key), header)


def unseal_batch(wire_secret: bytes, header: bytes, sealed: bytes, alg: str = WIRE) -> bytes:
    """Inverse of `seal_batch` with the raw private key. Raises DamagedError."""
    try:
        secret = X25519PrivateKey.from_private_bytes(wire_secret)
        if alg != WIRE_SM:
            return _SUITES[alg].decrypt(sealed, secret, header)
        shared = secret.exchange(X25519PublicKey.from_public_bytes(sealed[:KEY_BYTES]))
        aead, nonce = _sm_keys(shared, sealed[:KEY_BYTES], wire_public(wire_secret))
        return aead.decrypt(nonce, sealed[KEY_BYTES:], header)
    except (InvalidTag, ValueError) as error:
        raise DamagedError(str(error) or "authentication failed") from error


def seal_sm(ephemeral: bytes, wire_key: bytes, header: bytes, plain: bytes) -> bytes:
    """`seal_batch` by WIRE_SM with the raw X25519 private key `ephemeral`, which is never used twice."""
    shared = X25519PrivateKey.from_private_bytes(ephemeral).exchange(
        X25519PublicKey.from_public_bytes(wire_key)
    )
    sent = wire_public(ephemeral)
    aead, nonce = _sm_keys(shared, sent, wire_key)
    return sent + aead.encrypt(nonce, plain, header)


def _sm_keys(shared: bytes, ephemeral: bytes, wire_key: bytes) -> tuple[Sm4Gcm, bytes]:
    """Key and nonce of one sealing; both public keys are bound, as in HPKE's KEM."""
    info = b"MC1 " + WIRE_SM.encode() + ephemeral + wire_key
    derived = HKDF(hashes.SM3(), 16 + NONCE_BYTES, None, info).derive(shared)
    return Sm4Gcm(derived[:16]), derived[16:]


def wire_public(wire_secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(wire_secret).public_key().public_bytes_raw()


def sign(sign_secret: bytes, message: bytes) -> bytes:
    """Ed25519 with a raw 32-byte private key -> 64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(sign_secret).sign(message)


def sign_public(sign_secret: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(sign_secret).public_key().public_bytes_raw()


def verify(sign_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(sign_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(public: bytes) -> str:
    """Short name of a public key: the first 8 bytes of its SHA-256, hex."""
    return hashlib.sha256(public).hexdigest()[:16]


def chain_start(site: str, epoch: bytes, sign_key: bytes) -> bytes:
    """h_0 of an epoch: bound to the site, the epoch and the box's public signing key."""
    return hashlib.sha256(b"|".join((site.encode(), epoch, sign_key))).digest()


def chain_next(previous: bytes, seq: int, record: bytes) -> bytes:
    """h_n = SHA-256(h_{n-1} | seq as 8 bytes big-endian | SHA-256(record bytes))."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + record_hash(record)).digest()


def continues(previous: bytes, seq: int, record: bytes, value: bytes) -> bool:
    """Whether `value` is that of the chain at `record`; so it is taken for where the one before, `previous`, is not known."""
    return not previous or chain_next(previous, seq, record) == value


def record_hash(record: bytes) -> bytes:
    """SHA-256 of a record's bytes, as the chain takes it in and a gap's anchor names it."""
    return hashlib.sha256(record).digest()


def keyed_digest(key: bytes, data: bytes) -> bytes:
    """BLAKE2b-128 keyed per site: equal content is recognisable, its values are not."""
    return hashlib.blake2b(data, digest_size=16, key=key).digest()
