"""`mingcha-agent secret NAME`: a source's password, asked for at the terminal, sealed for this machine, handed to the agent."""

import getpass
import re
import sys

import click

from common.cli import say
from common.core.errors import ConfigError, UsageError
from provisioning import box_files, units
from provisioning.service import UNIT

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def keep(name: str) -> None:
    """Replace or add it; the service is started again, also where it waited for this. Raises UsageError, ConfigError, UnavailableError."""
    if not _NAME.fullmatch(name) or name == box_files.MASTER.name.partition(".")[0]:
        raise UsageError(
            f"名称不能用：{name}", hint="写 mapping.toml 里 password_file 的值：字母、数字、减号、下划线"
        )
    if not box_files.CREDS.is_dir():
        raise ConfigError("本机还没有安装", hint="请先执行市中心印出的命令")
    text = _asked(name)
    if not text:
        raise UsageError("密码是空的", hint="请再执行一次")
    box_files.seal(name, text.encode())
    box_files.write_units()
    units.start(UNIT, "restart")
    say(f"✓ {name} 已封存；检查：mingcha-agent doctor --only 数据源")


def _asked(name: str) -> str:
    """From the terminal, not shown; else the first line of the standard input. Never an argument: others see those."""
    try:
        if sys.stdin.isatty():
            return getpass.getpass(f"{name} 的密码（不显示）：")
        return sys.stdin.readline().rstrip("\r\n")
    except EOFError as error:
        raise click.Abort from error
