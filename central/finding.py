"""`mingcha finding` and `mingcha tolerance`: what the versions show, what became of it, and what a site is forgiven."""

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store
from central.core.scope import EVERYTHING
from central.core.wording import redact, table_word, tail
from common.cli import WHY, say, say_json
from common.core.instant import DAY, MINUTE
from common.core.state import FindingCode, FindingState

MOST = 1_000
"""Findings that one command prints; the page has the rest."""
LONGEST = 366 * DAY // MINUTE
_SITE = click.argument("site", metavar="站点")
_BYTES = ("before_epoch", "after_epoch")
_WORDS = {
    "backdate": "T1：写明的办结时间可早于最后一次看到仍在办多少",
    "change": "T2、T3：时间改动多少以内不算",
    "silent": "T5：修改时间可早于最后一次看到旧内容多少",
    "late": "补录：录入晚于所载时间多少以上才计",
}


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add both groups to `cli`; `config`: the option that names the hall's configuration."""
    _add_findings(cli, config)
    _add_tolerances(cli, config)


def _add_findings(cli: click.Group, config: Callable[[Any], Any]) -> None:
    @cli.group(help="疑点：前后两版记录比对所见。查看，核实后记入审计。")
    def finding() -> None:
        """Group of commands."""

    @finding.command("list", help="待核实的疑点，编号在前，最新在前。")
    @click.option("--site", default="", metavar="站点", help="只看一个站点。")
    @click.option("--all", "decided", is_flag=True, help="连同已核实和已撤回的。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show(site: str, decided: bool, as_json: bool, path: Path) -> None:
        import msgspec

        from central.store import findings, pages
        from central.store.findings import Filter

        async def read(conn: AsyncConnection) -> Sequence[Row[Any]]:
            await pages.must_know(conn, site)
            return await findings.listed(conn, EVERYTHING, Filter(site=site, decided_too=decided), MOST)

        rows = in_store(path, read)
        if as_json:
            say_json(msgspec.json.encode([_plain(row) for row in rows]))
            return
        if not rows:
            say("✓ 没有疑点" if decided else "✓ 没有待核实的疑点")
        for row in rows:
            code = FindingCode(row.code)
            name = f"{code.name} {code.word}" if code is not FindingCode.NOTICE else code.word
            of = f"{table_word(row.tbl)} 尾号 {tail(row.case_no) or '无'}" if row.case_key else "–"
            state = FindingState(row.state).word
            say(f"{row.id}\t{row.site}\t{of}\t{name}\t{state}\t{redact(row.words, None)}")

    @finding.command("explain", help="核实一个疑点：写明是怎么回事。")
    @click.argument("number", type=int, metavar="编号")
    @WHY
    @config
    def explain(number: int, why: str, path: Path) -> None:
        from central.store import findings
        from common.clock import Clock

        who = getpass.getuser()
        row = in_store(
            path, lambda conn: findings.explain(conn, EVERYTHING, number, who, why, Clock().wall())
        )
        say(f"疑点 {number}（{row.site} {FindingCode(row.code).name}）已核实")


def _plain(row: Row[Any]) -> dict[str, Any]:
    """Without the applicant: a list of findings names nobody."""
    found = {name: value for name, value in row._mapping.items() if name != "applicant"}  # noqa: SLF001
    found["words"] = redact(row.words, None)
    return found | {name: found[name].hex() if found[name] is not None else None for name in _BYTES}


def _add_tolerances(cli: click.Group, config: Callable[[Any], Any]) -> None:
    @cli.group(help="容差：一个站点的时间差多少以内不列为疑点。")
    def tolerance() -> None:
        """Group of commands."""

    @tolerance.command(
        "set", help="改一个站点的容差；没有写的项恢复为默认；已有记录随即重判，人已作出的结论不变。"
    )
    @_SITE
    @_minutes("backdate")
    @_minutes("change")
    @_minutes("silent")
    @_minutes("late")
    @WHY
    @config
    def change(site: str, why: str, path: Path, **given: int | None) -> None:
        from msgspec.structs import replace

        from central import conduct
        from central import config as configs
        from central.core.context import Tolerance
        from central.store import findings, pages, trail
        from common.clock import Clock

        zone, now_wall, who = ZoneInfo(configs.load(path).legal_zone), Clock().wall(), getpass.getuser()
        wanted = {name: value * MINUTE for name, value in given.items() if value is not None}
        chosen = replace(Tolerance(), **wanted)

        async def write(conn: AsyncConnection) -> conduct.Rejudged:
            await pages.must_know(conn, site)
            await findings.set_tolerance(conn, site, chosen, who, why, now_wall)
            done = await conduct.rejudge(conn, site, zone, now_wall)
            text = f"{site} withdrawn={done.withdrawn} found={done.found}"
            await trail.note(conn, now_wall, who, "tolerance.judge", text, why)
            return done

        done = in_store(path, write)
        say(
            f"站点 {site} 的容差已记下，已有记录按它重判：撤销待核实疑点 {done.withdrawn} 个，新出现 {done.found} 个"
        )

    @tolerance.command("list", help="默认的容差，与另有规定的站点，单位分钟。")
    @config
    def wished(path: Path) -> None:
        import msgspec

        from central.core.context import Tolerance
        from central.store import findings

        rows = in_store(path, findings.tolerances)
        say(f"默认\t{_line(msgspec.structs.asdict(Tolerance()))}")
        for site, row in sorted(rows.items()):
            say(f"{site}\t{_line(dict(row._mapping))}\t{row.who}：{row.why}")  # noqa: SLF001


def _minutes(name: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}", type=click.IntRange(0, LONGEST), metavar="分钟", help=f"{_WORDS[name]}，分钟。"
    )


def _line(values: dict[str, Any]) -> str:
    return "\t".join(f"{name} {values[name] // MINUTE}" for name in _WORDS)
