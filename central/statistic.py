"""`mingcha statistics`: the same tables as the page, without its bound."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from central.core.figure import FIGURES, Dimension
from common.cli import say


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="统计：任意维度、指标与期间，可对比、可导出。")
    def statistics() -> None:
        """Group of commands."""

    @statistics.command("figures", help="全部维度与指标，各指标的定义。")
    def figures() -> None:
        for dimension in Dimension:
            say(f"{dimension.value}\t维度\t{dimension.word}")
        for one in FIGURES.values():
            say(f"{one.id}\t{one.name}（{one.unit}）\t{one.definition}")

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
        lines = [tables.cells(asked, row) for row in (*found.rows, found.total)]
        if target is not None:
            notes = [
                f"{asked.period.word} · {lacking}",
                *(f"{one.name}：{one.definition}" for one in asked.figures),
            ]
            target.write_bytes(as_csv(notes, tables.heading(asked), lines))
            say(f"已写入 {target}，{len(lines)} 行")
            return
        for line in (tables.heading(asked), *lines):
            say("\t".join(line))
        say(lacking)
