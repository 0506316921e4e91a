"""The city's own CA, and the files that make a process somebody: root -> intermediate -> leaves, EC P-256.

A key and its certificates are one file, written whole, so that they cannot mismatch; what is there is kept, so
that every step may be repeated. `issue` takes a public key only: a box may keep its private key to itself.
"""

import hashlib
import ipaddress
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from common import sealed
from common.config import read_secret
from common.core import crypto
from common.core.errors import ConfigError
from common.core.instant import from_us, to_us
from provisioning.core.identity import INGEST, Box
from provisioning.files import PUBLIC, write_file

ROOT_DAYS = 20 * 365
INTERMEDIATE_DAYS = 10 * 365
LEAF_DAYS = 30
SERVER_DAYS = 825
BACKDATE_DAYS = 2
"""A peer whose clock is somewhat slow accepts what was issued just now."""
_UTC = ZoneInfo("UTC")


class Authority(Struct, frozen=True):
    """What signs leaves: the intermediate's key and certificate; and the root, which everybody trusts."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate
    root: x509.Certificate


class Subject(Struct, frozen=True):
    """What a leaf says. `names` are its URI, DNS names and addresses; `server`: it listens, else it calls."""

    name: str
    names: tuple[x509.GeneralName, ...] = ()
    days: int = LEAF_DAYS
    server: bool = False


def box_subject(box: Box) -> Subject:
    return Subject(box.name, (x509.UniformResourceIdentifier(box.uri),))


def role_subject(role: str) -> Subject:
    """A worker of the hall, such as `hall.ingest.1`."""
    return Subject(role)


def server_subject(hosts: Sequence[str], name: str = "broker") -> Subject:
    """Who boxes call, under every name and address by which they do."""
    return Subject(name, tuple(_host(host) for host in hosts), SERVER_DAYS, server=True)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


# everything that one place needs ------------------------------------------------------------------------------


def prepare_hall(folder: Path, hosts: Sequence[str], now_wall: int, *, worker: str = INGEST) -> Authority:
    """The hall's CA and keys as `central.toml` expects them in `folder`; the broker's in `folder/broker`, the enrolment
    service's in `folder/enroll`, that of live pictures in `folder/live`.

    Keeps every key that is there; renews a leaf that is due. Raises ConfigError for a damaged file.
    """
    ca = create_ca(folder / "ca", now_wall)
    _keep_key(folder / "wire.key", "市中心的接收私钥")
    operations = _keep_key(folder / "operations.key", "市中心的签名私钥")
    _keep_key(folder / "data.key", "市中心的数据密钥")
    write_file(folder / "hall-sign.pub", crypto.sign_public(operations), PUBLIC)
    escrow = _keep_key(folder / "escrow.key", "托管私钥")
    write_file(folder / "escrow.pub", crypto.wire_public(escrow), PUBLIC)
    for place in (folder, folder / "broker"):
        write_file(place / "ca.pem", _pem(ca.root), PUBLIC)
    keep_node(folder / "node.pem", ca, role_subject(worker), now_wall)
    keep_node(folder / "broker" / "server.pem", ca, server_subject(hosts), now_wall)
    keep_node(folder / "enroll" / "server.pem", ca, server_subject(hosts, "enroll"), now_wall)
    keep_node(folder / "live" / "server.pem", ca, server_subject(hosts, "live"), now_wall)
    return ca


def prepare_box(folder: Path, hall: Path, box: Box, now_wall: int) -> bytes:
    """A box's identity and keys as `agent.toml` expects them in `folder`, by the hall prepared in `hall`.

    -> the public signing key, which the hall registers in its table `box`. Keeps and raises as `prepare_hall`.
    """
    ca = load_ca(hall / "ca")
    sign_secret = _keep_key(folder / "sign.key", "本站点的签名私钥")
    _keep_key(folder / "master.key", "缓存主密钥")
    write_file(folder / "digest.key", digest_key(hall, box.site))
    write_file(folder / "hall-sign.pub", read_secret(hall / "hall-sign.pub", "市中心的签名公钥"), PUBLIC)
    write_file(folder / "ca.pem", _pem(ca.root), PUBLIC)
    keep_node(folder / "node.pem", ca, box_subject(box), now_wall)
    return crypto.sign_public(sign_secret)


def digest_key(hall: Path, site: str) -> bytes:
    """The same for every generation of a site, so that the hall recognises equal content. Made if need be."""
    return _keep_key(hall / "digest" / f"{site}.key", "摘要密钥")


def pin(node: Path) -> str:
    """What `curl --pinnedpubkey` wants of whoever has this key: base64 of the public key's SHA-256."""
    key, _ = _read_node(node)
    raw = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b64encode(hashlib.sha256(raw).digest()).decode()


