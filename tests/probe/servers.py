"""A schema as tables of a server, with the vendor's comments."""

from pathlib import Path
from typing import Any

from agent.core.mapping import SourceConfig
from tests.probe.schema import Schema, Tab, rows_of, sheets
from tests.server import HOST
from tests.services import PASSWORD, MariaDb, PostgreSql


async def on_mariadb(server: MariaDb, schema: Schema, folder: Path, charset: str = "utf8mb4") -> SourceConfig:
    """Text is stored in `charset`, what GBK does not hold as `?`; `latin1` holds bytes of GBK, as old programs do."""
    database = await server.create_database("utf8mb4")
    for tab in schema.tables:
        columns = [
            f"`{col.name}` {_declared(col.type, charset)} COMMENT '{col.comment}'" for col in tab.cols
        ] + _primary(tab, "`")
        index = [f"KEY ix (`{tab.cursor}`)"] if tab.cursor else []
        body = ", ".join([*columns, *index])
        await server.execute(f"CREATE TABLE `{tab.name}` ({body}) COMMENT '{tab.comment}'", database=database)
        for chunk in _chunks(rows_of(tab, sheets())):
            values = ", ".join(f"({', '.join(_literal(value, charset) for value in row)})" for row in chunk)
            await server.execute(f"INSERT INTO `{tab.name}` VALUES {values}", database=database)
    return _config("mariadb", server.port, database, await server.create_user(database, "SELECT"), folder)


async def on_postgresql(server: PostgreSql, schema: Schema, folder: Path) -> SourceConfig:
    database = await server.create_database()
    user = await server.create_user(database, "")
    for tab in schema.tables:
        columns = [
            f'"{col.name}" {col.type.replace("DATETIME", "TIMESTAMP").replace("INTEGER", "BIGINT")}'
            for col in tab.cols
        ] + _primary(tab, '"')
        await server.execute(f'CREATE TABLE "{tab.name}" ({", ".join(columns)})', database=database)
        for col in tab.cols:
            said = f'COMMENT ON COLUMN "{tab.name}"."{col.name}" IS \'{col.comment}\''
            await server.execute(said, database=database)
        if tab.cursor:
            await server.execute(f'CREATE INDEX ON "{tab.name}" ("{tab.cursor}")', database=database)
        for chunk in _chunks(rows_of(tab, sheets())):
            values = ", ".join(f"({', '.join(_literal(value, '') for value in row)})" for row in chunk)
            await server.execute(f'INSERT INTO "{tab.name}" VALUES {values}', database=database)
        await server.execute(f'GRANT SELECT ON "{tab.name}" TO {user}', database=database)
    return _config("postgresql", server.port, database, user, folder)


def _config(kind: Any, port: int, database: str, user: str, folder: Path) -> SourceConfig:
    (folder / "password").write_text(f"{PASSWORD}\n")
    return SourceConfig(kind, host=HOST, port=port, database=database, user=user, password_file="password")


def _primary(tab: Tab, mark: str) -> list[str]:
    if not tab.primary or not tab.key:
        return []
    return ["PRIMARY KEY (" + ", ".join(f"{mark}{name}{mark}" for name in tab.key) + ")"]


def _declared(kind: str, charset: str) -> str:
    kind = kind.replace("INTEGER", "BIGINT")
    return f"{kind} CHARACTER SET {charset}" if "CHAR" in kind else kind


def _literal(value: Any, charset: str) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    if charset == "latin1":
        return f"X'{str(value).encode('gb18030').hex()}'"
    if charset == "gbk":
        value = str(value).encode("gbk", "replace").decode("gbk")
    return "'" + str(value).replace("'", "''") + "'"


def _chunks(rows: list[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
    return [rows[start : start + 500] for start in range(0, len(rows), 500)]
