"""`door.toml`: how the public door is wired. It names none of the hall's files."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from common import config
from common.config import LogLevel
from common.core.errors import ConfigError


class DoorConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `door.toml`."""

    hosts: list[str]
    """Names under which people reach the pages; a request for any other is refused."""
    folder: Path = Path("public")
    """Where the hall publishes: the door's key, and on SQLite the database of what is public."""
    database: str = "sqlite"
    """`sqlite` (a file in `folder`) or a `postgresql://` address, of a role that reaches the published schema alone."""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8090
    proxies: list[str] = []
    """Addresses of the reverse proxies in front: only of these the header X-Forwarded-For is believed."""
    secure_cookie: bool = True
    title: str = "政务服务监督"
    organs: str = "市政务中心 · 市监察局"
    helpline: str = "12345"
    hall_line: str = ""
    """The hall's own telephone, named on the pages of help and accessibility; empty: none is named."""
    legal_zone: str = "Asia/Shanghai"
    log_level: LogLevel = "info"

    @property
    def key_path(self) -> Path:
        return self.folder / "door.key"

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address, with the asyncio driver named."""
        if self.database == "sqlite":
            return f"sqlite+aiosqlite:///{self.folder / 'public.db'}"
        return self.database.replace("postgresql://", "postgresql+asyncpg://", 1)


def load(path: Path) -> DoorConfig:
    """Read `door.toml`; paths in it become absolute. Raises ConfigError with every fault."""
    found = config.anchor(config.load(DoorConfig, path), path.resolve().parent)
    try:
        ZoneInfo(found.legal_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"{path} 有 1 处错误：\n  legal_zone：没有时区 {found.legal_zone!r}", hint="请写 Asia/Shanghai"
        ) from error
    return found
