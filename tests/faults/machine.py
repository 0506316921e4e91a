"""Faults of the machine.

The machine's own files cannot be changed, so the doctor is run in a mount namespace that shows others in their place.
"""

import asyncio
import base64
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from agent.buffer_checks import SLOW_MS
from common.clock import Clock
from tests.doctoring import Stage, fault
from tests.faults.altered import Struck, away, own, reading, served
from tests.journey.scene import Place, until
from tests.server import HOST


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
