"""Reads `mapping.toml` and the CSV files beside it."""

import csv
from pathlib import Path
from typing import Any

import msgspec

from agent.core import mapping
from agent.core.mapping import Mapping, SourceConfig, Table
from common import config
from common.core.errors import ConfigError, words


def load(path: Path) -> tuple[SourceConfig, list[Table]]:
    """-> the source and its tables, main case table first. Raises ConfigError with every fault."""
    data = mapping.flatten(config.read_toml(path))
    found = _faults(data)
    if found:
        raise config.broken(found, str(path))
    parsed = config.convert(Mapping, data, source=str(path))
    source = parsed.source
    if source.path:
        source = msgspec.structs.replace(source, path=str(path.parent / source.path))
    names = sorted(parsed.table, key=lambda name: (name != "case", name))
    return source, [_table(path, name, parsed, source) for name in names]


def _faults(data: dict[str, Any]) -> list[str]:
    """Of types and of meaning, all at once; a place that is of the wrong type is not blamed for more."""
    found = config.faults(Mapping, data)
    told = [line.partition("：")[0] for line in found]
    others = mapping.faults(config.sound(Mapping, data))
    return found + [line for line in others if not _touches(line.partition("：")[0], told)]


def _touches(place: str, told: list[str]) -> bool:
    return any(f"{place}.".startswith(f"{other}.") or f"{other}.".startswith(f"{place}.") for other in told)


def _table(path: Path, name: str, parsed: Mapping, source: SourceConfig) -> Table:
    table = Table(name, parsed.table[name], source)
    files = {field.lookup for field in table.fields.values() if field.lookup}
    return msgspec.structs.replace(table, lookups={file: _lookup(path.parent / file) for file in files})


def _lookup(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row[0].strip(): row[1].strip() for row in csv.reader(file) if row}
    except OSError as error:
        raise ConfigError(f"读不到对照表 {path}（{words(error)}）", hint=f"请检查 {path}") from error
    except (UnicodeDecodeError, IndexError, csv.Error) as error:
        raise ConfigError(
            f"对照表 {path} 应为 UTF-8 编码，每行“源值,标准值”", hint=f"请修改 {path}"
        ) from error
