"""The RTSP camera of `rtsp_server.py` as a process."""

import os
import subprocess
from pathlib import Path

from tests.camera.onvif_device import PASSWORD, USER

PYTHON = "/usr/bin/python3"
"""The system's: GStreamer's bindings are in no virtual environment."""


class RtspServer:
    def __init__(self, clip: Path, port: int = 0, sound: str = "g711", fps: int = 10) -> None:
        """`port`: 0 for any that is free."""
        server = str(Path(__file__).with_name("rtsp_server.py"))
        command = [PYTHON, server, str(clip), USER, PASSWORD, str(port), str(fps), sound]
        pipe = subprocess.PIPE
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)
        self.port = int(self._line())

    def say(self, order: str) -> None:
        assert self._process.stdin is not None
        print(order, file=self._process.stdin, flush=True)
        assert self._line() == "ok"

    def began(self) -> float:
        """Wall time at which the newest connection was sent its first frame."""
        assert self._process.stdin is not None
        print("when", file=self._process.stdin, flush=True)
        said = float(self._line())
        assert self._line() == "ok"
        return said

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()
