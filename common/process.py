"""A process's frame: stop on SIGTERM and SIGINT, tell systemd, leave a status file for the doctor."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import SECOND
from common.sdnotify import notify

STATUS_SECS = 2.0
FRESH_SECS = 15.0
STUCK_SECS = 120.0
_Status = TypeVar("_Status", bound=Struct)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` until it ends or the process is told to stop; a stop is no error."""
    asyncio.run(_until_signal(main))


async def _until_signal(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
    finally:
        notify("STOPPING=1")


async def stoppable(work: Coroutine[Any, Any, None]) -> None:
    """Await `work`, and end as cancelled if we were, even if it ended with an error in that moment.

    A TaskGroup whose member fails forgets that it was cancelled, and leaves its task's count of cancellations wrong
    (Python 3.11): therefore it gets a task of its own, and ours is asked.
    """
    try:
        await asyncio.create_task(work)
    finally:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError


def first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside nested groups: they all say the same when a line or a file is lost."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def report(
    path: Path, status: Callable[[], Awaitable[Struct]], turned_mono: Callable[[], int], clock: Clock
) -> None:
    """Write `status` for the doctor, and feed the watchdog only while the process's loops really turn."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    notify("READY=1")
    while True:
        with suppress(UnavailableError):  # reported by who needs it
            write(path, await status())
        if clock.mono() - turned_mono() < STUCK_SECS * SECOND:
            notify("WATCHDOG=1")
        await asyncio.sleep(STATUS_SECS)


def write(path: Path, status: Struct) -> None:
    """Replace the file whole, or on a full disk write over it: what it says is most wanted then."""
    part, content = path.with_name(path.name + ".part"), msgspec.json.encode(status)
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        with suppress(OSError), path.open("r+b") as file:
            file.write(content)
            file.truncate()


def read(path: Path, kind: type[_Status], now_wall: int) -> _Status | None:
    """The status of a process that is running now; None if it is not."""
    try:
        status = msgspec.json.decode(path.read_bytes(), type=kind)
        at = path.stat().st_mtime
    except (OSError, msgspec.MsgspecError):
        return None
    return status if now_wall / SECOND - at < FRESH_SECS and _alive(getattr(status, "pid", 0)) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
