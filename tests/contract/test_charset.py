"""2,000 rare names through every way in which offices store Chinese: what comes out is what went in, to the character.

The columns are read as the agent reads them, from the adapter to the record's body. MariaDB has no gb18030 of its own:
there the bytes lie in a latin1 column, as old software leaves them.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import asyncmy
import pytest

from agent.core import lost, query, rows
from agent.core.mapping import Field, SourceConfig, Table, TableMapping
from agent.source import files, folder
from agent.source.base import Source
from tests.contract.vendor import OnServer, SqliteFile, Vendor, on_kingbase, on_mariadb, on_postgresql
from tests.server import HOST
from tests.services import ADMIN, PASSWORD

COUNT = 2000
_STAMP = rows.Stamp(1, 1, 1)
_RANGES = [
    (0x4E00, 0x9FA6),
    (0x9FA6, 0x9FFD),
    (0x3400, 0x4DB6),
    (0xF900, 0xFA2E),
    (0x20000, 0x2A6D7),
    (0x2A700, 0x2EBE1),
]


def names(charset: str) -> list[str]:
    """Different names of one usual and one or two rare characters, as many as the charset holds of each kind."""

    def rare(first: int, last: int) -> Iterator[str]:
        for code in range(last - 1, first - 1, -13):
            text = chr(code)
            try:
                if text.encode(charset).decode(charset) == text:
                    yield text
            except UnicodeEncodeError:
                continue

    pools = [list(islice(rare(*span), 400)) for span in _RANGES]
    flat = [text for pool in pools for text in pool]
    found = [f"{'王李张刘陈'[n % 5]}{text}" for n, text in enumerate(flat)]
    found += [f"赵{left}{right}" for left, right in zip(flat, reversed(flat), strict=True)]
    found += [f"{left}·{right}" for left, right in zip(flat, flat[7:], strict=False)]
    found += [
        f"{left}{right}{left}"
        for step in range(11, 60)
        for left, right in zip(flat, flat[step:], strict=False)
    ]
    return list(dict.fromkeys(found))[:COUNT]


def mapped(config: SourceConfig, charset: str = "") -> Table:
    columns: dict[str, str | Field] = {"applicant": Field(col="sqr", charset=charset)}
    return Table("case", TableMapping("t", ["id"], columns), config)


async def read(source: Source, table: Table) -> dict[str, str | None]:
    """Key -> applicant of the record's body, page by page; nothing counts as lost."""
    found: dict[str, str | None] = {}
    after: query.Row | None = None
    while page := await source.fetch(query.by_key(table.select, after, 300)):
        assert lost.count(page, table) == {}
        for row in page:
            item = rows.read(row, table, b"k" * 32)
            assert rows.to_record(item, table, 1, _STAMP, rows.to_body(item, table))
            found[item.key] = rows.to_case(item, table).applicant
        after = (page[-1][table.names.index("id")],)
    await source.close()
    return found


def expected(charset: str) -> dict[str, str | None]:
    found = names(charset)
    assert len(found) == COUNT
    return {f"{number:05}": name for number, name in enumerate(found)}


async def fill(vendor: OnServer, kind: str, values: dict[str, str | None], as_bytes: str = "") -> None:
    """`as_bytes`: the bytes of that charset, past any conversion of the server's."""
    await vendor.create("t", {"id": "VARCHAR(10)", "sqr": kind}, "id")
    lines = [
        f"('{key}', {f'0x{name.encode(as_bytes).hex()}' if as_bytes else repr(name)})"
        for key, name in values.items()
        if name
    ]
    for first in range(0, len(lines), 500):
        await vendor.execute(f"INSERT INTO t VALUES {', '.join(lines[first : first + 500])}")


