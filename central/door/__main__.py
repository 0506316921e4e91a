"""`mingcha-door`: a program of its own, so that nothing of the hall is loaded beside it."""

from pathlib import Path

from common.cli import config_option, invoke, say

import click  # isort: skip

_CONFIG = config_option("door")


@click.group(help="明察 公众网页：办事指南、查进度、投诉；只看得到市中心已公开的数据。")
@click.version_option(package_name="mingcha", message="%(version)s")
def cli() -> None:
    """Group of commands."""


@cli.command("run", help="启动公众网页，直到被停止。")
@_CONFIG
def run(path: Path) -> None:
    from central.door import app, config

    app.run(config.load(path))


@cli.command("config", help="检查配置，不连网络，列出全部错误。")
@_CONFIG
def check_config(path: Path) -> None:
    from central.door import config

    settings = config.load(path)
    say(
        f"✓ {path}：{'、'.join(settings.hosts)}，公开数据 {settings.database.split('@')[-1]}，{settings.folder}"
    )


def main() -> None:
    """Entry point of the console script."""
    invoke(cli, name="mingcha-door")


if __name__ == "__main__":
    main()
