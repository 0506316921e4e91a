"""`mingcha calendar`: which days count, and taking in a new year's notice."""

import asyncio
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import seen
from central.core.scope import EVERYTHING
from common.cli import WHY, say
from common.core.errors import UsageError

MOST = 200
"""Due dates to be moved that one command prints; `changes` has all that were."""


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="工作日日历：各版本、某一年的例外、导入新一年的放假通知。")
    def calendar() -> None:
        """Group of commands."""

    _add_reading(calendar, config)
    _add_import(calendar, config)


def _add_reading(calendar: click.Group, config: Callable[[Any], Any]) -> None:
    @calendar.command("show", help="各版本，和一年里与星期不一致的日子。")
    @click.option("--year", type=int, metavar="年", help="哪一年（默认公布到的最后一年）。")
    @config
    def show(year: int | None, path: Path) -> None:
        from central.store import law

        async def read(conn: AsyncConnection) -> list[str]:
            known = await law.calendar(conn)
            lines = [
                f"第 {row.version} 版\t{row.source}\t{row.who}：{row.why}" for row in await law.versions(conn)
            ]
            number = year or known.published_until.year
            days = await law.year(conn, number)
            if not days:
                return [*lines, f"{number} 年的通知还没有导入：按星期推定，法定节假日除外，时限只作预计"]
            lines.append(f"{number} 年：{sum(day.workday for day in days)} 个工作日")
            return lines + [f"{day.day}\t{day.reason}" for day in days if day.reason]

        for line in seen(path, read):
            say(line)

    @calendar.command("changes", help="一版日历实际移动了哪些到期日。")
    @click.argument("version", type=int, metavar="版本")
    @config
    def changes(version: int, path: Path) -> None:
        from central import config as configs
        from central.notice import Move, said
        from common.core.state import ClockKind

        zone = ZoneInfo(configs.load(path).legal_zone)
        known, rows = seen(path, lambda conn: _changes(conn, version))
        if version not in known:
            raise UsageError(f"没有第 {version} 版日历", hint="各版本见  mingcha calendar show")
        for row in rows:
            kind = ClockKind(row.clock)
            move = Move(
                row.site, row.case_no or row.case_key, kind, row.before_at, row.after_at, confirmed=False
            )
            say(said(move, zone))
        if not rows:
            say("✓ 这一版没有移动过到期日")


async def _changes(conn: Any, version: int) -> tuple[set[int], Any]:
    from central.store import law

    known = {row.version for row in await law.versions(conn)}
    return known, await law.due_changes(conn, EVERYTHING, version)


def _add_import(calendar: click.Group, config: Callable[[Any], Any]) -> None:
    @calendar.command(
        "import",
        help="导入一年的放假通知（TOML 文件，写法见手册）。不加 --yes 只列出会变动的到期日，不写入。",
    )
    @click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="通知文件")
    @click.option("--yes", is_flag=True, help="写入新的一版。已亮的红灯不变。")
    @WHY
    @config
    def take_in(file: Path, yes: bool, why: str, path: Path) -> None:
        from central import config as configs
        from central import notice as notices
        from central.core.calendar import Notice
        from central.store import law
        from central.store.engine import look, within
        from central.world import Moment
        from common.clock import Clock
        from common.config import load

        given, settings = load(Notice, file), configs.load(path)
        zone, clock = ZoneInfo(settings.legal_zone), Clock(settings.clock)

        async def run() -> tuple[notices.Preview, int]:
            # What it would move may take a while to find: nobody who writes waits for that.
            await within(settings.database_url, law.calendar)
            async with look(settings.database_url) as conn:
                found = await notices.preview(conn, given, zone, Moment(clock.office(), clock.wall()))
            if not yes:
                return found, 0

            async def write(conn: AsyncConnection) -> int:
                now = Moment(clock.office(), clock.wall())
                return await notices.take_in(conn, given, getpass.getuser(), why, now)

            return found, await within(settings.database_url, write)

        found, version = asyncio.run(run())
        say(f"{given.year} 年：{len(found.changed)} 天与现有日历不同，{len(found.moves)} 个时限受影响")
        for move in found.moves[:MOST]:
            say(notices.said(move, zone))
        if len(found.moves) > MOST:
            where = f"生效后全部见  mingcha calendar changes {version}" if version else "写入生效后可全部列出"
            say(f"其余 {len(found.moves) - MOST} 个略去，{where}")
        say(
            f"✓ 已写入第 {version} 版，半分钟内生效，只重新判定受影响的时限，已亮的红灯不变"
            if yes
            else "没有写入。核对无误后加 --yes 再执行一次"
        )
