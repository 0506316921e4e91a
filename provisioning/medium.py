"""The medium from which halls make bundles: wheels and Debian packages, fetched where there is a network.

`python -m provisioning medium DIR`. The versions are those of this installation, which the lock file fixes; the
packages are Debian 12's.
"""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from common.core.errors import UnavailableError
from provisioning.bundle import ARCHITECTURES, PYTHON

EXTRAS = {"agent", "mysql", "postgresql", "oracle", "folder"}
"""What every box has. Drivers under the LGPL or of a vendor are parts of their own."""
PACKAGES = (
    f"{PYTHON}-minimal",
    f"lib{PYTHON}-minimal",
    f"lib{PYTHON}-stdlib",
    "libexpat1",
    "zlib1g",
    "libssl3",
    "libsqlite3-0",
    "libffi8",
    "libbz2-1.0",
    "liblzma5",
    "libuuid1",
)


def fetch(folder: Path, arch: str) -> None:
    """Fetch what is missing in `folder`. Raises UnavailableError with the tool's last words."""
    wheels, debs = folder / "wheels", folder / "debs"
    for place in (wheels, debs):
        place.mkdir(parents=True, exist_ok=True)
    platforms = [
        f"--platform=manylinux_2_28_{arch}",
        f"--platform=manylinux2014_{arch}",
        f"--platform=manylinux_2_17_{arch}",
    ]
    wanted = [f"{name}=={metadata.version(name)}" for name in sorted(_needed(EXTRAS) - {"mingcha"})]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary=:all:",
        "--python-version=3.11",
    ]
    _run([*pip, *platforms, "-d", str(wheels), *wanted], folder)
    missing = [name for name in PACKAGES if not any(debs.glob(f"{name}_*_{ARCHITECTURES[arch]}.deb"))]
    if missing:
        _run(["apt-get", "download", *(f"{name}:{ARCHITECTURES[arch]}" for name in missing)], debs)


def _needed(extras: set[str]) -> set[str]:
    """Every distribution that `mingcha[extras]` brings here, followed to the end."""
    found: set[str] = set()
    waiting = ["mingcha"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        for line in metadata.requires(name) or []:
            requirement, _, marker = line.partition(";")
            extra = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
            if extra and (name != "mingcha" or extra[1] not in extras):
                continue
            child = re.match(r"[\w.-]+", requirement.strip())
            assert child
            key = child[0].lower().replace("_", "-")
            if key not in found and _is_installed(key):
                waiting.append(key)
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise UnavailableError(
            f"取不到安装介质：{' '.join(said)}", hint="请检查网络与软件源后重试，已取到的不再取"
        )
