"""A hall comes up by one command on a bare machine without a network, is mended by it, and outlives a power cut."""

import re
from pathlib import Path

import pytest

from provisioning.units import DOOR_UNIT, HALL_UNITS
from tests.install.lab import Box, Lab
from tests.install.site import Site, cases
from tests.journey.scene import Office

pytestmark = pytest.mark.service

MOST_EXPOSED = 1.1
UNITS = (*HALL_UNITS, DOOR_UNIT)
NAME = "spxt.example.gov.cn"
PAGE = f"curl -fsS -H 'Host: {NAME}' http://127.0.0.1:8090/p/"
OURS = "/etc/mingcha /etc/systemd/system /opt/mingcha-hall /usr/lib/sysusers.d /usr/local/bin"


def state(hall: Box) -> str:
    """Every file, link and mode of ours, when it changed last, and which processes run."""
    listing = f"find {OURS} -not -name 'acl*' -printf '%p %l %m %u %g %T@\\n' | sort"
    return hall.must(f"{listing}; systemctl show -p MainPID {' '.join(UNITS)}")


def test_a_hall_from_one_command_to_another_machine(lab: Lab, bare: Path, warm: str) -> None:
    """It serves a box, is mended, outlives a power cut, moves. With the public door, which it gets by the same command."""
    hall = lab.hall
    assert "python3" not in hall.sh("ls /usr/bin")[1]
    assert hall.must(f"systemctl is-active {' '.join(HALL_UNITS)}").split() == ["active"] * 3
    assert "mingcha-door" in lab.install("--public", NAME)
    assert hall.must(f"systemctl is-active {' '.join(UNITS)}").split() == ["active"] * 4
    assert hall.must(f"systemctl is-enabled {' '.join(UNITS)}").split() == ["enabled"] * 4
    assert "中心.公众网页  127.0.0.1:8090" in hall.sh("mingcha doctor -v")[1]
    assert "查进度" in hall.must(PAGE)
    assert hall.must("stat -c '%U %G %a' /etc/mingcha/door.toml") == "root mingcha-door 640\n"
    for file in ("/var/lib/mingcha-central/central.db", "/etc/mingcha/wire.key"):
        assert hall.sh(f"setpriv --reuid=mingcha-door --regid=mingcha-door --init-groups cat {file}")[0] != 0
    for unit in UNITS:
        found = re.search(
            r"exposure level for \S+ (\d+\.\d)", hall.must(f"systemd-analyze security {unit} --no-pager")
        )
        assert found
        assert float(found[1]) <= MOST_EXPOSED, unit
        hall.must(f"systemd-analyze verify --man=no /etc/systemd/system/{unit}")
    assert "入库、判定、页面都在进行" in hall.sh("mingcha doctor")[1]

    # the root's key leaves for two disks; from a stick it comes back when there is to be a new intermediate
    hall.must("mingcha central root /run /dev/shm")
    assert hall.sh("ls /etc/mingcha/ca/root.pem")[0] != 0
    assert hall.must("stat -c '%U %a' /run/mingcha-root.pem /dev/shm/mingcha-root.pem") == "root 600\n" * 2
    assert "根密钥移出本机" in lab.mingcha("audit", "list")
    assert "根密钥不在本机" in hall.must("mingcha central root /run /dev/shm")

    site = Site(lab, "h01")
    box, office = site.box(warm)
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
    assert hall.must(f"systemctl is-active {' '.join(UNITS)}").split() == ["active"] * 4
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())

    # the lights go out
    hall.cut()
    hall.on()
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())
    hall.until(lambda: hall.sh(PAGE)[0] == 0)
    moved(lab, bare, site, box, office)


def moved(lab: Lab, bare: Path, site: Site, box: Box, office: Office) -> None:
    """Its disk is dead; a new machine takes its place, and no box is touched.

    What it took in after the backup is asked for again. For the tests after this one it is the hall.
    """
    hall = lab.hall
    box.until(lambda: site.acknowledged() == cases(office))
    assert "12 个字符" in hall.sh("echo short | mingcha central backup /root/backup")[1]
    assert "读回核对" in hall.must("echo 'a long enough password' | mingcha central backup /root/backup")
    assert "root root 600" in hall.must("stat -c '%U %G %a' /root/backup")
    saved = (hall.root / "root/backup").read_bytes()
    assert b"PRIVATE KEY" not in saved
    assert b"h01" not in saved
    later = office.receive()
    box.until(lambda: later in site.acknowledged())
    before = box.must(
        "systemctl show -p MainPID,ExecMainStartTimestamp mingcha-agent; sha256sum /etc/mingcha/*.toml"
    )

    hall.remove()
    lab.hall = Box(lab, "hall2", 1, bare, binds=(lab.medium,))
    lab.hall.on()
    (lab.hall.root / "root/backup").write_bytes(saved)
    code, said = lab.hall.sh(
        f"echo 'another long password' | sh {lab.medium}/install.sh --restore /root/backup"
    )
    assert (code, "密码不对" in said) == (70, True), said
    assert lab.hall.sh("ls /etc/mingcha/central.toml")[0] != 0
    said = lab.hall.must(f"echo 'a long enough password' | sh {lab.medium}/install.sh --restore /root/backup")
    assert "一次性密码" not in said
    assert lab.hall.must(f"systemctl is-active {' '.join(HALL_UNITS)}").split() == ["active"] * 3
    assert "已是市中心" in lab.hall.sh("echo x | mingcha central restore /root/backup")[1]

    latest = office.receive()
    box.until(lambda: {latest, later} <= site.acknowledged())
    box.until(lambda: site.acknowledged() == cases(office))
    after = box.must(
        "systemctl show -p MainPID,ExecMainStartTimestamp mingcha-agent; sha256sum /etc/mingcha/*.toml"
    )
    assert after == before
