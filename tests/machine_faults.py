"""Faults of the machine and of the installed release, struck on copies: see `doctor_faults.py`.

The machine's own files cannot be changed, so the doctor is run in a mount namespace that shows others in their place.
"""

import asyncio
import base64
import hashlib
import os
import shutil
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from agent.buffer_checks import SLOW_MS
from common.clock import Clock
from common.core.instant import DAY, SECOND
from provisioning.files import put_link
from tests.doctor_faults import away, own, reading, served
from tests.doctoring import Stage, fault
from tests.journey.scene import Place, until
from tests.server import HOST

ROOT = Path(__file__).parents[1]
Struck = AsyncIterator[None]
_PACKAGES = Path("python/usr/lib/python3/dist-packages")


def shown(stage: Stage, name: str, place: str, files: dict[str, str]) -> None:
    """The doctor sees these files in `place`."""
    folder = stage.folder / name
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    stage.prefix = ("unshare", "--mount", "sh", "-c", f'mount --bind {folder} {place}; exec "$@"', "sh")


@fault("采集程序因内存不足被结束", "E-SYS-05", sampled=True)
async def out_of_memory(stage: Stage) -> Struck:
    of_ours = Path(f"/proc/{stage.place.agent.pid}/cgroup").read_text().splitlines()
    group = next(line for line in of_ours if line.startswith("0::")).removeprefix("0::/")
    said = {"memory.max": "805306368\n", "memory.current": "1000\n", "memory.events": "oom 2\noom_kill 2\n"}
    shown(
        stage,
        "groups",
        "/sys/fs/cgroup",
        {f"{group}/{name}".lstrip("/"): text for name, text in said.items()},
    )
    yield


@fault("机器过热", "E-SYS-06")
async def too_hot(stage: Stage) -> Struck:
    shown(stage, "thermal", "/sys/class", {"thermal/thermal_zone0/temp": "97000\n"})
    yield


@fault("操作系统太旧", "E-SYS-08")
async def old_system(stage: Stage) -> Struck:
    program = stage.folder / "old/systemctl"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\necho 'systemd 241 (241)'\n")
    program.chmod(0o755)
    stage.env = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    yield


@fault("大的数据包过不去", "E-NET-06", sampled=True)
async def small_packets_alone(stage: Stage) -> Struck:
    """Who takes no more than a few hundred bytes looks from here like a line that drops full packets."""
    context = served(stage, [HOST], Clock().wall(), own(stage))
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        door.bind((HOST, 0))
        door.listen()
        threading.Thread(target=_deaf, args=(door, context), daemon=True).start()
        port = door.getsockname()[1]
        with reading(stage.place.agent.config, f"port = {stage.place.broker.port}", f"port = {port}"):
            yield
        door.shutdown(socket.SHUT_RDWR)


def _deaf(door: socket.socket, context: ssl.SSLContext) -> None:
    """Shakes hands with everybody, and then hears nothing."""
    with ExitStack() as kept:
        while True:
            try:
                line, _ = door.accept()
            except OSError:
                return
            with suppress(OSError):
                kept.enter_context(context.wrap_socket(line, server_side=True))


@contextmanager
def installed(stage: Stage) -> Iterator[Path]:
    """The doctor is run from a release as it is installed. -> its tree."""
    root = stage.folder / "opt"
    tree = root / "releases/1.1-b"
    packages = tree / _PACKAGES
    for package in ("agent", "common"):
        shutil.copytree(ROOT / package, packages / package, ignore=shutil.ignore_patterns("__pycache__"))
    files = [path for path in tree.rglob("*") if path.is_file()]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    (tree / "SHA256SUMS").write_text("".join(sums))
    for name in ("current", "trusted"):
        put_link(root / name, tree)
    stage.env = {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    yield tree
    shutil.rmtree(root)


@fault("程序文件被改动", "E-SYS-03", sampled=True)
async def changed(stage: Stage) -> Struck:
    with installed(stage) as tree, (tree / _PACKAGES / "agent/probe.py").open("a") as file:
        file.write("\n")
        file.flush()
        yield


@fault("程序文件少了", "E-SYS-03")
async def lost(stage: Stage) -> Struck:
    with installed(stage) as tree:
        (tree / _PACKAGES / "agent/DESIGN.md").unlink()
        yield


@fault("新版试运行没有结束", "E-UPG-01")
async def on_trial(stage: Stage) -> Struck:
    with installed(stage) as tree:
        put_link(tree.parents[1] / "trusted", tree.with_name("1.0-a"))
        yield


@fault("升级没有通过、退回了", "E-UPG-02", sampled=True)
async def rolled_back(stage: Stage) -> Struck:
    with installed(stage) as tree:
        (tree.parents[1] / "rolled-back").write_text("1.2-c 已自动退回：启动后没有动静\n", "utf-8")
        yield


@fault("上一个版本被人删了", "E-UPG-03")
async def nothing_before(stage: Stage) -> Struck:
    with installed(stage) as tree:
        put_link(tree.parents[1] / "previous", tree.with_name("1.0-a"))
        yield


@fault("落后于市中心的版本", "E-UPG-04", sampled=True)
async def left_behind(stage: Stage) -> Struck:
    with installed(stage) as tree:
        note = tree.parents[1] / "newest"
        note.write_text("1.2-c\n", "utf-8")
        then = (Clock().wall() - 20 * DAY) / SECOND
        os.utime(note, (then, then))
        yield


@fault("安全芯片不见了", "E-ID-08", sampled=True)
async def chip_gone(stage: Stage) -> Struck:
    """The master key is sealed by a TPM (creds-util.h, CRED_AES256_GCM_BY_TPM2_HMAC), and this machine has none."""
    key = stage.folder / "master.key"
    cred = key.with_name("master.key.cred")
    with away(key):
        cred.write_bytes(base64.b64encode(bytes.fromhex("0c7cc07b11764591 9c4b0bea08bc20fe") + bytes(200)))
        yield
        cred.unlink()


@fault("磁盘写得太慢", "E-BUF-04")
async def slow_disk(stage: Stage) -> Struck:
    """The kernel's answer to each flush of the agent's comes late."""
    place, agent = stage.place, stage.place.agent
    slow = "inject=fdatasync,fsync:delay_enter=900000"
    command = ["strace", "-qq", "-f", "-p", str(agent.pid), "-e", "trace=fdatasync,fsync", "-e", slow]
    tracer = await asyncio.create_subprocess_exec(*command, "-o", "/dev/null")
    await until("commits take long", lambda: _received(place, lambda ms: ms > SLOW_MS))
    yield
    tracer.terminate()
    await tracer.wait()
    await until("commits are quick again", lambda: _received(place, lambda ms: ms < SLOW_MS / 2))
    await place.settled()


async def _received(place: Place, is_so: Callable[[float], bool]) -> bool:
    place.office.receive()
    await asyncio.sleep(1)
    said = place.agent.status()
    return said is not None and is_so(said.commit_ms)
