"""The demonstration's processes: started, started again when they die, and gone when the launcher is gone."""

import asyncio
import ctypes
import pwd
import signal
import subprocess
from pathlib import Path

import structlog

STOP_SECS = 8.0
AGAIN_SECS = 2.0
_PR_SET_PDEATHSIG = 1
log = structlog.get_logger()


class Children:
    """All processes of one demonstration; logs are files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._ended: set[str] = set()

    async def keep(self, name: str, *command: str, account: str | None = None, is_held: bool = False) -> None:
        """Run `command` for as long as this task lives; one that ends is started again, as systemd would.

        `account`: whom it runs as. One that changed its user by itself would no longer hear of the launcher's end.
        `is_held`: it ends with its input, which is open for as long as the launcher lives.
        """
        while True:
            await self._start(name, command, account, is_held=is_held)
            code = await self._running[name].wait()
            self._ended.add(name)
            log.warning("child.ended", name=name, code=code, log=str(self._folder / f"{name}.log"))
            await asyncio.sleep(AGAIN_SECS)

    async def _start(
        self, name: str, command: tuple[str, ...], account: str | None, *, is_held: bool
    ) -> None:
        group = pwd.getpwnam(account).pw_gid if account else None
        with (self._folder / f"{name}.log").open("ab") as out:
            self._running[name] = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.PIPE if is_held else subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is the launcher's: it stops them in order
                preexec_fn=_die_with_parent,
                user=account,
                group=group,
            )

    async def stop(self) -> None:
        """Ask every process to end, then make it."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        waits = [process.wait() for process in self._running.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*waits), STOP_SECS)
        except TimeoutError:
            for process in self._running.values():
                _signal(process, signal.SIGKILL)

    def last_words(self, lines: int = 5) -> str:
        """The end of the log of everything that has ended by itself; of the hall if nothing has."""
        return "\n".join(self._tail(name, lines) for name in sorted(self._ended) or ["hall"])

    def _tail(self, name: str, lines: int) -> str:
        path = self._folder / f"{name}.log"
        found = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
        return "\n".join([f"{name}：", *found])


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)


def _die_with_parent() -> None:
    """prctl(2): even a launcher that is killed leaves nobody behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
