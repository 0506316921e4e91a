"""Master keys of boxes in the hall's keeping (`escrow.py`): kept as they came, opened by a person with root's key."""

import asyncio
import getpass
import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t
from central.store import trail
from central.store.engine import within
from common.cli import say
from common.clock import Clock
from common.config import read_secret
from common.core import crypto
from common.core.errors import RejectedError, UsageError, words
from provisioning.core.messages import Escrow, escrow_of
from provisioning.files import PRIVATE
from provisioning.settings import Hall


async def keep(conn: AsyncConnection, site: str, generation: int, escrow: Escrow, now_wall: int) -> None:
    """A key that is known already is kept as it was."""
    values = {"site": site, "generation": generation, "key": escrow.key[:64], "sealed": escrow.sealed}
    known = select(t.escrow.c.key).where(
        *(t.escrow.c[name] == values[name] for name in ("site", "generation", "key"))
    )
    if (await conn.execute(known)).first() is None:
        await conn.execute(t.escrow.insert().values(**values, at_wall=now_wall))


def take_out(hall: Hall, site: str, file: Path, why: str) -> None:
    """Write the newest master key of the site to `file`, which must not be there yet; the trail says who did, and why.

    Raises UsageError where there is none, or `file` exists, RejectedError where it does not open, ConfigError without the key.
    """
    secret = read_secret(hall.folder / "escrow.key", "托管私钥")
    now, who = Clock().wall(), getpass.getuser()

    async def work(conn: AsyncConnection) -> tuple[bytes, int]:
        newest = select(t.escrow).where(t.escrow.c.site == site).order_by(t.escrow.c.at_wall.desc()).limit(1)
        row = (await conn.execute(newest)).first()
        if row is None:
            raise UsageError(
                f"没有站点 {site} 托管的主密钥", hint="站点登记后五分钟内自动托管；站点：mingcha site list"
            )
        try:
            master = crypto.unseal_batch(secret, escrow_of(site), row.sealed)
        except crypto.DamagedError as error:
            raise RejectedError("托管的主密钥打不开", hint="请核对 escrow.key 是否为本市中心的") from error
        _write(file, master)
        await trail.note(conn, now, who, "site.escrow", f"{site}.{row.generation}", why)
        return master, int(row.generation)

    master, generation = asyncio.run(within(hall.database_url, work))
    say(f"✓ {file}：站点 {site} 第 {generation} 代的主密钥，编号 {crypto.key_id(master)}")
    say("  拷到盒子上，以 root 执行，随后删去各处的拷贝：")
    say(
        "  systemd-creds encrypt --name=master.key 文件 /etc/mingcha/creds/master.key.cred"
        " && systemctl restart mingcha-agent"
    )


def _write(file: Path, master: bytes) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as target:
            target.write(master)
    except OSError as error:
        raise UsageError(f"写不了 {file}：{words(error)}", hint="换一个名字或目录：-o 文件") from error
