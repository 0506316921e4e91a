"""`mingcha`: run the hall, keep its users, ask how it is. Parse, call, print."""

import asyncio
import sys
from collections.abc import Sequence, Sized
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.cli import EX_SOFTWARE, WHY, config_option, invoke, say, say_json

import click  # isort: skip
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import (
    account,
    calendar,
    commands,
    doctor_command,
    document_commands,
    finding,
    handed,
    item,
    ladder_commands,
    light,
    message_commands,
    office,
    public_command,
    publication,
    reseal,
    rule,
    score,
    statistic,
    statute,
    trail,
)
from central.commands import in_store
from common.core.text import one_line

if TYPE_CHECKING:
    from central.dead import Clerk

_CONFIG = config_option("central")


@click.group(help="明察 市中心：接收各站点的记录，判定时限与红黄灯，展示与督办。")
@click.version_option(package_name="mingcha", message="%(version)s")
def cli() -> None:
    """Group of commands."""


@cli.group(help="市中心的程序。")
def central() -> None:
    """Group of commands."""


@central.command("run", help="启动市中心，直到被停止。")
@_CONFIG
def run(path: Path) -> None:
    from central import app, config

    app.run(config.load(path))


@cli.command("config", help="检查配置，不连网络，列出全部错误。")
@_CONFIG
def check_config(path: Path) -> None:
    from central import config

    settings = config.load(path)
    say(
        f"✓ {path}：数据库 {settings.database.split('@')[-1]}，消息服务 {settings.mqtt.host}:{settings.mqtt.port}"
    )


