"""`mingcha command` and `mingcha policy`: what the hall tells a box to do, or wishes of it; each with its reason."""

import asyncio
import getpass
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from common.cli import WHY, say, say_json
from common.core.act import Act
from common.core.instant import HOUR
from common.core.state import Outcome
from common.core.text import one_line

_Result = TypeVar("_Result")
LONGEST_HOURS = 7 * 24
_SITE = click.argument("site", metavar="站点")


def in_store(path: Path, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
    """Run `work` in one transaction of the hall's database, whose configuration is `path`."""
    from central import config
    from central.store.engine import within

    return asyncio.run(within(config.load(path).database_url, work))


def seen(path: Path, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
    """What `work`, which only reads, finds in one picture of the hall's database: it waits for nobody who writes.

    A database that is not there yet, or is an older release's, is made ready first, as by `in_store`.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from central import config
    from central.store import audit
    from central.store.engine import look, within
    from common.core.errors import UnavailableError

    async def run() -> _Result:
        url = config.load(path).database_url
        try:
            async with look(url) as conn:
                await audit.freeze(conn)
                return await work(conn)
        except (UnavailableError, SQLAlchemyError):
            return await within(url, work)

    return asyncio.run(run())


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add both groups to `cli`; `config`: the option that names the hall's configuration."""
    _add_commands(cli, config)
    _add_policies(cli, config)


def _acts() -> str:
    """One line for each, as it is written."""
    options = {
        Act.RESYNC: "[--first 编号 --last 编号]",
        Act.PAUSE: "--minutes 分钟",
        Act.SUSPEND: "--minutes 分钟",
        Act.STILL: "--camera 编号 [--clip]",
    }
    lines = [f"  {act.value:<9}{act.word}  {options.get(act, '')}".rstrip() for act in Act]
    return "\b\n指令：\n" + "\n".join(lines)


def _as_options(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> None:
    """`first=5` is how the audit writes it: say how it is written here. Raises click.UsageError."""
    if given:
        written = " ".join(
            f"--{name} {value}".rstrip() for name, _, value in (item.partition("=") for item in given)
        )
        raise click.UsageError(f"参数要写成选项：{written}")


def _add_commands(cli: click.Group, config: Callable[[Any], Any]) -> None:
    @cli.group(help="给站点机器的指令：签名、限时、只执行一次，结果随记录送回。")
    def command() -> None:
        """Group of commands."""

    @command.command("send", help="下一条指令。", epilog=_acts())
    @_SITE
    @click.argument("act", type=click.Choice([act.value for act in Act]), metavar="指令")
    @click.argument("wrong", nargs=-1, metavar="", expose_value=False, callback=_as_options)
    @click.option("--minutes", type=int, metavar="分钟", help="pause、suspend：暂停多久，至多 1440。")
    @click.option("--first", type=int, metavar="编号", help="resync：第一条；不写则全部重读。")
    @click.option("--last", type=int, metavar="编号", help="resync：最后一条。")
    @click.option("--camera", "subject", default="", metavar="编号", help="still：哪台摄像机；送出前已遮挡。")
    @click.option("--clip", is_flag=True, help="still：取十来秒的短片，不取图片。")
    @click.option(
        "--hours",
        type=click.IntRange(1, LONGEST_HOURS),
        default=24,
        show_default=True,
        metavar="小时",
        help="多久内有效；站点断线而过期的不再执行。",
    )
    @WHY
    @config
    def send(
        site: str, act: str, subject: str, hours: int, why: str, path: Path, **given: int | None
    ) -> None:
        from central.store import commands, pages, trail
        from common.clock import Clock
        from common.core import order
        from common.core.errors import UsageError
        from common.core.message import Command

        number, now, who = secrets.token_hex(16), Clock().wall(), getpass.getuser()
        args = {name: int(value) for name, value in given.items() if value is not None and value is not False}
        row = {"id": number, "site": site, "act": act, "args": json.dumps(args), "subject": subject}
        row |= {"who": who, "why": why}
        until = now + hours * HOUR
        refused = order.refusal(Command(number, site, act, args, now, until, 0, why, subject), site, now)
        if refused is not None:
            raise UsageError(refused[1], hint="写法见  mingcha command send --help")

        async def write(conn: AsyncConnection) -> None:
            await pages.must_know(conn, site)
            await commands.add(conn, {**row, "issued_wall": now, "expires_wall": until})
            await trail.note(conn, now, who, f"command.{act}", f"{site}/{number}", why)

        in_store(path, write)
        say(f"指令 {number} 已记下，站点在线时即送达；结果见  mingcha command list --site {site}")

    @command.command("list", help="最近的指令与结果，新的在前。")
    @click.option("--site", default="", metavar="站点", help="只看一个站点。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show(site: str, as_json: bool, path: Path) -> None:
        import msgspec

        from central.store import commands, pages

        async def read(conn: AsyncConnection) -> Sequence[Row[Any]]:
            await pages.must_know(conn, site)
            return await commands.listed(conn, site, 100)

        rows = in_store(path, read)
        if as_json:
            say_json(msgspec.json.encode([dict(row._mapping) for row in rows]))  # noqa: SLF001
            return
        if not rows:
            say("✓ 没有下过指令")
        for row in rows:
            said = one_line(row.detail.partition("\n")[0])
            words = f"{Act(row.act).word}\t{Outcome(row.outcome).word}\t{said}"
            say(f"{row.id}\t{row.site}\t{words}")


def _add_policies(cli: click.Group, config: Callable[[Any], Any]) -> None:
    @cli.group(help="对站点上传的要求：签名、带版本，试行不成站点自行退回。")
    def policy() -> None:
        """Group of commands."""

    @policy.command("set", help="改一个站点的要求；没有写的项恢复为不限，摄像机的区域不变。")
    @_SITE
    @click.option(
        "--bulk-bytes-per-sec", "bulk", type=int, default=0, metavar="字节", help="补传每秒至多；0 为不限。"
    )
    @click.option(
        "--linger-ms", "linger", type=int, default=0, metavar="毫秒", help="新办件等多久结伴上传；0 为立即。"
    )
    @WHY
    @config
    def change(site: str, bulk: int, linger: int, why: str, path: Path) -> None:
        from central.store import commands, pages, trail
        from common.clock import Clock
        from common.core import order
        from common.core.errors import UsageError
        from common.core.message import Policy

        now, who = Clock().wall(), getpass.getuser()
        row = {"site": site, "bulk_bytes_per_sec": bulk, "linger_ms": linger, "who": who, "why": why}
        fault = order.fault(Policy(site, 1, bulk, linger), site)
        if fault:
            raise UsageError(fault, hint="写法见  mingcha policy set --help")

        async def write(conn: AsyncConnection) -> int:
            await pages.must_know(conn, site)
            await trail.note(conn, now, who, "policy.set", site, why)
            return await commands.wish(conn, {**row, "set_wall": now})

        say(f"站点 {site} 的第 {in_store(path, write)} 版要求已记下")

    @policy.command("list", help="另有要求的站点、其内容，与站点机器所用的版本。")
    @config
    def wished(path: Path) -> None:
        from central.core import wish
        from central.store import commands, pages

        async def read(conn: AsyncConnection) -> list[str]:
            beats = await pages.heartbeats(conn)
            found = []
            for site, row in sorted((await commands.wished(conn)).items()):
                beat = beats.get(site)
                used = wish.words(commands.policy_of(row), beat)
                fault = f"\t{one_line(beat.policy_fault)}" if beat and beat.policy_fault else ""
                limits = f"补传 {row.bulk_bytes_per_sec or '不限'}\t等候 {row.linger_ms} 毫秒"
                found.append(f"{site}\t第 {row.version} 版\t{limits}\t{used}{fault}")
            return found

        for line in in_store(path, read) or ["✓ 没有对站点另作要求"]:
            say(line)
