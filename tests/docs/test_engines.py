"""README, handbook and the program agree on which engines have been proven on a live server."""

import importlib
import tomllib

import pytest

from agent.app import SOURCES
from tests.docs import engines


def test_the_readme_holds_the_table() -> None:
    """Its text is `python -c "from tests.docs import engines; print(engines.readme())"`."""
    assert engines.readme() in (engines.ROOT / "README.md").read_text("utf-8")


def test_every_adapter_stands_in_the_table_once() -> None:
    modules = [SOURCES[item.types] for item in engines.ENGINES]
    assert sorted(modules) == sorted(set(SOURCES.values()))


@pytest.mark.parametrize("source_type", [item.types for item in engines.ENGINES])
def test_the_table_and_the_adapter_say_the_same(source_type: str) -> None:
    try:
        module = importlib.import_module(f"agent.source.{SOURCES[source_type]}")
    except ImportError as error:
        pytest.skip(f"{error.name} is not installed")
    assert module.PROVEN is engines.proven(source_type)


def test_every_driver_is_an_extra_of_its_adapters_name() -> None:
    extras = tomllib.loads((engines.ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(SOURCES.values()) - {"sqlite", "access"} <= set(extras)
