"""The seam to a site's database: read-only by construction, one connection, one short statement at a time.

Each adapter is a module with `from_config(config, secrets_dir) -> Source`, which touches no network. It translates
its driver's errors at its edge into two:
- UnavailableError: the source as a whole cannot be read now (away, wrong password, busy, locked). Retried.
- SchemaError: this one table cannot be read until a person mends the mapping or the grants. Other tables go on.
Of the first, BusyError and UnforeseenError are of the statement, so of its table (OF_TABLE): other tables go on too.
After any error the adapter has closed its connection, so that no lock and no half-read result stays behind;
`open` may be called again at any time.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, Row
from common import sealed
from common.core.errors import ConfigError, MingchaError, RejectedError, UnavailableError

CONNECT_SECS = 3.0
STATEMENT_SECS = 5.0
LOCK_SECS = 1.0
ANSWER_SECS = 8.0
"""A half-open line answers nothing: past this the connection is given up."""
GONE_SECS = 1.0
"""So soon a server has noticed that a connection was closed. Until then it counts against the account's two."""
_AGAIN_SECS = 0.1
_Result = TypeVar("_Result")


NOT_PROVEN = "未在真实服务器上验证"
"""Said of an adapter whose `PROVEN` is False: the contract suite has never run against the real engine."""


class SchemaError(RejectedError):
    """A table is missing, a column is missing, or SELECT on it is not granted."""


class PrivilegeError(SchemaError):
    """The account may not do this to the table."""


class NotYetError(SchemaError):
    """The table is being loaded or written: it will be there by itself."""


class UnforeseenError(UnavailableError):
    """An error of the engine whose code nobody has foreseen: it may not understand what it was asked."""


class BusyError(UnavailableError):
    """Locked, or longer at work than a statement may be: of the table that was asked for, not of the source."""


OF_TABLE = (SchemaError, BusyError, UnforeseenError)
"""What stops one table alone."""


class InFlight(Struct, frozen=True):
    """Every transaction numbered below `oldest` has ended; none that has a number has one from `following` on.

    A number may be of a change instead (SQL Server's rowversion), or of a commit (Oracle's SCN, which an open transaction
    does not have yet): then at least every change numbered below `oldest` is there to be read.
    """

    oldest: int
    following: int
    column: str = ""
    """Where the table keeps the number of each row's last change; empty: where the engine always keeps it."""


class Source(Protocol):
    """One open database."""

    async def open(self) -> None:
        """Connect, read-only and with time limits; nothing happens if it is open. An account whose connections are all taken is tried
        again for GONE_SECS. Raises UnavailableError."""

    async def close(self) -> None:
        """Idempotent."""

    async def columns(self, table: str) -> list[str]:
        """Names of the columns the account may read. Raises SchemaError if the table is not there."""

    async def fetch(self, query: Query) -> list[Row]:
        """All rows of one page, complete. Raises UnavailableError or SchemaError."""

    async def write_allowed(self, table: str, key: str) -> str:
        """Try to change no row, past our own read-only setting; where the engine lists its grants, look for others that
        write. -> "" if the *privileges* allow neither, else what is wrong, in Chinese. Raises UnavailableError. For the
        doctor; uses a second connection."""

    async def catalogue(self) -> list[CatalogTable]:
        """Tables and views the account may read, the system's own left out. Raises UnavailableError."""

    async def explain(self, query: Query) -> str:
        """How the engine would run `query`. -> "" if an index carries it, else what is wrong, in Chinese (SCANS,
        SORTS). Raises UnavailableError or SchemaError."""

    async def clock(self) -> int | None:
        """The server's clock, microseconds since 1970 UTC; None: it has none of its own, or we cannot ask. Raises UnavailableError."""

    async def hint(self, table: str) -> str | None:
        """A sign that differs once something was written to `table`; it may come late, and a write may have none.
        None: the engine gives none. Cheap: asked every two seconds. Raises UnavailableError or SchemaError."""

    async def in_flight(self, table: str) -> InFlight | None:
        """Which transactions may still be open, by the numbers the engine gives them. None: it does not say, or keeps none
        with the rows of `table`. Cheap. Raises UnavailableError."""

    async def made(self, table: str) -> str:
        """What differs once `table` was made anew, as by whoever puts a backup back: dropped and created, another file in its
        place. Writing to it changes nothing. Empty: the engine does not say. Raises UnavailableError or SchemaError."""

    def age_secs(self, table: str) -> float:
        """How old the content is that is served of `table`: 0 for a live database, more for an exported file.

        What a walk proves holds up to that long before its start: a row that was written since is not in the file.
        """


async def may_be_written(source: Source, table: str, key: str) -> str:
    """`write_allowed` beside the running agent, which has one of the account's two connections: ours is given up for it, and one that
    the server has not noticed to be gone, or that a cut statement still holds, is waited for."""
    await source.close()
    said = await patiently(lambda: source.write_allowed(table, key))
    await patiently(source.open)
    return said


async def patiently(ask: Callable[[], Awaitable[_Result]], secs: float = 0) -> _Result:
    """Ask again while the source is busy, for `secs`, or as long as a statement that was given up may go on there. Raises BusyError
    after that."""
    until = time.monotonic() + (secs or STATEMENT_SECS + LOCK_SECS)
    while True:
        try:
            return await ask()
        except BusyError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(_AGAIN_SECS)


def missing(dialect: Dialect, wanted: Iterable[str], found: Iterable[str]) -> list[str]:
    """Columns that are not there; upper and lower case differ only where the dialect says so."""
    fold = str if dialect.tells_case else str.casefold
    there = {fold(name) for name in found}
    return [name for name in wanted if fold(name) not in there]


