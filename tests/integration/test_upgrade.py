"""Releases go to boxes through the real door: bad ones are refused or rolled back, the buffer stays, the hall hears why.

The good release is the real agent; the bad ones are small programs in its place. The service manager is one of tests; the
same upgrader runs under real systemd in `tests/install`.
"""

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent.status import Status
from central.store import tables as t
from central.store.engine import open_store
from common import process
from common.clock import Clock
from common.core import crypto
from common.core.errors import RejectedError, UsageError
from provisioning import escrow, halls, moving, pki, releases, rollouts, safekeeping, settings, upgrade
from provisioning.core.messages import Identity
from provisioning.files import put_link, write_file
from provisioning.upgrade import Places, Upgrader
from tests.integration.doors import Door, Machine, opened, serving
from tests.journey.scene import SQLITE_MAPPING, Office
from tests.releasing import FOREIGN, SECRET, SPARE, carried, packed
from tests.server import HOST
from tests.supervisor import Supervisor

ROOT = Path(__file__).parents[2]
REAL = f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m agent "$@"\n'
READY = "import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ['NOTIFY_SOCKET']); s.send(b'READY=1'); "


def program(python: str) -> dict[str, bytes]:
    """A release whose configuration check passes, and whose `run` does that."""
    text = f'#!/bin/sh\n[ "$1" = run ] || exit 0\nexec {sys.executable} -c "{python}"\n'
    return {"bin/mingcha-agent": text.encode()}


