"""`mingcha central init` and `mingcha site …` as commands: a hall from nothing; run again, what is sound is left alone."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert

from central import config as centrals
from central.door import config as doors
from central.store import tables as t
from central.store.engine import open_store
from common.cli import code_of
from common.clock import Clock
from common.core import message
from common.core.instant import DAY, MINUTE, SECOND
from common.core.message import Heartbeat
from provisioning import pki, settings, sites
from provisioning.__main__ import hall as hall_cli
from tests.keyed import keyed


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file but the database's own, which opening touches."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file() and "central.db" not in path.name
    }


class Hall:
    """The hall whose files are in `folder`, as its command line."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd

    def run(self, *args: str) -> tuple[int, str]:
        """-> exit code and what was said."""
        self._capfd.readouterr()
        code = code_of(hall_cli, [*args, "--config", str(self.folder / "central.toml")], "mingcha")
        said = self._capfd.readouterr()
        return code, said.out + said.err

    def init(self, *args: str) -> tuple[int, str]:
        return self.run(
            "central", "init", "--data", str(self.folder / "data"), "--medium", str(self.folder), *args
        )

    def site(self, *args: str) -> tuple[int, str]:
        return self.run("site", *args)


@pytest.fixture
def hall(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Hall:
    return Hall(tmp_path, capfd)


def test_a_hall_is_made_once_mended_where_it_lacks_something_and_else_left_alone(
    hall: Hall, tmp_path: Path
) -> None:
    code, out = hall.init()
    assert code == 78
    assert "mingcha central init --host" in out
    code, out = hall.init("--host", "10.1.0.5", "--host", "hall.local")
    assert code == 0
    assert "一次性密码：" in out
    assert "没有站点安装包" in out
    before = snapshot(tmp_path)
    assert {"ca/root.pem", "wire.key", "broker/mosquitto.conf", "broker/acl", "enroll/server.pem"} <= set(
        before
    )
    assert all(
        mode & 0o077 == 0
        for name, (_, mode) in before.items()
        if name.endswith((".key", "root.pem", "server.pem"))
    )

    code, out = hall.init()
    assert (code, snapshot(tmp_path)) == (0, before)
    assert "一次性密码" not in out

    (tmp_path / "enroll" / "server.pem").unlink()
    (tmp_path / "broker" / "acl").unlink()
    assert (hall.init())[0] == 0
    after = snapshot(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"enroll/server.pem", "broker/acl"}

    code, out = hall.init("--host", "10.9.9.9")
    assert code == 78
    assert "10.1.0.5" in out


def test_a_command_that_was_refused_leaves_nothing_that_the_right_one_would_have_to_live_with(
    hall: Hall, tmp_path: Path
) -> None:
    right = ("--host", "10.1.0.5", "--mqtt-port", "2883")
    for code, args in ((78, ()), (78, ("--host", "10.1.0.5:8443")), (64, (*right, "--port", "70000"))):
        found, out = hall.run("central", "init", *args)
        assert found == code, out
        assert snapshot(tmp_path) == {}
    assert hall.init(*right)[0] == 0
    assert "port = 2883" in (tmp_path / "central.toml").read_text("utf-8")
    assert f'data_dir = "{tmp_path / "data"}"' in (tmp_path / "central.toml").read_text("utf-8")


def test_the_address_is_asked_of_whoever_sits_at_a_terminal(tmp_path: Path) -> None:
    screen, keys = pty.openpty()
    place = ["--config", str(tmp_path / "central.toml"), "--data", str(tmp_path / "data"), "--medium", "none"]
    command = [sys.executable, "-m", "provisioning", "hall", "central", "init", *place]
    os.write(screen, b"10.1.0.5 hall.local\n")
    done = subprocess.run(command, stdin=keys, capture_output=True, text=True, check=False)
    os.close(screen)
    os.close(keys)
    assert done.returncode == 0, done.stderr
    assert "站点用哪个地址访问市中心" in done.stdout
    assert 'hosts = ["10.1.0.5", "hall.local"]' in (tmp_path / "enroll.toml").read_text()


def test_the_roots_key_leaves_for_two_disks_of_their_own_or_stays(
    hall: Hall, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert "mingcha central root" in hall.init("--host", "10.1.0.5")[1]
    key = tmp_path / "ca/root.pem"
    raw, same = key.read_bytes(), tmp_path_factory.mktemp("usb")
    shm = Path("/dev/shm")  # another disk
    for folders, code, says in (
        ((shm,), 64, "至少要写到 2 个"),
        ((shm, same), 64, "与本机的磁盘是同一块盘"),
        ((shm, shm), 64, "与 /dev/shm 是同一块盘"),
        ((shm, tmp_path / "none"), 64, "没有目录"),
    ):
        found, out = hall.run("central", "root", *map(str, folders))
        assert (found, says in out, "处理：" in out) == (code, True, True), out
        assert key.read_bytes() == raw
    key.write_bytes(pki.new_node_key())
    assert "不是本市中心的根密钥" in hall.run("central", "root", str(shm), str(same))[1]
    key.unlink()
    assert hall.run("central", "root", str(shm), str(same)) == (0, "✓ 根密钥不在本机\n")
    assert "mingcha central root" not in hall.init()[1]


def test_the_public_door_is_wired_once_on_both_sides_and_then_left_alone(hall: Hall, tmp_path: Path) -> None:
    """Its tests are `test_door.py`; under systemd `tests/install/test_hall.py`; with a role of its own `test_backup.py`."""
    hall.init("--host", "10.1.0.5")
    assert hall.init("--public", "https://spxt.example.gov.cn")[0] == 78
    assert not (tmp_path / "door.toml").exists()
    code, out = hall.init("--public", "spxt.example.gov.cn", "--public", "12345.example.gov.cn")
    assert code == 0, out
    assert "只转发 /p/" in out
    door, central = doors.load(tmp_path / "door.toml"), centrals.load(tmp_path / "central.toml")
    assert door.hosts == ["spxt.example.gov.cn", "12345.example.gov.cn"]
    assert central.public.enabled
    assert door.folder == central.public.folder == tmp_path / "data/public"
    before = snapshot(tmp_path)
    assert hall.init("--public", "spxt.example.gov.cn", "--public", "12345.example.gov.cn")[0] == 0
    assert hall.init()[0] == 0
    assert snapshot(tmp_path) == before
    code, out = hall.init("--public", "other.example.gov.cn")
    assert (code, "里的域名不同" in out) == (78, True)


def test_sites_come_are_listed_get_a_new_command_and_go(hall: Hall) -> None:
    code, out = hall.site("add", "青云街道", "--kind", "street")
    assert code == 78
    assert "mingcha central init" in out
    assert (hall.init("--host", "10.1.0.5"))[0] == 0
    enrol = (hall.folder / "enroll.toml").rename(hall.folder / "away")
    code, out = hall.site("list")
    assert (code, "mingcha central init" in out) == (78, True), "it is made, not written by hand"
    enrol.rename(hall.folder / "enroll.toml")
    assert hall.run("release", "import", str(hall.folder / "ca"))[0] == 64  # a folder without a release
    code, out = hall.site("list")
    assert (code, out) == (0, "✓ 还没有站点；新增：mingcha site add 名称 --kind street\n")

    code, out = hall.site("add", "青云街道", "--kind", "street")
    assert code == 0
    assert "https://10.1.0.5:8443/i | MC_TOKEN=mc1.s01." in out
    assert "wget -qO- --no-check-certificate --pinnedpubkey 'sha256//" in out
    assert "没有站点安装包" in out, "the command would be refused at the site, an hour's drive away"
    for name in ("", "   ", " 青云", "青云\n街道", "青\x1b云", "云" * 61):
        code, out = hall.site("add", name, "--kind", "street")
        assert (code, "不能用作站点名称" in out) == (64, True), out
    assert "还没有登记过机器" in hall.site("revoke", "s01", "--why", "被盗")[1]
    code, again = hall.site("add", "青云街道", "--kind", "street")
    assert code == 64
    assert "mingcha site reissue s01" in again
    assert (hall.site("add", "红桥镇", "--kind", "township"))[1].count("mc1.s02.") == 3
    assert (hall.site("add", "天宁", "--kind", "branch", "--id", "Hall!"))[0] == 78

    code, out = hall.site("list", "--json")
    found = json.loads(out)
    assert [(row["id"], row["state"]) for row in found] == [("s01", "等待登记"), ("s02", "等待登记")]
    code, out = hall.site("reissue", "s01")
    assert code == 0
    assert "mc1.s01." in out
    assert (hall.site("retire", "s02", "--why", "撤并"))[0] == 0
    assert "已停用" in (hall.site("show", "s02"))[1]
    code, out = hall.site("reissue", "s02")
    assert code == 64
    assert "已停用" in out
    code, out = hall.site("show", "s09")
    assert code == 64
    assert "没有站点 s09\n  处理：站点：s01、s02" in out


def test_who_waits_in_vain_is_told_how_far_it_came(hall: Hall, capfd: pytest.CaptureFixture[str]) -> None:
    hall.init("--host", "10.1.0.5")
    hall.site("add", "青云街道", "--kind", "street")
    assert sites.wait(settings.load(hall.folder / "central.toml"), "s01", 0.0) == 75
    out = capfd.readouterr().out
    assert ("还没有登记" in out, "mingcha site show s01" in out) == (True, True), out


def test_the_list_says_of_a_box_that_was_heard_what_the_page_says(hall: Hall) -> None:
    """Version, days of its certificate, backlog and its last doctor."""
    hall.init("--host", "10.1.0.5")
    hall.site("add", "青云街道", "--kind", "street")
    now = Clock().wall()
    asyncio.run(heard(hall.folder / "data" / "central.db", now))
    code, out = hall.site("list")
    assert code == 1, "its certificate ends soon"
    for said in (
        "s01\t青云街道\t在线",
        "第 2 代",
        "证书还有 5 天",
        "版本 0.0.9",
        "积压 1,234 条，落后 ",
        "升级第 1 批 已升级 1.2-b",
        "部分故障",
    ):
        assert said in out, out
    assert "命令：mingcha site reissue s01" in hall.site("show", "s01")[1]
    (row,) = json.loads(hall.site("list", "--json")[1])
    assert (row["certificate_days"], row["version"], row["backlog"]) == (5, "0.0.9", 1234)
    assert row["doctor"] == {"at_wall": now, "verdict": "degraded"}
    assert (row["upgrade"]["wave"], row["upgrade"]["standing"]) == (1, "done")
    assert row["commands"] == ["mingcha doctor --site s01", "mingcha site reissue s01"]


async def heard(database: Path, now: int) -> None:
    """What enrolment and a box have written."""
    beat = Heartbeat(
        connection="c", epoch=b"e" * 8, newest=9, upto=0, rows=1234, bytes=1, oldest_unsent_age_s=60.0,
        capture_ok_age_s=1.0, source_fault="", quarantined=0, ack_rtt_ms=None, disk_percent=1.0, state="catchup",
        at_wall=now, version="0.0.9",
    )  # fmt: skip
    status = {"site": "s01", "online": True, "connection": "c", "since_wall": now, "heard_wall": now}
    status |= {"receipt_wall": now, "behind_wall": now - 60 * SECOND, "heartbeat": message.encode(beat)}
    box = {"site": "s01", "generation": 2}
    command: dict[str, object] = {
        "id": "c1",
        "site": "s01",
        "act": "doctor",
        "args": "{}",
        "subject": "",
        "who": "王工",
        "why": "例行",
    }
    command |= {"issued_wall": now, "expires_wall": now, "ended_wall": now, "outcome": "done"}
    store = await open_store(keyed(database))
    try:
        async with store.write() as conn:
            await conn.execute(
                insert(t.box).values(**box, sign_key=b"s" * 32, state="active", created_wall=now)
            )
            ends = now + 5 * DAY + MINUTE
            leaf = {"serial": "a1", "key": b"k", "issued_wall": now, "ends_wall": ends}
            await conn.execute(insert(t.certificate).values(**box, **leaf))
            await conn.execute(insert(t.site_status).values(**status))
            await conn.execute(insert(t.command).values(**command, detail="degraded 有 1 个问题\n[]"))
            order = {"id": "r1", "release": "1.2-b", "wait": 0, "who": "王工", "why": "", "created_wall": now}
            await conn.execute(insert(t.rollout).values(**order, state="finished", halted_why=""))
            place = {"rollout": "r1", "site": "s01", "wave": 0, "release": "1.2-b", "arch": "x86_64"}
            told = {"job": b"", "standing": "done", "why": "", "said": "", "ended_wall": now}
            await conn.execute(insert(t.upgrade).values(**place, **told))
    finally:
        await store.close()
