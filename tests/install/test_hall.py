"""A hall comes up by one command on a bare machine without a network, is mended by it, and outlives a power cut."""

import re
from pathlib import Path

import pytest

from provisioning.units import HALL_UNITS
from tests.install.lab import Box, Lab
from tests.install.site import Site, cases

pytestmark = pytest.mark.service

MOST_EXPOSED = 1.1
OURS = "/etc/mingcha /etc/systemd/system /opt/mingcha-hall /usr/lib/sysusers.d /usr/local/bin"


def state(hall: Box) -> str:
    """Every file, link and mode of ours, when it changed last, and which processes run."""
    listing = f"find {OURS} -not -name 'acl*' -printf '%p %l %m %u %g %T@\\n' | sort"
    return hall.must(f"{listing}; systemctl show -p MainPID {' '.join(HALL_UNITS)}")


def test_one_command_brings_up_a_hall_that_serves_a_box(lab: Lab, bare: Path) -> None:
    hall = lab.hall
    assert "python3" not in hall.sh("ls /usr/bin")[1]
    assert hall.must(f"systemctl is-active {' '.join(HALL_UNITS)}").split() == ["active"] * 3
    assert hall.must(f"systemctl is-enabled {' '.join(HALL_UNITS)}").split() == ["enabled"] * 3
    for unit in HALL_UNITS:
        found = re.search(
            r"exposure level for \S+ (\d+\.\d)", hall.must(f"systemd-analyze security {unit} --no-pager")
        )
        assert found
        assert float(found[1]) <= MOST_EXPOSED, unit
        hall.must(f"systemd-analyze verify --man=no /etc/systemd/system/{unit}")
    assert "入库、判定、页面都在进行" in hall.sh("mingcha doctor")[1]

    site = Site(lab, "h01")
    box, office = site.box(bare)
    box.must(site.command)
    box.until(lambda: site.acknowledged() == cases(office))

    # the same command again: nothing is touched, nothing is started anew
    before = state(hall)
    said = lab.install()
    assert "＋" not in said, said
    assert state(hall) == before

    # mended: a damaged release, a lost unit, the broker's permissions, wrong owners
    tree = hall.must("readlink /opt/mingcha-hall/current").strip()
    hall.must(f"echo 'import nothing' > {tree}/python/usr/lib/python3/dist-packages/central/app.py")
    hall.must(
        "rm /etc/systemd/system/mingcha-enroll.service /etc/mingcha/broker/acl; systemctl daemon-reload"
    )
    hall.must("chown root /var/lib/mingcha-central; chmod 600 /etc/mingcha/wire.key")
    assert "解开" in lab.install()
    hall.must(f"cd {tree} && sha256sum --status -c SHA256SUMS")
    assert hall.must(f"systemctl is-active {' '.join(HALL_UNITS)}").split() == ["active"] * 3
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())

    # the lights go out
    hall.cut()
    hall.on()
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())
