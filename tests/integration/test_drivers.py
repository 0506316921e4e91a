"""Engines without a server here, as far as their drivers go without one: nobody there, nobody answering, a stranger
answering; and what each of their error codes becomes.
"""

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.app import SOURCES, adapter
from agent.core.mapping import SourceConfig
from agent.core.query import Query
from agent.source import base
from agent.source.base import Fault, PrivilegeError, SchemaError, Source
from central.store.engine import open_store
from common.core.errors import UnavailableError
from tests.server import HOST

DRIVERS = {"sqlserver": "pymssql", "oracle": "oracledb", "dameng": "dmPython", "kingbase": "ksycopg2"}
ENGINES = [pytest.param(name, id=name) for name in DRIVERS]


def module(engine: str) -> Any:
    pytest.importorskip(DRIVERS[engine], reason=f"{DRIVERS[engine]} is not installed")
    return importlib.import_module(f"agent.source.{SOURCES[engine]}")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    module(request.param)
    return str(request.param)


def source(engine: str, folder: Path, port: int, host: str = HOST) -> Source:
    (folder / "password").write_text("Bao-Mi-2026")
    config: Any = {"type": engine, "host": host, "port": port, "database": "spxt", "user": "mc_ro"}
    return adapter(SourceConfig(**config, password_file="password"), folder)


async def test_an_address_where_nobody_listens_is_called_so(engine: str, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=rf"连不上数据源 {HOST}:1：") as caught:
        await source(engine, tmp_path, 1).open()
    assert caught.value.hint


async def test_a_name_that_nobody_knows_is_called_so(engine: str, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"连不上数据源 nowhere\.invalid"):
        await source(engine, tmp_path, 1, "nowhere.invalid").open()


async def test_a_listener_that_never_answers_is_given_up(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "ANSWER_SECS", 0.5)
    with socket.create_server((HOST, 0)) as listener:
        made = source(engine, tmp_path, listener.getsockname()[1])
        async with asyncio.timeout(6):
            for _ in range(2):
                with pytest.raises(UnavailableError, match="连不上数据源"):
                    await made.open()
            await made.close()


@pytest.fixture
async def garbler() -> AsyncIterator[int]:
    """A PostgreSQL whose first message is shorter than its kind must be: the driver's own protocol fails, with an error
    that is of none of its usual families.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said in (b"N", b"R\x00\x00\x00\x04"):  # no TLS here; an authentication that does not say which
            await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
            writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_garbled_wire_is_a_source_that_is_away(garbler: int, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="连不上数据源"):
        await source("postgresql", tmp_path, garbler).open()


async def test_a_garbled_wire_is_a_hall_database_that_is_away(garbler: int) -> None:
    with pytest.raises(UnavailableError, match="连不上数据库"):
        await open_store(f"postgresql+asyncpg://mingcha:secret@{HOST}:{garbler}/mingcha")


@pytest.fixture
async def stranger() -> AsyncIterator[int]:
    """A web server at the port that was meant for a database."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 20)
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_server_of_another_kind_is_no_source(engine: str, tmp_path: Path, stranger: int) -> None:
    made = source(engine, tmp_path, stranger)
    with pytest.raises(UnavailableError, match=r"连不上数据源|数据源出错"):
        await made.fetch(any_query())
    await made.close()


def any_query() -> Query:
    return Query("SELECT 1")


# error codes --------------------------------------------------------------------------------------------------


def sqlserver_error(code: int) -> Exception:
    import pymssql

    return pymssql.OperationalError((code, b"Login failed.DB-Lib error message 20018, severity 14:\nGeneral"))


def oracle_error(code: str) -> Exception:
    import oracledb

    return oracledb.DatabaseError(SimpleNamespace(full_code=code, message=f"{code}: said"))


def dm_error(code: int, text: str = "said") -> Exception:
    import dmPython

    error: Exception = dmPython.DatabaseError(SimpleNamespace(code=code, message=f"[CODE:{code}]{text}"))
    return error


