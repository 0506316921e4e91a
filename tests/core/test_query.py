"""Whatever a mapping says, a source sees one SELECT whose only foreign text is quoted identifiers."""

import re
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import query
from agent.core.query import Column, Dialect, Table
from common.core.errors import ConfigError

HOSTILE = [
    'a"; DROP TABLE x; --',
    "a`b",
    "a' OR '1'='1",
    "a\\",
    "a;b",
    "a\0b",
    "a\nb",
    "",
    " a",
    "1a",
    "a%s",
    "a?",
    "a*b",
    "x" * 129,
]
ALLOWED = ["SLBH", "受理编号", "sp_ywsl", "承诺时限（天）", "Case No", "a$b", "窗口-编号"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_identifier_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        query.identifier(name)


@pytest.mark.parametrize("name", ALLOWED)
def test_names_as_vendors_give_them_are_allowed(name: str) -> None:
    assert query.identifier(name) == name


@given(
    st.text(max_size=20), st.text(max_size=20), st.sampled_from(Dialect), st.text(alphabet="a`\"';-.%s字\\")
)
def test_no_identifier_yields_anything_but_one_select(
    table: str, column: str, dialect: Dialect, key: str
) -> None:
    try:
        built = query.by_cursor(
            Table(dialect, table, (Column(column), Column(key, raw=True)), (key,)),
            column,
            [key],
            None,
            (1, 2),
            5,
        )
    except ConfigError:
        return
    opening, closing = query.quote(dialect, "x").split("x")
    bare = re.sub(rf"\{opening}[^\{closing}]*\{closing}", "x", built.sql)
    assert bare.isascii()
    assert bare.count("SELECT") == 1
    assert re.match(r"SELECT (TOP \(5\) )?x, ", bare)
    assert not set(bare) & set("`\"';\\[]")


def _bare(dialect: Dialect, name: str) -> str:
    """The hash of a page without the names in it."""
    columns = (Column(name), Column(name, raw=True), Column(name, length=True))
    built = query.hash_of(Table(dialect, name, columns, (name, name)), (1, 2), (3, 4), "secret")
    assert built is not None
    assert "secret" not in built.sql
    opening, closing = query.quote(dialect, "x").split("x")
    return re.sub(rf"\{opening}[^\{closing}]*\{closing}", "x", built.sql)


@given(st.text(max_size=12), st.sampled_from([Dialect.MYSQL, Dialect.POSTGRESQL, Dialect.KINGBASE]))
def test_a_name_changes_nothing_but_itself_in_the_hash_of_a_page(name: str, dialect: Dialect) -> None:
    try:
        assert _bare(dialect, name) == _bare(dialect, "编号")
    except ConfigError:
        return


def test_an_engine_whose_hash_nobody_has_proven_is_asked_for_none() -> None:
    table = {dialect: Table(dialect, "t", (Column("k"),), ("k",)) for dialect in Dialect}
    hashing = {dialect for dialect in Dialect if query.hash_of(table[dialect], None, (1,), "s") is not None}
    assert hashing == {Dialect.MYSQL, Dialect.POSTGRESQL, Dialect.KINGBASE}


def test_what_the_engine_says_was_written_is_asked_by_its_own_number() -> None:
    def asked(dialect: Dialect, number: int, column: str = "") -> tuple[str, Any] | None:
        table = Table(dialect, "办件", (Column("编号"),), ("编号",))
        built = query.written_since(table, number, 500, column)
        return None if built is None else (built.sql, built.params)

    assert asked(Dialect.POSTGRESQL, 2**32 + 7) == (
        'SELECT "编号" FROM "办件" WHERE age(xmin) <= age($1::xid) LIMIT 500',
        (7,),
    )
    assert asked(Dialect.SQLSERVER, 2**40, "行版本") == (
        "SELECT TOP (500) [编号] FROM [办件] WHERE [行版本] >= CAST(CAST(%s AS BIGINT) AS BINARY(8))",
        (2**40,),
    )
    assert asked(Dialect.ORACLE, 2**40) == (
        'SELECT "编号" FROM "办件" WHERE ORA_ROWSCN >= :1 FETCH FIRST 500 ROWS ONLY',
        (2**40,),
    )
    silent = {dialect for dialect in Dialect if asked(dialect, 1, "n") is None}
    assert silent == {Dialect.SQLITE, Dialect.MYSQL, Dialect.KINGBASE, Dialect.DAMENG}


def test_only_what_is_given_is_asked_for_to_the_last_digit() -> None:
    """Not what is compared or sorted by: an index serves a column. A name is the same in capitals here, others are none."""
    table = Table(Dialect.MYSQL, "t", (Column("Fee"), Column("fee2"), Column("b", raw=True)), ("Fee",))
    built = query.exactly(Dialect.MYSQL, query.by_key(table, (0.5,), 9), ["FEE", "b", "x`; DROP TABLE t; --"])
    assert built.sql == (
        "SELECT (`Fee` + 0e0), `fee2`, CAST((`b` + 0e0) AS BINARY) FROM `t` WHERE `Fee` > %s ORDER BY `Fee` LIMIT 9"
    )
    hashed = query.hash_of(table, None, (0.5,), "s")
    assert hashed is not None
    again = query.exactly(Dialect.MYSQL, hashed, ["fee"])
    assert again.sql == hashed.sql.replace("CAST(`Fee` AS", "CAST((`Fee` + 0e0) AS")
    assert again.sql.count("+ 0e0") == 1
    assert again.params == hashed.params


@given(st.text(max_size=12))
def test_sqlite_itself_takes_every_accepted_name_as_a_name(name: str) -> None:
    try:
        quoted = query.quote(Dialect.SQLITE, name)
    except ConfigError:
        return
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY)")
    table = Table(Dialect.SQLITE, name, (Column("id"),), ("id",))
    assert db.execute(query.by_key(table, None, 5).sql).fetchall() == []
    db.close()


