"""A bare box becomes its site by the one command exactly as printed: under real systemd, with no route out."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.install.lab import Box, Lab, side_by_side
from tests.install.site import Site, cases
from tests.journey.scene import Office

pytestmark = pytest.mark.service

MOST_EXPOSED = 1.1
DENIED = {
    "write /etc": "open('/etc/x', 'w')",
    "write /opt": "open('/opt/mingcha/x', 'w')",
    "raw socket": "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "packet socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "another namespace": "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "the host key": "open('/var/lib/systemd/credential.secret', 'rb')",
    "the sealed key": "open('/etc/mingcha/creds/master.key.cred', 'rb')",
    "the identity": "open('/var/lib/mingcha-pki/node.pem', 'w')",
    "other processes": "import os; assert len([p for p in os.listdir('/proc') if p.isdigit()]) > 1",
}
ALLOWED = {
    "its state": "open('/var/lib/mingcha/x', 'w')",
    "its identity": "open('/var/lib/mingcha-pki/node.pem')",
    "a connection": "import socket; socket.create_connection(('10.97.0.1', 8883), 5)",
}
OURS = (
    "/etc/mingcha",
    "/etc/systemd/system",
    "/opt/mingcha",
    "/usr/lib/sysusers.d",
    "/usr/local/bin",
    "/var/lib/mingcha-pki",
)


def state(box: Box) -> str:
    """Every file, link and mode of ours, when it changed last, and which process runs."""
    listing = f"find {' '.join(OURS)} -printf '%p %l %m %u %g %T@ %C@\\n' | sort"
    return box.must(f"{listing}; systemctl show -p MainPID,ActiveEnterTimestamp mingcha-agent")


def test_one_command_brings_up_a_bare_box_that_reads_its_source(lab: Lab, bare: Path) -> None:
    site = Site(lab, "s01")
    box, office = site.box(bare)
    assert "python" not in box.sh("ls /usr/bin /usr/lib")[1]

    # a hall with another key gets nothing, and leaves nothing
    wrong = re.sub(r"sha256//\S+=", "sha256//" + "A" * 43 + "=", site.command)
    _, said = box.sh(wrong)
    assert "SSL" in said or "pinned" in said
    assert box.sh("ls /opt/mingcha /etc/mingcha")[0] != 0
    assert site.boxes() == []

    # what it would do, and nothing of it is done
    dry = site.command.removesuffix(" sh") + " sh -s -- --dry-run"
    assert "什么也没有改动" in box.must(dry)
    assert box.sh("ls /opt/mingcha /etc/mingcha")[0] != 0

    out = box.must(site.command)
    assert "令牌已作废" in out
    assert "✓ 一切正常" in out
    assert "本机是站点 s01（s01便民服务中心）的第 1 代" in out

    assert (
        box.must("systemctl is-active mingcha-agent; systemctl is-enabled mingcha-agent")
        == "active\nenabled\n"
    )
    assert "在线" in lab.mingcha("site", "show", "s01")
    box.until(lambda: site.acknowledged() == cases(office))
    remote = lab.mingcha("doctor", "--site", "s01")
    assert ("一切正常" in remote, "跳过" in remote) == (True, False), remote

    exposure = box.must("systemd-analyze security mingcha-agent --no-pager")
    found = re.search(r"exposure level for \S+ (\d+\.\d)", exposure)
    assert found
    assert float(found[1]) <= MOST_EXPOSED
    box.must("systemd-analyze verify --man=no /etc/systemd/system/mingcha-agent.service")
    assert probed(box) == dict.fromkeys(DENIED, True) | dict.fromkeys(ALLOWED, False)

    # the same command again, and without its token: nothing is touched, nothing is started anew
    box.must("mingcha-agent upgrade")  # as its timer does within minutes; it notes what the hall said
    before = state(box)
    assert "本来就完好，没有改动" in box.must(site.command)
    assert "本来就完好，没有改动" in box.must(re.sub(r"MC_TOKEN=\S+ ", "", site.command))
    assert "没有要做的" in box.must(dry)
    assert state(box) == before

    box.off()
    box.on()
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())
    assert "mc1." not in box.must("journalctl -b --no-pager; cat /etc/mingcha/*.toml")


def probed(box: Box) -> dict[str, bool]:
    """What the service may not do that it need not (provisioning.md 3.4), tried inside the unit's own sandbox: name -> denied."""
    tries, state = json.dumps({**DENIED, **ALLOWED}), box.root / "var/lib/mingcha"
    program = box.root / "opt/mingcha/probe.py"
    program.write_text(
        f"import json\nfound = {{}}\nfor name, code in json.loads({tries!r}).items():\n"
        "    try:\n        exec(code, {})\n        found[name] = False\n"
        "    except Exception:\n        found[name] = True\n"
        "open('/var/lib/mingcha/probed', 'w').write(json.dumps(found))\n"
    )
    box.must(
        "sed -e 's#^ExecStart=.*#ExecStart=/opt/mingcha/current/bin/python /opt/mingcha/probe.py#; s/^Type=.*/Type=oneshot/;"
        " /^Restart/d; /^Watchdog/d' /etc/systemd/system/mingcha-agent.service > /run/systemd/system/probe.service"
        " && systemctl daemon-reload && systemctl start probe.service"
    )
    found = dict(json.loads((state / "probed").read_bytes()))
    for path in (program, state / "probed", state / "x"):
        path.unlink()
    return found


