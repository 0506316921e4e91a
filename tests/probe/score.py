"""A draft against the truth: how many canonical fields are right, and which are wrong though the draft is sure.

Right: the same column stands in the draft; of a state or kind also no value with another word, and at least half
of the values. A field that the draft leaves open counts as not right, and never as wrong.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from agent.core.probe.guess import STRICT
from tests.probe.schema import Truth, sheets

KINDS = {entry.stage.name: entry.stage.kind.value for one in sheets() for entry in one.entries}
"""What a step's name means, where no column says it."""


class Score(Struct):
    """`wrong`: of keys, times and states, which must be none; `other`: any other field taken from a wrong column."""

    right: int = 0
    total: int = 0
    wrong: list[str] = []
    other: list[str] = []
    open: list[str] = []

    def add(self, more: "Score") -> None:
        self.right += more.right
        self.total += more.total
        self.wrong = self.wrong + more.wrong
        self.other = self.other + more.other
        self.open = self.open + more.open


def scored(name: str, truth: Mapping[str, Truth], draft: Mapping[str, Any]) -> Score:
    """`draft`: table -> as parsed from the TOML, flattened; compared by the source table it reads."""
    score = Score()
    by_table = {table["from"]: (role, table) for role, table in draft.items()}
    for role, table in truth.items():
        found_role, found = by_table.pop(table.from_, ("", {}))
        if found and found_role.partition(".")[0] != role.partition(".")[0]:
            score.wrong.append(f"{name}: {table.from_} as {found_role}")
        _table(score, f"{name} {role}", table, found)
    score.wrong += [f"{name}: {table} as {role}" for table, (role, _) in by_table.items()]
    return score


def _table(score: Score, name: str, truth: Truth, found: Mapping[str, Any]) -> None:
    cursor = found.get("cursor", {}).get("columns", [])
    structure = (
        ("key", list(truth.key), found.get("key", [])),
        ("parent", list(truth.parent), _listed(found.get("parent", []))),
        ("cursor", [truth.cursor] if truth.cursor else [], cursor),
    )
    for field, wanted, given in structure:
        _count(score, f"{name}.{field}", field, wanted, given)
    columns = found.get("columns", {})
    for field, (column, enum) in truth.columns.items():
        item = columns.get(field)
        given = [] if item is None else [item if isinstance(item, str) else item.get("col", "")]
        said = item.get("enum", {}) if isinstance(item, dict) else {}
        lies = [value for value, word in said.items() if value in enum and enum[value] != word]
        enough = len(set(said) & set(enum)) * 2 >= len(enum)
        if given == [column] and field in {"status", "kind", "outcome"} and (lies or not enough):
            given = [f"{column} {lies}"] if lies else []
        _count(score, f"{name}.{field}", field, [column], given)
    for field in set(columns) - set(truth.columns):
        if field == "kind" and columns[field]["col"] == truth.columns["step_name"][0]:
            said = columns[field]["enum"]
            lies = [
                f"{word} is {KINDS[word]}" for word, kind in said.items() if KINDS.get(word, kind) != kind
            ]
            score.other += [f"{name}.{field}: {lies}"] if lies else []
            continue
        (score.wrong if field in STRICT else score.other).append(
            f"{name}.{field}: not there, {columns[field]}"
        )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _count(score: Score, place: str, field: str, wanted: list[str], given: list[str]) -> None:
    if not wanted and not given:
        return
    score.total += bool(wanted)
    if given == wanted:
        score.right += 1
    elif given:
        (score.wrong if field in STRICT else score.other).append(f"{place}: {given} is {wanted}")
    else:
        score.open.append(place)
