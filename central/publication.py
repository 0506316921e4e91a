"""`mingcha publication`: final results drafted for the public, released by another person, withdrawn with a reason."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store
from central.core.release import PUBLIC_LEVELS, ReleaseState
from central.core.score import Level
from common.cli import WHY, say

MOST = 200
_NUMBER = click.argument("number", type=click.IntRange(1), metavar="公布件")


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="公布：拟稿、另一人审核发布、撤回；公布的文件任何人可复算。")
    def publication() -> None:
        """Group of commands."""

    _add_draft(publication, config)
    _add_list(publication, config)
    _add_decision(publication, config, "release", ReleaseState.RELEASED, "审核通过并发布。拟稿的人不能发布。")
    _add_decision(publication, config, "refuse", ReleaseState.REFUSED, "审核不通过。")
    _add_decision(
        publication, config, "withdraw", ReleaseState.WITHDRAWN, "撤回已发布的；记录与原因仍然公开。"
    )


def _add_draft(publication: click.Group, config: Callable[[Any], Any]) -> None:
    @publication.command(
        "draft", help="由一次正式结果拟公布件；含个人信息或不足 5 件的单元格时不予拟稿，并说明原因。"
    )
    @click.argument("number", type=click.IntRange(1), metavar="次")
    @click.option("--title", required=True, metavar="标题", help="公布时的标题；不得含人名、号码、住址。")
    @click.option("--merge", is_flag=True, help="不足 5 件的单位合并公布。")
    @click.option(
        "--level",
        "levels",
        type=click.Choice([level.value for level in PUBLIC_LEVELS]),
        multiple=True,
        metavar="范围",
        help="公布哪几级，可写多次：site 站点（总要公布）、department 部门、item 事项；不写为全部。",
    )
    @WHY
    @config
    def draft(number: int, title: str, merge: bool, levels: tuple[str, ...], why: str, path: Path) -> None:
        from central import config as configs
        from central import publishing
        from central.scoring import Sender
        from common.clock import Clock

        clock = Clock(configs.load(path).clock)
        sender = Sender(getpass.getuser(), why, clock.office(), clock.wall())
        wanted = [Level(one) for one in levels] or PUBLIC_LEVELS

        async def drafted(conn: AsyncConnection) -> int:
            return await publishing.draft(conn, number, title, sender, merges=merge, levels=wanted)

        made = in_store(path, drafted)
        say(f"公布件 {made} 待审核；由另一人  mingcha publication release {made}")


def _add_list(publication: click.Group, config: Callable[[Any], Any]) -> None:
    @publication.command("list", help="全部公布件，新的在前。")
    @config
    def listed(path: Path) -> None:
        from central.store import publications

        rows = in_store(path, lambda conn: publications.listed(conn, MOST))
        if not rows:
            say("✓ 还没有公布件")
        for row in rows:
            why = f"\t撤回：{row.withdrawn_why}" if row.withdrawn_why else ""
            who = f"{row.who} 拟稿" + (f"，{row.decided_by} 审核" if row.decided_by else "")
            say(f"{row.id}\t{row.period}\t{ReleaseState(row.state).word}\t{row.title}\t{who}{why}")

    @publication.command("files", help="把一份公布件的文件写进文件夹：排名、计数、方案、校验和、复算程序。")
    @_NUMBER
    @click.option(
        "--out",
        "folder",
        type=click.Path(path_type=Path),
        required=True,
        metavar="文件夹",
        help="写到这里，没有则新建。",
    )
    @config
    def write(number: int, folder: Path, path: Path) -> None:
        from sqlalchemy.ext.asyncio import AsyncConnection

        from central.store import publications

        async def read(conn: AsyncConnection) -> dict[str, bytes]:
            await publications.one(conn, number)
            return await publications.files(conn, number)

        folder.mkdir(parents=True, exist_ok=True)
        for name, body in in_store(path, read).items():
            (folder / name).write_bytes(body)
        say(f"已写入 {folder}；复算：python3 {folder / 'recompute.py'}")


def _add_decision(
    publication: click.Group, config: Callable[[Any], Any], name: str, to: ReleaseState, text: str
) -> None:
    @publication.command(name, help=text)
    @_NUMBER
    @WHY
    @config
    def decide(number: int, why: str, path: Path) -> None:
        from sqlalchemy.ext.asyncio import AsyncConnection

        from central.store import publications
        from common.clock import Clock

        who, wall = getpass.getuser(), Clock().wall()

        async def move(conn: AsyncConnection) -> None:
            if to is ReleaseState.WITHDRAWN:
                await publications.withdraw(conn, number, who, why, wall)
            else:
                await publications.decide(conn, number, to, who, why, wall)

        in_store(path, move)
        say(f"公布件 {number}：{to.word}")
