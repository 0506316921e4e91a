"""What box and hall say to each other at the door: JSON over TLS (PROTOCOL.md, enrolment and renewal, releases)."""

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
    """Answer to both. `chain`: PEM of leaf and intermediate; the rest is what `agent.toml` and its files need.

    On a stick `generation` is 0 and `chain` empty: the box is enrolled later.
    """

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
    escrow_key: bytes
    """Raw X25519 public key: what the box's master key is sealed with for the day on which the box cannot open it."""
    server_wall: int


class Outcome(Struct, frozen=True):
    """What became of a job: `standing` is of `core/rollout.py`; `why` in Chinese; `said`: the release's last words."""

    job: str
    release: str
    standing: str
    why: str
    said: str


class Escrow(Struct, frozen=True):
    """`sealed`: the box's master key, by HPKE to the hall's escrow key, in the context of `escrow_of(site)`. `key`: its id."""

    key: str
    sealed: bytes


def escrow_of(site: str) -> bytes:
    """What an escrowed key is bound to: another site's does not open in its place."""
    return b"mingcha.escrow/1\0" + site.encode()


class Report(Struct, frozen=True, kw_only=True):
    """What a box says of itself as it asks; `release` is what runs. `outcome`: until the hall has heard it."""

    arch: str
    release: str
    halls: list[str]
    """Where it would look for the hall, the present address first: `https://host:port`."""
    outcome: Outcome | None
    escrow: Escrow | None = None
    """Until the hall has answered once, and again with each new master key."""
    now_wall: int


class Ask(Struct, frozen=True):
    """`POST /upgrade`. `value`: a Report as JSON; `proof`: signature over `asked_of(value)` by the key of `leaf` (PEM)."""

    leaf: str
    value: bytes
    proof: bytes


def asked_of(value: bytes) -> bytes:
    """What an Ask's signature is over."""
    return b"mingcha.upgrade-ask/1\0" + value


class Offer(Struct, frozen=True, kw_only=True):
    """Answer: a signed job and the release's signed manifest; both empty where there is nothing to do."""

    job: bytes = b""
    manifest: bytes = b""
    halls: list[str]
    """Every address of the hall; one that answers is as good as another."""
    newest: str = ""
    """The release that boxes of this architecture are installed with; empty: none."""
    server_wall: int


class Refused(Struct, frozen=True, kw_only=True):
    """Any answer but 200. `message` and `fix` are Chinese, for the technician."""

    error: str
    message: str
    fix: str
    server_wall: int
