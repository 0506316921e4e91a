"""`mingcha rules` and `mingcha rebuild`: the rules with their figures, a trial of other ones, and all facts judged anew."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from central.commands import in_store, seen
from common.cli import WHY, say
from common.core.errors import UsageError

_Result = TypeVar("_Result")
MOST = 200
"""Differences that one command prints."""
_MOST, _SHOWN = 1_000, 40
_FROM_NONE = ("reason_length", "hearing_notice_days")
"""Figures of which none is a sense; with a limit of no working days a rule could say nothing any more."""


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add both to `cli`; `config`: the option that names the hall's configuration."""
    _add_rules(cli, config)

    @cli.command(
        short_help="由全部记录重新判定每个办件，与库中逐一对照；只读不写。",
        help="由全部记录重新判定每个办件，与库中的灯、红灯记录和不符合的规则逐一对照；由案卷重新推出每件纠错，核对其链与文书；"
        "由各办件重新数出统计汇总。"
        "只读不写。一致为 0，有差别为 1。",
    )
    @config
    def rebuild(path: Path) -> None:
        from central import config as configs
        from central import tally
        from central.correction_check import Report, check_all
        from central.rebuild import examine
        from common.clock import Clock

        settings = configs.load(path)
        clock = Clock(settings.clock)
        found = _read(settings, lambda conn, world: examine(conn, world, clock.office()))
        kept: Report = _read(settings, lambda conn, _: check_all(conn))
        for one in found.differs[:MOST]:
            say(f"{one.site}\t{one.case_key}\t{one.clock}\t库中 {one.kept}\t重放 {one.rebuilt}")
        say(
            f"{found.cases:,} 个办件、{found.clocks:,} 个时限、{found.reds:,} 盏红灯、{found.rules:,} 条不符合；"
            f"待判 {found.waits:,}，待认定撤销 {found.proposed:,}；指纹 {found.digest}"
        )
        say(f"{kept.corrections:,} 件纠错、案卷 {kept.entries:,} 条")
        for fault in kept.faults[:MOST]:
            say(f"✗ {fault}")
        rolled: tally.Report | None = _read(settings, lambda conn, world: tally.examine(conn, world.zone))
        wrong = [] if rolled is None else rolled.differs
        if rolled is None:
            say("统计汇总还没有开始，市中心程序启动时开始")
        else:
            say(f"{rolled.cells:,} 个统计汇总数，待汇总 {rolled.waiting:,} 件；指纹 {rolled.digest}")
        for line in wrong[:MOST]:
            say(line)
        if wrong:
            say(f"✗ 统计汇总 {len(wrong):,} 处不同：请执行  mingcha statistics afresh")
        if found.differs:
            say(f"✗ {len(found.differs):,} 处与库中不同")
        if found.differs or kept.faults or wrong:
            sys.exit(1)
        say("✓ 与库中一致")


def _add_rules(cli: click.Group, config: Callable[[Any], Any]) -> None:
    @cli.group(help="规则：法条、现行参数；换一组参数在全部历史上试算。")
    def rules() -> None:
        """Group of commands."""

    @rules.command("list", help="全部规则与出厂参数。")
    def show() -> None:
        from central.core.articles import RULES
        from central.core.off_rules import OF_COUNTERS
        from central.core.pack import PACK

        for rule in RULES:
            say(f"{rule.id}\t{rule.article}\t{rule.demand}")
        for name, article, demand, how in OF_COUNTERS:
            say(f"{name}\t{article}\t{demand}\t{how}")
        say(f"出厂参数\t{_figures(PACK)}")

    @rules.command("try", help="换一组参数试算全部办件，列出会变的结论；不写入，不亮灯。")
    @click.option("--set", "given", multiple=True, required=True, metavar="名称=值", help="见 rules list。")
    @config
    def attempt(given: tuple[str, ...], path: Path) -> None:
        from central import config as configs
        from central.trial import differences
        from common.clock import Clock

        wanted = _figures_of(given)
        settings = configs.load(path)
        clock = Clock(settings.clock)
        found = _read(settings, lambda conn, world: differences(conn, world, wanted, clock.office()))
        for one in found[:MOST]:
            say(f"{one.site}\t{one.case_no}\t{one.rule}\t{one.before}\t→ {one.after}")
        say(f"{len(found):,} 个结论会变" if found else "✓ 没有结论会变")

    @rules.command(
        "set",
        help="参数生效：从现在起判在办的办件，已办结的仍按办结时的参数；记入审计。先用 rules try 试算。",
    )
    @click.option(
        "--set", "given", multiple=True, required=True, metavar="名称=值", help="见 rules history。"
    )
    @WHY
    @config
    def enable(given: tuple[str, ...], why: str, path: Path) -> None:
        from central import config as configs
        from central.store import packs
        from central.store.engine import within
        from common.clock import Clock

        figures, settings, who = _figures_of(given), configs.load(path), getpass.getuser()
        clock = Clock(settings.clock)
        before, now = asyncio.run(
            within(
                settings.database_url,
                lambda conn: packs.add(conn, figures, who, why, clock.office(), clock.wall()),
            )
        )
        say(f"第 {before.version} 版\t{_figures(before)}")
        say(f"第 {now.version} 版\t{_figures(now)}")
        say("✓ 已生效，在办的办件半分钟内逐件重判")

    _add_opinions(rules, config)

    @rules.command("history", help="现行参数与历次更改：谁、何时、为何；法律审核意见。")
    @config
    def history(path: Path) -> None:
        from central import config as configs
        from central.core import opinion
        from central.core.pack import PACK
        from common.core.instant import from_us

        zone = ZoneInfo(configs.load(path).legal_zone)
        rows, figures, told = seen(path, _put_into_force)
        for row, (_, pack) in zip(rows, reversed(figures), strict=False):
            when = f"{from_us(row.made_wall, zone):%Y-%m-%d %H:%M}"
            say(f"第 {row.version} 版\t{when}\t{row.who}\t{row.why}\t{_figures(pack)}")
        say(f"第 {PACK.version} 版\t出厂\t–\t–\t{_figures(PACK)}")
        now = opinion.digest(figures[-1][1])
        for row in told:
            state = f"{row.confirmed_by} 确认" if row.confirmed_by else "待另一人确认"
            of = "现行规则" if row.digest == now else "不是现行规则"
            say(f"意见第 {row.id} 份\t{row.day}\t{row.examiner}\t{row.number}\t{row.who} 登记，{state}\t{of}")
        is_examined = any(row.digest == now and row.confirmed_by for row in told)
        say("现行规则已经法律审核" if is_examined else f"现行规则{opinion.MARK}")