EXPECTED: dict[str, tuple[Any, dict[Any, str]]] = {
    "sqlserver": (
        sqlserver_error,
        {18456: "拒绝登录", 4060: "没有数据库 spxt", 208: "没有表", 207: "缺少字段", 229: "无权读取", 1222: "正忙", 1205: "正忙",
         3960: "正忙", 20003: "正忙", 20009: "连不上", 20047: "连不上", 8115: "数据源出错"},
    ),
    "oracle": (
        oracle_error,
        {"ORA-01017": "拒绝登录", "ORA-12514": "没有数据库 spxt", "ORA-00942": "没有表", "ORA-00904": "缺少字段",
         "ORA-01031": "无权读取", "ORA-41900": "无权读取", "DPY-4024": "正忙", "ORA-02391": "正忙", "DPY-6005": "连不上",
         "ORA-03113": "连不上", "ORA-01722": "数据源出错"},
    ),
    "dameng": (
        dm_error,
        {-2501: "拒绝登录", -2103: "没有数据库 spxt", -2106: "没有表", -2111: "缺少字段", -5504: "无权读取", -6407: "正忙",
         -70028: "连不上", -1: "数据源出错"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Unknown column '申请人' in 'SELECT'", "申请人"),
        ('column "ZT" does not exist', "ZT"),
        ('ORA-00904: "BJSJ": invalid identifier', "BJSJ"),
        ("办件.申请人、状态", "办件.申请人、状态"),
        ("[CODE:-2111]无效的列名[BJSJ]", "[CODE:-2111]无效的列名[BJSJ]"),
    ],
)
def test_a_missing_column_is_named_without_the_driver_s_own_words(said: str, name: str) -> None:
    assert str(base.no_column(said)) == f"数据源缺少字段 {name}"


def test_a_missing_table_is_named_so_too() -> None:
    assert "没有表 spxt.SP_YWSL，" in str(base.no_table("Table 'spxt.SP_YWSL' doesn't exist"))
    assert "没有表 业 务.Case，" in str(base.no_table('relation "业 务.Case" does not exist'))


@pytest.mark.parametrize("engine", EXPECTED)
def test_each_error_code_is_said_in_the_words_of_all_adapters(engine: str) -> None:
    found = module(engine)
    make, expected = EXPECTED[engine]
    config = SourceConfig(type=engine, database="spxt", user="mc_ro")  # type: ignore[arg-type]
    for code, words in expected.items():
        kind, text = found.fault(make(code))
        error = base.translated(kind, text, config, "10.3.1.5")
        assert words in str(error), code
        assert error.hint
        assert isinstance(error, SchemaError) == (kind in {Fault.TABLE, Fault.COLUMN, Fault.PRIVILEGE})
        assert isinstance(error, PrivilegeError) == (kind is Fault.PRIVILEGE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("没有[T1]对象的更新权限", Fault.PRIVILEGE),
        ("锁超时", Fault.BUSY),
        ("无效的列名[X]", Fault.COLUMN),
        ("?", None),
    ],
)
def test_an_unknown_code_of_dm_is_judged_by_its_words(text: str, kind: Fault | None) -> None:
    assert module("dameng").fault(dm_error(-9999, text))[0] is kind


def test_a_timeout_within_a_log_in_to_sql_server_is_no_slow_statement() -> None:
    said = b"DB-Lib error message 20003, severity 6:\nTDS server connection timed out (127.0.0.1)\n"
    import pymssql

    kind, text = module("sqlserver").fault(pymssql.OperationalError((20009, said)))
    assert (kind, "timed out" in text) == (Fault.AWAY, True)


# what each engine is asked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("snapshot", "level"), [(True, "SNAPSHOT"), (False, "READ COMMITTED")])
def test_a_session_with_sql_server_gives_way_and_never_reads_what_is_not_committed(
    snapshot: bool, level: str
) -> None:
    assert module("sqlserver").settings(snapshot=snapshot) == (
        "SET LOCK_TIMEOUT 1000; SET DEADLOCK_PRIORITY LOW; SET TRANSACTION ISOLATION LEVEL " + level
    )


@pytest.mark.parametrize("engine", EXPECTED)
def test_columns_are_asked_for_with_parameters_alone(engine: str) -> None:
    built = module(engine).columns("SPXT.办件")
    assert "办件" not in built.sql
    assert "办件" in str(built.params)
    assert built.sql.startswith("SELECT ")


@pytest.mark.parametrize(
    ("engine", "sql"),
    [
        ("oracle", 'UPDATE "SPXT"."办件" SET "编号" = "编号" WHERE 1 = 0'),
        ("dameng", 'UPDATE "SPXT"."办件" SET "编号" = "编号" WHERE 1 = 0'),
    ],
)
def test_the_right_to_write_is_tried_on_no_row(engine: str, sql: str) -> None:
    assert module(engine).writes("SPXT.办件", "编号").sql == sql


def test_the_right_to_write_is_asked_of_sql_server() -> None:
    built = module("sqlserver").writes("dbo.办件", "编号")
    assert built.sql.startswith("SELECT 1 WHERE HAS_PERMS_BY_NAME(")
    assert built.params == ("[dbo].[办件]",) * 3
