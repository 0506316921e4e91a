"""The units' CPU weights where no systemd starts them: control groups of the same weights, inside the one that measures.

Both kinds of the kernel's groups are known: version 2 (`cpu.weight`, 1 to 10,000, 100 by default) and version 1 (`cpu.shares`,
1,024 by default), of which a share is a weight of the same ratio (systemd.resource-control(5), CPUWeight=).
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.units import FOLDER

_V2 = "cpu.weight"
_ROOTS = {Path("/sys/fs/cgroup/cpu"): "cpu.shares", Path("/sys/fs/cgroup"): _V2}


class Group:
    """One control group; `weight` as the unit's CPUWeight has it."""

    def __init__(self, path: Path) -> None:
        self._procs = path / "cgroup.procs"

    def take(self, pid: int) -> None:
        """Move a process with all its threads."""
        self._procs.write_text(str(pid))

    @property
    def before(self) -> tuple[str, ...]:
        """The command that starts another one in this group."""
        return ("sh", "-c", f'echo $$ > {self._procs}; exec "$@"', "sh")


@contextmanager
def groups(*units: str) -> Iterator[list[Group]]:
    """A group for each unit, gone at the end, and last the one that this process is in. Raises OSError where it may make none."""
    root, file = next((root, file) for root, file in _ROOTS.items() if file == _V2 or (root / file).exists())
    own = root / _own(file)
    made: list[Path] = []
    try:
        for unit in units:
            path = own / f"mingcha-{os.getpid()}-{Path(unit).stem}"
            path.mkdir()
            made.append(path)
            (path / file).write_text(str(weight(unit) if file == _V2 else weight(unit) * 1024 // 100))
        yield [Group(path) for path in (*made, own)]
    finally:
        for path in made:
            _remove(path)


def weight(unit: str) -> int:
    """-> the CPUWeight of a unit of ours. Raises LookupError where it has none."""
    found = re.search(r"^CPUWeight=(\d+)$", (FOLDER / unit).read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise LookupError(f"{unit}: no CPUWeight")
    return int(found[1])


def _own(file: str) -> str:
    """-> where this process stands, below the groups' root."""
    wanted = "" if file == _V2 else "cpu"
    lines = (text.split(":", 2) for text in Path("/proc/self/cgroup").read_text().splitlines())
    return next((place.strip("/") for _, names, place in lines if wanted in names.split(",")), "")


def _remove(path: Path) -> None:
    for _ in range(50):  # its last process may still be ending
        try:
            path.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
