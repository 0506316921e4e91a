"""A serial line of a modem: bytes in the event loop, answers line by line, what comes unasked kept apart.

termios of the standard library is all that a line needs; pyserial would bring a thread for every wait.
"""

import asyncio
import os
import termios
import tty
from collections import deque
from pathlib import Path

from common.core.errors import UnavailableError, words

PROMPT = "> "
_REPORT = "+CDS:"
_LONGEST = 4096
"""More than this without an end of line is no modem."""
_HINT = "请检查短信猫的连线、电源与 [notify.modem] 的端口"


class SerialLine:
    """An open line. Raises UnavailableError where the port cannot be opened."""

    def __init__(self, port: Path, baud: int) -> None:
        try:
            self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise UnavailableError(f"短信猫的端口 {port} 打不开（{words(error)}）", hint=_HINT) from error
        try:
            tty.setraw(self._fd)
            speed = getattr(termios, f"B{baud}")
            flags = termios.tcgetattr(self._fd)
            flags[2] |= termios.CLOCAL | termios.CREAD
            flags[4] = flags[5] = speed
            termios.tcsetattr(self._fd, termios.TCSANOW, flags)
            termios.tcflush(self._fd, termios.TCIOFLUSH)
        except termios.error as error:
            os.close(self._fd)
            raise UnavailableError(f"{port} 不是串口", hint=_HINT) from error
        self.is_broken = False
        self.reports: deque[str] = deque(maxlen=1_000)
        """Status reports, as they came."""
        self._buffer = b""
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._report_follows = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._take)

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def forget(self) -> None:
        """What was answered to an earlier question, however late or often, is no answer to the next one."""
        while not self._answers.empty():
            self._answers.get_nowait()

    async def write(self, text: str) -> None:
        """Raises UnavailableError."""
        rest = text.encode()
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError as error:
                self.is_broken = True
                raise UnavailableError(f"短信猫的线断了（{words(error)}）", hint=_HINT) from error

    async def answer(self) -> str:
        """The next line, or PROMPT. Raises UnavailableError where the line is broken."""
        if self.is_broken and self._answers.empty():
            raise UnavailableError("短信猫的线断了", hint=_HINT)
        found = await self._answers.get()
        if not found:
            raise UnavailableError("短信猫的线断了", hint=_HINT)
        return found

    def _take(self) -> None:
        try:
            read = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            read = b""
        if not read or len(self._buffer) > _LONGEST:
            self.is_broken = True
            self._loop.remove_reader(self._fd)
            self._answers.put_nowait("")
            return
        self._buffer += read
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            self._line(line.decode("ascii", "replace").strip())
        if self._buffer.lstrip().startswith(PROMPT.strip().encode()):
            self._buffer = b""
            self._answers.put_nowait(PROMPT)

    def _line(self, line: str) -> None:
        if not line:
            return
        if self._report_follows:
            self._report_follows = False
            self.reports.append(line)
        elif line.startswith(_REPORT):
            self._report_follows = True
        else:
            self._answers.put_nowait(line)