def test_what_was_broken_by_hand_is_mended_by_the_same_command(lab: Lab, warm: str) -> None:
    """Install is repair: a damaged release, a lost unit, wrong modes, a lost certificate; the identity stays.

    On a box that has wget alone.
    """
    site = Site(lab, "s02")
    box, office = site.box(warm)
    box.must("rm $(command -v curl)")
    assert "✓ 一切正常" in box.must(site.with_wget)
    box.until(lambda: site.acknowledged() == cases(office))
    tree = box.must("readlink /opt/mingcha/current").strip()
    box.must(f"echo 'import nothing' > {tree}/python/usr/lib/python3/dist-packages/agent/app.py")
    box.must(
        "rm /etc/systemd/system/mingcha-agent.service; systemctl daemon-reload; chmod 644 /var/lib/mingcha-pki/sign.key"
    )
    out = box.must(site.with_wget)
    assert "取得安装包" in out
    assert "登记" not in out
    box.must(f"cd {tree} && sha256sum --status -c SHA256SUMS")
    assert box.must("stat -c %a /var/lib/mingcha-pki/sign.key") == "640\n"
    assert box.must("systemctl is-active mingcha-agent") == "active\n"

    # Killed while it enabled: the links are there, and systemd has not read them.
    box.must(
        "cd /etc/systemd/system; systemctl stop 'mingcha-*'; list=$(echo *.wants/mingcha-*);"
        " systemctl disable -q mingcha-*; systemctl daemon-reload;"
        " for link in $list; do ln -s ../$(basename $link) $link; done"
    )
    assert "not loaded" in box.sh("systemctl reset-failed mingcha-agent.service")[1]
    box.must(site.with_wget)
    assert box.must("systemctl is-active mingcha-agent") == "active\n"

    box.must("rm /var/lib/mingcha-pki/node.pem")
    code, out = box.sh(site.with_wget)
    assert code != 0
    assert "令牌已被另一台机器（或本机原来的密钥）用过" in out
    assert "mingcha site reissue" in out
    site.reissue()
    box.must(site.with_wget)
    assert site.boxes() == [(1, "draining"), (2, "active")]
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())


