"""`mingcha message`: what was told to whom, what did not arrive, silences, the channels' secrets, one message to try."""

import asyncio
import getpass
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import trail
from central.commands import in_store
from central.core.ladder import Level
from central.core.message import Channel, State
from central.core.recipient import veiled
from common.cli import WHY, say, say_json
from common.core.text import one_line

MOST = 200
"""Messages that one command prints; the page has the rest."""
_SECRETS = ("sms", "receipt", "modem", "mail", "chat")
_NUMBER = click.argument("number", type=click.IntRange(1), metavar="编号")


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="消息：按阶梯发给责任人的短信、邮件与站内消息。查看、重发、静默、试发。")
    def message() -> None:
        """Group of commands."""

    _add_looks(message, config)
    _add_acts(message, config)
    _add_silences(message, config)
    _add_channels(message, config)


def _add_looks(message: click.Group, config: Callable[[Any], Any]) -> None:
    @message.command("list", help="最近的在前；不再需要的不列，除非 --state over。")
    @click.option(
        "--state",
        type=click.Choice([state.value for state in State]),
        metavar="状态",
        help=" ".join(f"{state.value}（{state.word}）" for state in State),
    )
    @click.option("--site", default="", metavar="站点", help="只看一个站点。")
    @click.option("--person", default="", metavar="用户", help="只看发给一人的。")
    @click.option("--correction", type=int, default=0, metavar="编号", help="只看一件纠错的。")
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def show(state: str | None, site: str, person: str, correction: int, as_json: bool, path: Path) -> None:
        from central.core.scope import EVERYTHING
        from central.store import messages, pages
        from central.store.messages import Filter

        async def read(conn: AsyncConnection) -> Sequence[Row[Any]]:
            await pages.must_know(conn, site)
            wanted = Filter(state=state or "", site=site, person=person, correction=correction)
            return await messages.listed(conn, EVERYTHING, wanted, MOST)

        rows = in_store(path, read)
        if as_json:
            import msgspec

            plain = [dict(row._mapping) | {"address": veiled(row.address)} for row in rows]  # noqa: SLF001
            say_json(msgspec.json.encode(plain))
            return
        if not rows:
            say("✓ 没有这样的消息")
        for row in rows:
            where = f"{row.name} {veiled(row.address)}".rstrip()
            words = f"{Level(row.level).word}\t{Channel(row.channel).word}\t{State(row.state).word}"
            say(f"{row.id}\t{words}\t{where}\t{one_line(row.text)}")

    @message.command("show", help="一条消息的全文与经过：每次发送、回执、为何不发。")
    @_NUMBER
    @config
    def one(number: int, path: Path) -> None:
        from central import config as configs
        from central.core import wording
        from central.store import messages
        from common.clock import Clock

        zone, now = ZoneInfo(configs.load(path).legal_zone), Clock().wall()

        async def read(conn: AsyncConnection) -> tuple[Row[Any], Sequence[Row[Any]]]:
            return await _known(conn, number), await messages.entries(conn, number)

        row, entries = in_store(path, read)
        say(
            f"{Level(row.level).word}　{Channel(row.channel).word}　{row.name} {veiled(row.address)}".rstrip()
        )
        say(row.text)
        say(f"{wording.full(row.made_wall, zone, now)}　写下")
        for entry in entries:
            words = f"{State(entry.state).word}　{one_line(entry.detail)}".rstrip("　")
            say(f"{wording.full(entry.wall, zone, now)}　{words}")


async def _known(conn: AsyncConnection, number: int) -> Row[Any]:
    """Raises UsageError."""
    from central.store import messages
    from common.core.errors import UsageError

    row = await messages.one(conn, number)
    if row is None:
        raise UsageError(f"没有第 {number} 号消息", hint="编号见  mingcha message list")
    return row


def _add_acts(message: click.Group, config: Callable[[Any], Any]) -> None:
    @message.command("resend", help="重发一条未送达的消息，编号不变：对方按编号识别的，不会收到两条。")
    @_NUMBER
    @WHY
    @config
    def resend(number: int, why: str, path: Path) -> None:
        from central import posting

        async def write(conn: AsyncConnection) -> None:
            await posting.resend(conn, await _known(conn, number), getpass.getuser(), why)

        in_store(path, write)
        say(f"第 {number} 号消息已重新排队，程序运行时即发")

    @message.command("settle", help="一条未送达的消息已另行告知（如电话）：不再列在待处置。")
    @_NUMBER
    @WHY
    @config
    def settle(number: int, why: str, path: Path) -> None:
        from central import posting

        async def write(conn: AsyncConnection) -> None:
            await posting.settle(conn, await _known(conn, number), getpass.getuser(), why)

        in_store(path, write)
        say(f"第 {number} 号消息已记为另行告知")


