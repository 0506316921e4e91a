"""SELECTs built from checked identifiers alone: the only statements that ever reach a site's database.

Rules: one SELECT per query, no function outside `_SPELLING`, no text of a configuration but identifiers that
`identifier` has checked and `quote` has quoted, every value a parameter. Paging is keyset paging: a page starts
where the last row ended, never at an OFFSET, so that rows inserted meanwhile shift nothing.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from common.core.errors import ConfigError

Row = tuple[Any, ...]
_MAX_IDENTIFIER = 128
_IDENTIFIER = re.compile(r"[^\W\d]([\w $#@（）()/、·—-]*[\w$#）)])?")


class Dialect(StrEnum):
    """How a source writes identifiers, parameters and raw text; the spelling itself is `_SPELLING`."""

    SQLITE = "sqlite"
    MYSQL = "mysql"
    POSTGRESQL = "postgresql"
    KINGBASE = "kingbase"
    SQLSERVER = "sqlserver"
    ORACLE = "oracle"
    DAMENG = "dameng"

    @property
    def tells_case(self) -> bool:
        """Whether a quoted name must be written in the very case of the catalogue."""
        return _SPELLING[self].tells_case


class _Spelling(Struct, frozen=True):
    """One dialect. `{n}` is a number: of a parameter, or of rows."""

    quotes: str
    """Opening and closing mark of an identifier."""
    place: str
    """Where a parameter goes."""
    raw: str
    """A text column as the bytes that are stored."""
    length: str
    """How long the content of a column is, reckoned by the server: the content itself does not travel."""
    exact: str = "{}"
    """A column of a type that the server writes rounded, to its last digit."""
    top: str = ""
    limit: str = ""
    """How a page ends: behind SELECT, or behind the whole."""
    tells_case: bool = False
    hashed: str = ""
    """Number of rows and one hash over all columns of all of them. Empty: the engine has none that is good enough."""
    written: str = ""
    """That a row's last change is not older than that number, `{column}` being where the table keeps it."""
    hashed_column: str = "{}"
    """A column inside it; `{mark}` and `{null}` are the places of what stands between columns, and for NULL."""


_LIMIT = " LIMIT {n}"
_PG_RAW = "convert_to({}::text, getdatabaseencoding())"
# Of a BLOB it reads the row's header alone; of a text, which it counts in characters, the text.
_LITE_LENGTH = "CASE typeof({0}) WHEN 'blob' THEN length({0}) ELSE length(CAST({0} AS BLOB)) END"
# Faithful and unambiguous, or a change could hide: the bytes of each value, a NULL that no text is, borders that no text
# holds. A hash per row and one over those, because sums and CRCs of rows cancel each other. MySQL cuts a long list and
# passes over what is too long for a packet, silently: then the length is not what it must be, and there is no hash.
_MYSQL_HASHED = (
    "SELECT n, IF(LENGTH(h) = 65 * n - 1, SHA2(h, 256), NULL) FROM (SELECT COUNT(*) AS n, "
    "GROUP_CONCAT(SHA2(CONCAT_WS({mark}, {columns}), 256) ORDER BY {order}) AS h FROM {table} WHERE {where}) AS page"
)
_PG_HASHED = (
    "SELECT count(*), encode(sha256(string_agg(record_send(ROW({columns})), ''::bytea ORDER BY {order})), 'hex') "
    "FROM {table} WHERE {where}"
)
_SPELLING = {
    # Not `"`: there a double-quoted name that does not exist is read as a string, silently. All text comes as bytes.
    Dialect.SQLITE: _Spelling("``", "?", "{}", _LITE_LENGTH, limit=_LIMIT),
    Dialect.MYSQL: _Spelling(
        "``",
        "%s",
        "CAST({} AS BINARY)",
        "LENGTH({})",
        exact="({} + 0e0)",  # a FLOAT is written with six digits, in a CAST too; a DOUBLE with all it has
        limit=_LIMIT,
        hashed=_MYSQL_HASHED,
        hashed_column="IFNULL(CAST({} AS BINARY), {null})",
    ),
    Dialect.POSTGRESQL: _Spelling(
        '""',
        "${n}",
        _PG_RAW,
        "octet_length({})",
        limit=_LIMIT,
        tells_case=True,
        hashed=_PG_HASHED,
        written="age(xmin) <= age({}::xid)",  # numbers of 32 bits go round: ages can be compared
    ),
    # A release without these functions says so, and its pages are read.
    Dialect.KINGBASE: _Spelling(
        '""', "%s", _PG_RAW, "octet_length({})", limit=_LIMIT, tells_case=True, hashed=_PG_HASHED
    ),
    # varchar in the code page of its collation, nvarchar in UTF-16-LE.
    Dialect.SQLSERVER: _Spelling(
        "[]",
        "%s",
        "CAST({} AS VARBINARY(MAX))",
        "DATALENGTH({})",
        top="TOP ({n}) ",
        written="{column} >= CAST(CAST({} AS BIGINT) AS BINARY(8))",
    ),
    # RAW holds 2,000 bytes in SQL: a longer text is refused by the server, never cut.
    Dialect.ORACLE: _Spelling(
        '""',
        ":{n}",
        "UTL_RAW.CAST_TO_RAW({})",
        "DBMS_LOB.GETLENGTH({})",  # of a CLOB in characters
        limit=" FETCH FIRST {n} ROWS ONLY",
        tells_case=True,
        written="ORA_ROWSCN >= {}",  # of the row's block, mostly: never below the commit's, so none is passed over
    ),
    Dialect.DAMENG: _Spelling(
        '""', "?", "UTL_RAW.CAST_TO_RAW({})", "LENGTHB({})", limit=_LIMIT, tells_case=True
    ),
}


