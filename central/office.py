"""`mingcha org`: the tree of offices, by which an account's reach is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central import trail
from central.commands import in_store
from common.cli import say


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="机构：以各站点业务系统里的承办单位名称登记，用来限定用户所及。")
    def org() -> None:
        """Group of commands."""

    @org.command("add", help="登记一个机构。")
    @click.argument("name", metavar="名称")
    @click.option("--under", default="", metavar="上级机构", help="上级机构；不写为最上一级。")
    @config
    def create(name: str, under: str, path: Path) -> None:
        from central.store import scope

        async def write(conn: AsyncConnection) -> None:
            await scope.add_office(conn, name, under)
            await trail.by_hand(conn, "org.add", f"{under}/{name}" if under else name)

        in_store(path, write)
        say(f"机构 {name} 已登记")

    @org.command("list", help="全部机构，下级缩进在上级之后。")
    @config
    def show(path: Path) -> None:
        from central.store import scope

        above = in_store(path, scope.tree)
        if not above:
            say("✓ 没有登记机构")
        for depth, name in _walk(above, ""):
            say("  " * depth + name)


def _walk(above: dict[str, str], top: str, depth: int = 0) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for name in sorted(name for name, upper in above.items() if upper == top):
        found += [(depth, name), *_walk(above, name, depth + 1)]
    return found
