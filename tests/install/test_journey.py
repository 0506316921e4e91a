"""A bare box becomes its site by the one command exactly as printed: under real systemd, with no route out."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.install.lab import Box, Lab
from tests.install.site import Site, cases

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


def state(box: Box) -> str:
    """Every file, link and mode of ours, when it changed last, and which process runs."""
    listing = f"find {' '.join(OURS)} -printf '%p %l %m %u %g %T@ %C@\\n' | sort"
    return box.must(f"{listing}; systemctl show -p MainPID,ActiveEnterTimestamp mingcha-agent")


def test_one_command_brings_up_a_bare_box_that_reads_its_source(lab: Lab, bare: Path) -> None:
    site = Site(lab, "s01")
    box, office = site.box(bare)
    assert "python" not in box.sh("ls /usr/bin /usr/lib")[1]

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

    exposure = box.must("systemd-analyze security mingcha-agent --no-pager")
    found = re.search(r"exposure level for \S+ (\d+\.\d)", exposure)
    assert found
    assert float(found[1]) <= MOST_EXPOSED
    box.must("systemd-analyze verify --man=no /etc/systemd/system/mingcha-agent.service")

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


def test_what_was_broken_by_hand_is_mended_by_the_same_command(lab: Lab, bare: Path) -> None:
    """Install is repair: a damaged release, a lost unit, wrong modes, a lost certificate; the identity stays.

    On a box that has wget alone.
    """
    site = Site(lab, "s02")
    box, office = site.box(bare)
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
    """It is in no history, and in nobody's list of processes."""
    site = Site(lab, "s05")
    box, _ = site.box(warm)
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
    site = Site(lab, "s07")
    box, office = site.box(bare)
    box.unplug()
    lab.mingcha("site", "bundle", "s07", "-o", "/root/stick7", "--with-token")
    shutil.copytree(lab.hall.root / "root/stick7", box.root / "media/usb")
    command = "sh /media/usb/mingcha/install.sh"
    said = box.must(command)
    assert "线路通了自动登记" in said
    assert "正在本地加密缓存，数据没有丢失" in said
    assert box.must("stat -c '%U %G %a' /var/lib/mingcha-pki/token") == "root mingcha 600\n"
    assert "本来就完好，没有改动" in box.must(command)
    assert site.boxes() == []

    # what was kept outlives the dark, and goes out with what came after
    box.until(lambda: kept(box) >= len(cases(office)))
    before = kept(box)
    box.off()
    box.on()
    office.receive()
    box.until(lambda: kept(box) > before)
    box.plug()
    box.until(lambda: site.acknowledged() == cases(office), 120)
    assert site.boxes() == [(1, "active")]
    assert box.sh("systemctl is-active mingcha-join.timer")[1] == "inactive\n"
    assert box.sh("ls /var/lib/mingcha-pki/token")[0] != 0
    assert box.must("systemctl --failed --no-legend") == ""
    assert "没有改动" in box.must(command)

    # a stick that stayed in the drawer too long: the hall says so, and the doctor what to do
    late = Site(lab, "s08")
    box, office = late.box(warm)
    box.unplug()
    lab.mingcha("site", "bundle", "s08", "-o", "/root/stick8", "--with-token")
    shutil.copytree(lab.hall.root / "root/stick8", box.root / "media/usb")
    box.must(command)
    late.reissue()
    box.plug()
    box.until(lambda: "令牌已作废" in box.sh("mingcha-agent doctor")[1], 90)
    assert "mingcha site reissue" in box.sh("mingcha-agent doctor")[1]
    box.must(late.command)
    box.until(lambda: late.acknowledged() == cases(office))
    assert late.boxes() == [(1, "active")]


def kept(box: Box) -> int:
    """Records that wait on the box."""
    return int(str(of_status(box, "rows") or 0))


def of_status(box: Box, name: str) -> object:
    """What the running agent says of itself; None where it is not running."""
    code, said = box.sh("cat /var/lib/mingcha/status.json")
    return json.loads(said)[name] if code == 0 else None


def test_the_hall_waits_for_the_first_receipt(lab: Lab, warm: str) -> None:
    with lab.speaking("site", "add", "红桥镇", "--kind", "township", "--id", "s06", "--wait") as hall:
        assert hall.stdout is not None
        command = next(line.strip() for line in hall.stdout if "MC_TOKEN" in line)
        box = lab.box("s06", warm)
        box.on()
        box.must(command)
        said = hall.stdout.read()
    assert hall.returncode == 0
    assert "已登记（第 1 代，x86_64，Debian GNU/Linux 12 (bookworm)）" in said
    assert "首条回执" in said

    # another board: what systemd had sealed opens no more; the hall kept the master key, and the buffer is the same one
    epoch = of_status(box, "epoch")
    box.must("mingcha-agent upgrade")
    lab.mingcha("site", "escrow", "s06", "-o", "/root/s06.key", "--why", "换了主板")
    assert "取出托管的主密钥" in lab.mingcha("audit", "list")
    box.must("systemctl stop mingcha-agent; rm /var/lib/systemd/credential.secret")
    assert box.sh("systemctl start mingcha-agent")[0] != 0
    assert "E-ID-07" in box.sh("mingcha-agent doctor")[1]
    key = (lab.hall.root / "root/s06.key").read_bytes()
    (box.root / "root/s06.key").write_bytes(key)
    box.must(
        "systemd-creds encrypt --name=master.key /root/s06.key /etc/mingcha/creds/master.key.cred"
        " && systemctl restart mingcha-agent"
    )
    box.until(lambda: "实时" in box.sh("mingcha-agent status")[1])
    assert of_status(box, "epoch") == epoch
    assert "E-ID-" not in box.sh("mingcha-agent doctor")[1]
