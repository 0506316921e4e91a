"""Who a box is: the site is an administrative fact, a box is one generation of it (provisioning.md 3.5)."""

import re

from msgspec import Struct

from common.core.errors import ConfigError

INGEST = "hall.ingest.1"
"""The first ingest worker of the hall."""
_SITE = re.compile(r"[a-z][a-z0-9-]{0,30}")
_RESERVED = {"central", "hall"}


class Box(Struct, frozen=True):
    """One generation of a site. Raises ConfigError where the site's name could not stand in a topic or an ACL."""

    site: str
    generation: int
    state: str = "active"
    """As in the hall's table `box`: active, draining, superseded, retired, revoked."""

    def __post_init__(self) -> None:
        if not _SITE.fullmatch(self.site) or self.site in _RESERVED or self.generation < 1:
            raise ConfigError(
                f"不能用作站点编号与代次：{self.site!r}、{self.generation}",
                hint="站点编号由小写字母开头，只含小写字母、数字、连字符，且不能是 central 或 hall；代次从 1 起",
            )

    @property
    def name(self) -> str:
        """Common name of the certificate, MQTT user name and client id."""
        return f"{self.site}.{self.generation}"

    @property
    def uri(self) -> str:
        return f"spiffe://mingcha/site/{self.site}?gen={self.generation}"
