"""`mingcha-agent probe`: parse, call, print. Part of `agent/__main__.py`."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from common.cli import progress, say, say_json
from common.core.state import Health

if TYPE_CHECKING:  # every command imports this file, few need the rest
    from agent.conformance import Finding
    from agent.core.mapping import SourceConfig, Table
    from agent.core.probe.draft import Draft
    from agent.core.probe.verdicts import Verdict

_MARKS = {Health.OK: "✓", Health.WARN: "!", Health.FAIL: "✕", Health.SKIP: "–"}
_SIGNS = {True: "✓", False: "✕", None: "–"}
_CODES = {Health.OK: 0, Health.SKIP: 0, Health.WARN: 1, Health.FAIL: 2}
_HOST = re.compile(r"[0-9A-Za-z.:%_-]+")
_DRAFT = "mapping.draft.toml"
_LONGEST = 4000
"""Characters of a line of the sheet: it names every column."""
_FILE = click.Path(path_type=Path)
_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_Folder = Callable[["SourceConfig"], Path]
"""Where the source's password lies."""


def add(cli: click.Group, config: _Decorator) -> None:
    """Hang the command under `cli`; `config` is the option that names the configuration file."""

    @cli.command(
        help="勘察一个未知的业务库，起草映射：表、主键、时间、状态，各有把握与理由。只读业务库，样例遮挡，不出本机；"
        "把握不足的留给人填写。"
    )
    @click.argument("file", metavar="文件", type=_FILE)
    @click.option("--grants", is_flag=True, help="印出只读账号的授权语句，交业务库管理员执行；不连数据库。")
    @click.option(
        "--check",
        is_flag=True,
        help="试用写好的映射：权限、查询计划、时钟、主键、字符集，并逐行试读，不保存。",
    )
    @click.option(
        "--conformance",
        is_flag=True,
        help="在本站点的业务库上核对程序与该数据库的约定，印出本机签名的核对单；只读，须有写好的映射。",
    )
    @click.option(
        "--to",
        type=_FILE,
        default=None,
        metavar="文件",
        help="草稿写到哪里（默认写在旁边），核对单另存到哪里；已有的文件不覆盖。",
    )
    @click.option(
        "--secrets",
        type=_FILE,
        default=None,
        metavar="目录",
        help="密码文件所在目录（默认先看文件旁边，再看配置里的口令目录）。",
    )
    @click.option(
        "--host", default="%", metavar="地址", help="--grants：本机在业务库看来的地址（默认 %，任意）。"
    )
    @click.option("--json", "as_json", is_flag=True, help="只输出 JSON。")
    @config
    def probe(
        file: Path,
        path: Path,
        grants: bool,
        check: bool,
        conformance: bool,
        to: Path | None,
        secrets: Path | None,
        host: str,
        as_json: bool,
    ) -> int:
        from common import log

        log.configure(level="error")  # standard output is for what was asked
        if grants + check + conformance > 1:
            raise click.UsageError("--grants、--check 与 --conformance 只能写一个")
        if to is not None and (grants or check):
            raise click.UsageError("--to 只用于起草与 --conformance")
        if grants:
            return _grants(file, host)

        def folder(source: "SourceConfig") -> Path:
            from agent import probe

            return secrets or probe.secrets_of(source, file, path)

        if check:
            return _check(file, folder, as_json=as_json)
        if conformance:
            return _conform(file, folder, path, to, as_json=as_json)
        return _draft(file, folder, to or file.absolute().parent / _DRAFT, as_json=as_json)


# the draft -----------------------------------------------------------------------------------------------------


def _draft(file: Path, folder: _Folder, to: Path, *, as_json: bool) -> int:
    import msgspec

    from agent import app, probe
    from agent.core.probe.render import rendered

    config = probe.source_of(file)
    if to.exists() or not os.access(to.parent, os.W_OK):
        probe.write(to, "")  # said before minutes of reading
    draft = asyncio.run(_looked(config, folder(config)))
    progress("")
    written = msgspec.structs.replace(config, path=_relative(config.path, to)) if config.path else config
    probe.write(to, rendered(written, draft))
    if as_json:
        said = {"proven": app.proven(config), "tables": _facts(draft), "others": draft.others}
        say_json(msgspec.json.encode({"draft": str(to), **said}))
    else:
        _show(draft, to)
        _say_unproven(config)
    return 0 if draft.tables else 1


