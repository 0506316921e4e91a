"""`mingcha item`: the catalogue as a spreadsheet, out and in, with every fault by its cell."""

import getpass
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store, seen
from common.cli import WHY, say


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="事项清单：列出、导出、导入电子表格。版本只增不改，办件按受理当日的版本计时。")
    def item() -> None:
        """Group of commands."""

    @item.command("list", help="全部事项的现行版本。")
    @config
    def show(path: Path) -> None:
        from central.core.item import pinned
        from central.store import items

        found, today = seen(path, items.catalogue), _today(path)
        for code, versions in sorted(found.items()):
            now = pinned(versions, today)
            assert now is not None
            said = f"{code}\t{now.name}\t{now.kind.word}\t{now.limits()}\t第 {now.version} 版"
            later = [one for one in versions if one.valid_from is not None and one.valid_from > today]
            say(said + "".join(f"\t{one.valid_from} 起第 {one.version} 版" for one in later))
        if not found:
            say("✓ 还没有事项：请用 mingcha item export 得到空表，填好后 mingcha item import")

    @item.command("export", help="导出为电子表格（.xlsx）；还没有事项时是带表头的空表。")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="文件")
    @config
    def export(file: Path, path: Path) -> None:
        from central.core.item import Item
        from central.core.sheet import to_change
        from central.sheet import write
        from central.store import items

        found, today = seen(path, items.catalogue), _today(path)
        now: list[Item] = [
            current for versions in found.values() if (current := to_change(versions, today)) is not None
        ]
        write(file, sorted(now, key=lambda one: one.code))
        say(f"✓ {len(now)} 个事项写入 {file}")

    @item.command(
        "import",
        help="导入电子表格：有错则逐格列出，一条也不写入。不加 --yes 只列出会新增的版本。",
    )
    @click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="文件")
    @click.option("--yes", is_flag=True, help="写入。")
    @WHY
    @config
    def take_in(file: Path, yes: bool, why: str, path: Path) -> None:
        from central import config as configs
        from central.core.item import Item
        from central.core.sheet import renewed
        from central.sheet import read
        from central.store import items, trail
        from common.clock import Clock

        clock, today = Clock(configs.load(path).clock), _today(path)
        who, given = getpass.getuser(), read(file)

        async def work(conn: AsyncConnection) -> list[tuple[Item, str]]:
            found = renewed(await items.catalogue(conn), given, today)
            if yes:
                await items.add(conn, [new for new, _ in found], who, why, clock.wall())
                await trail.note(conn, clock.wall(), who, "item.import", f"{len(found)} 个版本", why)
            return found

        found = in_store(path, work)
        for new, difference in found:
            say(f"{new.code}\t{new.name}\t第 {new.version} 版，{new.valid_from or '自始'} 起\t{difference}")
        if not found:
            say("✓ 与现行清单相同，没有要写入的")
            return
        say(f"✓ 已写入 {len(found)} 个版本" if yes else "没有写入。核对无误后加 --yes 再执行一次")


def _today(path: Path) -> date:
    """The day of the office."""
    from central import config as configs
    from common.clock import Clock
    from common.core.instant import local_date

    settings = configs.load(path)
    return local_date(Clock(settings.clock).office(), ZoneInfo(settings.legal_zone))