def test_a_token_that_is_typed(lab: Lab, warm: str) -> None:
    """It is in no history, and in nobody's list of processes. Before that: without root, without a token, with a wrong one."""
    site = Site(lab, "s05")
    box, _ = site.box(warm)
    without = re.sub(r"MC_TOKEN=\S+ ", "", site.command)
    for command, exit_code, says in (
        (f"{site.command.removesuffix('sh')}setpriv --reuid=65534 --clear-groups sh", 77, "没有 root 权限"),
        (without, 64, "缺少令牌"),
        (site.command.replace("MC_TOKEN=mc1.s05.", "MC_TOKEN=mc1.s05.x"), 64, "令牌写得不对"),
    ):
        code, out = box.sh(command)
        assert (code, says in out, "处理：" in out) == (exit_code, True, True), out
    found = re.search(r"^(.*) \| MC_TOKEN=(\S+) sh$", site.command)
    assert found
    (box.root / "root/ask.sh").write_text(f"{found[1]} | sh -s -- --ask\n")
    box.must(f"printf '{found[2]}\\n' | script -qec 'sh /root/ask.sh' /dev/null")
    assert site.boxes() == [(1, "active")]

    # from a stick, where the line is thin: nothing is fetched but the certificate; its token opens for this machine as it is
    said = lab.mingcha("site", "bundle", "s05", "-o", "/root/stick")
    assert "MC_TOKEN=" in said
    assert lab.hall.sh("ls /root/stick/mingcha/token")[0] != 0
    lab.mingcha("site", "bundle", "s05", "-o", "/root/stick", "--with-token")
    shutil.copytree(lab.hall.root / "root/stick", box.root / "media/usb")
    box.must("rm -rf /opt/mingcha/releases")
    said = box.must("sh /media/usb/mingcha/install.sh")
    assert "从 /media/usb/mingcha 取安装包" in said
    assert "取得安装包" not in said
    assert site.boxes() == [(1, "active")]
    assert box.must("systemctl is-active mingcha-agent") == "active\n"


def test_a_box_without_a_line_collects_from_the_first_minute_and_enrols_when_it_comes(
    lab: Lab, bare: Path, warm: str
) -> None:
    """And one whose stick had stayed in the drawer too long."""
    sites = Site(lab, "s07"), Site(lab, "s08")
    boxes = sites[0].box(bare), sites[1].box(warm)
    for site, (box, _) in zip(sites, boxes, strict=True):
        box.unplug()
        lab.mingcha("site", "bundle", site.name, "-o", f"/root/{site.name}", "--with-token")
        shutil.copytree(lab.hall.root / "root" / site.name, box.root / "media/usb")
    side_by_side(partial(in_time, sites[0], *boxes[0]), partial(too_late, sites[1], *boxes[1]))


def in_time(site: Site, box: Box, office: Office) -> None:
    """What was kept outlives the dark, and goes out with what came after."""
    command = "sh /media/usb/mingcha/install.sh"
    said = box.must(command)
    assert "线路通了自动登记" in said
    assert "正在本地加密缓存，数据没有丢失" in said
    assert box.must("stat -c '%U %G %a' /var/lib/mingcha-pki/token") == "root mingcha 600\n"
    assert "本来就完好，没有改动" in box.must(command)
    assert site.boxes() == []

    box.until(lambda: box.status().get("rows", 0) >= len(cases(office)))
    before = box.status()["rows"]
    box.off()
    box.on()
    office.receive()
    box.until(lambda: box.status().get("rows", 0) > before)
    box.plug()
    box.until(lambda: site.acknowledged() == cases(office))
    assert site.boxes() == [(1, "active")]
    assert box.sh("systemctl is-active mingcha-join.timer")[1] == "inactive\n"
    assert box.sh("ls /var/lib/mingcha-pki/token")[0] != 0
    assert box.must("systemctl --failed --no-legend") == ""
    assert "没有改动" in box.must(command)


def too_late(site: Site, box: Box, office: Office) -> None:
    """The hall says so, and the doctor what to do."""
    box.must("sh /media/usb/mingcha/install.sh")
    site.reissue()
    box.plug()
    box.until((box.root / "var/lib/mingcha-pki/refused").exists)
    said = box.sh("mingcha-agent doctor")[1]
    assert "令牌已作废" in said
    assert "mingcha site reissue" in said
    box.must(site.command)
    box.until(lambda: site.acknowledged() == cases(office))
    assert site.boxes() == [(1, "active")]
