"""`python -m provisioning`: parts of `mingcha` (`hall`) and `mingcha-agent` (`box`) that need more than they do; the medium;
the demonstration. Parse, call, print."""

from common.cli import invoke, say

import os  # isort: skip
import sys  # isort: skip
from pathlib import Path  # isort: skip
from typing import IO, TYPE_CHECKING  # isort: skip

import click  # isort: skip

from provisioning import hall_commands
from provisioning.hall_commands import CONFIG as _CONFIG

if TYPE_CHECKING:
    from provisioning.upgrade import Service

DEFAULT_DATA = "/var/lib/mingcha-central"
DEFAULT_MEDIUM = "/media/mingcha"
_PORT = click.IntRange(1, 65535)


@click.group(help="明察 部署：市中心、站点机器、安装介质、演示。")
def cli() -> None:
    """Group of commands."""


@cli.group(help="市中心：由 mingcha 转来。")
def hall() -> None:
    """Group of commands."""


hall.add_command(hall_commands.site)
hall.add_command(hall_commands.release)


@hall.group(help="市中心的程序。")
def central() -> None:
    """Group of commands."""


@central.command(
    "init",
    help="建立市中心，或修复：密钥与证书、消息服务、数据库、安装包、系统服务、第一个用户。可重复执行。",
)
@_CONFIG
@click.option(
    "--host", "hosts", multiple=True, metavar="地址", help="站点访问市中心的地址或名称，可写多个；首次必填。"
)
@click.option(
    "--port",
    type=_PORT,
    default=8443,
    show_default=True,
    metavar="端口",
    help="登记与安装包的端口；只在首次有效。",
)
@click.option(
    "--mqtt-port",
    type=_PORT,
    default=8883,
    show_default=True,
    metavar="端口",
    help="消息服务的端口；只在首次有效。",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DEFAULT_DATA,
    show_default=True,
    metavar="目录",
    help="数据库与安装包所在目录；只在首次有效。",
)
@click.option(
    "--medium",
    type=click.Path(path_type=Path),
    default=DEFAULT_MEDIUM,
    show_default=True,
    metavar="目录",
    help="发行介质；不在也可以，站点发行由它而来。",
)
@click.option(
    "--admin", default="admin", show_default=True, metavar="用户名", help="第一个用户，印出一次性密码。"
)
@click.option(
    "--public",
    multiple=True,
    metavar="域名",
    help="同时建立公众网页，公众用这个域名访问，可写多个；只在首次需要。",
)
@click.option(
    "--restore",
    "restored",
    type=click.Path(path_type=Path),
    metavar="备份",
    help="在新机器上由备份恢复，再照常建立。",
)
def init(
    path: Path,
    hosts: tuple[str, ...],
    port: int,
    mqtt_port: int,
    data: Path,
    medium: Path,
    admin: str,
    public: tuple[str, ...],
    restored: Path | None,
) -> None:
    from provisioning import hall as halls

    halls.init(halls.Options(path, data, hosts, port, mqtt_port, medium, admin, public, restored))


@central.command(
    "backup", help="备份市中心：证书机构、密钥、配置、数据库，一个加密的文件；密码从终端或标准输入读。"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="文件")
@_CONFIG
def back_up(file: Path, path: Path) -> None:
    from provisioning import backup, settings

    backup.backup(settings.load(path), file.absolute(), backup.ask_password())


@central.command(
    "move", help="市中心要换地址：先让各站点知道新地址，都知道了再搬。可重复执行，查看还有谁不知道。"
)
@click.argument("address", metavar="新地址")
@click.option("--arrived", is_flag=True, help="已搬到：新地址排在最前，新站点用它。")
@_CONFIG
def move(address: str, arrived: bool, path: Path) -> None:
    from provisioning import hall as halls
    from provisioning import moving, settings

    found = settings.load(path)
    if moving.announce(found, address, is_there=arrived):
        halls.init(halls.Options(path, found.data, (), 0, 0, Path(DEFAULT_MEDIUM), "admin"))
    moving.tell(found, address)


@central.command(
    "root",
    help="根密钥离线保管：写到至少两个 U 盘，逐份读回核对，再从本机删除。平时用不到它；换中间证书时放回。",
)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="目录 目录")
@_CONFIG
def root(folders: tuple[Path, ...], path: Path) -> None:
    from provisioning import root_key, settings

    root_key.take_away(settings.load(path), folders)


@central.command("restore", help="由备份恢复；本机不能已是市中心。之后请执行 mingcha central init。")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="文件")
@_CONFIG
def restore(file: Path, path: Path) -> None:
    from provisioning import backup

    backup.restore(file, path.absolute(), backup.ask_password(), os.environ.get(backup.DATABASE, ""))
    say("下一步：sh install.sh（介质上），或  mingcha central init")


@hall.command(hidden=True, help="登记服务：安装脚本、安装包、证书。")
@_CONFIG
@click.option("--bind", default="", metavar="地址", help="只在这个地址上监听。")
def enroll(path: Path, bind: str) -> None:
    from provisioning import enroll as doors
    from provisioning import settings

    doors.run(doors.Options(settings.load(path), bind))


