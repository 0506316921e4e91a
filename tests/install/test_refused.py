"""What must not happen, and the sentence that names the remedy."""

import pytest

from tests.install.lab import Lab
from tests.install.site import Site, cases

pytestmark = pytest.mark.service


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

    # a second machine that is to be the site: the first is told who is it now, when it sends something
    second.must(site.reissue())
    assert site.boxes() == [(1, "draining"), (2, "active")]
    office.receive()
    box.until(lambda: bool(box.status().get("refused")))
    assert "已由" in box.sh("mingcha-agent doctor")[1]

    # and back again: the first machine, under a new generation
    box.must(site.reissue())
    assert site.boxes() == [(1, "draining"), (2, "draining"), (3, "active")]
    latest = office.receive()
    box.until(lambda: latest in site.acknowledged())


def test_a_revoked_box_may_come_back_as_another_and_a_retired_site_not(lab: Lab, warm: str) -> None:
    """Out at once, its renewal refused; reissued, it is the next generation. The others are not disturbed."""
    site = Site(lab, "r04")
    box, office = site.box(warm)
    box.must(site.command)
    box.until(lambda: site.acknowledged() == cases(office))
    before = site.acknowledged()
    lab.mingcha("site", "revoke", "r04", "--why", "被盗")
    assert site.boxes() == [(1, "revoked")]
    late = office.receive()
    box.until(lambda: box.status().get("refused") in {"denied", "revoked"})
    assert "吊销" in box.sh("mingcha-agent doctor")[1]
    assert site.acknowledged() == before
    assert "已被市中心吊销" in box.sh("mingcha-agent renew --now")[1]
    assert "已被市中心吊销" in box.sh("mingcha-agent upgrade")[1]
    box.must(site.reissue())
    assert site.boxes() == [(1, "revoked"), (2, "active")]
    box.until(lambda: late in site.acknowledged())

    lab.mingcha("site", "retire", "r04", "--why", "撤并")
    assert site.boxes() == [(1, "revoked"), (2, "retired")]
    office.receive()  # it is told when it sends something
    box.until(lambda: box.status().get("refused") in {"denied", "retired"})
    assert "停用" in box.sh("mingcha-agent doctor")[1]
