"""The contract of a source (agent/source/base.py) against the very database of a site, read-only: what its sheet says.

Each check gives one finding; what an engine offers no read-only way to prove is said to be unproven, never passed over.
Nothing is written: the one UPDATE touches no row and must be refused. A few pages are read, whole tables never.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from agent.core import query, rows
from agent.core.digest import encode
from agent.core.mapping import ROW_KEY, Table
from agent.core.query import Dialect, Query, Row, quote, table_name
from agent.source import base
from agent.source.base import Source
from common.core.errors import MingchaError

_ROWS = 200
_PAGES = (7, 50)
"""Sizes that the same rows are read in; the first cuts through every kind of tie."""
_TRIES = 3
"""A table that is written to meanwhile is looked at again."""
_DIGEST_KEY = bytes(32)


class Finding(Struct, frozen=True):
    """One line of the sheet. `ok` None: cannot be proven here."""

    name: str
    ok: bool | None
    detail: str


_Check = Callable[[Source, Table], Awaitable[tuple[bool | None, str]]]


class _Probe(Struct, frozen=True):
    """What a dialect may be asked that needs no right but SELECT. Empty: it cannot."""

    limits: str = ""
    """The limits of the session: of a statement, of a lock."""
    sleep: str = ""
    """Takes a minute, if nothing cuts it."""
    end: str = ""
    """Ends our own connection from the server's side."""


