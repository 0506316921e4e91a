"""What SQL Server, Oracle and 达梦 are asked about themselves, against dictionaries as their manuals describe them.

The dictionaries are tables in SQLite with the names and columns of the engine's views, the engine's functions are made
to say what it would: so names, joins and orders are carried out as they are written. What a live server adds to them
nobody has seen here.
"""

import asyncio
import sqlite3
from typing import Any

import pytest

from agent.core import query
from agent.core.catalogue import CatalogColumn, CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.query import Column, Dialect, Query, Row, Table
from agent.source import base, mssql, ora
from agent.source.base import Fault, InFlight
from agent.source.blocking import BlockingSource, Engine, Look
from common.core.errors import UnavailableError

MAINTAINED = "SELECT username FROM all_users WHERE oracle_maintained = 'Y'"
DAMENG = "'SYS', 'SYSSSO', 'SYSAUDITOR', 'CTISYS'"
ORACLE = """
CREATE TABLE all_users(username, oracle_maintained);
CREATE TABLE all_tab_comments(owner, table_name, table_type, comments);
CREATE TABLE all_tables(owner, table_name, num_rows);
CREATE TABLE all_tab_columns(owner, table_name, column_name, data_type, nullable, column_id);
CREATE TABLE all_col_comments(owner, table_name, column_name, comments);
CREATE TABLE all_indexes(owner, index_name, table_owner, table_name, uniqueness, index_type);
CREATE TABLE all_ind_columns(index_owner, index_name, table_owner, table_name, column_name, column_position);
CREATE TABLE all_constraints(owner, table_name, index_name, constraint_type);
INSERT INTO all_users VALUES ('SYS', 'Y'), ('SPXT', 'N'), ('KQ', 'N');
INSERT INTO all_tab_comments VALUES ('SPXT', 'SP_YWSL', 'TABLE', '业务受理'), ('SPXT', 'V_BJ', 'VIEW', NULL),
    ('KQ', 'DK', 'TABLE', NULL), ('SYS', 'DUAL', 'TABLE', NULL), ('SPXT', 'BIN$x', 'TABLE', NULL);
INSERT INTO all_tables VALUES ('SPXT', 'SP_YWSL', 1200), ('KQ', 'DK', NULL);
INSERT INTO all_tab_columns VALUES ('SPXT', 'SP_YWSL', 'XGSJ', 'DATE', 'Y', 3), ('SPXT', 'SP_YWSL', 'YWID', 'NUMBER', 'N', 1),
    ('SPXT', 'SP_YWSL', 'SLBH', 'VARCHAR2', 'N', 2), ('SPXT', 'V_BJ', 'SLBH', 'VARCHAR2', 'Y', 1),
    ('KQ', 'DK', 'ID', 'NUMBER', 'Y', 1), ('SYS', 'DUAL', 'DUMMY', 'CHAR', 'Y', 1);
INSERT INTO all_col_comments VALUES ('SPXT', 'SP_YWSL', 'SLBH', '受理编号'), ('SPXT', 'SP_YWSL', 'YWID', NULL);
INSERT INTO all_indexes VALUES ('SPXT', 'PK', 'SPXT', 'SP_YWSL', 'UNIQUE', 'NORMAL'),
    ('SPXT', 'BY_TIME', 'SPXT', 'SP_YWSL', 'NONUNIQUE', 'NORMAL'), ('SPXT', 'UP', 'SPXT', 'SP_YWSL', 'UNIQUE', 'FUNCTION-BASED NORMAL');
INSERT INTO all_ind_columns VALUES ('SPXT', 'BY_TIME', 'SPXT', 'SP_YWSL', 'YWID', 2), ('SPXT', 'BY_TIME', 'SPXT', 'SP_YWSL', 'XGSJ', 1),
    ('SPXT', 'PK', 'SPXT', 'SP_YWSL', 'YWID', 1), ('SPXT', 'UP', 'SPXT', 'SP_YWSL', 'SYS_NC00004$', 1);
INSERT INTO all_constraints VALUES ('SPXT', 'SP_YWSL', 'PK', 'P'), ('SPXT', 'SP_YWSL', NULL, 'C');
"""
SQLSERVER = """
CREATE TABLE sys.schemas(schema_id, name);
CREATE TABLE sys.objects(object_id, schema_id, name, type, is_ms_shipped);
CREATE TABLE sys.columns(object_id, column_id, name, user_type_id, is_nullable);
CREATE TABLE sys.extended_properties(class, major_id, minor_id, name, value);
CREATE TABLE sys.partitions(object_id, index_id, rows);
CREATE TABLE sys.indexes(object_id, index_id, name, type, is_unique, is_primary_key, has_filter, is_disabled);
CREATE TABLE sys.index_columns(object_id, index_id, column_id, key_ordinal);
INSERT INTO sys.schemas VALUES (1, 'dbo'), (5, 'kq');
INSERT INTO sys.objects VALUES (10, 1, 'SP_YWSL', 'U', 0), (11, 1, 'V_BJ', 'V', 0), (12, 5, 'DK', 'U', 0), (13, 1, 'sysdiagrams', 'U', 1);
INSERT INTO sys.columns VALUES (10, 3, 'XGSJ', 42, 1), (10, 1, 'YWID', 127, 0), (10, 2, 'SLBH', 231, 0), (11, 1, 'SLBH', 231, 1),
    (12, 1, 'ID', 127, 1), (13, 1, 'name', 231, 0), (10, 4, 'MM', 231, 1);
INSERT INTO sys.extended_properties VALUES (1, 10, 0, 'MS_Description', '业务受理'), (1, 10, 2, 'MS_Description', '受理编号'),
    (1, 10, 1, 'other', 'x');
INSERT INTO sys.partitions VALUES (10, 1, 700), (10, 1, 500), (10, 2, 1200);
INSERT INTO sys.indexes VALUES (10, 1, 'PK', 1, 1, 1, 0, 0), (10, 2, 'by_time', 2, 0, 0, 0, 0), (10, 3, 'open_ones', 2, 1, 0, 1, 0);
INSERT INTO sys.index_columns VALUES (10, 2, 1, 2), (10, 2, 3, 1), (10, 1, 1, 1), (10, 2, 2, 0), (10, 3, 2, 1);
"""
TYPES = {42: "datetime2", 127: "bigint", 231: "nvarchar"}


