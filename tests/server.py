"""One server process of a test: its own folder, its own loopback port, stopped by process id."""

import fcntl
import functools
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO

from tests.forked import Forked

HOST = "127.0.0.1"
START_SECS = 60.0
FIRST_PORT, BLOCKS, BLOCK_PORTS = 15_000, 30, 500
_held: list[TextIO] = []
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


class Server:
    """One server on one port, its files in `folder`."""

    account: ClassVar[str]
    """Whom the server runs as when the tests run as root."""
    ending: ClassVar[int] = signal.SIGTERM
    """The signal on which it ends soonest and leaves nothing outside its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | Forked | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        """True once the server does its work, not only holds its port."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns when the server answers; nothing happens if it runs. Raises RuntimeError with its last words."""
        if self._process is not None:
            return
        with (self.folder / "server.log").open("ab") as log:
            self._process = self.begun(log)
        end = time.monotonic() + START_SECS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > end:
                words = (self.folder / "server.log").read_text("utf-8", "replace")[-2000:]
                self.kill()
                raise RuntimeError(f"{type(self).__name__} did not start:\n{words}")
            time.sleep(0.02)

    def begun(self, log: BinaryIO) -> subprocess.Popen[bytes] | Forked:
        """The process, just started, with its words in `log`."""
        return subprocess.Popen(self.command(), stdout=log, stderr=log, **self._as_account())

    def stop(self) -> None:
        """Its data is not needed any more: let it tidy up; one that does not is killed."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.ending)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the server and its children."""
        if self._process is None:
            return
        family = self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None
        while any(_lives(pid) for pid in family):
            time.sleep(0.01)

    def freeze(self) -> None:
        """It holds its connections and answers nothing, like a machine that hangs. Waits until it does: the signal stops a process
        only when its turn comes, and on a busy machine it may answer once more before.
        """
        family = self._signal(signal.SIGSTOP)
        until = time.monotonic() + START_SECS
        while not all(_stands_still(pid) for pid in family):
            if time.monotonic() > until:
                self.thaw()
                raise RuntimeError(f"{type(self).__name__} did not stand still")
            time.sleep(0.005)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def has_ended(self) -> bool:
        """It was started, and is gone though nobody stopped it."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    def _signal(self, number: int) -> list[int]:
        """-> whom it was sent to: nobody if the server has ended."""
        if self._process is None or self._process.poll() is not None:
            return []
        family = _family(self._process.pid)
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return family

    def prepare(self, command: Sequence[str]) -> None:
        """Run `command` to its end under the server's account."""
        done = subprocess.run(command, capture_output=True, check=False, **self._as_account())
        if done.returncode:
            words = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command[0]} failed:\n{words}")

    def hand_over(self, *paths: Path) -> None:
        """Give files to the server's account; nothing to do unless we are root."""
        if os.geteuid() == 0:
            for path in paths:
                shutil.chown(path, self.account, pwd.getpwnam(self.account).pw_gid)

    def _as_account(self) -> dict[str, Any]:
        frame: dict[str, Any] = {"cwd": self.folder, "stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self.account)
            frame |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return frame


def free_port() -> int:
    """A port below the range from which the system takes ports for outgoing connections: it stays free while
    a server is down, and no client that calls it meanwhile can meet itself. No other test process is given the same.
    """
    first, ports = _own_ports()
    while True:
        port = first + next(ports)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


@functools.cache
def _own_ports() -> tuple[int, Iterator[int]]:
    """-> (first, places behind it in turn) of a block that is this process's as long as it lives."""
    folder = Path(tempfile.gettempdir()) / f"mingcha-ports-{os.geteuid()}"
    folder.mkdir(exist_ok=True)
    for block in random.sample(range(BLOCKS), BLOCKS):
        file = (folder / str(block)).open("a")
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held.append(file)
            return FIRST_PORT + block * BLOCK_PORTS, itertools.cycle(range(BLOCK_PORTS))
        file.close()
    raise RuntimeError(f"{BLOCKS} processes of tests run beside each other: no block of ports is left")


def program(name: str, package: str, path: str = _PATH) -> str:
    """Where a server's program is. Raises RuntimeError that names the package to install."""
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install {package}")
    return found


def _family(pid: int) -> list[int]:
    """`pid` and its descendants."""
    found = [pid]
    for member in found:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def _lives(pid: int) -> bool:
    """A process that ended may stay listed until its new parent has looked."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _stands_still(pid: int) -> bool:
    """Every thread of it, or it has ended."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            if thread.read_text().rpartition(")")[2].split()[0] not in "TtZX":
                return False
    return True