class NoPasswordError(ConfigError):
    """The source's password is not there, or cannot be opened: a person brings it, and nothing else waits for that."""


def read_password(config: SourceConfig, secrets_dir: Path) -> str:
    """Raises NoPasswordError if the file is not there."""
    try:
        return sealed.read(secrets_dir / config.password_file, "数据源密码").decode().rstrip("\r\n")
    except ConfigError as error:
        raise NoPasswordError(
            str(error), hint=f"请在本机以 root 执行  mingcha-agent secret {config.password_file}"
        ) from error


class Fault(StrEnum):
    """What a driver's error code means."""

    LOGIN = "login"
    DATABASE = "database"
    TABLE = "table"
    COLUMN = "column"
    LENGTH = "length"
    PRIVILEGE = "privilege"
    BUSY = "busy"
    AWAY = "away"


def translated(fault: Fault | None, text: str, config: SourceConfig, where: str) -> MingchaError:
    """The error to raise. None: a code that nobody has foreseen."""
    match fault:
        case Fault.LOGIN:
            made: MingchaError = wrong_password(config.user)
        case Fault.DATABASE:
            made = no_database(config.database)
        case Fault.TABLE:
            made = no_table(text)
        case Fault.COLUMN:
            made = no_column(text)
        case Fault.LENGTH:
            made = no_length(text)
        case Fault.PRIVILEGE:
            made = no_privilege(text)
        case Fault.BUSY:
            made = busy(text)
        case Fault.AWAY:
            made = unreachable(where, text)
        case None:
            made = broken(text)
    return made


# What every adapter says in the same words.

SCANS = "全表扫描"
SORTS = "临时排序"


def plan(*, scans: bool, sorts: bool) -> str:
    """What `explain` says."""
    return "、".join(word for word, found in ((SCANS, scans), (SORTS, sorts)) if found)


def carried(over: Sequence[tuple[str, ...]], wanted: tuple[str, ...]) -> str:
    """The same where an engine is not asked for plans: of indexes over `over`, whether one begins with the columns `wanted`.

    It says what could carry a query, not what the optimiser takes.
    """
    whole = any(columns[: len(wanted)] == wanted for columns in over)
    begun = any(columns[:1] == wanted[:1] for columns in over)
    return plan(scans=not begun, sorts=begun and not whole)


def may_write(user: str, table: str, rights: Sequence[str]) -> str:
    """What `write_allowed` says of rights that the catalogue names beside that to read."""
    return f"账号 {user} 有权改写 {table}：{'、'.join(sorted(rights))}" if rights else ""


def unreachable(where: str, detail: object) -> UnavailableError:
    return UnavailableError(
        f"连不上数据源 {where}：{detail}", hint="请检查业务库是否启动、网络与端口是否放行"
    )


def no_file(where: object, detail: object) -> UnavailableError:
    """Of a source that is a file or a folder: it has no server and no port that could be down."""
    return UnavailableError(
        f"读不到数据源 {where}：{detail}",
        hint="请核对 mapping.toml 的 path；文件在共享盘或移动盘上的，看它挂上了没有、采集程序能不能读",
    )


def wrong_password(user: str) -> UnavailableError:
    return UnavailableError(
        f"数据源拒绝登录：账号 {user} 或其密码不对",
        hint="请核对 mapping.toml 的 user 与密码文件，改后执行  systemctl restart mingcha-agent",
    )


def no_database(name: str) -> UnavailableError:
    return UnavailableError(
        f"数据源没有数据库 {name}，或账号无权使用", hint="请核对 mapping.toml 的 database 与授权"
    )


def busy(detail: object) -> UnavailableError:
    return BusyError(f"数据源正忙或被锁：{detail}", hint="程序会自动重试；若持续出现，请联系业务库管理员")


def broken(detail: object) -> UnavailableError:
    return UnforeseenError(f"数据源出错：{detail}", hint="程序会自动重试；若持续出现，请联系业务库管理员")


def undecodable(error: Exception) -> SchemaError:
    """The driver cannot make a value of what the engine sent; of the error the type alone is said, its text may quote a value."""
    return SchemaError(
        f"驱动程序读不懂某个字段的值（{type(error).__name__}）",
        hint="请用 probe --check 找出该表；请厂商改正该值，或在 mapping.toml 改读把该字段转为文字的视图",
    )


_QUOTED = re.compile(r"""(["'])([^"']+)\1""")


def _named(detail: str) -> str:
    """The name alone, where a driver's own words quote it."""
    found = _QUOTED.search(detail)
    return found[2] if found else detail


def no_table(detail: str) -> SchemaError:
    return SchemaError(
        f"数据源没有表 {_named(detail)}，或账号看不到它", hint="请核对 mapping.toml 的 from 与授权"
    )


def no_column(detail: str) -> SchemaError:
    return SchemaError(
        f"数据源缺少字段 {_named(detail)}", hint="请修改 mapping.toml，或请软件厂商说明新的字段名"
    )


def no_length(detail: object) -> SchemaError:
    return SchemaError(
        f"数据源算不出该类型的长度：{detail}", hint="请在 mapping.toml 的 lob 去掉该字段，或由视图转为二进制"
    )


def no_privilege(detail: object) -> PrivilegeError:
    """MySQL says so of a table that is not there as well, to an account that may not know."""
    return PrivilegeError(
        f"账号无权读取：{detail}",
        hint="请核对 mapping.toml 的 from；表名无误则请业务库管理员授予该表的 SELECT 权限",
    )