def _add_silences(message: click.Group, config: Callable[[Any], Any]) -> None:
    @message.command(
        "silence", help="静默：一个站点或一个人的提示（黄灯、断线、监察办理逾期）暂停发送；红灯与文书照发。"
    )
    @click.option("--site", default="", metavar="站点", help="哪个站点。")
    @click.option("--person", default="", metavar="用户", help="发给谁的。")
    @click.option(
        "--until",
        type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]),
        required=True,
        metavar="时间",
        help="到何时为止，至多 5 个工作日；写日期为当日零点。",
    )
    @WHY
    @config
    def silence(site: str, person: str, until: datetime, why: str, path: Path) -> None:
        from central import config as configs
        from central import posting
        from common.clock import Clock
        from common.config import read_secret
        from common.core.instant import to_us

        settings = configs.load(path)
        zone = ZoneInfo(settings.legal_zone)
        secret = read_secret(settings.identity.sign_key, "市中心的签名私钥")
        until_at = to_us(until.replace(tzinfo=zone))

        async def write(conn: AsyncConnection) -> int:
            place = (site, person, until_at)
            return await posting.silence(
                conn, place, getpass.getuser(), why, secret, Clock(settings.clock), zone
            )

        say(f"静默 {in_store(path, write)} 已签名生效，到 {until:%Y-%m-%d %H:%M} 为止")

    @message.command("silences", help="正在生效的静默。")
    @config
    def silences(path: Path) -> None:
        from central import config as configs
        from central.store import silences as rows
        from common.clock import Clock
        from common.core.instant import from_us

        settings = configs.load(path)
        zone = ZoneInfo(settings.legal_zone)
        found = in_store(path, lambda conn: rows.running(conn, Clock(settings.clock).office()))
        if not found:
            say("✓ 没有静默")
        for row in found:
            whom = "、".join(
                filter(None, [row.site and f"站点 {row.site}", row.person and f"用户 {row.person}"])
            )
            until = from_us(row.until_at, zone).strftime("%Y-%m-%d %H:%M")
            say(f"{row.id}\t{whom}\t到 {until}\t{row.who}\t{one_line(row.reason)}")

    @message.command("unsilence", help="提前结束一个静默：暂停的提示随即补发。")
    @_NUMBER
    @WHY
    @config
    def unsilence(number: int, why: str, path: Path) -> None:
        from central.store import silences as rows
        from common.clock import Clock
        from common.core.errors import UsageError

        async def write(conn: AsyncConnection) -> None:
            if not await rows.end(conn, number, Clock().wall()):
                raise UsageError(f"没有生效的静默 {number}", hint="编号见  mingcha message silences")
            await trail.by_hand(conn, "message.unsilence", str(number), why)

        in_store(path, write)
        say(f"静默 {number} 已结束")


def _add_channels(message: click.Group, config: Callable[[Any], Any]) -> None:
    @message.command("secret", help="写入一个通道的口令（由标准输入读一行），封存在库里；重新启动后生效。")
    @click.argument("name", type=click.Choice(_SECRETS), metavar="通道")
    @config
    def secret(name: str, path: Path) -> None:
        from central import config as configs
        from central.notify import vault
        from central.store import silences as rows
        from common.config import read_secret

        text = sys.stdin.readline().strip()
        if not text:
            raise click.UsageError("没有读到口令：请由标准输入给一行")
        sign_secret = read_secret(configs.load(path).identity.sign_key, "市中心的签名私钥")

        async def write(conn: AsyncConnection) -> None:
            await rows.keep_secret(conn, name, vault.sealed(sign_secret, name, text))
            await trail.by_hand(conn, "message.secret", name)

        in_store(path, write)
        say(f"通道 {name} 的口令已封存，重新启动市中心程序后生效")

    @message.command("test", help="逐个检查通道，并试发一条给一个用户（登记了手机、邮箱的各一条）。")
    @click.argument("name", metavar="用户名")
    @config
    def test(name: str, path: Path) -> int:
        from central import config as configs
        from central import posting

        lines = asyncio.run(posting.test(configs.load(path), name, getpass.getuser()))
        for line in lines:
            say(line.text)
        return int(any(not line.is_well for line in lines))
