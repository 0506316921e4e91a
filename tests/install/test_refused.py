"""What must not happen, and the sentence that names the remedy."""

import re
from pathlib import Path

import pytest

from tests.install.lab import Lab
from tests.install.site import Site, cases

pytestmark = pytest.mark.service


def test_a_hall_with_another_key_gets_nothing_and_leaves_nothing(lab: Lab, bare: Path) -> None:
    site = Site(lab, "r01")
    box, _ = site.box(bare)
    wrong = re.sub(r"sha256//\S+=", "sha256//" + "A" * 43 + "=", site.command)
    _, out = box.sh(wrong)
    assert "SSL" in out or "pinned" in out
    assert box.sh("ls /opt/mingcha")[0] != 0
    assert site.boxes() == []


def test_a_second_machine_an_old_command_and_a_foreign_one(lab: Lab, warm: str) -> None:
    site, other = Site(lab, "r02"), Site(lab, "r03")
    box, office = site.box(warm)
    stale = site.command
    box.must(site.reissue())

    second, _ = other.box(warm)
    for command, message in ((stale, "令牌已作废"), (site.command, "令牌已被另一台机器")):
        code, out = second.sh(command)
        assert code != 0
        assert message in out
        assert "处理：" in out
        assert second.sh("systemctl is-enabled mingcha-agent")[0] != 0
    assert site.boxes() == [(1, "active")]
    assert other.boxes() == []

    code, out = box.sh(other.command)
    assert code == 64
    assert "这条命令是站点 r03 的，本机已是站点 r02" in out
    assert other.boxes() == []
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())

    # a second machine that is to be the site: the first is told who is it now
    second.must(site.reissue())
    assert site.boxes() == [(1, "draining"), (2, "active")]
    box.until(lambda: "已由" in box.sh("mingcha-agent doctor")[1])

    # and back again: the first machine, under a new generation
    box.must(site.reissue())
    assert site.boxes() == [(1, "draining"), (2, "draining"), (3, "active")]
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())


def test_a_retired_site_is_told_so(lab: Lab, warm: str) -> None:
    site = Site(lab, "r05")
    box, office = site.box(warm)
    box.must(site.command)
    lab.mingcha("site", "retire", "r05", "--why", "撤并")
    assert site.boxes() == [(1, "retired")]
    office.receive()  # it is told when it sends something
    box.until(lambda: "停用" in box.sh("mingcha-agent doctor")[1])


def test_a_revoked_box_is_out_at_once_and_may_come_back_as_another(lab: Lab, warm: str) -> None:
    """The others are not disturbed; its renewal is refused; reissued, it is the next generation."""
    site = Site(lab, "r04")
    box, office = site.box(warm)
    box.must(site.command)
    box.until(lambda: site.acknowledged() == cases(office))
    before = site.acknowledged()
    lab.mingcha("site", "revoke", "r04", "--why", "被盗")
    assert site.boxes() == [(1, "revoked")]
    late = office.receive()
    box.until(lambda: "吊销" in box.sh("mingcha-agent doctor")[1])
    assert site.acknowledged() == before
    assert "已被市中心吊销" in box.sh("mingcha-agent renew --now")[1]
    assert "已被市中心吊销" in box.sh("mingcha-agent upgrade")[1]
    box.must(site.reissue())
    assert site.boxes() == [(1, "revoked"), (2, "active")]
    box.until(lambda: late in site.acknowledged())


def test_without_root_or_token_it_says_what_is_missing(lab: Lab, warm: str) -> None:
    site = Site(lab, "r06")
    box, _ = site.box(warm)
    code, out = box.sh(site.command.removesuffix("sh") + "setpriv --reuid=65534 --clear-groups sh")
    assert code == 77
    assert "没有 root 权限" in out
    code, out = box.sh(re.sub(r"MC_TOKEN=\S+ ", "", site.command))
    assert code == 64
    assert "缺少令牌" in out
    code, out = box.sh(re.sub(r"MC_TOKEN=\S+ ", "MC_TOKEN=mc1.r06.x ", site.command))
    assert code == 64
    assert "令牌写得不对" in out


def test_the_service_may_not_do_what_it_need_not(lab: Lab, warm: str) -> None:
    """Probes inside the unit's own sandbox (provisioning.md 3.4)."""
    site = Site(lab, "r07")
    box, _ = site.box(warm)
    box.must(site.command)
    probe = "/opt/mingcha/current/bin/python -c"
    box.must(
        "sed -e 's/^ExecStart=.*/ExecStart=PROBE/; s/^Type=.*/Type=oneshot/; /^Restart/d; /^Watchdog/d'"
        " /etc/systemd/system/mingcha-agent.service > /etc/systemd/system/probe.service"
    )
    denied = {
        "write /etc": "open('/etc/x', 'w')",
        "write /opt": "open('/opt/mingcha/x', 'w')",
        "raw socket": "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "packet socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "another namespace": "import ctypes, os; l = ctypes.CDLL(None, use_errno=True); assert l.unshare(0x10000000) == 0",
        "the host key": "open('/var/lib/systemd/credential.secret', 'rb')",
        "the sealed key": "open('/etc/mingcha/creds/master.key.cred', 'rb')",
        "the identity": "open('/var/lib/mingcha-pki/node.pem', 'w')",
        "other processes": "import os; assert len([p for p in os.listdir('/proc') if p.isdigit()]) > 1",
    }
    allowed = {
        "its state": "open('/var/lib/mingcha/x', 'w')",
        "its identity": "open('/var/lib/mingcha-pki/node.pem')",
        "a connection": "import socket; socket.create_connection(('10.97.0.1', 8883), 5)",
    }
    for name, code in {**denied, **allowed}.items():
        box.must(
            f'sed -i "s#^ExecStart=.*#ExecStart={probe} \\"{code}\\"#" /etc/systemd/system/probe.service'
        )
        box.must("systemctl daemon-reload; systemctl reset-failed probe 2>/dev/null || true")
        failed = box.sh("systemctl start probe.service")[0] != 0
        assert failed == (name in denied), (name, box.sh("journalctl -u probe -n 12 -o cat --no-pager")[1])