def rows_of(pages: list[list[Any]]) -> list[Any]:
    return [row for page in pages for row in page]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 2)), unique=True),
    st.integers(1, 4),
)
def test_pages_over_a_composite_key_give_every_row_once(rows: list[tuple[int, str, int]], limit: int) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (a, b, c, PRIMARY KEY (a, b, c))")
    db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    table = Table(Dialect.SQLITE, "t", (Column("a"), Column("b"), Column("c")), ("a", "b", "c"))
    pages, after = [], None
    while True:
        built = query.by_key(table, after, limit)
        page = db.execute(built.sql, built.params).fetchall()
        if not page:
            break
        pages.append(page)
        after = page[-1]
    db.close()
    assert rows_of(pages) == sorted(rows)


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.integers()), unique_by=lambda r: r[1]),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_a_cursor_with_equal_values_loses_no_row(
    rows: list[tuple[int | None, int]], limit: int, start: int
) -> None:
    rows = [row for row in rows if abs(row[1]) < 2**62]
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (u, id INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO t VALUES (?, ?)", rows)
    table = Table(Dialect.SQLITE, "t", (Column("u"), Column("id")), ("id",))
    pages, after = [], None
    while True:
        built = query.by_cursor(table, "u", [], start, after, limit)
        page = db.execute(built.sql, built.params).fetchall()
        pages.append(page)
        if not page:
            break
        after = page[-1]
    db.close()
    assert rows_of(pages) == sorted(row for row in rows if row[0] is not None and row[0] >= start)


def test_each_dialect_quotes_and_numbers_in_its_own_way() -> None:
    def sql(dialect: Dialect) -> str:
        table = Table(dialect, "spxt.办件", (Column("编号"), Column("申请人", raw=True)), ("编号",))
        return query.by_key(table, (b"7",), 100).sql

    assert sql(Dialect.SQLITE) == (
        "SELECT `编号`, `申请人` FROM `spxt`.`办件` WHERE `编号` > CAST(? AS TEXT) ORDER BY `编号` LIMIT 100"
    )
    assert sql(Dialect.MYSQL) == (
        "SELECT `编号`, CAST(`申请人` AS BINARY) FROM `spxt`.`办件` WHERE `编号` > %s ORDER BY `编号` LIMIT 100"
    )
    assert sql(Dialect.POSTGRESQL) == (
        'SELECT "编号", convert_to("申请人"::text, getdatabaseencoding()) FROM "spxt"."办件" '
        'WHERE "编号" > $1 ORDER BY "编号" LIMIT 100'
    )


def test_rows_are_asked_for_by_composite_keys() -> None:
    table = Table(Dialect.POSTGRESQL, "t", (Column("a"),), ("a", "b"))
    built = query.by_keys(table, [(1, "x"), (2, "y")])
    assert built.sql == 'SELECT "a" FROM "t" WHERE (("a" = $1 AND "b" = $2) OR ("a" = $3 AND "b" = $4))'
    assert built.params == (1, "x", 2, "y")


def test_a_later_cursor_column_is_read_where_the_earlier_is_blank() -> None:
    table = Table(Dialect.MYSQL, "t", (Column("id"),), ("id",))
    built = query.by_cursor(table, "SLSJ", ["XGSJ"], "2026-06-01", None, 10)
    assert built.sql.endswith("WHERE `XGSJ` IS NULL AND `SLSJ` >= %s ORDER BY `SLSJ`, `id` LIMIT 10")


GOLDEN = {
    Dialect.KINGBASE: (
        'SELECT "编号", convert_to("申请人"::text, getdatabaseencoding()) FROM "spxt"."办件" '
        'WHERE ("编号" >= %s AND ("编号" > %s OR "序号" > %s)) ORDER BY "编号", "序号" LIMIT 100'
    ),
    Dialect.SQLSERVER: (
        "SELECT TOP (100) [编号], CAST([申请人] AS VARBINARY(MAX)) FROM [spxt].[办件] "
        "WHERE ([编号] >= %s AND ([编号] > %s OR [序号] > %s)) ORDER BY [编号], [序号]"
    ),
    Dialect.ORACLE: (
        'SELECT "编号", UTL_RAW.CAST_TO_RAW("申请人") FROM "spxt"."办件" '
        'WHERE ("编号" >= :1 AND ("编号" > :2 OR "序号" > :3)) ORDER BY "编号", "序号" FETCH FIRST 100 ROWS ONLY'
    ),
    Dialect.DAMENG: (
        'SELECT "编号", UTL_RAW.CAST_TO_RAW("申请人") FROM "spxt"."办件" '
        'WHERE ("编号" >= ? AND ("编号" > ? OR "序号" > ?)) ORDER BY "编号", "序号" LIMIT 100'
    ),
}


@pytest.mark.parametrize("dialect", GOLDEN)
def test_engines_without_a_server_here_are_asked_in_their_own_words(dialect: Dialect) -> None:
    table = Table(dialect, "spxt.办件", (Column("编号"), Column("申请人", raw=True)), ("编号", "序号"))
    built = query.by_key(table, ("青云1", 7), 100)
    assert built.sql == GOLDEN[dialect]
    assert built.params == ("青云1", "青云1", 7)
    assert (built.table, built.index) == ("spxt.办件", ("编号", "序号"))


def test_a_question_by_key_has_no_page() -> None:
    table = Table(Dialect.SQLSERVER, "t", (Column("a"),), ("a",))
    assert query.by_keys(table, [(1,), (2,)]).sql == "SELECT [a] FROM [t] WHERE [a] IN (%s, %s)"


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        (
            Dialect.SQLITE,
            "CASE typeof(`照片`) WHEN 'blob' THEN length(`照片`) ELSE length(CAST(`照片` AS BLOB)) END",
        ),
        (Dialect.MYSQL, "LENGTH(`照片`)"),
        (Dialect.POSTGRESQL, 'octet_length("照片")'),
        (Dialect.KINGBASE, 'octet_length("照片")'),
        (Dialect.SQLSERVER, "DATALENGTH([照片])"),
        (Dialect.ORACLE, 'DBMS_LOB.GETLENGTH("照片")'),
        (Dialect.DAMENG, 'LENGTHB("照片")'),
    ],
)
def test_of_a_column_whose_length_is_wanted_the_server_gives_the_length_alone(
    dialect: Dialect, said: str
) -> None:
    table = Table(dialect, "t", (Column("k"), Column("照片", length=True)), ("k",))
    built = query.by_key(table, None, 5).sql
    assert said in built
    assert "照片" not in built.replace(said, "")
