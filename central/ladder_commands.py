"""`mingcha ladder`: who is told of what and when, in words and as data; a change is drafted by one person, approved by another."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store
from central.core import ladder as ladders
from central.core.item_draft import DraftState
from central.core.ladder import Ladder
from common.cli import WHY, say, say_json
from common.core.errors import UsageError

_FILE = click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="文件")


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="通知阶梯：什么事、告诉谁、隔多久再告诉上一级。改动由一人起草、另一人审定。")
    def ladder() -> None:
        """Group of commands."""

    _add_show(ladder, config)
    _add_draft(ladder, config)
    for name, to, text in (
        ("approve", DraftState.APPROVED, "审定并启用，对以后的事生效。起草的人不能审定。"),
        ("refuse", DraftState.REFUSED, "审定不通过。"),
        ("withdraw", DraftState.WITHDRAWN, "起草的人撤回。"),
    ):
        _add_decision(ladder, config, name, to, text)


def _add_show(ladder: click.Group, config: Callable[[Any], Any]) -> None:
    @ladder.command("show", help="现行的阶梯，与待审定的差别；--json 得到可修改的文件。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show(as_json: bool, path: Path) -> None:
        from central.store import ladders as kept

        async def read(conn: AsyncConnection) -> tuple[tuple[int, Ladder], Row[Any] | None]:
            return await kept.current(conn), await kept.waiting(conn)

        (number, now), row = in_store(path, read)
        if as_json:
            say_json(msgspec.json.format(msgspec.json.encode(now, order="deterministic")))
            return
        say(f"现行：{f'第 {number} 份' if number else '软件自带'}")
        for level, rungs in now.items():
            say(f"{level.word}\t{ladders.said(rungs)}")
        if row is not None:
            say(f"待审定：第 {row.id} 份\t{row.who} 起草\t{row.why}")
            for name, before, after in ladders.difference(now, kept.content(row)):
                say(f"{name}\n  现行：{before}\n  改为：{after}")


def _add_draft(ladder: click.Group, config: Callable[[Any], Any]) -> None:
    @ladder.command("draft", help="起草阶梯的改动，由另一人审定。")
    @_FILE
    @WHY
    @config
    def draft(source: Path, why: str, path: Path) -> None:
        from central.store import ladders as kept
        from common.clock import Clock

        try:
            wanted = msgspec.json.decode(source.read_bytes(), type=Ladder)
        except msgspec.MsgspecError as error:
            raise UsageError(
                f"{source} 不是通知阶梯：{error}", hint="样式见  mingcha ladder show --json"
            ) from error
        who, wall = getpass.getuser(), Clock().wall()
        number = in_store(path, lambda conn: kept.add(conn, wanted, who, why, wall))
        say(f"第 {number} 份待审定；由另一人  mingcha ladder approve")


def _add_decision(
    ladder: click.Group, config: Callable[[Any], Any], name: str, to: DraftState, text: str
) -> None:
    @ladder.command(name, help=text)
    @WHY
    @config
    def decide(why: str, path: Path) -> None:
        from central.store import ladders as kept
        from common.clock import Clock

        who, wall = getpass.getuser(), Clock().wall()
        number = in_store(path, lambda conn: kept.decide(conn, to, who, why, wall))
        say(f"第 {number} 份{to.word}")