def dictionary(script: str) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.execute("ATTACH ':memory:' AS sys")
    db.create_function("sys_context", 2, lambda *_: "SPXT")
    db.create_function("SCHEMA_NAME", 0, lambda: "dbo")
    db.create_function("QUOTENAME", 1, lambda name: f"[{name}]")
    db.create_function("TYPE_NAME", 1, TYPES.get)
    db.create_function("HAS_PERMS_BY_NAME", 5, lambda *said: int(said[3] != "MM"))
    names = {(10, 1): "YWID", (10, 2): "SLBH", (10, 3): "XGSJ"}
    db.create_function("COL_NAME", 2, lambda *place: names.get(place))
    db.executescript(script)
    return db


def fetched(db: sqlite3.Connection) -> Any:
    async def fetch(asked: Query) -> list[Row]:
        """T-SQL joins text by `+`, which no function of SQLite can be made to do."""
        sql = asked.sql.replace(" + ", " || ") if "sys.objects" in asked.sql else asked.sql
        return db.execute(sql.replace("%s", "?"), asked.params).fetchall()

    return fetch


FOUND = [
    CatalogTable(
        "SP_YWSL",
        (
            CatalogColumn("YWID", "number", "", nullable=False),
            CatalogColumn("SLBH", "varchar2", "受理编号", nullable=False),
            CatalogColumn("XGSJ", "date", "", nullable=True),
        ),
        "业务受理",
        keys=(("YWID",),),
        indexed=("XGSJ", "YWID"),
        rows=1200,
    ),
    CatalogTable("V_BJ", (CatalogColumn("SLBH", "varchar2"),), view=True),
    CatalogTable("KQ.DK", (CatalogColumn("ID", "number"),)),
]


@pytest.mark.parametrize("system", [MAINTAINED, DAMENG])
async def test_the_dictionary_of_oracle_and_dameng_becomes_a_catalogue(system: str) -> None:
    found = await ora.catalogue(fetched(dictionary(ORACLE)), system)
    assert sorted(found, key=lambda table: table.name) == sorted(FOUND, key=lambda table: table.name)


async def test_the_catalogue_of_sql_server_leaves_out_what_is_its_own_or_not_granted() -> None:
    found = {table.name: table for table in await mssql.catalogue(fetched(dictionary(SQLSERVER)))}
    assert set(found) == {"SP_YWSL", "V_BJ", "kq.DK"}
    cases = found["SP_YWSL"]
    assert cases.columns == (
        CatalogColumn("YWID", "bigint", "", nullable=False),
        CatalogColumn("SLBH", "nvarchar", "受理编号", nullable=False),
        CatalogColumn("XGSJ", "datetime2", "", nullable=True),
    )
    assert (cases.comment, cases.rows, cases.view, found["V_BJ"].view) == ("业务受理", 1200, False, True)
    assert cases.keys == (("YWID",),)
    assert cases.indexed == ("YWID", "XGSJ"), "an index over some rows alone carries no page"


