"""RTSP cameras that misbehave on the wire, in threads: each takes every connection, and none ever sends a picture."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Manner = Literal["mute", "hung", "garbage", "endless"]
MANNERS: tuple[Manner, ...] = ("mute", "hung", "garbage", "endless")
"""Nothing is answered; the first question alone; with noise; with a header that never ends."""
_LONGEST = 64 * 1024 * 1024
"""Bytes of what never ends."""


@contextmanager
def running(manner: Manner) -> Iterator[int]:
    """-> its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, manner), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, manner: Manner) -> None:
    with suppress(OSError):
        while True:
            line, _ = server.accept()
            threading.Thread(target=_answer, args=(line, manner), daemon=True).start()


def _answer(line: socket.socket, manner: Manner) -> None:
    with suppress(OSError), line:
        line.settimeout(60)
        asked = line.recv(4096)
        if manner == "hung" and asked:
            line.sendall(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n")
        elif manner == "garbage":
            line.sendall(os.urandom(1 << 20))
        elif manner == "endless":
            line.sendall(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n")
            for _ in range(_LONGEST // 4096):
                line.sendall(b"X-Camera: " + b"a" * 4084 + b"\r\n")
        while line.recv(4096):
            pass