def keep_node(path: Path, ca: Authority, subject: Subject, now_wall: int) -> None:
    """Private key, leaf and intermediate in one file. Renews the leaf when it is due or does not say `subject`."""
    if path.exists():
        key, chain = _read_node(path)
        if _fits(chain[0], ca, subject, now_wall):
            return
    else:
        key = generate_private_key(SECP256R1())
    write_file(path, key_pem(key) + issue(ca, subject, key.public_key(), now_wall))


def _fits(leaf: x509.Certificate, ca: Authority, subject: Subject, now_wall: int) -> bool:
    try:
        leaf.verify_directly_issued_by(ca.certificate)
        names = tuple(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (ValueError, InvalidSignature):
        return False
    except x509.ExtensionNotFound:
        names = ()
    start, end = to_us(leaf.not_valid_before_utc), to_us(leaf.not_valid_after_utc)
    is_due = now_wall >= start + (end - start) * 2 // 3
    return leaf.subject == _name(subject.name) and names == subject.names and not is_due


def _keep_key(path: Path, what: str) -> bytes:
    """32 random bytes: an Ed25519 or X25519 private key as well as a symmetric one."""
    if not path.exists():
        write_file(path, secrets.token_bytes(crypto.KEY_BYTES))
    key = read_secret(path, what)
    if len(key) != crypto.KEY_BYTES:
        raise ConfigError(f"{what} {path} 已损坏：应为 {crypto.KEY_BYTES} 字节", hint="请从备份恢复该文件")
    return key


# the authority ------------------------------------------------------------------------------------------------


def create_ca(folder: Path, now_wall: int) -> Authority:
    """Make what is missing of root.pem (taken offline later), ca.pem (its certificate alone), intermediate.pem.

    Raises ConfigError for a damaged file, or where the root's key is needed and gone.
    """
    if not (folder / "intermediate.pem").exists():
        root_key, root = _keep_root(folder, now_wall)
        write_file(folder / "ca.pem", _pem(root), PUBLIC)
        key = generate_private_key(SECP256R1())
        names = _name("Mingcha intermediate"), root.subject
        certificate = _certify(root_key, key.public_key(), names, now_wall, INTERMEDIATE_DAYS, _signer(0))
        write_file(folder / "intermediate.pem", key_pem(key) + _pem(certificate))
    return load_ca(folder)


def _keep_root(folder: Path, now_wall: int) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
    path = folder / "root.pem"
    if not path.exists():
        if (folder / "ca.pem").exists():
            raise ConfigError(
                f"缺少根密钥 {path}", hint=f"请把离线保管的 mingcha-root.pem 拷回到 {path} 后重试"
            )
        key, name = generate_private_key(SECP256R1()), _name("Mingcha root")
        root = _certify(key, key.public_key(), (name, name), now_wall, ROOT_DAYS, _signer(1))
        write_file(path, key_pem(key) + _pem(root))
    key, chain = _read_node(path)
    return key, chain[0]


def load_ca(folder: Path) -> Authority:
    """Needs no root key. Raises ConfigError where a file is missing or damaged."""
    key, chain = _read_node(sealed.place(folder / "intermediate.pem"))
    path = folder / "ca.pem"
    try:
        root = x509.load_pem_x509_certificate(read_secret(path, "根证书"))
        chain[0].verify_directly_issued_by(root)
    except (ValueError, InvalidSignature) as error:
        raise ConfigError(f"根证书 {path} 已损坏或不是同一套", hint="请从备份恢复该目录") from error
    return Authority(key, chain[0], root)


def issue(ca: Authority, subject: Subject, public_key: EllipticCurvePublicKey, now_wall: int) -> bytes:
    """-> PEM of the leaf and the intermediate, in this order: what follows the private key in `node.pem`."""
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if subject.server else ExtendedKeyUsageOID.CLIENT_AUTH
    extensions = [
        x509.BasicConstraints(ca=False, path_length=None),
        _usage(signs=False),
        x509.ExtendedKeyUsage([purpose]),
        *([x509.SubjectAlternativeName(subject.names)] if subject.names else []),
    ]
    names = _name(subject.name), ca.certificate.subject
    leaf = _certify(ca.key, public_key, names, now_wall, subject.days, extensions)
    return _pem(leaf) + _pem(ca.certificate)


def _certify(
    signer: EllipticCurvePrivateKey,
    public_key: EllipticCurvePublicKey,
    names: tuple[x509.Name, x509.Name],
    now_wall: int,
    days: int,
    extensions: Sequence[x509.ExtensionType],
) -> x509.Certificate:
    """`names` are the subject's and the issuer's."""
    now = from_us(now_wall, _UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=BACKDATE_DAYS))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    for extension in extensions:
        critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def _signer(path_length: int) -> list[x509.ExtensionType]:
    return [x509.BasicConstraints(ca=True, path_length=path_length), _usage(signs=True)]


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Of an authority (`signs` certificates) or of a leaf (signs handshakes)."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, not encrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def new_node_key() -> bytes:
    """PEM of a private key for a leaf."""
    return key_pem(generate_private_key(SECP256R1()))