class Column(Struct, frozen=True):
    """A column of the result. `raw`: its text as the bytes that are stored, not as the driver decodes them.
    `length`: how long its content is, instead of it."""

    name: str
    raw: bool = False
    length: bool = False


class Query(Struct, frozen=True):
    """One SELECT and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()
    table: str = ""
    """The source table that is read."""
    index: tuple[str, ...] = ()
    """Columns, in order, that an index over them would serve: an image of a file makes it itself."""
    listed: str = ""
    """The part of `sql` that names the columns of the result."""


class Table(Struct, frozen=True):
    """What is read of one source table: `columns` in the order of the rows, `key` names its unique columns."""

    dialect: Dialect
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


def identifier(text: str) -> str:
    """`text` if it may name a table or column (Chinese too). Raises ConfigError otherwise."""
    if len(text) > _MAX_IDENTIFIER or not _IDENTIFIER.fullmatch(text):
        raise ConfigError(
            f"不能用作表名或字段名：{text[:40]!r}",
            hint="表名、字段名只能由文字、数字、下划线和少数符号组成，不能含引号、分号",
        )
    return text


def quote(dialect: Dialect, name: str) -> str:
    """Checked and quoted. A quote character cannot occur inside, because `identifier` refuses it."""
    marks = _SPELLING[dialect].quotes
    return f"{marks[0]}{identifier(name)}{marks[1]}"


def table_name(dialect: Dialect, name: str) -> str:
    """Quoted table or view, with its schema if the name has one (`spxt.SP_YWSL`)."""
    return ".".join(quote(dialect, part) for part in name.split(".", 1))


class _Builder:
    """Collects the parameters of one statement in the order of their places."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.params: list[Any] = []

    def name(self, column: str) -> str:
        return quote(self._dialect, column)

    def value(self, value: Any) -> str:
        """A place for `value`. SQLite text travels as bytes and is compared as text."""
        self.params.append(value)
        place = _SPELLING[self._dialect].place.format(n=len(self.params))
        return (
            f"CAST({place} AS TEXT)"
            if self._dialect is Dialect.SQLITE and isinstance(value, bytes)
            else place
        )

    def after(self, columns: Sequence[str], values: Sequence[Any]) -> str:
        """(a, b) > (x, y) spelled so that every engine can use an index on (a, b)."""
        column, value = columns[0], values[0]
        if len(columns) == 1:
            return f"{self.name(column)} > {self.value(value)}"
        first = f"{self.name(column)} >= {self.value(value)}"
        beyond = f"{self.name(column)} > {self.value(value)}"
        return f"({first} AND ({beyond} OR {self.after(columns[1:], values[1:])}))"

    def upto(self, columns: Sequence[str], values: Sequence[Any]) -> str:
        """(a, b) <= (x, y), spelled likewise."""
        column, value = columns[0], values[0]
        last = f"{self.name(column)} <= {self.value(value)}"
        if len(columns) == 1:
            return last
        before = f"{self.name(column)} < {self.value(value)}"
        return f"({last} AND ({before} OR {self.upto(columns[1:], values[1:])}))"


def by_key(table: Table, after: Row | None, limit: int) -> Query:
    """A page in key order, behind the key `after`."""
    build = _Builder(table.dialect)
    where = [build.after(table.key, after)] if after else []
    return _select(table, build, where, table.key, limit)


def without_key(table: Table, column: str) -> Query:
    """A row whose key column `column` is NULL, if there is one: it comes behind no key, and up to none."""
    build = _Builder(table.dialect)
    return _select(table, build, [f"{build.name(column)} IS NULL"], (), 1)


def whole(table: Table, limit: int) -> Query:
    """All rows of a table whose rows nothing tells apart, in no order, unless there are more than `limit`."""
    return _select(table, _Builder(table.dialect), (), (), limit)


