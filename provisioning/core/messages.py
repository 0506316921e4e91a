"""What box and hall say to each other while the box becomes somebody: JSON over TLS (PROTOCOL.md, enrolment)."""

from msgspec import Struct


class EnrolRequest(Struct, frozen=True, kw_only=True):
    """`POST /enrol`. The private keys stay on the box."""

    token: str
    csr: str
    """PEM; says nothing but the public key, and proves that the box has the private one."""
    sign_key: bytes
    """Raw Ed25519 public key of this generation."""
    proof: bytes
    """Signature by `sign_key` over `csr`."""
    machine: dict[str, str]
    """For people: machine id, architecture, system, version."""
    now_wall: int
    """The box's clock, microseconds UTC: never a reason to refuse."""


class RenewRequest(Struct, frozen=True, kw_only=True):
    """`POST /renew`, for a new key. `proof`: signature by the key of `leaf` (PEM, may have expired) over `csr`."""

    leaf: str
    csr: str
    proof: bytes
    now_wall: int


class Identity(Struct, frozen=True, kw_only=True):
    """Answer to both. `chain`: PEM of leaf and intermediate; the rest is what `agent.toml` and its files need."""

    site: str
    name: str
    generation: int
    chain: str
    hall_sign: bytes
    digest_key: bytes
    mqtt_host: str
    mqtt_port: int
    mqtt_version: int
    mapping: str
    """Text of `mapping.toml`; empty: the hall has none for this site."""
    server_wall: int


class Refused(Struct, frozen=True, kw_only=True):
    """Any answer but 200. `message` and `fix` are Chinese, for the technician."""

    error: str
    message: str
    fix: str
    server_wall: int
