"""`mingcha score scheme…`: the scheme in words and as data; a change drafted, tried on past months, approved by another."""

import getpass
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store
from central.core.item_draft import DraftState
from central.core.scheme import Scheme, checked, difference
from common.cli import WHY, say, say_json
from common.core.errors import UsageError

_FILE = click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="文件")


def add(score: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the commands to the group `score`; `config`: the option that names the hall's configuration."""
    _add_show(score, config)
    _add_draft(score, config)
    for name, to, text in (
        ("scheme-approve", DraftState.APPROVED, "审定，自其生效月份起启用。起草的人不能审定。"),
        ("scheme-refuse", DraftState.REFUSED, "审定不通过。"),
        ("scheme-withdraw", DraftState.WITHDRAWN, "起草的人撤回。"),
    ):
        _add_decision(score, config, name, to, text)


def _add_show(score: click.Group, config: Callable[[Any], Any]) -> None:
    @score.command("measures", help="全部计数项与其定义；公式里可用的名字，以及可用的函数。")
    def measures() -> None:
        from central.core.formula import FUNCTIONS
        from central.core.measure import MEASURES

        for one in MEASURES.values():
            say(f"{one.id}\t{one.name}（{one.unit}）\t{one.definition}")
        for line in FUNCTIONS.values():
            say(line)

    @score.command(
        "scheme", help="最新一版评分方案，用文字写出；--json 得到可修改的文件，改后须写明生效月份。"
    )
    @click.option("--version", type=int, metavar="版本", help="较早的一版。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def scheme(version: int | None, as_json: bool, path: Path) -> None:
        from central.core.release import method
        from central.store import scores

        found = in_store(path, lambda conn: scores.scheme(conn, version))
        if as_json:
            say_json(msgspec.json.format(msgspec.json.encode(found)))
            return
        say(f"{found.name} 第 {found.version} 版" + (f"，{found.since} 起的期间" if found.since else ""))
        for line in method(found):
            say(line)
        for row in found.indicators:
            say(f"{row.id}\t{row.weight}\t{row.formula}\t基数 {row.of}")


def _today(path: Path) -> date:
    """In the legal zone, by the office's clock."""
    from central import config as configs
    from common.clock import Clock
    from common.core.instant import local_date

    settings = configs.load(path)
    return local_date(Clock(settings.clock).office(), ZoneInfo(settings.legal_zone))


def _read(source: Path) -> Scheme:
    try:
        return checked(msgspec.json.decode(source.read_bytes(), type=Scheme))
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"{source} 不是评分方案：{error}", hint="样式见  mingcha score scheme --json"
        ) from error


def _add_draft(score: click.Group, config: Callable[[Any], Any]) -> None:
    @score.command("scheme-try", help="用另一个方案重算一次已有的评分，列出会变的单位；不写入。")
    @_FILE
    @click.argument("number", type=click.IntRange(1), metavar="次")
    @config
    def attempt(source: Path, number: int, path: Path) -> None:
        from central import scoring

        wanted = _read(source)
        moved = in_store(path, lambda conn: scoring.tried(conn, number, wanted))
        for old, new in moved:
            say(f"{old.level.word}\t{old.name}\t{old.total} → {new.total}\t第 {old.rank} → 第 {new.rank}")
        say(f"{len(moved):,} 个单位会变" if moved else "✓ 没有单位会变")

    @score.command("scheme-draft", help="起草方案的改动，由另一人审定。")
    @_FILE
    @WHY
    @config
    def draft(source: Path, why: str, path: Path) -> None:
        from central.store import schemes
        from common.clock import Clock

        wanted, who, wall = _read(source), getpass.getuser(), Clock().wall()
        today = _today(path)
        number = in_store(path, lambda conn: schemes.add(conn, wanted, who, why, wall, today))
        say(f"第 {number} 份待审定；由另一人  mingcha score scheme-approve {number}")

    @score.command("scheme-drafts", help="待审定的方案，与现行方案的差别。")
    @config
    def show(path: Path) -> None:
        from central.store import schemes, scores

        async def read(conn: AsyncConnection) -> tuple[Any, Scheme]:
            return await schemes.waiting(conn), await scores.scheme(conn)

        row, now = in_store(path, read)
        if row is None:
            say("✓ 没有待审定的")
            return
        say(f"第 {row.id} 份\t{row.who} 起草\t{row.why}")
        wanted = schemes.content(row)
        say(f"{wanted.since} 起的期间")
        for one in difference(now, wanted):
            say(one.words)


def _add_decision(
    score: click.Group, config: Callable[[Any], Any], name: str, to: DraftState, text: str
) -> None:
    @score.command(name, help=text)
    @click.argument("number", type=click.IntRange(1), metavar="份")
    @WHY
    @config
    def decide(number: int, why: str, path: Path) -> None:
        from central.store import schemes
        from common.clock import Clock

        who, wall, today = getpass.getuser(), Clock().wall(), _today(path)
        found = in_store(path, lambda conn: schemes.decide(conn, number, to, who, why, wall, today))
        say(f"{to.word}；最新为第 {found.version} 版")
