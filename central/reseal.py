"""`mingcha central reseal`: after a change of the data key, everything under the former keys is sealed anew under the present one.

The hall stands still meanwhile: a program that has opened the database with the former key alone would take what is sealed anew for
damaged. It may be ended at any time, the hall started and stopped, and goes on where it was.
"""

import asyncio
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
from msgspec import Struct

from common.cli import WHY, progress, say
from common.clock import Clock

if TYPE_CHECKING:
    from central.config import CentralConfig


class Outcome(Struct):
    """`counts`: `table.column` -> under the present key already, sealed anew, opened by no key. `cases`: looked up by new tokens."""

    key_id: str
    counts: dict[str, tuple[int, int, int]] = {}
    cases: int = 0

    @property
    def renewed(self) -> int:
        return sum(renewed for _, renewed, _ in self.counts.values())

    @property
    def spoilt(self) -> int:
        return sum(spoilt for _, _, spoilt in self.counts.values())

    def words(self) -> str:
        return f"{self.renewed} 个值换到密钥 {self.key_id}，{self.cases} 件办件的查找代号重编，{self.spoilt} 个值解不开"


async def reseal(config: "CentralConfig", why: str, tell: Callable[[str], None]) -> Outcome:
    """Do what is left to do. `tell`: gets how far it is, often. Raises ConfigError while the hall runs, or without the former key."""
    from central.store import key, resealing, trail
    from central.store.engine import open_store
    from central.store.resealing import Count
    from central.store.sole import sole

    path, clock, who = config.identity.data_key, Clock(), getpass.getuser()
    zone = ZoneInfo(config.legal_zone)
    async with sole(config.database_url):
        store = await open_store(config.database_url)
        try:
            async with store.read() as conn:
                ring = key.ring_of(path, await conn.run_sync(key.index_of))
            found = Outcome(ring.ids[0])
            async with store.write() as conn:
                await trail.note(conn, clock.wall(), who, "key.reseal", found.key_id, why)
            for table, names in resealing.places().items():
                rows, passed = await resealing.rows_of(store, table), 0
                counts = {name: Count() for name in names}
                async for number, page in resealing.renew(store, ring, table, names):
                    passed += number
                    for name, count in page.items():
                        counts[name].add(count)
                    tell(f"{table.name}：{passed:,} / {rows:,} 行")
                found.counts |= {f"{table.name}.{name}": count.numbers for name, count in counts.items()}
            async with store.write() as conn:
                if ring.index_id != found.key_id:
                    anew = key.ring_of(path, found.key_id)
                    async for number in resealing.index_anew(conn, anew, zone, clock.wall()):
                        found.cases = number
                        tell(f"按申请人查找：{number:,} 件办件")
                await trail.note(conn, clock.wall(), who, "key.resealed", found.key_id, found.words())
            return found
        finally:
            await store.close()


def add(central: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the command to the group `central`; `config`: the option that names the hall's configuration."""

    @central.command(
        "reseal",
        help="更换数据密钥以后，把旧密钥下的内容全部换到现用密钥之下。须先停市中心；可随时中断，再执行即接着做。",
    )
    @WHY
    @config
    def run(why: str, path: Path) -> int:
        from central import config as configuration
        from central.store.key import former

        settings = configuration.load(path)
        found = asyncio.run(reseal(settings, why, progress))
        progress("")
        for name, (done, renewed, spoilt) in found.counts.items():
            if renewed or spoilt:
                said = f"，解不开 {spoilt:,}" if spoilt else ""
                say(f"{name}\t换过 {renewed:,}，原已在现用密钥下 {done:,}{said}")
        older = former(settings.identity.data_key)
        if found.spoilt:
            say(f"✕ {found.words()}。解不开的见  mingcha verify  ；请勿删除 {older.name}")
            return 1
        say(f"✓ {found.words()}")
        if older.exists():
            say(f"  请启动市中心，备份  mingcha central backup  ，再删去 {older}")
        return 0
