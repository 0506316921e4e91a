"""Where a hall keeps what enrolment needs: everything is found from its `central.toml`, whose folder holds the keys."""

import re
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from common import config
from common.address import with_key
from common.config import HOST
from common.core.errors import ConfigError

ADDRESS = re.compile(HOST)


class EnrolConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `enroll.toml`: where boxes find the hall. Every box is told it at enrolment."""

    hosts: Annotated[list[Annotated[str, Meta(pattern=HOST)]], Meta(min_length=1)]
    """Addresses or names, the one to print first; the certificates carry all of them."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 8443
    """Script, bundles and certificates."""
    mqtt_port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    mqtt_version: Annotated[int, Meta(ge=3, le=5)] = 5


class Hall(Struct, frozen=True):
    """Files and addresses of one hall."""

    config: Path
    """`central.toml`."""
    data: Path
    database_url: str
    enrol: EnrolConfig

    @property
    def folder(self) -> Path:
        return self.config.parent

    @property
    def broker(self) -> Path:
        return self.folder / "broker"

    @property
    def door(self) -> Path:
        """What the enrolment service is known by: key, leaf and intermediate."""
        return self.folder / "enroll" / "server.pem"

    @property
    def door_config(self) -> Path:
        """`door.toml` of the public door; there where it stands beside the hall."""
        return self.folder / "door.toml"

    @property
    def bundles(self) -> Path:
        return self.data / "bundles"

    def mapping(self, site: str) -> Path:
        """The mapping that the site's box is given when it enrols; need not be there."""
        return self.folder / "mappings" / f"{site}.toml"

    @property
    def addresses(self) -> list[str]:
        """Of the door, the one to print first."""
        hosts = [f"[{host}]" if ":" in host else host for host in self.enrol.hosts]
        return [f"https://{host}:{self.enrol.port}" for host in hosts]

    @property
    def address(self) -> str:
        return self.addresses[0]


def load(path: Path) -> Hall:
    """The hall whose `central.toml` is `path`. Raises ConfigError, also where `init` has not been there yet."""
    path = path.resolve()
    if not path.exists():
        raise ConfigError(f"市中心还没有建立：没有 {path}", hint="请先执行  mingcha central init")
    if not (path.parent / "enroll.toml").exists():  # a hall that was put together by hand, or a demonstration
        raise ConfigError(
            f"这个市中心还不登记站点：没有 {path.parent / 'enroll.toml'}",
            hint="请先执行  mingcha central init",
        )
    found = config.read_toml(path)
    url, data = database_url(found, path.parent), _data(found, path.parent)
    return Hall(path, data, url, config.load(EnrolConfig, path.parent / "enroll.toml"))


def database_url(central: dict[str, Any], folder: Path) -> str:
    """SQLAlchemy's address of the database that `central.toml` in `folder` names, with its key."""
    url = str(central.get("database", "sqlite")).replace("postgresql://", "postgresql+asyncpg://", 1)
    if url == "sqlite":
        url = f"sqlite+aiosqlite:///{_data(central, folder) / 'central.db'}"
    return with_key(url, folder / str(central.get("identity", {}).get("data_key", "data.key")))


def _data(central: dict[str, Any], folder: Path) -> Path:
    return folder / str(central.get("data_dir", "data"))
