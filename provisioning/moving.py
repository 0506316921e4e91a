"""`mingcha central move`: every box is told a second address before the hall moves there, and finds it by itself."""

import asyncio
import json
import re

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t
from central.store.engine import within
from common.cli import say
from common.core.errors import ConfigError
from provisioning.files import write_file
from provisioning.settings import ADDRESS, Hall

_HOSTS = re.compile(r"(?m)^hosts = \[.*\]$")


def announce(hall: Hall, address: str, *, is_there: bool) -> bool:
    """`address` becomes one of the hall's, the first one where the hall `is_there` already. -> whether that is a change.

    Then certificates are to be made anew (`hall.init`). Raises ConfigError.
    """
    if not ADDRESS.match(address):
        raise ConfigError(f"地址写得不对：{address}", hint="写主机名或地址，不带端口，如 10.1.0.6")
    others = [host for host in hall.enrol.hosts if host != address]
    hosts = [address, *others] if is_there else [*hall.enrol.hosts[:1], *others[1:], address]
    if address == hall.enrol.hosts[0]:
        hosts = hall.enrol.hosts
    path = hall.folder / "enroll.toml"
    text = path.read_text("utf-8")
    if not _HOSTS.search(text):
        raise ConfigError(f"{path} 里的 hosts 不是一行", hint=f"请把它写成一行：hosts = {json.dumps(hosts)}")
    mode = path.stat().st_mode & 0o7777
    new = _HOSTS.sub(f"hosts = {json.dumps(hosts)}", text)
    return write_file(path, new.encode(), mode)


def tell(hall: Hall, address: str) -> None:
    """Which boxes know it by now."""
    rows = asyncio.run(within(hall.database_url, _boxes))
    knows = [row.site for row in rows if address in _hosts(row)]
    waits = [row.site for row in rows if row.site not in knows]
    say(
        f"{len(knows)} 个站点已知道 {address}"
        + (f"；还没有问到的：{'、'.join(waits)}" if waits else "，可以搬了")
    )
    if waits:
        say("站点每五分钟来问一次；再执行同一条命令查看。没有问到就搬，须在该站点上改 agent.toml 里的地址")


async def _boxes(conn: AsyncConnection) -> list[Row[tuple[str, str]]]:
    query = select(t.box.c.site, t.box.c.machine).join(t.site, t.site.c.id == t.box.c.site)
    active = t.box.c.state == "active", t.site.c.retired_wall.is_(None)
    return list(await conn.execute(query.where(*active).order_by(t.site.c.position)))


def _hosts(row: Row[tuple[str, str]]) -> list[str]:
    found = str(json.loads(row.machine or "{}").get("halls", ""))
    return [re.sub(r"^https://\[?|\]?:\d+$", "", address) for address in found.split()]