@pytest.mark.service
@pytest.mark.parametrize(
    ("database", "kind", "holds", "charset"),
    [
        ("utf8mb4", "VARCHAR(40)", "gb18030", ""),
        ("utf8mb4", "VARCHAR(40)", "gb18030", "utf-8"),
        ("gbk", "VARCHAR(40)", "gbk", ""),
        ("gbk", "VARCHAR(40)", "gbk", "gbk"),
        ("utf8mb4", "VARCHAR(80) CHARACTER SET latin1", "gbk", "gbk"),
        ("utf8mb4", "VARCHAR(80) CHARACTER SET latin1", "gbk", "gb18030"),
        ("utf8mb4", "VARCHAR(80) CHARACTER SET latin1", "gb18030", "gb18030"),
        ("utf8mb4", "VARBINARY(80)", "gb18030", "gb18030"),
        ("latin1", "TEXT", "gb18030", "gb18030"),
    ],
)
async def test_mariadb_gives_every_name_back(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, kind: str, holds: str, charset: str
) -> None:
    vendor = await on_mariadb(request, tmp_path, database)
    values = expected(holds)
    as_bytes = holds if "latin1" in (kind, database) or "latin1" in kind or "BINARY" in kind else ""
    await fill(vendor, kind, values, as_bytes)
    assert await read(vendor.source(), mapped(vendor.config, charset)) == values


@pytest.mark.service
async def test_latin1_holding_gbk_reads_as_nonsense_without_its_charset(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """So the tests above prove something."""
    vendor = await on_mariadb(request, tmp_path)
    await fill(vendor, "VARCHAR(80) CHARACTER SET latin1", {"1": "行政审批"}, "gbk")
    assert await read(vendor.source(), mapped(vendor.config)) == {"1": "ÐÐÕþÉóÅú"}


@pytest.mark.service
@pytest.mark.parametrize("charset", ["", "utf-8"])
@pytest.mark.parametrize("make", [on_postgresql, on_kingbase])
async def test_postgresql_gives_every_name_back(
    request: pytest.FixtureRequest, tmp_path: Path, make: object, charset: str
) -> None:
    vendor: OnServer = await make(request, tmp_path)  # type: ignore[operator]
    values = expected("gb18030")
    await fill(vendor, "VARCHAR(40)", values)
    assert await read(vendor.source(), mapped(vendor.config, charset)) == values


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "gb18030"])
async def test_sqlite_gives_every_name_back(tmp_path: Path, charset: str) -> None:
    """Old software writes GBK where SQLite believes in UTF-8."""
    vendor, values = SqliteFile(tmp_path), expected("gb18030" if charset == "utf-8" else charset)
    with closing(sqlite3.connect(vendor.file, isolation_level=None)) as db:
        db.execute("CREATE TABLE t (id TEXT PRIMARY KEY, sqr TEXT)")
        stored = ((key, (name or "").encode(charset)) for key, name in values.items())
        db.executemany("INSERT INTO t VALUES (?, CAST(? AS TEXT))", stored)
    assert await read(vendor.source(), mapped(vendor.config, charset)) == values


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
async def test_an_exported_file_gives_every_name_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, charset: str
) -> None:
    monkeypatch.setattr(files, "SETTLE_SECS", 0.0)
    values = expected("gb18030")
    lines = ["id,sqr", *(f"{key},{name}" for key, name in values.items())]
    (tmp_path / "t.csv").write_text("\n".join(lines), charset)
    config = SourceConfig("folder", path=str(tmp_path))
    assert await read(folder.from_config(config, tmp_path), mapped(config)) == values


@pytest.mark.service
async def test_what_a_gbk_column_could_not_hold_is_counted(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor: Vendor = await on_mariadb(request, tmp_path, "gbk")
    await vendor.create("t", {"id": "VARCHAR(10)", "sqr": "VARCHAR(40)"}, "id")
    connection = await asyncmy.connect(
        host=HOST, port=vendor.config.port, user=ADMIN, password=PASSWORD, database=vendor.config.database,
        charset="utf8mb4", autocommit=True,
    )  # fmt: skip
    async with connection.cursor() as cursor:
        await cursor.execute("SET SESSION sql_mode = ''")  # as old software: what does not fit is replaced
        await cursor.execute("INSERT INTO t VALUES ('1', '王𠮷'), ('2', '李䶮'), ('3', '张三'), ('4', NULL)")
    connection.close()
    table, source = mapped(vendor.config), vendor.source()
    page = await source.fetch(query.by_key(table.select, None, 10))
    assert lost.count(page, table) == {"sqr": 2}
    await source.close()