CASES = Table(Dialect.ORACLE, "SP_YWSL", (Column("YWID"), Column("SLBH"), Column("XGSJ")), ("YWID",))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (query.by_key(CASES, (7,), 100), ""),
        (query.by_keys(CASES, [(7,)]), ""),
        (query.by_cursor(CASES, "XGSJ", (), "2026", None, 100), ""),
        (query.by_cursor(CASES, "SLBH", (), "2026", None, 100), base.SCANS),
        (Query("", (), "SPXT.SP_YWSL", ("YWID", "SLBH")), base.SORTS),
        (Query("", (), "KQ.DK", ("ID",)), base.SCANS),
    ],
)
async def test_an_index_carries_a_query_if_it_begins_with_its_columns(asked: Query, said: str) -> None:
    assert await ora.explain(fetched(dictionary(ORACLE)), asked, ("?", "?")) == said


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (("ywid",), ""),
        (("XGSJ", "YWID"), ""),
        (("XGSJ", "SLBH"), base.SORTS),
        (("SLBH",), base.SCANS),
    ],
)
async def test_sql_server_does_not_tell_case_and_counts_no_index_over_some_rows(
    wanted: tuple[str, ...], said: str
) -> None:
    db = dictionary(SQLSERVER)
    db.create_function("OBJECT_ID", 1, {"[SP_YWSL]": 10}.get)
    assert await mssql.explain(fetched(db), Query("", (), "SP_YWSL", wanted)) == said


@pytest.mark.parametrize("said", ["2026-06-12 08:30:00.250000", "2026-06-12T08:30:00.250000+00:00"])
async def test_a_clock_is_told_in_microseconds_of_utc(said: str) -> None:
    async def fetch(_: Query) -> list[Row]:
        return [(said,)]

    assert await ora.clock(fetch) == 1_781_253_000_250_000


async def test_sql_server_numbers_changes_where_a_table_has_a_rowversion() -> None:
    """Of the number of the next change nothing is read that is not committed: the lowest that is open counts."""
    db = dictionary("CREATE TABLE sys.columns(object_id, name, system_type_id)")
    db.execute("INSERT INTO sys.columns VALUES (10, 'YWID', 127), (10, '行版本', 189), (11, 'ID', 127)")
    db.create_function("OBJECT_ID", 1, {"[SP_YWSL]": 10, "[DK]": 11}.get)
    db.create_function("MIN_ACTIVE_ROWVERSION", 0, lambda: 2005)

    async def fetch(asked: Query) -> list[Row]:
        return db.execute(asked.sql.replace("@@DBTS", "2009").replace("%s", "?"), asked.params).fetchall()

    assert await mssql.in_flight(fetch, "SP_YWSL") == InFlight(2005, 2010, "行版本")
    assert await mssql.in_flight(fetch, "DK") is None


async def test_oracle_numbers_changes_by_the_time_of_their_commit() -> None:
    async def fetch(asked: Query) -> list[Row]:
        assert "timestamp_to_scn(systimestamp - INTERVAL '10' SECOND)" in asked.sql
        return [(88_123_456_789,)]

    assert await ora.in_flight(fetch, "SP_YWSL") == InFlight(88_123_456_789, 88_123_456_789)


class StrangeError(Exception):
    """Of a driver."""


async def test_a_clock_or_number_that_is_not_understood_is_asked_for_once() -> None:
    """The seam's own driver: what it raises and counts is all that is made up."""
    asked: list[str] = []

    class Cursor:
        description = None

        def execute(self, sql: str) -> None:
            asked.append(sql)
            raise StrangeError("-2207 无法解析的成员访问表达式")

        def close(self) -> None: ...

    class Connection:
        cursor = Cursor

        def close(self) -> None: ...

    engine = Engine(
        1,
        lambda *_: Connection(),
        StrangeError,
        lambda error: (Fault.AWAY if "away" in str(error) else None, str(error)),
        lambda _: Query("columns"),
        lambda *_: Query("writes"),
        Look(lambda _: asyncio.sleep(0, []), lambda *_: asyncio.sleep(0, ""), ora.clock, ora.in_flight),
    )
    source = BlockingSource(SourceConfig("dameng"), "", engine)
    assert await source.clock() is None
    assert await source.clock() is None
    assert await source.in_flight("t") is None
    assert await source.in_flight("t") is None
    assert len(asked) == 2
    with pytest.raises(UnavailableError):
        await source.fetch(Query("SELECT 1"))
    await source.close()
