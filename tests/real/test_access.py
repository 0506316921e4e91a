"""Real Access files of three generations (JET3, JET4, ACE12) through mdbtools, as a source."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.core import query
from agent.core.mapping import ROW_KEY, SourceConfig
from agent.core.query import Column, Dialect, Row, Table
from agent.source import access, files
from agent.source.base import SchemaError
from agent.source.files import ImageSource
from common.core.errors import UnavailableError

DATA = Path(os.environ.get("MINGCHA_DATA") or Path(__file__).parents[3] / "shared" / "data") / "access"
pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real Access files are not here"),
    pytest.mark.skipif(shutil.which("mdb-export") is None, reason="mdbtools is not installed"),
]


@pytest.fixture
async def nwind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ImageSource]:
    monkeypatch.setattr(files, "SETTLE_SECS", 0.0)
    monkeypatch.setattr(files, "DUTY", 1.0)
    shutil.copy(DATA / "nwind.mdb", tmp_path / "nwind.mdb")
    made = source(tmp_path / "nwind.mdb", "cp1252")
    yield made
    await made.close()


def source(path: Path, charset: str = "") -> ImageSource:
    return access.from_config(SourceConfig("access", path=str(path), charset=charset), path.parent)


async def walk(
    made: ImageSource, table: str, columns: list[str], key: tuple[str, ...], size: int
) -> list[Row]:
    wanted = Table(Dialect.SQLITE, table, tuple(map(Column, [*columns, *key])), key)
    found: list[Row] = []
    after: Row | None = None
    while page := await made.fetch(query.by_key(wanted, after, size)):
        found += page
        after = page[-1][-len(key) :]
    return found


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("ASampleDatabase.accdb", "Asset Items"),
        ("DateTestDatabase.mdb", "DateTest"),
        *(
            ("nwind.mdb", name)
            for name in ("Order Details", "Orders", "Products", "Customers", "Employees", "Umsätze")
        ),
    ],
)
async def test_every_row_of_every_table_comes_once(file: str, table: str) -> None:
    count = ["mdb-count", str(DATA / file), table]
    counted = await asyncio.to_thread(lambda: subprocess.run(count, capture_output=True, check=True).stdout)
    made = source(DATA / file, "cp1252")
    columns = await made.columns(table)
    found = await walk(made, table, columns[:1], (ROW_KEY,), 50)
    assert len(found) == int(counted) > 0
    assert len({row[-1] for row in found}) == len(found)
    await made.close()


async def test_names_and_texts_are_in_the_files_own_charset(nwind: ImageSource) -> None:
    found = await walk(nwind, "Customers", ["CompanyName"], ("CustomerID",), 1000)
    assert ("Blauer See Delikatessen", "BLAUS") in found
    assert any("ö" in row[0] or "ü" in row[0] or "é" in row[0] for row in found)


async def test_a_key_of_two_columns_pages_like_a_database(nwind: ImageSource) -> None:
    key = ("OrderID", "ProductID")
    assert await walk(nwind, "Order Details", ["Quantity"], key, 7) == await walk(
        nwind, "Order Details", ["Quantity"], key, 10_000
    )


async def test_dates_are_text_that_means_a_time() -> None:
    made = source(DATA / "DateTestDatabase.mdb")
    found = await walk(made, "DateTest", ["DateTimeCol", "ShortTextCol"], ("IDCol",), 100)
    assert found[0][:2] == ("2021-12-02 00:00:00", "Hello")
    await made.close()


async def test_a_table_that_is_not_there_is_called_so_and_the_others_go_on(nwind: ImageSource) -> None:
    with pytest.raises(SchemaError, match="没有表 没有此表"):
        await nwind.columns("没有此表")
    assert "OrderID" in await nwind.columns("Orders")


async def test_a_damaged_file_gives_no_row_rather_than_fewer(nwind: ImageSource, tmp_path: Path) -> None:
    path = tmp_path / "nwind.mdb"
    whole = path.read_bytes()
    assert await walk(nwind, "Orders", ["OrderID"], (ROW_KEY,), 5000)
    path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(SchemaError, match=r"读不出|没有表"):
        await walk(nwind, "Orders", ["OrderID"], (ROW_KEY,), 5000)
    path.write_bytes(whole)
    assert await walk(nwind, "Orders", ["OrderID"], (ROW_KEY,), 5000)


async def test_a_file_that_is_away_is_away_as_a_whole(nwind: ImageSource, tmp_path: Path) -> None:
    (tmp_path / "nwind.mdb").unlink()
    with pytest.raises(UnavailableError, match="读不到数据源"):
        await nwind.open()


async def test_the_file_is_only_read(nwind: ImageSource, tmp_path: Path) -> None:
    before = (tmp_path / "nwind.mdb").stat()
    await nwind.columns("Orders")
    assert await nwind.write_allowed("Orders", "OrderID") == ""
    after = (tmp_path / "nwind.mdb").stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert [path.name for path in tmp_path.iterdir()] == ["nwind.mdb"], "no lock file, no copy"
    assert nwind.age_secs("Orders") < 60, "unchanged, it is the truth of now"
