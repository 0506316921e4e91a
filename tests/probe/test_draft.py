"""The probe against twelve vendors' schemas, half of which its dictionaries were not written for.

The bar (capture.md C8): of all canonical fields 85 % right, of keys, times and states none wrong where the draft is
sure. The held-out half is measured apart and printed as a line of JSON.
"""

import json
from pathlib import Path

import pytest

from agent import mapping
from agent.core.mapping import SourceConfig
from common.core.errors import ConfigError
from tests.probe.held_out import HELD_OUT
from tests.probe.known import DEMONSTRATION, KNOWN, make_demonstration
from tests.probe.made import draft_text, make_file, tables_of
from tests.probe.schema import Schema, Truth, sheets, truth
from tests.probe.score import Score, scored

SCHEMAS: dict[str, Schema | None] = {
    **dict.fromkeys(DEMONSTRATION),
    **{schema.name: schema for schema in (*KNOWN, *HELD_OUT)},
}
_LEAST = 0.85


async def drafted(name: str, folder: Path) -> tuple[dict[str, Truth], str]:
    """-> the truth, the draft's text."""
    path, schema = folder / f"{name}.db", SCHEMAS[name]
    if schema is None:
        real = make_demonstration(name, path)
    else:
        make_file(schema, path)
        real = truth(schema)
    return real, await draft_text(SourceConfig("sqlite", path=str(path)), folder)


async def test_the_probe_is_right_on_most_fields_and_never_surely_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = {"known": Score(), "held_out": Score()}
    for name in SCHEMAS:
        real, text = await drafted(name, tmp_path)
        assert loads_or_says_what_is_missing(text, tmp_path / "mapping.toml"), name
        assert [value for value in told_apart(name) if value in text] == [], name
        half = "held_out" if name in {schema.name for schema in HELD_OUT} else "known"
        halves[half].add(scored(name, real, tables_of(text)))
    line = {
        half: {
            "right": score.right,
            "total": score.total,
            "share": round(score.right / score.total, 3),
            "wrong": score.wrong,
            "other": score.other,
            "open": score.open,
        }
        for half, score in halves.items()
    }
    with capsys.disabled():
        print("\n" + json.dumps({"probe": line, "schemas": len(SCHEMAS)}, ensure_ascii=False))
    assert len(SCHEMAS) >= 12
    assert [score.wrong for score in halves.values()] == [[], []]
    assert all(score.right >= _LEAST * score.total for score in halves.values())


def loads_or_says_what_is_missing(text: str, file: Path) -> bool:
    """A draft is a mapping, or one that lacks no more than what it leaves to a person."""
    file.write_text(text, "utf-8")
    try:
        return "case" in {table.name for table in mapping.load(file)[1]}
    except ConfigError as error:
        lines = str(error).splitlines()[1:]
        return bool(lines) and all(line.endswith("parent：缺少（指向办件的字段）") for line in lines)


def told_apart(name: str) -> set[str]:
    """Every person, telephone and number that the database of this vendor holds."""
    cases = sheets({"pinyin": 10, "split": 15, "gbk": 1}.get(name, 0))
    lives = [one.life for one in cases]
    told = {value for one in lives for value in (one.applicant, one.phone, one.number, one.responsible)}
    return told | {entry.stage.actor for one in cases for entry in one.entries}


async def test_every_line_of_a_field_says_how_sure_it_is_and_why(tmp_path: Path) -> None:
    _, text = await drafted("framework", tmp_path)
    lines = [line for line in text.splitlines() if " = " in line and "  # " in line]
    assert len(lines) > 20
    assert all(line.rpartition("  # ")[2].strip() for line in lines)
    line = next(line for line in lines if line.startswith("accepted_at = "))
    assert line.startswith('accepted_at = "handle_time"'), "the comment outweighs the name"
    assert "注释“受理时间”" in line
