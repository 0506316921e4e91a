"""A box's life: its first receipt, a source's password, the next certificate, another board, the end. Under real systemd."""

import asyncio

import pytest
from cryptography import x509

from central.store.engine import within
from common.address import with_key
from common.clock import Clock
from common.core.instant import DAY
from provisioning import pki, registry
from provisioning.core.identity import Box as Identity
from tests.install.lab import Box, Lab

pytestmark = pytest.mark.service

MAPPING = """
version = 1
[source]
type = "mysql"
host = "10.97.0.1"
database = "spxt"
user = "mc_ro"
password_file = "spxt_ro"
[table.case]
from = "a"
key = ["b"]
columns = {case_no = "b"}
"""


def serial(box: Box) -> str:
    read = (
        "from cryptography import x509; "
        "print(x509.load_pem_x509_certificates(open('/var/lib/mingcha-pki/node.pem', 'rb').read())[0].serial_number)"
    )
    return box.must(f'/opt/mingcha/current/bin/python -c "{read}"').strip()


def dark_for(days: int, lab: Lab, box: Box, site: str) -> None:
    """The box holds the certificate that it got so long ago; the hall has it as the newest."""
    node, now = box.root / "var/lib/mingcha-pki/node.pem", Clock().wall()
    key, ca = pki.read_key(node), pki.load_ca(lab.config / "ca")
    owner = Identity(site, 1)
    chain = pki.issue(ca, pki.box_subject(owner), key.public_key(), now - days * DAY)
    leaf = registry.Leaf(owner, f"{x509.load_pem_x509_certificates(chain)[0].serial_number:x}", b"", now, now)
    node.write_bytes(pki.key_pem(key) + chain)
    url = with_key(f"sqlite+aiosqlite:///{lab.database}", lab.config / "data.key")
    asyncio.run(within(url, lambda conn: registry.add_leaf(conn, leaf)))


def test_from_the_first_receipt_to_the_end(lab: Lab, warm: str) -> None:
    """The hall waits for it; then a password, the next certificate, another board, and the uninstallation."""
    mapping = lab.hall.root / "root/l01.toml"
    mapping.write_text(MAPPING, "utf-8")
    kind = ("--kind", "township", "--id", "l01", "--mapping", "/root/l01.toml")
    with lab.speaking("site", "add", "红桥镇", *kind, "--wait") as hall:
        assert hall.stdout is not None
        command = next(line.strip() for line in hall.stdout if "MC_TOKEN" in line)
        box = lab.box("l01", warm)
        box.on()
        assert "mingcha-agent secret spxt_ro" in box.must(command)
        said = hall.stdout.read()
    assert hall.returncode == 0
    assert "已登记（第 1 代，x86_64，Debian GNU/Linux 12 (bookworm)）" in said
    assert "首条回执" in said

    # the password: from the terminal or a pipe, sealed, handed to the service, opened for root's doctor
    assert "读不到数据源密码" in box.sh("mingcha-agent doctor --only 数据源")[1]
    box.must("printf 'Bao-Mi-2026\\n' | mingcha-agent secret spxt_ro")
    assert "读不到数据源密码" not in box.sh("mingcha-agent doctor --only 数据源")[1]
    assert box.sh("grep -r Bao-Mi /etc/mingcha")[0] == 1
    assert "spxt_ro" in box.must("ls /run/credentials/mingcha-agent.service")
    assert box.must("systemctl is-active mingcha-agent") == "active\n"

    # renewal, by the unit as it is installed: too early by both clocks, then a year late
    before = serial(box)
    box.must("systemctl start mingcha-renew.service")
    assert "还不到续期的时候" in box.must("mingcha-agent renew && mingcha-agent renew --now")
    assert serial(box) == before
    assert "active" in box.must("systemctl is-active mingcha-renew.timer")
    dark_for(400, lab, box, "l01")
    box.must("systemctl start mingcha-renew.service")
    assert serial(box) != before
    assert box.must("stat -c '%U %G %a' /var/lib/mingcha-pki/node.pem") == "root mingcha 640\n"
    box.must("systemctl restart mingcha-agent")
    box.until(lambda: box.status().get("phase") == "steady")
    assert "没有改动" in box.must(command)

    another_board(lab, box)
    assert "实时" in box.must("mingcha-agent status")

    # the end, and its other half: the buffer goes only when it is said
    assert "缓存留在" in box.must("cd / && mingcha-agent uninstall")
    assert box.sh("systemctl cat mingcha-agent")[0] != 0
    box.must("ls /var/lib/mingcha/buffer.db /etc/mingcha/creds/master.key.cred")
    away = command.removesuffix(" sh") + " sh -s -- --uninstall --purge"
    assert "缓存与密钥已删除" in box.must(away)
    assert "缓存与密钥已删除" in box.must(away)
    left = box.must("find / -xdev -name '*mingcha*' -not -path '/proc/*' -not -path '/run/*' | sort")
    assert set(left.split()) <= {"/var/lib/systemd/timers/stamp-mingcha-renew.timer"}


def another_board(lab: Lab, box: Box) -> None:
    """What systemd had sealed opens no more; the hall kept the master key, and the buffer is the same one."""
    epoch = box.status()["epoch"]
    box.must("mingcha-agent upgrade")
    lab.mingcha("site", "escrow", box.name, "-o", "/root/escrowed", "--why", "换了主板")
    assert "取出托管的主密钥" in lab.mingcha("audit", "list")
    box.must("systemctl stop mingcha-agent; rm /var/lib/systemd/credential.secret")
    assert box.sh("systemctl start mingcha-agent")[0] != 0
    assert "E-ID-07" in box.sh("mingcha-agent doctor")[1]
    (box.root / "root/escrowed").write_bytes((lab.hall.root / "root/escrowed").read_bytes())
    box.must(
        "systemd-creds encrypt --name=master.key /root/escrowed /etc/mingcha/creds/master.key.cred"
        " && printf 'Bao-Mi-2026\\n' | mingcha-agent secret spxt_ro"
    )
    box.until(lambda: box.status().get("phase") == "steady")
    assert box.status()["epoch"] == epoch
    assert "E-ID-" not in box.sh("mingcha-agent doctor")[1]
