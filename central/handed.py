"""`mingcha central init` and `mingcha site …` are carried out by `provisioning`, of which the hall's programs know nothing."""

import os
import sys

import click

_AS_THEY_ARE = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
SITE_HELP = "站点：新增、印出安装命令、查看、停用。"
INIT_HELP = "建立市中心，或修复。"


def add(cli: click.Group, central: click.Group) -> None:
    """Hang them under `cli` and its group `central`."""

    @cli.command("site", help=SITE_HELP, context_settings=_AS_THEY_ARE, add_help_option=False)
    @click.argument("args", nargs=-1, type=click.UNPROCESSED)
    def site(args: tuple[str, ...]) -> None:
        _hand_over("site", *args)

    @central.command("init", help=INIT_HELP, context_settings=_AS_THEY_ARE, add_help_option=False)
    @click.argument("args", nargs=-1, type=click.UNPROCESSED)
    def init(args: tuple[str, ...]) -> None:
        _hand_over("central", "init", *args)


def _hand_over(*args: str) -> None:
    """Become the other program: its exit code, its output, its questions."""
    sys.stdout.flush()
    flags = ["-I", "-B"] if sys.flags.isolated else []
    os.execv(sys.executable, [sys.executable, *flags, "-m", "provisioning", "hall", *args])  # noqa: S606
