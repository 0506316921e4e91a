"""A site box works with what `mingcha[agent]` and its database's extra bring, the hall with `mingcha[central]`."""

import re
import subprocess
import sys
from importlib import metadata

import pytest

WATCH = """
import sys
allowed, names = set({allowed!r}), {names!r}
from importlib import metadata
homes = metadata.packages_distributions()
from importlib.machinery import PathFinder
class Only:
    # Finds what is allowed; everything else is as if it were not installed.
    def find_spec(self, name, path=None, target=None):
        owners = homes.get(name.partition('.')[0], [])
        if owners and not any(owner.lower().replace('_', '-') in allowed for owner in owners):
            return None
        return PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Only()
import importlib
for name in names:
    importlib.import_module(name)
"""


def needed(extras: set[str]) -> set[str]:
    """Names of every distribution that `mingcha[extras]` brings, followed to the end."""
    found: set[str] = {"mingcha"}
    waiting = [("mingcha", extras)]
    while waiting:
        name, wanted = waiting.pop()
        for line in metadata.requires(name) or []:
            requirement, _, marker = line.partition(";")
            extra = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
            if extra and extra[1] not in wanted:
                continue
            child = re.match(r"[\w.-]+", requirement.strip())
            assert child
            key = child[0].lower().replace("_", "-")
            if key not in found and _is_installed(key):
                found.add(key)
                waiting.append((key, set(re.findall(r"\[(.*?)\]", requirement))))
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


@pytest.mark.parametrize(
    ("extras", "modules"),
    [
        ({"agent"}, ["agent.__main__", "agent.app", "agent.doctor", "agent.report", "agent.source.sqlite"]),
        ({"agent"}, ["provisioning.__main__", "provisioning.install"]),
        ({"agent", "mysql"}, ["agent.app", "agent.source.mysql"]),
        ({"agent", "postgresql"}, ["agent.app", "agent.source.postgresql"]),
        (
            {"central"},
            ["central.__main__", "central.app", "central.doctor", "provisioning.enroll", "provisioning.hall"],
        ),
        ({"central", "demo"}, ["central.embedded", "provisioning.demo.launch"]),
    ],
)
def test_an_installation_needs_only_its_extras(extras: set[str], modules: list[str]) -> None:
    script = WATCH.format(allowed=sorted(needed(extras)), names=modules)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1500:]


def test_a_box_without_the_driver_of_its_database_is_told_which_to_install() -> None:
    script = WATCH.format(allowed=sorted(needed({"agent"})), names=[]) + (
        "from pathlib import Path\n"
        "from agent.app import adapter\n"
        "from agent.core.mapping import SourceConfig\n"
        "adapter(SourceConfig(type='postgresql', host='h', database='d', user='u', password_file='p'), Path('.'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "没有安装 postgresql 的驱动" in done.stderr


def test_what_another_program_carries_out_is_handed_over_before_the_halls_own_is_loaded() -> None:
    """Each `mingcha site …` would else start two programs whole. `-X importtime` is the first one's alone."""
    command = [sys.executable, "-X", "importtime", "-m", "central.handed"]
    for args, has_loaded in ((["site", "--help"], False), (["user", "--help"], True)):
        done = subprocess.run([*command, *args], capture_output=True, text=True, check=True)
        assert f"用法： mingcha {args[0]}" in done.stdout
        assert ("sqlalchemy" in done.stderr) == has_loaded