def _add_opinions(rules: click.Group, config: Callable[[Any], Any]) -> None:
    @rules.command("text", help="现行规则的全文与指纹，交律师审核；--out 写成文件，指纹即其散列值。")
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="文件", help="写到这里。")
    @config
    def show(out: Path | None, path: Path) -> None:
        from central.core import opinion

        _, figures, _ = seen(path, _put_into_force)
        written = opinion.text(figures[-1][1])
        if out is None:
            say(written.rstrip("\n"))
        else:
            out.write_text(written, encoding="utf-8", newline="\n")
        say(f"指纹\t{opinion.digest(figures[-1][1])}")

    @rules.command("sign", help="登记法律审核意见：谁在哪份文书中审核了现行规则；由另一人确认后算数。")
    @click.option("--digest", required=True, metavar="指纹", help="意见书所审核的规则全文的指纹。")
    @click.option("--examiner", required=True, metavar="名称", help="律师与律师事务所，或者法制机构。")
    @click.option("--number", required=True, metavar="文号", help="意见书的编号。")
    @click.option(
        "--day", type=click.DateTime(["%Y-%m-%d"]), required=True, metavar="日期", help="意见书的落款。"
    )
    @config
    def sign(digest: str, examiner: str, number: str, day: datetime, path: Path) -> None:
        from central.core.opinion import Opinion
        from central.store import opinions
        from common.clock import Clock

        if not examiner.strip() or not number.strip():
            raise UsageError("审核人和文号不能空着", hint="照意见书填写")
        wanted = Opinion(
            digest=digest.strip().lower(),
            examiner=examiner.strip(),
            number=number.strip(),
            day=str(day.date()),
        )
        who, wall = getpass.getuser(), Clock().wall()
        made = in_store(path, lambda conn: opinions.add(conn, wanted, who, wall))
        say(f"意见第 {made} 份待确认；由另一人  mingcha rules confirm {made}")

    @rules.command("confirm", help="另一人核对意见书后确认；登记的人不能自己确认。")
    @click.argument("opinion_no", type=int, metavar="份号")
    @config
    def confirm(opinion_no: int, path: Path) -> None:
        from central.store import opinions
        from common.clock import Clock

        who, wall = getpass.getuser(), Clock().wall()
        row = in_store(path, lambda conn: opinions.confirm(conn, opinion_no, who, wall))
        say(f"✓ 意见第 {row.id} 份已确认：{row.examiner} {row.number}")


def _read(settings: Any, work: Callable[[Any, Any], Awaitable[_Result]]) -> _Result:
    """In one picture of the database, which nobody who writes waits for; what `work` calls now is later than all that is in it."""
    from central.store import audit, law
    from central.store.engine import look, within
    from central.world import load_world

    async def run() -> _Result:
        if not await _has_calendar(settings.database_url):
            await within(settings.database_url, law.calendar)
        async with look(settings.database_url) as conn:
            await audit.freeze(conn)
            return await work(conn, await load_world(conn, ZoneInfo(settings.legal_zone)))

    return asyncio.run(run())


async def _has_calendar(url: str) -> bool:
    """Asked first, because whoever writes waits for the hall, which may be busy for longer than a command has patience."""
    from central.store import law
    from central.store.engine import look
    from common.core.errors import UnavailableError

    try:
        async with look(url) as conn:
            return await law.newest(conn) is not None
    except UnavailableError:  # there is no database yet
        return False


async def _put_into_force(conn: Any) -> tuple[Any, Any, Any]:
    from central.store import opinions, packs

    return await packs.history(conn), await packs.every(conn), await opinions.listed(conn)


def _figures(pack: Any) -> str:
    import msgspec

    figures = msgspec.structs.asdict(pack).items()
    return " ".join(f"{name}={value}" for name, value in figures if name != "version")


def _figures_of(given: tuple[str, ...]) -> dict[str, int]:
    from central.core.pack import Pack

    names = [name for name in Pack.__struct_fields__ if name != "version"]
    values: dict[str, int] = {}
    for text in given:
        name, _, value = text.partition("=")
        is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(_MOST))
        if name not in names or not is_number or not int(name not in _FROM_NONE) <= int(value) <= _MOST:
            hint = f"写成 名称=数字，1 至 {_MOST}（{'、'.join(_FROM_NONE)} 可以为 0），名称为：{'、'.join(names)}"
            raise UsageError(f"看不懂“{text[:_SHOWN]}”", hint=hint)
        values[name] = int(value)
    return values