class Bench:
    """A hall with its door open, and one box with the real agent on release 1.0-a."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door = door
        self.hall = door.hall
        self.folder = folder
        self.places = Places(folder / "opt", folder / "upgrade", folder / "pki", folder / "agent.toml")
        self.office = Office(folder / "office")

    async def prepare(self) -> None:
        machine = Machine()
        said: Identity = await self.door.ask(machine.request())
        files = {
            "node.pem": pki.key_pem(machine.key) + said.chain.encode(),
            "sign.key": machine.sign,
            "digest.key": said.digest_key,
            "master.key": bytes(32),
            "hall-sign.pub": said.hall_sign,
            "ca.pem": self.door.ca.read_bytes(),
            "hall": self.hall.address.encode(),
            escrow.KEY: said.escrow_key,
        }
        for name, data in files.items():
            write_file(self.places.pki / name, data)
        mapping = SQLITE_MAPPING.replace('"spxt.db"', f'"{self.folder}/office/spxt.db"')
        write_file(self.folder / "mapping.toml", mapping.encode())
        here = self.places.pki
        write_file(
            self.places.config,
            f'site = "s01"\ngeneration = 1\ndata_dir = "{self.folder}/data"\nmapping = "{self.folder}/mapping.toml"\n[identity]\n'
            f'sign_key = "{here}/sign.key"\nmaster_key = "{here}/master.key"\ndigest_key = "{here}/digest.key"\n'
            f'hall_sign = "{here}/hall-sign.pub"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n'
            f'ca = "{here}/ca.pem"\nnode = "{here}/node.pem"\n'.encode(),
        )
        tree = self.places.tree("1.0-a")
        write_file(tree / "bin/mingcha-agent", REAL.encode(), 0o755)
        for name in ("current", "trusted"):
            put_link(self.places.root / name, tree)
        both = [crypto.sign_public(secret) for secret in (SECRET, SPARE)]
        self.release("1.1-b", {"bin/mingcha-agent": REAL.encode(), "new": b"1"}, keys=both)
        write_file(here / "release.pub", releases.key(self.hall))

    def release(self, name: str, files: dict[str, bytes], **signed: Any) -> None:
        """Into the hall; `signed`: what the manifest says else than the truth."""
        archive, sums = packed(files)
        carried(self.hall, archive, name, sums, **signed)

    def status(self) -> Status | None:
        return process.read(self.folder / "data/status.json", Status, Clock().wall())

    async def order(self, name: str) -> None:
        await asyncio.to_thread(rollouts.order, self.hall, name, (), (), 0.0, "试验")

    async def turn(self, service: Supervisor, gate_secs: float = 0.5) -> None:
        await asyncio.to_thread(Upgrader(self.places, service, gate_secs).run)

    async def row(self) -> Any:
        """The box in the newest rollout, and its state."""
        store = await open_store(self.hall.database_url)
        try:
            async with store.read() as conn:
                newest = select(t.rollout).order_by(t.rollout.c.created_wall.desc()).limit(1)
                rollout = (await conn.execute(newest)).one()
                mine = select(t.upgrade).where(t.upgrade.c.rollout == rollout.id)
                return (await conn.execute(mine)).one(), rollout.state
        finally:
            await store.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path / "hall", Clock().wall()) as door:
        (tmp_path / "box/office").mkdir(parents=True)
        made = Bench(door, tmp_path / "box")
        await made.prepare()
        yield made


@pytest.fixture
def service(bench: Bench) -> Iterator[Supervisor]:
    command = [str(bench.places.current / "bin/mingcha-agent"), "run", "--config", str(bench.places.config)]
    with Supervisor(bench.folder, command, {}) as made:
        assert made.restart() == "", made.said()
        yield made


REFUSED: list[tuple[str, dict[str, Any], dict[str, bytes], str]] = [
    ("foreign key", {"secret": FOREIGN}, program(""), "签名不对"),
    ("another architecture", {}, {"bin/mingcha-agent": b"\x7fELF\2\1\1" + bytes(60)}, "运行不了"),
    ("cannot read the configuration", {}, {"bin/mingcha-agent": b"#!/bin/sh\nexit 78\n"}, "读不了本机的配置"),
    ("older", {}, program(""), "比本机的"),
    ("buffer two formats on", {"number": 3}, program(""), "中间的版本"),
]
ROLLED_BACK = [
    ("crash at the start", program("raise SystemExit(1)"), "退出码 1"),
    ("never ready", program("import time; time.sleep(60)"), "没有就绪"),
    ("crash once it is ready", program(READY + "time.sleep(0.1); raise SystemExit(3)"), "停止或重启"),
    ("killed for its memory", program(READY + "time.sleep(0.1); os.kill(os.getpid(), 9)"), "停止或重启"),
    ("hangs once it is ready", program(READY + "time.sleep(60)"), "没有动静"),
]


async def test_good_and_bad_releases_one_after_the_other(bench: Bench, service: Supervisor) -> None:
    """P-REL-02."""
    epoch = (await settled(bench)).epoch
    await bench.turn(service)  # nothing is ordered
    assert not bench.places.marker.exists()

    for number, (_, signed, files, says) in enumerate(REFUSED):
        name = f"0.9-{number}" if says == "比本机的" else f"1.0.{number}-r"
        bench.release(name, files, **signed)
        if "secret" in signed:  # what a hall would not import: a taken hall hands it out all the same
            manifest = bench.hall.bundles / f"{name}-{platform.machine()}{releases.SUFFIX}"
            kept = manifest.read_bytes()
            manifest.unlink()
            bench.release(name, files)
            await bench.order(name)
            offer = await offered_with(bench, kept)
            await asyncio.to_thread(Upgrader(bench.places, service)._begin, offer)
        else:
            await bench.order(name)
        await bench.turn(service)
        row, state = await bench.row()
        assert (row.standing, state) == ("refused", "halted"), row
        assert says in row.why
        await nothing_changed(bench, service, starts=1)

    service._start_secs = 1.5
    for number, (_, files, says) in enumerate(ROLLED_BACK):
        bench.release(f"1.0.{number}-x", files)
        await bench.order(f"1.0.{number}-x")
        await bench.turn(service)
        row, state = await bench.row()
        assert (row.standing, says in row.why) == ("rolled_back", True), row.why
        assert row.said
        assert f"1.0.{number}-x 已自动退回：" in bench.places.note.read_text("utf-8")
        assert not bench.places.tree(f"1.0.{number}-x").exists()
        service._start_secs = 20.0
        assert service.restart() == ""
        service._start_secs = 1.5
        await nothing_changed(bench, service)

    # after all that the buffer is the same one, and a good release comes through
    latest = bench.office.receive()
    assert latest
    service._start_secs = 20.0
    await bench.order("1.1-b")
    await bench.turn(service, gate_secs=4.0)
    row, state = await bench.row()
    assert row.standing == "done", row.why
    assert bench.places.current.resolve().name == bench.places.trusted.resolve().name == "1.1-b"
    assert bench.places.tree("1.0-a").exists()
    assert (bench.places.root / "previous").readlink().name == "1.0-a"
    assert not bench.places.note.exists()
    key = (bench.places.pki / "release.pub").read_bytes()
    assert key == crypto.sign_public(SECRET) + crypto.sign_public(SPARE)
    now = await settled(bench)
    assert now.epoch == epoch
    await bench.turn(service)
    assert (await bench.row())[1] == "finished"
    assert releases.installed_anew(bench.hall, platform.machine()).release == "1.1-b"  # type: ignore[union-attr]
    await bench.turn(service)
    assert (bench.places.root / "newest").read_text() == "1.1-b\n"

    await asyncio.to_thread(upgrade.go_back, bench.places, service)
    assert bench.places.current.resolve().name == "1.0-a"
    assert (bench.places.root / "previous").readlink().name == "1.1-b"
    assert (await settled(bench)).epoch == epoch


async def test_the_master_key_is_in_the_halls_keeping_and_a_person_takes_it_out(
    bench: Bench, service: Supervisor, tmp_path: Path
) -> None:
    """P-REL-05."""
    ask = Upgrader(bench.places, service)._ask
    await asyncio.to_thread(ask)
    await asyncio.to_thread(ask)
    (bench.places.pki / "escrowed").unlink()  # the answer was lost
    await asyncio.to_thread(ask)
    rows = await escrowed(bench)
    assert [(row.site, row.generation, row.key) for row in rows] == [("s01", 1, crypto.key_id(bytes(32)))]
    assert bytes(32) not in rows[0].sealed

    (bench.places.pki / "master.key").write_bytes(b"2" * 32)  # changed by `mingcha-agent key`
    await asyncio.to_thread(ask)
    assert len(await escrowed(bench)) == 2
    out = tmp_path / "master"
    await asyncio.to_thread(safekeeping.take_out, bench.hall, "s01", out, "换了主板")
    assert (out.read_bytes(), out.stat().st_mode & 0o777) == (b"2" * 32, 0o600)
    for place, site, says in ((out, "s01", "写不了"), (tmp_path / "b", "s09", "没有站点 s09 托管")):
        with pytest.raises(UsageError, match=says):
            await asyncio.to_thread(safekeeping.take_out, bench.hall, site, place, "试验")
    (bench.hall.folder / "escrow.key").write_bytes(b"3" * 32)
    with pytest.raises(RejectedError, match="打不开"):
        await asyncio.to_thread(safekeeping.take_out, bench.hall, "s01", tmp_path / "c", "试验")
    assert not (tmp_path / "c").exists()


async def escrowed(bench: Bench) -> list[Any]:
    store = await open_store(bench.hall.database_url)
    try:
        async with store.read() as conn:
            return list(await conn.execute(select(t.escrow).order_by(t.escrow.c.at_wall)))
    finally:
        await store.close()


async def test_a_damaged_archive_and_a_full_disk(bench: Bench, service: Supervisor) -> None:
    bench.release("1.0.1-c", {**program(""), "big": bytes(20 << 20)})
    archive = bench.hall.bundles / f"mingcha-1.0.1-c-{platform.machine()}.tar.gz"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-20] + bytes(20))
    await bench.order("1.0.1-c")
    await bench.turn(service)
    assert "与签名不符" in (await bench.row())[0].why
    await nothing_changed(bench, service, starts=1)

    archive.write_bytes(whole)
    small = bench.places.root
    shutil.copytree(small, bench.folder / "kept", symlinks=True)
    if os.geteuid() or not await ran("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small):
        pytest.skip("a disk of 8 MB needs root")
    try:
        shutil.copytree(bench.folder / "kept", small, symlinks=True, dirs_exist_ok=True)
        await bench.order("1.0.1-c")
        await bench.turn(service)
        assert "解不开" in (await bench.row())[0].why
        await nothing_changed(bench, service, starts=1)
        assert shutil.disk_usage(small).used < 1 << 20
    finally:
        assert await ran("umount", "-l", small)


class CutError(Exception):
    """The power went."""


@pytest.mark.parametrize("fails", [False, True])
async def test_the_power_goes_before_every_write(
    bench: Bench, service: Supervisor, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Each turn is cut one write later than the one before; in the end it is as if nothing had been."""
    name = "1.0.7-x" if fails else "1.1-b"
    bench.release("1.0.7-x", program("raise SystemExit(1)"))
    left = 0

    def cut(real: Any) -> Any:
        def write(*args: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise CutError
            return real(*args)

        return write

    await bench.order(name)
    monkeypatch.setattr(upgrade, "write_file", cut(write_file))
    monkeypatch.setattr(upgrade, "put_link", cut(put_link))
    cuts = 0
    for cuts in range(30):  # noqa: B007  how many it took
        left = 2
        try:
            await bench.turn(service, gate_secs=3.0 if not fails else 0.1)
        except CutError:
            upgrade_at_boot(bench)
            continue
        break
    assert cuts >= 2
    left = 99
    await bench.turn(service)
    row, _ = await bench.row()
    assert row.standing == ("rolled_back" if fails else "done"), row.why
    assert bench.places.current.resolve() == bench.places.trusted.resolve()
    assert bench.places.current.resolve().name == ("1.0-a" if fails else "1.1-b")
    assert service.standing().is_active


def upgrade_at_boot(bench: Bench) -> None:
    """As the unit does it before the agent; itself cut off for want of writes, it is as if it had not run."""
    try:
        upgrade.at_boot(bench.places)
    except CutError:
        return


async def ran(*command: str | Path) -> bool:
    done = await asyncio.to_thread(subprocess.run, [str(part) for part in command], check=False)
    return done.returncode == 0


async def test_a_hall_that_moves_is_found_at_the_address_it_told_before(
    bench: Bench, service: Supervisor
) -> None:
    """The box asks the old address in vain, gets its answer at the new one, and its agent calls there."""
    new = "127.0.0.2"
    assert await asyncio.to_thread(moving.announce, bench.hall, new, is_there=False)
    pki.prepare_hall(bench.hall.folder, [HOST, new], Clock().wall())
    moved = settings.load(bench.hall.config)
    assert moved.enrol.hosts == [HOST, new]
    async with serving(moved, HOST):
        await bench.turn(service)
        await bench.turn(service)
    assert halls.known(bench.places.pki) == moved.addresses
    async with serving(moved, new):
        began = service.starts
        await bench.turn(service)
        assert service.starts == began + 1
        assert f'[mqtt]\nhost = "{new}"' in bench.places.config.read_text()
        await bench.turn(service)
        assert service.starts == began + 1
    assert halls.known(bench.places.pki) == moved.addresses[::-1]
    await asyncio.to_thread(moving.announce, moved, new, is_there=True)
    assert settings.load(bench.hall.config).enrol.hosts == [new, HOST]


async def settled(bench: Bench) -> Status:
    """When the agent has read its source to the end, by its own word."""
    for _ in range(300):
        found = bench.status()
        if found is not None and found.newest and not found.source_fault:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(bench.status())


async def nothing_changed(bench: Bench, service: Supervisor, starts: int = 0) -> None:
    """The release of before runs; the agent was started so often, where that is said; nothing lies about."""
    assert bench.places.current.resolve().name == "1.0-a"
    assert service.standing().is_active
    assert starts in {0, service.starts}
    assert (
        sorted(path.name for path in (bench.places.root / "releases").iterdir() if path.name[0] == ".") == []
    )
    assert not bench.places.marker.exists()
    assert not bench.places.outcome.exists()


async def offered_with(bench: Bench, manifest: bytes) -> Any:
    """What the door offers, with another manifest in the place of the hall's."""
    from msgspec.structs import replace

    offer = await asyncio.to_thread(Upgrader(bench.places, None)._ask)  # type: ignore[arg-type]
    return replace(offer, manifest=manifest)
