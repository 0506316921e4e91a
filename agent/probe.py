"""Reads an unknown database as far as a draft of its mapping needs: the catalogue, and a page of each table.

Nothing is written but the draft, and never over a file that is there. One short statement at a time, on the one
connection that the adapters open read-only.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from agent import config as box_config
from agent.core import mapping, mapping_faults, query
from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.probe import draft as drafts
from agent.core.probe import links
from agent.core.probe.draft import Draft
from agent.core.probe.links import Pair
from agent.core.probe.sampled import Sampled, sampled
from agent.source.base import SchemaError, Source
from common import config, sealed
from common.core.errors import ConfigError, UnavailableError, UsageError, words
from common.core.text import one_line

Say = Callable[[str], None]
"""Shows where a long pass is."""
SAMPLE_ROWS = 1000
_GIVE_UP = 3
"""Tables in a row that are away: one slow view is left out, a server that is gone is not asked on."""
_ASK = 200
"""Values of a link that are looked for in the case table."""
_LARGE = re.compile(
    r"blob|bytea|image|binary|clob|\braw\b|^long\b|xml|json|geometry|geography|hierarchyid|sql_variant|vector|bfile"
)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_SUSPECT = re.compile(r"[\u0080-\u00ff\u0152-\u0192\u02c6\u02dc\u2013-\u2122]")
"""What bytes of GBK or UTF-8 look like to a database that believes in Latin-1."""


class _SourceFile(msgspec.Struct, forbid_unknown_fields=True):
    """A mapping of which `[source]` alone matters."""

    source: SourceConfig
    version: int = 1
    table: dict[str, object] = {}


def source_of(path: Path) -> SourceConfig:
    """`[source]` of a file that may hold nothing else. Raises ConfigError with every fault."""
    data = config.read_toml(path)
    found = config.faults(_SourceFile, data)
    if not found:
        found = [
            line for line in mapping_faults.faults({"source": data["source"]}) if line.startswith("source.")
        ]
    if found:
        raise config.broken(found, str(path))
    source = config.convert(_SourceFile, data, source=str(path)).source
    return msgspec.structs.replace(source, path=str(path.parent / source.path)) if source.path else source


def tables_of(path: Path) -> list[str]:
    """The source tables that a mapping names; none where the file holds `[source]` alone."""
    tables = mapping.flatten(config.read_toml(path)).get("table", {})
    named = (table.get("from") for table in tables.values() if isinstance(table, dict))
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def secrets_of(source: SourceConfig, path: Path, agent: Path) -> Path:
    """The folder of the source's password: that of the mapping at `path`, else where the box's configuration `agent` has it,
    which `mingcha-agent secret` writes to. Raises ConfigError where that is needed and wrong."""
    beside = path.absolute().parent
    place = beside / source.password_file
    if not source.password_file or place.exists() or sealed.is_sealed(place) or not agent.exists():
        return beside
    return box_config.load(agent).capture.secrets_dir


async def look(source: Source, dialect: query.Dialect, say: Say) -> Draft:
    """The draft of an opened source. Raises UnavailableError, or ConfigError where the account may read nothing."""
    catalogue = await source.catalogue()
    if not any(table.columns for table in catalogue):
        raise ConfigError(
            "账号读不到任何表", hint="请业务库管理员授予 SELECT 权限（mingcha-agent probe --grants）"
        )
    seen: list[Sampled] = []
    failed = 0
    for number, table in enumerate(catalogue, 1):
        shown = one_line(table.name)
        if not table.columns:
            say(f"! {shown} 未读：看不到它的字段{'，视图所引用的表或字段可能已不在' if table.view else ''}")
            continue
        say(f"读取样例 {number}/{len(catalogue)}：{shown}")
        try:
            seen.append(await _sample(source, dialect, table))
        except (SchemaError, ConfigError, UnavailableError) as error:
            say(f"! {shown} 未读：{error}")
            failed = failed + 1 if isinstance(error, UnavailableError) else 0
            if failed == _GIVE_UP:
                raise
        else:
            failed = 0
    case = drafts.case_table(seen)
    shares: dict[str, dict[tuple[str, str], float]] = {}
    for one in seen:
        if case is not None and one is not case and one.rows:
            say(f"核对关联：{one_line(one.table.name)}")
            shares[one.table.name] = {
                (pair.column, pair.target): await _share(source, dialect, pair, case)
                for pair in links.pairs(one, case)
            }
    return drafts.drafted(case, seen, shares)


async def _sample(source: Source, dialect: query.Dialect, table: CatalogTable) -> Sampled:
    names = [column.name for column in table.columns if _readable(column.name, column.type)]
    if not names:
        return sampled(table, [], [], whole=False)
    key = next((key for key in table.keys if set(key) <= set(names)), ())
    rows = await source.fetch(_newest(dialect, table, names, key, raw=False))
    columns = [list(values) for values in zip(*rows, strict=True)] if rows else []
    suspect = [place for place, values in enumerate(columns) if _looks_latin(values)]
    raw = [names[place] for place in suspect]
    again = await source.fetch(_newest(dialect, table, raw, key, raw=True)) if raw else []
    if raw and len(again) == len(rows):
        for place, values in zip(suspect, zip(*again, strict=True), strict=True):
            columns[place] = list(values)
    made = list(zip(*columns, strict=True))
    return sampled(table, names, made, whole=len(rows) < SAMPLE_ROWS, asked_raw=raw)


def _newest(
    dialect: query.Dialect, table: CatalogTable, names: Sequence[str], key: tuple[str, ...], *, raw: bool
) -> query.Query:
    columns = tuple(query.Column(name, raw) for name in names)
    return query.newest(query.Table(dialect, table.name, columns, key), SAMPLE_ROWS)


def _readable(name: str, kind: str) -> bool:
    """What a mapping could name, and that is no large object."""
    try:
        query.identifier(name)
    except ConfigError:
        return False
    return not _LARGE.search(kind)


def _looks_latin(values: Sequence[object]) -> bool:
    texts = [value for value in values if isinstance(value, str) and not value.isascii()]
    return len(texts) > 2 and sum(bool(_SUSPECT.search(text)) for text in texts) > len(texts) / 2


async def _share(source: Source, dialect: query.Dialect, pair: Pair, case: Sampled) -> float:
    """By the sample where it is the whole table, else by asking for some of the values."""
    found = links.share(pair, case)
    if case.whole or found >= 1.0 or not pair.values:
        return found
    values = pair.values[:: max(1, len(pair.values) // _ASK)][:_ASK]
    number = case.profiles[pair.target].form == "number" and not _is_text(case, pair.target)
    asked = [(int(value) if number else value,) for value in values if not number or _WHOLE.fullmatch(value)]
    table = query.Table(dialect, case.table.name, (query.Column(pair.target),), (pair.target,))
    try:
        rows = await source.fetch(query.by_keys(table, asked)) if asked else []
    except SchemaError:
        return found
    return max(found, len({row[0] for row in rows}) / len(values))


def _is_text(case: Sampled, name: str) -> bool:
    kinds = [column.type for column in case.table.columns if column.name == name]
    return bool(kinds) and bool(re.search("char|text|string|clob", kinds[0]))


def write(path: Path, text: str) -> None:
    """A new file; one that is there stays. Raises UsageError if it is there, ConfigError where none can be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{path} 已经存在，没有改动", hint="请改名或移走该文件后再执行，或用 --to 写到别处"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"写不了 {path}（{words(error)}）", hint="请用 --to 写到已有的、可写的目录"
        ) from error
