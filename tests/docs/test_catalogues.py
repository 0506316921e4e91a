"""The catalogues hold exactly what the code uses: log events, checks, words of states."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import agent.core
import central.core
import common.core
from common.core.checks import CHECKS, GROUPS
from common.core.events import EVENTS

ROOT = Path(common.core.__file__).parents[2]
PACKAGES = ("agent", "central", "common", "provisioning")
LEVELS = {"exception": "error", "debug": "debug", "info": "info", "warning": "warning", "error": "error"}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


class Use:
    """One `log.<level>("name", ...)` in the code, or the same handed on to be called later."""

    def __init__(self, path: Path, call: ast.Call, level: str, name: ast.expr) -> None:
        assert isinstance(name, ast.Constant), f"{path}:{call.lineno}: an event's name is a constant"
        self.where = f"{path.relative_to(ROOT)}:{call.lineno}"
        self.level = level
        self.name = str(name.value)
        self.fields = {keyword.arg for keyword in call.keywords if keyword.arg}
        self.complete = all(keyword.arg for keyword in call.keywords)


def level_of(node: ast.expr) -> str:
    """Of `log.info`: info; empty for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "log":
        return LEVELS.get(node.attr, "")
    return ""


def uses() -> list[Use]:
    found: list[Use] = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                for function, name in pairwise([node.func, *node.args]):
                    if level := level_of(function):
                        found.append(Use(path, node, level, name))
    return found


USES = uses()


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.where} {use.name}")
def test_every_event_in_the_code_is_listed_with_its_level_and_fields(use: Use) -> None:
    event = EVENTS[use.name]
    assert use.level == event.level
    assert use.fields - {"hint"} <= set(event.fields)
    assert use.level in {"warning", "error"} or "hint" not in use.fields


def test_every_listed_event_is_used_somewhere() -> None:
    assert set(EVENTS) - {use.name for use in USES} == set()


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_of_a_listed_event_is_given_somewhere(name: str) -> None:
    given = set().union(*(use.fields for use in USES if use.name == name))
    assert set(EVENTS[name].fields) <= given or not all(use.complete for use in USES if use.name == name)


@pytest.mark.parametrize("name", EVENTS)
def test_a_name_is_a_noun_and_what_happened_to_it_and_is_explained_in_chinese(name: str) -> None:
    event = EVENTS[name]
    assert re.fullmatch(r"[a-z]+\.[a-z]+", name)
    assert re.search(r"[\u4e00-\u9fff]", event.meaning)


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if event.level == "error"])
def test_an_error_says_what_a_person_should_do(name: str) -> None:
    assert EVENTS[name].action


def test_what_begins_with_unavailable_ends_with_recovered() -> None:
    lost = {name.split(".")[0] for name in EVENTS if name.endswith(".unavailable")}
    assert lost <= {name.split(".")[0] for name in EVENTS if name.endswith(".recovered")}


# checks --------------------------------------------------------------------------------------------------------

ID = re.compile(r'"(E-[A-Z]+-\d\d)"')


def ids_in(path: Path) -> set[str]:
    return set(ID.findall(path.read_text("utf-8")))


def test_every_check_id_in_the_code_is_in_the_catalogue() -> None:
    used = {name for path in sources() for name in ids_in(path)}
    assert used - set(CHECKS) == set()


def test_every_check_of_the_catalogue_is_made_by_a_doctor() -> None:
    doctors = {ROOT / "agent/doctor.py", ROOT / "agent/camera/checks.py", ROOT / "central/doctor.py"}
    assert set(CHECKS) - {name for path in doctors for name in ids_in(path)} == set()


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_check_has_a_group_says_effect_and_remedy_and_comes_after_what_it_needs(check_id: str) -> None:
    check = CHECKS[check_id]
    assert check.group(check_id) in GROUPS.values()
    assert all(re.search(r"[\u4e00-\u9fff]", text) for text in (check.title, check.effect, check.remedy))
    before = list(CHECKS)[: list(CHECKS).index(check_id)]
    assert set(check.needs) <= set(before), "checks run in the order of the catalogue"


# words ---------------------------------------------------------------------------------------------------------


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(info.name)


WORDED = sorted(
    {
        kind
        for package in (agent.core, central.core, common.core)
        for module in modules(package)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and hasattr(kind, "word")
    },
    key=lambda kind: kind.__qualname__,
)


@pytest.mark.parametrize("kind", WORDED, ids=lambda kind: kind.__qualname__)
def test_every_value_of_a_shown_state_has_its_own_chinese_word(kind: type[StrEnum]) -> None:
    words = [item.word for item in kind]  # type: ignore[attr-defined]
    assert all(re.search(r"[\u4e00-\u9fff]", word) for word in words)
    assert len(set(words)) == len(words)