@hall.command(hidden=True, help="消息服务：运行 Mosquitto，权限变化时让它重读。")
@_CONFIG
def broker(path: Path) -> None:
    from provisioning import broker_process

    broker_process.run(path.absolute().parent / "broker")  # its account reads nothing else


@cli.group(help="站点机器：由安装命令与 mingcha-agent 转来。")
def box() -> None:
    """Group of commands."""


@box.command(hidden=True, help="安装、修复、重新登记；由安装命令启动。")
@click.option("--dry-run", is_flag=True, help="只印出将要做的步骤，不改动任何东西。")
@click.option("--ask", is_flag=True, help="在终端输入令牌。")
def install(dry_run: bool, ask: bool) -> int:
    from provisioning import install as installing

    return installing.install(installing.Options(dry_run=dry_run, ask=ask))


@box.command(help="证书到了续期的时候就续期；由定时器每小时执行。")
@click.option("--now", is_flag=True, help="不等到时候，现在就请求；市中心可以说还早。")
def renew(now: bool) -> None:
    from provisioning import renew as renewing

    renewing.renew(even_if_early=now)


@box.command(hidden=True, help="没有线路时装好的机器：线路通了就登记；由定时器每半分钟执行。")
def join() -> None:
    from provisioning import identity_step

    if not identity_step.may_join():  # looked at first: who installs meanwhile is not kept waiting
        return
    with _alone():
        identity_step.join()
        say("✓ 已登记，令牌已作废")


@box.command(
    "upgrade", help="问市中心有没有要升级的，有就升级，不成自动退回；由定时器每五分钟执行。须 root。"
)
def upgrade_box() -> None:
    from provisioning import upgrade

    with _alone():
        upgrade.Upgrader(upgrade.Places(), _systemd()).run()


@box.command(help="退回本机保留的上一个版本，立即生效。须 root。")
def rollback() -> None:
    from provisioning import upgrade

    with _alone():
        upgrade.go_back(upgrade.Places(), _systemd())


@box.command("boot-check", hidden=True, help="开机时：试运行的版本多次没有通过就退回。")
def boot_check() -> None:
    from provisioning import upgrade

    upgrade.at_boot(upgrade.Places())


def _systemd() -> "Service":
    from provisioning.service import Systemd

    return Systemd()


def _alone() -> IO[str]:
    from provisioning.install import alone

    return alone()


@box.command(help="输入数据源的密码，封存在本机；名称与映射文件里写的一致。须 root。")
@click.argument("name", metavar="名称")
def secret(name: str) -> None:
    from provisioning import secret as secrets

    secrets.keep(name)


@box.command(help="卸载；缓存、主密钥与密码留下，写 --purge 才删除。须 root。")
@click.option("--purge", is_flag=True, help="连同缓存、主密钥与密码一起删除，不能恢复。")
def uninstall(purge: bool) -> None:
    from provisioning.script import UNINSTALL

    text = UNINSTALL.read_text("utf-8")  # whole, before it takes itself away
    os.execv("/bin/sh", ["sh", "-c", text, "sh", *(["--purge"] if purge else [])])  # noqa: S606


@cli.command(help="制作发行介质（须能上网）：市中心的安装程序，与签了名的站点发行。")
@click.argument("folder", type=click.Path(path_type=Path), metavar="目录")
@click.option("--arch", default="x86_64", show_default=True, metavar="架构", help="x86_64 或 aarch64。")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    metavar="文件",
    help="发行私钥；没有就新建。离线保管。",
)
@click.option(
    "--spare",
    type=click.Path(path_type=Path),
    metavar="文件",
    help="备用的发行私钥；没有就新建，与发行私钥分开保管。发行私钥丢失或泄露后，用它作 --key 制作下一个发行，站点照认；不写则没有备用。",
)
@click.option("--camera", is_flag=True, help="站点发行连同摄像组件：有摄像机的市用；约大两倍。")
def medium(folder: Path, arch: str, key: Path, spare: Path | None, camera: bool) -> None:
    from provisioning import medium as media

    made = media.make(
        folder.absolute(), arch, key.absolute(), spare.absolute() if spare else None, camera=camera
    )
    say(
        f"✓ {folder}：发行 {made.release} {made.arch}，{made.size / 1e6:.0f} MB    市中心执行：sh install.sh --host 地址"
    )


@cli.command(help="在本机演示：一个市中心、18 个站点、会动的业务库。Ctrl-C 停止，不留任何东西。")
@click.option("--port", default=8080, help="网页端口。", show_default=True)
@click.option("--pace", default=300.0, help="工作时间快多少倍。", show_default=True)
@click.option("--rest-pace", default=6000.0, help="夜间与周末快多少倍。", show_default=True)
@click.option("--embedded", is_flag=True, help="不用 Mosquitto，用程序内的消息服务。")
def demo(port: int, pace: float, rest_pace: float, embedded: bool) -> None:
    from provisioning.demo import launch

    launch.run(launch.Options(port=port, pace=pace, rest_pace=rest_pace, embedded=embedded))


def main() -> None:
    """The parts of `mingcha` and `mingcha-agent` speak of themselves by those names."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if part == "hall":
        invoke(hall, sys.argv[2:], "mingcha")
    if part == "box":
        invoke(box, sys.argv[2:], "mingcha-agent")
    invoke(cli)


if __name__ == "__main__":
    main()
