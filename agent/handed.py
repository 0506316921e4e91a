"""Commands of `mingcha-agent` that need root and are carried out by `provisioning`, of which the agent knows nothing."""

from collections.abc import Callable

import click

from common.cli import AS_THEY_ARE, hand_over

HANDED = {
    "renew": "证书到了续期的时候就续期。",
    "rollback": "退回上一个版本。",
    "secret": "输入数据源的密码，封存在本机。",
    "upgrade": "问市中心有没有要升级的，有就升级。",
    "uninstall": "卸载。",
}
"""Name -> what it is for; its options stand in `provisioning`."""


def add(cli: click.Group) -> None:
    """Hang them under `cli`."""
    for name, words in HANDED.items():
        command = cli.command(name, help=words, context_settings=AS_THEY_ARE, add_help_option=False)
        command(click.argument("args", nargs=-1, type=click.UNPROCESSED)(_handed(name)))


def _handed(name: str) -> Callable[[tuple[str, ...]], None]:
    def hand(args: tuple[str, ...]) -> None:
        hand_over("box", name, *args)

    return hand
