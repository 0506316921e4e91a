"""`central.toml`: how the hall's processes are wired. What the law or the office decides is rows, not config."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from central.core.access import Role
from common import config
from common.address import with_key
from common.clock import ClockConfig
from common.config import LogLevel
from common.core.errors import ConfigError
from common.mqtt import MqttConfig


class IdentityConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[identity]`: the hall's keys, raw private keys in files."""

    wire_key: Path = Path("wire.key")
    """X25519: opens batches."""
    sign_key: Path = Path("operations.key")
    """Ed25519: signs welcome and acknowledgement."""
    data_key: Path = Path("data.key")
    """AES-256: what may name a person lies sealed under it in the database."""


class WebConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[web]`: the hall's pages."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8080
    secure_cookie: bool = True
    """False only where the browser comes by plain HTTP on loopback."""
    proxies: tuple[str, ...] = ()
    """Addresses of the reverse proxies in front: only of these the header X-Forwarded-For is believed."""
    second_factor: tuple[Role, ...] = (Role.ACCOUNTS, Role.SECURITY, Role.AUDITOR)
    """Roles that may do nothing until they have set up a second factor; others may have one."""


class PublicConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[public]`: what the hall publishes for the public door (`mingcha door run`)."""

    enabled: bool = False
    folder: Path = Path("public")
    """The door's key, and on SQLite the database of what is public."""
    role: str = "mingcha_door"
    """On PostgreSQL: the door's role, which is given the published schema and nothing else."""
    accept_days: Annotated[int, Meta(ge=1, le=30)] = 5
    """Working days within which a complaint that comes in from now on is accepted or refused."""
    reply_days: Annotated[int, Meta(ge=1, le=60)] = 15
    """Working days within which it is answered; as many again one level higher."""


class SmsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[notify.sms]`: a gateway that takes short messages by HTTP; `url` empty: there is none. Its secret is sealed in the
    database (`mingcha message secret sms`).
    """

    url: str = ""
    encoding: Literal["json", "form", "query"] = "json"
    """How the body travels: as JSON, as a form, or in the address."""
    body: str = '{"to": "{to}", "text": "{text}", "id": "{key}"}'
    headers: dict[str, str] = {}
    sign: Literal["", "md5", "sha256", "hmac-sha256"] = ""
    sign_text: str = ""
    """What is signed into `{sign}`, e.g. `{user}{secret}{at}`."""
    is_idempotent: bool = False
    """The gateway takes `{key}` for the same message, however often it comes."""
    ok_path: str = "code"
    ok_values: tuple[str, ...] = ("0",)
    again_values: tuple[str, ...] = ()
    """Answers at `ok_path` after which the same message may be tried again."""
    ref_path: str = "id"
    receipt_url: str = ""
    """Where receipts are fetched; empty: the gateway brings them, or has none."""
    receipt_token: bool = False
    """The gateway brings receipts to `/p/receipts/<token>` (`mingcha message secret receipt`)."""
    receipt_list: str = ""
    receipt_ref: str = "id"
    receipt_state: str = "state"
    receipt_delivered: tuple[str, ...] = ("DELIVRD",)
    timeout_secs: Annotated[int, Meta(ge=1, le=120)] = 15


class ModemConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[notify.modem]`: a GSM modem on a serial line; `port` empty: there is none."""

    port: str = ""
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 115200
    timeout_secs: Annotated[int, Meta(ge=1, le=120)] = 40


class MailConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[notify.mail]`: a mail server; `host` empty: there is none. Its password is sealed (`mingcha message secret mail`)."""

    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = ""
    ca: Path | None = None
    """Root certificate of the server; none: the system's."""
    timeout_secs: Annotated[int, Meta(ge=1, le=120)] = 20


class NotifyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[notify]`: over which channels the hall's messages go beside the inbox."""

    sms: SmsConfig = SmsConfig()
    modem: ModemConfig = ModemConfig()
    mail: MailConfig = MailConfig()
    chat: bool = False
    """A group of DingTalk, WeCom or Feishu by apprise; its address is sealed (`mingcha message secret chat`)."""


class StillsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stills]`: how long and in what room pictures of the cameras are kept; what was said of them stays."""

    keep_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    site_mb: Annotated[int, Meta(ge=1, le=1048576)] = 512
    """Of one site at most: the oldest go first."""
    on_wall: bool = True
    """A screen shows the newest masked one of each camera."""


class LiveConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[live]`: where boxes send pictures that somebody looks at; `address` empty: there is no live view."""

    address: Annotated[str, Meta(pattern=r"\A(|wss://[^\s/]+|ws://(127\.0\.0\.1|localhost):\d+)\Z")] = ""
    """As boxes dial it: `wss://name:port`; `ws://` on the demonstration's one machine alone."""
    host: str = "0.0.0.0"  # noqa: S104  boxes come from outside; each must show its certificate
    port: Annotated[int, Meta(ge=1, le=65535)] = 8446
    ca: Path = Path("ca.pem")
    server: Path = Path("live/server.pem")
    """Private key, leaf and intermediate in one file."""
    viewers: Annotated[int, Meta(ge=1, le=10_000)] = 200
    """Pictures that are looked at in the whole hall at one time: each takes half a megabit a second of its network and more."""
    site_viewers: Annotated[int, Meta(ge=1, le=10_000)] = 60
    """The same, of one site's cameras."""


class CentralConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `central.toml`."""

    mqtt: MqttConfig
    database: str = "sqlite"
    """`sqlite` (a file in `data_dir`) or a `postgresql://` address."""
    data_dir: Path = Path("data")
    fonts_dir: Path = Path("fonts")
    """Licensed typefaces of official documents (仿宋, 小标宋): font files as they come; need not exist."""
    worker: str = "hall.ingest.1"
    """Name in the ingest worker's certificate."""
    legal_zone: str = "Asia/Shanghai"
    """Zone in which the law counts days."""
    embedded_broker: bool = False
    """Run the demonstration's in-process broker on `mqtt.host:mqtt.port` (loopback only)."""
    log_level: LogLevel = "info"
    identity: IdentityConfig = IdentityConfig()
    web: WebConfig = WebConfig()
    notify: NotifyConfig = NotifyConfig()
    clock: ClockConfig = ClockConfig()
    public: PublicConfig = PublicConfig()
    stills: StillsConfig = StillsConfig()
    live: LiveConfig = LiveConfig()

    @property
    def status_path(self) -> Path:
        return self.data_dir / "status.json"

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the database, with the asyncio driver and the file of its data key named."""
        url = self.database.replace("postgresql://", "postgresql+asyncpg://", 1)
        if self.database == "sqlite":
            url = f"sqlite+aiosqlite:///{self.data_dir / 'central.db'}"
        return with_key(url, self.identity.data_key)


def load(path: Path) -> CentralConfig:
    """Read `central.toml`; every path in it becomes absolute. Raises ConfigError with every fault."""
    found = config.anchor(config.load(CentralConfig, path), path.resolve().parent)
    try:
        ZoneInfo(found.legal_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"{path} 有 1 处错误：\n  legal_zone：没有时区 {found.legal_zone!r}", hint="请写 Asia/Shanghai"
        ) from error
    return found