_PG = _Probe(
    "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), "
    "current_setting('transaction_read_only')",
    "SELECT pg_sleep(60)",
    "SELECT pg_terminate_backend(pg_backend_pid())",
)
_PROBES = {
    Dialect.SQLITE: _Probe(
        sleep="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    ),
    Dialect.MYSQL: _Probe(
        "SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout", "SELECT SLEEP(60)", "KILL CONNECTION_ID()"
    ),
    Dialect.POSTGRESQL: _PG,
    Dialect.KINGBASE: _PG,
    Dialect.SQLSERVER: _Probe(
        "SELECT @@LOCK_TIMEOUT, transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID"
    ),
}


async def examine(source: Source, tables: Sequence[Table]) -> list[Finding]:
    """Run every check. The source is closed afterwards. Raises nothing that is foreseen."""
    found: list[Finding] = []
    try:
        for table in tables:
            first = await _found(f"{table.mapping.from_} 字段", source, table, _columns)
            found.append(first)
            rest = _OF_A_TABLE if first.ok else {}  # of a table that is not there all else fails
            for name, check in rest.items():
                found.append(await _found(f"{table.mapping.from_} {name}", source, table, check))
        for name, check in _OF_THE_CONNECTION.items() if tables else ():
            found.append(await _found(name, source, tables[0], check))
    finally:
        await source.close()
    return found


async def _found(name: str, source: Source, table: Table, check: _Check) -> Finding:
    try:
        ok, detail = await check(source, table)
    except MingchaError as error:
        return Finding(name, False, str(error))
    return Finding(name, ok, detail)


# one table ---------------------------------------------------------------------------------------------------


def _own(table: Table) -> list[str]:
    """Columns of the source that are read."""
    return [name for name in table.names if name != ROW_KEY]


async def _columns(source: Source, table: Table) -> tuple[bool, str]:
    lost = base.missing(table.source.dialect, table.names, await source.columns(table.mapping.from_))
    return (False, f"缺少 {'、'.join(lost)}") if lost else (True, f"{len(_own(table))} 个字段都在")


async def _pages(source: Source, table: Table) -> tuple[bool | None, str]:
    """The same rows, whatever the size of a page; no key twice, none null."""
    places = [table.names.index(name) for name in table.key]

    def key(row: Row) -> Row:
        return tuple(row[place] for place in places)

    for _ in range(_TRIES):
        whole = await source.fetch(query.by_key(table.select, None, _ROWS))
        keys = [key(row) for row in whole]
        if not keys:
            return None, "表是空的"
        if any(None in item for item in keys):
            return False, "主键有空值"
        if len(set(keys)) < len(keys):
            return False, "主键不唯一"
        walks = [[key(row) async for row in _walk(source, table, size, key)] for size in _PAGES]
        if await source.fetch(query.by_key(table.select, None, _ROWS)) != whole:
            continue
        for size, found in zip(_PAGES, walks, strict=True):
            if found != keys:
                return False, f"每页 {size} 行与整页读出的不同：{len(found)} 与 {len(keys)} 行"
        return True, f"{len(keys)} 行，每页 {'、'.join(map(str, _PAGES))} 行，次序一致，无缺无重"
    return None, "表一直在变，比不了"


async def _walk(source: Source, table: Table, size: int, key: Callable[[Row], Row]) -> AsyncIterator[Row]:
    after, left = None, _ROWS
    while left > 0:
        page = await source.fetch(query.by_key(table.select, after, min(size, left)))
        for row in page:
            yield row
        if len(page) < min(size, left):
            return
        after, left = key(page[-1]), left - len(page)


async def _by_keys(source: Source, table: Table) -> tuple[bool | None, str]:
    places = [table.names.index(name) for name in table.key]
    for _ in range(_TRIES):
        page = await source.fetch(query.by_key(table.select, None, 50))
        keys = [tuple(row[place] for place in places) for row in page]
        if not keys:
            return None, "表是空的"
        found = await source.fetch(query.by_keys(table.select, keys))
        if sorted(map(repr, found)) == sorted(map(repr, page)):
            return True, f"{len(keys)} 个主键各取回一行"
    return False, f"{len(keys)} 个主键取回 {len(found)} 行，或内容不同"


async def _cursors(source: Source, table: Table) -> tuple[bool | None, str]:
    """Rows with the same time must not be lost where a page ends."""
    if not table.cursors:
        return None, "没有映射修改时间"
    column = table.cursors[0]
    order = [column, *(name for name in table.key if name != column)]
    places = [table.names.index(name) for name in order]
    for _ in range(_TRIES):
        whole = await source.fetch(query.by_cursor(table.select, column, (), None, None, _ROWS))
        found: list[Row] = []
        after: Row | None = None
        while len(found) < len(whole):
            page = await source.fetch(
                query.by_cursor(
                    table.select, column, (), None, after, min(_PAGES[0], len(whole) - len(found))
                )
            )
            found += page
            if not page:
                break
            after = tuple(page[-1][place] for place in places)
        if found == whole:
            return True, f"{len(whole)} 行，同一时刻的行没有遗漏"
    return False, f"逐页读出 {len(found)} 行，整页 {len(whole)} 行，次序或内容不同"


async def _types(source: Source, table: Table) -> tuple[bool | None, str]:
    """Every value has one encoding, on which digests and so all findings rest."""
    page = await source.fetch(query.by_key(table.select, None, _ROWS))
    if not page:
        return None, "表是空的"
    kinds: dict[str, set[str]] = {name: set() for name in table.names}
    for row in page:
        rows.read(row, table, _DIGEST_KEY)
        for name, value in zip(table.names, row, strict=True):
            encode(value)
            kinds[name].add("空" if value is None else type(value).__name__)
    mixed = [name for name, found in kinds.items() if not _is_one(table.select.dialect, found - {"空"})]
    shown = "、".join(f"{name}={'/'.join(sorted(kinds[name]))}" for name in _own(table))
    return (False, f"{'、'.join(mixed)} 的类型不一：{shown}") if mixed else (True, shown)


def _is_one(dialect: query.Dialect, kinds: set[str]) -> bool:
    """Whether each value comes in one type whatever stands beside it. A time that no driver makes a time of (0000-00-00) comes as
    its text, and SQLite, in which images of files lie too, has a type per value."""
    is_time = kinds in ({"str", "datetime"}, {"str", "date"})
    return len(kinds) < 2 or is_time or dialect is query.Dialect.SQLITE


async def _raw(source: Source, table: Table) -> tuple[bool | None, str]:
    """Text as it is stored, read beside the same text as the driver gives it."""
    if table.is_whole:
        return None, "没有 key，整表读取，不另按字节比"
    page = await source.fetch(query.by_key(table.select, None, _ROWS))
    texts = [
        column.name
        for place, column in enumerate(table.select.columns)
        if any(isinstance(row[place], str | bytes) for row in page) and column.name not in table.key
    ]
    if not texts:
        return None, "没有文字字段，或表是空的"
    columns = tuple(query.Column(name, name in texts) for name in [*table.key, *texts])
    wanted = query.Table(table.source.dialect, table.mapping.from_, columns, table.key)
    found = await source.fetch(query.by_key(wanted, None, _ROWS))
    values = [value for row in found for value in row[len(table.key) :] if value is not None]
    if all(isinstance(value, str) for value in values):
        return None, "文件载入时已按其编码解读，没有另外的原始字节"
    strange = [value for value in values if not isinstance(value, bytes | bytearray | memoryview)]
    return (
        (False, f"读出的不是字节：{type(strange[0]).__name__}")
        if strange
        else (
            True,
            f"{'、'.join(texts)}：{len(values)} 个值以字节读出",
        )
    )


async def _privileges(source: Source, table: Table) -> tuple[bool, str]:
    said = await base.may_be_written(source, table.mapping.from_, table.key[0])
    return (False, said) if said else (True, "账号不能改写")


async def _read_only(source: Source, table: Table) -> tuple[bool | None, str]:
    """Touches no row; must be refused, by the session or by the grants behind it."""
    name = next(name for name in table.names if name != ROW_KEY or not table.is_whole)
    dialect, column = table.source.dialect, quote(table.source.dialect, name)
    sql = f"UPDATE {table_name(dialect, table.mapping.from_)} SET {column} = {column} WHERE 1 = 0"  # noqa: S608
    try:
        await source.fetch(Query(sql, table=table.mapping.from_, index=table.key))
    except base.PrivilegeError as error:
        return True, f"被权限拒绝：{error}"
    except base.UnforeseenError as error:
        return True, f"被会话拒绝：{error}"
    except base.BusyError as error:
        return None, f"没有试成：{error}"
    return False, "没有被拒绝"


# the connection ----------------------------------------------------------------------------------------------


async def _usable(source: Source, table: Table) -> int:
    """Rows that are read. A statement that was given up may hold its connection on the server for a while."""
    return len(await base.patiently(lambda: source.fetch(query.by_key(table.select, None, 5))))


async def _cut(source: Source, table: Table) -> tuple[bool | None, str]:
    sql = _PROBES.get(table.source.dialect, _Probe()).sleep
    if not sql:
        return None, "此类数据库没有只用 SELECT 的办法，时限由驱动执行"
    began = time.monotonic()
    with suppress(base.BusyError):  # MySQL ends a sleep without an error
        await source.fetch(Query(sql))
    took = time.monotonic() - began
    await _usable(source, table)
    least, limit = base.STATEMENT_SECS / 2, base.STATEMENT_SECS + base.LOCK_SECS
    return least < took < limit, f"一分钟的语句在 {took:.1f} 秒时被切断，之后可用"


_NAMES = re.compile(r"@@\w+|(?<=current_setting\(')\w+|(?<=, )\w+(?= FROM)")
"""What `_Probe.limits` asks for."""


async def _limits(source: Source, table: Table) -> tuple[bool | None, str]:
    sql = _PROBES.get(table.source.dialect, _Probe()).limits
    if not sql:
        return None, "没有会话设置可问"
    found = await source.fetch(Query(sql))
    names = _NAMES.findall(sql)
    said = "、".join(f"{name} {value}" for name, value in zip(names, found[0], strict=True))
    return not {"0", "off"} & set(map(str, found[0])), said


async def _cancelled(source: Source, table: Table) -> tuple[bool, str]:
    """A reading that is given up leaves no lock: the same table is read at once."""
    sql = _PROBES.get(table.source.dialect, _Probe()).sleep
    await source.open()
    reading = asyncio.ensure_future(
        source.fetch(Query(sql) if sql else query.by_key(table.select, None, _ROWS))
    )
    await asyncio.sleep(0)
    await asyncio.wait({reading}, timeout=0.2)
    reading.cancel()
    await asyncio.wait({reading})
    return True, f"取消之后读出 {await _usable(source, table)} 行"


async def _reconnected(source: Source, table: Table) -> tuple[bool, str]:
    await source.close()
    return True, f"关闭之后重新连接，读出 {await _usable(source, table)} 行"


async def _ended(source: Source, table: Table) -> tuple[bool | None, str]:
    """The server closes the line under us; the next reading opens another."""
    sql = _PROBES.get(table.source.dialect, _Probe()).end
    if not sql:
        return None, "此类数据库没有只用 SELECT 权限切断自己的办法"
    with suppress(MingchaError):
        await source.fetch(Query(sql))
    for _ in range(_TRIES):
        try:
            return True, f"被切断之后读出 {await _usable(source, table)} 行"
        except MingchaError:
            continue  # the first reading over the dead line may be what finds it out
    return False, "被切断之后没有恢复"


_OF_A_TABLE: dict[str, _Check] = {
    "翻页": _pages,
    "按主键取行": _by_keys,
    "按修改时间翻页": _cursors,
    "空值与类型": _types,
    "原始文字": _raw,
    "权限": _privileges,
    "只读会话": _read_only,
}
_OF_THE_CONNECTION: dict[str, _Check] = {
    "语句时限": _cut,
    "会话设置": _limits,
    "取消语句": _cancelled,
    "重新连接": _reconnected,
    "连接被服务器切断": _ended,
}