def _say_unproven(config: "SourceConfig") -> None:
    from agent import app
    from agent.source.base import NOT_PROVEN

    if not app.proven(config):
        say(f"! {config.type}：{NOT_PROVEN}；采集之前请执行  mingcha-agent probe --conformance mapping.toml")


def _relative(path: str, to: Path) -> str:
    """A source file beside the draft is named without its folder."""
    return (
        Path(path).name
        if Path(path).absolute().parent == to.absolute().parent
        else str(Path(path).absolute())
    )


async def _looked(config: "SourceConfig", secrets: Path) -> "Draft":
    from agent import app, probe

    source = app.adapter(config, secrets)
    try:
        await source.open()
        return await probe.look(source, config.dialect, progress)
    finally:
        await source.close()


def _facts(draft: "Draft") -> list[dict[str, Any]]:
    """Per table; no sample among them."""
    return [
        {
            "role": table.name,
            "from": table.seen.table.name,
            "rows": table.seen.rows if table.seen.whole else max(table.seen.rows, table.seen.table.rows or 0),
            "whole": table.seen.whole,
            "estimated": not table.seen.whole and table.seen.table.rows is not None,
            "key": {"columns": table.key.columns, "confidence": round(table.key.confidence, 2)},
            "parent": table.parent and {"columns": table.parent.columns, "sure": table.parent.sure},
            "mapped": sorted(name for name, guess in table.fields.items() if guess.sure),
            "open": sorted(name for name, guess in table.fields.items() if not guess.sure),
        }
        for table in draft.tables
    ]


def _is_parent_open(fact: dict[str, Any]) -> bool:
    return bool(fact["parent"]) and not fact["parent"]["sure"]


def _show(draft: "Draft", to: Path) -> None:
    for fact in _facts(draft):
        sure = fact["key"]["columns"] and fact["key"]["confidence"] >= 0.7
        key = "、".join(fact["key"]["columns"]) if sure else "未定（有唯一的字段请写上，没有可以不写）"
        rows = f"{'' if fact['whole'] else '约 ' if fact['estimated'] else '至少 '}{fact['rows']:,} 行"
        say(f"{'✓' if sure else '!'} {fact['from']}  {fact['role']}，{rows}，主键 {key}")
        say(f"    已对应 {len(fact['mapped'])}：{'、'.join(fact['mapped']) or '–'}")
        doubts = [*(["parent（指向办件的字段）"] if _is_parent_open(fact) else []), *fact["open"]]
        if doubts:
            say(f"    存疑 {len(doubts)}：{'、'.join(doubts)}")
    for other in draft.others:
        say(f"– {other.table}  未采用：{other.reason}")
    if not draft.tables:
        say("! 没有找到像办件主表的表")
    say(f"草稿已写入 {to}。请逐行核对，另存为 mapping.toml，再执行  mingcha-agent probe --check mapping.toml")


# the check -----------------------------------------------------------------------------------------------------


def _check(file: Path, folder: _Folder, *, as_json: bool) -> int:
    import msgspec

    from agent import app, mapping

    config, tables = mapping.load(file)
    found = asyncio.run(_checked(config, tables, folder(config)))
    progress("")
    code = max(_CODES[verdict.status] for verdict in found)
    if as_json:
        said = {"exit": code, "proven": app.proven(config), "verdicts": found}
        say_json(msgspec.json.encode(said))
        return code
    for verdict in found:
        place = f"{verdict.table}  " if verdict.table else ""
        say(f"{_MARKS[verdict.status]} {place}{verdict.title}：{verdict.detail}")
        if verdict.remedy:
            say(f"  处理：{verdict.remedy}")
    _say_unproven(config)
    say(("✓ 映射可用", "! 映射可用，有要注意的事", "✕ 映射还不能用")[code])
    return code