def hash_of(table: Table, after: Row | None, upto: Row, secret: str) -> Query | None:
    """How many rows there are behind key `after` up to `upto`, and a hash over them as text: equal while they are equal.

    `secret`: text that no row holds. None where the engine has no hash that is good enough; the hash is NULL where it
    would not be over all of them.
    """
    spelling, build = _SPELLING[table.dialect], _Builder(table.dialect)
    if not spelling.hashed:
        return None
    is_marked = "{mark}" in spelling.hashed
    mark = build.value(secret) if is_marked else ""
    columns = [
        spelling.hashed_column.format(
            _column(table.dialect, column), null=build.value(f"{secret}-") if is_marked else ""
        )
        for column in table.columns
    ]
    where = [build.after(table.key, after)] if after else []
    listed = ", ".join(columns)
    sql = spelling.hashed.format(
        mark=mark,
        columns=listed,
        order=", ".join(build.name(column) for column in table.key),
        table=table_name(table.dialect, table.name),
        where=" AND ".join([*where, build.upto(table.key, upto)]),
    )
    return Query(sql, tuple(build.params), table.name, table.key, listed)


def exactly(dialect: Dialect, asked: Query, names: Iterable[str]) -> Query:
    """`asked`, with these columns of its result, of a type that the server writes rounded, given to the last digit. What it
    compares and sorts by stays as it is: an index serves a column, not what is made of it."""
    marks, listed = _SPELLING[dialect].quotes, asked.listed
    for name in filter(_IDENTIFIER.fullmatch, names):  # another cannot be in it
        quoted = re.compile(
            re.escape(f"{marks[0]}{name}{marks[1]}"), 0 if dialect.tells_case else re.IGNORECASE
        )
        listed = quoted.sub(lambda found: _SPELLING[dialect].exact.format(found[0]), listed)
    return replace(asked, sql=asked.sql.replace(asked.listed, listed, 1), listed=listed)


def written_since(table: Table, number: int, limit: int, column: str = "") -> Query | None:
    """Rows as a transaction or change from this number on has left them, in no order. Whole table: mostly no index knows it.
    `column`: where the table keeps the number. None where the engine does not say who wrote a row."""
    written, build = _SPELLING[table.dialect].written, _Builder(table.dialect)
    if not written:
        return None
    place = build.value(number % 2**32 if table.dialect is Dialect.POSTGRESQL else number)
    where = written.format(place, column=build.name(column) if column else "")
    return _select(table, build, [where], (), limit)


def newest(table: Table, limit: int) -> Query:
    """Rows from the high end of the key; some rows, in no order, of a table without one."""
    return _select(table, _Builder(table.dialect), (), table.key, limit, falling=True)


def by_cursor(
    table: Table, cursor: str, blank: Sequence[str], start: Any, after: Row | None, limit: int
) -> Query:
    """A page in (cursor, key) order of the rows whose `cursor` is set and whose `blank` columns are not.

    `start` (inclusive, None: from the beginning) opens the window; `after` is (cursor, *key) of the last row.
    Several cursor columns are read one by one, because a function around them would make their index useless.
    """
    build = _Builder(table.dialect)
    where = [f"{build.name(column)} IS NULL" for column in blank]
    order = (cursor, *(column for column in table.key if column != cursor))
    if after is not None:
        where.append(build.after(order, after))
    elif start is not None:
        where.append(f"{build.name(cursor)} >= {build.value(start)}")
    else:
        where.append(f"{build.name(cursor)} IS NOT NULL")
    return _select(table, build, where, order, limit)


def by_keys(table: Table, keys: Sequence[Row]) -> Query:
    """The rows with these keys, in no order."""
    build = _Builder(table.dialect)
    if len(table.key) == 1:
        places = ", ".join(build.value(key[0]) for key in keys)
        where = f"{build.name(table.key[0])} IN ({places})"
    else:
        where = " OR ".join(f"({_equal(build, table.key, key)})" for key in keys)
        where = f"({where})"
    return _select(table, build, [where], (), 0)


def _equal(build: _Builder, columns: Sequence[str], key: Row) -> str:
    return " AND ".join(f"{build.name(c)} = {build.value(v)}" for c, v in zip(columns, key, strict=True))


def _select(
    table: Table,
    build: _Builder,
    where: Sequence[str],
    order: Sequence[str],
    limit: int,
    falling: bool = False,
) -> Query:
    spelling = _SPELLING[table.dialect]
    columns = _listed(table.dialect, table.columns)
    top = spelling.top.format(n=int(limit)) if limit else ""
    sql = f"SELECT {top}{columns} FROM {table_name(table.dialect, table.name)}"  # noqa: S608
    if where:
        sql += f" WHERE {' AND '.join(where)}"
    if order:
        down = " DESC" if falling else ""
        sql += f" ORDER BY {', '.join(build.name(column) + down for column in order)}"
    if limit:
        sql += spelling.limit.format(n=int(limit))
    return Query(sql, tuple(build.params), table.name, tuple(order) or table.key, columns)


@cache
def _listed(dialect: Dialect, columns: tuple[Column, ...]) -> str:
    """Once per table: pages are many."""
    return ", ".join(_column(dialect, column) for column in columns)


def _column(dialect: Dialect, column: Column) -> str:
    name, spelling = quote(dialect, column.name), _SPELLING[dialect]
    if column.length:
        return spelling.length.format(name)
    return spelling.raw.format(name) if column.raw else name
