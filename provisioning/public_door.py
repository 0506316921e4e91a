"""`mingcha central init --public NAME`: the public door beside the hall: what each of the two is told, and on PostgreSQL a role.

The door's account reaches nothing of the hall but what it publishes: a folder of both, or one schema of the database.
"""

import asyncio
import json
import secrets
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.engine import within
from central.store.key import parted
from common.cli import say
from common.config import read_toml
from common.core.errors import ConfigError, UnavailableError
from provisioning.files import PRIVATE, write_file
from provisioning.settings import ADDRESS, Hall

_ROLE = "mingcha_door"


def prepare(hall: Hall, names: tuple[str, ...], folder: Path) -> None:
    """Write both files where they are missing; afterwards they are the administrator's. `folder`: of what is published.

    Raises ConfigError where they say something else already, UnavailableError where the role cannot be made.
    """
    for name in names:
        if not ADDRESS.match(name):
            raise ConfigError(
                f"域名写得不对：{name}", hint="不带 https:// 与端口，如 --public spxt.example.gov.cn"
            )
    place = hall.door_config
    if place.exists() and list(names) != read_toml(place).get("hosts"):
        raise ConfigError(
            f"{place} 里的域名不同", hint=f"要改域名，请修改 {place} 的 hosts，然后不带 --public 再执行"
        )
    _publish(hall, folder)
    if not place.exists():
        lines = [f"hosts = {json.dumps(list(names))}", f'folder = "{folder}"']
        if not hall.database_url.startswith("sqlite"):
            lines.append(f"database = {json.dumps(_role(hall))}")
        write_file(place, "".join(f"{line}\n" for line in lines).encode(), PRIVATE)
        say(f"＋ 公众网页：{place}。前面放反向代理（HTTPS），其地址写进 proxies，只转发 /p/")


def _publish(hall: Hall, folder: Path) -> None:
    """The hall's own configuration; a `[public]` that somebody wrote is left as it is."""
    found, here = read_toml(hall.config).get("public"), hall.config
    if found is None:
        before = here.read_text("utf-8").rstrip("\n")
        said = f'{before}\n\n[public]\nenabled = true\nfolder = "{folder}"\n'
        write_file(here, said.encode(), here.stat().st_mode & 0o777)
        say(f"＋ 公开数据：{here} 的 [public]")
    elif not found.get("enabled"):
        raise ConfigError(f"{here} 的 [public] 没有启用", hint="请写 enabled = true，然后再执行一次")


def _role(hall: Hall) -> str:
    """A role that may log in and nothing else: the hall gives it its schema. -> the door's address of the database."""
    password = secrets.token_urlsafe(24)

    async def work(conn: AsyncConnection) -> None:
        known = await conn.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": _ROLE})
        verb = "ALTER" if known else "CREATE"
        # Neither can be a parameter of this statement; both are of letters, digits, - and _.
        await conn.execute(text(f"{verb} ROLE {_ROLE} LOGIN PASSWORD '{password}'"))

    try:
        asyncio.run(within(hall.database_url, work))
    except UnavailableError as error:
        raise UnavailableError(
            f"建不了公众网页的数据库账户：{error}",
            hint=f"请数据库管理员执行  CREATE ROLE {_ROLE} LOGIN PASSWORD '…'  ，并照操作手册写好 {hall.door_config}",
        ) from error
    address, _ = parted(hall.database_url)  # the door has no key of the hall's
    url = address.set(drivername="postgresql", username=_ROLE, password=password)
    return url.render_as_string(hide_password=False)
