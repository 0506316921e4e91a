"""Releases under real systemd: one that crashes goes back by itself, one that is cut off in its trial is finished, all is told."""

import hashlib
import io
import json
import tarfile
import time

import pytest
from msgspec.structs import replace

from common.core import crypto
from provisioning.core import release
from provisioning.core.release import Manifest
from provisioning.releases import KEY, SUFFIX
from provisioning.units import FOLDER as UNITS
from tests.install import lab as labs
from tests.install.lab import Lab
from tests.install.site import Site, cases

pytestmark = pytest.mark.service

CRASHES = (
    b'#!/bin/sh\n[ "$1" = run ] && exit 1\nexec "$(dirname "$(readlink -f "$0")")/python" -m agent "$@"\n'
)
PACKAGE = "python/usr/lib/python3/dist-packages/provisioning"
NEW_SERVICE = b"[Service]\nType=oneshot\nExecStart=/bin/true\n"
NEW_TIMER = b"[Timer]\nOnBootSec=1h\n[Install]\nWantedBy=timers.target\n"
DIES_READY = (
    b'#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n[ "$1" = run ] || exec "$here/python" -m agent "$@"\n'
    b'exec "$here/python" -c "from common.sdnotify import notify; import time; notify(\'READY=1\'); time.sleep(1); exit(3)"\n'
)


def variant(lab: Lab, files: dict[str, bytes]) -> Manifest:
    """A release like the medium's with other `files`, signed by the same key, on a medium of its own in the hall's /root."""
    place = next((lab.medium / "releases").glob(f"*{SUFFIX}"))
    secret = labs.KEY.read_bytes()
    origin = release.opened(place.read_bytes(), crypto.sign_public(secret))
    raw, sums = io.BytesIO(), {}
    with (
        tarfile.open(place.with_name(origin.file)) as before,
        tarfile.open(fileobj=raw, mode="w:gz", compresslevel=0) as after,
    ):
        for member in before:
            file = before.extractfile(member)
            assert file is not None
            data = files.get(member.name, file.read())
            if member.name == "SHA256SUMS":
                lines = {
                    name: digest for digest, name in (line.split("  ") for line in data.decode().splitlines())
                }
                lines |= {name: hashlib.sha256(new).hexdigest() for name, new in files.items()}
                data = "".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items())).encode()
                sums = {"sums": hashlib.sha256(data).hexdigest()}
            member.size = len(data)
            after.addfile(member, io.BytesIO(data))
        for name in set(files) - set(before.getnames()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(files[name]), 0o644
            after.addfile(info, io.BytesIO(files[name]))
    archive, named = raw.getvalue(), f"{origin.version}-{sums['sums'][:8]}"
    made = replace(
        origin,
        release=named,
        file=f"mingcha-{named}-x86_64.tar.gz",
        sha256=hashlib.sha256(archive).hexdigest(),
        size=len(archive),
        made_wall=origin.made_wall + len(files),
        **sums,
    )
    folder = lab.hall.root / "root" / named
    (folder / "releases").mkdir(parents=True)
    (folder / KEY).write_bytes(crypto.sign_public(secret))
    (folder / "releases" / made.file).write_bytes(archive)
    (folder / "releases" / f"{named}{SUFFIX}").write_bytes(release.sealed(made, secret))
    assert named in lab.mingcha("release", "import", f"/root/{named}")
    return made


def test_bad_releases_go_back_and_a_good_one_survives_a_power_cut_in_its_trial(lab: Lab, warm: str) -> None:
    site = Site(lab, "u01")
    box, office = site.box(warm)
    box.must(site.command)
    box.until(lambda: site.acknowledged() == cases(office))
    first = box.must("readlink -f /opt/mingcha/current").strip()
    assert "没有要升级的" in box.must("mingcha-agent upgrade")

    for files, why in (
        ({"bin/mingcha-agent": CRASHES}, "没有启动"),
        ({"bin/mingcha-agent": DIES_READY}, "停止或重启"),
    ):
        bad = variant(lab, files)
        lab.mingcha("release", "rollout", bad.release, "--canary", "u01", "--hours", "0", "--why", "试验")
        began = time.monotonic()
        assert "已退回" in box.must("mingcha-agent upgrade")
        print(f"rolled back after {time.monotonic() - began:.1f} s")
        assert box.must("readlink -f /opt/mingcha/current").strip() == first
        assert box.must("systemctl is-active mingcha-agent") == "active\n"
        assert box.sh(f"ls /opt/mingcha/releases/{bad.release}")[0] != 0
        code, said = lab.hall.sh("mingcha release list --json")
        told = json.loads(said)
        assert (code, told["rollout"]["state"]) == (2, "halted")
        mine = next(row for row in told["boxes"] if row["site"] == "u01")
        assert (mine["standing"], why in mine["why"], bool(mine["said"])) == ("rolled_back", True, True), mine
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())

    listed = (UNITS / "box-units.txt").read_bytes() + b"mingcha-new.service\nmingcha-new.timer\n"
    added = {"box-units.txt": listed, "mingcha-new.service": NEW_SERVICE, "mingcha-new.timer": NEW_TIMER}
    good = variant(lab, {f"{PACKAGE}/systemd/{name}": text for name, text in added.items()})
    lab.mingcha("release", "rollout", good.release, "--canary", "u01", "--hours", "0", "--why", "试验")
    box.must("systemctl start --no-block mingcha-upgrade.service")
    box.until(lambda: '"tries":1' in box.sh("cat /var/lib/mingcha-upgrade/pending.json")[1])
    box.cut()
    box.on()
    box.must("systemctl start mingcha-upgrade.service")
    assert box.must("readlink -f /opt/mingcha/current").strip() == f"/opt/mingcha/releases/{good.release}"
    assert box.must("readlink -f /opt/mingcha/trusted").strip() == f"/opt/mingcha/releases/{good.release}"
    assert box.sh("ls /var/lib/mingcha-upgrade/pending.json")[0] != 0
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())
    is_there = "systemctl is-active mingcha-new.timer; systemctl is-enabled mingcha-new.timer"
    assert box.must(is_there) == "active\nenabled\n"
    box.must("mingcha-agent upgrade")
    told = json.loads(lab.mingcha("release", "list", "--json"))
    assert next(row["standing"] for row in told["boxes"] if row["site"] == "u01") == "done"

    assert "已退回" in box.must("mingcha-agent rollback")
    assert box.sh("systemctl cat mingcha-new.timer")[0] != 0
    assert box.must("readlink -f /opt/mingcha/current").strip() == first
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())
