"""The compatibility table of README and handbook; whether an engine is proven is read from its adapter's own `PROVEN`."""

import ast
from pathlib import Path

from msgspec import Struct

from agent.app import SOURCES
from agent.core import query
from agent.core.mapping import DIALECTS
from agent.source.base import NOT_PROVEN

ROOT = Path(__file__).parents[2]


class Engine(Struct, frozen=True):
    """One `source.type`, or two that are read alike."""

    types: str
    name: str
    driver: str
    licence: str
    proof: str
    proof_zh: str


ENGINES = [
    Engine(
        "mysql",
        "MySQL, MariaDB",
        "asyncmy",
        "Apache-2.0",
        "contract suite on MariaDB 10.11; MySQL itself has not been run",
        "契约测试在 MariaDB 10.11 上运行；MySQL 本身没有运行过",
    ),
    Engine(
        "postgresql",
        "PostgreSQL",
        "asyncpg",
        "Apache-2.0",
        "contract suite on PostgreSQL 15",
        "契约测试在 PostgreSQL 15 上运行",
    ),
    Engine("sqlite", "SQLite", "standard library", "PSF", "contract suite", "契约测试"),
    Engine(
        "folder",
        "CSV / Excel exports",
        "openpyxl, xlrd",
        "MIT, BSD-3",
        "contract suite; every encoding and broken files",
        "契约测试；各种编码与不完整的文件",
    ),
    Engine(
        "access",
        "Access (.mdb, .accdb)",
        "mdbtools, a program of its own",
        "GPL-2.0",
        "real files of JET3, JET4 and ACE12",
        "JET3、JET4、ACE12 的真实文件",
    ),
    Engine(
        "kingbase",
        "人大金仓 KingbaseES",
        "ksycopg2",
        "LGPL",
        "contract suite of the driver against PostgreSQL 15 in its place",
        "驱动以 PostgreSQL 15 代替，运行契约测试",
    ),
    Engine(
        "sqlserver",
        "SQL Server",
        "pymssql",
        "LGPL-2.1",
        "driver without a server, SQL text, error codes; catalogue and draft against made-up dictionaries",
        "无服务器时的驱动、SQL 文本、错误码；起草用仿造的数据字典",
    ),
    Engine(
        "oracle",
        "Oracle 12.1+",
        "oracledb (thin)",
        "UPL-1.0 or Apache-2.0",
        "driver without a server, SQL text, error codes; catalogue and draft against made-up dictionaries",
        "无服务器时的驱动、SQL 文本、错误码；起草用仿造的数据字典",
    ),
    Engine(
        "dameng",
        "达梦 DM8",
        "dmPython",
        "PSF, the vendor's libraries inside",
        "driver without a server, SQL text, error codes; catalogue and draft against made-up dictionaries",
        "无服务器时的驱动、SQL 文本、错误码；起草用仿造的数据字典",
    ),
]


def proven(source_type: str) -> bool:
    """`PROVEN` of the adapter, whether its driver is installed or not."""
    tree = ast.parse((ROOT / "agent" / "source" / f"{SOURCES[source_type]}.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROVEN":
            return bool(ast.literal_eval(node.value))
    raise LookupError(source_type)


def is_hashed(source_type: str) -> bool:
    """Whether the server vouches for whole pages (`query.hash_of`); of another engine every row is read in every walk."""
    table = query.Table(DIALECTS[source_type], "t", (query.Column("k"),), ("k",))
    return query.hash_of(table, None, (1,), "s") is not None


def readme() -> str:
    """The table as README has it."""
    head = (
        "| engine | `source.type` | driver | licence | live server | page hash by the server | proven how |\n"
        "|---|---|---|---|---|---|---|"
    )
    lines = [
        f"| {item.name} | `{item.types}` | {item.driver} | {item.licence} "
        f"| {'yes' if proven(item.types) else f'**not proven on a live server** ({NOT_PROVEN})'} "
        f"| {'yes' if is_hashed(item.types) else 'no, pages are read'} | {item.proof} |"
        for item in ENGINES
    ]
    return "\n".join([head, *lines])


def handbook() -> list[tuple[str, ...]]:
    """Rows of the handbook's table."""
    extra = {"sqlite": "（自带）", "access": "`apt install mdbtools`"}
    return [
        (
            item.name,
            f"`{item.types}`",
            extra.get(item.types) or f"`mingcha[{SOURCES[item.types]}]`",
            "是" if proven(item.types) else NOT_PROVEN,
            "是" if is_hashed(item.types) else "否，逐行读",
            item.proof_zh,
        )
        for item in ENGINES
    ]
