"""`mingcha public`: what anybody may read, written as files that are shown while everything else is down."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from common.cli import say

if TYPE_CHECKING:
    from central.door.config import DoorConfig
    from common.clock import ClockConfig

DEFAULT_DOOR = "/etc/mingcha/door.toml"


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="公众网页的数据。")
    def public() -> None:
        """Group of commands."""

    @public.command(
        "export",
        help="把办事指南、表格、公告、法律法规、评比结果写成网页文件；市中心和公众网页停着也能写、能看。",
    )
    @click.argument("folder", type=click.Path(path_type=Path), metavar="目录")
    @click.option(
        "--door",
        type=click.Path(path_type=Path),
        default=DEFAULT_DOOR,
        metavar="文件",
        help=f"公众网页的配置（默认 {DEFAULT_DOOR}）：名称、电话、公开数据在哪里。",
    )
    @config
    def export(folder: Path, door: Path, path: Path) -> None:
        from central import config as configs
        from central.door import config as door_configs

        clock = configs.load(path).clock
        number = asyncio.run(_export(door_configs.load(door), clock, folder.resolve()))
        say(f"✓ 已写 {number} 个文件到 {folder}；首页 index.html，校验和 SHA256SUMS")


async def _export(settings: "DoorConfig", clock: "ClockConfig", folder: Path) -> int:
    from central.door import export
    from central.door.app import make_export
    from central.door.store import open_as_door
    from common.clock import Clock

    store = await open_as_door(settings.database_url)
    try:
        return await export.write(make_export(store, settings, Clock(clock)), folder)
    finally:
        await store.close()
