"""`mingcha statistics`: the same tables as the page, without its bound."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.figure import DEFINITIONS, FIGURES, Dimension
from central.core.period import Period
from common.cli import say

_Found = TypeVar("_Found")


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="统计：任意维度、指标与期间，可对比、可导出。")
    def statistics() -> None:
        """Group of commands."""

    @statistics.command("figures", help="全部维度与指标，各指标的定义。")
    def figures() -> None:
        for dimension in Dimension:
            say(f"{dimension.value}\t{dimension.word}（维度）\t{DEFINITIONS.get(dimension, '')}")
        for one in FIGURES.values():
            say(f"{one.id}\t{one.name}（{one.unit}）\t{one.definition}")

    _add_insights(statistics, config)

    @statistics.command("table", help="一张表；期间写成 2026-06、2026-Q2、2026-H1 或 2026。")
    @click.argument("name", metavar="期间")
    @click.option("--by", multiple=True, default=("site",), metavar="维度", help="可写几次；见 figures。")
    @click.option(
        "--figure", "wanted", multiple=True, default=("decided", "on_time"), metavar="指标", help="可写几次。"
    )
    @click.option("--versus", default="", metavar="对比", help="before 上期，year 上年同期。")
    @click.option("--csv", "target", type=click.Path(path_type=Path), metavar="文件", help="写成 CSV。")
    @config
    def table(
        name: str, by: tuple[str, ...], wanted: tuple[str, ...], versus: str, target: Path | None, path: Path
    ) -> None:
        from central import config as configs
        from central import statistics as tables
        from central.core.scope import EVERYTHING
        from central.export import as_csv
        from central.store import audit, law
        from central.store.engine import look, within
        from common.clock import Clock

        asked = tables.asked_of(name, by, wanted, versus)
        settings = configs.load(path)
        zone, now_at = ZoneInfo(settings.legal_zone), Clock(settings.clock).office()

        async def read() -> tables.Answer:
            await within(settings.database_url, law.calendar)
            async with look(settings.database_url) as conn:
                await audit.freeze(conn)
                return await tables.answer(conn, EVERYTHING, asked, zone, now_at)

        found = asyncio.run(read())
        lacking = f"数据不全：{'、'.join(found.lacking)}，合计可能偏低" if found.lacking else "各站点数据齐全"
        rows = [*found.rows, found.total]
        if target is not None:
            notes = [
                f"{asked.period.word} · {lacking}",
                *(f"{one.name}：{one.definition}" for one in asked.figures),
            ]
            typed = [tables.typed(asked, row) for row in rows]
            target.write_bytes(as_csv(notes, tables.heading(asked), typed))
            say(f"已写入 {target}，{len(rows)} 行")
            return
        for line in (tables.heading(asked), *(tables.cells(asked, row) for row in rows)):
            say("\t".join(line))
        say(lacking)

    @statistics.command("afresh", help="丢弃统计汇总，由市中心程序从各办件重新汇总；其间照常统计，只是慢些。")
    @config
    def afresh(path: Path) -> None:
        from central import config as configs
        from central.store import tallies
        from central.store.engine import within

        begun = asyncio.run(within(configs.load(path).database_url, tallies.begin_anew))
        say("✓ 正在重新汇总" if begun else "统计汇总还没有开始，市中心程序启动时开始")


def _add_insights(statistics: click.Group, config: Callable[[Any], Any]) -> None:
    @statistics.command("odd", help="异常规律：不像逐件办出来的办结件，按站点和部门；只是线索，不计入评分。")
    @click.argument("name", metavar="期间")
    @config
    def odd(name: str, path: Path) -> None:
        from central import insight
        from central.core.measure import MEASURES
        from central.core.scope import EVERYTHING

        of, zone = _period(name), _zone(path)
        found = _read(path, lambda conn: insight.patterns(conn, of, zone, EVERYTHING))
        for one in found:
            cases = "、".join(case.no or case.key for case in one.cases)
            said = f"{MEASURES[one.kind].name}\t{one.site}\t{one.org}\t{one.when}"
            say(f"{said}\t{len(one.cases)}/{one.of} 件\t{cases}")
        if not found:
            say("✓ 没有异常规律")

    @statistics.command("steps", help="环节用时：办结件的工作日花在哪个事项的哪个环节，最多的在前。")
    @click.argument("name", metavar="期间")
    @config
    def steps(name: str, path: Path) -> None:
        from central import insight
        from central.core.scope import EVERYTHING

        of, zone = _period(name), _zone(path)
        say("事项\t环节\t次数\t共（工作日）\t占比\t平均用时\t中位数\t九成数\t平均等待")
        for one in _read(path, lambda conn: insight.steps(conn, of, zone, EVERYTHING)):
            days = f"{one.mean}\t{one.median}\t{one.p90}\t{one.wait}"
            say(f"{one.item}\t{one.step}\t{one.number}\t{one.days}\t{one.share}%\t{days}")


def _period(name: str) -> Period:
    from central.core import period

    return period.parse(name)


def _zone(path: Path) -> ZoneInfo:
    from central import config as configs

    return ZoneInfo(configs.load(path).legal_zone)


def _read(path: Path, ask: Callable[[AsyncConnection], Awaitable[list[_Found]]]) -> list[_Found]:
    """What `ask` finds in one picture of the tables."""
    from central import config as configs
    from central.store import audit, law
    from central.store.engine import look, within

    url = configs.load(path).database_url

    async def run() -> list[_Found]:
        await within(url, law.calendar)
        async with look(url) as conn:
            await audit.freeze(conn)
            return await ask(conn)

    return asyncio.run(run())
