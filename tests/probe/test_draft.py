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


@pytest.mark.parametrize("name", SCHEMAS)
async def test_a_draft_is_a_mapping_that_loads_or_says_what_a_person_must_add(name: str, tmp_path: Path) -> None:
    _, text = await drafted(name, tmp_path)
    file = tmp_path / "mapping.toml"
    file.write_text(text, "utf-8")
    try:
        _, tables = mapping.load(file)
    except ConfigError as error:
        lines = str(error).splitlines()[1:]
        assert lines
        assert all(line.endswith(("key：缺少", "parent：缺少（指向办件的字段）")) for line in lines), lines
    else:
        assert "case" in {table.name for table in tables}


@pytest.mark.parametrize("name", SCHEMAS)
async def test_no_person_and_no_number_of_the_database_stands_in_the_draft(name: str, tmp_path: Path) -> None:
    _, text = await drafted(name, tmp_path)
    told = {
        value
        for one in sheets({"pinyin": 10, "split": 15, "gbk": 1}.get(name, 0))
        for value in (one.life.applicant, one.life.phone, one.life.number, one.life.responsible)
    }
    told |= {entry.stage.actor for one in sheets() for entry in one.entries}
    assert [value for value in told if value in text] == []


async def test_every_line_of_a_field_says_how_sure_it_is_and_why(tmp_path: Path) -> None:
    _, text = await drafted("framework", tmp_path)
    lines = [line for line in text.splitlines() if " = " in line and "  # " in line]
    assert len(lines) > 20
    assert all(line.rpartition("  # ")[2].strip() for line in lines)
    assert 'accepted_at = "handle_time"  # 0.95 注释“受理时间”' in text, "a comment outweighs the name"
