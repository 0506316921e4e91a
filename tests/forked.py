"""Our own programs as processes that are forked off one which has imported them: to import the hall costs a test ten times what it asks.

Each is a process of its own, with its own files, folder and environment, and ends as any other. What must be told to a fresh
interpreter (a preloaded library, another encoding) is executed, and so is everything outside of pytest: `make soak`, `make bench`.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

LOADED = (
    "agent.__main__",
    "agent.app",
    "agent.doctor",
    "agent.source.sqlite",
    "aiosqlite",
    "asyncpg",
    "central.__main__",
    "central.app",
    "central.doctor",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)
"""What the programs import while they start. `agent.__main__` first: whoever imports click before it has it in English."""
_FRESH = {"LD_PRELOAD", "PYTHONIOENCODING", "FAKETIME"}
"""Of an environment: only a new interpreter or a new program heeds them."""
_WORD = struct.Struct("i")
_lock = threading.Lock()
_server: list[socket.socket] = []
_is_allowed = False


def allow() -> None:
    """From now on programs are forked."""
    global _is_allowed  # noqa: PLW0603
    _is_allowed = True


def can(env: Mapping[str, str]) -> bool:
    """Whether a program with this in its environment, beside ours, is forked."""
    return _is_allowed and not _FRESH & env.keys()


class Forked:
    """As much of `subprocess.Popen` as tests use."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid: int = _WORD.unpack(told.recv(_WORD.size))[0]
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """-> exit code, a signal as its negative. Raises subprocess.TimeoutExpired."""
        with _lock:
            if self.returncode is not None:
                return self.returncode
        if not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked program", timeout or 0)
        with _lock:
            if self.returncode is None:
                said = self._told.recv(_WORD.size)
                self.returncode = _WORD.unpack(said)[0] if said else -signal.SIGKILL
                self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], out: int, err: int) -> Forked:
    """`argv` begins with the name of a console script, or with `-m` and a module. `env`: all of its environment."""
    told, theirs = socket.socketpair()
    with theirs:
        words = json.dumps({"argv": list(argv), "cwd": str(cwd), "env": dict(env)}).encode()
        socket.send_fds(_reach(), [words], [theirs.fileno(), out, err])
    return Forked(told)


def _reach() -> socket.socket:
    with _lock:
        if not _server:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                here = str(Path(__file__).parents[1])
                forker = subprocess.Popen(
                    [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    cwd=here,
                    env=os.environ | {"PYTHONPATH": here},
                )
            _server.append(ours)
            atexit.register(_end, ours, forker)
        return _server[0]


def _end(ours: socket.socket, forker: subprocess.Popen[bytes]) -> None:
    """Nobody asks any more: it ends."""
    ours.close()
    forker.wait()


# the process that forks ---------------------------------------------------------------------------------------


def serve(asked: socket.socket) -> Callable[[], object] | None:
    """Fork whatever is asked for, and tell how it ended, until nobody asks any more. -> in a child: what it is to do."""
    waker, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    telling: dict[int, socket.socket] = {}
    while True:
        ready = select.select([asked, waker], [], [])[0]
        if waker in ready:
            waker.recv(4096)
            _tell(telling)
        if asked not in ready:
            continue
        words, files, *_ = socket.recv_fds(asked, 1 << 20, 3)
        if not words:
            return None
        told = socket.socket(fileno=files[0])
        pid = os.fork()
        if not pid:
            for other in (asked, waker, woken, told, *telling.values()):
                other.close()
            return _child(json.loads(words), *files[1:])
        told.send(_WORD.pack(pid))
        telling[pid] = told
        for file in files[1:]:
            os.close(file)


def _tell(telling: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with telling.pop(ended[0]) as told, suppress(BrokenPipeError):
                told.send(_WORD.pack(os.waitstatus_to_exitcode(ended[1])))


def _child(asked: dict[str, Any], out: int, err: int) -> Callable[[], object]:
    """Become as a new process is."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, out, err)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    first, *rest = asked["argv"]
    if first == "-m":
        sys.argv = rest
        sys.modules.pop(f"{rest[0]}.__main__", None)  # it is run anew
        return functools.partial(runpy.run_module, rest[0], run_name="__main__", alter_sys=True)
    sys.argv = [str(Path(sys.executable).with_name(first)), *rest]
    (script,) = entry_points(group="console_scripts", name=first)
    main: Callable[[], object] = script.load()
    return main


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asker:
        for module in LOADED:
            importlib.import_module(module)
        gc.freeze()  # what is here stays shared
        work = serve(asker)
    if work is not None:
        work()
