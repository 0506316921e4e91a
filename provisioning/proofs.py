"""Whether a request proves what it claims: the new key, the signing key, the certificate that is to be renewed."""

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from common.core import crypto
from provisioning import pki
from provisioning.core.enrolment import Refusal
from provisioning.core.messages import Ask, EnrolRequest, RenewRequest, asked_of


class RefusedError(Exception):
    """The box is answered with `refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


def key_hash(key: EllipticCurvePublicKey) -> bytes:
    """What the hall knows a key by."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def enrolling_key(asked: EnrolRequest) -> EllipticCurvePublicKey:
    """The public key, for which the box has the private one, as it has the signing key's. Raises RefusedError."""
    key = _requested(asked.csr)
    if not crypto.verify(asked.sign_key, asked.csr.encode(), asked.proof):
        raise RefusedError(Refusal.POP_FAILED)
    return key


def renewing_key(asked: RenewRequest, ca: pki.Authority) -> tuple[x509.Certificate, EllipticCurvePublicKey]:
    """Our certificate that the box has the key of, and its next public key. Raises RefusedError."""
    key = _requested(asked.csr)
    try:
        leaf = x509.load_pem_x509_certificate(asked.leaf.encode())
        former = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RefusedError(Refusal.UNKNOWN_CERT) from error
    if not pki.is_ours(ca, leaf) or not isinstance(former, EllipticCurvePublicKey):
        raise RefusedError(Refusal.UNKNOWN_CERT)
    try:
        former.verify(asked.proof, asked.csr.encode(), ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise RefusedError(Refusal.POP_FAILED) from error
    return leaf, key


def asking_leaf(asked: Ask, ca: pki.Authority) -> x509.Certificate:
    """Our certificate of the box that signed what it says. Raises RefusedError."""
    try:
        leaf = x509.load_pem_x509_certificate(asked.leaf.encode())
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RefusedError(Refusal.UNKNOWN_CERT) from error
    if not pki.is_ours(ca, leaf) or not isinstance(key, EllipticCurvePublicKey):
        raise RefusedError(Refusal.UNKNOWN_CERT)
    try:
        key.verify(asked.proof, asked_of(asked.value), ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise RefusedError(Refusal.POP_FAILED) from error
    return leaf


def _requested(csr: str) -> EllipticCurvePublicKey:
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
        is_signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise RefusedError(Refusal.CSR_BAD) from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise RefusedError(Refusal.CSR_BAD)
    if not is_signed:
        raise RefusedError(Refusal.POP_FAILED)
    return key