def new_sign_key() -> bytes:
    """Raw Ed25519 private key."""
    return secrets.token_bytes(crypto.KEY_BYTES)


def read_key(path: Path) -> EllipticCurvePrivateKey:
    """The private key in a file, alone or with its certificates. Raises ConfigError."""
    try:
        key = serialization.load_pem_private_key(read_secret(path, "私钥"), None)
    except ValueError as error:
        raise ConfigError(f"私钥 {path} 已损坏", hint=f"请删除 {path} 后再执行一次同一条命令") from error
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ConfigError(f"私钥 {path} 不是本程序的", hint=f"请删除 {path} 后再执行一次同一条命令")
    return key


def read_leaf(path: Path) -> x509.Certificate:
    """The certificate of a `node.pem` whose key fits it. Raises ConfigError for a damaged or missing one."""
    return _read_node(path)[1][0]


def node_name(path: Path) -> str:
    """Whose `node.pem` it is, as its certificate says. Raises as `read_leaf`."""
    return name_in(read_leaf(path))


def name_in(leaf: x509.Certificate) -> str:
    """Its common name; empty for a certificate without one."""
    found = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def is_ours(ca: Authority, leaf: x509.Certificate) -> bool:
    """Whether this hall issued it; when does not matter."""
    try:
        leaf.verify_directly_issued_by(ca.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read_node(path: Path) -> tuple[EllipticCurvePrivateKey, list[x509.Certificate]]:
    raw = read_secret(path, "证书与私钥")
    try:
        key = serialization.load_pem_private_key(raw, None)
        chain = x509.load_pem_x509_certificates(raw)
    except ValueError as error:
        raise ConfigError(f"证书文件 {path} 已损坏", hint="请从备份恢复，或删除后重新登记") from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != chain[0].public_key():
        raise ConfigError(f"证书文件 {path} 的私钥与证书不配", hint="请从备份恢复，或删除后重新登记")
    return key, chain
