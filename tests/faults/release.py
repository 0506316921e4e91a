"""Faults of the installed release, struck on a copy that the doctor is run from."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.clock import Clock
from common.core.instant import DAY, SECOND
from provisioning.files import put_link
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck

ROOT = Path(__file__).parents[2]
_PACKAGES = Path("python/usr/lib/python3/dist-packages")


@contextmanager
def installed(stage: Stage) -> Iterator[Path]:
    """The doctor is run from a release as it is installed. -> its tree."""
    root = stage.folder / "opt"
    tree = root / "releases/1.1-b"
    packages = tree / _PACKAGES
    for package in ("agent", "common"):
        shutil.copytree(ROOT / package, packages / package, ignore=shutil.ignore_patterns("__pycache__"))
    files = [path for path in tree.rglob("*") if path.is_file()]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    (tree / "SHA256SUMS").write_text("".join(sums))
    for name in ("current", "trusted"):
        put_link(root / name, tree)
    stage.env = {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    yield tree
    shutil.rmtree(root)


@fault("程序文件被改动", "E-SYS-03", sampled=True)
async def changed(stage: Stage) -> Struck:
    with installed(stage) as tree, (tree / _PACKAGES / "agent/probe.py").open("a") as file:
        file.write("\n")
        file.flush()
        yield


@fault("程序文件少了", "E-SYS-03")
async def lost(stage: Stage) -> Struck:
    with installed(stage) as tree:
        (tree / _PACKAGES / "agent/DESIGN.md").unlink()
        yield


@fault("新版试运行没有结束", "E-UPG-01")
async def on_trial(stage: Stage) -> Struck:
    with installed(stage) as tree:
        put_link(tree.parents[1] / "trusted", tree.with_name("1.0-a"))
        yield


@fault("升级没有通过、退回了", "E-UPG-02", sampled=True)
async def rolled_back(stage: Stage) -> Struck:
    with installed(stage) as tree:
        (tree.parents[1] / "rolled-back").write_text("1.2-c 已自动退回：启动后没有动静\n", "utf-8")
        yield


@fault("上一个版本被人删了", "E-UPG-03")
async def nothing_before(stage: Stage) -> Struck:
    with installed(stage) as tree:
        put_link(tree.parents[1] / "previous", tree.with_name("1.0-a"))
        yield


@fault("落后于市中心的版本", "E-UPG-04", sampled=True)
async def left_behind(stage: Stage) -> Struck:
    with installed(stage) as tree:
        note = tree.parents[1] / "newest"
        note.write_text("1.2-c\n", "utf-8")
        then = (Clock().wall() - 20 * DAY) / SECOND
        os.utime(note, (then, then))
        yield
