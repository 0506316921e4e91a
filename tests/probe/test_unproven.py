"""The draft of engines that nobody could try here: their dictionaries as their manuals describe them, filled from a vendor's
schema, its rows in SQLite with the types that the drivers give.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from agent import probe
from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.probe.render import rendered
from agent.core.query import Query, Row
from agent.source import mssql, ora
from agent.source.base import Source
from tests.integration.test_dictionaries import DAMENG, MAINTAINED, ORACLE, SQLSERVER, dictionary, fetched
from tests.probe.held_out import FRAMEWORK
from tests.probe.known import INITIALS
from tests.probe.made import make_file, tables_of
from tests.probe.schema import Schema, Tab, truth
from tests.probe.score import scored

_TYPES = {"VARCHAR": ("VARCHAR2", 231), "DATE": ("DATE", 42), "INTEGER": ("NUMBER", 127)}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def _type(declared: str) -> tuple[str, int]:
    return next((kind for word, kind in _TYPES.items() if word in declared), _TYPES["VARCHAR"])


def as_oracle(db: sqlite3.Connection, number: int, tab: Tab) -> None:
    db.execute("INSERT INTO all_tab_comments VALUES ('SPXT', ?, 'TABLE', ?)", (tab.name, tab.comment))
    for place, col in enumerate(tab.cols):
        row = ("SPXT", tab.name, col.name, _type(col.type)[0], "N" if col.name in tab.key else "Y", place)
        db.execute("INSERT INTO all_tab_columns VALUES (?, ?, ?, ?, ?, ?)", row)
        db.execute(
            "INSERT INTO all_col_comments VALUES ('SPXT', ?, ?, ?)", (tab.name, col.name, col.comment or None)
        )
    for index, names in (("PK", tab.key if tab.primary else ()), ("IX", (tab.cursor,) if tab.cursor else ())):
        name = f"{index}{number}"
        if names:
            made = ("SPXT", name, "SPXT", tab.name, "UNIQUE" if index == "PK" else "NONUNIQUE", "NORMAL")
            db.execute("INSERT INTO all_indexes VALUES (?, ?, ?, ?, ?, ?)", made)
        if names and index == "PK":
            db.execute("INSERT INTO all_constraints VALUES ('SPXT', ?, ?, 'P')", (tab.name, name))
        for place, column in enumerate(names, 1):
            found = ("SPXT", name, "SPXT", tab.name, column, place)
            db.execute("INSERT INTO all_ind_columns VALUES (?, ?, ?, ?, ?, ?)", found)


def as_sqlserver(db: sqlite3.Connection, number: int, tab: Tab) -> None:
    if number == 1:
        db.execute("INSERT INTO sys.schemas VALUES (1, 'dbo')")
    db.execute("INSERT INTO sys.objects VALUES (?, 1, ?, 'U', 0)", (number, tab.name))
    said = [(0, tab.comment), *((place, col.comment) for place, col in enumerate(tab.cols, 1))]
    for place, comment in said:
        db.execute(
            "INSERT INTO sys.extended_properties VALUES (1, ?, ?, 'MS_Description', ?)",
            (number, place, comment),
        )
    places = {col.name: place for place, col in enumerate(tab.cols, 1)}
    for col in tab.cols:
        row = (number, places[col.name], col.name, _type(col.type)[1], int(col.name not in tab.key))
        db.execute("INSERT INTO sys.columns VALUES (?, ?, ?, ?, ?)", row)
    for index, names in ((1, tab.key if tab.primary else ()), (2, (tab.cursor,) if tab.cursor else ())):
        if names:
            made = (number, index, f"i{index}", index, int(index == 1), int(index == 1), 0, 0)
            db.execute("INSERT INTO sys.indexes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", made)
        for order, name in enumerate(names, 1):
            found = (number, index, places[name], order)
            db.execute("INSERT INTO sys.index_columns VALUES (?, ?, ?, ?)", found)


class Engine(Struct, frozen=True):
    """`value`: a number as the driver gives it."""

    tables: str
    fill: Callable[[sqlite3.Connection, int, Tab], None]
    catalogue: Callable[[Any], Awaitable[list[CatalogTable]]]
    value: Callable[[int], Any]


ENGINES = {
    "oracle": Engine(ORACLE, as_oracle, lambda fetch: ora.catalogue(fetch, MAINTAINED), Decimal),
    "dameng": Engine(ORACLE, as_oracle, lambda fetch: ora.catalogue(fetch, DAMENG), int),
    "sqlserver": Engine(SQLSERVER, as_sqlserver, mssql.catalogue, int),
}


class Stage:
    """In the place of an adapter: its questions, carried out by SQLite where they are of the rows."""

    def __init__(self, engine: Engine, schema: Schema, path: Path) -> None:
        make_file(schema, path)
        self._engine = engine
        self._db = dictionary(engine.tables.partition("INSERT")[0])
        self._db.execute("ATTACH ? AS office", (str(path),))
        names: dict[tuple[int, int], str] = {}
        for number, tab in enumerate(schema.tables, 1):
            engine.fill(self._db, number, tab)
            names |= {(number, place): col.name for place, col in enumerate(tab.cols, 1)}
        self._db.create_function("COL_NAME", 2, lambda *place: names.get(place))

    async def catalogue(self) -> list[CatalogTable]:
        return await self._engine.catalogue(fetched(self._db))

    async def fetch(self, asked: Query) -> list[Row]:
        sql = re.sub(r"^SELECT TOP \((\d+)\) (.*)$", r"SELECT \2 LIMIT \1", asked.sql)
        sql = re.sub(r" FETCH FIRST (\d+) ROWS ONLY$", r" LIMIT \1", sql)
        rows = self._db.execute(re.sub(r":\d+|%s", "?", sql), [*map(_plain, asked.params)]).fetchall()
        return [tuple(map(self._given, row)) for row in rows]

    def _given(self, value: Any) -> Any:
        if isinstance(value, int):
            return self._engine.value(value)
        return datetime.fromisoformat(value) if isinstance(value, str) and _TIME.fullmatch(value) else value

    def close(self) -> None:
        self._db.close()


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("schema", [INITIALS, FRAMEWORK], ids=lambda schema: schema.name)
@pytest.mark.parametrize("kind", ENGINES)
async def test_the_draft_is_that_of_a_file(kind: Any, schema: Schema, tmp_path: Path) -> None:
    stage = Stage(ENGINES[kind], schema, tmp_path / "office.db")
    source: Source = stage  # type: ignore[assignment]  # no more of it is asked
    config = SourceConfig(kind, host="h", database="SPXT", user="mc_ro", password_file="p")
    said: list[str] = []
    text = rendered(config, await probe.look(source, config.dialect, said.append))
    stage.close()
    assert [line for line in said if line.startswith("!")] == []
    score = scored(schema.name, truth(schema), tables_of(text))
    assert score.wrong == []
    assert score.right == score.total, score.open