class _Day(click.DateTime):
    """A date as people write it here."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            return self.fail(f"{value} 不是日期，写法如 2026-06-30", param, ctx)


@cli.command(help="核对：从入库的记录证明没有缺失、错位、改动。只读；退出码 0 已证明，1 有已知缺口，2 不符。")
@click.option("--site", default="", metavar="站点", help="只核对一个站点（默认全部）。")
@click.option("--from", "since", type=_Day(), metavar="日期", help="只列出这一天起的问题。")
@click.option("--to", "until", type=_Day(), metavar="日期", help="只列出到这一天为止的问题。")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="文件",
    help="改为核对站点的一张核对单（probe --conformance）：是不是它的机器签的，签名后有没有改动。",
)
@click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
@_CONFIG
def verify(
    site: str,
    since: datetime | None,
    until: datetime | None,
    sheet: Path | None,
    as_json: bool,
    path: Path,
) -> int:
    from central import config, verify_text
    from central import verify as verifying

    if sheet is not None:
        if site or since or until or as_json:
            raise click.UsageError("--sheet 不与其他选项同用")
        return _sheet(path, sheet)
    if since and until and since > until:
        raise click.UsageError("--from 晚于 --to，没有这样的时段")
    settings = config.load(path)
    days = (since.date() if since else None, until.date() if until else None)
    reports = asyncio.run(verifying.verify(settings, site, *days))
    if as_json:
        say_json(verify_text.as_json(reports))
    else:
        say(verify_text.render(reports, settings.legal_zone))
    return verifying.grade(reports).rank


def _sheet(path: Path, sheet: Path) -> int:
    from central import conformity
    from central.commands import seen

    read = conformity.load(sheet)
    grade, lines = seen(path, lambda conn: conformity.judged(conn, read))
    for line in lines:
        say(line)
    return grade.rank


@cli.group(help="死信：站点送来而读不出的记录。查看、修复后计入，或放弃；每次都记入审计。")
def dead() -> None:
    """Group of commands."""


_LETTER = click.argument("name", metavar="编号")


@dead.command("list", help="全部死信与等升级的记录，编号在前。")
@click.option("--site", default="", metavar="站点", help="只看一个站点。")
@click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
@_CONFIG
def list_dead(site: str, as_json: bool, path: Path) -> None:
    import msgspec

    from central.dead import Line, listed
    from central.store import pages

    async def read(conn: AsyncConnection) -> list[Line]:
        await pages.must_know(conn, site)
        return await listed(conn, site)

    found = in_store(path, read)
    if as_json:
        say_json(msgspec.json.encode(found))
        return
    _say_none(found, "没有死信，也没有等升级的记录")
    for line in found:
        say(f"{line.name}\t{line.word}\t{one_line(line.reason)}")


@dead.command("show", help="印出一封死信的记录（JSON），个人信息遮挡。")
@_LETTER
@click.option("--full", is_flag=True, help="不遮挡；须写 --why，记入审计。")
@click.option("--why", default="", metavar="原因", help="记入审计。")
@_CONFIG
def show_dead(name: str, full: bool, why: str, path: Path) -> None:
    if full and not why.strip():
        raise click.UsageError("--full 须写 --why 原因")
    say_json(asyncio.run(_clerk(path, name, why).show(full=full)))


@dead.command("reinject", help="计入一封死信：原样（升级之后），或用修改过的文件。")
@_LETTER
@click.option(
    "--file",
    "edited",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="文件",
    help="在 show --full 的输出上修改而成。",
)
@WHY
@_CONFIG
def reinject_dead(name: str, edited: Path | None, why: str, path: Path) -> None:
    try:
        text = edited.read_text("utf-8") if edited else ""
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{edited} 不是 UTF-8 编码，请另存为 UTF-8 后重试") from error
    say(asyncio.run(_clerk(path, name, why).reinject(text)))


@dead.command(
    "drop",
    short_help="放弃死信或等升级的记录：不再妨碍该站点的数据齐全，原文保留。",
    help="放弃死信或等升级的记录：不再妨碍该站点的数据齐全，原文保留。编号可为一封，一段（站点/纪元/1-900），或整个纪元（站点/纪元）。",
)
@_LETTER
@WHY
@_CONFIG
def drop_dead(name: str, why: str, path: Path) -> None:
    say(asyncio.run(_clerk(path, name, why).drop()))


def _clerk(path: Path, name: str, why: str) -> "Clerk":
    """Who acts is the account of the machine: the command line has no log-in of its own."""
    import getpass

    from central import config
    from central.dead import Clerk

    return Clerk(config.load(path), name, getpass.getuser(), why)


@cli.group(help="告警：使人怀疑一个站点的数据的事。查看，核实后记入审计。")
def alarm() -> None:
    """Group of commands."""


@alarm.command("list", help="未处理的告警，编号在前。")
@click.option("--site", default="", metavar="站点", help="只看一个站点。")
@click.option("--all", "ended", is_flag=True, help="连同已消除和已核实的。")
@click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
@_CONFIG
def list_alarms(site: str, ended: bool, as_json: bool, path: Path) -> None:
    import msgspec

    from central.store import alarms, pages
    from common.core.state import AlarmKind

    async def read(conn: AsyncConnection) -> Sequence[Row[Any]]:
        await pages.must_know(conn, site)
        return await alarms.listed(conn, site, ended=ended)

    rows = in_store(path, read)
    if as_json:
        say_json(msgspec.json.encode([dict(row._mapping) for row in rows]))  # noqa: SLF001
        return
    _say_none(rows, "没有告警" if ended else "没有未处理的告警")
    for row in rows:
        state = (
            f"已由 {row.accepted_by} 核实" if row.accepted_by else "已消除" if row.ended_wall else "未处理"
        )
        say(f"{row.id}\t{row.site}\t{AlarmKind(row.kind).word}\t{state}\t{one_line(row.detail)}")


@alarm.command("accept", help="核实一项告警：数据按现状采用。")
@click.argument("number", type=click.IntRange(1, 2**31 - 1), metavar="编号")
@WHY
@_CONFIG
def accept_alarm(number: int, why: str, path: Path) -> None:
    import getpass

    from central.store import alarms
    from common.clock import Clock

    who = getpass.getuser()
    row = in_store(path, lambda conn: alarms.accept(conn, number, who, why, Clock().wall()))
    say(f"告警 {number}（{row.site}）已核实")


def _say_none(rows: Sized, words: str) -> None:
    """Silence leaves people guessing."""
    if not rows:
        say(f"✓ {words}")


account.add(cli, _CONFIG)
office.add(cli, _CONFIG)
doctor_command.add(cli, _CONFIG)
commands.add(cli, _CONFIG)
finding.add(cli, _CONFIG)
trail.add(cli, _CONFIG)
calendar.add(cli, _CONFIG)
item.add(cli, _CONFIG)
document_commands.add(cli, _CONFIG)
light.add(cli, _CONFIG)
message_commands.add(cli, _CONFIG)
ladder_commands.add(cli, _CONFIG)
rule.add(cli, _CONFIG)
score.add(cli, _CONFIG)
public_command.add(cli, _CONFIG)
publication.add(cli, _CONFIG)
statistic.add(cli, _CONFIG)
statute.add(cli, _CONFIG)
handed.add(cli, central)
reseal.add(central, _CONFIG)


def main() -> None:
    """Entry point of the console script."""
    if "doctor" not in sys.argv[1:2]:
        invoke(cli, name="mingcha")
    try:
        invoke(cli, name="mingcha")
    except Exception as error:  # noqa: BLE001  the doctor says that it failed itself, whatever failed
        say(f"✕ 体检程序自身出错：{error!r}", err=True)
        sys.exit(EX_SOFTWARE)


if __name__ == "__main__":
    main()
