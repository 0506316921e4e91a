"""A bare box becomes its site by the one command exactly as printed: under real systemd, with no route out."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.install.lab import Box, Lab
from tests.journey.scene import SQLITE_MAPPING, Office

pytestmark = pytest.mark.service

MOST_EXPOSED = 1.1
OURS = (
    "/etc/mingcha",
    "/etc/systemd/system",
    "/opt/mingcha",
    "/usr/lib/sysusers.d",
    "/usr/local/bin",
    "/var/lib/mingcha-pki",
)


def printed(said: str, program: str = "curl") -> str:
    """The command in what `site add` printed."""
    found = re.search(rf"^.*?(?:  )({program} .*MC_TOKEN=\S+ sh)$", said, re.MULTILINE)
    assert found, said
    return found[1]


def acknowledged(lab: Lab, site: str) -> set[str]:
    """Case numbers that the hall has committed."""
    with closing(sqlite3.connect(f"{(lab.home / 'data' / 'central.db').as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute('SELECT case_no FROM "case" WHERE site = ?', (site,))
        return {row[0] for row in rows}


def state(box: Box) -> str:
    """Every file, link and mode of ours, when it changed last, and which process runs."""
    listing = f"find {' '.join(OURS)} -printf '%p %l %m %u %g %T@ %C@\\n' | sort"
    return box.must(f"{listing}; systemctl show -p MainPID,ActiveEnterTimestamp mingcha-agent")


def test_one_command_brings_up_a_bare_box_that_reads_its_source(lab: Lab, bare: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(SQLITE_MAPPING.replace('"spxt.db"', '"/srv/office/spxt.db"'), "utf-8")
    said = lab.mingcha("site", "add", "青云街道便民服务中心", "--kind", "street", "--mapping", mapping)
    box = lab.box("s01", bare)
    box.on()
    assert "python" not in box.sh("ls /usr/bin /usr/lib")[1]
    place = box.root / "srv/office"
    place.mkdir(parents=True)
    office = Office(place)

    out = box.must(printed(said))
    assert "令牌已作废" in out
    assert "✓ 一切正常" in out, out
    assert "本机是站点 s01（青云街道便民服务中心）的第 1 代" in out

    assert (
        box.must("systemctl is-active mingcha-agent; systemctl is-enabled mingcha-agent")
        == "active\nenabled\n"
    )
    assert "在线" in lab.mingcha("site", "list")
    box.until(lambda: acknowledged(lab, "s01") == {row[1] for row in office.rows() if row[0] == "case"})

    exposure = box.must("systemd-analyze security mingcha-agent --no-pager")
    found = re.search(r"exposure level for \S+ (\d+\.\d)", exposure)
    assert found
    assert float(found[1]) <= MOST_EXPOSED
    box.must("systemd-analyze verify --man=no /etc/systemd/system/mingcha-agent.service")

    # the same command again, and without its token: nothing is touched, nothing is started anew
    before = state(box)
    assert "本来就完好，没有改动" in box.must(printed(said))
    assert "本来就完好，没有改动" in box.must(re.sub(r"MC_TOKEN=\S+ ", "", printed(said)))
    assert state(box) == before

    box.off()
    box.on()
    latest = office.receive()
    box.until(lambda: latest in acknowledged(lab, "s01"))
    assert "mc1." not in box.must(
        "journalctl -b --no-pager; cat /etc/mingcha/* /var/lib/mingcha-pki/*.toml 2>/dev/null || true"
    )
