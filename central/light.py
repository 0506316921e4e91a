"""`mingcha light`: red lights that the facts of today do not show, and the decision whether one is withdrawn."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from central.commands import in_store, seen
from central.core.judgement import WithdrawalState
from central.core.scope import EVERYTHING
from common.cli import WHY, say
from common.core.state import ClockKind

MOST = 1_000
"""Proposals that one command prints."""


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="撤销：按现在的数据不成立的红灯和不符合，由人认定撤销或维持，记入审计。")
    def light() -> None:
        """Group of commands."""

    @light.command("list", help="待认定的：亮灯或不符合的原因，和现在的数据。")
    @click.option("--all", "decided", is_flag=True, help="连同已认定和已失效的。")
    @config
    def show(decided: bool, path: Path) -> None:
        from central.store import withdrawals

        rows = seen(path, lambda conn: withdrawals.listed(conn, EVERYTHING, MOST, decided_too=decided))
        if not rows:
            say("✓ 没有提议撤销的" if decided else "✓ 没有待认定的")
        for row in rows:
            name = f"{row.site}/{row.case_key}/{row.clock}/{row.cycle}"
            kind = ClockKind(row.clock).word if row.cycle else f"规则 {row.clock}"
            state = WithdrawalState(row.state).word
            number = row.case_no or row.case_key
            say(f"{name}\t{number}\t{kind}\t{state}\t{row.red_why or '–'}\t现在：{row.reason}")

    _add_decision(
        light,
        config,
        "withdraw",
        WithdrawalState.WITHDRAWN,
        "撤销一盏红灯或一条不符合；记录仍在，注明已撤销。",
    )
    _add_decision(light, config, "keep", WithdrawalState.KEPT, "维持原判。")


def _add_decision(
    light: click.Group, config: Callable[[Any], Any], name: str, state: WithdrawalState, text: str
) -> None:
    @light.command(name, help=text)
    @click.argument("place", metavar="名称")
    @WHY
    @config
    def decide(place: str, why: str, path: Path) -> None:
        from central.store import withdrawals
        from common.clock import Clock
        from common.core.errors import UsageError

        site, _, rest = place.partition("/")
        key, _, tail = rest.rpartition("/")[0].rpartition("/")
        cycle = rest.rpartition("/")[2]
        if not (site and key and tail and cycle.isdecimal()):
            raise UsageError(f"看不懂“{place}”", hint="名称照抄  mingcha light list  每行开头的一段")
        who, wall = getpass.getuser(), Clock().wall()
        parts = site, key, tail, int(cycle)
        in_store(path, lambda conn: withdrawals.decide(conn, parts, state, who, why, wall))
        say(f"{place}：{state.word}，半分钟内生效")
