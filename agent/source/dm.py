"""达梦 DM through dmPython, the vendor's own driver, blocking. `database` is the schema.

The error codes are those of the vendor's messages; where a code is not known, the words of the message decide.
"""

from pathlib import Path
from typing import Any

import dmPython

from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, quote, table_name
from agent.source import base, ora
from agent.source.base import Fault
from agent.source.blocking import BlockingSource, Engine, Fetch, Look

PROVEN = False
"""See the other adapters."""
_PORT = 5236
FAULTS = {
    -2501: Fault.LOGIN,
    -2103: Fault.DATABASE,
    -2106: Fault.TABLE,
    -2111: Fault.COLUMN,
    -5504: Fault.PRIVILEGE,
    -6403: Fault.BUSY,
    -6407: Fault.BUSY,
    -70019: Fault.AWAY,
    -70028: Fault.AWAY,
}
_SAID = {
    "密码": Fault.LOGIN,
    "权限": Fault.PRIVILEGE,
    "无效的模式": Fault.DATABASE,
    "无效的表": Fault.TABLE,
    "无效的列": Fault.COLUMN,
    "超时": Fault.BUSY,
    "死锁": Fault.BUSY,
    "网络": Fault.AWAY,
}


def _connect(config: SourceConfig, password: str, read_only: bool) -> Any:
    mode = dmPython.DSQL_MODE_READ_ONLY if read_only else dmPython.DSQL_MODE_READ_WRITE
    return dmPython.connect(
        user=config.user,
        password=password,
        server=config.host,
        port=config.port or _PORT,
        schema=config.database,
        access_mode=mode,
        autoCommit=True,
        login_timeout=int(base.CONNECT_SECS),
        connection_timeout=int(base.STATEMENT_SECS),
        app_name="mingcha-agent",
    )


def fault(error: Exception) -> tuple[Fault | None, str]:
    detail = error.args[0] if error.args else error
    code, text = getattr(detail, "code", 0), str(getattr(detail, "message", detail)).strip()
    said = next((kind for words, kind in _SAID.items() if words in text), None)
    return FAULTS.get(code, said), text


def columns(table: str) -> Query:
    schema, _, name = table.rpartition(".")
    return Query(
        "SELECT column_name FROM all_tab_columns "
        "WHERE owner = coalesce(?, sys_context('USERENV', 'CURRENT_SCHEMA')) AND table_name = ? ORDER BY column_id",
        (schema or None, name),
    )


def writes(table: str, key: str) -> Query:
    column = quote(Dialect.DAMENG, key)
    return Query(f"UPDATE {table_name(Dialect.DAMENG, table)} SET {column} = {column} WHERE 1 = 0")  # noqa: S608


async def _catalogue(fetch: Fetch) -> list[CatalogTable]:
    return await ora.catalogue(fetch, "'SYS', 'SYSSSO', 'SYSAUDITOR', 'CTISYS'")


async def _explain(fetch: Fetch, query: Query) -> str:
    return await ora.explain(fetch, query, ("?", "?"))


_LOOK = Look(_catalogue, _explain, ora.clock)
ENGINE = Engine(_PORT, _connect, dmPython.Error, fault, columns, writes, _LOOK)


def from_config(config: SourceConfig, secrets_dir: Path) -> BlockingSource:
    """No network. Raises ConfigError if the password file is missing."""
    return BlockingSource(config, base.read_password(config, secrets_dir), ENGINE)
