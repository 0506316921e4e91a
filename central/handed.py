"""`mingcha central init`, `mingcha site …` and `mingcha release …` are carried out by `provisioning`, of which the hall's programs know nothing."""

import sys
from collections.abc import Callable

from common.cli import AS_THEY_ARE, hand_over

import click  # isort: skip

SITE_HELP = "站点：新增、印出安装命令、查看、停用。"
RELEASE_HELP = "站点程序的发行：导入、分批推送、停止。"
CENTRAL = {
    "init": "建立市中心，或修复。",
    "backup": "备份市中心。",
    "restore": "由备份恢复。",
    "move": "市中心换地址。",
    "root": "根密钥离线保管。",
}
"""Name -> what it is for; its options stand in `provisioning`."""


def main() -> None:
    """Entry point of `mingcha`: what another program carries out is handed over before the hall's own is loaded, half of its time."""
    match sys.argv[1:]:
        case ["site" | "release", *_] as args:
            hand_over("hall", *args)
        case ["central", name, *_] as args if name in CENTRAL:
            hand_over("hall", *args)
    from central.__main__ import main as rest

    rest()


def add(cli: click.Group, central: click.Group) -> None:
    """Hang them under `cli` and its group `central`."""

    @cli.command("site", help=SITE_HELP, context_settings=AS_THEY_ARE, add_help_option=False)
    @click.argument("args", nargs=-1, type=click.UNPROCESSED)
    def site(args: tuple[str, ...]) -> None:
        hand_over("hall", "site", *args)

    @cli.command("release", help=RELEASE_HELP, context_settings=AS_THEY_ARE, add_help_option=False)
    @click.argument("args", nargs=-1, type=click.UNPROCESSED)
    def release(args: tuple[str, ...]) -> None:
        hand_over("hall", "release", *args)

    for name, words in CENTRAL.items():
        command = central.command(name, help=words, context_settings=AS_THEY_ARE, add_help_option=False)
        command(click.argument("args", nargs=-1, type=click.UNPROCESSED)(_handed(name)))


def _handed(name: str) -> Callable[[tuple[str, ...]], None]:
    def hand(args: tuple[str, ...]) -> None:
        hand_over("hall", "central", name, *args)

    return hand


if __name__ == "__main__":
    main()
