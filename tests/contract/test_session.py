"""What a server's own settings do to an answer: nothing."""

from pathlib import Path

import pytest

from agent.core import query
from agent.core.query import Column, Row, Table
from tests.contract.vendor import on_mariadb

SETTINGS = {
    "sql_select_limit": ("2", "DEFAULT"),
    "sql_mode": ("'PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,ANSI_QUOTES'", "DEFAULT"),
    "time_zone": ("'+05:00'", "'SYSTEM'"),
}


@pytest.mark.service
async def test_a_server_that_is_set_otherwise_gives_the_same_rows(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    vendor = await on_mariadb(request, tmp_path)
    await vendor.create("c", {"id": "VARCHAR(9)", "v": "CHAR(20)", "a": "TIMESTAMP NULL"}, "id")
    names = ["x", "a\\\\b", "a''c", "z"]
    for name in names:
        await vendor.execute(f"INSERT INTO c VALUES ('{name}', 'x', FROM_UNIXTIME(1780279200))")
    table = Table(vendor.config.dialect, "c", tuple(map(Column, ("id", "v", "a"))), ("id",))

    async def read() -> list[list[Row]]:
        source = vendor.source()
        wanted = query.by_keys(table, [("x",), ("a\\b",), ("a'c",), ("z",)])
        hashed = query.hash_of(table, None, ("zz",), "mark")
        assert hashed is not None
        found = [sorted(await source.fetch(wanted)), await source.fetch(hashed)]
        await source.close()
        return found

    before = await read()
    assert len(before[0]) == 4
    assert {str(row[2]) for row in before[0]} == {"2026-06-01 10:00:00"}  # in the zone of the mapping
    try:
        for name, (value, _) in SETTINGS.items():
            await vendor.execute(f"SET GLOBAL {name}={value}")
        assert await read() == before
    finally:
        for name, (_, value) in SETTINGS.items():
            await vendor.execute(f"SET GLOBAL {name}={value}")
