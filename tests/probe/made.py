"""A schema as a database file, and the draft that the probe makes of a database."""

import sqlite3
import tomllib
from pathlib import Path
from typing import Any

from agent import app, probe
from agent.core import mapping
from agent.core.mapping import SourceConfig
from agent.core.probe.render import rendered
from tests.probe.schema import Schema, Tab, rows_of, sheets


def make_file(schema: Schema, path: Path) -> None:
    """SQLite keeps comments as the statement was written, and text in any charset."""
    db = sqlite3.connect(path)
    for tab in schema.tables:
        db.execute(_ddl(tab))
        places = ", ".join("CAST(? AS TEXT)" if "CHAR" in col.type else "?" for col in tab.cols)
        rows = [
            tuple(value.encode(schema.charset) if isinstance(value, str) else value for value in row)
            for row in rows_of(tab, sheets())
        ]
        db.executemany(f'INSERT INTO "{tab.name}" VALUES ({places})', rows)
        if tab.cursor:
            db.execute(f'CREATE INDEX "ix_{tab.name}" ON "{tab.name}" ("{tab.cursor}")')
    db.commit()
    db.close()


def _ddl(tab: Tab) -> str:
    lines = [f'"{col.name}" {col.type}' for col in tab.cols]
    comments = [f" -- {col.comment}" if col.comment else "" for col in tab.cols]
    if tab.primary and tab.key:
        lines.append("PRIMARY KEY (" + ", ".join(f'"{name}"' for name in tab.key) + ")")
        comments.append("")
    commas = [","] * (len(lines) - 1) + [""]
    body = "\n".join(
        f"{line}{comma}{said}" for line, comma, said in zip(lines, commas, comments, strict=True)
    )
    return f'CREATE TABLE "{tab.name}" (\n{body}\n)'


async def draft_text(config: SourceConfig, folder: Path) -> str:
    """What `mingcha-agent probe` writes."""
    source = app.adapter(config, folder)
    try:
        await source.open()
        return rendered(config, await probe.look(source, config.dialect, lambda _: None))
    finally:
        await source.close()


def tables_of(text: str) -> dict[str, Any]:
    """The draft's tables as a mapping's loader sees them."""
    tables: dict[str, Any] = mapping.flatten(tomllib.loads(text)).get("table", {})
    return tables
