"""`mingcha-agent renew`, hourly by its timer, as root: a taken-over agent cannot rewrite its own identity.

The agent reads `node.pem` at every connection, so nothing is reloaded. The key of the next certificate lies on the disk
before it is asked for: a lost answer is asked for again with the same key.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

from common.cli import say
from common.clock import Clock
from common.config import read_secret, read_toml
from common.core.errors import ConfigError
from common.core.instant import to_us
from provisioning import enrol_client, pki, units
from provisioning.box_files import AGENT, HALL, NODE, PKI, USER
from provisioning.core import renewal
from provisioning.core.messages import Identity, RenewRequest
from provisioning.core.renewal import Validity
from provisioning.enrol_client import RefusedError
from provisioning.files import write_file

_NEXT = PKI / "node.renewed.key"
_NOT_DUE = "✓ 证书还不到续期的时候"
_REFUSED = PKI / "not-renewed"
"""Code, words and remedy of the hall's refusal, for the doctor."""


def renew(*, even_if_early: bool) -> None:
    """Raises ConfigError where the box has no identity, RefusedError, UnavailableError."""
    if not NODE.exists() or not HALL.exists():
        raise ConfigError("本机还没有登记", hint="请执行市中心印出的命令")
    leaf = pki.read_leaf(NODE)
    validity, seed = validity_of(leaf), leaf.serial_number % 1009
    if not even_if_early and not renewal.is_due(validity, Clock().wall(), seed):
        say(_NOT_DUE)
        return
    key = pki.read_key(NODE)
    if not _NEXT.exists():
        write_file(_NEXT, pki.new_node_key())
    following = pki.read_key(_NEXT)
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(following, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    asked = RenewRequest(
        leaf=leaf.public_bytes(serialization.Encoding.PEM).decode(),
        csr=csr.decode(),
        proof=key.sign(csr, ECDSA(hashes.SHA256())),
        now_wall=Clock().wall(),
    )
    hall = read_secret(HALL, "市中心的地址").decode().split()[0]
    try:
        found = enrol_client.ask(hall, "/renew", PKI / "ca.pem", asked, Identity)
    except RefusedError as error:
        if error.code != "not_due":
            write_file(_REFUSED, f"{error.code}\n{error}\n{error.hint}\n".encode())
            units.own(_REFUSED, "root", USER, 0o640)
            raise
        say(_NOT_DUE)
        return
    _REFUSED.unlink(missing_ok=True)
    write_file(NODE, pki.key_pem(following) + found.chain.encode(), 0o600)
    units.own(NODE, "root", USER, 0o640)
    _NEXT.unlink()
    say(f"✓ 证书已续期：{read_toml(AGENT).get('site')}.{found.generation}，下次连接时使用")


def validity_of(leaf: x509.Certificate) -> Validity:
    return Validity(to_us(leaf.not_valid_before_utc), to_us(leaf.not_valid_after_utc))
