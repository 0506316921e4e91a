"""Reads `mapping.toml` and the CSV files beside it."""

import csv
from pathlib import Path
from typing import Any

import msgspec

from agent.core import mapping, mapping_faults
from agent.core.mapping import Mapping, SourceConfig, Table
from common import config
from common.core.errors import words
from common.core.text import one_line

Lookups = dict[str, dict[str, str]]


def load(path: Path) -> tuple[SourceConfig, list[Table]]:
    """-> the source and its tables, main case table first. Raises ConfigError with every fault."""
    data = mapping.flatten(config.read_toml(path))
    found, lookups = _faults(data, path.parent)
    if found:
        raise config.broken(found, str(path))
    parsed = config.convert(Mapping, data, source=str(path))
    source = parsed.source
    if source.path:
        source = msgspec.structs.replace(source, path=str(path.parent / source.path))
    names = sorted(parsed.table, key=lambda name: (name != "case", name))
    return source, [_table(name, parsed, source, lookups) for name in names]


def _faults(data: dict[str, Any], folder: Path) -> tuple[list[str], Lookups]:
    """Of types, of meaning and of the files beside it, all at once; a place that is of the wrong type is not blamed for more.
    -> the faults, and what stands in those files.
    """
    found = config.faults(Mapping, data)
    told = [line.partition("：")[0] for line in found]
    sound = config.sound(Mapping, _named(data))
    named = mapping_faults.lookups(sound)
    read: dict[str, tuple[dict[str, str], list[str]]] = {}
    others = mapping_faults.faults(sound)
    for one in named:
        if one.file not in read:
            read[one.file] = _lookup(folder / one.file)
        values, said = read[one.file]
        wrong = (
            mapping_faults.value_fault(one.name, one.field, value) for value in dict.fromkeys(values.values())
        )
        others += [f"{one.place}：对照表 {one.file} {line}" for line in [*said, *filter(None, wrong)]]
    places = [(line.partition("：")[0], line) for line in others]
    found += [line for place, line in places if not (_touches(place, told) or _follows(place, told))]
    return found, {file: values for file, (values, _) in read.items()}


def _named(data: dict[str, Any]) -> dict[str, Any]:
    """`data`, where what a group cannot be without is of the wrong type or missing, with something in its place: else nothing of
    the group could be looked at."""
    filled = dict(data)
    if isinstance(source := data.get("source"), dict) and config.faults(
        SourceConfig, {"type": source.get("type")}
    ):
        filled["source"] = {**source, "type": "sqlite", "path": source.get("path") or "?"}
    tables = data.get("table")
    if isinstance(tables, dict):
        filled["table"] = {
            name: {**table, "from": "T"}
            if isinstance(table, dict) and not isinstance(table.get("from"), str)
            else table
            for name, table in tables.items()
        }
    return filled


def _touches(place: str, told: list[str]) -> bool:
    return any(f"{place}.".startswith(f"{other}.") or f"{other}.".startswith(f"{place}.") for other in told)


def _follows(place: str, told: list[str]) -> bool:
    """A case table seems to lack its parent, and every table the use of its cursor, where the key alone is not as it should be."""
    table, _, key = place.rpartition(".")
    is_so = key == "cursor" or place == "table.case.parent"
    return is_so and any(one.startswith(f"{table}.key") for one in told)


def _table(name: str, parsed: Mapping, source: SourceConfig, lookups: Lookups) -> Table:
    table = Table(name, parsed.table[name], source)
    files = {field.lookup for field in table.fields.values() if field.lookup}
    return msgspec.structs.replace(table, lookups={file: lookups[file] for file in files})


def _lookup(path: Path) -> tuple[dict[str, str], list[str]]:
    """-> what the file says, and what is wrong with it."""
    found: dict[str, str] = {}
    said = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in filter(None, reader):
                value, meaning = row[0].strip(), row[1].strip()
                if found.setdefault(value, meaning) != meaning:
                    said.append(f"第 {reader.line_num} 行：{one_line(value, 40)} 另有一行写作别的标准值")
    except OSError as error:
        return {}, [f"读不到（{words(error)}）"]
    except (UnicodeDecodeError, IndexError, csv.Error):
        return {}, ["应为 UTF-8 编码，每行“源值,标准值”"]
    return found, said
