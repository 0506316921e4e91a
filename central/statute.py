"""`mingcha statute`: since when a law is in force and when it was repealed, as the public door shows it."""

import getpass
import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from central.commands import in_store
from common.cli import WHY, say

_DAY = click.DateTime(["%Y-%m-%d"])


def add(cli: click.Group, config: Callable[[Any], Any]) -> None:
    """Add the group to `cli`; `config`: the option that names the hall's configuration."""

    @cli.group(help="法律法规的效力：公众网页按它显示现行有效、尚未生效或已废止。")
    def statute() -> None:
        """Group of commands."""

    @statute.command("set", help="登记一部法律法规，名称与事项依据里书名号内的写法相同；再写一次即更正。")
    @click.argument("name", metavar="名称")
    @click.option("--number", default="", metavar="文号", help="如 主席令第 21 号。")
    @click.option("--from", "since", type=_DAY, required=True, metavar="日期", help="施行日期。")
    @click.option("--repealed", type=_DAY, metavar="日期", help="自何日起废止；不写为没有废止。")
    @WHY
    @config
    def change(
        name: str, number: str, since: datetime, repealed: datetime | None, why: str, path: Path
    ) -> None:
        from central.core.statute import Statute, check, name_of
        from central.store import statutes, trail
        from common.clock import Clock

        until = repealed.date() if repealed else None
        one = Statute(name=name_of(name), number=number.strip(), effective=since.date(), repealed=until)
        check(one)

        async def write(conn: AsyncConnection) -> None:
            await statutes.put(conn, one)
            await trail.note(conn, Clock().wall(), getpass.getuser(), "statute.set", one.name, why)

        in_store(path, write)
        say(f"《{one.name}》已登记，十分钟内显示在公众网页")

    _add_import(statute, config)

    @statute.command("list", help="已登记的法律法规。")
    @config
    def show(path: Path) -> None:
        from central.store import statutes

        found = in_store(path, statutes.listed)
        if not found:
            say("✓ 没有登记过")
        for row in found:
            until = f"{row.repealed} 废止" if row.repealed else "没有废止"
            say(f"《{row.name}》\t{row.number or '–'}\t{row.effective} 施行\t{until}")


def _add_import(statute: click.Group, config: Callable[[Any], Any]) -> None:
    @statute.command("import", help="导入一部已登记的法律法规的全文；修订后的再导入一次，到施行日自动换上。")
    @click.argument("name", metavar="名称")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="文件")
    @click.option("--from", "since", type=_DAY, required=True, metavar="日期", help="这个文本自何日起施行。")
    @WHY
    @config
    def take(name: str, file: Path, since: datetime, why: str, path: Path) -> None:
        from central.core import law_text
        from central.core.statute import name_of
        from central.store import statutes, trail
        from central.store.statutes import Words
        from common.clock import Clock
        from common.core.errors import UsageError

        plain, body = name_of(name), file.read_bytes()
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"{file} 不是 UTF-8 的纯文本", hint="请另存为 UTF-8 编码的文本文件") from error
        articles = [one for one in law_text.parsed(text) if one.number]
        words = Words(since.date(), hashlib.sha256(body).hexdigest(), text)

        async def write(conn: AsyncConnection) -> int:
            if plain not in {row.name for row in await statutes.listed(conn)}:
                raise UsageError(
                    f"还没有登记《{plain}》", hint=f"请先  mingcha statute set {plain} --from 施行日期"
                )
            version = await statutes.add_text(conn, plain, words)
            await trail.note(
                conn, Clock().wall(), getpass.getuser(), "statute.import", f"{plain} 第 {version} 份", why
            )
            return version

        version = in_store(path, write)
        last = articles[-1].label
        say(f"《{plain}》第 {version} 份全文：{len(articles)} 条，到{last}，自 {since.date()} 起显示")
