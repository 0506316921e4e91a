"""The shape of the code: small files, short functions, few broad handlers; and the rules that are only as good as
their refusals: what breaks them is planted in a copy, and the linters must say so.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import common

ROOT = Path(common.__file__).parents[1]
PACKAGES = ("agent", "central", "common", "provisioning")
BIN = Path(sys.executable).parent
FILE_LINES, P90_LINES, BROAD = 400, 30, 6


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sources():
        yield path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))


def test_every_table_of_the_hall_is_known_where_all_are() -> None:
    """A backup copies what `central.store.tables` knows: a file of tables that it does not import would be left out."""
    homes = {
        path.stem
        for path in (ROOT / "central" / "store").glob("*.py")
        if "= Table(" in path.read_text("utf-8")
    }
    whole = ast.parse((ROOT / "central" / "store" / "tables.py").read_text("utf-8"))
    known = {
        name.name
        for item in whole.body
        if isinstance(item, ast.ImportFrom) and item.module == "central.store"
        for name in item.names
    }
    assert homes - known == {"tables"}


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in sources()}
    worst = sorted(lengths.items(), key=lambda item: -item[1])[:5]
    assert worst[0][1] <= FILE_LINES, worst


def test_nine_functions_in_ten_are_at_most_30_lines() -> None:
    found = sorted(
        ((node.end_lineno or 0) - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert found[int(len(found) * 0.9)][0] <= P90_LINES, found[-5:]


def broad_handlers() -> Iterator[tuple[Path, ast.ExceptHandler]]:
    """Handlers of everything that do not raise it again."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                kinds = ast.unparse(node.type) if node.type else "BaseException"
                names = {name.strip("() ") for name in kinds.split(",")}
                raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
                if names & {"Exception", "BaseException"} and not raises:
                    yield path, node


def test_broad_handlers_are_few_and_say_why() -> None:
    found = list(broad_handlers())
    assert len(found) <= BROAD, found
    for path, node in found:
        line = (ROOT / path).read_text("utf-8").splitlines()[node.lineno - 1]
        comment = line.partition("#")[2].removeprefix(" noqa: BLE001").strip(" -#")
        assert comment, f"{path}:{node.lineno}"


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_core_knows_of_ours_only_cores() -> None:
    for path, tree in trees():
        if "core" in path.parts:
            ours = [name for name in imports(tree) if name.split(".")[0] in PACKAGES]
            allowed = (f"{path.parts[0]}.core", "common.core")
            assert all(name.startswith(allowed) for name in ours), (path, ours)


# planted violations --------------------------------------------------------------------------------------------

PLANTED = {
    "agent/core/planted.py": "import sqlite3\n",
    "agent/planted.py": "import central.config\n",
    "provisioning/planted.py": "import agent.buffer\n",
    "common/core/planted.py": "import time\n",
    "central/door/planted.py": "import central.store.pages\n",
}
CLOCKS = """from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
"""
CHANCES = "import random\n\nVALUE = random.random()\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "static", "*.md")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, text in PLANTED.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_planted_imports_are_refused(copy: Path) -> None:
    said = run(copy, "lint-imports", "--no-cache", "--no-logo")
    for line in (
        "agent.core.planted -> sqlite3",
        "agent.planted -> central.config",
        "provisioning.planted -> agent.buffer",
        "common.core.planted -> time",
        "central.door.planted -> central.store.pages",
    ):
        assert line in said, said


@pytest.mark.parametrize(("text", "name"), [(CLOCKS, "datetime.datetime.now"), (CHANCES, "random")])
@pytest.mark.parametrize("package", ["agent", "central", "common"])
def test_a_core_that_reads_a_clock_or_rolls_dice_is_refused_and_a_shell_is_not(
    copy: Path, package: str, text: str, name: str
) -> None:
    core, shell = copy / package / "core/dice.py", copy / package / "dice.py"
    for path in (core, shell):
        path.write_text(text, "utf-8")
    said = run(copy, "ruff", "check", "--no-cache", "--select", "TID251", str(core), str(shell))
    for path in (core, shell):
        path.unlink()
    assert f"`{name}` is banned" in said
    assert str(shell.relative_to(copy)) not in said.replace(str(core.relative_to(copy)), "")
