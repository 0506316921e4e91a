"""The units say nothing systemd does not understand, and leave little open."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning import units

FOLDER = units.FOLDER
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
MOST_EXPOSED = {"mingcha-join.service": 2.2, "mingcha-renew.service": 2.3, "mingcha-upgrade.service": 2.2}
"""As root, for they alone write identity and releases; every other unit is at 1.1."""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardened_and_understood(name: str, tmp_path: Path) -> None:
    text = re.sub(
        r"/opt/mingcha(-hall)?/(current|trusted)/bin/(mingcha|python)\S*",
        "/bin/true",
        (FOLDER / name).read_text("utf-8"),
    )
    unit = tmp_path / name
    unit.write_text(text, "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    said = subprocess.run(verify, capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if name in line] == []
    security = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    report = subprocess.run(security, capture_output=True, text=True, check=False).stdout
    found = re.search(r"exposure level for \S+ (\d+\.\d)", report)
    assert found, report[-500:]
    assert float(found[1]) <= MOST_EXPOSED.get(name, 1.1)
