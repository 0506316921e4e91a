"""`mingcha door run`: the public door, which is told nothing of the hall's configuration."""

import os
from pathlib import Path

import click

DEFAULT_CONFIG = "/etc/mingcha/door.toml"


def add(cli: click.Group) -> None:
    """Add the group to `cli`."""

    @cli.group(help="公众网页：办事指南、查进度、投诉；单独的进程，只看得到已公开的数据。")
    def door() -> None:
        """Group of commands."""

    @door.command("run", help="启动公众网页，直到被停止。")
    @click.option(
        "--config",
        "path",
        type=click.Path(path_type=Path),
        default=lambda: os.environ.get("MINGCHA_DOOR_CONFIG", DEFAULT_CONFIG),
        metavar="文件",
        help=f"配置文件（默认 {DEFAULT_CONFIG}，或环境变量 MINGCHA_DOOR_CONFIG）。",
    )
    def run(path: Path) -> None:
        from central.door import app, config

        app.run(config.load(path))
