"""A service manager for one process of tests: notify, watchdog, restart, as systemd does it (`provisioning.upgrade.Service`)."""

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from provisioning.upgrade import Life

START_SECS = 20.0


class Supervisor:
    """Runs `command`, which must say READY=1 within `start_secs`."""

    def __init__(
        self, folder: Path, command: list[str], env: dict[str, str], start_secs: float = START_SECS
    ) -> None:
        self._command = command
        self._start_secs = start_secs
        self._log = folder / "service.log"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._env = {**os.environ, **env, "NOTIFY_SOCKET": str(folder / "notify")}
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._pulses = 0
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()
        self._socket.close()

    def adopt(self, tree: Path) -> None:
        """The command is the same for all."""

    def restart(self) -> str:
        self._stop()
        self._start()
        end = time.monotonic() + self._start_secs
        while time.monotonic() < end:
            self._hear(0.05)
            assert self._process is not None
            if self._ready:
                return ""
            if self._process.poll() is not None:
                return f"退出码 {self._process.returncode}"
        return "没有就绪"

    def standing(self) -> Life:
        """Like systemd, it starts again what has ended."""
        self._hear(0.0)
        is_active = self._process is not None and self._process.poll() is None
        if not is_active:
            self._start()
        return Life(is_active, str(self.starts), str(self._pulses))

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")[-4000:]

    def _start(self) -> None:
        self.starts += 1
        self._ready = False
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._hear(0.0)

    def _hear(self, secs: float) -> None:
        """What came on the notify socket; waits so long for the first."""
        self._socket.settimeout(secs or 0.001)
        try:
            while True:
                said = self._socket.recv(4096)
                self._ready |= b"READY=1" in said
                self._pulses += said.count(b"WATCHDOG=1")
                self._socket.settimeout(0.001)
        except TimeoutError:
            return
