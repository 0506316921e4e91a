"""The city's CA by the rules of X.509 as another implementation reads them, and files that stay what they are."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from common.core import crypto
from common.core.errors import ConfigError
from common.core.instant import DAY, from_us
from common.mqtt import MqttConfig, tls_context
from provisioning import pki
from provisioning.core.identity import Box

NOW = 1_780_000_000_000_000
NODE = ["PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"]
BOX = Box("s12", 2)


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    pki.prepare_hall(tmp_path / "hall", ["10.1.0.5", "hall.city.gov.cn"], NOW)
    return tmp_path / "hall"


@pytest.fixture
def box(hall: Path, tmp_path: Path) -> Path:
    pki.prepare_box(tmp_path / "box", hall, BOX, NOW)
    return tmp_path / "box"


def policy(ca: Path, days: float = 0) -> PolicyBuilder:
    root = x509.load_pem_x509_certificate(ca.read_bytes())
    return PolicyBuilder().store(Store([root])).time(from_us(NOW + int(days * DAY), ZoneInfo("UTC")))


def chain(node: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(node.read_bytes())


def verify_client(node: Path, ca: Path, days: float = 0) -> list[str]:
    """Names by which a server would know the client. Raises VerificationError."""
    leaf, *others = chain(node)
    found = policy(ca, days).build_client_verifier().verify(leaf, others)
    return [name.value for name in found.subjects or []]


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def snapshot(*folders: Path) -> dict[Path, tuple[int, bytes]]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_box_is_known_by_its_site_and_generation_under_the_root_alone(hall: Path, box: Path) -> None:
    assert verify_client(box / "node.pem", hall / "ca.pem") == ["spiffe://mingcha/site/s12?gen=2"]
    assert [common_name(item) for item in chain(box / "node.pem")] == ["s12.2", "Mingcha intermediate"]
    assert (box / "ca.pem").read_bytes() == (hall / "ca" / "ca.pem").read_bytes()


def test_a_leaf_lives_thirty_days_and_two_days_back(hall: Path, box: Path) -> None:
    for days in (-1.9, 0, 29.9):
        verify_client(box / "node.pem", hall / "ca.pem", days)
    for days in (-2.1, 30.1):
        with pytest.raises(VerificationError):
            verify_client(box / "node.pem", hall / "ca.pem", days)


def test_the_broker_is_known_by_its_addresses_and_never_as_a_client(hall: Path) -> None:
    leaf, *others = chain(hall / "broker" / "server.pem")
    for name in (x509.DNSName("hall.city.gov.cn"), x509.IPAddress(ip_address("10.1.0.5"))):
        policy(hall / "ca.pem", 800).build_server_verifier(name).verify(leaf, others)
    with pytest.raises(VerificationError):
        policy(hall / "ca.pem").build_server_verifier(x509.DNSName("elsewhere")).verify(leaf, others)
    with pytest.raises(VerificationError):
        verify_client(hall / "broker" / "server.pem", hall / "ca.pem")


def test_a_box_cannot_pass_for_the_broker(box: Path) -> None:
    usage = chain(box / "node.pem")[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_another_citys_box_is_refused_though_its_ca_has_the_same_name(hall: Path, tmp_path: Path) -> None:
    pki.prepare_hall(tmp_path / "other", ["10.1.0.5"], NOW)
    pki.prepare_box(tmp_path / "foreign", tmp_path / "other", BOX, NOW)
    with pytest.raises(VerificationError):
        verify_client(tmp_path / "foreign" / "node.pem", hall / "ca.pem")


def test_a_leaf_cannot_sign_another_leaf(hall: Path, box: Path) -> None:
    key, (leaf, intermediate) = pki._read_node(box / "node.pem")
    thief = pki.Authority(key, leaf, intermediate)
    forged = x509.load_pem_x509_certificates(
        pki.issue(thief, pki.role_subject("hall.ingest.1"), key.public_key(), NOW)
    )
    with pytest.raises(VerificationError):
        policy(hall / "ca.pem").build_client_verifier().verify(forged[0], [leaf, intermediate])


def test_issue_needs_a_public_key_only(hall: Path) -> None:
    key = generate_private_key(SECP256R1())
    pem = pki.issue(pki.load_ca(hall / "ca"), pki.box_subject(BOX), key.public_key(), NOW)
    leaf, intermediate = x509.load_pem_x509_certificates(pem)
    assert leaf.public_key() == key.public_key()
    leaf.verify_directly_issued_by(intermediate)


def test_node_pem_is_key_leaf_intermediate_and_private(hall: Path, box: Path) -> None:
    for node in (box / "node.pem", hall / "node.pem", hall / "broker" / "server.pem"):
        lines = node.read_text().splitlines()
        assert [line.strip("-").removeprefix("BEGIN ") for line in lines if "BEGIN" in line] == NODE
        assert node.stat().st_mode & 0o777 == 0o600
        tls_context(MqttConfig(host="", ca=hall / "ca.pem", node=node))


def test_every_private_key_is_readable_for_its_owner_alone(hall: Path, box: Path) -> None:
    public = {"ca.pem", "hall-sign.pub", "escrow.pub"}
    for path in snapshot(hall, box):
        assert path.stat().st_mode & 0o777 == (0o644 if path.name in public else 0o600), path


def test_the_keys_are_those_that_agent_and_hall_read(hall: Path, tmp_path: Path) -> None:
    registered = pki.prepare_box(tmp_path / "box", hall, BOX, NOW)
    box_secret = (tmp_path / "box" / "sign.key").read_bytes()
    assert crypto.verify(registered, b"hello", crypto.sign(box_secret, b"hello"))
    hall_secret = (hall / "operations.key").read_bytes()
    hall_public = (tmp_path / "box" / "hall-sign.pub").read_bytes()
    assert crypto.verify(hall_public, b"ack", crypto.sign(hall_secret, b"ack"))
    wire_secret = (hall / "wire.key").read_bytes()
    sealed = crypto.seal_batch(crypto.wire_public(wire_secret), b"header", b"batch")
    assert crypto.unseal_batch(wire_secret, b"header", sealed) == b"batch"
    assert len((tmp_path / "box" / "master.key").read_bytes()) == crypto.KEY_BYTES


def test_the_same_call_again_changes_no_file(hall: Path, box: Path) -> None:
    before = snapshot(hall, box)
    pki.prepare_hall(hall, ["10.1.0.5", "hall.city.gov.cn"], NOW + DAY)
    pki.prepare_box(box, hall, BOX, NOW + DAY)
    assert snapshot(hall, box) == before


def test_a_leaf_that_is_due_is_renewed_for_the_same_key(hall: Path, box: Path) -> None:
    before = chain(box / "node.pem")[0]
    pki.prepare_box(box, hall, BOX, NOW + 19 * DAY)
    assert chain(box / "node.pem")[0] == before
    pki.prepare_box(box, hall, BOX, NOW + 20 * DAY)
    after = chain(box / "node.pem")[0]
    assert after.public_key() == before.public_key()
    assert after.not_valid_after_utc - before.not_valid_after_utc == timedelta(days=20)
    verify_client(box / "node.pem", hall / "ca.pem", 40)


def test_a_new_address_of_the_hall_gets_into_the_brokers_certificate(hall: Path) -> None:
    pki.prepare_hall(hall, ["10.1.0.6"], NOW)
    leaf, *others = chain(hall / "broker" / "server.pem")
    address = x509.IPAddress(ip_address("10.1.0.6"))
    policy(hall / "ca.pem").build_server_verifier(address).verify(leaf, others)


def test_a_successor_has_its_own_keys_and_the_sites_digest_key(hall: Path, box: Path, tmp_path: Path) -> None:
    pki.prepare_box(tmp_path / "next", hall, Box("s12", 3), NOW)
    same = {
        name: _same(box / name, tmp_path / "next" / name) for name in ("sign.key", "master.key", "digest.key")
    }
    assert same == {"sign.key": False, "master.key": False, "digest.key": True}
    old, new = chain(box / "node.pem")[0], chain(tmp_path / "next" / "node.pem")[0]
    assert isinstance(new.public_key(), EllipticCurvePublicKey)
    assert old.public_key() != new.public_key()


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def test_the_root_may_be_taken_away_and_is_asked_for_when_it_is_needed(hall: Path) -> None:
    (hall / "ca" / "root.pem").rename(hall / "root.on-a-stick")
    before = pki.load_ca(hall / "ca").certificate
    pki.prepare_hall(hall, ["10.1.0.5"], NOW)
    assert pki.load_ca(hall / "ca").certificate == before
    (hall / "ca" / "intermediate.pem").unlink()
    with pytest.raises(ConfigError, match="根密钥"):
        pki.prepare_hall(hall, ["10.1.0.5"], NOW)


def test_a_new_intermediate_under_the_same_root_is_believed_at_once(hall: Path, box: Path) -> None:
    trusted = (box / "ca.pem").read_bytes()
    (hall / "ca" / "intermediate.pem").unlink()
    pki.prepare_hall(hall, ["10.1.0.5"], NOW)
    pki.prepare_box(box, hall, BOX, NOW)
    assert (box / "ca.pem").read_bytes() == trusted
    verify_client(box / "node.pem", box / "ca.pem")


@pytest.mark.parametrize("name", ["node.pem", "sign.key"])
def test_a_damaged_file_is_named_and_not_replaced(hall: Path, box: Path, name: str) -> None:
    (box / name).write_bytes(b"half a k")
    with pytest.raises(ConfigError, match=name) as caught:
        pki.prepare_box(box, hall, BOX, NOW)
    assert caught.value.hint
    assert (box / name).read_bytes() == b"half a k"


def test_a_key_beside_another_certificate_is_noticed(hall: Path, box: Path) -> None:
    other = (hall / "node.pem").read_text()
    own = (box / "node.pem").read_text()
    (box / "node.pem").write_text(
        other[: other.index("-----BEGIN CERT")] + own[own.index("-----BEGIN CERT") :]
    )
    with pytest.raises(ConfigError, match="不配"):
        pki.prepare_box(box, hall, BOX, NOW)


@pytest.mark.parametrize(
    "site", ["", "central", "hall", "S12", "s12/x", "s+", "#", "s 12", "s12\nuser x", "青云"]
)
def test_a_site_that_could_not_stand_in_a_topic_is_no_site(site: str) -> None:
    with pytest.raises(ConfigError):
        Box(site, 1)