async def _checked(config: "SourceConfig", tables: "list[Table]", secrets: Path) -> "list[Verdict]":
    from agent import app, probe_check
    from common.clock import Clock

    source = app.adapter(config, secrets, tables)
    try:
        return await probe_check.check(source, config, tables, Clock(), progress)
    finally:
        await source.close()


# the sheet -----------------------------------------------------------------------------------------------------


def _conform(file: Path, folder: _Folder, agent: Path, to: Path | None, *, as_json: bool) -> int:
    """Exit code 2 where the database does not keep to the contract. Nothing of a row is printed. `agent`: the box's own
    configuration, whose key signs the sheet; `to`: where else it goes."""
    import msgspec

    from agent import __version__, app, mapping, probe
    from agent.config import ZONE
    from common.clock import Clock
    from common.core.errors import ConfigError
    from common.core.instant import from_us

    config, tables = mapping.load(file)
    if to is not None and (to.exists() or not os.access(to.absolute().parent, os.W_OK)):
        probe.write(to, "")  # said before a minute of examining
    found = asyncio.run(_examined(config, tables, folder(config)))
    now, proven = from_us(Clock().wall(), ZONE), app.proven(config)
    code = 2 if any(item.ok is False for item in found) else 0
    lines = _sheet(config, file, f"{now:%Y-%m-%d %H:%M}", found, code)
    try:
        last, is_signed = _signature(agent, lines), True
    except ConfigError as error:
        last, is_signed = f"! 没有签名：{error}", False
    if to is not None:
        probe.write(to, "\n".join((*lines, last, "")))
    if as_json:
        head = {
            "engine": config.type,
            "version": __version__,
            "day": now.date().isoformat(),
            "proven": proven,
        }
        head |= {"exit": code, "signed": is_signed, "sheet": "\n".join((*lines, last))}
        say_json(msgspec.json.encode(head | {"findings": found}))
        return code
    for line in (*lines, last):
        say(line)
    return code


def _signature(agent: Path, lines: list[str]) -> str:
    """The sheet's last line, by the key of the box. Raises ConfigError where there is none."""
    from agent import app, config
    from common.core import conformity
    from common.core.errors import ConfigError

    box = config.load(agent)
    if not box.is_enrolled:
        raise ConfigError("本机还没有登记")
    secret = app.read_key(box.identity.sign_key, "本站点的签名私钥")
    return conformity.signed(secret, box.site, box.generation, lines)


def _sheet(config: "SourceConfig", file: Path, when: str, found: "list[Finding]", code: int) -> list[str]:
    """Which database, by which mapping and program, when; then a line for each finding."""
    import hashlib

    from agent import __version__, app
    from agent.source.base import NOT_PROVEN
    from common.core.text import one_line

    place = Path(config.path).name if config.path else f"{config.database}@{config.host}:{config.port}"
    by = f"映射 {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"
    unproven = "" if app.proven(config) else NOT_PROVEN
    return [
        one_line(f"核对单 {config.type} {place} 明察 {__version__} {when} {by} {unproven}"),
        *(one_line(f"{_SIGNS[item.ok]} {item.name}：{item.detail}", _LONGEST) for item in found),
        ("✓ 合乎约定；请把这张核对单交给市中心存档", "", "✕ 有不合约定的项目，暂不能采集")[code],
    ]


async def _examined(config: "SourceConfig", tables: "list[Table]", secrets: Path) -> "list[Finding]":
    from agent import app, conformance

    source = app.adapter(config, secrets, tables)
    try:
        await source.open()  # one that is away is no sheet
        return await conformance.examine(source, tables)
    finally:
        await source.close()


# the grants ----------------------------------------------------------------------------------------------------


def _grants(file: Path, host: str) -> int:
    from agent import probe
    from agent.core import query
    from agent.core.probe import grants

    config = probe.source_of(file)
    if grants.is_file(config.type):
        say(grants.permissions(config.path))
        return 0
    if not _HOST.fullmatch(host):
        raise click.UsageError(f"--host 不是地址：{host}")
    tables = [
        ".".join(query.identifier(part) for part in name.split(".", 1)) for name in probe.tables_of(file)
    ]
    names = (query.identifier(config.database), query.identifier(config.user))
    say(grants.statements(config.type, *names, host, tables))
    return 0
