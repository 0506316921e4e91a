"""`mingcha-agent`: run the agent, or ask how it is. Parse, call, print."""

import sys
from pathlib import Path

from common.cli import EX_CONFIG, EX_SOFTWARE, config_option, invoke, reason, say

import click  # isort: skip

from agent import commands, handed, health_commands, probe_command
from agent.camera import commands as camera_commands

_CONFIG = config_option("agent")


@click.group(help="明察 站点采集程序：读取本站点的审批业务库，加密缓存，送往市中心。")
@click.version_option(package_name="mingcha", message="%(version)s")
def cli() -> None:
    """Group of commands."""


@cli.command(help="启动采集，直到被停止。")
@_CONFIG
def run(path: Path) -> None:
    from agent import app, config

    app.run(config.load(path))


@cli.command(help="暂停采集：不再读业务库，直到 resume；重启后仍然暂停。已采的照常上传。")
@click.option("--why", required=True, callback=reason, metavar="原因", help="显示在体检与市中心。")
@_CONFIG
def pause(path: Path, why: str) -> None:
    import getpass

    from agent import config
    from agent.switch import Off, Switch
    from common.clock import Clock

    Switch(config.load(path).data_dir).turn_off(Off(Clock().wall(), getpass.getuser(), why))
    say("✓ 已暂停采集，几秒内停止读业务库。恢复：mingcha-agent resume")


@cli.command(help="恢复采集；暂停期间的变化会自动补采。")
@_CONFIG
def resume(path: Path) -> None:
    from agent import config
    from agent.switch import Switch

    was_off = Switch(config.load(path).data_dir).turn_on()
    say("✓ 已恢复采集" if was_off else "✓ 采集没有暂停")


@cli.command("config", help="检查配置与映射，不连网络，列出全部错误。")
@_CONFIG
def check_config(path: Path) -> int:
    from agent import config, mapping
    from common.cli import complain
    from common.core.errors import ConfigError

    try:
        settings = config.load(path)
    except ConfigError as error:
        place = config.mapping_of(path)
        complain(error)
        if place.exists():
            mapping.load(place)
        return EX_CONFIG
    if not settings.mapping.exists():
        say(f"! 未配置数据源：没有 {settings.mapping}", err=True)
        return EX_CONFIG
    source, tables = mapping.load(settings.mapping)
    box = f"第 {settings.generation} 代" if settings.is_enrolled else "还没有登记"
    say(f"✓ {path}：站点 {settings.site} {box}，市中心 {settings.mqtt.host}:{settings.mqtt.port}")
    say(
        f"✓ {settings.mapping}：{source.type}，{len(tables)} 张表（{'、'.join(table.name for table in tables)}）"
    )
    return 0


health_commands.add(cli, _CONFIG)
commands.add(cli, _CONFIG)
camera_commands.add(cli, _CONFIG)
probe_command.add(cli, _CONFIG)
handed.add(cli)


def main() -> None:
    """Entry point of the console script."""
    if "doctor" not in sys.argv[1:2]:
        invoke(cli, name="mingcha-agent")
    try:
        invoke(cli, name="mingcha-agent")
    except Exception as error:  # noqa: BLE001  the doctor says that it failed itself, whatever failed
        say(f"✕ 体检程序自身出错：{error!r}", err=True)
        sys.exit(EX_SOFTWARE)


if __name__ == "__main__":
    main()
