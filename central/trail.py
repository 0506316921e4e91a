"""`mingcha audit`, and the hall's signature under the trail."""

import asyncio
import getpass
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.trail import ACTS, START, Check, Seal, code, is_sealed_by, sealed
from central.store import trail as rows
from central.store.engine import Store
from central.store.trail import Wanted
from common.cli import say, say_json
from common.clock import Clock
from common.core import crypto
from common.core.errors import UnavailableError, UsageError
from common.core.instant import DAY, from_us, to_us
from common.core.text import one_line

log = structlog.get_logger()

SEAL_SECS = 30.0
MOST = 1_000
"""Lines that one command prints; the page has the rest."""


async def by_hand(conn: AsyncConnection, act: str, subject: str, why: str = "") -> None:
    """A line of who works at the command line."""
    await rows.note(conn, Clock().wall(), getpass.getuser(), act, subject, why)


class Signer:
    """Signs the trail whenever it has grown, and only what goes on from what it signed last: who can write to the database
    can reckon every hash anew and take the signatures out, but the running hall remembers, and stops.
    """

    def __init__(self, store: Store, sign_secret: bytes, clock: Clock) -> None:
        self.fault = ""
        """Why it signs no more; empty while it does."""
        self._store = store
        self._sign_secret = sign_secret
        self._clock = clock
        self._last: tuple[int, bytes] | None = None
        """Number and hash of the line that was signed last; None: to be read from the database."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(UnavailableError):  # the writer of batches reports the database
                await self.once()
            await asyncio.sleep(SEAL_SECS)

    async def once(self) -> bool:
        """-> whether it had grown and was signed. Raises UnavailableError."""
        async with self._store.read() as conn:
            if self._last is None:
                self._last = self._signed(await rows.seals(conn))
            grown = Check(b"", [], after=self._last)
            async for page in rows.everything(conn, grown.newest):
                grown.feed(page)
            newest = await rows.newest(conn)
        if (newest.id if newest else 0) < self._last[0]:
            self._stop(self._last[0], "这一行起不见了")
            return False
        if grown.faults:
            self._stop(grown.faults[0].line, grown.faults[0].what)
            return False
        self.fault = ""
        if grown.newest == self._last[0]:
            return False
        async with self._store.write() as conn:
            await rows.keep(conn, sealed(self._sign_secret, grown.newest, grown.chain, self._clock.wall()))
        self._last = grown.newest, grown.chain
        log.info("audit.sealed", line=grown.newest, code=code(grown.chain))
        return True

    def _signed(self, seals: list[Seal]) -> tuple[int, bytes]:
        key = crypto.sign_public(self._sign_secret)
        sound = [(seal.upto, seal.chain) for seal in seals if is_sealed_by(key, seal)]
        return max(sound, default=(0, START))

    def _stop(self, line: int, what: str) -> None:
        if not self.fault:
            log.error("audit.broken", line=line, reason=what, hint="执行 mingcha audit verify")
        self.fault = f"第 {line} 行：{what}"


async def checked(conn: AsyncConnection, sign_key: bytes, kept: list[tuple[int, str]]) -> Check:
    """The whole trail against its hashes, the hall's signatures and what somebody wrote down."""
    check = Check(sign_key, await rows.seals(conn), kept)
    async for page in rows.everything(conn):
        check.feed(page)
    check.finish()
    return check


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="审计：谁何时看了什么、定了什么、为何。只增不改，逐行相连，由市中心签名。")
    def audit() -> None:
        """Group of commands."""

    @audit.command("list", help="最近的在前。")
    @click.option("--who", default="", metavar="用户", help="只看一人。")
    @click.option("--act", default="", metavar="事", help="只看一类，如 dead 或 policy.set。")
    @click.option("--subject", default="", metavar="对象", help="只看含此字样的对象，如站点编号。")
    @click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="日期", help="这一天起。")
    @click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="日期", help="到这一天为止。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show(
        who: str,
        act: str,
        subject: str,
        since: datetime | None,
        until: datetime | None,
        as_json: bool,
        path: Path,
    ) -> None:
        from central import config as configs
        from central.commands import in_store

        zone = ZoneInfo(configs.load(path).legal_zone)
        wanted = Wanted(who, act, subject, _wall(since, zone), _wall(until, zone, DAY))
        lines = in_store(path, lambda conn: rows.listed(conn, wanted, MOST))
        if as_json:
            import msgspec

            plain = [msgspec.to_builtins(line) | {"chain": line.chain.hex()} for line in lines]
            say_json(msgspec.json.encode(plain))
            return
        if not lines:
            say("✓ 没有这样的审计记录")
        for line in lines:
            when = from_us(line.at_wall, zone).strftime("%Y-%m-%d %H:%M:%S")
            word = ACTS.get(line.act, line.act)
            say(f"{line.id}\t{when}\t{line.who}\t{word}\t{line.subject}\t{one_line(line.why)}")

    @audit.command("verify", help="核对审计没有被改、被删、被插。退出码 0 相符，2 不符。")
    @click.option(
        "--kept",
        multiple=True,
        metavar="行号:校验码",
        help="再与先前记下的核对（上次核对印出的，或运行日志里签名的那一行），可写多次。",
    )
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def verify(kept: tuple[str, ...], as_json: bool, path: Path) -> int:
        from central import config as configs
        from central.commands import in_store
        from common.config import read_secret

        pairs = [_pair(text) for text in kept]
        settings = configs.load(path)
        sign_key = crypto.sign_public(read_secret(settings.identity.sign_key, "市中心的签名私钥"))
        check = in_store(path, lambda conn: checked(conn, sign_key, pairs))
        if as_json:
            import msgspec

            found = {
                "lines": check.newest,
                "signed": check.signed,
                "code": code(check.chain),
                "faults": [msgspec.to_builtins(fault) for fault in check.faults],
            }
            say_json(msgspec.json.encode(found))
        else:
            _tell(check)
        return 2 if check.faults else 0


def _tell(check: Check) -> None:
    for fault in check.faults:
        say(f"✕ 第 {fault.line} 行：{fault.what}")
    if check.faults:
        say(f"✕ 审计与写下时不符，共 {len(check.faults)} 处。请保全数据库与备份，交审计管理员查实")
        return
    if not check.newest:
        say("✓ 还没有审计记录")
        return
    waiting = check.newest - check.signed
    rest = f"；最近 {waiting} 行待签名（市中心运行时半分钟签一次）" if waiting else ""
    say(f"✓ 审计 {check.newest} 行相符，签名到第 {check.signed} 行{rest}")
    say(f"请另处记下，下次核对用：--kept {check.newest}:{code(check.chain)}")


def _pair(text: str) -> tuple[int, str]:
    number, _, digits = text.partition(":")
    try:
        bytes.fromhex(digits + "0" * (len(digits) % 2))
        return int(number), digits if len(digits) >= 8 else _refuse(text)
    except ValueError:
        return 0, _refuse(text)


def _refuse(text: str) -> str:
    raise UsageError(f"--kept {text} 看不懂", hint="写法如 --kept 128:9f86d081884c7d65，校验码至少 8 位")


def _wall(day: datetime | None, zone: ZoneInfo, later: int = 0) -> int:
    """Wall time at which `day` begins; 0 for none."""
    return 0 if day is None else to_us(day.replace(tzinfo=zone)) + later
