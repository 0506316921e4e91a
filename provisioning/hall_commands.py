"""`mingcha site` and `mingcha release`. Parse, call, print."""

import os
from pathlib import Path

import click

from common.cli import WHY, say
from common.core.errors import UsageError
from common.core.state import SiteKind

DEFAULT_CONFIG = "/etc/mingcha/central.toml"
CONFIG = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, readable=False),
    default=lambda: os.environ.get("MINGCHA_CENTRAL_CONFIG", DEFAULT_CONFIG),
    metavar="文件",
    help=f"配置文件（默认 {DEFAULT_CONFIG}，或环境变量 MINGCHA_CENTRAL_CONFIG）。",
)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MAPPING = click.option("--mapping", type=_FILE, metavar="文件", help="登记时一并送给站点的映射文件。")
_JSON = click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
_SITE = click.argument("site", metavar="站点")


@click.group(help="站点：新增、印出安装命令、查看、停用。")
def site() -> None:
    """Group of commands."""


@site.command("add", help="新增站点，印出在其机器上执行的一条命令。")
@click.argument("name", metavar="名称")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in SiteKind]),
    required=True,
    metavar="类别",
    help=" ".join(f"{kind.value}（{kind.word}）" for kind in SiteKind),
)
@click.option("--id", "site", default="", metavar="编号", help="不写则由程序编号。")
@_MAPPING
@click.option("--wait", is_flag=True, help="等到首条回执；一小时没有等到，退出码为 75。")
@CONFIG
def add_site(name: str, kind: str, site: str, mapping: Path | None, wait: bool, path: Path) -> int:
    from provisioning import settings, sites

    found = settings.load(path)
    made = sites.add(found, name, SiteKind(kind), site, mapping)
    return sites.wait(found, made, sites.WAIT_SECS) if wait else 0


@site.command(
    "list", help="全部站点：状态、代次、证书、最近回执。退出码 0 正常，1 有证书将到期，2 有站点离线。"
)
@_JSON
@CONFIG
def list_sites(as_json: bool, path: Path) -> int:
    from provisioning import settings, sites

    return sites.listed(settings.load(path), as_json=as_json)


@site.command("show", help="一个站点的全部情况。")
@_SITE
@_JSON
@CONFIG
def show_site(site: str, as_json: bool, path: Path) -> None:
    from provisioning import settings, sites

    sites.show(settings.load(path), site, as_json=as_json)


@site.command("reissue", help="换机器或重装系统：印出新命令。现用的机器照常工作，直到新机器登记。")
@_SITE
@_MAPPING
@CONFIG
def reissue_site(site: str, mapping: Path | None, path: Path) -> None:
    from provisioning import settings, sites

    sites.reissue(settings.load(path), site, mapping)


@site.command("retire", help="停用站点：不再接收其记录，历史保留。")
@_SITE
@WHY
@CONFIG
def retire_site(site: str, why: str, path: Path) -> None:
    from provisioning import settings, sites

    sites.retire(settings.load(path), site, why)


@site.command("revoke", help="吊销一台机器（被盗、被侵入）：立即不再接收；站点可换机器。")
@_SITE
@click.option("--generation", default=0, type=click.IntRange(0), metavar="代次", help="不写则是最新的一台。")
@WHY
@CONFIG
def revoke_site(site: str, generation: int, why: str, path: Path) -> None:
    from provisioning import settings, sites

    sites.revoke(settings.load(path), site, generation, why)


@site.command("escrow", help="取出站点托管的主密钥：换了主板、盒子打不开自己的缓存时用。须 root，记入审计。")
@_SITE
@click.option(
    "-o",
    "--out",
    "file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="文件",
    help="写到哪里；已有的不覆盖。",
)
@WHY
@CONFIG
def escrow_site(site: str, file: Path, why: str, path: Path) -> None:
    from provisioning import safekeeping, settings

    safekeeping.take_out(settings.load(path), site, file, why)


@site.command("bundle", help="把安装脚本与安装包写到 U 盘：线路慢或还没有线路的站点用。")
@_SITE
@click.option("--arch", default="x86_64", show_default=True, metavar="架构", help="x86_64 或 aarch64。")
@click.option(
    "-o", "--out", "place", type=click.Path(path_type=Path), required=True, metavar="目录", help="写到哪里。"
)
@click.option(
    "--with-token",
    is_flag=True,
    help="连同令牌（14 天有效，只能用一次）与站点配置：没有线路也能装，先采集，线路通了自动登记。不写则 U 盘上没有秘密，登记须有线路。",
)
@CONFIG
def bundle_site(site: str, arch: str, place: Path, with_token: bool, path: Path) -> None:
    import asyncio

    from provisioning import settings, stick

    asyncio.run(stick.make(settings.load(path), site, arch, place, with_token=with_token))


@click.group(help="站点程序的发行：导入、分批推送、停止。")
def release() -> None:
    """Group of commands."""


@release.command("import", help="导入发行介质：核对签名，放入市中心；不会自动推送。")
@click.argument("folder", type=click.Path(path_type=Path, exists=True), metavar="目录")
@CONFIG
def import_releases(folder: Path, path: Path) -> None:
    from provisioning import releases, settings

    found = releases.take(settings.load(path), folder.absolute())
    if not found:
        raise UsageError(f"{folder} 里没有发行", hint="写发行介质的目录，其中有 release.pub 与 releases/")
    for manifest in found:
        say(f"✓ {manifest.release} {manifest.arch}，{manifest.size / 1e6:.0f} MB")


@release.command("list", help="已导入的发行，与最近一次推送的进展。退出码 2：已停止。")
@_JSON
@CONFIG
def list_releases(as_json: bool, path: Path) -> int:
    from provisioning import rollouts, settings

    return rollouts.listed(settings.load(path), as_json=as_json)


@release.command("rollout", help="分批推送：先试点，再几个，再全部；有一个退回就停止。")
@click.argument("name", metavar="发行")
@click.option("--canary", multiple=True, metavar="站点", help="试点，可写多个；不写则是第一个站点。")
@click.option(
    "--then",
    "sizes",
    multiple=True,
    type=click.IntRange(1),
    metavar="个数",
    help="其后各批的个数，可写多个；余下的是最后一批。",
)
@click.option(
    "--hours",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="小时",
    help="每批成功后再等多久。",
)
@WHY
@CONFIG
def roll_out(
    name: str, canary: tuple[str, ...], sizes: tuple[int, ...], hours: float, why: str, path: Path
) -> None:
    from provisioning import rollouts, settings

    rollouts.order(settings.load(path), name, canary, sizes, hours, why)


@release.command("halt", help="停止推送：还没轮到的站点不再升级。")
@WHY
@CONFIG
def halt_rollout(why: str, path: Path) -> None:
    from provisioning import rollouts, settings

    rollouts.halt(settings.load(path), why)
